"""Rows for tests of late fees, relief and plans."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from arrears.limitation import record_proof
from arrears.models import Account, Charge, FeeType, InstalmentPlan, LateFeePolicy, LimitationProof, Relief
from arrears.plans import decide_plan, propose_plan
from arrears.relief import approve_relief, propose_relief
from company.files import store_file
from company.models import FilePurpose, Project, User
from company.rights import Right
from owners.models import ServiceContract
from tests.factories import NOW, TODAY, create_user


def create_contract(*, project: Project, **fields: Any) -> ServiceContract:
    """A service contract with a late-fee clause."""
    values = {
        "name": "前期物业服务合同",
        "starts_on": dt.date(2020, 1, 1),
        "late_fee_word": "违约金",
        "late_fee_clause": "逾期交纳的，每日按未付款项的万分之五支付违约金。",
    }
    return ServiceContract.objects.create(project=project, **values | fields)


def create_late_fee_policy(
    *, fee_type: FeeType, daily_rate: str | Decimal = "0.0005", valid_from: dt.date = dt.date(2020, 1, 1), **fields: Any
) -> LateFeePolicy:
    return LateFeePolicy.objects.create(
        project_id=fee_type.project_id,
        fee_type=fee_type,
        daily_rate=Decimal(daily_rate),
        valid_from=valid_from,
        created_at=NOW,
        **fields,
    )


def create_relief(
    *,
    account: Account,
    charge: Charge | None = None,
    amount: str | Decimal = "10.00",
    kind: Relief.Kind = Relief.Kind.PRINCIPAL,
    approved: bool = False,
    effective_on: dt.date = TODAY,
    by: User | None = None,
    **fields: Any,
) -> Relief:
    """A proposal of principal unless told, of the account's oldest charge; approved by somebody else where asked."""
    target = charge or account.charges.order_by("due_on").first()
    parts: dict[str, Any] = {"lines": {target.pk: Decimal(amount)}} if target else {}
    if kind == Relief.Kind.LATE_FEE:
        parts = {"amount": Decimal(amount)}
    fields = {"reason": "业主家庭困难", **parts, **fields}
    relief = propose_relief(
        account_id=account.pk, kind=kind, effective_on=effective_on, by=by or create_user(), now=NOW, **fields
    )
    if not approved:
        return relief
    return approve_relief(relief.pk, by=create_user(), rights=frozenset(Right), now=NOW, today=TODAY)


def create_plan(
    *,
    account: Account,
    instalments: Sequence[tuple[dt.date, str]] = ((TODAY + dt.timedelta(days=7), "100.00"),),
    running: bool = False,
    by: User | None = None,
) -> InstalmentPlan:
    """A proposed plan; approved by somebody else where asked."""
    parts = [(day, Decimal(amount)) for day, amount in instalments]
    plan = propose_plan(account_id=account.pk, instalments=parts, reason="分三期", by=by or create_user(), now=NOW)
    if not running:
        return plan
    return decide_plan(plan.pk, approve=True, by=create_user(), rights=frozenset(Right), now=NOW)


def create_proof(
    *,
    charge: Charge,
    kind: LimitationProof.Kind = LimitationProof.Kind.NOTICE,
    reached_on: dt.date = TODAY,
    now: dt.datetime = NOW,
) -> LimitationProof:
    """An act with a stored file that lists one charge."""
    file = store_file(
        project=charge.project, content=b"%PDF-1.7", name=f"{charge.pk}.pdf", content_type="application/pdf",
        purpose=FilePurpose.DELIVERY_PROOF, by=None,
    )  # fmt: skip
    return record_proof(
        account_id=charge.account_id, kind=kind, reached_on=reached_on, charges=[charge.pk], file=file, by=None, now=now
    )
