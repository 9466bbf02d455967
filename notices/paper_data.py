"""What receipts and statements say, as text (Chinese): made when they are issued and frozen with them."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import F, QuerySet, Sum
from django.utils import timezone, translation

from arrears.models import Account, Allocation, ChargeBalance, Payment
from arrears.movements import AccountMovements, Movement, MovementKind
from company.models import Project
from notices.amounts import capitals, figures, short_period, written_date, written_periods
from notices.fields import one_line

ZERO = Decimal("0.00")
ON_BEHALF = "代收代付"
AHEAD = "预存款"
MOVEMENT_WORDS = {
    MovementKind.CHARGE_REVERSED: "红冲",
    MovementKind.RECEIVED: "收款",
    MovementKind.IMPORTED: "已收（账单所载）",
    MovementKind.SETTLED_OUTSIDE: "已在收费系统结清",
    MovementKind.REFUNDED: "退款",
    MovementKind.PAYMENT_REVERSED: "红冲收款",
    MovementKind.LATE_FEE_REVERSED: "红冲",
    MovementKind.WAIVED: "减免",
    MovementKind.WAIVER_REVERSED: "撤销减免",
}


@dataclass
class _FeeSum:
    """What a payment settles of one fee."""

    on_behalf: bool
    amount: Decimal = ZERO
    periods: list[tuple[date, date]] = field(default_factory=list)


def receipt_data(payment: Payment, *, today: date) -> dict[str, Any]:
    """Everything that the receipt of ``payment`` prints but its number; ``today`` is the day of issue."""
    project, account = payment.project, payment.account
    return {
        "fields": {
            **_of_account(project, account),
            "日期": written_date(payment.received_on or today),
            "金额": figures(payment.amount),
            "大写": capitals(payment.amount),
            "收款方式": _method(payment),
            "流水号": one_line(payment.serial_no),
            "原收据号": one_line(payment.receipt_no),
            "收款人": one_line(_taker(payment)),
            "尚欠": figures(_overdue(account, today)),
            "开具日期": written_date(today),
        },
        "lines": [*_receipt_lines(payment)],
    }


def statement_data(
    movements: AccountMovements, *, numbers: Mapping[int, str], known_until: datetime | None, today: date
) -> dict[str, Any]:
    """Everything that a statement prints but its number. ``numbers``: of receipts, by payment id."""
    project, account = movements.account.project, movements.account
    closing = movements.closing
    return {
        "fields": {
            **_of_account(project, account),
            "建筑面积": f"{account.unit.area}㎡" if account.unit.area else "",
            "起日": written_date(movements.since),
            "止日": written_date(movements.until),
            "数据截至": written_instant(known_until),
            "余额": figures(abs(closing)),
            "大写": capitals(abs(closing)),
            "有预存": "1" if closing < 0 else "",
            "服务中心地址": one_line(project.service_address),
            "联系电话": one_line(project.service_phone),
            "受理时间": one_line(project.service_hours),
            "开具日期": written_date(today),
        },
        "opening": str(movements.opening),
        "lines": [_statement_line(line, numbers) for line in movements.lines],
    }


def content_sha256(data: Mapping[str, Any]) -> str:
    """Hash of the data, in one way of writing them."""
    content = json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()


def texts_of(data: Mapping[str, Any]) -> str:
    """All that is printed of ``data``, run together."""
    return "".join([*data["fields"].values(), *("".join(map(str, line.values())) for line in data["lines"])])


def _of_account(project: Project, account: Account) -> dict[str, str]:
    return {
        "业主": one_line(account.ownership.party_name),
        "房号": one_line(account.unit.address),
        "项目名称": one_line(project.name),
        "物业公司": one_line(project.company_name),
    }


def _receipt_lines(payment: Payment) -> Iterable[dict[str, str]]:
    live = Allocation.objects.filter(payment=payment, kind=Allocation.Kind.ALLOCATION, reversed_by=None)
    fees: dict[str, _FeeSum] = {}
    for part in _principal_first(live):
        charge = part.charge or part.late_fee.charge  # type: ignore[union-attr]
        name = one_line(charge.fee_type.name)
        if part.late_fee:
            name = f"{one_line(part.late_fee.word)}（{name}）"
        total = fees.setdefault(name, _FeeSum(charge.fee_type.is_on_behalf and not part.late_fee))
        total.amount += part.amount
        total.periods.append((charge.period_start, charge.period_end))
    for name, total in fees.items():
        yield {
            "fee": name,
            "period": _periods(total.periods),
            "amount": str(total.amount),
            "remark": ON_BEHALF if total.on_behalf else "",
        }
    ahead = payment.amount - sum((total.amount for total in fees.values()), ZERO)
    if ahead:
        yield {"fee": AHEAD, "period": "", "amount": str(ahead), "remark": "抵以后的费用"}


def _principal_first(live: QuerySet[Allocation]) -> Iterable[Allocation]:
    """What settles charges by fee and period, then what settles late fees in the same order."""
    for way in ("charge", "late_fee__charge"):
        ordered = live.filter(**{f"{way}__isnull": False}).select_related(f"{way}__fee_type", "late_fee")
        yield from ordered.order_by(f"{way}__fee_type__position", f"{way}__period_start")


def _periods(periods: list[tuple[date, date]]) -> str:
    return short_period(*periods[0]) if len(periods) == 1 else written_periods(periods)


def _statement_line(line: Movement, numbers: Mapping[int, str]) -> dict[str, str]:
    return {
        "day": line.day.isoformat(),
        "number": _voucher(line, numbers),
        "text": _words(line, numbers),
        "charged": str(line.charged),
        "received": str(line.received),
        "balance": str(line.balance),
    }


def _voucher(line: Movement, numbers: Mapping[int, str]) -> str:
    if line.payment is None or line.kind is MovementKind.PAYMENT_REVERSED:
        return ""
    return numbers.get(line.payment.pk) or one_line(line.payment.receipt_no)


def _words(line: Movement, numbers: Mapping[int, str]) -> str:
    if line.charge is not None:
        fee = line.charge.fee_type
        period = short_period(line.charge.period_start, line.charge.period_end)
        if line.charge.starts_unknown:
            period = f"起始不明，至{line.charge.period_end:%Y-%m-%d}"
        name = f"{one_line(fee.name)}{'（代收）' if fee.is_on_behalf else ''}"
        what = line.word if line.kind is MovementKind.LATE_FEE else f"{MOVEMENT_WORDS.get(line.kind, '')}{line.word}"
        return f"{what} {name} {period}".strip()
    if line.payment is None:
        raise ValueError("a movement of nothing")
    if line.kind is MovementKind.PAYMENT_REVERSED:
        return f"{MOVEMENT_WORDS[line.kind]} {numbers.get(line.payment.reverses.pk, '')}".strip()
    method = _method(line.payment)
    return MOVEMENT_WORDS[line.kind] + (f"（{method}）" if method else "")


def _method(payment: Payment) -> str:
    with translation.override("zh-hans"):
        return str(payment.get_method_display())


def _taker(payment: Payment) -> str:
    person = payment.taken_by or payment.posted_by
    return person.name if person else ""


def _overdue(account: Account, today: date) -> Decimal:
    found = ChargeBalance.objects.filter(account=account, is_live=True, settled__lt=F("amount"), due_on__lte=today)
    total: Decimal | None = found.aggregate(total=Sum(F("amount") - F("settled")))["total"]
    return total or ZERO


def written_instant(at: datetime | None) -> str:
    """Day and minute in words; nothing for none."""
    return f"{written_date(timezone.localdate(at))} {timezone.localtime(at):%H:%M}" if at else ""
