"""Weekly and monthly reports: one a period whatever beat does, kept as they were, reviewed by the manager (D5)."""

import datetime as dt
import io
import threading
import uuid
from collections.abc import Callable
from decimal import Decimal

import openpyxl
import pytest
from django.db import DatabaseError, connection, transaction

from collection import reports
from collection.models import Case, PeriodReport, Playbook, ReportReview
from collection.playbooks import activate, propose_plan, start_draft
from collection.report_page import read_report
from collection.reports import OtherPlaybookError, make_report, make_reports, period_of, review
from company.models import Notification, Project, Role, User
from company.sweeping import SweepError
from tests.arrears.spoiling import as_owner
from tests.collection.desk import Desk, said
from tests.factories import (
    NOW,
    SHANGHAI,
    create_account,
    create_campaign,
    create_case,
    create_charge,
    create_contact,
    create_payment,
    create_project,
    create_team,
    create_user,
)

Kind = PeriodReport.Kind
DAY = dt.timedelta(days=1)
LAST_WEEK = period_of(Kind.WEEK, dt.date(2025, 11, 20))
TUESDAY = dt.datetime(2025, 11, 25, 8, 0, tzinfo=SHANGHAI)

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return create_project(code="FHC1")


@pytest.fixture
def manager(project: Project) -> User:
    return create_user(name="沈静宜", project=project, role=Role.PROJECT_MANAGER)


def weeks(project: Project) -> list[dt.date]:
    return sorted(PeriodReport.objects.filter(project=project, kind=Kind.WEEK).values_list("starts_on", flat=True))


class TestWhen:
    @pytest.mark.parametrize(
        ("day", "first", "last"),
        [
            (dt.date(2025, 11, 23), dt.date(2025, 11, 17), dt.date(2025, 11, 23)),
            (dt.date(2025, 11, 24), dt.date(2025, 11, 24), dt.date(2025, 11, 30)),
        ],
    )
    def test_weeks_go_from_monday_to_sunday(self, day: dt.date, first: dt.date, last: dt.date) -> None:
        period = period_of(Kind.WEEK, day)
        assert (period.starts_on, period.ends_on) == (first, last)

    def test_months_of_any_length(self) -> None:
        ends = [period_of(Kind.MONTH, dt.date(2024, month, 15)).ends_on.day for month in (1, 2, 4, 12)]
        assert ends == [31, 29, 30, 31]
        assert period_of(Kind.MONTH, dt.date(2025, 1, 31)).before.starts_on == dt.date(2024, 12, 1)

    def test_on_the_second_morning_after_the_period_and_once(self, project: Project, manager: User) -> None:
        create_case(project=project)
        make_reports(now=TUESDAY - dt.timedelta(minutes=1))
        assert weeks(project) == [dt.date(2025, 11, 10)]
        assert [make_reports(now=TUESDAY), make_reports(now=TUESDAY)] == [1, 0]
        assert weeks(project)[-1] == LAST_WEEK.starts_on
        assert Notification.objects.filter(user=manager, key__startswith="report/").count() == 3  # two weeks, a month

    def test_what_passed_while_nothing_ran_is_made_up_for(self, project: Project) -> None:
        create_case(project=project)
        make_reports(now=TUESDAY)
        make_reports(now=TUESDAY + 28 * DAY)
        assert weeks(project) == [LAST_WEEK.starts_on + 7 * n * DAY for n in range(5)]
        make_reports(now=TUESDAY - 3 * DAY)  # a clock that was put back makes nothing twice
        assert len(weeks(project)) == 5

    def test_a_project_without_cases_gets_none(self, project: Project) -> None:
        assert make_reports(now=TUESDAY) == 0


