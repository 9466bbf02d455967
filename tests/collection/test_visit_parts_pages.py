"""The other units of a person on the visit form, on the page and on the phone: what is offered, and what is taken."""

import datetime as dt
import json
import re
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpResponse
from django.utils import timezone
from pytest_django import Settings

from collection.following import follow_ledger
from collection.models import Case, ContactAttempt, Visit
from collection.phone_round import phone_round
from collection.syncing import MESSAGE_VERSION
from company.models import Project
from owners.merging import split_persons
from owners.models import PersonMerge
from tests.collection.desk import Desk
from tests.collection.units_of_one import cases_of_one_person
from tests.factories import NOW, TODAY, create_payment, create_project, create_promise, create_user
from tests.field_factories import create_field_case, create_field_worker

pytestmark = pytest.mark.django_db
LATER = NOW + dt.timedelta(hours=2)
DAY = dt.timedelta(days=1)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path) -> None:
    monkeypatch.setattr(timezone, "now", lambda: LATER)
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def project() -> Project:
    return create_project()


@pytest.fixture
def worker(project: Project) -> Desk:
    return Desk(project, user=create_field_worker(project=project))


@pytest.fixture
def cases(project: Project, worker: Desk) -> list[Case]:
    return cases_of_one_person(project, worker.user, worker.user, worker.user)


def typed(case: Case, *also: object, **fields: Any) -> dict[str, Any]:
    return {
        "client_id": str(uuid.uuid4()), "responsible_id": case.responsible_id or "", "outcome": "met_owner",
        "payment": "not_discussed", "reason": "", "request_kind": "", "next_contact": "by_rule",
        "happened_at": "2025-11-23T10:40", "also": [str(one) for one in also],
    } | fields  # fmt: skip


def message(case: Case, *also: object, **fields: Any) -> dict[str, Any]:
    told = typed(case, *also) | {"revision": 1, "case": case.pk, "phone": "first"} | fields
    if not also:
        del told["also"]
    return told


def sync(worker: Desk, told: dict[str, Any]) -> dict[str, Any]:
    sent = {"version": MESSAGE_VERSION, "visit": json.dumps(told)}
    answer: dict[str, Any] = worker.post("visits_sync", sent).json()
    return answer


def ticks(page: HttpResponse) -> dict[str, bool]:
    """By case id of each unit on offer whether it is ticked."""
    boxes = page.context["form"]["also"].subwidgets
    return {str(box.data["value"]): bool(box.data["selected"]) for box in boxes}


def served() -> list[Case]:
    """The cases on which there is a part of a visit."""
    return [part.case for part in ContactAttempt.objects.exclude(part_of=None).order_by("case")]


class TestOnThePage:
    def test_the_other_units_are_offered_and_ticked(self, worker: Desk, cases: list[Case]) -> None:
        first, second, third = cases
        page = worker.get("visit", pk=first.pk)
        assert "一并登记的房屋" in page.text
        assert ticks(page) == {str(second.pk): True, str(third.pk): True}
        receipt = worker.client.get(worker.post("visit", typed(first, second.pk), pk=first.pk).url).text
        assert "1-1-102" in receipt
        assert "1-1-103" not in receipt
        assert served() == [second]

    def test_who_has_one_unit_is_asked_nothing(self, worker: Desk, project: Project) -> None:
        case = create_field_case(project=project, by=worker.user)
        page = worker.get("visit", pk=case.pk)
        assert ticks(page) == {}
        assert "<fieldset data-also hidden>" in page.text
        assert worker.post("visit", typed(case), pk=case.pk).status_code == 302

    def test_what_is_held_is_offered_and_not_ticked(self, worker: Desk, cases: list[Case]) -> None:
        first, second, third = cases
        create_promise(case=second, pay_by=TODAY + 3 * DAY, at=NOW - 9 * DAY)
        page = worker.get("visit", pk=first.pk)
        assert ticks(page) == {str(second.pk): False, str(third.pk): True}
        assert re.search(r"1-1-102<small>承诺未到期", page.text)
        assert re.search(r"1-1-103</span>", page.text)

    def test_what_was_unticked_stays_so_beside_an_error(self, worker: Desk, cases: list[Case]) -> None:
        first, second, third = cases
        page = worker.post("visit", typed(first, third.pk, outcome=""), pk=first.pk)
        assert ticks(page) == {str(second.pk): False, str(third.pk): True}

    def test_cases_on_which_one_may_not_log_are_neither_offered_nor_taken(self, project: Project) -> None:
        mine, theirs = (create_field_worker(project=project, name=name) for name in ("王倩", "孙立"))
        first, second = cases_of_one_person(project, mine, theirs)
        worker = Desk(project, user=mine)
        assert ticks(worker.get("visit", pk=first.pk)) == {}
        page = worker.post("visit", typed(first, second.pk), pk=first.pk)
        assert (page.status_code, "请取消勾选" in page.text) == (200, True)
        assert not Visit.objects.exists()

    @pytest.mark.parametrize("value", ["", "x", "-1", "1" * 30, "²", "0"])
    def test_odd_values_are_refused(self, worker: Desk, cases: list[Case], value: str) -> None:
        page = worker.post("visit", typed(cases[0], value), pk=cases[0].pk)
        assert (page.status_code, "请取消勾选" in page.text) == (200, True)
        assert not Visit.objects.exists()

    def test_the_case_itself_and_those_of_other_people_are_refused(
        self, worker: Desk, cases: list[Case], project: Project
    ) -> None:
        stranger = create_field_case(project=project, by=worker.user)
        for other in (cases[0], stranger):
            assert "请取消勾选" in worker.post("visit", typed(cases[0], other.pk), pk=cases[0].pk).text
        assert not Visit.objects.exists()


