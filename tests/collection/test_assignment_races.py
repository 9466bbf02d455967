"""Two people confirm the same draft at the same moment."""

import datetime as dt
import threading

import pytest
from django.db import connection, transaction

from collection import assignment
from collection.assignment import Confirmation, NotADraftError
from collection.models import Assignment, AssignmentProposal
from company.models import AuditEvent, User
from tests.collection.estate import Estate
from tests.factories import create_user

DAY = dt.timedelta(days=1)
Draft = AssignmentProposal


def confirm_at_once(estate: Estate, draft: AssignmentProposal, people: list[User]) -> list[object]:
    """Two people press the button at the same moment; the first holds its transaction open for a while."""
    results: list[object] = [None, None]
    started, commit = threading.Event(), threading.Event()

    def press(index: int) -> None:
        try:
            with transaction.atomic():
                results[index] = estate.confirm(draft, by=people[index])
                started.set()
                if index == 0:
                    commit.wait(5)
        except NotADraftError as error:
            results[index] = error
        connection.close()

    threads = [threading.Thread(target=press, args=[index]) for index in (0, 1)]
    threads[0].start()
    started.wait(5)
    threads[1].start()
    threads[1].join(0.5)
    commit.set()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.django_db(transaction=True)
class TestRaces:
    @pytest.fixture
    def people(self) -> list[User]:
        return [create_user(name="沈静宜"), create_user(name="韩志远")]

    def test_of_two_confirmations_one_counts(self, people: list[User]) -> None:
        estate = Estate(cases=2)
        draft = estate.propose()
        first, second = confirm_at_once(estate, draft, people)
        assert first == Confirmation(handed_over=4, unchanged=0)
        assert isinstance(second, NotADraftError)
        draft.refresh_from_db()
        assert draft.confirmed_by == people[0]
        assert Assignment.objects.count() == 4
        assert AuditEvent.objects.filter(action="assignment.confirmed").count() == 1

    def test_control_without_the_lock_both_count(self, people: list[User], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(assignment, "_lock", lambda pk: AssignmentProposal.objects.get(pk=pk))
        estate = Estate(cases=2)
        draft = estate.propose()
        confirm_at_once(estate, draft, people)
        draft.refresh_from_db()
        assert draft.confirmed_by == people[1]  # the first one's name is lost
        assert AuditEvent.objects.filter(action="assignment.confirmed").count() == 2
