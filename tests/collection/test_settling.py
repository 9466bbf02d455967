"""Settlements: frozen, approved by another, objected to; what is taken back later lowers the next one."""

import datetime as dt
from collections.abc import Callable

import pytest

from arrears.posting import reverse_charge, reverse_payment
from collection import settling
from collection.incentives import Outcome
from collection.models import (
    Assignment,
    Campaign,
    Settlement,
    SettlementLine,
    TargetClass,
)
from collection.results import compute_results, moves_before
from collection.settling import approve_settlement, raise_objection, save_scheme
from company.models import AuditEvent, Role
from tests.arrears.test_races import at_once
from tests.collection.settled import ON, START, TODAY, D, Estate, make_estate, scheme_values
from tests.factories import (
    NOW,
    create_campaign,
    create_convention,
    create_payment,
    create_user,
)

FLATS = TargetClass.RESIDENTIAL_PROPERTY
Holder = SettlementLine.Holder
pytestmark = pytest.mark.django_db


@pytest.fixture
def estate() -> Estate:
    return make_estate()


class TestFigures:
    def test_project_teams_and_members(self, estate: Estate) -> None:
        found = {each.name: each for each in compute_results(estate.campaign, closes_on=ON).holders}
        rates = {name: each.result.classes[0].shown for name, each in found.items() if each.team or each.member}
        assert rates == {"一组": "92.50", "二组": "70.00", "王倩": "92.50", "赵敏": "70.00"}
        first = found["一组"].result.classes[0]
        assert (first.quota.collected, first.outcome) == (D(300), Outcome.REWARDED)
        second = found["二组"].result
        assert (second.classes[0].points, second.deduction, second.is_strict) == (20, D(100), True)

    def test_frozen_says_what_was_previewed(self, estate: Estate) -> None:
        preview = compute_results(estate.campaign, closes_on=ON)
        kept = estate.of(estate.propose())
        for each in preview.holders:
            mine = kept[each.name]
            assert [one.formula for one in mine.result.classes] == [one.formula for one in each.result.classes]
            assert mine.result.formula == each.result.formula
            assert mine.leader == each.leader

    def test_money_that_comes_later_changes_nothing(self, estate: Estate) -> None:
        settlement = estate.propose()
        create_payment(account=estate.cases[1].account, amount="400", received_on=ON)
        save_scheme(estate.project, {**scheme_values(), "deduction": D(1)}, seen=1, by=estate.manager, now=NOW)
        assert estate.of(settlement)["二组"].result.deduction == D(100)

    def test_posted_after_the_days_of_grace_does_not_count(self, estate: Estate) -> None:
        create_convention(project=estate.project, closing_days=0)
        late = dt.datetime(2025, 11, 24, 9, tzinfo=NOW.tzinfo)
        create_payment(account=estate.cases[1].account, amount="400", received_on=ON, now=late)
        found = {each.name: each for each in compute_results(estate.campaign, closes_on=ON).holders}
        assert found["二组"].result.classes[0].quota.collected == 0

    def test_excluded_accounts_are_kept_with_what_was_due(self, estate: Estate) -> None:
        out = estate.cases[1].account_id
        settlement = estate.propose(excluded=[out])
        assert list(settlement.exclusions.values_list("account", "due")) == [(out, D(1000))]
        assert "二组" not in estate.of(settlement)

    def test_moves_shortly_before_the_closing_are_listed(self, estate: Estate) -> None:
        Assignment.objects.filter(case=estate.cases[0]).update(ends_on=dt.date(2025, 11, 15))
        moved = Assignment.objects.create(
            project=estate.project, case=estate.cases[0], team=estate.teams[1], starts_on=dt.date(2025, 11, 15),
            assigned_at=NOW, assigned_by=estate.manager,
        )  # fmt: skip
        assert moves_before(estate.campaign, closes_on=ON, days=14) == [moved]
        assert moves_before(estate.campaign, closes_on=ON, days=7) == []

    @pytest.mark.parametrize(("what", "amount"), [("payment", 300), ("charge", 100)])
    def test_what_is_taken_back_later_lowers_the_next_campaign(self, estate: Estate, what: str, amount: int) -> None:
        """The money of a reversed charge settles another one in the next campaign, and counts once."""
        approve_settlement(estate.propose().pk, by=estate.leader, now=NOW)
        later = NOW + dt.timedelta(days=20)
        on_that_day = {"today": later.date(), "now": later, "by": estate.manager, "effective_on": later.date()}
        if what == "payment":
            reverse_payment(estate.cases[0].account.payments.get(amount=D(300)).pk, **on_that_day)
        else:
            reverse_charge(estate.cases[0].account.charges.get(period_start=dt.date(2025, 7, 1)).pk, **on_that_day)
        Campaign.objects.update(state=Campaign.State.CLOSED)
        following = create_campaign(
            project=estate.project, name="下一期", starts_on=later.date(), ends_on=later.date() + dt.timedelta(days=30)
        )
        results = compute_results(following, closes_on=later.date() + dt.timedelta(days=5))
        corrected = {each.name: each.result.classes[0].corrected for each in results.holders}
        assert {name: amount for name, amount in corrected.items() if amount} == {
            name: D(amount) for name in ("项目", "一组", "王倩")
        }
        first = next(each for each in results.holders if each.name == "一组").result.classes[0]
        assert first.quota.collected == (D(-300) if what == "payment" else D(0))

    def test_the_number_of_queries_does_not_grow(self, estate: Estate, django_assert_max_num_queries) -> None:
        with django_assert_max_num_queries(10):
            compute_results(estate.campaign, closes_on=ON)


