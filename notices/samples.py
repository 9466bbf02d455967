"""Invented letters, receipts and statements, for looking at the layouts and for previews without an account."""

import math
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from io import BytesIO
from typing import Any

from PIL import Image, ImageDraw

from notices.amounts import capitals, figures, short_period, written_periods
from notices.kinds import ACCOUNT_FIELDS, CO_OWNERS, LATE_FEE_FIELDS, LATE_FEES, ON_BEHALF, PROJECT_FIELDS, KindRules
from notices.labels import Addressee
from notices.models import ImagePurpose, NoticeKind, SlipPaper

FEES = ((("物业服务费", False), "328.60"), (("水费", True), "51.70"), (("公摊电费", True), "17.70"))
RED = (176, 30, 40, 255)
FIRST_MONTH = date(2023, 11, 1)
OPENING = Decimal("657.20")
PAPER_FIELDS = {
    "业主": "陈建国、王秀兰", "房号": "3栋2单元1802室", "项目名称": "凤凰城一期",
    "物业公司": "凤凰城物业服务有限公司", "开具日期": "2025年11月24日",
}  # fmt: skip


PRINTED_FIELDS = {field.name: field.sample for field in (*ACCOUNT_FIELDS, *PROJECT_FIELDS, *LATE_FEE_FIELDS)}
"""What layouts print whether a text uses it or not."""


def sample_data(
    rules: KindRules, *, rows: int = 12, paper: str = SlipPaper.A6, has_late_fee: bool = False, **fields: str
) -> dict[str, Any]:
    """The data of a letter with so many charges; ``fields`` replace the samples of the fields."""
    values = {field.name: field.sample for field in rules.fields}
    scan_code = rules.scan_code(year=2025, sequence=123)
    if rules.kind not in NoticeKind:
        return {"fields": values | {"函号": _number(rules)} | fields, "scan_code": scan_code}
    charges, periods = _charges(rows)
    principal = sum((Decimal(c["amount"]) - Decimal(c["settled"]) for c in charges), Decimal(0))
    values = PRINTED_FIELDS | values | {
        "函号": _number(rules),
        "欠费合计": figures(principal),
        "欠费合计大写": capitals(principal),
        "欠费期间": written_periods(periods),
    }  # fmt: skip
    holds = {LATE_FEES: has_late_fee, ON_BEHALF: any(c["on_behalf"] for c in charges), CO_OWNERS: "业主" not in fields}
    data = {
        "fields": values | fields,
        "charges": charges,
        "scan_code": scan_code,
        "sections": [section for section in rules.sections if holds[section]],
    }
    if rules.kind == NoticeKind.DOOR_SLIP:
        data |= {"paper": paper, "by_fee": _by_fee(charges, periods)}
    return data


def _number(rules: KindRules) -> str:
    return rules.number(project_word="凤一", year=2025, sequence=123)