class TestFromThePhone:
    def test_it_arrives_once_with_its_parts(self, worker: Desk, cases: list[Case]) -> None:
        told = message(cases[0], cases[1].pk, cases[2].pk)
        assert [sync(worker, told)["state"] for _ in range(2)] == ["recorded", "recorded"]
        assert (Visit.objects.count(), served()) == (1, cases[1:])

    def test_a_message_of_an_older_page_names_none(self, worker: Desk, cases: list[Case]) -> None:
        assert sync(worker, message(cases[0]))["state"] == "recorded"
        assert served() == []

    def test_one_of_the_units_was_paid_meanwhile(self, worker: Desk, cases: list[Case], project: Project) -> None:
        first, second, third = cases
        create_payment(account=second.account, amount="100.00")
        follow_ledger(today=TODAY, now=NOW, project=project)
        answer = sync(worker, message(first, second.pk, third.pk))
        assert answer["state"] == "flagged"
        assert answer["flags"] == [{"key": "also_paid", "text": "1-1-102期间已缴清"}]
        assert served() == [second, third]
        second.refresh_from_db()
        assert (second.state, second.next_contact_on) == (Case.State.CLOSED, None)

    def test_units_that_are_not_one_persons_any_more_come_back_with_the_reason(
        self, worker: Desk, cases: list[Case]
    ) -> None:
        told = message(cases[0], cases[1].pk)
        for merge in PersonMerge.objects.order_by("-pk"):
            split_persons(merge, by=create_user(), now=NOW)
        answer = sync(worker, told)
        assert (answer["state"], answer["errors"][0]["field"]) == ("refused", "also")
        assert sync(worker, told | {"also": [], "revision": 2})["state"] == "recorded"
        assert served() == []

    def test_the_round_names_the_units_and_nothing_more_of_them(
        self, worker: Desk, cases: list[Case], project: Project
    ) -> None:
        _first, second, third = cases
        create_promise(case=third, pay_by=TODAY + 3 * DAY, at=NOW - 9 * DAY)
        [entrance] = phone_round(project, worker.user, now=NOW)["entrances"]
        assert entrance["rows"][0]["also"] == [
            {"case": second.pk, "unit": "1-1-102", "ticked": True, "why": ""},
            {"case": third.pk, "unit": "1-1-103", "ticked": False, "why": "承诺未到期、11月27日起可联系"},
        ]
        assert "also" not in entrance["rows"][2]

    def test_after_the_visit_its_units_lie_there_as_visited(
        self, worker: Desk, cases: list[Case], project: Project
    ) -> None:
        sync(worker, message(cases[0], cases[1].pk))
        [entrance] = phone_round(project, worker.user, now=LATER)["entrances"]
        assert [row["stop"] for row in entrance["rows"]] == ["visited", "visited", "not_today"]
