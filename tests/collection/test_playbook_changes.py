"""What a draft of the playbook changes, as its reader sees it."""

import dataclasses
from decimal import Decimal

import pytest

from collection.models import ArrearsReason, Doer, Measure, Playbook, Stage
from collection.playbook_changes import Change, changes_between
from collection.playbooks import PlannedStep, activate, propose_plan, save_ladder, start_draft
from company.models import Project, Role, User
from tests.collection.desk import Desk
from tests.factories import NOW, create_case, create_project

A, B, C = (
    PlannedStep(Stage.VISIT, Measure.VISIT, title, Doer.RESPONSIBLE, key=key)
    for key, title in (("a", "甲"), ("b", "乙"), ("c", "丙"))
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return create_project()


@pytest.fixture
def desk(project: Project) -> Desk:
    return Desk(project, Role.PROJECT_MANAGER)


def version(project: Project, by: User, *steps: PlannedStep, active: bool = False) -> Playbook:
    draft = start_draft(project, by=by, now=NOW)
    draft = save_ladder(draft.pk, ArrearsReason.UNKNOWN, steps, revision=draft.revision, by=by)
    return activate(draft.pk, revision=draft.revision, by=by, now=NOW, note="x") if active else draft


def told(before: Playbook | None, after: Playbook) -> list[tuple[str, str]]:
    return [(step.change.value, step.title) for ladder in changes_between(before, after) for step in ladder.steps]


def test_new_gone_changed_and_moved(project: Project, desk: Desk) -> None:
    first = version(project, desk.user, A, B, C, active=True)
    slower = dataclasses.replace(B, wait_days=9, min_amount=Decimal(500))
    new = dataclasses.replace(A, key="d", title="丁")
    second = version(project, desk.user, C, slower, new)
    assert told(first, second) == [("moved", "丙"), ("changed", "乙"), ("new", "丁"), ("gone", "甲")]
    [ladder] = changes_between(first, second)
    fields = next(step.fields for step in ladder.steps if step.change is Change.CHANGED)
    assert [(field.before, field.after) for field in fields] == [("0", "9"), ("—", "500.00")]


def test_a_fresh_draft_changes_nothing(project: Project, desk: Desk) -> None:
    assert told(None, start_draft(project, by=desk.user, now=NOW)) == []
    first = version(project, desk.user, A, B, active=True)
    assert told(first, start_draft(project, by=desk.user, now=NOW)) == []


def test_a_cases_own_plan_is_compared_with_the_ladder_of_its_reason(project: Project, desk: Desk) -> None:
    first = version(project, desk.user, A, B, active=True)
    plan = propose_plan(create_case(project=project), by=desk.user, now=NOW)
    assert told(first, plan) == []
    save_ladder(plan.pk, None, [A], revision=0, by=desk.user)
    assert told(first, plan) == [("gone", "乙")]


class TestPage:
    def test_a_draft_is_shown_against_what_is_in_force(self, project: Project, desk: Desk) -> None:
        version(project, desk.user, A, B, active=True)
        draft = version(project, desk.user, dataclasses.replace(A, title="甲改"))
        page = desk.get("playbook_detail", pk=draft.pk).content.decode()
        assert "与 v1 相比" in page
        assert "<del>甲</del>" in page
        assert "<ins>甲改</ins>" in page

    def test_any_two_versions_can_be_compared(self, project: Project, desk: Desk) -> None:
        first = version(project, desk.user, A, active=True)
        version(project, desk.user, A, B, active=True)
        third = version(project, desk.user, B, active=True)
        assert "与 v2 相比" in desk.get("playbook_detail", pk=third.pk).content.decode()
        page = desk.get("playbook_detail", f"?against={first.pk}", pk=third.pk).content.decode()
        assert "与 v1 相比" in page
        assert "乙" in page

    @pytest.mark.parametrize("against", ["x", "0", "99999999999999999999"])
    def test_an_odd_address_falls_back(self, project: Project, desk: Desk, against: str) -> None:
        draft = start_draft(project, by=desk.user, now=NOW)
        page = desk.get("playbook_detail", f"?against={against}", pk=draft.pk)
        assert "与初始方案相比" in page.content.decode()
