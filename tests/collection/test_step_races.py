"""Acts that compute a case's next step while somebody else changes its reason."""

import datetime as dt
import threading
from collections.abc import Callable

import pytest
from django.db import connection, transaction

from collection import requests, verifying
from collection.models import ArrearsReason, Case
from collection.reasons import Reason, set_reason
from collection.requests import answer_request
from collection.stages import standings
from collection.verifying import verify_cases
from company.models import Role, User
from tests.factories import NOW, TODAY, create_case, create_contact, create_project, create_user
from tests.field_factories import create_request

HOUR = dt.timedelta(hours=1)
Act = Callable[[Case, User], None]


def verify(case: Case, by: User) -> None:
    verify_cases([case], project=case.project, by=by, today=TODAY, now=NOW + HOUR, looked_up=True)


def answer(case: Case, by: User) -> None:
    answer_request(case.requests.get().pk, "周五上门检修", by=by, now=NOW + HOUR)


def step_after(act: Act) -> tuple[str, str]:
    """The step that stands on the case, and the one that follows from what happened."""
    case = create_case(project=create_project(), amount="9000.00", due_on=dt.date(2024, 1, 31), today=TODAY)
    by = create_user(name="赵启明", project=case.project, role=Role.DEPARTMENT_HEAD)
    create_contact(case=case, outcome="met_owner", at=NOW)  # the reminder is done: what comes next goes by the reason
    if act is answer:
        create_request(case=case, at=NOW)
    started, commit = threading.Event(), threading.Event()

    def change_reason() -> None:
        with transaction.atomic():
            set_reason([case], Reason(ArrearsReason.BURGLED), by=by, roles=frozenset({Role.DEPARTMENT_HEAD}), now=NOW)
            started.set()
            commit.wait(5)
        connection.close()

    def act_meanwhile() -> None:
        act(Case.objects.get(pk=case.pk), by)
        connection.close()

    first, second = threading.Thread(target=change_reason), threading.Thread(target=act_meanwhile)
    first.start()
    started.wait(5)
    second.start()
    second.join(0.5)
    commit.set()
    first.join()
    second.join()
    case.refresh_from_db()
    return case.next_step, standings([case], now=NOW + HOUR)[case.pk].step.key


def read_open(case_ids: list[int]) -> list[Case]:
    return list(Case.objects.filter(pk__in=case_ids).open().select_related("account", "project"))


def read_case(case_id: int) -> Case:
    return Case.objects.select_related("project").get(pk=case_id)


@pytest.mark.django_db(transaction=True)
class TestRaces:
    @pytest.mark.parametrize("act", [verify, answer])
    def test_the_step_is_that_of_the_new_reason(self, act: Act) -> None:
        stands, follows = step_after(act)
        assert stands == follows

    @pytest.mark.parametrize("act", [verify, answer])
    def test_control_without_the_locks_it_is_that_of_the_old_one(
        self, act: Act, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(verifying, "_lock_open", read_open)
        monkeypatch.setattr(requests, "_lock_case", read_case)
        stands, follows = step_after(act)
        assert stands != follows
