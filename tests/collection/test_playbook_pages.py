"""The pages of playbooks: reading, the editor, putting in force, the own plan of a case."""

import pytest
from django.utils import timezone

from collection.models import Case, Measure, Playbook, PlaybookStep
from collection.playbook_forms import initial_steps
from collection.playbooks import propose_plan, start_draft
from company.models import Project, Role
from tests.collection.desk import Desk, said
from tests.factories import NOW, create_project
from tests.field_factories import create_field_case

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return create_project()


@pytest.fixture
def desk(project: Project) -> Desk:
    return Desk(project)


@pytest.fixture
def draft(desk: Desk) -> Playbook:
    return start_draft(desk.project, by=desk.user, now=NOW)


def typed(draft: Playbook, reason: str = "unknown", **changes: object) -> dict[str, object]:
    """The editor's form as it is filled in; ``changes`` by ``row__field``."""
    rows = initial_steps(draft.steps.filter(reason=reason))
    data: dict[str, object] = {
        "form-TOTAL_FORMS": len(rows) + 2, "form-INITIAL_FORMS": len(rows), "revision": draft.revision
    }  # fmt: skip
    for index, row in enumerate(rows):
        filled = {name: value for name, value in row.items() if value is not None and value is not False}
        data |= {f"form-{index}-{name}": value for name, value in filled.items()}
    for index in (len(rows), len(rows) + 1):
        data |= {f"form-{index}-wait_days": 0, f"form-{index}-due_days": 3}
        data |= {f"form-{index}-stage": "information", f"form-{index}-doer": "responsible"}
    return data | {f"form-{name.replace('__', '-')}": value for name, value in changes.items()}


class TestReading:
    def test_before_the_first_version_it_shows_what_every_project_starts_with(self, desk: Desk) -> None:
        text = desk.get("playbook").content.decode()
        assert "第九百四十四条" in text
        assert "首次提醒" in text

    def test_field_staff_read_and_change_nothing(self, project: Project, draft: Playbook) -> None:
        officer = Desk(project, Role.OFFICER, "王倩")
        assert "编辑" not in officer.get("playbook_detail", pk=draft.pk).content.decode()
        for page in ("playbook_drop", "playbook_activate"):
            assert officer.post(page, pk=draft.pk).status_code == 403
        assert officer.get("playbook_ladder", pk=draft.pk, reason="unknown").status_code == 403
        assert officer.post("playbook_draft").status_code == 403


class TestEditor:
    def test_changes_adds_moves_and_removes(self, desk: Desk, draft: Playbook) -> None:
        last = len(initial_steps(draft.steps.filter(reason="unknown")))
        changes = {
            "0__title": "先核账", "1__remove": "on", f"{last}__position": 1, f"{last}__measure": "call",
            f"{last}__title": "打电话", f"{last}__is_on": "on", f"{last}__min_amount": "500",
        }  # fmt: skip
        answer = desk.post("playbook_ladder", typed(draft, **changes), pk=draft.pk, reason="unknown")
        assert answer.status_code == 302
        titles = list(draft.steps.filter(reason="unknown").values_list("title", "key")[:3])
        assert titles[:2] == [("先核账", "verify"), ("打电话", "call_2")]
        assert not draft.steps.filter(reason="unknown", key="remind").exists()

    def test_turning_the_utilities_cut_on_is_refused_and_the_article_named(self, desk: Desk, draft: Playbook) -> None:
        cut = draft.steps.filter(reason="unknown").count() - 1
        for changes in ({f"{cut}__is_on": "on"}, {"0__measure": "cut_utilities"}):
            answer = desk.post("playbook_ladder", typed(draft, **changes), pk=draft.pk, reason="unknown")
            assert answer.status_code == 200
            assert "民法典第九百四十四条" in answer.content.decode()
        assert not PlaybookStep.objects.filter(measure=Measure.CUT_UTILITIES, is_on=True).exists()
        draft.refresh_from_db()
        assert draft.revision == 0

    def test_who_typed_over_an_older_state_loses_nothing(self, desk: Desk, draft: Playbook) -> None:
        old = typed(draft, **{"0__title": "我的"})
        assert desk.post("playbook_ladder", typed(draft), pk=draft.pk, reason="unknown").status_code == 302
        answer = desk.post("playbook_ladder", old, pk=draft.pk, reason="unknown")
        assert answer.status_code == 409
        assert "我的" in answer.content.decode()
        assert not draft.steps.filter(title="我的").exists()

    def test_a_ladder_without_a_step_for_all_is_refused_in_words(self, desk: Desk, draft: Playbook) -> None:
        rows = draft.steps.filter(reason="malicious").count()
        changes = {f"{row}__min_days": 30 for row in range(rows)}
        answer = desk.post("playbook_ladder", typed(draft, "malicious", **changes), pk=draft.pk, reason="malicious")
        assert "至少" in answer.content.decode()

    @pytest.mark.parametrize("reason", ["own", "nonsense"])
    def test_what_is_no_ladder_is_not_found(self, desk: Desk, draft: Playbook, reason: str) -> None:
        assert desk.get("playbook_ladder", pk=draft.pk, reason=reason).status_code == 404


