"""The evening: one a day and project, nothing between two, told to the manager, read as page and workbook (V5)."""

import datetime as dt
import io
from collections.abc import Callable
from decimal import Decimal

import openpyxl
import pytest
from django.core import mail
from django.db import DatabaseError, IntegrityError, transaction
from django.utils import timezone

from collection import evenings
from collection.evenings import Span, consolidate_evenings, read_consolidation, reasons_now, set_hour, since_last
from collection.models import ArrearsReason, Case, Evening, EveningHour, EveningReason, OwnerRequest, SubReason
from collection.reasons import Reason, set_reason
from collection.requests import answer_request
from company.mailing import mail_notifications
from company.models import AuditEvent, Notification, Project, Role, User
from tests.collection.desk import Desk, said
from tests.collection.overlapping import overlapping
from tests.factories import SHANGHAI, create_case, create_project, create_user
from tests.field_factories import create_field_case, create_field_worker, create_request, queries
from tests.preparation import owner_connection

EVENING = dt.datetime(2025, 12, 2, 18, 1, tzinfo=SHANGHAI)
HOUR, DAY, MINUTE = dt.timedelta(hours=1), dt.timedelta(days=1), dt.timedelta(minutes=1)
MANAGERS = frozenset({Role.PROJECT_MANAGER})
VACANT = Reason(ArrearsReason.OTHER, SubReason.VACANT)


@pytest.fixture
def project(db: None) -> Project:
    return create_project()


@pytest.fixture
def manager(project: Project) -> User:
    return create_user(name="沈静宜", project=project, role=Role.PROJECT_MANAGER, email="m@example.com")


@pytest.fixture
def case(project: Project) -> Case:
    return create_field_case(project=project, by=create_field_worker(project=project))


def evening_of(project: Project) -> Evening:
    return Evening.objects.get(project=project)


@pytest.mark.django_db
class TestConsolidating:
    @pytest.mark.parametrize(("clock", "done"), [(dt.time(17, 59), 0), (dt.time(18), 1), (dt.time(23, 59), 1)])
    def test_when_the_hour_has_come(self, project: Project, clock: dt.time, done: int) -> None:
        assert consolidate_evenings(now=dt.datetime.combine(EVENING.date(), clock, SHANGHAI)) == done

    def test_at_the_hour_of_the_project(self, project: Project, manager: User) -> None:
        set_hour(project, dt.time(20, 30), by=manager, now=EVENING)
        assert consolidate_evenings(now=EVENING) == 0
        assert consolidate_evenings(now=EVENING + 3 * HOUR) == 1
        assert AuditEvent.objects.filter(action="evening_hour.set").exists()

    def test_once_a_day_and_project_however_often_it_runs(self, project: Project) -> None:
        create_project()
        moments = [EVENING, EVENING + MINUTE, EVENING + 4 * HOUR, EVENING - HOUR, EVENING + DAY, EVENING]
        assert [consolidate_evenings(now=moment) for moment in moments] == [2, 0, 0, 0, 2, 0]

    def test_a_closed_project_has_none(self, project: Project) -> None:
        Project.objects.update(is_active=False)
        assert consolidate_evenings(now=EVENING) == 0

    def test_each_begins_where_the_one_before_ended(self, project: Project, case: Case) -> None:
        """Also after days on which nobody ran: what came in between stands in the next, once."""
        at = [EVENING - 2 * HOUR, EVENING - MINUTE, EVENING + HOUR, EVENING + 2 * DAY, EVENING + 3 * DAY + HOUR]
        for moment in at:
            create_request(case=case, at=moment)
        for days in (0, 3, 4):
            consolidate_evenings(now=EVENING + days * DAY)
        counted = Evening.objects.order_by("day").values_list("new_requests", flat=True)
        assert list(counted) == [1, 3, 1]
        spans = list(Evening.objects.order_by("day").values_list("since_at", "until_at"))
        assert [since for since, _until in spans[1:]] == [until for _since, until in spans[:-1]]

    def test_keeps_the_list_of_reasons_as_it_stood(self, project: Project, case: Case) -> None:
        by = create_user()
        set_reason([case], VACANT, by=by, roles=MANAGERS, now=EVENING - HOUR)
        other = create_case(project=project)
        consolidate_evenings(now=EVENING)
        set_reason([other], VACANT, by=by, roles=MANAGERS, now=EVENING + HOUR)
        kept = EveningReason.objects.values_list("reason", "sub_reason", "cases", "overdue")
        assert set(kept) == {("other", "vacant", 1, case.overdue), ("unknown", "", 1, other.overdue)}
        assert evening_of(project).changed_reasons == 1
        assert [line.cases for line in reasons_now(Case.objects.filter(project=project))] == [2]

    def test_counts_what_waits_and_what_waits_too_long(self, project: Project, case: Case, manager: User) -> None:
        for days in (0, 2, 3, 4, 9):
            create_request(case=case, at=EVENING - days * DAY - HOUR)
        answered = create_request(case=case, at=EVENING - 9 * DAY)
        answer_request(answered.pk, "已修", by=manager, now=EVENING - HOUR)
        consolidate_evenings(now=EVENING)
        evening = evening_of(project)
        assert (evening.unanswered, evening.overdue_answers) == (5, 2)


