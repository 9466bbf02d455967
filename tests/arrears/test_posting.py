"""Posting and reversing: balances, days from which rows count, who may post, what is refused."""

import datetime as dt
import uuid
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F

from arrears import posting
from arrears.accounts import make_accounts
from arrears.allocation import AllocationError
from arrears.models import Account, Allocation, Charge, ChargeBalance, Payment, PaymentBalance
from arrears.posting import post_payment, post_refund, reverse_charge, reverse_payment
from tests.factories import (
    NOW,
    TODAY,
    create_account,
    create_charge,
    create_fee_type,
    create_ownership,
    create_payment,
    create_project,
    create_unit,
    create_user,
)

pytestmark = pytest.mark.django_db

JANUARY, FEBRUARY, MARCH = (dt.date(2025, month, 1) for month in (1, 2, 3))


def settled(charge: Charge) -> Decimal:
    return ChargeBalance.objects.get(pk=charge.pk).settled


def credit(account: Account) -> Decimal:
    return sum(
        (b.amount - b.allocated for b in PaymentBalance.objects.filter(account=account, is_live=True)), Decimal(0)
    )


def test_a_charge_is_owed_in_full_and_raises_the_version() -> None:
    account = create_account()
    charge = create_charge(account=account, amount="120.50")
    balance = ChargeBalance.objects.get(pk=charge.pk)
    assert (balance.amount, balance.settled, balance.is_live) == (Decimal("120.50"), Decimal(0), True)
    account.refresh_from_db()
    assert (account.version, account.posted_at) == (1, NOW)


def test_a_payment_settles_the_oldest_first_and_the_rest_is_credit() -> None:
    account = create_account()
    march, january = create_charge(account=account, month=MARCH), create_charge(account=account, month=JANUARY)
    create_payment(account=account, amount="130.00")
    assert (settled(january), settled(march)) == (Decimal("100.00"), Decimal("30.00"))
    create_payment(account=account, amount="100.00")
    assert (settled(march), credit(account)) == (Decimal("100.00"), Decimal("30.00"))


def test_credit_settles_a_later_charge_from_its_due_day() -> None:
    account = create_account()
    create_payment(account=account, amount="150.00", received_on=dt.date(2025, 1, 5))
    charge = create_charge(account=account, month=FEBRUARY)
    allocation = Allocation.objects.get()
    assert (settled(charge), credit(account)) == (Decimal("100.00"), Decimal("50.00"))
    assert allocation.effective_on == dt.date(2025, 2, 28)


def test_credit_received_after_the_due_day_counts_from_its_receipt() -> None:
    account = create_account()
    create_payment(account=account, received_on=dt.date(2025, 6, 5))
    create_charge(account=account, month=FEBRUARY)
    assert Allocation.objects.get().effective_on == dt.date(2025, 6, 5)


def test_order_of_posting_does_not_change_balances() -> None:
    first, second = create_account(), create_account()
    create_charge(account=first)
    create_payment(account=first, amount="60.00")
    create_payment(account=second, amount="60.00")
    create_charge(account=second)
    for account in (first, second):
        assert ChargeBalance.objects.get(account=account).settled == Decimal("60.00")


def test_reversing_a_payment_opens_what_it_settled() -> None:
    account = create_account()
    charge = create_charge(account=account)
    payment = create_payment(account=account, amount="100.00", received_on=dt.date(2025, 3, 1))
    reversal = reverse_payment(payment.pk, today=TODAY, now=NOW, by=None)
    payment.refresh_from_db()
    assert payment.reversed_by == reversal
    assert (settled(charge), credit(account)) == (Decimal(0), Decimal(0))
    release = Allocation.objects.get(kind=Allocation.Kind.RELEASE)
    assert (release.amount, release.effective_on) == (Decimal("100.00"), TODAY)


def test_reversing_a_payment_lets_other_credit_settle() -> None:
    account = create_account()
    charge = create_charge(account=account)
    first = create_payment(account=account, amount="100.00")
    create_payment(account=account, amount="70.00")
    reverse_payment(first.pk, today=TODAY, now=NOW, by=None)
    assert (settled(charge), credit(account)) == (Decimal("70.00"), Decimal(0))


