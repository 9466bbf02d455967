"""A balance is the sum of its rows, whatever is done in whatever order (promise 4).

A state machine acts on two accounts. Beside the ledger runs an oracle that knows nothing of it: lists of charges and
payments, settled anew from their history. After each step balances, rows and oracle agree to the cent.
"""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from arrears.assessing import assess_late_fees, reverse_late_fee
from arrears.checking import check_ledger
from arrears.importing.posting import post_staged
from arrears.models import Account, ChargeBalance, FeeType, Import, LateFeeBalance, PaymentBalance, Relief
from arrears.posting import (
    NotEnoughCreditError,
    RefundedError,
    post_charge,
    post_payment,
    post_refund,
    reverse_charge,
    reverse_payment,
)
from arrears.queries import aged_by
from arrears.relief import approve_relief, propose_relief, revoke_relief
from company.rights import Right
from tests.arrears.ledger_oracle import ZERO, Oracle, OracleCharge, OracleLateFee, OraclePayment
from tests.factories import (
    NOW,
    TODAY,
    create_account,
    create_fee_type,
    create_project,
    create_user,
)
from tests.relief_factories import create_contract, create_late_fee_policy

CENTS = st.integers(1, 30_000).map(lambda cents: Decimal(cents) / 100)
DAYS = st.integers(-700, 0).map(lambda days: TODAY + dt.timedelta(days=days))


