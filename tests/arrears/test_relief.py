"""Relief: who may propose and decide, what it does to the ledger, and that nobody decides on their own (A6, A12)."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from arrears import relief as relief_module
from arrears.checking import check_ledger, totals
from arrears.late_fees import late_fee_lines
from arrears.models import Account, ChargeBalance, LateFeeBalance, Relief, ReliefLimit, Waiver
from arrears.posting import reverse_charge, reverse_payment
from arrears.queries import aged_by
from arrears.relief import (
    BeyondLimitError,
    MoreThanOpenError,
    NotEntitledError,
    OwnProposalError,
    ReliefMoveError,
    approve_relief,
    propose_relief,
    refuse_relief,
    revoke_relief,
    set_limit,
    withdraw_relief,
)
from company.models import AuditEvent, Role, User
from company.rights import rights_of
from tests.arrears.test_assessing import make_account
from tests.arrears.test_races import at_once
from tests.factories import NOW, TODAY, create_account, create_charge, create_payment, create_user

D = Decimal
HEAD, MANAGER = rights_of(frozenset({Role.DEPARTMENT_HEAD})), rights_of(frozenset({Role.PROJECT_MANAGER}))
FINANCE = rights_of(frozenset({Role.FINANCE}))


@pytest.fixture
def account(db) -> Account:
    """Owes 1,000.00 and, since 100 days, 50.00 of late fee that nobody has assessed."""
    return make_account()


@pytest.fixture
def manager(db) -> User:
    return create_user(name="沈静宜")


def propose(account: Account, amount: str, kind: str = "late_fee", *, by: User | None = None, **fields) -> Relief:
    parts = {"amount": D(amount)} if kind == "late_fee" else {"lines": {account.charges.first().pk: D(amount)}}
    fields = {"reason": "业主家庭困难", "effective_on": TODAY, **parts, **fields}
    return propose_relief(account_id=account.pk, kind=kind, by=by or create_user(), now=NOW, **fields)


def approve(relief: Relief, by: User, rights=MANAGER) -> Relief:
    return approve_relief(relief.pk, by=by, rights=rights, now=NOW, today=TODAY)


def open_late_fee(account: Account) -> Decimal:
    return sum((b.amount - b.settled for b in LateFeeBalance.objects.filter(account=account, is_live=True)), D(0))


def test_a_proposal_changes_nothing(account: Account) -> None:
    propose(account, "200.00", "principal")
    assert totals().outstanding == D("1000.00")
    assert not Waiver.objects.exists()


def test_late_fees_are_assessed_and_waived_in_one(account: Account, manager: User) -> None:
    approve(propose(account, "30.00"), manager)
    assert open_late_fee(account) == D("20.00")
    assert totals().outstanding == D("1000.00")
    assert check_ledger() == []


def test_waived_late_fees_are_not_assessed_again(account: Account, manager: User) -> None:
    approve(propose(account, "50.00"), manager)
    assert [line.estimate for line in late_fee_lines([account.pk], account.project, on=TODAY)] == [0]


def test_no_more_is_waived_than_is_owed(account: Account, manager: User) -> None:
    with pytest.raises(MoreThanOpenError):
        approve(propose(account, "50.01"), manager)
    with pytest.raises(MoreThanOpenError):
        propose(account, "1000.01", "principal")
    wanted = propose(account, "900.00", "principal")
    create_payment(account=account, amount="200.00")
    with pytest.raises(MoreThanOpenError):
        approve(wanted, manager)
    assert Relief.objects.get(pk=wanted.pk).state == Relief.State.PROPOSED
    assert check_ledger() == []


def test_principal_is_settled_without_being_money(account: Account, manager: User) -> None:
    approve(propose(account, "200.00", "principal"), manager)
    assert totals().outstanding == D("800.00")
    assert not account.allocations.exists()
    create_payment(account=account, amount="810.00")
    assert ChargeBalance.objects.get().settled == D("1000.00")
    assert check_ledger() == []


def test_it_counts_from_its_day_in_every_earlier_state(account: Account, manager: User) -> None:
    approve(propose(account, "200.00", "principal", effective_on=TODAY - dt.timedelta(days=10)), manager)
    for days, owed in ((11, D("1000.00")), (10, D("800.00")), (0, D("800.00"))):
        day = TODAY - dt.timedelta(days=days)
        assert aged_by(account.project, "account", on=day, as_of=True)[account.pk].overdue == owed


def test_it_lowers_what_bears_late_fees_from_its_own_day(account: Account, manager: User) -> None:
    approve(propose(account, "1000.00", "principal", effective_on=TODAY - dt.timedelta(days=10)), manager)
    [line] = late_fee_lines([account.pk], account.project, on=TODAY)
    assert line.accrual.amount == D("44.50")  # 89 days: the tenth before today bears none


def test_taken_back_it_is_owed_again_and_credit_settles_it(account: Account, manager: User) -> None:
    wanted = approve(propose(account, "200.00", "principal"), manager)
    create_payment(account=account, amount="1100.00")
    revoke_relief(wanted.pk, by=manager, rights=MANAGER, now=NOW, today=TODAY, note="承诺未兑现")
    assert (totals().outstanding, totals().credit) == (D("0.00"), D("100.00"))
    assert check_ledger() == []
    with pytest.raises(ReliefMoveError):
        revoke_relief(wanted.pk, by=manager, rights=MANAGER, now=NOW, today=TODAY, note="再次")


def test_it_ends_with_its_charge(account: Account, manager: User) -> None:
    approve(propose(account, "200.00", "principal"), manager)
    approve(propose(account, "20.00"), manager)
    reverse_charge(account.charges.first().pk, today=TODAY, now=NOW, by=None)
    assert Waiver.objects.filter(kind="reversal").count() == 2
    assert check_ledger() == []


def test_money_taken_back_after_a_waiver_never_settles_a_past_day_twice(account: Account, manager: User) -> None:
    payment = create_payment(account=account, amount="1000.00", received_on=TODAY - dt.timedelta(days=50))
    reverse_payment(payment.pk, today=TODAY - dt.timedelta(days=5), now=NOW, by=None)
    approve(propose(account, "600.00", "principal", effective_on=TODAY - dt.timedelta(days=30)), manager)
    assert Waiver.objects.get().effective_on == TODAY - dt.timedelta(days=5)


# --- who decides ------------------------------------------------------------------------------------------------


def test_nobody_decides_on_their_own(account: Account, manager: User) -> None:
    wanted = propose(account, "10.00", by=manager)
    for act in (
        lambda: approve(wanted, manager),
        lambda: refuse_relief(wanted.pk, by=manager, rights=MANAGER, now=NOW, note="不"),
    ):
        with pytest.raises(OwnProposalError):
            act()
    with pytest.raises(IntegrityError, match="relief_decided_by_another"), transaction.atomic():
        Relief.objects.filter(pk=wanted.pk).update(state="approved", decided_by=manager, decided_at=NOW)


def test_a_head_waives_late_fees_up_to_the_limit_of_a_year(account: Account, manager: User) -> None:
    head = create_user(name="马国强")
    with pytest.raises(BeyondLimitError):
        approve(propose(account, "10.00"), head, HEAD)
    set_limit(account.project, D("30.00"), by=manager, now=NOW)
    approve(propose(account, "20.00"), head, HEAD)
    with pytest.raises(BeyondLimitError) as refused:
        approve(propose(account, "10.01"), head, HEAD)
    assert (refused.value.limit, refused.value.used) == (D("30.00"), D("20.00"))
    approve(propose(account, "10.00"), head, HEAD)
    approve(propose(account, "20.00"), manager)
    assert open_late_fee(account) == 0


@pytest.mark.parametrize("kind", ["principal", "write_off"])
@pytest.mark.parametrize("rights", [HEAD, FINANCE])
def test_principal_is_the_managers_alone(kind: str, rights: frozenset, account: Account) -> None:
    with pytest.raises(NotEntitledError):
        approve(propose(account, "10.00", kind), create_user(), rights)


def test_finance_decides_on_nothing(account: Account) -> None:
    with pytest.raises(NotEntitledError):
        approve(propose(account, "10.00"), create_user(), FINANCE)


def test_a_vacancy_needs_days_and_proof(account: Account) -> None:
    with pytest.raises(IntegrityError, match="vacancy_is_dated_and_proved"), transaction.atomic():
        propose(account, "10.00", "vacancy")


def test_one_withdraws_only_ones_own(account: Account, manager: User) -> None:
    wanted = propose(account, "10.00")
    with pytest.raises(NotEntitledError):
        withdraw_relief(wanted.pk, by=manager, now=NOW)
    withdraw_relief(wanted.pk, by=wanted.proposed_by, now=NOW)
    with pytest.raises(ReliefMoveError):
        approve(wanted, manager)


def test_each_step_is_recorded(account: Account, manager: User) -> None:
    wanted = approve(propose(account, "200.00", "principal"), manager)
    revoke_relief(wanted.pk, by=manager, rights=MANAGER, now=NOW, today=TODAY, note="承诺未兑现")
    steps = AuditEvent.objects.filter(action__startswith="relief.").order_by("pk")
    assert list(steps.values_list("action", flat=True)) == ["relief.proposed", "relief.approved", "relief.revoked"]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("relief_amount_positive", {"amount": D(0)}),
        ("relief_has_a_reason", {"reason": ""}),
        ("relief_decision_has_who_and_when", {"state": "approved"}),
    ],
)
def test_the_database_refuses_what_must_never_be(name: str, values: dict, account: Account) -> None:
    propose(account, "10.00")
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        Relief.objects.update(**values)


def test_a_waiver_cannot_cross_accounts(account: Account, manager: User) -> None:
    approve(propose(account, "10.00", "principal"), manager)
    other = create_account(project=account.project)
    theirs = create_charge(account=other)
    waiver = Waiver.objects.get()
    waiver.pk, waiver.charge = None, theirs
    with pytest.raises(IntegrityError, match="crosses accounts"), transaction.atomic():
        waiver.save(force_insert=True)


def test_there_is_one_limit_a_project(account: Account, manager: User) -> None:
    set_limit(account.project, D("30.00"), by=manager, now=NOW)
    set_limit(account.project, D("40.00"), by=manager, now=NOW)
    assert ReliefLimit.objects.get().late_fee == D("40.00")


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def run(self) -> tuple[Account, list[Exception]]:
        account = make_account()
        wanted, people = propose(account, "400.00", "principal"), [create_user(name="沈静宜") for _ in range(5)]
        failures = at_once(lambda number: approve(wanted, people[number]), clients=5)
        return account, failures

    def test_two_approvals_at_once_are_one(self) -> None:
        _account, failures = self.run()
        assert [type(failure) for failure in failures] == [ReliefMoveError] * 4
        assert Waiver.objects.get().amount == D("400.00")
        assert check_ledger() == []

    def test_control_without_locks_it_is_waived_more_than_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(relief_module, "lock_account", lambda pk: Account.objects.get(pk=pk))
        monkeypatch.setattr(relief_module, "_moved", _moved_without_lock(relief_module._moved))
        self.run()
        assert Waiver.objects.count() > 1 or check_ledger()


def _moved_without_lock(_moved: Callable) -> Callable:
    def moved(relief_id, to, *, by, now, note=""):
        relief = Relief.objects.get(pk=relief_id)
        if to not in relief_module.ALLOWED.get(relief.state, frozenset()):
            raise ReliefMoveError(relief)
        relief.state, relief.decided_by, relief.decided_at = to, by, now
        return relief

    return moved