def test_a_project_whose_figures_fail_keeps_no_other_from_its_report(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = create_project()
    for one in (project, later):
        create_case(project=one)
    sound = reports.figures_of

    def figures_of(one: Project, period: reports.Period) -> dict[str, object]:
        if one == project:
            raise ArithmeticError
        return sound(one, period)

    monkeypatch.setattr(reports, "figures_of", figures_of)
    with pytest.raises(SweepError):
        make_reports(now=TUESDAY)
    assert {report.project for report in PeriodReport.objects.all()} == {later}


class TestFigures:
    def test_they_add_up_to_the_project(self, project: Project) -> None:
        create_campaign(project=project)
        team = create_team(project=project, name="一组")
        case = create_case(project=project, team=team)
        other = create_case(project=project, amount="50.00")
        dissolved = create_team(project=project, name="旧组", is_active=False)
        left = create_case(project=project, amount="1.00", team=dissolved)
        payer = create_account(project=project)
        create_charge(account=payer, amount="5.00", due_on=dt.date(2025, 12, 31))
        create_payment(account=payer, amount="5.00", received_on=dt.date(2025, 11, 18), now=TUESDAY)
        for account, amount, day in ((case.account, "40.00", 18), (other.account, "7.00", 23), (case.account, "1", 24)):
            create_payment(account=account, amount=amount, received_on=dt.date(2025, 11, day), now=TUESDAY)
        create_contact(case=case, outcome="met_owner", at=NOW)
        make_report(project, LAST_WEEK, now=TUESDAY)
        page = read_report(PeriodReport.objects.get())
        totals = {str(label): value for label, value, _is_money in page.totals}
        assert totals["本期收款"] == Decimal(52)
        assert sum(line.received for line in page.teams) == Decimal(52)
        assert sum(line.open for line in page.teams) == Case.objects.filter(project=project).open().count()
        assert left.team.name in [line.name for line in page.teams]
        assert sum(line.contacts for line in page.teams) == 1
        [rate] = page.rates
        assert rate.current.whole == 151
        assert rate.current.part == 47  # as of Sunday: Monday's money is not in it

    def test_what_is_posted_later_changes_nothing(self, project: Project) -> None:
        case = create_case(project=project)
        make_report(project, LAST_WEEK, now=TUESDAY)
        before = PeriodReport.objects.get().figures
        create_payment(account=case.account, amount="40.00", received_on=dt.date(2025, 11, 18))
        assert not make_report(project, LAST_WEEK, now=TUESDAY + DAY)
        assert PeriodReport.objects.get().figures == before


class TestReviews:
    def test_names_the_playbook_that_it_led_to(self, project: Project, manager: User) -> None:
        create_case(project=project)
        make_report(project, LAST_WEEK, now=TUESDAY)
        draft = start_draft(project, by=manager, now=NOW)
        report, desk = PeriodReport.objects.get(), Desk(project, user=manager)
        sent = {"submission": str(uuid.uuid4()), "text": "上门太晚，提前到 5 天", "playbook": draft.pk}
        for _n in "ab":
            assert "已保存" in said(desk.post("report_review", sent, pk=report.pk))
        assert ReportReview.objects.get().playbook == draft
        assert "v1" in desk.get("report", pk=report.pk).content.decode()
        assert "上门太晚" in desk.get("playbook_detail", pk=draft.pk).content.decode()

    def test_not_a_playbook_of_another_project_or_case(self, project: Project, manager: User) -> None:
        case = create_case(project=project)
        make_report(project, LAST_WEEK, now=TUESDAY)
        report = PeriodReport.objects.get()
        foreign = start_draft(create_project(code="X"), by=manager, now=NOW)
        for wrong in (foreign, propose_plan(case, by=manager, now=NOW)):
            with pytest.raises(OtherPlaybookError):
                review(report, "x", playbook=wrong, by=manager, now=NOW, submission=uuid.uuid4())
            sent = {"submission": str(uuid.uuid4()), "text": "x", "playbook": wrong.pk}
            assert Desk(project, user=manager).post("report_review", sent, pk=report.pk).status_code == 200
        assert not ReportReview.objects.exists()

    def test_wants_words_and_the_manager(self, project: Project, manager: User) -> None:
        create_case(project=project)
        make_report(project, LAST_WEEK, now=TUESDAY)
        report, sent = PeriodReport.objects.get(), {"submission": str(uuid.uuid4()), "text": " "}
        assert Desk(project, user=manager).post("report_review", sent, pk=report.pk).status_code == 200
        leader = Desk(project, Role.COMPANY_LEADER, "顾伟")
        assert leader.get("report", pk=report.pk).status_code == 200
        assert leader.post("report_review", {**sent, "text": "x"}, pk=report.pk).status_code == 403
        assert not ReportReview.objects.exists()


class TestPages:
    def test_list_page_and_workbook(self, project: Project, manager: User) -> None:
        create_case(project=project)
        create_team(project=project, name="一组")
        draft = start_draft(project, by=manager, now=NOW)
        activate(draft.pk, revision=0, by=manager, now=NOW, note="首版")
        make_report(project, LAST_WEEK, now=TUESDAY)
        report, desk = PeriodReport.objects.get(), Desk(project, user=manager)
        assert report.playbook == Playbook.objects.get()
        assert "2025-11-17" in desk.get("reports").content.decode()
        assert "口径" in desk.get("report", pk=report.pk).content.decode()
        response = desk.get("report_export", pk=report.pk)
        book = openpyxl.load_workbook(io.BytesIO(b"".join(response.streaming_content)))
        assert len(book.sheetnames) == 4


class TestTheDatabase:
    def test_reports_and_reviews_stand(self, project: Project, manager: User) -> None:
        create_case(project=project)
        make_report(project, LAST_WEEK, now=TUESDAY)
        report = PeriodReport.objects.get()
        review(report, "x", playbook=None, by=manager, now=NOW, submission=uuid.uuid4())
        attacks: list[Callable[[], object]] = [
            lambda: PeriodReport.objects.update(figures={}),
            lambda: PeriodReport.objects.all()._raw_delete("default"),
            lambda: ReportReview.objects.update(text="y"),
            lambda: ReportReview.objects.all()._raw_delete("default"),
        ]
        for attack in attacks:
            with pytest.raises(DatabaseError, match=r"append-only|permission denied"), transaction.atomic():
                attack()

    @pytest.mark.parametrize(
        ("change", "constraint"),
        [
            ({}, "report_once_a_period"),
            ({"starts_on": dt.date(2025, 12, 1)}, "report_ends_after_its_start"),
            ({"kind": "year"}, "report_of_a_known_kind"),
        ],
        ids=str,
    )
    def test_odd_reports_are_refused(self, project: Project, change: dict[str, object], constraint: str) -> None:
        create_case(project=project)
        make_report(project, LAST_WEEK, now=TUESDAY)
        told = {"project": project, "kind": "week", "starts_on": LAST_WEEK.starts_on, "ends_on": LAST_WEEK.ends_on}
        with pytest.raises(DatabaseError, match=constraint), transaction.atomic():
            PeriodReport.objects.create(figures={}, made_at=NOW, **{**told, **change})

    def test_a_review_says_something(self, project: Project, manager: User) -> None:
        create_case(project=project)
        make_report(project, LAST_WEEK, now=TUESDAY)
        with pytest.raises(DatabaseError, match="review_says_something"), transaction.atomic():
            ReportReview.objects.create(
                report=PeriodReport.objects.get(), text="", at=NOW, by=manager, submission=uuid.uuid4()
            )


@pytest.mark.django_db(transaction=True)
class TestTwoBeats:
    def at_once(self) -> list[object]:
        """Two beats make the same report; the first holds its transaction open for a while."""
        project = create_project(code="FHC1")
        create_user(name="沈静宜", project=project, role=Role.PROJECT_MANAGER)
        create_case(project=project)
        results: list[object] = [None, None]
        started, commit = threading.Event(), threading.Event()

        def run(index: int) -> None:
            try:
                with transaction.atomic():
                    results[index] = make_report(project, LAST_WEEK, now=TUESDAY)
                    started.set()
                    if index == 0:
                        commit.wait(5)
            finally:
                connection.close()

        threads = [threading.Thread(target=run, args=[index]) for index in (0, 1)]
        threads[0].start()
        started.wait(5)
        threads[1].start()
        threads[1].join(0.5)
        commit.set()
        for thread in threads:
            thread.join()
        return results

    def test_one_report_and_one_line_under_the_bell(self) -> None:
        assert self.at_once() == [True, False]
        assert PeriodReport.objects.count() == 1
        assert Notification.objects.count() == 1

    def test_control_without_the_unique_key_there_are_two(self) -> None:
        with as_owner() as owner:
            owner.execute("ALTER TABLE collection_periodreport DROP CONSTRAINT report_once_a_period")
        try:
            self.at_once()
            assert PeriodReport.objects.count() == 2
        finally:
            with as_owner() as owner:
                owner.execute("TRUNCATE collection_periodreport CASCADE")
                owner.execute(
                    "ALTER TABLE collection_periodreport "
                    "ADD CONSTRAINT report_once_a_period UNIQUE (project_id, kind, starts_on)"
                )
