"""Limitation dates err on the safe side: 500 cases against an oracle that walks the days (A11, promise 20)."""

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from hypothesis import given, settings
from hypothesis import strategies as st

from arrears.limitation import Act, expiring, limitations, record_proof, reverse_proof, run, years_after
from arrears.models import Account, Charge, LimitationProof, Payment
from arrears.posting import AlreadyReversedError, FutureDayError, reverse_payment
from company.models import Role
from tests.factories import NOW, TODAY, create_account, create_charge, create_fee_type, create_payment, create_user
from tests.relief_factories import create_proof, create_relief

Kind = LimitationProof.Kind
DUE = dt.date(2021, 3, 31)
DAY = dt.timedelta(days=1)


@dataclass
class Claim:
    """What became of a claim, in the words of the law."""

    due: dt.date
    interruptions: list[dt.date] = field(default_factory=list)
    acknowledgements: list[dt.date] = field(default_factory=list)


def last_day_to_sue(claim: Claim, today: dt.date) -> dt.date:
    """Day after day: while time is left each demand begins three years anew; later only the debtor's own signature."""
    left, day, last = _length(claim.due), claim.due, claim.due
    while True:
        heard = day in claim.acknowledgements or (day in claim.interruptions and left >= 0)
        if heard and claim.due < day <= today:
            left = max(left, _length(day))
        if left >= 0:
            last = day
        if day >= today and left < 0:
            return last
        day, left = day + DAY, left - 1
        if left < 0 and day > today:
            return last


def _length(day: dt.date) -> int:
    """Days from ``day`` to the same day three years later; from 29 February to 1 March, the later reading."""
    try:
        return (day.replace(year=day.year + 3) - day).days
    except ValueError:
        return (dt.date(day.year + 3, 3, 1) - day).days


DAYS = st.integers(-60, 365 * 9).map(lambda n: DUE + n * DAY)


@settings(max_examples=500, deadline=None)
@given(
    due=st.one_of(st.just(dt.date(2020, 2, 29)), st.integers(-900, 900).map(lambda n: DUE + n * DAY)),
    demands=st.lists(DAYS, max_size=5),
    signed=st.lists(DAYS, max_size=2),
    today=st.integers(0, 365 * 9).map(lambda n: DUE + n * DAY),
)
def test_no_date_is_later_than_the_law(
    due: dt.date, demands: list[dt.date], signed: list[dt.date], today: dt.date
) -> None:
    acts = [Act(day) for day in demands] + [Act(day, revives=True) for day in signed]
    found = run(due, acts, on=today).expires_on
    law = last_day_to_sue(Claim(due, demands, signed), today)
    assert found <= law
    leap = any((day.month, day.day) == (2, 29) for day in (due, *demands, *signed))
    assert leap or found == law


def test_the_29_of_february_ends_on_the_28() -> None:
    assert years_after(dt.date(2024, 2, 29)) == dt.date(2027, 2, 28)


def test_without_a_start_the_answer_is_act_now() -> None:
    found = run(None, [Act(TODAY)], on=TODAY)
    assert (found.is_unknown, found.warning, found.colour) == (True, 0, "red")


@pytest.mark.parametrize(
    ("left", "warning"), [(181, None), (180, 180), (91, 180), (90, 90), (30, 30), (0, 30), (-1, 0)]
)
def test_warnings(left: int, warning: int | None) -> None:
    on = years_after(DUE) - left * DAY
    assert run(DUE, [], on=on).warning == warning


# --- from the ledger --------------------------------------------------------------------------------------------


pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> Account:
    return create_account(code="1-1-0101")


@pytest.fixture
def charge(account: Account) -> Charge:
    return create_charge(account=account, month=dt.date(2023, 3, 1))


def expires(charge: Charge, on: dt.date = TODAY) -> dt.date | None:
    return limitations([charge], on=on)[charge.pk].expires_on


def test_only_the_charges_that_it_lists(account: Account, charge: Charge) -> None:
    other = create_charge(account=account, month=dt.date(2023, 4, 1))
    create_proof(charge=charge, reached_on=dt.date(2025, 6, 5))
    assert (expires(charge), expires(other)) == (dt.date(2028, 6, 5), dt.date(2026, 4, 30))


def test_a_reversed_proof_never_was(charge: Charge) -> None:
    proof = create_proof(charge=charge, reached_on=dt.date(2025, 6, 5))
    reverse_proof(proof.pk, by=None, now=NOW, note="签收人不符")
    assert expires(charge) == dt.date(2026, 3, 31)
    with pytest.raises(AlreadyReversedError):
        reverse_proof(proof.pk, by=None, now=NOW, note="再次")


def test_a_part_payment_restarts_what_it_settled_and_its_reversal_undoes_it(account: Account, charge: Charge) -> None:
    other = create_charge(account=account, month=dt.date(2023, 4, 1))
    payment = create_payment(account=account, amount="40.00", received_on=dt.date(2025, 6, 5))
    assert (expires(charge), expires(other)) == (dt.date(2028, 6, 5), dt.date(2026, 4, 30))
    reverse_payment(payment.pk, today=TODAY, now=NOW, by=None)
    assert expires(charge) == dt.date(2026, 3, 31)


