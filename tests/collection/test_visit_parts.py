"""One visit for several units of a person: each of their cases sees it, everything that counts visits counts one."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from pytest_django import Settings

from collection.alerts import CONTACTED
from collection.call_backs import contacts_of_weeks
from collection.commending import efforts
from collection.daily_sheet import daily_sheet
from collection.events import Happening, events_of
from collection.limits import Limit, clearances, passed_limits
from collection.models import ArrearsReason, Case, ContactAttempt, OwnerRequest, PeriodReport, PromiseToPay
from collection.promises import Promised
from collection.reasons import Reason
from collection.reports import figures_of, period_of
from collection.requests import Requested, answer_request, forward_request
from collection.rounds import Stop, build_round
from collection.timeline import timeline
from collection.timeline_entries import Entry, Group
from collection.visit_revisions import Settled, VisitConflictError, VisitSettledError, remove_visit
from company.models import AuditEvent, Project, User
from tests.collection.test_limits import cases_of_shared_owners
from tests.collection.units_of_one import cases_of_one_person
from tests.collection.visits_told import again, send, told
from tests.conduct_factories import create_complaint
from tests.factories import NOW, SHANGHAI, TODAY, create_contact, create_project, create_promise, create_user
from tests.field_factories import create_field_worker

Channel, Outcome, Payment = ContactAttempt.Channel, ContactAttempt.Outcome, ContactAttempt.Payment
PROMISED = Promised(TODAY + dt.timedelta(days=5), Decimal("100.00"))
LEAK = Requested(OwnerRequest.Kind.REPAIR, "主卫渗水", OwnerRequest.Department.ENGINEERING)
DAY = dt.timedelta(days=1)
LATER = NOW + dt.timedelta(minutes=10)


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def project(db: None) -> Project:
    return create_project()


@pytest.fixture
def worker(project: Project) -> User:
    return create_field_worker(project=project)


@pytest.fixture
def cases(project: Project, worker: User) -> list[Case]:
    """Three units of one person; the worker answers for all of them."""
    return cases_of_one_person(project, worker, worker, worker)


def contacts_on(case: Case, viewer: User | None = None) -> list[Entry]:
    return [entry for entry in timeline(case, viewer=viewer) if entry.group == Group.CONTACT]


def changes(case: Case) -> list[tuple[str, str]]:
    """Title and detail of what the timeline says of visits that were corrected or removed, the latest first."""
    return [
        (entry.title, entry.detail)
        for entry in timeline(case)
        if entry.icon == "walk" and entry.group == Group.INTERNAL
    ]


class TestEachCaseSeesIt:
    def test_step_next_contact_alerts_and_round(self, project: Project, worker: User, cases: list[Case]) -> None:
        first, second, third = cases
        steps = [case.next_step for case in cases]
        assert len(set(steps)) == 1
        visit = send(first, told(first, [second], next_contact_on=TODAY + 4 * DAY), worker)
        for case in cases:
            case.refresh_from_db()
        assert first.next_step == second.next_step != third.next_step
        assert [case.next_contact_on for case in cases] == [TODAY + 4 * DAY, TODAY + 4 * DAY, None]
        assert set(Case.objects.filter(CONTACTED)) == {first, second}
        [part] = visit.contact.parts.all()
        assert (part.case, part.happened_at, part.recorded_by, part.outcome) == (second, NOW, worker, "met_owner")
        happened = {event.happening for event in events_of([second], now=NOW)[second.pk]}
        assert {Happening.ATTEMPTED, Happening.VISITED, Happening.REACHED} <= happened
        rows = build_round(project, worker, now=LATER).rows
        assert [row.stop for row in rows] == [Stop.VISITED, Stop.VISITED, Stop.NOT_TODAY]

    def test_what_was_said_stays_at_the_door_where_it_was_told(self, worker: User, cases: list[Case]) -> None:
        first, second, _third = cases
        report = told(
            first, [second], payment=Payment.PROMISED, promised=PROMISED, requested=LEAK, note="月底发工资",
            reason=Reason(ArrearsReason.BURGLED),
        )  # fmt: skip
        send(first, replace(report, slip_posted=True), worker)
        second.refresh_from_db()
        part = second.contacts.get()
        assert (part.payment, part.note, second.reason) == (Payment.NOT_DISCUSSED, "", ArrearsReason.UNKNOWN)
        assert (PromiseToPay.objects.get().case, OwnerRequest.objects.get().case) == (first, first)
        assert Happening.SLIP_LEFT not in {event.happening for event in events_of([second], now=NOW)[second.pk]}
        later = clearances([second], Channel.VISIT, now=NOW + 2 * DAY)[second.pk]
        assert {refusal.limit for refusal in later.reasons} & {Limit.PROMISE, Limit.REQUEST} == set()

    def test_the_timelines_show_it_once_and_lead_to_where_it_was_told(self, worker: User, cases: list[Case]) -> None:
        first, second, third = cases
        send(first, told(first, [second], note="月底发工资"), worker)
        [own] = contacts_on(first, worker)
        [part] = contacts_on(second, worker)
        [elsewhere] = contacts_on(third, worker)
        assert (own.detail, own.told_at, own.served) == ("月底发工资", None, [second])
        assert (part.told_at, part.served, "月底" in part.detail) == (first, [], False)
        assert (elsewhere.told_at, elsewhere.contact) == (None, None)

    def test_who_does_not_see_the_other_case_is_not_led_there(
        self, project: Project, worker: User, cases: list[Case]
    ) -> None:
        first, second, _third = cases
        stranger = create_field_worker(project=project, name="孙立")
        send(first, told(first, [second]), worker)
        Case.objects.filter(pk=second.pk).update(responsible=stranger, team=stranger.team_memberships.get().team)
        [part] = contacts_on(Case.objects.get(pk=second.pk), stranger)
        assert (part.told_at, first.account.unit.code in part.title + part.detail) == (None, False)

    def test_a_contact_after_it_stands(self, worker: User, cases: list[Case]) -> None:
        first, second, third = cases
        create_contact(case=second, outcome=Outcome.MET_OWNER, at=NOW + dt.timedelta(minutes=5))
        Case.objects.filter(pk=second.pk).update(next_contact_on=TODAY + 9 * DAY)
        send(first, told(first, [second, third], next_contact_on=TODAY + DAY), worker, now=LATER)
        days = Case.objects.order_by("pk").values_list("next_contact_on", flat=True)
        assert list(days) == [TODAY + DAY, TODAY + 9 * DAY, TODAY + DAY]

    def test_a_late_message_does_not_undo_what_a_part_set(self, worker: User, cases: list[Case]) -> None:
        first, second, _third = cases
        send(first, told(first, [second], next_contact_on=TODAY + 4 * DAY), worker)
        late = told(second, happened_at=NOW - dt.timedelta(hours=2), next_contact_on=TODAY)
        send(second, late, worker, now=LATER)
        second.refresh_from_db()
        assert second.next_contact_on == TODAY + 4 * DAY


class TestCountsOnce:
    def test_for_the_limits_of_the_person(self, worker: User, cases: list[Case]) -> None:
        for days in (0, 1, 2):
            at = NOW + days * DAY
            visit = send(cases[0], told(cases[0], cases[1:], happened_at=at), worker, now=at)
            assert visit.contact.breach == "", "three visits to three units each are three"
        at = NOW + 3 * DAY
        visit = send(cases[0], told(cases[0], cases[1:], happened_at=at), worker, now=at)
        assert passed_limits(visit.contact) == [Limit.VISITS_A_WEEK]

    def test_a_co_owner_of_the_other_unit_was_visited_too(self, project: Project, worker: User) -> None:
        first, both, of_wang = cases_of_shared_owners(project)
        send(first, told(first, [both]), worker)
        for case in (first, both, of_wang):
            refused = [one.limit for one in clearances([case], Channel.VISIT, now=LATER)[case.pk].reasons]
            assert refused == [Limit.VISITS_A_DAY]
        again_tomorrow = [
            one.limit for one in clearances([of_wang], Channel.VISIT, now=NOW + DAY + DAY / 24)[of_wang.pk].reasons
        ]
        assert Limit.VISITS_A_WEEK not in again_tomorrow

    def test_what_holds_one_of_the_cases_was_passed(self, worker: User, cases: list[Case]) -> None:
        first, second, third = cases
        create_promise(case=second, pay_by=TODAY + 3 * DAY, at=NOW - 9 * DAY)
        assert passed_limits(send(first, told(first, [third]), worker).contact) == []
        tomorrow = NOW + DAY
        visit = send(first, told(first, [second], happened_at=tomorrow), worker, now=tomorrow)
        assert passed_limits(visit.contact) == [Limit.PROMISE]
        assert visit.contact.parts.get().breach == ""
        [_before, part] = sorted(contacts_on(second, worker), key=lambda entry: entry.at)[-2:]
        assert "承诺" in part.warnings[0]

    def test_in_sheets_reports_praise_and_the_draw(self, project: Project, worker: User, cases: list[Case]) -> None:
        visit = send(cases[0], told(cases[0], cases[1:]), worker)
        [result] = daily_sheet(worker.team_memberships.get().team, now=NOW + DAY).results
        assert (result.attempts, result.visits, result.reached) == (1, 1, 1)
        figures = figures_of(project, period_of(PeriodReport.Kind.WEEK, TODAY))
        assert [line["contacts"] for line in figures["teams"]] == [1]
        assert figures["channels"] == [{"channel": "visit", "contacts": 1, "reached": 1}]
        [effort] = efforts(project, since=TODAY, until=TODAY)
        assert (effort.visits, effort.reached) == (1, 1)
        monday = TODAY - TODAY.weekday() * DAY
        assert contacts_of_weeks(project, [monday]) == {monday: [visit.contact.pk]}


class TestToldAgain:
    def test_the_same_message_is_the_same_visit(self, worker: User, cases: list[Case]) -> None:
        report = told(cases[0], cases[1:])
        assert send(cases[0], report, worker) == send(cases[0], report, worker)
        assert ContactAttempt.objects.count() == 3

    def test_other_units_are_other_content(self, worker: User, cases: list[Case]) -> None:
        first, second, third = cases
        report = told(first, [second])
        hashes = {one.content_sha256() for one in (report, replace(report, also=(third.pk,)), replace(report, also=()))}
        assert len(hashes) == 3
        send(first, report, worker)
        with pytest.raises(VisitConflictError):
            send(first, replace(report, also=(third.pk,)), worker)

    def test_a_correction_takes_the_parts_along(self, worker: User, cases: list[Case]) -> None:
        first, second, third = cases
        report = told(first, [second], next_contact_on=TODAY + 4 * DAY)
        visit = send(first, report, worker)
        kept = visit.contact.parts.get()
        second_telling = again(report, [second, third], outcome=Outcome.NO_ANSWER)
        send(first, second_telling, worker, now=LATER)
        rows = ContactAttempt.objects.order_by("pk").values_list("case", "part_of", "outcome", "breach")
        whole = visit.contact.pk
        assert list(rows) == [
            (first.pk, None, "no_answer", ""), (second.pk, whole, "no_answer", ""), (third.pk, whole, "no_answer", ""),
        ]  # fmt: skip
        assert kept in visit.contact.parts.all(), "what others point to stays"

        send(first, again(second_telling, [third], outcome=Outcome.MET_OWNER), worker, now=LATER)
        for case in cases:
            case.refresh_from_db()
        assert [part.case for part in visit.contact.parts.all()] == [third]
        assert second.next_contact_on == TODAY, "somebody has to look again"
        assert second.next_step != third.next_step == first.next_step
        content = list(first.visit_revisions.values_list("content__also", flat=True))
        assert content == [[second.pk], [second.pk, third.pk], [third.pk]]

    def test_a_removal_takes_them_too(self, worker: User, cases: list[Case]) -> None:
        first, *others = cases
        report = told(first, others, next_contact_on=TODAY + 4 * DAY)
        send(first, report, worker)
        visited = {case.next_step for case in Case.objects.all()}
        remove_visit(first, report.client_id, 2, by=worker, now=LATER)
        remove_visit(first, report.client_id, 2, by=worker, now=LATER)
        assert not ContactAttempt.objects.exists()
        for case in cases:
            case.refresh_from_db()
        assert [case.next_contact_on for case in cases] == [TODAY] * 3
        assert visited.isdisjoint(case.next_step for case in cases)
        assert AuditEvent.objects.filter(action="visits.removed").count() == 3

    def test_each_case_is_told_what_changed_for_it(self, worker: User, cases: list[Case]) -> None:
        first, second, third = cases
        report = told(first, [second, third], note="门口谈过")
        send(first, report, worker)
        corrected = again(report, [second], outcome=Outcome.NO_ANSWER)
        send(first, corrected, worker, now=LATER)
        remove_visit(first, report.client_id, 3, by=worker, now=LATER + DAY)
        assert [changes(case) for case in cases] == [
            [("上门登记已移除", "原为：无人应门、门口谈过"), ("上门登记已修改", "原为：见到业主、门口谈过")],
            [("上门登记已移除", "原为：无人应门"), ("上门登记已修改", "原为：见到业主")],
            [("上门登记已修改", "原为：也为本户登记")],
        ]

    def test_each_case_is_told_of_another_hour(self, worker: User, cases: list[Case]) -> None:
        first, second, _third = cases
        report = told(first, [second], note="门口谈过")
        send(first, report, worker)
        happened_at = report.contact.happened_at
        send(first, again(report, [second], happened_at=happened_at - dt.timedelta(hours=1)), worker, now=LATER)
        hour = f"{happened_at.astimezone(SHANGHAI):%-m月%-d日 %H:%M}"
        assert [changes(case) for case in (first, second)] == [
            [("上门登记已修改", f"原为：{hour}、见到业主、门口谈过")],
            [("上门登记已修改", f"原为：{hour}")],
        ]

    def test_not_where_somebody_complained_on_one_of_the_cases(self, worker: User, cases: list[Case]) -> None:
        first, second, third = cases
        report = told(first, [second])
        create_complaint(contact=send(first, report, worker).contact.parts.get())
        for act in (
            lambda: send(first, again(report, [third]), worker),
            lambda: remove_visit(first, report.client_id, 2, by=worker, now=LATER),
        ):
            with pytest.raises(VisitSettledError) as refusal:
                act()
            assert refusal.value.what == Settled.CONDUCT
        assert [part.case for part in ContactAttempt.objects.exclude(part_of=None)] == [second]

    def test_a_request_that_was_handed_on_and_answered_leaves_the_rest_to_be_corrected(
        self, worker: User, cases: list[Case]
    ) -> None:
        first, second, _third = cases
        report = told(first, requested=LEAK)
        visit = send(first, report, worker)
        request = OwnerRequest.objects.get()
        forward_request(request.pk, OwnerRequest.Department.SECURITY, by=create_user())
        report = again(report, [second], note="门口遇到")
        send(first, report, worker, now=LATER)
        answer_request(request.pk, "明天上门维修", by=create_user(), now=LATER)
        send(first, again(report, [], note="在家里"), worker, now=LATER)
        kept = OwnerRequest.objects.get()
        assert (kept.pk, kept.department) == (request.pk, OwnerRequest.Department.SECURITY)
        visit.contact.refresh_from_db()
        assert visit.contact.note == "在家里"
