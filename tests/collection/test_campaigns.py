"""Campaigns: one runs per project, dates that contradict each other need a reason, milestones are computed."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from collection.campaigns import (
    AnotherRunsError,
    CampaignPlan,
    ContradictionError,
    PlannedMilestone,
    WrongStateError,
    change_state,
    contradictions,
    current_campaign,
    save_campaign,
)
from collection.milestones import Progress, progress_of
from collection.models import Campaign, CampaignTarget, Measure, Milestone, Stage, TargetClass
from company.models import AuditEvent, FilePurpose, Project, Role, StoredFile, User
from notices.models import Notice, NoticeKind, NoticeTemplate
from tests.factories import (
    TODAY,
    confirm_letters,
    create_campaign,
    create_case,
    create_debtor,
    create_law_firm,
    create_letter_project,
    create_project,
    create_user,
)
from tests.notice_factories import send

Kind, State = Milestone.Kind, Campaign.State
START, END = dt.date(2025, 11, 1), dt.date(2025, 12, 31)
GOOD_DATES = {
    Kind.TEMPLATE_READY: dt.date(2025, 11, 15),
    Kind.LETTERS_SENT: dt.date(2025, 12, 5),
    Kind.LITIGATION_PREPARED: dt.date(2025, 12, 20),
}


def plan(*, reason: str = "", **dates: dt.date) -> CampaignPlan:
    due = GOOD_DATES | {Kind(kind): day for kind, day in dates.items()}
    return CampaignPlan(
        name="2025年四季度集中催缴",
        starts_on=START,
        ends_on=END,
        targets={TargetClass.RESIDENTIAL_PROPERTY: Decimal(90), TargetClass.UTILITIES: Decimal(100)},
        milestones={kind: PlannedMilestone(day) for kind, day in due.items()},
        contradiction_reason=reason,
    )


class TestContradictions:
    def test_good_dates(self) -> None:
        assert contradictions(plan()) == []

    @pytest.mark.parametrize(
        "dates",
        [
            {"template_ready": dt.date(2025, 12, 6)},
            {"litigation_prepared": dt.date(2025, 12, 19)},
            {"litigation_prepared": dt.date(2026, 1, 1)},
            {"letters_sent": dt.date(2025, 10, 31), "template_ready": dt.date(2025, 10, 1)},
        ],
        ids=["template after letters", "litigation before the deadline", "after the end", "letters before the start"],
    )
    def test_each_is_pointed_out(self, dates: dict[str, dt.date]) -> None:
        assert len(contradictions(plan(**dates))) == 1

    def test_a_milestone_that_is_left_out_contradicts_nothing(self) -> None:
        only = replace(plan(), milestones={Kind.LETTERS_SENT: PlannedMilestone(dt.date(2025, 12, 5))})
        assert contradictions(only) == []


@pytest.fixture
def project(db: None) -> Project:
    return create_project()


@pytest.fixture
def manager(project: Project) -> User:
    return create_user(name="沈静宜", project=project, role=Role.PROJECT_MANAGER)


class TestSaving:
    def test_a_campaign_has_its_targets_and_milestones(self, project: Project, manager: User) -> None:
        campaign = save_campaign(project, plan(), by=manager)
        assert campaign.state == State.PLANNED
        assert dict(campaign.targets.values_list("target_class", "rate")) == {
            "residential_property": 90,
            "utilities": 100,
        }
        assert dict(campaign.milestones.values_list("kind", "due_on")) == GOOD_DATES | {Kind.CAMPAIGN_ENDS: END}
        assert campaign.milestones.get(kind=Kind.CAMPAIGN_ENDS).responsible == manager

    def test_contradictions_need_a_reason(self, project: Project, manager: User) -> None:
        wrong = {"template_ready": dt.date(2025, 12, 6)}
        with pytest.raises(ContradictionError):
            save_campaign(project, plan(**wrong), by=manager)
        assert not Campaign.objects.exists()
        campaign = save_campaign(project, plan(reason="律所要求", **wrong), by=manager)
        assert campaign.contradiction_reason == "律所要求"
        assert AuditEvent.objects.get().detail["reason"] == "律所要求"

    def test_a_reason_without_need_is_not_kept(self, project: Project, manager: User) -> None:
        assert save_campaign(project, plan(reason="以防万一"), by=manager).contradiction_reason == ""

    def test_changing_replaces_targets_and_milestones(self, project: Project, manager: User) -> None:
        first = save_campaign(project, plan(), by=manager)
        changed = replace(plan(), targets={TargetClass.PARKING: Decimal("85.5")}, milestones={}, ends_on=TODAY)
        campaign = save_campaign(project, changed, by=create_user(), campaign_id=first.pk)
        assert campaign == first
        assert list(campaign.targets.values_list("target_class", "rate")) == [("parking", Decimal("85.50"))]
        (end,) = campaign.milestones.all()
        assert (end.kind, end.due_on, end.responsible) == (Kind.CAMPAIGN_ENDS, TODAY, manager)

    def test_a_closed_campaign_stays(self, project: Project, manager: User) -> None:
        campaign = create_campaign(project=project, state=State.CLOSED)
        with pytest.raises(WrongStateError):
            save_campaign(project, plan(), by=manager, campaign_id=campaign.pk)

    def test_another_projects_campaign_is_not_found(self, project: Project, manager: User) -> None:
        foreign = create_campaign(project=create_project())
        with pytest.raises(Campaign.DoesNotExist):
            save_campaign(project, plan(), by=manager, campaign_id=foreign.pk)


class TestStates:
    def test_start_and_close(self, project: Project, manager: User) -> None:
        campaign = save_campaign(project, plan(), by=manager)
        assert change_state(campaign, State.RUNNING, by=manager).state == State.RUNNING
        assert change_state(campaign, State.CLOSED, by=manager).state == State.CLOSED
        actions = list(AuditEvent.objects.order_by("pk").values_list("action", flat=True))
        assert actions == ["campaign.saved", "campaign.running", "campaign.closed"]

    @pytest.mark.parametrize(
        ("state", "to"),
        [("closed", "running"), ("running", "planned"), ("running", "running"), ("planned", "nonsense")],
    )
    def test_other_moves_are_refused(self, project: Project, manager: User, state: str, to: str) -> None:
        campaign = create_campaign(project=project, state=state)
        with pytest.raises(WrongStateError):
            change_state(campaign, to, by=manager)

    def test_one_runs_at_a_time(self, project: Project, manager: User) -> None:
        create_campaign(project=project)
        second = create_campaign(project=project, state=State.PLANNED)
        with pytest.raises(AnotherRunsError):
            change_state(second, State.RUNNING, by=manager)
        second.refresh_from_db()
        assert second.state == State.PLANNED

    def test_the_current_one(self, project: Project) -> None:
        assert current_campaign(project) is None
        closed = create_campaign(project=project, state=State.CLOSED)
        assert current_campaign(project) == closed
        planned = create_campaign(project=project, state=State.PLANNED, starts_on=dt.date(2025, 12, 1))
        assert current_campaign(project) == planned
        running = create_campaign(project=project)
        assert current_campaign(project) == running


class TestConstraints:
    def test_one_running_campaign(self, project: Project) -> None:
        create_campaign(project=project)
        with pytest.raises(IntegrityError, match="one_running_campaign"), transaction.atomic():
            create_campaign(project=project)

    def test_it_ends_after_it_starts(self, project: Project) -> None:
        with pytest.raises(IntegrityError, match="campaign_ends_after_start"), transaction.atomic():
            create_campaign(project=project, starts_on=START, ends_on=START)

    @pytest.mark.parametrize("rate", [0, -1, 101])
    def test_a_target_is_a_percentage(self, project: Project, rate: int) -> None:
        campaign = create_campaign(project=project)
        with pytest.raises(IntegrityError, match="target_is_percentage"), transaction.atomic():
            CampaignTarget.objects.create(campaign=campaign, target_class=TargetClass.PARKING, rate=rate)

    def test_one_target_a_class_and_one_milestone_a_kind(self, project: Project) -> None:
        campaign = create_campaign(project=project, milestones={Kind.LETTERS_SENT: END})
        with pytest.raises(IntegrityError, match="one_target_per_class"), transaction.atomic():
            CampaignTarget.objects.create(campaign=campaign, target_class=TargetClass.UTILITIES, rate=1)
        with pytest.raises(IntegrityError, match="one_milestone_per_kind"), transaction.atomic():
            Milestone.objects.create(campaign=campaign, kind=Kind.LETTERS_SENT, due_on=END)


def progress(campaign: Campaign, kind: Milestone.Kind, *, today: dt.date = TODAY) -> Progress:
    return next(p for p in progress_of(campaign, today=today) if p.milestone.kind == kind)


@pytest.mark.django_db
class TestProgress:
    def test_template_and_mandate(self) -> None:
        project = create_project()
        campaign = create_campaign(project=project, milestones=GOOD_DATES)
        assert progress(campaign, Kind.TEMPLATE_READY).done == "0 / 2"
        firm = create_law_firm(project=project)
        assert progress(campaign, Kind.TEMPLATE_READY).done == "1 / 2"
        firm.mandated_until = TODAY - dt.timedelta(days=1)
        firm.save()
        assert progress(campaign, Kind.TEMPLATE_READY).done == "0 / 2"

    def test_a_draft_is_no_approved_template(self) -> None:
        project = create_letter_project()
        campaign = create_campaign(project=project, milestones=GOOD_DATES)
        assert progress(campaign, Kind.TEMPLATE_READY).is_complete
        NoticeTemplate.objects.filter(kind=NoticeKind.LAWYER_LETTER).delete()
        assert not progress(campaign, Kind.TEMPLATE_READY).is_complete

    def test_letters_sent_of_letters_due(self) -> None:
        project = create_letter_project()
        campaign = create_campaign(project=project, milestones=GOOD_DATES)
        assert not progress(campaign, Kind.LETTERS_SENT).is_complete  # nothing due is nothing done
        written = [create_debtor(project=project) for _ in range(2)]
        create_case(account=written[0], stage=Stage.LEGAL, next_measure=Measure.LITIGATE)
        create_case(account=create_debtor(project=project), stage=Stage.LEGAL, next_measure=Measure.LAWYER_LETTER)
        create_case(account=create_debtor(project=project), stage=Stage.LEGAL, next_measure=Measure.EMS_NOTICE)
        batch = confirm_letters(project=project, accounts=written)
        assert (progress(campaign, Kind.LETTERS_SENT).count.done, progress(campaign, Kind.LETTERS_SENT).count.due) == (
            0,
            3,
        )
        letters = Notice.objects.filter(batch=batch, account=written[0])
        letters.update(state=Notice.State.ISSUED, **_issued(project))
        send(letters.get())
        assert progress(campaign, Kind.LETTERS_SENT).count.done == 1

    def test_litigation_needs_the_contract_and_an_expired_letter(self) -> None:
        project = create_letter_project()
        campaign = create_campaign(project=project, milestones=GOOD_DATES)
        create_case(account=create_debtor(project=project), stage=Stage.LEGAL)
        count = progress(campaign, Kind.LITIGATION_PREPARED).count
        assert (count.done, count.due) == (0, 1)

    @pytest.mark.parametrize(
        ("day", "done", "complete"), [(dt.date(2025, 10, 1), 0, False), (TODAY, 23, False), (END, 60, False),
                                      (END + dt.timedelta(days=1), 61, True)],
    )  # fmt: skip
    def test_days_of_the_campaign(self, day: dt.date, done: int, complete: bool) -> None:
        campaign = create_campaign(project=create_project(), milestones={Kind.CAMPAIGN_ENDS: END})
        found = progress(campaign, Kind.CAMPAIGN_ENDS, today=day)
        assert (found.count.done, found.count.due, found.is_complete) == (done, 61, complete)

    @pytest.mark.parametrize(
        ("day", "colour"), [(TODAY, ""), (dt.date(2025, 11, 25), "amber"), (dt.date(2025, 12, 6), "red")]
    )
    def test_colour_by_days_left(self, day: dt.date, colour: str) -> None:
        campaign = create_campaign(project=create_project(), milestones={Kind.LETTERS_SENT: dt.date(2025, 12, 5)})
        if day == TODAY:
            campaign.milestones.update(due_on=END)
        assert progress(campaign, Kind.LETTERS_SENT, today=day).colour == colour


def _issued(project: Project) -> dict[str, object]:
    file = StoredFile.objects.create(
        project=project, sha256="1" * 64, name="l.pdf", content_type="application/pdf", size=1,
        purpose=FilePurpose.NOTICE, file="files/l",
    )  # fmt: skip
    return {"file": file, "file_sha256": "1" * 64, "issued_at": dt.datetime(2025, 11, 23, tzinfo=dt.UTC)}