def test_what_was_settled_outside_or_imported_without_a_day_never_restarts(account: Account, charge: Charge) -> None:
    create_payment(
        account=account, amount="10.00", received_on=dt.date(2025, 6, 5), kind=Payment.Kind.SETTLED_OUTSIDE,
        designated={charge.pk: Decimal("10.00")},
    )  # fmt: skip
    common = {"project": account.project, "account": account, "posted_at": NOW}
    undated = Payment.objects.create(kind="imported", amount=Decimal("1.00"), **common)
    account.allocations.create(
        payment=undated,
        charge=charge,
        amount=Decimal("1.00"),
        effective_on=TODAY,
        project=account.project,
        posted_at=NOW,
    )
    assert expires(charge) == dt.date(2026, 3, 31)


def test_credit_that_is_applied_later_is_no_act_of_the_owners(account: Account) -> None:
    create_payment(account=account, amount="40.00", received_on=dt.date(2023, 1, 5))
    assert expires(create_charge(account=account, month=dt.date(2023, 3, 1))) == dt.date(2026, 3, 31)


def test_relief_is_no_act_of_the_owners(account: Account, charge: Charge) -> None:
    create_relief(account=account, charge=charge, approved=True)
    assert expires(charge) == dt.date(2026, 3, 31)


def test_after_expiry_only_a_signature_revives(account: Account) -> None:
    old = create_charge(account=account, month=dt.date(2021, 3, 1))
    create_proof(charge=old, reached_on=dt.date(2024, 4, 1))
    create_payment(account=account, amount="10.00", received_on=dt.date(2024, 5, 1))
    assert expires(old) == dt.date(2024, 3, 31)
    create_proof(charge=old, reached_on=dt.date(2024, 6, 1), kind=Kind.ACKNOWLEDGEMENT)
    assert expires(old) == dt.date(2027, 6, 1)


def test_a_bill_over_many_periods_runs_from_the_first(account: Account) -> None:
    year = create_charge(account=account, month=dt.date(2023, 1, 1), due_on=dt.date(2023, 12, 31))
    whole = Charge(
        fee_type=create_fee_type(project=account.project), period_start=dt.date(2023, 1, 1),
        period_end=dt.date(2023, 12, 31), due_on=dt.date(2023, 12, 31), pk=0,
    )  # fmt: skip
    assert limitations([whole], on=TODAY)[0].expires_on == dt.date(2026, 1, 31)
    assert expires(year) == dt.date(2026, 12, 31)


def test_an_unknown_start_is_urgent(account: Account) -> None:
    unknown = create_charge(account=account, month=dt.date(2025, 1, 1), basis={"start_unknown": True})
    assert expires(unknown) is None
    assert [(c.pk, found.is_unknown) for c, found in expiring(account.project, on=TODAY)] == [(unknown.pk, True)]


def test_the_query_lists_what_ends_soon_soonest_first(account: Account, django_assert_num_queries) -> None:
    months = [dt.date(2022, 12, 1), dt.date(2023, 4, 1), dt.date(2023, 5, 1), dt.date(2023, 6, 1), dt.date(2024, 1, 1)]
    charges = [create_charge(account=account, month=month) for month in months]
    create_proof(charge=charges[1], reached_on=dt.date(2025, 6, 5))
    with django_assert_num_queries(3):
        found = expiring(account.project, on=TODAY)
    assert [(c.pk, limitation.warning) for c, limitation in found] == [(charges[0].pk, 90)]
    assert [c.pk for c, _limitation in expiring(account.project, on=TODAY, within=200)] == [
        charges[0].pk, charges[2].pk
    ]  # fmt: skip


def test_a_proof_needs_a_day_that_has_come_charges_and_its_own_account(account: Account, charge: Charge) -> None:
    theirs = create_charge(account=create_account(project=account.project))
    file = create_proof(charge=charge).file
    with pytest.raises(FutureDayError):
        create_proof(charge=charge, reached_on=TODAY + DAY)
    with pytest.raises(ValueError, match="lists"):
        record_proof(account_id=account.pk, kind=Kind.NOTICE, reached_on=TODAY, charges=[], file=file, by=None, now=NOW)
    with pytest.raises(IntegrityError, match="crosses accounts"), transaction.atomic():
        record_proof(
            account_id=account.pk, kind=Kind.NOTICE, reached_on=TODAY, charges=[theirs.pk], file=file, by=None, now=NOW
        )


def test_recorded_by_form_it_is_shown_on_the_account(account: Account, charge: Charge, monkeypatch) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)
    client, project = Client(), account.project
    client.force_login(create_user(role=Role.NOTICE_ADMIN, project=project))
    kwargs = {"project_code": project.code, "pk": account.pk}
    sent = {"kind": Kind.NOTICE, "reached_on": "2025-06-05", "charges": [charge.pk]}
    page = reverse("arrears:proof_new", kwargs=kwargs)
    assert client.post(page, sent).status_code == 200
    assert not LimitationProof.objects.exists()
    client.post(page, {**sent, "proof": SimpleUploadedFile("签收.pdf", b"%PDF-1.7")})
    text = client.get(reverse("arrears:account", kwargs=kwargs)).text
    assert "2028-06-05" in text
    assert "送达" in text
