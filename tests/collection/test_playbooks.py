"""Versions of the ladders: drafted, activated, kept; and what they can never hold."""

import dataclasses
import datetime as dt

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from collection.models import (
    ArrearsReason,
    Case,
    Doer,
    Measure,
    Playbook,
    PlaybookStep,
    Precondition,
    Stage,
    StepReached,
)
from collection.playbooks import (
    LadderError,
    PlannedStep,
    StaleDraftError,
    UtilitiesCutError,
    activate,
    apply_activated,
    default_steps,
    drop_draft,
    end_plan,
    propose_plan,
    save_ladder,
    start_draft,
)
from collection.stages import refresh_all, standings
from company.models import Project, Role, User
from tests.factories import NOW, TODAY, create_case, create_contact, create_project, create_user
from tests.field_factories import queries, verify_case

State = Playbook.State
VERIFY = PlannedStep(Stage.INFORMATION, Measure.VERIFY, "核实", Doer.RESPONSIBLE, due_days=1)
VISIT = PlannedStep(Stage.VISIT, Measure.VISIT, "上门看看", Doer.HEAD, wait_days=4, due_days=6)
CUT = PlannedStep(Stage.LEGAL, Measure.CUT_UTILITIES, "停水停电", Doer.MANAGER)
OPENED = TODAY - dt.timedelta(days=40)

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return create_project()


@pytest.fixture
def manager(project: Project) -> User:
    return create_user(name="沈静宜", project=project, role=Role.PROJECT_MANAGER)


def draft_with(project: Project, by: User, *steps: PlannedStep) -> Playbook:
    draft = start_draft(project, by=by, now=NOW)
    return save_ladder(draft.pk, ArrearsReason.UNKNOWN, steps, revision=draft.revision, by=by)


def in_force(project: Project, by: User, *steps: PlannedStep) -> Playbook:
    draft = draft_with(project, by, *steps)
    return activate(draft.pk, revision=draft.revision, by=by, now=NOW)


def old_case(project: Project, **fields: object) -> Case:
    case = create_case(project=project, amount="8679.56", due_on=dt.date(2024, 1, 31), today=OPENED)
    Case.objects.filter(pk=case.pk).update(**fields)
    case.refresh_from_db()
    return case