@pytest.mark.django_db
class TestReading:
    def span(self) -> Span:
        return Span(EVENING - DAY, EVENING)

    def test_by_department_with_age_the_oldest_first(self, case: Case) -> None:
        security = create_request(case=case, at=EVENING - 5 * DAY, department=OwnerRequest.Department.SECURITY)
        old = create_request(case=case, at=EVENING - 8 * DAY)
        new = create_request(case=case, at=EVENING - 2 * HOUR)
        told = read_consolidation(Case.objects.all(), self.span())
        found = {line.department: [(one.asked, one.days, one.is_late) for one in line.waiting]
                 for line in told.departments}  # fmt: skip
        assert found == {
            OwnerRequest.Department.SECURITY: [(security, 5, True)],
            OwnerRequest.Department.SERVICE: [(old, 8, True), (new, 0, False)],
        }
        assert told.asked == [new]

    def test_what_was_answered_later_was_open_then(self, case: Case, manager: User) -> None:
        asked = create_request(case=case, at=EVENING - HOUR)
        answer_request(asked.pk, "已修", by=manager, now=EVENING + HOUR)
        then = read_consolidation(Case.objects.all(), self.span())
        assert (then.unanswered, then.answered) == (1, [])
        after = read_consolidation(Case.objects.all(), Span(EVENING, EVENING + DAY))
        assert (after.unanswered, after.answered) == (0, [asked])

    def test_a_changed_reason_says_what_it_was(self, case: Case) -> None:
        by = create_user()
        set_reason([case], Reason(ArrearsReason.BURGLED), by=by, roles=MANAGERS, now=EVENING - 2 * DAY)
        set_reason([case], VACANT, by=by, roles=MANAGERS, now=EVENING - 2 * HOUR, note="电话核实")
        set_reason([case], Reason(ArrearsReason.OTHER), by=by, roles=MANAGERS, now=EVENING - HOUR)
        moves = read_consolidation(Case.objects.all(), self.span()).moves
        told = [(move.before.key, move.after.key) for move in moves]
        assert told == [("burgled", "other/vacant"), ("other/vacant", "other")]

    def test_costs_the_same_for_few_and_for_many(self, project: Project) -> None:
        def cost(number: int) -> int:
            for _ in range(number):
                case = create_case(project=project)
                create_request(case=case, at=EVENING - HOUR)
                set_reason([case], VACANT, by=create_user(), roles=MANAGERS, now=EVENING - HOUR)
            with queries() as asked:
                told = read_consolidation(Case.objects.all(), self.span())
                assert all(one.case.account.unit.code and one.created_by.name for one in told.asked)
                assert all(move.change.case.account.unit.code for move in told.moves)
            return len(asked)

        assert cost(3) == cost(27)


