"""Defects behind a dispute: what is agreed, mended and signed, and what follows for visits, ladder and words (C6)."""

import datetime as dt
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone
from pytest_django import Settings

from collection.events import Happening, events_of
from collection.limits import Limit, breaches, clearances, holds_of
from collection.models import ArrearsReason, Case, ContactAttempt, Measure, RectificationItem, RectificationMove
from collection.reasons import Reason
from collection.rectification import (
    Defect,
    RepairDayError,
    RepairMoveError,
    RepairReusedError,
    add_item,
    agree_on,
    correct,
    drop,
    mark_done,
    reopen,
    sign_off,
)
from collection.stages import standings
from collection.talking_points import talking_points
from company.models import Project, Role, User
from tests.collection.desk import Desk
from tests.factories import NOW, TODAY, create_contact, create_project, create_user
from tests.field_factories import create_field_case, create_request, photo, queries
from tests.mark_factories import create_proof
from tests.repair_factories import create_repair

DAY = dt.timedelta(days=1)
Channel = ContactAttempt.Channel
Part, Liable, State = RectificationItem.Part, RectificationItem.Liable, RectificationItem.State

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


@pytest.fixture
def media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def project() -> Project:
    return create_project()


@pytest.fixture
def case(project: Project) -> Case:
    return create_field_case(project=project, reason=ArrearsReason.RECTIFICATION)


@pytest.fixture
def by() -> User:
    return create_user(name="赵启明")


def at(day: dt.date) -> dt.datetime:
    return NOW + (day - TODAY)


def refused(case: Case, day: dt.date, channel: Channel = Channel.VISIT) -> list[Limit]:
    reasons = clearances([case], channel, now=at(day))[case.pk].reasons
    return [reason.limit for reason in reasons if reason.limit != Limit.NOT_VERIFIED]


def signed(item: RectificationItem, by: User, *, on: dt.date = TODAY) -> RectificationItem:
    mark_done(item.pk, on, by=by, now=at(on))
    return sign_off(item.pk, on, proof=create_proof(case=item.case), by=by, now=at(on))


class TestMoves:
    def test_from_report_to_signature_and_the_history_keeps_it(self, case: Case, by: User) -> None:
        item = create_repair(case=case, by=by)
        agree_on(item.pk, TODAY + 3 * DAY, by=by, now=NOW, note="业主在家")
        mark_done(item.pk, TODAY + 2 * DAY, by=by, now=at(TODAY + 2 * DAY))
        reopen(item.pk, by=by, now=at(TODAY + 2 * DAY), note="又渗水")
        assert signed(item, by, on=TODAY + 4 * DAY).state == State.SIGNED_OFF
        kinds = list(item.moves.values_list("kind", flat=True))
        assert kinds == ["recorded", "agreed", "done", "reopened", "done", "signed_off"]

    def test_sent_twice_it_is_one(self, case: Case, by: User) -> None:
        submission = uuid.uuid4()
        rows = [
            add_item(case, Defect(Part.PRIVATE, "渗水", TODAY), by=by, now=NOW, submission=submission) for _n in "ab"
        ]
        assert rows[0] == rows[1]
        with pytest.raises(RepairReusedError):
            add_item(case, Defect(Part.PRIVATE, "开裂", TODAY), by=by, now=NOW, submission=submission)

    def test_days_that_cannot_be(self, case: Case, by: User) -> None:
        item = create_repair(case=case)
        for act in (
            lambda: agree_on(item.pk, TODAY - DAY, by=by, now=NOW),
            lambda: mark_done(item.pk, TODAY + DAY, by=by, now=NOW),
            lambda: mark_done(item.pk, TODAY - DAY, by=by, now=NOW),  # before it was reported
            lambda: create_repair(case=case, agreed_on=TODAY - DAY),
        ):
            with pytest.raises(RepairDayError):
                act()

    def test_what_is_over_moves_no_more(self, case: Case, by: User) -> None:
        over = [signed(create_repair(case=case), by), drop(create_repair(case=case).pk, by=by, now=NOW, note="误报")]
        for item in over:
            for act in (
                lambda pk=item.pk: agree_on(pk, TODAY + DAY, by=by, now=NOW),
                lambda pk=item.pk: mark_done(pk, TODAY, by=by, now=NOW),
                lambda pk=item.pk: drop(pk, by=by, now=NOW, note="x"),
                lambda pk=item.pk: correct(
                    pk, part=Part.COMMON, liable=Liable.COMPANY, warranty_until=None, by=by, now=NOW
                ),
            ):
                with pytest.raises(RepairMoveError):
                    act()

    def test_nobody_signs_off_what_is_not_mended(self, case: Case, by: User) -> None:
        item = create_repair(case=case)
        with pytest.raises(RepairMoveError):
            sign_off(item.pk, TODAY, proof=create_proof(case=case), by=by, now=NOW)