def test_reversing_a_charge_frees_its_money_for_others() -> None:
    account = create_account()
    january, february = create_charge(account=account, month=JANUARY), create_charge(account=account, month=FEBRUARY)
    create_payment(account=account, amount="100.00", received_on=dt.date(2025, 3, 1))
    reverse_charge(january.pk, today=dt.date(2025, 6, 1), now=NOW, by=None)
    assert (settled(january), settled(february)) == (Decimal(0), Decimal("100.00"))
    live = Allocation.objects.get(kind=Allocation.Kind.ALLOCATION, reversed_by=None)
    assert live.effective_on == dt.date(2025, 6, 1), "the same money must not count for two charges in spring"


def test_a_reopened_charge_is_not_settled_twice_in_the_past() -> None:
    account = create_account()
    create_charge(account=account, month=JANUARY)
    wrong = create_payment(account=account, received_on=dt.date(2025, 3, 1))
    reverse_payment(wrong.pk, today=dt.date(2025, 6, 1), now=NOW, by=None)
    create_payment(account=account, received_on=dt.date(2025, 3, 1))
    live = Allocation.objects.get(kind=Allocation.Kind.ALLOCATION, reversed_by=None)
    assert live.effective_on == dt.date(2025, 6, 1)


def test_what_never_should_have_been_counts_from_its_own_day() -> None:
    account = create_account()
    charge = create_charge(account=account, month=JANUARY)
    create_payment(account=account, received_on=dt.date(2025, 3, 1))
    reverse_charge(charge.pk, today=TODAY, now=NOW, by=None, effective_on=charge.effective_on)
    again = create_charge(account=account, month=JANUARY, amount="90.00")
    assert settled(again) == Decimal("90.00")
    live = Allocation.objects.get(kind=Allocation.Kind.ALLOCATION, reversed_by=None)
    assert live.effective_on == dt.date(2025, 3, 1)


def test_credit_of_a_charge_not_due_yet_is_free_at_once_when_that_is_reversed() -> None:
    account = create_account()
    create_payment(account=account, received_on=dt.date(2025, 3, 1))
    future = create_charge(account=account, month=dt.date(2025, 12, 1))
    reverse_charge(future.pk, today=dt.date(2025, 6, 1), now=NOW, by=None)
    create_charge(account=account, month=dt.date(2025, 5, 1))
    live = Allocation.objects.get(kind=Allocation.Kind.ALLOCATION, reversed_by=None)
    assert live.effective_on == dt.date(2025, 5, 31)


def test_a_reversal_is_final() -> None:
    account = create_account()
    charge, payment = create_charge(account=account), create_payment(account=account)
    charge_reversal = reverse_charge(charge.pk, today=TODAY, now=NOW, by=None)
    payment_reversal = reverse_payment(payment.pk, today=TODAY, now=NOW, by=None)
    for charge_id in (charge.pk, charge_reversal.pk):
        with pytest.raises(posting.AlreadyReversedError):
            reverse_charge(charge_id, today=TODAY, now=NOW, by=None)
    for payment_id in (payment.pk, payment_reversal.pk):
        with pytest.raises(posting.AlreadyReversedError):
            reverse_payment(payment_id, today=TODAY, now=NOW, by=None)


@pytest.mark.parametrize("kind", [Payment.Kind.IMPORTED, Payment.Kind.SETTLED_OUTSIDE])
def test_an_amount_bound_to_a_charge_is_cancelled_with_it_and_never_credit(kind: Payment.Kind) -> None:
    account = create_account()
    january, february = create_charge(account=account, month=JANUARY), create_charge(account=account, month=FEBRUARY)
    bound = create_payment(account=account, amount="80.00", kind=kind, designated={january.pk: Decimal("80.00")})
    reverse_charge(january.pk, today=TODAY, now=NOW, by=None)
    bound.refresh_from_db()
    assert bound.reversed_by is not None
    assert (settled(february), credit(account)) == (Decimal(0), Decimal(0))