@pytest.mark.django_db
class TestDigest:
    def test_is_mailed_once_with_figures_and_without_rooms(self, project: Project, case: Case, manager: User) -> None:
        create_request(case=case, at=EVENING - 5 * DAY, text="主卫渗水")
        create_request(case=case, at=EVENING - HOUR, kind=OwnerRequest.Kind.COMPLAINT)
        for _ in range(2):
            consolidate_evenings(now=EVENING)
            Notification.objects.filter(mailed_at=None).update(created_at=EVENING)
            mail_notifications(now=EVENING + MINUTE)
        [message] = mail.outbox
        assert message.to == ["m@example.com"]
        assert "新增诉求 1 件，未答复 2 件" in message.subject
        assert "客服部：2 件，最久 5 天，逾期 1 件" in message.body
        assert f"{case.overdue:,.2f}" in message.body
        for private in (case.account.unit.code, "主卫渗水", case.account.ownership.party_name):
            assert private not in message.subject + message.body

    def test_a_day_without_anything_is_kept_and_told_to_nobody(self, project: Project, manager: User) -> None:
        consolidate_evenings(now=EVENING)
        assert Evening.objects.count() == 1
        assert not Notification.objects.exists()

    def test_an_answer_is_told_to_who_answers_for_the_case_once(self, case: Case, manager: User) -> None:
        asked = create_request(case=case)
        for _ in range(2):
            answer_request(asked.pk, "12月6日上门修", by=manager, now=EVENING)
        [note] = Notification.objects.all()
        assert note.user == case.responsible
        assert note.title == f"{case.account.unit.code}：报修已有答复，请转告业主"
        assert Desk(case.project, user=note.user).client.get(note.url).status_code == 200

    def test_who_answers_it_themselves_is_not_told(self, case: Case) -> None:
        assert case.responsible
        answer_request(create_request(case=case).pk, "已修", by=case.responsible, now=EVENING)
        assert not Notification.objects.exists()