class TestVisits:
    def test_before_the_agreed_date_nobody_visits_for_the_fee(self, case: Case) -> None:
        create_repair(case=case, agreed_on=TODAY + 3 * DAY)
        days = (TODAY, TODAY + 2 * DAY, TODAY + 3 * DAY)
        assert [refused(case, day) for day in days] == [[Limit.AGREED_DATE], [Limit.AGREED_DATE], []]
        [reason] = clearances([case], Channel.VISIT, now=NOW)[case.pk].reasons
        assert "主卫渗水" in reason.text
        assert refused(case, TODAY, Channel.CALL) == []
        assert not holds_of([case], now=NOW)  # letters are no visits

    def test_the_date_furthest_ahead_counts_and_another_may_take_its_place(self, case: Case, by: User) -> None:
        first = create_repair(case=case, agreed_on=TODAY + 5 * DAY)
        create_repair(case=case, agreed_on=TODAY + 2 * DAY, text="外墙渗水")
        assert refused(case, TODAY + 4 * DAY) == [Limit.AGREED_DATE]
        agree_on(first.pk, TODAY + DAY, by=by, now=NOW)
        assert refused(case, TODAY + DAY) == [Limit.AGREED_DATE]  # the other one
        assert refused(case, TODAY + 2 * DAY) == []

    def test_mending_alone_frees_nothing_and_the_signature_does(self, case: Case, by: User) -> None:
        item = create_repair(case=case, agreed_on=TODAY + 5 * DAY)
        mark_done(item.pk, TODAY, by=by, now=NOW)
        assert refused(case, TODAY) == [Limit.AGREED_DATE]
        sign_off(item.pk, TODAY, proof=create_proof(case=case), by=by, now=NOW)
        assert refused(case, TODAY) == []

    def test_dropping_frees_too(self, case: Case, by: User) -> None:
        drop(create_repair(case=case, agreed_on=TODAY + 5 * DAY).pk, by=by, now=NOW, note="误报")
        assert refused(case, TODAY) == []

    def test_a_late_visit_is_judged_by_what_was_agreed_when_it_took_place(self, case: Case) -> None:
        create_repair(case=case, agreed_on=TODAY + 5 * DAY)
        visits = [
            create_contact(case=case, channel=Channel.VISIT, outcome=ContactAttempt.Outcome.MET_OWNER, at=moment)
            for moment in (NOW - dt.timedelta(days=2), NOW + dt.timedelta(days=2))
        ]
        assert [Limit.AGREED_DATE in breaches(visit) for visit in visits] == [False, True]

    def test_costs_as_many_queries_for_many_as_for_few(self, project: Project) -> None:
        counted = []
        for number in (3, 27):
            cases = [create_field_case(project=project) for _n in range(number)]
            for case in cases:
                create_repair(case=case, agreed_on=TODAY + DAY)
            with queries() as captured:
                clearances(cases, Channel.VISIT, now=NOW)
            counted.append(len(captured))
        assert counted[0] == counted[1]


