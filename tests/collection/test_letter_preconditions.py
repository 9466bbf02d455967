"""A letter whose step asks for something first is left out of the batch until it has happened, with the reason."""

import dataclasses
import datetime as dt

import pytest

from collection.letters import LetterOrder, issue_letters, preview_letters
from collection.models import ArrearsReason, Case, ContactAttempt, Doer, Measure, Precondition, Stage
from collection.playbooks import PlannedStep, activate, save_ladder, start_draft
from collection.stages import lacking_for
from company.models import Project, Role, User
from notices.issuing import NothingToSendError
from notices.leaving_out import Reason
from notices.models import Notice, NoticeKind
from tests.factories import NOW, TODAY, create_case, create_contact, create_debtor, create_letter_project, create_user
from tests.field_factories import create_request, queries

VERIFY = PlannedStep(Stage.INFORMATION, Measure.VERIFY, "核实", Doer.RESPONSIBLE)
LETTER = PlannedStep(
    Stage.LEGAL, Measure.LAWYER_LETTER, "发律师函", Doer.NOTICES, precondition=Precondition.HEAD_TALKED
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return create_letter_project()


@pytest.fixture
def manager(project: Project) -> User:
    return create_user(name="沈静宜", project=project, role=Role.PROJECT_MANAGER)


def in_force(project: Project, by: User, *steps: PlannedStep) -> None:
    draft = start_draft(project, by=by, now=NOW)
    save_ladder(draft.pk, ArrearsReason.UNKNOWN, steps, revision=0, by=by)
    activate(draft.pk, revision=1, by=by, now=NOW, note="x")


def debtor(project: Project) -> Case:
    return create_case(account=create_debtor(project=project))


def order(project: Project, *cases: Case, kind: NoticeKind = NoticeKind.LAWYER_LETTER) -> LetterOrder:
    return LetterOrder(project, kind, "2025-11", TODAY + dt.timedelta(days=21), list(cases))


def talk(case: Case, by: User) -> None:
    create_contact(case=case, outcome=ContactAttempt.Outcome.MET_OWNER, at=NOW, recorded_by=by)


def test_it_is_left_out_with_its_reason_until_it_has_happened(project: Project, manager: User) -> None:
    in_force(project, manager, VERIFY, LETTER)
    case, talked = debtor(project), debtor(project)
    talk(talked, manager)
    checked = preview_letters(order(project, case, talked), now=NOW)
    assert [entry.facts.account_id for entry in checked.included] == [talked.account_id]
    [out] = checked.left_out
    assert (out.reason, out.account_id) == (Reason.HELD, case.account_id)
    assert "发律师函" in out.detail
    assert str(Precondition.HEAD_TALKED.label) in out.detail
    batch = issue_letters(order(project, case, talked), by=manager, now=NOW)
    assert [notice.account_id for notice in batch.notices.all()] == [talked.account_id]
    with pytest.raises(NothingToSendError):
        issue_letters(order(project, case), by=manager, now=NOW)
    talk(case, manager)
    issue_letters(order(project, case), by=manager, now=NOW)
    assert Notice.objects.count() == 2


def test_it_counts_though_the_letter_is_not_the_next_step_yet(project: Project, manager: User) -> None:
    visit = PlannedStep(Stage.VISIT, Measure.VISIT, "上门", Doer.RESPONSIBLE)
    in_force(project, manager, VERIFY, visit, LETTER)
    case = debtor(project)
    assert lacking_for([case], Measure.LAWYER_LETTER, now=NOW)[case.pk][1] == Precondition.HEAD_TALKED


def test_other_kinds_and_ladders_that_ask_for_nothing_are_free(project: Project, manager: User) -> None:
    case = debtor(project)
    assert len(preview_letters(order(project, case), now=NOW).included) == 1
    in_force(project, manager, VERIFY, dataclasses.replace(LETTER, precondition=None))
    with queries() as captured:
        assert not lacking_for([case], Measure.LAWYER_LETTER, now=NOW)
    assert len(captured) == 1
    in_force(project, manager, VERIFY, LETTER)
    assert not lacking_for([case], Measure.EMS_NOTICE, now=NOW)


def test_what_holds_the_case_is_told_beside_it(project: Project, manager: User) -> None:
    in_force(project, manager, VERIFY, LETTER)
    case = debtor(project)
    create_request(case=case)
    [out] = preview_letters(order(project, case), now=NOW).left_out
    assert "发律师函" in out.detail
    assert out.group != ""
    assert "诉求" in out.detail


def test_takes_as_many_queries_for_many_as_for_few(project: Project, manager: User) -> None:
    in_force(project, manager, VERIFY, LETTER)
    counted = []
    for number in (3, 27):
        cases = [debtor(project) for _n in range(number)]
        with queries() as captured:
            assert len(lacking_for(cases, Measure.LAWYER_LETTER, now=NOW)) == number
        counted.append(len(captured))
    assert counted[0] == counted[1]