class TestActivating:
    def test_wants_a_reason_and_then_is_in_force(self, desk: Desk, draft: Playbook) -> None:
        assert "为什么" in said(desk.post("playbook_activate", {"revision": 0}, pk=draft.pk))
        desk.post("playbook_activate", {"revision": 0, "note": "电话先行"}, pk=draft.pk)
        draft.refresh_from_db()
        assert (draft.state, draft.note) == ("active", "电话先行")
        assert "电话先行" in desk.get("playbook").content.decode()
        refused = desk.get("playbook_ladder", pk=draft.pk, reason="unknown")
        assert refused.status_code == 302
        assert "草稿" in said(desk.post("playbook_activate", {"revision": 0, "note": "又"}, pk=draft.pk))

    def test_an_edit_in_between_stops_it(self, desk: Desk, draft: Playbook) -> None:
        desk.post("playbook_ladder", typed(draft), pk=draft.pk, reason="unknown")
        desk.post("playbook_activate", {"revision": 0, "note": "电话先行"}, pk=draft.pk)
        draft.refresh_from_db()
        assert draft.state == "draft"


class TestOwnPlan:
    def test_drafted_by_who_works_on_the_case_and_put_in_force_by_the_manager(
        self, project: Project, desk: Desk
    ) -> None:
        officer = Desk(project, Role.OFFICER, "王倩")
        case = create_field_case(project=project, by=officer.user)
        assert officer.post("case_plan", pk=case.pk).status_code == 302
        plan = case.own_plans.get()
        assert officer.get("playbook_ladder", pk=plan.pk, reason="own").status_code == 200
        assert officer.post("playbook_activate", {"revision": 0, "note": "x"}, pk=plan.pk).status_code == 403
        desk.post("playbook_activate", {"revision": 0, "note": "业主约好了"}, pk=plan.pk)
        plan.refresh_from_db()
        assert plan.state == "active"
        assert "单独方案" in officer.get("case", pk=case.pk).content.decode()
        desk.post("playbook_end", pk=plan.pk)
        plan.refresh_from_db()
        assert plan.state == "ended"

    def test_of_a_case_that_one_does_not_see_does_not_exist(self, project: Project, desk: Desk) -> None:
        case = create_field_case(project=project, by=Desk(project, Role.OFFICER, "王倩").user)
        plan = propose_plan(case, by=desk.user, now=NOW)
        stranger = Desk(project, Role.OFFICER, "李四")
        assert stranger.get("playbook_detail", pk=plan.pk).status_code == 404

    def test_of_a_closed_case_is_refused(self, project: Project, desk: Desk) -> None:
        case = create_field_case(project=project, by=desk.user)
        Case.objects.filter(pk=case.pk).update(
            state="closed", closed_on=timezone.localdate(NOW), overdue=0, oldest_due_on=None
        )
        desk.post("case_plan", pk=case.pk)
        assert not case.own_plans.exists()
