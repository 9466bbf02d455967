"""Marks that take a case out of the accountable base: who proposes, who decides, and what the rates make of them."""

import datetime as dt
import uuid
from collections.abc import Callable
from decimal import Decimal

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from collection.dashboard import build_dashboard
from collection.marks import (
    BeyondShareError,
    MarkExistsError,
    MarkMoveError,
    NotEntitledError,
    OwnMarkError,
    approve_mark,
    end_mark,
    excluded_accounts,
    exclusions_on,
    limit_of,
    propose_mark,
    refuse_mark,
    set_limit,
    withdraw_mark,
)
from collection.models import Case, CaseMark, ExclusionLimit
from collection.rate_conventions import View
from company.models import AuditEvent, Project, Role, User
from tests.factories import NOW, TODAY, create_case, create_project, create_user
from tests.mark_factories import create_mark, create_proof

D, DAY = Decimal, dt.timedelta(days=1)
MANAGER, LEADER = frozenset({Role.PROJECT_MANAGER}), frozenset({Role.COMPANY_LEADER})
HISTORICAL = CaseMark.Kind.HISTORICAL
State = CaseMark.State

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return create_project()


@pytest.fixture
def manager(project: Project) -> User:
    return create_user(name="沈静宜", project=project, role=Role.PROJECT_MANAGER)


@pytest.fixture
def cases(project: Project) -> list[Case]:
    """Two of 100 CNY and one of 1,800 CNY that fell due this year: 5 %, 5 % and 90 % of the base."""
    amounts = ("100.00", "100.00", "1800.00")
    return [create_case(project=project, amount=amount, due_on=dt.date(TODAY.year, 3, 31)) for amount in amounts]


def approve(mark: CaseMark, by: User, roles: frozenset[Role] = MANAGER, *, on: dt.date = TODAY) -> CaseMark:
    return approve_mark(mark.pk, by=by, roles=roles, now=NOW, today=on)


class TestProposing:
    def test_changes_nothing_yet(self, project: Project, cases: list[Case]) -> None:
        mark = create_mark(case=cases[0])
        assert mark.state == State.PROPOSED
        assert not excluded_accounts(project, on=TODAY)
        assert AuditEvent.objects.filter(action="mark.proposed").exists()

    def test_sent_twice_it_is_one(self, cases: list[Case]) -> None:
        by, submission, proof = create_user(), uuid.uuid4(), create_proof(case=cases[0])
        marks = [
            propose_mark(cases[0], HISTORICAL, "漏水", proof=proof, by=by, now=NOW, submission=submission)
            for _n in "ab"
        ]
        assert marks[0] == marks[1]

    def test_a_case_has_one_at_a_time(self, cases: list[Case], manager: User) -> None:
        mark = create_mark(case=cases[0])
        with pytest.raises(MarkExistsError):
            create_mark(case=cases[0])
        refuse_mark(mark.pk, by=manager, roles=MANAGER, now=NOW, note="证据不足")
        approve(create_mark(case=cases[0]), manager)
        with pytest.raises(MarkExistsError):
            create_mark(case=cases[0])

    def test_only_its_proposer_withdraws_it(self, cases: list[Case], manager: User) -> None:
        mark = create_mark(case=cases[0], by=manager)
        with pytest.raises(NotEntitledError):
            withdraw_mark(mark.pk, by=create_user())
        assert withdraw_mark(mark.pk, by=manager).state == State.WITHDRAWN
        with pytest.raises(MarkMoveError):
            approve(mark, create_user(), LEADER)


class TestDeciding:
    def test_nobody_decides_on_their_own(self, cases: list[Case], manager: User) -> None:
        mark = create_mark(case=cases[0], by=manager)
        for roles in (MANAGER, MANAGER | LEADER):
            with pytest.raises(OwnMarkError):
                approve(mark, manager, roles)
        with pytest.raises(OwnMarkError):
            refuse_mark(mark.pk, by=manager, roles=MANAGER, now=NOW, note="x")

    @pytest.mark.parametrize("role", sorted(set(Role) - {Role.PROJECT_MANAGER, Role.COMPANY_LEADER}))
    def test_others_decide_nothing(self, cases: list[Case], manager: User, role: Role) -> None:
        mark = create_mark(case=cases[0])
        with pytest.raises(NotEntitledError):
            approve(mark, manager, frozenset({role}))
        approve(mark, manager)
        with pytest.raises(NotEntitledError):
            end_mark(mark.pk, by=manager, roles=frozenset({role}), now=NOW, today=TODAY, reason="x")

    def test_up_to_the_share_the_manager_and_above_it_the_leader(
        self, project: Project, cases: list[Case], manager: User
    ) -> None:
        assert limit_of(project) == 5
        approve(create_mark(case=cases[0]), manager)  # exactly 5 %
        second = create_mark(case=cases[1])
        with pytest.raises(BeyondShareError) as refused:
            approve(second, manager)
        assert (refused.value.share, refused.value.limit) == (D(10), D(5))
        assert approve(second, create_user(name="顾伟"), LEADER).state == State.APPROVED

    def test_only_the_leader_sets_the_share(self, project: Project, cases: list[Case], manager: User) -> None:
        with pytest.raises(NotEntitledError):
            set_limit(project, D(50), by=manager, roles=MANAGER, now=NOW)
        set_limit(project, D(4), by=create_user(name="顾伟"), roles=LEADER, now=NOW)
        with pytest.raises(BeyondShareError):
            approve(create_mark(case=cases[0]), manager)

    def test_a_decision_is_taken_once(self, cases: list[Case], manager: User) -> None:
        mark = create_mark(case=cases[0])
        approve(mark, manager)
        for act in (
            lambda: approve(mark, manager),
            lambda: refuse_mark(mark.pk, by=manager, roles=MANAGER, now=NOW, note="x"),
        ):
            with pytest.raises(MarkMoveError):
                act()