class LedgerMachine(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        project = create_project()
        self.project = project
        self.accounts = [create_account(project=project) for _ in range(2)]
        self.fees = [create_fee_type(project=project, name=name) for name in ("物业费", "水费")]
        self.oracles = [Oracle() for _ in self.accounts]
        self.months = 0
        self.proposer, self.manager = create_user(), create_user()
        create_contract(project=project)
        create_late_fee_policy(fee_type=self.fees[0], daily_rate="0.003", cap_percent=30)

    def teardown(self) -> None:
        """What costs many queries is asked once, of the finished ledger."""
        if not hasattr(self, "accounts"):
            return
        try:
            assert check_ledger(project=self.project) == []
            assert overlaps(self.accounts) == []
        finally:
            transaction.set_rollback(True)
            self.atomic.__exit__(None, None, None)

    def _at(self, which: int) -> tuple[Account, Oracle]:
        return self.accounts[which], self.oracles[which]

    @rule(which=st.integers(0, 1), amount=CENTS, due_on=DAYS, fee=st.integers(0, 1))
    def charge(self, which: int, amount: Decimal, due_on: dt.date, fee: int) -> None:
        account, oracle = self._at(which)
        self.months += 1
        start = dt.date(2000, 1, 1) + dt.timedelta(days=self.months)
        row = post_charge(
            account_id=account.pk, fee_type=self.fees[fee], period_start=start, period_end=start, due_on=due_on,
            amount=amount, now=NOW,
        )  # fmt: skip
        oracle.charges[row.pk] = OracleCharge(row.pk, self.fees[fee].pk, due_on, amount)
        oracle.use_credit()

    @rule(which=st.integers(0, 1), amount=CENTS, day=DAYS, fee=st.none() | st.integers(0, 1))
    def pay(self, which: int, amount: Decimal, day: dt.date, fee: int | None) -> None:
        account, oracle = self._at(which)
        named: FeeType | None = None if fee is None else self.fees[fee]
        row = post_payment(account_id=account.pk, amount=amount, received_on=day, now=NOW, fee_type=named)
        oracle.payments[row.pk] = OraclePayment(row.pk, day, amount, fee=named.pk if named else None)
        oracle.settle(oracle.payments[row.pk])

    @precondition(lambda self: any(self._open()))
    @rule(data=st.data(), day=DAYS, more=CENTS)
    def pay_by_hand(self, data: st.DataObject, day: dt.date, more: Decimal) -> None:
        """A designation of part of one open charge, with money left for the others."""
        which, pk, part = self._draw_open(data)
        account, oracle = self._at(which)
        row = post_payment(account_id=account.pk, amount=part + more, received_on=day, now=NOW, designated={pk: part})
        oracle.payments[row.pk] = OraclePayment(row.pk, day, part + more)
        oracle.charges[pk].parts[row.pk] = part
        oracle.settle(oracle.payments[row.pk])

    @precondition(lambda self: any(self._open()))
    @rule(data=st.data(), day=DAYS, kind=st.sampled_from(["imported", "settled_outside"]))
    def pay_bound(self, data: st.DataObject, day: dt.date, kind: str) -> None:
        which, pk, part = self._draw_open(data)
        account, oracle = self._at(which)
        row = post_payment(
            account_id=account.pk, amount=part, received_on=day, now=NOW, kind=kind, designated={pk: part}
        )
        oracle.payments[row.pk] = OraclePayment(row.pk, day, part, bound_to=pk, is_told=kind == "imported")
        oracle.charges[pk].parts[row.pk] = part
        oracle.charges[pk].was_told |= kind == "imported"

    @rule(which=st.integers(0, 1), amount=CENTS, day=DAYS, fee=st.none() | st.integers(0, 1))
    def import_money(self, which: int, amount: Decimal, day: dt.date, fee: int | None) -> None:
        """A payment from a workbook takes the place of what sheets showed as received until its day."""
        account, oracle = self._at(which)
        named = None if fee is None else self.fees[fee].pk
        workbook = post_one(
            account, "payments", fee_type_id=named, received_on=day, amount=amount, serial_no=self._new()
        )
        row = workbook.payments.get(kind="received")
        rests = list(account.payments.filter(kind="imported").exclude(pk__in=oracle.payments).order_by("pk"))
        oracle.payments[row.pk] = OraclePayment(row.pk, day, amount, fee=named, is_imported=True)
        oracle.replace_told(oracle.payments[row.pk], [(rest.pk, rest.received_on) for rest in rests])
        oracle.settle(oracle.payments[row.pk])
        oracle.use_credit()

    @rule(which=st.integers(0, 1), amount=CENTS, share=st.integers(1, 100), due_on=DAYS, fee=st.integers(0, 1))
    def import_bill(self, which: int, amount: Decimal, share: int, due_on: dt.date, fee: int) -> None:
        """A charge from a workbook with what it prints as received: imported payments explain that first."""
        account, oracle = self._at(which)
        self.months += 1
        start = dt.date(2000, 1, 1) + dt.timedelta(days=self.months)
        received = max((amount * share / 100).quantize(Decimal("0.01")), Decimal("0.01"))
        workbook = post_one(
            account, "charges", fee_type_id=self.fees[fee].pk, period_start=start, period_end=start, due_on=due_on,
            amount=amount, waived=0, received=received,
        )  # fmt: skip
        row = workbook.charges.get()
        oracle.charges[row.pk] = OracleCharge(row.pk, self.fees[fee].pk, due_on, amount)
        told = workbook.payments.first()
        oracle.tell_received(oracle.charges[row.pk], received, told.pk if told else None)
        oracle.use_credit()

    def _new(self) -> str:
        self.months += 1
        return f"S{self.months}"

    @rule(which=st.integers(0, 1), amount=CENTS, day=DAYS)
    def refund(self, which: int, amount: Decimal, day: dt.date) -> None:
        account, oracle = self._at(which)
        try:
            row = post_refund(account_id=account.pk, amount=amount, refunded_on=day, now=NOW)
        except NotEnoughCreditError:
            assert oracle.credit < amount
            return
        assert oracle.credit >= amount
        oracle.refunds.add(row.pk)
        for payment in sorted(oracle.payments.values(), key=lambda p: (p.day, p.pk)):
            part = min(amount, oracle.free(payment))
            if part > 0:
                payment.refunds[row.pk] = part
                amount -= part

    @precondition(lambda self: any(oracle.refunds for oracle in self.oracles))
    @rule(data=st.data())
    def reverse_refund(self, data: st.DataObject) -> None:
        oracle, pk = data.draw(st.sampled_from([(o, pk) for o in self.oracles for pk in sorted(o.refunds)]))
        reverse_payment(pk, today=TODAY, now=NOW, by=None)
        oracle.refunds.remove(pk)
        for payment in oracle.payments.values():
            payment.refunds.pop(pk, None)
        oracle.use_credit()

    @precondition(lambda self: any(p.live for o in self.oracles for p in o.payments.values()))
    @rule(data=st.data(), today=DAYS)
    def reverse_money(self, data: st.DataObject, today: dt.date) -> None:
        live = [(o, p) for o in self.oracles for p in o.payments.values() if p.live]
        oracle, payment = data.draw(st.sampled_from(live))
        if payment.refunds:
            with pytest.raises(RefundedError):
                reverse_payment(payment.pk, today=today, now=NOW, by=None)
            return
        reverse_payment(payment.pk, today=today, now=NOW, by=None)
        oracle.drop_payment(payment.pk)
        oracle.use_credit()

    @precondition(lambda self: any(c.live for o in self.oracles for c in o.charges.values()))
    @rule(data=st.data(), today=DAYS)
    def reverse_bill(self, data: st.DataObject, today: dt.date) -> None:
        live = [(o, c) for o in self.oracles for c in o.charges.values() if c.live]
        oracle, charge = data.draw(st.sampled_from(live))
        reverse_charge(charge.pk, today=today, now=NOW, by=None)
        oracle.drop_charge(charge.pk)
        oracle.use_credit()

    @rule(day=DAYS)
    def assess(self, day: dt.date) -> None:
        """What is posted is taken over by the oracle; test_late_fees has one for the amounts."""
        assess_late_fees(self.project, as_of=day, now=NOW, by=None)
        for account, oracle in zip(self.accounts, self.oracles, strict=True):
            for row in account.late_fees.filter(kind="late_fee").exclude(pk__in=oracle.late_fees):
                oracle.late_fees[row.pk] = OracleLateFee(row.charge_id, day, row.amount)
                assert oracle.charges[row.charge_id].live
            oracle.use_credit()

    @precondition(lambda self: any(f.live for o in self.oracles for f in o.late_fees.values()))
    @rule(data=st.data(), today=DAYS)
    def reverse_fee(self, data: st.DataObject, today: dt.date) -> None:
        live = [(o, pk) for o in self.oracles for pk, late_fee in o.late_fees.items() if late_fee.live]
        oracle, pk = data.draw(st.sampled_from(live))
        reverse_late_fee(pk, today=today, now=NOW, by=None)
        oracle.drop_late_fee(pk)
        oracle.use_credit()

    @precondition(lambda self: any(self._open()))
    @rule(data=st.data(), day=DAYS)
    def waive(self, data: st.DataObject, day: dt.date) -> None:
        which, pk, part = self._draw_open(data)
        account, oracle = self._at(which)
        kind = data.draw(st.sampled_from([Relief.Kind.PRINCIPAL, Relief.Kind.WRITE_OFF]))
        wanted = propose_relief(
            account_id=account.pk,
            kind=kind,
            reason="困难",
            effective_on=day,
            by=self.proposer,
            now=NOW,
            lines={pk: part},
        )
        approve_relief(wanted.pk, by=self.manager, rights=frozenset(Right), now=NOW, today=TODAY)
        oracle.charges[pk].waived[wanted.pk] = part

    @precondition(lambda self: any(f.open for o in self.oracles for f in o.late_fees.values()))
    @rule(data=st.data())
    def waive_late_fee(self, data: st.DataObject) -> None:
        """Approving assesses up to today, so the oracle takes over what that posts, then waives oldest first."""
        which = data.draw(
            st.sampled_from([w for w, o in enumerate(self.oracles) if any(f.open for f in o.late_fees.values())])
        )
        account, oracle = self._at(which)
        self.assess(TODAY)
        total = sum((late_fee.open for late_fee in oracle.late_fees.values()), ZERO)
        if not total:
            return
        amount = Decimal(data.draw(st.integers(1, int(total * 100)))) / 100
        wanted = propose_relief(
            account_id=account.pk, kind=Relief.Kind.LATE_FEE, reason="困难", effective_on=TODAY, by=self.proposer,
            now=NOW, amount=amount,
        )  # fmt: skip
        approve_relief(wanted.pk, by=self.manager, rights=frozenset(Right), now=NOW, today=TODAY)
        for _pk, late_fee in sorted(oracle.late_fees.items(), key=lambda f: (f[1].day, f[0])):
            part = min(late_fee.open, amount)
            if part > 0:
                late_fee.waived[wanted.pk] = part
                amount -= part

    @precondition(lambda self: any(self._waived()))
    @rule(data=st.data(), today=DAYS)
    def revoke(self, data: st.DataObject, today: dt.date) -> None:
        oracle, pk = data.draw(st.sampled_from(self._waived()))
        revoke_relief(pk, by=self.manager, rights=frozenset(Right), now=NOW, today=today, note="误批")
        for row in [*oracle.charges.values(), *oracle.late_fees.values()]:
            row.waived.pop(pk, None)
        oracle.use_credit()

    def _waived(self) -> list[tuple[Oracle, int]]:
        return [
            (oracle, pk)
            for oracle in self.oracles
            for pk in sorted(
                {pk for row in [*oracle.charges.values(), *oracle.late_fees.values()] for pk in row.waived}
            )
        ]

    def _open(self) -> list[tuple[int, OracleCharge]]:
        return [(w, c) for w, oracle in enumerate(self.oracles) for c in oracle.charges.values() if c.open > 0]

    def _draw_open(self, data: st.DataObject) -> tuple[int, int, Decimal]:
        which, charge = data.draw(st.sampled_from(self._open()))
        cents = data.draw(st.integers(1, int(charge.open * 100)))
        return which, charge.pk, Decimal(cents) / 100

    @invariant()
    def not_a_cent_off(self) -> None:
        if not hasattr(self, "accounts"):
            return
        for account, oracle in zip(self.accounts, self.oracles, strict=True):
            settled = dict(ChargeBalance.objects.filter(account=account).values_list("charge_id", "settled"))
            assert settled == {c.pk: c.settled for c in oracle.charges.values()}
            late = dict(LateFeeBalance.objects.filter(account=account).values_list("late_fee_id", "settled"))
            assert late == {pk: f.settled for pk, f in oracle.late_fees.items()}
            left = {
                b.payment_id: b.amount - b.allocated if b.is_live else ZERO
                for b in PaymentBalance.objects.filter(account=account)
            }
            assert left == {p.pk: oracle.free(p) for p in oracle.payments.values()}

    @invariant()
    def rows_of_today_agree_with_balances(self) -> None:
        if hasattr(self, "accounts"):
            now = aged_by(self.project, "account", on=TODAY)
            rows = aged_by(self.project, "account", on=TODAY, as_of=True)
            assert {k: v.overdue for k, v in now.items()} == {k: v.overdue for k, v in rows.items()}


def post_one(account: Account, kind: str, **row: Any) -> Import:
    """A workbook with one row, as it is posted after its check."""
    workbook = Import.objects.create(
        project=account.project,
        kind=kind,
        state=Import.State.APPROVED,
        file_name="a.xlsx",
        file_sha256="0" * 64,
        as_of=TODAY if kind == "charges" else None,
    )
    staged = workbook.staged if kind == "charges" else workbook.staged_payments
    staged.create(sheet="", row=1, unit_id=account.unit_id, unit_code=account.unit.code, **row)
    post_staged(workbook, now=NOW, by=None)
    Import.objects.filter(pk=workbook.pk).update(state=Import.State.POSTED, posted_at=NOW)
    return workbook


def overlaps(accounts: list[Account]) -> list[str]:
    """Charges, late fees and payments that on some past day were used for more than their amount."""
    found: list[str] = []
    for column, table in (
        ("charge_id", "arrears_charge"), ("payment_id", "arrears_payment"), ("late_fee_id", "arrears_latefee")
    ):  # fmt: skip
        waived = ""
        if column != "payment_id":
            waived = f"""
                UNION ALL SELECT w.{column}, w.amount, w.effective_on, r.effective_on
                FROM arrears_waiver w LEFT JOIN arrears_waiver r ON r.id = w.reversed_by_id
                WHERE w.kind <> 'reversal' AND w.account_id = ANY(%s) AND w.{column} IS NOT NULL"""
        with connection.cursor() as cursor:
            cursor.execute(
                f"""
                WITH spans AS (
                    SELECT a.{column} AS subject, a.amount, a.effective_on AS since, r.effective_on AS until
                    FROM arrears_allocation a LEFT JOIN arrears_allocation r ON r.id = a.reversed_by_id
                    WHERE a.kind = 'allocation' AND a.account_id = ANY(%s) AND a.{column} IS NOT NULL
                    {waived})
                SELECT '{column} ' || s.subject || ' on ' || s.since
                FROM (SELECT DISTINCT subject, since FROM spans WHERE until IS NULL OR until > since) s
                JOIN spans t ON t.subject = s.subject AND t.since <= s.since AND (t.until IS NULL OR t.until > s.since)
                JOIN {table} row ON row.id = s.subject
                GROUP BY s.subject, s.since, row.amount
                HAVING sum(t.amount) > row.amount
                """,
                [[account.pk for account in accounts]] * (2 if waived else 1),
            )
            found += [name for (name,) in cursor.fetchall()]
    return found


QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


@pytest.mark.django_db
def test_balances_are_the_sum_of_their_rows() -> None:
    _run(runs=12, steps=30)


@pytest.mark.long
@pytest.mark.django_db
def test_balances_are_the_sum_of_their_rows_a_hundred_times() -> None:
    _run(runs=100, steps=50)


def _run(*, runs: int, steps: int) -> None:
    run_state_machine_as_test(
        LedgerMachine,
        settings=settings(max_examples=runs, stateful_step_count=steps, deadline=None, suppress_health_check=QUIET),
    )