class TestDeciding:
    def test_proposed_keeps_its_scheme(self, estate: Estate) -> None:
        settlement = estate.propose()
        assert (settlement.scheme.number, settlement.state) == (1, "proposed")
        assert AuditEvent.objects.filter(action="settlement.proposed").exists()

    def test_today_is_not_over_yet(self, estate: Estate) -> None:
        for day in (TODAY, START - dt.timedelta(days=1)):
            with pytest.raises(settling.TooEarlyError):
                estate.propose(day)

    def test_a_day_is_settled_once_unless_withdrawn(self, estate: Estate) -> None:
        first = estate.propose()
        with pytest.raises(settling.AlreadySettledError):
            estate.propose()
        settling.withdraw_settlement(first.pk, by=estate.manager, now=NOW)
        assert estate.propose().pk != first.pk

    def test_nobody_approves_their_own(self, estate: Estate) -> None:
        settlement = estate.propose()
        for act in (approve_settlement, settling.refuse_settlement):
            with pytest.raises(settling.OwnProposalError):
                act(settlement.pk, by=estate.manager, now=NOW)
        assert approve_settlement(settlement.pk, by=estate.leader, now=NOW).state == "approved"
        with pytest.raises(settling.MovedError):
            settling.withdraw_settlement(settlement.pk, by=estate.manager, now=NOW)

    def test_nobody_approves_what_judges_them(self, estate: Estate) -> None:
        with pytest.raises(settling.OwnResultError):
            approve_settlement(estate.propose().pk, by=estate.members[0], now=NOW)

    def test_objections_are_answered_first_and_by_another(self, estate: Estate) -> None:
        settlement = estate.propose()
        objection = raise_objection(settlement, "调户未计", by=estate.members[0], now=NOW)
        with pytest.raises(settling.OpenObjectionsError):
            approve_settlement(settlement.pk, by=estate.leader, now=NOW)
        with pytest.raises(settling.OwnObjectionError):
            settling.answer_objection(objection, "x", by=estate.members[0], now=NOW)
        settling.answer_objection(objection, "按截止日责任人计。", by=estate.manager, now=NOW)
        with pytest.raises(settling.MovedError):
            settling.answer_objection(objection, "再答", by=estate.leader, now=NOW)
        assert approve_settlement(settlement.pk, by=estate.leader, now=NOW).decided_by == estate.leader
        raise_objection(settlement, "仍有异议", by=estate.members[1], now=NOW)

    def test_a_refused_one_takes_no_objection(self, estate: Estate) -> None:
        settlement = settling.refuse_settlement(estate.propose().pk, by=estate.leader, now=NOW)
        with pytest.raises(settling.MovedError):
            raise_objection(settlement, "x", by=estate.members[0], now=NOW)


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def run(self) -> list[Exception]:
        settlement = make_estate().propose()
        people = [create_user(name=f"领导{n}", role=Role.COMPANY_LEADER) for n in range(5)]
        return at_once(lambda n: approve_settlement(settlement.pk, by=people[n], now=NOW), clients=5)

    def test_two_approvals_at_once_are_one(self) -> None:
        assert [type(failure) for failure in self.run()] == [settling.MovedError] * 4
        assert AuditEvent.objects.filter(action="settlement.approved").count() == 1

    def test_control_without_the_lock_there_are_several(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(settling, "_waiting", waiting_without_lock())
        self.run()
        assert AuditEvent.objects.filter(action="settlement.approved").count() > 1


def waiting_without_lock() -> Callable[[int], Settlement]:
    """Reads as everybody would have read before the first was through."""

    def waiting(settlement_id: int) -> Settlement:
        settlement = Settlement.objects.select_related("project").get(pk=settlement_id)
        settlement.state = Settlement.State.PROPOSED
        return settlement

    return waiting