class TestRates:
    def test_from_its_day_until_it_ends_the_case_is_out_of_the_base(
        self, project: Project, cases: list[Case], manager: User
    ) -> None:
        mark = approve(create_mark(case=cases[0]), manager, on=TODAY - 10 * DAY)
        end_mark(mark.pk, by=manager, roles=MANAGER, now=NOW, today=TODAY - 3 * DAY, reason="开发商已修好")
        account = {cases[0].account_id}
        days = (11, 10, 4, 3, 0)
        assert [excluded_accounts(project, on=TODAY - days * DAY) == account for days in days] == [
            False, True, True, False, False
        ]  # fmt: skip

    def test_both_views_stand_side_by_side(self, project: Project, cases: list[Case], manager: User) -> None:
        approve(create_mark(case=cases[0]), manager)
        boards = {
            view: build_dashboard(project, cases=Case.objects.all(), on=TODAY, view=view).rates for view in View
        }  # fmt: skip
        assert boards[View.APPRAISAL].current.whole == 1900
        assert boards[View.ACCOUNTING].current.whole == 2000
        assert boards[View.APPRAISAL].excluded_accounts == 1
        assert boards[View.APPRAISAL].excluded_due == 100
        assert boards[View.APPRAISAL].excluded_share == 5

    def test_the_list_adds_up_to_the_dashboards_number(
        self, project: Project, cases: list[Case], manager: User
    ) -> None:
        create_mark(case=cases[0], approved_on=TODAY)
        create_mark(case=cases[2], approved_on=TODAY)
        out = exclusions_on(project, on=TODAY)
        rates = build_dashboard(project, cases=Case.objects.all(), on=TODAY).rates
        assert out.due == {cases[0].account_id: D(100), cases[2].account_id: D(1800)}
        assert (out.total, out.share) == (rates.excluded_due, rates.excluded_share)

    def test_another_project_is_not_touched(self, cases: list[Case]) -> None:
        create_mark(case=cases[0], approved_on=TODAY)
        assert not excluded_accounts(create_project(code="X"), on=TODAY)


class TestTheDatabase:
    @pytest.mark.parametrize(
        ("change", "constraint"),
        [
            ({"reason": ""}, "kept"),
            ({"state": "approved"}, "mark_decision_has_who_and_when|approved_mark_has_a_day"),
            ({"starts_on": TODAY}, "approved_mark_has_a_day"),
            ({"ends_on": TODAY}, "ended_mark_says_who_and_when"),
            ({"decided_at": NOW}, "mark_decision_has_who_and_when"),
        ],
        ids=str,
    )
    def test_half_a_decision_is_refused(self, cases: list[Case], change: dict[str, object], constraint: str) -> None:
        mark = create_mark(case=cases[0])
        with pytest.raises(DatabaseError, match=constraint), transaction.atomic():
            CaseMark.objects.filter(pk=mark.pk).update(**change)

    def test_who_proposed_cannot_be_written_as_who_decided(self, cases: list[Case], manager: User) -> None:
        mark = create_mark(case=cases[0], by=manager)
        with pytest.raises(IntegrityError, match="mark_decided_by_another"), transaction.atomic():
            CaseMark.objects.filter(pk=mark.pk).update(
                state="approved", decided_by=manager, decided_at=NOW, starts_on=TODAY
            )

    def test_it_never_ends_before_it_began(self, cases: list[Case], manager: User) -> None:
        mark = approve(create_mark(case=cases[0]), manager)
        with pytest.raises(IntegrityError, match="ended_mark_says_who_and_when"), transaction.atomic():
            CaseMark.objects.filter(pk=mark.pk).update(
                state="ended", ends_on=TODAY - DAY, ended_at=NOW, ended_by=manager
            )

    def test_what_was_proposed_is_kept(self, cases: list[Case]) -> None:
        mark = create_mark(case=cases[0])
        marks = CaseMark.objects.filter(pk=mark.pk)
        attacks: list[Callable[[], object]] = [
            lambda: marks.update(reason="别的"),
            lambda: marks.update(case=cases[1]),
            lambda: marks._raw_delete("default"),
        ]
        for attack in attacks:
            with pytest.raises(DatabaseError, match=r"kept|permission denied"), transaction.atomic():
                attack()

    @pytest.mark.parametrize("percent", [D(-1), D("100.01")])
    def test_an_odd_share_is_refused(self, project: Project, manager: User, percent: Decimal) -> None:
        with pytest.raises(IntegrityError), transaction.atomic():
            ExclusionLimit.objects.create(project=project, percent=percent, changed_at=NOW, changed_by=manager)
