"""Two contacts with one person at the same moment, each on another of their units."""

import datetime as dt
import threading
import uuid

import pytest
from django.db import connection, transaction

from arrears.models import Account
from collection import contacts
from collection.contacts import ContactReport, record_contact
from collection.models import Case, ContactAttempt
from company.models import Role
from tests.factories import (
    NOW,
    create_case,
    create_owner,
    create_ownership,
    create_project,
    create_unit,
    create_user,
)

HOUR = dt.timedelta(hours=1)


def cases_of_one_owner() -> list[Case]:
    project = create_project()
    owner = create_owner(project=project, name="李小博")
    cases = []
    for _ in range(2):
        unit = create_unit(project=project)
        ownership = create_ownership(unit=unit, owners=[owner])
        cases.append(create_case(account=Account.objects.create(project=project, unit=unit, ownership=ownership)))
    return cases


def visit_at_once(cases: list[Case]) -> list[str]:
    """The second visit is recorded before the first has committed; returns the limits that they passed."""
    started, commit = threading.Event(), threading.Event()
    by = create_user(name="王倩")

    def visit(case: Case) -> None:
        report = ContactReport(
            channel=ContactAttempt.Channel.VISIT, outcome=ContactAttempt.Outcome.NO_ANSWER, happened_at=NOW + HOUR
        )
        with transaction.atomic():
            record_contact(
                case, report, by=by, roles=frozenset({Role.OFFICER}), now=NOW + 2 * HOUR, submission=uuid.uuid4()
            )
            if not started.is_set():
                started.set()
                commit.wait(5)
        connection.close()

    threads = [threading.Thread(target=visit, args=[case]) for case in cases]
    threads[0].start()
    started.wait(5)
    threads[1].start()
    threads[1].join(0.5)
    commit.set()
    for thread in threads:
        thread.join()
    return list(ContactAttempt.objects.order_by("pk").values_list("breach", flat=True))


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_the_second_visit_of_a_day_is_marked(self) -> None:
        assert visit_at_once(cases_of_one_owner()) == ["", "visits_a_day"]

    def test_control_without_the_lock_neither_is(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(contacts, "lock_people", lambda case: None)
        assert visit_at_once(cases_of_one_owner()) == ["", ""]