class TestTheLadder:
    def climbed(self, case: Case, day: dt.date) -> bool:
        return any(
            event.happening == Happening.AGREED_DATE for event in events_of([case], now=at(day))[case.pk]
        )  # fmt: skip

    def test_following_the_repair_ends_when_every_item_is_past_its_date(self, case: Case, by: User) -> None:
        create_repair(case=case, agreed_on=TODAY + 2 * DAY)
        other = create_repair(case=case, text="外墙渗水")
        assert not self.climbed(case, TODAY + 9 * DAY)  # on the other nothing is agreed
        agree_on(other.pk, TODAY + 4 * DAY, by=by, now=NOW)
        assert [self.climbed(case, TODAY + days * DAY) for days in (3, 4)] == [False, True]

    def test_an_answer_alone_is_no_end_where_items_are_open(self, case: Case, by: User) -> None:
        create_request(case=case, answered_at=NOW, answered_by=by, answer="安排维修")
        assert self.climbed(case, TODAY)
        create_repair(case=case)
        assert not self.climbed(case, TODAY)

    def test_no_step_is_ready_before_the_agreed_date(self, case: Case) -> None:
        before = standings([case], now=NOW)[case.pk].ready_on
        create_repair(case=case, agreed_on=TODAY + 30 * DAY)
        assert before < TODAY + 30 * DAY == standings([case], now=NOW)[case.pk].ready_on


class TestWords:
    APART, OURS = "两边都往前走", "这是我们该管的"

    def said(self, *parts: RectificationItem.Part) -> str:
        return "".join(talking_points(Reason(ArrearsReason.RECTIFICATION), {}, parts=parts).say)

    def test_that_repair_and_fee_are_apart_is_said_for_private_parts_only(self) -> None:
        assert self.APART in self.said(Part.PRIVATE)
        for parts in ((), (Part.COMMON,), (Part.PRIVATE, Part.COMMON)):
            assert self.APART not in self.said(*parts)
        assert self.OURS in self.said(Part.COMMON)
        never = talking_points(Reason(ArrearsReason.RECTIFICATION), {}, parts=[Part.COMMON]).never
        assert any("与物业费无关" in line for line in never)

    def test_other_reasons_are_not_touched(self) -> None:
        reason = Reason(ArrearsReason.BURGLED)
        assert talking_points(reason, {}, parts=[Part.COMMON]) == talking_points(reason, {})


class TestTheDatabase:
    @pytest.mark.parametrize(
        ("change", "constraint"),
        [
            ({"state": "done"}, "repair_done_says_when"),
            ({"done_on": TODAY}, "repair_done_says_when"),
            ({"state": "signed_off", "done_on": TODAY}, "repair_signed_off_with_proof"),
            ({"agreed_on": TODAY}, "agreed_date_of_repair_says_since_when"),
            ({"defect": "别的"}, "kept"),
        ],
        ids=str,
    )
    def test_half_a_move_is_refused(self, case: Case, change: dict[str, object], constraint: str) -> None:
        item = create_repair(case=case)
        with pytest.raises(DatabaseError, match=constraint), transaction.atomic():
            RectificationItem.objects.filter(pk=item.pk).update(**change)

    def test_no_signature_before_the_repair(self, case: Case, by: User) -> None:
        item = signed(create_repair(case=case), by)
        with pytest.raises(DatabaseError, match="repair_signed_off_after_it_is_done"), transaction.atomic():
            RectificationItem.objects.filter(pk=item.pk).update(signed_off_on=TODAY - DAY)

    def test_the_history_stands(self, case: Case) -> None:
        item = create_repair(case=case)
        moves = RectificationMove.objects.filter(item=item)
        attacks: list[Callable[[], object]] = [
            lambda: moves.update(note="x"),
            lambda: moves._raw_delete("default"),
            lambda: RectificationItem.objects.filter(pk=item.pk)._raw_delete("default"),
        ]
        for attack in attacks:
            with pytest.raises(DatabaseError, match=r"append-only|kept|permission denied"), transaction.atomic():
                attack()

    def test_a_move_with_a_day_names_it(self, case: Case, by: User) -> None:
        item = create_repair(case=case)
        with pytest.raises(DatabaseError, match="repair_move_names_its_day"), transaction.atomic():
            RectificationMove.objects.create(item=item, kind="agreed", at=NOW, by=by)