def _charges(rows: int) -> tuple[list[dict[str, Any]], list[tuple[date, date]]]:
    fees = FEES if rows > 12 else FEES[:1]
    charges: list[dict[str, Any]] = []
    periods = []
    for number in range(rows):
        start = _month(number // len(fees))
        end = _month(number // len(fees) + 1) - timedelta(days=1)
        (fee, on_behalf), amount = fees[number % len(fees)]
        periods.append((start, end))
        known = {} if on_behalf else {"computed_from": "2.65元×124.00㎡", "months": "1"}
        charges.append({
            "id": number + 1,
            "fee": fee,
            "on_behalf": on_behalf,
            "period": short_period(start, end),
            "due_on": start.replace(day=10).isoformat(),
            "amount": amount,
            "settled": "60.00" if number == 0 and rows > 1 else "0.00",
            **known,
        })  # fmt: skip
    return charges, periods


def _by_fee(charges: Sequence[Mapping[str, Any]], periods: Sequence[tuple[date, date]]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for charge in charges:
        row = found.setdefault(charge["fee"], {"fee": charge["fee"], "on_behalf": charge["on_behalf"], "open": "0"})
        row["period"] = written_periods(periods)
        row["open"] = str(Decimal(row["open"]) + Decimal(charge["amount"]) - Decimal(charge["settled"]))
    return list(found.values())


def sample_addressee(**fields: str) -> Addressee:
    """To whom an envelope goes."""
    values = {"name": "陈建国、王秀兰", "address": "广州市某某区凤凰大道88号凤凰城一期3栋2单元1802室"}
    return Addressee(**(values | {"phone": "13800000000", "postcode": "510000"} | fields))


def sample_receipt(*, rows: int = 3, **fields: str) -> dict[str, Any]:
    """The data of a receipt of so many fees."""
    lines = [
        {"fee": fee, "period": "2025年1月至10月", "amount": amount, "remark": "代收代付" if on_behalf else ""}
        for (fee, on_behalf), amount in (FEES[number % len(FEES)] for number in range(rows))
    ]
    total = sum((Decimal(line["amount"]) for line in lines), Decimal(0))
    values = PAPER_FIELDS | {
        "日期": "2025年11月24日", "金额": figures(total), "大写": capitals(total), "收款方式": "刷卡",
        "流水号": "8831-2207", "原收据号": "", "收款人": "何琳", "尚欠": "1,310.04",
    }  # fmt: skip
    return {"fields": values | fields, "lines": lines}


def sample_statement(*, rows: int = 12, **fields: str) -> dict[str, Any]:
    """The data of a statement with so many movements: charges, and every fifth time the money for them."""
    lines, balance = [], OPENING
    for number in range(rows):
        is_payment = number % 5 == 4
        amount = balance if is_payment else Decimal("328.60")
        balance = Decimal("0.00") if is_payment else balance + amount
        lines.append({
            "day": _month(number).replace(day=10).isoformat(),
            "number": f"RC2025{number:06d}" if is_payment else "",
            "text": "收款（微信）" if is_payment else f"物业服务费 {_month(number):%Y-%m}",
            "charged": "0.00" if is_payment else str(amount),
            "received": str(amount) if is_payment else "0.00",
            "balance": str(balance),
        })  # fmt: skip
    values = PAPER_FIELDS | {
        "建筑面积": "124.00㎡", "起日": "2023年11月1日", "止日": "2025年11月24日", "数据截至": "2025年11月24日 17:30",
        "余额": figures(balance), "大写": capitals(balance), "有预存": "",
        "服务中心地址": "凤凰城一期1栋首层物业服务中心", "联系电话": "020-88880000", "受理时间": "每日 8:30—18:00",
    }  # fmt: skip
    return {"fields": values | fields, "opening": str(OPENING), "lines": lines}


def _month(number: int) -> date:
    months = FIRST_MONTH.year * 12 + FIRST_MONTH.month - 1 + number
    return date(months // 12, months % 12 + 1, 1)


def sample_pictures(rules: KindRules) -> tuple[dict[str, str], dict[str, bytes]]:
    """Invented pictures of a kind, as the data of a letter name them, and their PNG files by name."""
    drawn = {
        ImagePurpose.SEAL: sample_seal(),
        ImagePurpose.LETTERHEAD: _strip("PROPERTY SERVICES", (1300, 170)),
        ImagePurpose.SIGNATURE: _strip("Zhou Min", (400, 140)),
    }
    wanted = {use: png for use, png in drawn.items() if use in rules.images}
    images = {str(use): f"sample-{use}" for use in wanted}
    if ImagePurpose.PAYMENT in rules.images:
        images["payment_link"] = "https://pay.example.com/fenghuang/1"
    return images, {f"sample-{use}": png for use, png in wanted.items()}


def sample_seal() -> bytes:
    """A ring and a star without any words, as PNG."""
    image = Image.new("RGBA", (500, 500), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    draw.ellipse((8, 8, 491, 491), outline=RED, width=14)
    radii = (95, 38)  # of the points of the star and between them
    corners = [(radii[n % 2], math.pi * (n / 5 - 0.5)) for n in range(10)]
    draw.polygon([(250 + r * math.cos(angle), 250 + r * math.sin(angle)) for r, angle in corners], fill=RED)
    return _png(image)


def _strip(words: str, size: tuple[int, int]) -> bytes:
    image = Image.new("RGBA", size, (0, 0, 0, 0))
    ImageDraw.Draw(image).text((20, 20), words, fill="black", font_size=size[1] * 0.6)
    return _png(image)


def _png(image: Image.Image) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