@pytest.mark.django_db
class TestPage:
    @pytest.fixture(autouse=True)
    def clock(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(timezone, "now", lambda: EVENING + HOUR)

    def test_shows_the_day_so_far_and_an_evening(self, case: Case) -> None:
        create_request(case=case, at=EVENING - HOUR, text="楼道灯不亮")
        consolidate_evenings(now=EVENING)
        create_request(case=case, at=EVENING + MINUTE, text="电梯异响")
        desk = Desk(case.project)
        now, then = desk.get("evening").context["told"], desk.get("evening", "?day=2025-12-02").context["told"]
        assert [asked.text for asked in now.asked] == ["电梯异响"]
        assert [asked.text for asked in then.asked] == ["楼道灯不亮"]
        assert (now.unanswered, then.unanswered) == (2, 1)

    @pytest.mark.parametrize("query", ["?day=2025-11-01", "?day=gestern", "?day=", "?day=9999-99-99"])
    def test_a_day_that_is_none_is_now(self, case: Case, query: str) -> None:
        page = Desk(case.project).get("evening", query)
        assert (page.status_code, page.context["shown"]) == (200, None)

    def test_a_head_sees_the_team_alone(self, project: Project, case: Case) -> None:
        head = create_field_worker(project=project, name="周启明", role=Role.DEPARTMENT_HEAD)
        own = create_field_case(project=project, by=head)
        for one in (case, own):
            create_request(case=one, at=EVENING - HOUR)
        consolidate_evenings(now=EVENING)
        desk = Desk(project, user=head)
        for query in ("", "?day=2025-12-02"):
            page = desk.get("evening", query)
            waiting = [one.asked.case for line in page.context["told"].departments for one in line.waiting]
            assert waiting == [own]
            assert case.account.unit.code not in page.text
        assert sum(line.cases for line in desk.get("evening").context["reasons"]) == 1
        assert desk.get("evening", "?day=2025-12-02").context["reasons"] == []
        assert desk.post("evening_export").status_code == 403

    def test_the_workbook_has_a_sheet_for_each(self, case: Case, manager: User) -> None:
        create_request(case=case, at=EVENING - 6 * DAY, text="=1+1")
        answered = create_request(case=case, at=EVENING - 2 * HOUR, text="灯不亮")
        answer_request(answered.pk, "已换", by=manager, now=EVENING - HOUR)
        set_reason([case], VACANT, by=manager, roles=MANAGERS, now=EVENING - HOUR, note="电话核实")
        desk = Desk(case.project, user=manager)
        sheets = self.sheets(desk)
        assert list(sheets) == ["新增诉求", "已答复", "未答复", "原因变更", "欠费原因清单"]
        unit, member = case.account.unit.code, case.responsible.name
        assert sheets["未答复"][1][:3] == (unit, "报修", "=1+1")
        assert sheets["未答复"][1][6:] == (member, 6, "已逾期")
        assert sheets["已答复"][1][7] == "已换"
        assert sheets["原因变更"][1][1:4] == ("原因未知", "房屋空置", "电话核实")
        row = sheets["欠费原因清单"][1]
        assert row[0] == unit
        assert Decimal(str(row[5])) == case.overdue
        assert case.account.ownership.party_name not in str(sheets)
        assert AuditEvent.objects.filter(action="evening.exported", user=manager).exists()

    def test_the_workbook_of_an_evening_has_its_reasons(self, case: Case, manager: User) -> None:
        consolidate_evenings(now=EVENING)
        set_reason([case], VACANT, by=manager, roles=MANAGERS, now=EVENING + MINUTE)
        sheets = self.sheets(Desk(case.project, user=manager), "?day=2025-12-02")
        assert sheets["欠费原因"][1] == ("原因未知", 1, float(case.overdue))

    def sheets(self, desk: Desk, query: str = "") -> dict[str, list[tuple[object, ...]]]:
        answer = desk.client.post(desk.url("evening_export") + query)
        book = openpyxl.load_workbook(io.BytesIO(answer.content))
        return {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book}

    @pytest.mark.parametrize(("hour", "kept"), [("20:30", True), ("11:59", False), ("23:31", False), ("spät", False)])
    def test_the_manager_sets_the_hour(self, project: Project, hour: str, kept: bool) -> None:
        desk = Desk(project)
        answer = desk.post("evening_hour", {"hour": hour})
        assert EveningHour.objects.exists() == kept
        assert said(answer)


CHANGES: list[Callable[[Evening], object]] = [
    lambda evening: Evening.objects.update(new_requests=9),
    lambda evening: Evening.objects.all().delete(),
    lambda evening: EveningReason.objects.update(cases=9),
    lambda evening: EveningReason.objects.filter(evening=evening).delete(),
    lambda evening: Evening.objects.create(
        project=evening.project, day=evening.day, since_at=EVENING, until_at=EVENING + HOUR, new_requests=0,
        changed_reasons=0, unanswered=0, overdue_answers=0,
    ),
    lambda evening: Evening.objects.create(
        project=evening.project, day=evening.day + DAY, since_at=EVENING, until_at=EVENING, new_requests=0,
        changed_reasons=0, unanswered=0, overdue_answers=0,
    ),
    lambda evening: Evening.objects.create(
        project=evening.project, day=evening.day + DAY, since_at=EVENING, until_at=EVENING + HOUR, new_requests=0,
        changed_reasons=0, unanswered=0, overdue_answers=1,
    ),
    lambda evening: EveningReason.objects.create(evening=evening, reason="unknown", cases=1, overdue=1),
    lambda evening: EveningReason.objects.create(
        evening=evening, reason="burgled", sub_reason="vacant", cases=1, overdue=1
    ),
    lambda evening: EveningHour.objects.create(
        project=evening.project, hour=dt.time(8), changed_at=EVENING, changed_by=create_user()
    ),
]  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("change", range(len(CHANGES)))
def test_the_database_refuses(case: Case, change: int) -> None:
    consolidate_evenings(now=EVENING)
    with pytest.raises((IntegrityError, DatabaseError)), transaction.atomic():
        CHANGES[change](evening_of(case.project))


@pytest.mark.django_db(transaction=True)
class TestTwoBeats:
    """The second draws the day together while the first has not committed."""

    def run(self) -> list[object]:
        project = create_project()
        create_user(project=project, role=Role.PROJECT_MANAGER)
        create_request(case=create_case(project=project), at=EVENING - HOUR)
        return overlapping(*[lambda: consolidate_evenings(now=EVENING)] * 2)

    def test_draw_it_together_once(self) -> None:
        assert self.run() == [1, 0]
        assert Evening.objects.count() == EveningReason.objects.count() == Notification.objects.count() == 1

    def test_control_without_the_key_they_draw_it_twice(self) -> None:
        table, name = "collection_evening", "one_evening_a_day"
        with owner_connection() as owner:
            owner.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        try:
            assert self.run() == [1, 1]
            assert Evening.objects.count() == 2
        finally:
            with owner_connection() as owner:
                owner.execute(f"TRUNCATE {table} CASCADE")
                owner.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} UNIQUE (project_id, day)")


@pytest.mark.django_db
def test_without_an_evening_the_day_begins_at_midnight(project: Project) -> None:
    span = since_last(project, now=EVENING)
    assert timezone.localtime(span.since).time() == dt.time(0)
    assert span.day == evenings.timezone.localdate(EVENING)
