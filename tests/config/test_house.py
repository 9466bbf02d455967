"""The house stands: services answer, the application's role is the one that tests run as."""

import pytest
from django.db import connection
from django.test import Client


@pytest.mark.django_db
def test_health_names_both_services(client: Client) -> None:
    response = client.get("/healthz")
    assert response.json() == {"ok": True, "database": True, "broker": True}


@pytest.mark.django_db
def test_tests_run_as_the_application_role() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == ("arrears_app", False)