class TestDrafts:
    def test_begins_as_what_every_project_starts_with_and_the_cut_switched_off(
        self, project: Project, manager: User
    ) -> None:
        draft = start_draft(project, by=manager, now=NOW)
        assert (draft.number, draft.state) == (1, State.DRAFT)
        for reason in ArrearsReason:
            steps = list(draft.steps.filter(reason=reason))
            assert [step.title for step in steps] == [step.title for step in default_steps(reason)]
            assert [step.is_on for step in steps] == [True] * (len(steps) - 1) + [False]
            assert steps[-1].measure == Measure.CUT_UTILITIES

    def test_there_is_one_at_a_time(self, project: Project, manager: User) -> None:
        first = start_draft(project, by=manager, now=NOW)
        assert start_draft(project, by=manager, now=NOW) == first
        with pytest.raises(IntegrityError), transaction.atomic():
            Playbook.objects.create(project=project, number=7, created_at=NOW, created_by=manager)

    def test_the_next_begins_as_a_copy_of_what_is_in_force(self, project: Project, manager: User) -> None:
        in_force(project, manager, VERIFY, VISIT)
        draft = start_draft(project, by=manager, now=NOW)
        assert draft.number == 2
        assert [step.title for step in draft.steps.filter(reason="unknown", is_on=True)] == ["核实", "上门看看"]

    def test_a_draft_decides_nothing(self, project: Project, manager: User) -> None:
        case = old_case(project)
        verify_case(case, at=NOW)
        draft_with(project, manager, VERIFY, VISIT)
        assert standings([case], now=NOW)[case.pk].step.measure == Measure.REMIND

    def test_steps_keep_their_keys_and_new_ones_get_their_own(self, project: Project, manager: User) -> None:
        again = dataclasses.replace(VISIT, title="再上门")
        draft = draft_with(project, manager, VERIFY, VISIT, again, dataclasses.replace(VISIT, key="visit_again"))
        keys = list(draft.steps.filter(reason="unknown", is_on=True).values_list("key", flat=True))
        assert keys == ["verify", "visit", "visit_2", "visit_again"]

    def test_who_saw_an_older_revision_overwrites_nothing(self, project: Project, manager: User) -> None:
        draft = draft_with(project, manager, VERIFY, VISIT)
        with pytest.raises(StaleDraftError):
            save_ladder(draft.pk, ArrearsReason.UNKNOWN, [VERIFY], revision=0, by=manager)
        assert draft.steps.filter(reason="unknown", is_on=True).count() == 2

    @pytest.mark.parametrize(
        "steps",
        [
            [],
            [dataclasses.replace(VERIFY, is_on=False)],
            [dataclasses.replace(VERIFY, min_days=30)],
            [VERIFY, dataclasses.replace(VERIFY, measure=Measure.CHECK_CLAIM)],
            [VERIFY] * 21,
        ],
        ids=["none", "all off", "not for all", "one that comes by itself", "too many"],
    )
    def test_a_ladder_that_a_case_cannot_be_walked_up_is_refused(
        self, project: Project, manager: User, steps: list[PlannedStep]
    ) -> None:
        draft = draft_with(project, manager, VERIFY)
        with pytest.raises(LadderError):
            save_ladder(draft.pk, ArrearsReason.UNKNOWN, steps, revision=1, by=manager)
        assert draft.steps.filter(reason="unknown", is_on=True).count() == 1

    def test_a_dropped_one_is_gone(self, project: Project, manager: User) -> None:
        draft = draft_with(project, manager, VERIFY)
        drop_draft(draft.pk, by=manager)
        assert not PlaybookStep.objects.exists()
        with pytest.raises(StaleDraftError):
            drop_draft(draft.pk, by=manager)


class TestActivating:
    def test_replaces_what_was_in_force_and_keeps_it(self, project: Project, manager: User) -> None:
        first = in_force(project, manager, VERIFY)
        second = in_force(project, manager, VERIFY, VISIT)
        first.refresh_from_db()
        assert (first.state, first.ended_at) == (State.ENDED, NOW)
        assert (second.state, second.activated_by) == (State.ACTIVE, manager)
        assert first.steps.filter(reason="unknown", is_on=True).count() == 1

    def test_a_stale_or_incomplete_draft_is_refused(self, project: Project, manager: User) -> None:
        draft = draft_with(project, manager, VERIFY)
        with pytest.raises(StaleDraftError):
            activate(draft.pk, revision=0, by=manager, now=NOW)
        PlaybookStep.objects.filter(playbook=draft, reason="burgled").delete()
        with pytest.raises(LadderError):
            activate(draft.pk, revision=1, by=manager, now=NOW)
        assert not Playbook.objects.filter(state=State.ACTIVE).exists()

    def test_all_cases_go_by_it_after_the_worker(self, project: Project, manager: User) -> None:
        cases = [old_case(project) for _number in range(12)]
        for case in cases:
            verify_case(case, at=NOW)
        elsewhere = old_case(create_project(code="X"))
        refresh_all(now=NOW)
        version = in_force(project, manager, VERIFY, VISIT)
        with queries() as captured:
            assert apply_activated(now=NOW) == 12
        assert len(captured) <= 30
        assert set(Case.objects.filter(project=project).values_list("next_step", "next_measure")) == {
            ("visit", "visit")
        }
        assert Case.objects.get(pk=elsewhere.pk).next_step == "verify"
        version.refresh_from_db()
        assert version.applied_at == NOW
        assert apply_activated(now=NOW) == 0

    def test_what_a_case_came_to_before_stays_readable(self, project: Project, manager: User) -> None:
        case = old_case(project)
        in_force(project, manager, dataclasses.replace(VISIT, title="旧办法上门", key="old_visit"))
        apply_activated(now=NOW)
        in_force(project, manager, VISIT)
        apply_activated(now=NOW)
        reached = list(StepReached.objects.filter(case=case).values_list("title", "playbook__number"))
        assert reached == [("核实欠费，阅看档案", None), ("旧办法上门", 1), ("上门看看", 2)]

    def test_waits_amounts_and_preconditions_count(self, project: Project, manager: User) -> None:
        case = old_case(project)
        verify_case(case, at=NOW - dt.timedelta(days=2))
        visit = dataclasses.replace(VISIT, precondition=Precondition.HEAD_TALKED, talking_points="先道歉\n再听")
        small = dataclasses.replace(VISIT, title="只催大额", min_days=9999)
        in_force(project, manager, VERIFY, small, visit)
        standing = standings([case], now=NOW)[case.pk]
        assert (standing.step.title, standing.total) == ("上门看看", 2)
        assert standing.ready_on == TODAY + dt.timedelta(days=2)
        assert standing.lacking == Precondition.HEAD_TALKED
        assert standing.step.talking_points == ("先道歉", "再听")
        head = create_user(name="赵启明", project=project, role=Role.DEPARTMENT_HEAD)
        create_contact(case=case, outcome="met_owner", at=NOW - dt.timedelta(days=1), recorded_by=head)
        assert standings([case], now=NOW)[case.pk].lacking is None