@pytest.mark.parametrize("kind", [Payment.Kind.IMPORTED, Payment.Kind.SETTLED_OUTSIDE])
def test_an_amount_bound_to_a_charge_must_settle_exactly_that(kind: Payment.Kind) -> None:
    account = create_account()
    january, february = create_charge(account=account, month=JANUARY), create_charge(account=account, month=FEBRUARY)
    half = Decimal("40.00")
    for designated in (None, {january.pk: half}, {january.pk: half, february.pk: half}):
        with pytest.raises(AllocationError):
            create_payment(account=account, amount="80.00", kind=kind, designated=designated)
    assert not Payment.objects.exists()


def test_a_refund_takes_from_the_credit() -> None:
    account = create_account()
    payment = create_payment(account=account, amount="150.00", received_on=dt.date(2025, 3, 1))
    refund = post_refund(account_id=account.pk, amount=Decimal("50.00"), refunded_on=dt.date(2025, 4, 1), now=NOW)
    assert credit(account) == Decimal("100.00")
    cover = Allocation.objects.get(refund=refund)
    assert (cover.payment, cover.effective_on) == (payment, dt.date(2025, 4, 1))
    charge = create_charge(account=account, amount="120.00")
    assert settled(charge) == Decimal("100.00"), "what was paid back must not settle a charge as well"


def test_a_refund_may_draw_on_several_payments_but_not_on_more_than_the_credit() -> None:
    account = create_account()
    create_payment(account=account, amount="30.00")
    create_payment(account=account, amount="30.00")
    post_refund(account_id=account.pk, amount=Decimal("45.00"), refunded_on=TODAY, now=NOW)
    assert credit(account) == Decimal("15.00")
    with pytest.raises(posting.NotEnoughCreditError):
        post_refund(account_id=account.pk, amount=Decimal("15.01"), refunded_on=TODAY, now=NOW)
    assert Payment.objects.filter(kind=Payment.Kind.REFUND).count() == 1


def test_reversing_a_refund_gives_the_credit_back_to_open_charges() -> None:
    account = create_account()
    create_payment(account=account, amount="100.00")
    refund = post_refund(account_id=account.pk, amount=Decimal("100.00"), refunded_on=TODAY, now=NOW)
    charge = create_charge(account=account, amount="60.00")
    assert settled(charge) == Decimal(0)
    reverse_payment(refund.pk, today=TODAY, now=NOW, by=None)
    assert (settled(charge), credit(account)) == (Decimal("60.00"), Decimal("40.00"))


def test_a_payment_that_was_paid_back_cannot_be_reversed_before_its_refund() -> None:
    account = create_account()
    payment = create_payment(account=account, amount="100.00")
    refund = post_refund(account_id=account.pk, amount=Decimal("10.00"), refunded_on=TODAY, now=NOW)
    with pytest.raises(posting.RefundedError):
        reverse_payment(payment.pk, today=TODAY, now=NOW, by=None)
    reverse_payment(refund.pk, today=TODAY, now=NOW, by=None)
    reverse_payment(payment.pk, today=TODAY, now=NOW, by=None)
    assert credit(account) == Decimal(0)


def test_nobody_posts_or_reverses_money_they_took() -> None:
    account, taker, other = create_account(), create_user(), create_user()
    with pytest.raises(posting.OwnMoneyError):
        create_payment(account=account, by=taker, taken_by=taker)
    payment = create_payment(account=account, by=other, taken_by=taker)
    with pytest.raises(posting.OwnMoneyError):
        reverse_payment(payment.pk, today=TODAY, now=NOW, by=taker)


def test_the_database_too_refuses_ones_own_money() -> None:
    account, taker = create_account(), create_user()
    with pytest.raises(IntegrityError, match="payment_not_posted_by_its_taker"):
        Payment.objects.create(
            project=account.project, account=account, amount=1, received_on=TODAY, posted_at=NOW,
            posted_by=taker, taken_by=taker,
        )  # fmt: skip


def test_money_cannot_be_received_tomorrow() -> None:
    account = create_account()
    with pytest.raises(posting.FutureDayError):
        create_payment(account=account, received_on=TODAY + dt.timedelta(days=1))