class TestPages:
    @pytest.fixture
    def officer(self, project: Project) -> Desk:
        return Desk(project, Role.OFFICER, "王倩")

    @pytest.fixture
    def own(self, project: Project, officer: Desk) -> Case:
        return create_field_case(project=project, by=officer.user, reason=ArrearsReason.RECTIFICATION)

    def typed(self, **changes: object) -> dict[str, object]:
        return {
            "submission": str(uuid.uuid4()), "defect": "主卫渗水", "part": "private", "liable": "developer",
            "reported_on": "2025-11-20", "agreed_on": (timezone.localdate() + dt.timedelta(days=5)).isoformat(),
        } | changes  # fmt: skip

    def test_from_the_case_to_the_signature(self, officer: Desk, own: Case) -> None:
        assert officer.post("repair_new", self.typed(), pk=own.pk).status_code == 302
        item = RectificationItem.objects.get()
        page = officer.get("case", pk=own.pk).content.decode()
        assert all(word in page for word in ("主卫渗水", "户内", officer.url("repair", pk=item.pk), "不为收费上门"))
        officer.post("repair", {"act": "done", "day": "2025-11-21"}, pk=item.pk)
        from django.core.files.uploadedfile import SimpleUploadedFile

        sheet = SimpleUploadedFile("验收.jpg", photo(width=40, height=30))
        officer.post("repair", {"act": "signed_off", "day": "2025-11-22", "proof": sheet}, pk=item.pk)
        item.refresh_from_db()
        assert (item.state, item.signed_off_on) == (State.SIGNED_OFF, dt.date(2025, 11, 22))
        assert officer.get("repair_sign_off", pk=item.pk).status_code == 200
        assert "业主已签字" in officer.get("repair", pk=item.pk).content.decode()

    @pytest.mark.parametrize(
        "changes",
        [
            {"defect": " "},
            {"part": "roof"},
            {"reported_on": "2999-01-01"},
            {"agreed_on": "2020-01-01"},
            {"agreed_on": "2999-01-01"},
        ],
        ids=str,
    )
    def test_what_cannot_be_recorded(self, officer: Desk, own: Case, changes: dict[str, object]) -> None:
        assert officer.post("repair_new", self.typed(**changes), pk=own.pk).status_code == 200
        assert not RectificationItem.objects.exists()

    @pytest.mark.parametrize(
        "sent",
        [{"act": "agreed"}, {"act": "agreed", "day": "2020-01-01"}, {"act": "dropped"}, {"act": "recorded"}, {}],
        ids=str,
    )
    def test_half_an_act_changes_nothing(self, officer: Desk, own: Case, sent: dict[str, object]) -> None:
        item = create_repair(case=own)
        assert officer.post("repair", sent, pk=item.pk).status_code == 200
        item.refresh_from_db()
        assert (item.state, item.agreed_on) == (State.OPEN, None)

    def test_others_may_look_and_not_act(self, project: Project, own: Case) -> None:
        item = create_repair(case=own)
        finance = Desk(project, Role.FINANCE, "何琳")
        assert finance.get("repair", pk=item.pk).status_code == 200
        assert finance.post("repair", {"act": "dropped", "note": "x"}, pk=item.pk).status_code == 403
        stranger = Desk(project, Role.OFFICER, "李四")
        assert stranger.get("repair", pk=item.pk).status_code == 404
        assert stranger.post("repair_new", self.typed(), pk=own.pk).status_code == 404

    def test_the_next_step_names_the_defects(self, officer: Desk, own: Case) -> None:
        create_repair(case=own, part=Part.COMMON)
        page = officer.get("case", pk=own.pk).content.decode()
        assert "还没有约定日期" in page
        assert own.next_measure != Measure.LITIGATE
