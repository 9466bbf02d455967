"""The house stands: services answer, the application's role is the one that tests run as."""

import subprocess

import pytest
from django.db import connection
from django.test import Client

from house.places import Refusal
from house.processes import giving_way


@pytest.mark.django_db
def test_health_names_both_services(client: Client) -> None:
    response = client.get("/healthz")
    assert response.json() == {"ok": True, "database": True, "broker": True}


@pytest.mark.django_db
def test_tests_run_as_the_application_role() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == ("arrears_app", False)


@pytest.mark.parametrize(("given", "nice"), [("", "19"), ("0", "0"), ("7", "7")])
def test_the_worker_runs_at_the_priority_that_is_set(monkeypatch: pytest.MonkeyPatch, given: str, nice: str) -> None:
    monkeypatch.setenv("ARREARS_WORKER_NICE", given)
    run = subprocess.run(giving_way(["nice"]), capture_output=True, text=True, check=True, start_new_session=True)
    assert run.stdout.strip() == nice


@pytest.mark.parametrize("given", ["abc", "-5", "20", "1.5"])
def test_a_priority_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("ARREARS_WORKER_NICE", given)
    with pytest.raises(Refusal, match="ARREARS_WORKER_NICE is a whole number from 0 to 19"):
        giving_way(["nice"])