class TestOwnPlans:
    def test_holds_for_its_case_alone_whatever_the_reason_until_it_ends(self, project: Project, manager: User) -> None:
        case, other = old_case(project), old_case(project)
        plan = propose_plan(case, by=manager, now=NOW)
        assert propose_plan(case, by=manager, now=NOW) == plan
        save_ladder(plan.pk, None, [VISIT], revision=0, by=manager)
        assert standings([case], now=NOW)[case.pk].step.measure == Measure.VERIFY, "not approved yet"
        activate(plan.pk, revision=1, by=manager, now=NOW, note="业主要求")
        assert Case.objects.get(pk=case.pk).next_step == "visit"
        Case.objects.filter(pk=case.pk).update(reason="burgled")
        case.refresh_from_db()
        assert standings([case, other], now=NOW)[case.pk].step.measure == Measure.VISIT
        assert standings([case, other], now=NOW)[other.pk].step.measure == Measure.VERIFY
        end_plan(plan.pk, by=manager, now=NOW)
        assert Case.objects.get(pk=case.pk).next_step == "verify"
        with pytest.raises(StaleDraftError):
            end_plan(plan.pk, by=manager, now=NOW)

    def test_a_new_one_takes_the_place_of_the_old(self, project: Project, manager: User) -> None:
        case = old_case(project)
        for number in (1, 2):
            plan = propose_plan(case, by=manager, now=NOW)
            activate(plan.pk, revision=0, by=manager, now=NOW)
            assert plan.number == number
        assert list(case.own_plans.order_by("number").values_list("state", flat=True)) == ["ended", "active"]

    def test_has_one_ladder_and_a_version_has_one_a_reason(self, project: Project, manager: User) -> None:
        plan = propose_plan(old_case(project), by=manager, now=NOW)
        with pytest.raises(LadderError):
            save_ladder(plan.pk, ArrearsReason.UNKNOWN, [VERIFY], revision=0, by=manager)
        draft = start_draft(project, by=manager, now=NOW)
        with pytest.raises(LadderError):
            save_ladder(draft.pk, None, [VERIFY], revision=0, by=manager)