def test_fractions_of_a_cent_are_refused() -> None:
    account = create_account()
    charge = create_charge(account=account)
    with pytest.raises(ValueError, match="two places"):
        create_payment(account=account, amount="10.005")
    with pytest.raises(ValueError, match="two places"):
        create_payment(account=account, amount="10.00", designated={charge.pk: Decimal("0.005")})
    with pytest.raises(ValueError, match="two places"):
        create_charge(account=account, month=FEBRUARY, amount="0.001")


def test_a_fee_of_another_project_is_refused() -> None:
    account, stranger = create_account(), create_account()
    with pytest.raises(ValueError, match="another project"):
        create_charge(account=account, fee_type=create_fee_type(project=stranger.project))


def test_a_submission_sent_again_is_one_payment() -> None:
    account, key = create_account(), uuid.uuid4()
    first = create_payment(account=account, submission=key)
    assert create_payment(account=account, submission=key) == first
    assert Payment.objects.count() == 1
    account.refresh_from_db()
    assert account.version == 1
    with pytest.raises(posting.SubmissionReusedError):
        create_payment(account=account, amount="99.00", submission=key)
    with pytest.raises(posting.SubmissionReusedError):
        create_payment(account=create_account(project=account.project), submission=key)


def test_a_serial_number_is_used_once_while_live() -> None:
    account = create_account()
    payment = create_payment(account=account, serial_no="W1")
    with pytest.raises(IntegrityError, match="payment_serial_once"), transaction.atomic():
        create_payment(account=account, serial_no="W1")
    reverse_payment(payment.pk, today=TODAY, now=NOW, by=None)
    create_payment(account=account, serial_no="W1")


def test_a_failed_posting_writes_nothing() -> None:
    account = create_account()
    charge = create_charge(account=account)
    before = Account.objects.get(pk=account.pk).version
    with pytest.raises(AllocationError), transaction.atomic():
        create_payment(account=account, amount="10.00", designated={charge.pk: Decimal("10.01")})
    assert not Payment.objects.exists()
    assert Account.objects.get(pk=account.pk).version == before


def test_the_same_period_can_be_charged_again_after_a_reversal() -> None:
    account = create_account()
    charge = create_charge(account=account)
    with pytest.raises(IntegrityError, match="charge_once_per_period"), transaction.atomic():
        create_charge(account=account)
    reverse_charge(charge.pk, today=TODAY, now=NOW, by=None)
    create_charge(account=account)


def test_followers_are_woken_after_the_commit(
    django_capture_on_commit_callbacks, monkeypatch: pytest.MonkeyPatch, settings
) -> None:
    sent: list[str] = []
    settings.LEDGER_FOLLOWERS = ["collection.follow_ledger"]
    monkeypatch.setattr(posting.current_app, "send_task", lambda name, **_: sent.append(name))
    account = create_account()
    with django_capture_on_commit_callbacks(execute=True):
        post_payment(account_id=account.pk, amount=Decimal(1), received_on=TODAY, now=NOW)
        assert sent == []
    assert sent == ["collection.follow_ledger"]


def test_each_posting_raises_the_version_once() -> None:
    account = create_account()
    charge = create_charge(account=account)
    payment = create_payment(account=account)
    reverse_charge(charge.pk, today=TODAY, now=NOW, by=None)
    reverse_payment(payment.pk, today=TODAY, now=NOW, by=None)
    assert Account.objects.filter(version=4, pk=account.pk).exists()
    assert not ChargeBalance.objects.filter(settled__gt=F("amount")).exists()


def test_accounts_are_made_in_one_order_whoever_asks() -> None:
    """Else two imports for the same units would wait for each other in a ring."""
    project = create_project()
    units = [create_unit(project=project, code=f"1-1-{number}") for number in range(101, 301)]
    for unit in reversed(units):
        create_ownership(unit=unit, owners=[])
    make_accounts(project, [(unit.pk, TODAY) for unit in units])
    made = list(Account.objects.order_by("pk").values_list("ownership_id", flat=True))
    assert len(made) == 200
    assert made == sorted(made)
