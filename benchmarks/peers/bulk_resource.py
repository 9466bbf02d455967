"""The same workbook through django-import-export: its own reader, bulk mode, every look-up cached.

It matches units, fees and charges and compares the amounts, but says less about mistakes than we do: its checks are
those of its fields. Balances and payments are written in bulk as soon as the charges are there.
"""

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone
from import_export import fields, resources, widgets
from import_export.formats.base_formats import XLSX
from import_export.instance_loaders import BaseInstanceLoader

from arrears.models import Account, Allocation, Charge, ChargeBalance, FeeType, Payment, PaymentBalance
from company.models import Project
from owners.unit_codes import canonical_code

BATCH = 1000
CENT = Decimal("0.01")


class Day(widgets.Widget):
    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> Any:
        return value.date() if isinstance(value, datetime) else value


class Money(widgets.Widget):
    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> Any:
        return Decimal(str(value)).quantize(CENT)


class CachedCharges(BaseInstanceLoader):
    """Live charges of the project by their key, loaded once."""

    def get_instance(self, row: Any) -> Charge | None:
        return self.resource.known.get(self.resource.key_of(row))


class ChargeResource(resources.ModelResource):
    fee_type_id = fields.Field("fee_type_id", "收费项目")
    period_start = fields.Field("period_start", "计费开始", widget=Day())
    period_end = fields.Field("period_end", "计费结束", widget=Day())
    amount = fields.Field("amount", "应收金额", widget=Money())

    class Meta:
        model = Charge
        fields = ("fee_type_id", "period_start", "period_end", "amount")
        import_id_fields = ("fee_type_id", "period_start", "period_end")
        instance_loader_class = CachedCharges
        use_bulk = True
        batch_size = BATCH
        skip_diff = True
        report_skipped = False
        use_transactions = True
        clean_model_instances = False

    def __init__(self, project: Project) -> None:
        super().__init__()
        self.project, self.now = project, timezone.now()
        self.fees = {name: pk for pk, name in FeeType.objects.filter(project=project).values_list("pk", "name")}
        self.accounts = {account.unit.code: account for account in _accounts(project)}
        live = Charge.objects.filter(project=project, kind="charge", reversed_by=None)
        self.known = {(c.unit_id, c.fee_type_id, c.period_start, c.period_end): c for c in live}
        self.received: list[tuple[Charge, Decimal]] = []

    def account_of(self, row: Any) -> Account:
        return self.accounts[canonical_code(row["楼栋"] or "", row["单元"] or "", str(row["房号"]))]

    def key_of(self, row: Any) -> tuple[Any, ...]:
        return (
            self.account_of(row).unit_id, self.fees[row["收费项目"]], row["计费开始"].date(), row["计费结束"].date(),
        )  # fmt: skip

    def before_import_row(self, row: Any, **kwargs: Any) -> None:
        due, paid, left = (Money().clean(row[name]) for name in ("应收金额", "已收金额", "欠费金额"))
        if due <= 0 or paid < 0 or paid > due or due - paid != left or row["计费结束"] < row["计费开始"]:
            raise ValueError("contradicting amounts or days")

    def import_instance(self, instance: Charge, row: Any, **kwargs: Any) -> None:
        account = self.account_of(row)
        instance.project_id, instance.account_id, instance.unit_id = self.project.pk, account.pk, account.unit_id
        instance.fee_type_id = self.fees[row["收费项目"]]
        for name in ("period_start", "period_end", "amount"):
            self.import_field(self.fields[name], instance, row)
        instance.due_on = instance.effective_on = instance.period_end
        instance.posted_at, instance.source_row = self.now, kwargs["row_number"] + 1
        self.received.append((instance, Money().clean(row["已收金额"])))

    def after_import(self, dataset: Any, result: Any, **kwargs: Any) -> None:
        """The rows beside the charges, also in bulk."""
        ChargeBalance.objects.bulk_create(
            (
                ChargeBalance(
                    charge=c, project_id=c.project_id, account_id=c.account_id, due_on=c.due_on, amount=c.amount,
                    settled=paid,
                )
                for c, paid in self.received
            ),
            batch_size=BATCH,
        )  # fmt: skip
        paid = [(charge, amount) for charge, amount in self.received if amount]
        payments = Payment.objects.bulk_create(
            (
                Payment(
                    project_id=c.project_id, account_id=c.account_id, kind="imported", amount=amount,
                    posted_at=self.now,
                )
                for c, amount in paid
            ),
            batch_size=BATCH,
        )  # fmt: skip
        PaymentBalance.objects.bulk_create(
            (
                PaymentBalance(
                    payment=p, project_id=p.project_id, account_id=p.account_id, amount=p.amount, allocated=p.amount
                )
                for p in payments
            ),
            batch_size=BATCH,
        )
        Allocation.objects.bulk_create(
            (
                Allocation(
                    project_id=p.project_id, account_id=p.account_id, payment=p, charge=c, amount=p.amount,
                    effective_on=c.due_on, posted_at=self.now,
                )
                for p, (c, _) in zip(payments, paid, strict=True)
            ),
            batch_size=BATCH,
        )  # fmt: skip


def post(path: Path, project: Project) -> int:
    """Import the workbook at ``path``; returns how many charges were made."""
    with transaction.atomic():
        dataset = XLSX().create_dataset(path.read_bytes())
        result = ChargeResource(project).import_data(dataset, raise_errors=True)
    return int(result.totals["new"])


def _accounts(project: Project) -> Any:
    return Account.objects.filter(project=project).select_related("unit")