class TestUtilitiesAreNeverCutOff:
    def test_turning_it_on_is_refused(self, project: Project, manager: User) -> None:
        draft = start_draft(project, by=manager, now=NOW)
        with pytest.raises(UtilitiesCutError):
            save_ladder(draft.pk, ArrearsReason.UNKNOWN, [VERIFY, CUT], revision=0, by=manager)
        plan = propose_plan(old_case(project), by=manager, now=NOW)
        with pytest.raises(UtilitiesCutError):
            save_ladder(plan.pk, None, [VERIFY, CUT], revision=0, by=manager)
        assert not PlaybookStep.objects.filter(measure=Measure.CUT_UTILITIES, is_on=True).exists()

    def test_the_database_refuses_it_too(self, project: Project, manager: User) -> None:
        start_draft(project, by=manager, now=NOW)
        case = old_case(project)
        cuts = PlaybookStep.objects.filter(measure=Measure.CUT_UTILITIES)
        with pytest.raises(IntegrityError, match="utilities_are_never_cut_off"), transaction.atomic():
            cuts.update(is_on=True)
        with pytest.raises(IntegrityError, match="utilities_are_never_cut_off"), transaction.atomic():
            PlaybookStep.objects.filter(measure=Measure.VERIFY).update(measure=Measure.CUT_UTILITIES)
        with pytest.raises(IntegrityError, match="a_utilities_cut_is_no_next_step"), transaction.atomic():
            Case.objects.filter(pk=case.pk).update(next_measure=Measure.CUT_UTILITIES)
        with pytest.raises(IntegrityError, match="no_case_comes_to_a_utilities_cut"), transaction.atomic():
            StepReached.objects.create(case=case, measure=Measure.CUT_UTILITIES, key="x", title="x", at=NOW)

    def test_a_ladder_shows_it_though_somebody_leaves_it_out(self, project: Project, manager: User) -> None:
        draft = draft_with(project, manager, VERIFY)
        assert draft.steps.get(reason="unknown", measure=Measure.CUT_UTILITIES).is_on is False

    def test_no_ladder_in_force_has_it(self, project: Project, manager: User) -> None:
        in_force(project, manager, VERIFY, dataclasses.replace(CUT, is_on=False))
        for reason in ArrearsReason:
            case = old_case(project, reason=reason)
            standing = standings([case], now=NOW)[case.pk]
            assert Measure.CUT_UTILITIES not in {step.measure for step in [standing.step, *standing.ahead]}


class TestWhatWasInForceIsKept:
    @pytest.fixture
    def version(self, project: Project, manager: User) -> Playbook:
        return in_force(project, manager, VERIFY)

    def test_its_steps_do_not_change(self, version: Playbook) -> None:
        steps = PlaybookStep.objects.filter(playbook=version)
        step = steps.first()
        assert step
        step.pk, step.position, step.key = None, 90, "late"
        for attack in (lambda: steps.update(wait_days=0), lambda: steps.all()._raw_delete("default"), step.save):
            with pytest.raises(DatabaseError, match="do not change"), transaction.atomic():
                attack()

    def test_it_is_no_draft_again_and_never_deleted(self, version: Playbook) -> None:
        versions = Playbook.objects.filter(pk=version.pk)
        back = {"state": State.DRAFT, "activated_at": None, "activated_by": None}
        for attack in (lambda: versions.update(**back), lambda: versions._raw_delete("default")):
            with pytest.raises(DatabaseError, match="is kept"), transaction.atomic():
                attack()

    def test_two_are_never_in_force(self, version: Playbook, project: Project, manager: User) -> None:
        draft = start_draft(project, by=manager, now=NOW)
        with pytest.raises(IntegrityError, match="one_playbook_in_force"), transaction.atomic():
            Playbook.objects.filter(pk=draft.pk).update(state="active", activated_at=NOW, activated_by=manager)

    @pytest.mark.parametrize(
        "change",
        [{"title": ""}, {"key": ""}, {"min_amount": 0}, {"wait_days": 400}, {"position": 2}, {"key": "remind"}],
        ids=str,
    )
    def test_odd_steps_are_refused(self, project: Project, manager: User, change: dict[str, object]) -> None:
        draft = start_draft(project, by=manager, now=NOW)
        with pytest.raises(IntegrityError), transaction.atomic():
            draft.steps.filter(reason="unknown", position=1).update(**change)
