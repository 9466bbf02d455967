"""Lists of payments: recognised, checked, posted once, and settling what they should in whatever order files come."""

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from arrears.checking import check_ledger, totals
from arrears.importing.layout import Layout
from arrears.importing.steps import post_import
from arrears.models import Account, Allocation, Charge, ChargeBalance, FeeType, Import, Payment
from arrears.posting import reverse_payment
from company.models import Project
from tests.arrears.workbooks import (
    LONG,
    PAYMENTS,
    agree,
    check,
    create_estate,
    mistakes,
    post,
    read,
    remarks,
    row,
    sample,
    xlsx,
)
from tests.factories import NOW, TODAY, create_payment

pytestmark = pytest.mark.django_db
HEADER = ["收款日期", "房间", "缴费人", "收款金额", "收款方式", "流水号", "收费项目", "收据号", "备注"]
PAID_ON = dt.date(2025, 11, 3)
LONG_NUMBER = "4200001234567890123456789012"


@pytest.fixture(autouse=True)
def _media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def project() -> Project:
    return create_estate()


def paid(amount: Any = 100, serial: str = "", **cells: Any) -> list[Any]:
    """A sound row under HEADER; ``cells`` by header replace what stands in it."""
    values = [PAID_ON, "1-1-101", "林秀国", amount, "微信", serial, "物业服务费", "", ""]
    return [cells.pop(header, value) for header, value in zip(HEADER, values, strict=True)]


def payments(*rows: list[Any]) -> bytes:
    return xlsx(*rows, header=HEADER)


def take(project: Project, *rows: list[Any], **fields: Any) -> Import:
    return post(project, payments(*rows), kind="payments", **fields)


def owed(project: Project) -> Decimal:
    """What the project is owed, and the proof that every balance is the sum of its rows."""
    assert check_ledger(project=project) == []
    return totals(project=project).outstanding


def fields(workbook: Import) -> dict[str, str]:
    (sheet,) = Layout.from_json(workbook.layout).sheets
    return {column.header: column.field for column in sheet.columns}


# --- reading --------------------------------------------------------------------------------------------------------


def test_the_sample_is_recognised_summed_and_posted_once(project: Project) -> None:
    workbook = read(project, sample(PAYMENTS), name=PAYMENTS, kind="payments")
    assert fields(workbook) == {
        "收款日期": "received_on", "房间": "unit", "缴费人": "owner", "收款金额": "received", "收款方式": "method",
        "流水号": "serial_no", "收费项目": "fee", "备注": "note",
    }  # fmt: skip
    posted = post(project, sample(PAYMENTS), name=PAYMENTS, kind="payments")
    assert (posted.rows, posted.posted_rows, posted.skipped_total_rows) == (60, 60, 1)
    assert posted.findings["sums"] == {"amount": "46003.32"}
    assert {code for _row, code, _count in remarks(posted)} == {"ahead"}, "nothing is charged yet"
    assert posted.findings["ahead"] == "46003.32"
    assert totals(project=project).credit == Decimal("46003.32")
    again = post(project, sample(PAYMENTS), name=PAYMENTS, kind="payments")
    assert (again.posted_rows, again.known_rows, Payment.objects.count()) == (0, 60, 60)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_the_sample_in_other_encodings_is_the_same(encoding: str, project: Project) -> None:
    content = sample(PAYMENTS).decode("gb18030").encode(encoding)
    workbook = check(project, content, name=PAYMENTS, kind="payments")
    assert (workbook.good_rows, workbook.paid) == (60, Decimal("46003.32"))


def test_other_words_a_title_and_columns_for_the_place(project: Project) -> None:
    header = [
        "序号",
        "楼栋",
        "单元",
        "房号",
        "交易时间",
        "实收金额（元）",
        "支付渠道",
        "商户订单号",
        "票据编号",
        "摘要",
    ]
    rows = [
        [
            1,
            "1栋",
            "1单元",
            "101",
            "2025-11-03 10:22:31",
            "￥1,200.50",
            "支付宝",
            "4200001234567890123456789012",
            "A1",
            "十月",
        ],
        [2, "1栋", "1单元", "102", "2025/11/04", 30, "POS刷卡", "", "", ""],
        [3, "1栋", "1单元", "103", "2025年11月5日", 30, "龙支付", "", "", "两户合缴"],
        ["合计", "", "", "", "", 1260.5, "", "", "", ""],
    ]
    workbook = post(project, xlsx(*rows, header=header, above=[["收款流水表"], []]), kind="payments")
    assert mistakes(workbook) == []
    assert (workbook.posted_rows, workbook.paid) == (3, Decimal("1260.50"))
    assert list(Payment.objects.order_by("source_row").values_list("method", "serial_no", "receipt_no", "note")) == [
        ("alipay", LONG_NUMBER, "A1", "十月"),
        ("card", "", "", ""),
        ("other", "", "", "龙支付 两户合缴"),
    ]


def test_columns_without_words_are_told_by_their_values(project: Project) -> None:
    header = ["房号", "业主", "实收金额", "甲", "乙"]
    rows = [["1-1-101", "林秀国", 100, "2025-11-03", "微信支付"], ["1-1-102", "傅静", 50, "2025-11-04", "现金"]]
    found = fields(read(project, xlsx(*rows, header=header), kind="payments"))
    assert (found["甲"], found["乙"]) == ("received_on", "method")


# --- mistakes -------------------------------------------------------------------------------------------------------


def test_each_mistake_is_named_at_its_own_cell(project: Project) -> None:
    workbook = check(
        project,
        payments(
            paid(100, "S1"),
            paid(-20, "S2"),
            paid("", "S3"),
            paid("壹佰元", "S4"),
            paid(100, "S5", 收款日期="2025-11-31"),
            paid(100, "S6", 收款日期=TODAY + dt.timedelta(days=1)),
            paid(100, "S7", 收款日期="2025-11"),
            paid(100, "S8", 收费项目="电梯费"),
            paid(100, "S9", 房间=""),
            paid(100, "S1"),
            paid(100, 4200001234567890123.0),  # type: ignore[arg-type]
            paid(5, "", 收据号="A1"),
            paid(5, "", 收据号="A1"),
        ),
        kind="payments",
    )
    assert mistakes(workbook) == [
        (3, "D", "paid_back"), (4, "D", "no_amount"), (5, "D", "amount_in_words"), (6, "A", "impossible_day"),
        (7, "A", "day_to_come"), (8, "A", "not_a_day"), (9, "G", "unknown_fee"), (10, "B", "no_room"),
        (11, "F", "twice"), (12, "F", "number_lost_digits"), (14, "F", "twice"),
    ]  # fmt: skip
    assert workbook.good_rows == 2


def test_a_printed_total_counts_what_was_paid_back(project: Project) -> None:
    rows = [paid(100, "S1"), paid(-20, "S2"), ["合计", "", "", 80, "", "", "", "", ""]]
    assert not check(project, payments(*rows), kind="payments").issues.filter(code="total_differs").exists()
    rows[2][3] = 100
    assert (4, "total_differs", 1) in remarks(check(project, payments(*rows), kind="payments"))


def test_a_serial_number_with_another_amount_or_unit_is_a_conflict(project: Project) -> None:
    take(project, paid(100, "S1"), paid(50, "S2"))
    workbook = check(project, payments(paid(90, "S1"), paid(50, "S2", 房间="1-1-102")), kind="payments")
    assert mistakes(workbook) == [(2, "F", "serial_conflict"), (3, "F", "serial_on_another_unit")]


def test_a_reversed_payment_can_come_again(project: Project) -> None:
    take(project, paid(100, "S1"))
    reverse_payment(Payment.objects.get().pk, today=TODAY, now=NOW, by=None)
    assert take(project, paid(90, "S1")).posted_rows == 1


def test_without_a_serial_number_the_same_is_told_by_everything_else(project: Project) -> None:
    rows = [paid(100, 收据号="A1"), paid(100, 收据号="A2"), paid(100, 收款日期=TODAY)]
    assert take(project, *rows).posted_rows == 3
    assert take(project, *rows, paid(100, 收据号="A3")).posted_rows == 1


# --- settling -------------------------------------------------------------------------------------------------------


def test_the_named_fee_comes_first_then_the_oldest_and_the_rest_is_credit(project: Project) -> None:
    post(project, xlsx(row("101", 100), row("101", 80, 收费项目="水费", 计费开始="2025-01-01", 计费结束="2025-01-31")))
    take(project, paid(130, "S1"))
    settled = dict(ChargeBalance.objects.values_list("charge__fee_type__name", "settled"))
    assert settled == {"物业服务费": 100, "水费": 30}
    assert set(Allocation.objects.values_list("effective_on", flat=True)) == {PAID_ON}
    assert owed(project) == 50
    take(project, paid(70, "S2", 收费项目=""))
    assert (owed(project), totals(project=project).credit) == (0, 20)


FILES = {
    "charges": ("charges", xlsx(*(row(f"{n}", 100, 计费开始=f"2025-0{m}-01", 计费结束=f"2025-0{m}-28", 收费项目=fee)
                                  for n in (101, 102) for m in (1, 2, 3) for fee in ("物业服务费", "水费")))),
    "payments": ("payments", payments(paid(150, "S1"), paid(70, "S2", 收费项目="水费"), paid(90, "S3", 收费项目=""),
                                      paid(800, "S4", 房间="1-1-102"))),
}  # fmt: skip


@pytest.mark.parametrize("order", [("charges", "payments"), ("payments", "charges")])
def test_the_order_of_files_does_not_change_balances(order: tuple[str, str], project: Project) -> None:
    for name in order:
        kind, content = FILES[name]
        post(project, content, kind=kind)
    balances = ChargeBalance.objects.order_by("account__unit__code", "charge__fee_type", "due_on")
    rows = [(b.account.unit.code, b.charge.fee_type.name, b.due_on.month, b.settled) for b in balances.select_related()]
    assert rows == [
        ("1-1-101", "物业服务费", 1, 100), ("1-1-101", "物业服务费", 2, 100), ("1-1-101", "物业服务费", 3, 0),
        ("1-1-101", "水费", 1, 100), ("1-1-101", "水费", 2, 10), ("1-1-101", "水费", 3, 0),
        *(("1-1-102", fee, month, 100) for fee in ("物业服务费", "水费") for month in (1, 2, 3)),
    ]  # fmt: skip
    assert (owed(project), totals(project=project).credit) == (290, 200)


def test_payments_after_the_charges_of_the_samples_settle_what_they_should(project: Project) -> None:
    """The sheet knew money of before its upload: that part of the payments is counted once."""
    post(project, sample(LONG), name=LONG)
    workbook = post(project, sample(PAYMENTS), name=PAYMENTS, kind="payments")
    credit, replaced = totals(project=project).credit, Decimal(workbook.findings["replaces"])
    assert replaced > 0
    assert str(credit) == workbook.findings["ahead"]
    assert owed(project) == Decimal("427497.35") - (Decimal("46003.32") - replaced) + credit


@pytest.mark.parametrize("order", [(LONG, PAYMENTS), (PAYMENTS, LONG)])
def test_payments_after_the_day_of_which_the_sheet_speaks_come_on_top(order: tuple[str, str], project: Project) -> None:
    for name in order:
        if name == PAYMENTS:
            post(project, sample(name), name=name, kind="payments")
        else:
            post(project, sample(name), name=name, as_of=dt.date(2025, 10, 31))
    assert owed(project) == Decimal("427497.35") - Decimal("46003.32") + totals(project=project).credit


@pytest.mark.long
def test_the_samples_end_alike_in_either_order(project: Project) -> None:
    other = create_estate()
    for where, order in ((project, (LONG, PAYMENTS)), (other, (PAYMENTS, LONG))):
        for name in order:
            post(where, sample(name), name=name, kind="payments" if name == PAYMENTS else "charges")
    assert settled_by_charge(project) == settled_by_charge(other)
    assert owed(project) == owed(other)


def test_where_payments_are_imported_they_come_before_the_amount_beside_a_charge(project: Project) -> None:
    take(project, paid(30, "S1"))
    workbook = post(project, xlsx(row("101", 100, 30), row("102", 100, 40)))
    assert [p.amount for p in Payment.objects.filter(kind="imported")] == [40], "no payment tells of it"
    assert remarks(workbook) == [(2, "received_differs", 1), (3, "received_differs", 1)]
    assert owed(project) == 130
    again = post(project, xlsx(row("101", 100, 30), row("102", 100, 40)))
    assert (remarks(again), again.posted_rows) == ([], 0)
    take(project, paid(40, "S2", 房间="1-1-102"))
    assert owed(project) == 130, "the payment takes the place of the amount in the sheet"
    assert not Payment.objects.filter(kind="imported", reversed_by=None).exists()


def test_money_received_after_the_day_of_the_sheet_comes_on_top(project: Project) -> None:
    post(project, xlsx(row("101", 100, 30), above=[[f"截至{PAID_ON - dt.timedelta(days=1)}"]]))
    take(project, paid(30, "S1"))
    assert owed(project) == 40


def test_a_sheet_that_prints_what_was_paid_moves_money_off_older_charges(project: Project) -> None:
    """The payment had settled the oldest charge; the sheet shows that it was for another one."""
    old = xlsx(row("101", 100, 计费开始="2025-01-01", 计费结束="2025-01-31"))
    new = xlsx(row("101", 80, 60, 计费开始="2025-02-01", 计费结束="2025-02-28"))
    other = create_estate()
    for where, order in ((project, (old, new, "pay")), (other, (old, "pay", new))):
        for step in order:
            take(where, paid(70, "S1")) if step == "pay" else post(where, step)
    assert settled_by_charge(project) == settled_by_charge(other)
    assert [amount for *_key, amount in settled_by_charge(other)] == [10, 60]


def test_more_paid_than_owed_is_said_with_the_credit_to_come(project: Project) -> None:
    post(project, xlsx(row("101", 100, 30)))
    rows = [paid(30, "S1"), paid(60, "S2"), paid(25, "S3"), paid(5, "S4", 房间="1-1-102")]
    workbook = check(project, payments(*rows), kind="payments")
    told = list(workbook.issues.filter(code="ahead").values_list("row", "params__unit", "params__amount"))
    assert told == [(4, "1-1-101", "15.00"), (5, "1-1-102", "5.00")]
    agree(workbook)
    post_import(workbook.pk, now=NOW)
    assert totals(project=project).credit == 20
    assert workbook.findings["ahead"] == "20.00"


AMOUNTS = st.integers(1, 9).map(lambda tens: tens * 10)
CHARGED = st.lists(st.tuples(st.sampled_from(["物业服务费", "水费"]), AMOUNTS, AMOUNTS), min_size=1, max_size=4)
RECEIVED = st.lists(st.tuples(st.sampled_from(["物业服务费", "水费"]), AMOUNTS), max_size=3)


@given(charged=CHARGED, received=RECEIVED)
@hypothesis_settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_is_charged_and_paid_both_orders_end_alike(
    charged: list[tuple[str, int, int]], received: list[tuple[str, int]]
) -> None:
    """Of each fee the larger of what the sheet and what the payments say counts, as far as it is owed."""
    sheet = xlsx(*(
        row("101", due, min(due, paid_), 收费项目=fee, 计费开始=f"2025-0{n}-01", 计费结束=f"2025-0{n}-28")
        for n, (fee, due, paid_) in enumerate(charged, start=1)
    ))  # fmt: skip
    money = payments(*(paid(amount, f"S{n}", 收费项目=fee) for n, (fee, amount) in enumerate(received)))
    ends = []
    for order in ((sheet, money), (money, sheet)):
        estate = create_estate()
        for content in order if received else (sheet,):
            post(estate, content, kind="payments" if content is money else "charges")
        assert check_ledger(project=estate) == []
        ends.append((settled_by_charge(estate), totals(project=estate).credit))
    assert ends[0] == ends[1]
    due = sum(amount for _fee, amount, _paid in charged)
    known = sum(
        max(sum(min(d, p) for f, d, p in charged if f == fee), sum(a for f, a in received if f == fee))
        for fee in ("物业服务费", "水费")
    )
    assert sum(amount for *_key, amount in ends[0][0]) == min(due, known)


def settled_by_charge(project: Project) -> list[tuple[str, str, dt.date, Decimal]]:
    rows = ChargeBalance.objects.filter(project=project, is_live=True).order_by(
        "account__unit__code", "charge__fee_type__position", "charge__period_start"
    )
    return list(rows.values_list("account__unit__code", "charge__fee_type__name", "charge__period_start", "settled"))


def test_a_payment_knows_where_it_came_from_and_raises_the_version(project: Project) -> None:
    post(project, xlsx(row("101", 100)))
    version = Account.objects.get().version
    workbook = take(project, paid(100, "S1"))
    payment = Payment.objects.get()
    fee = FeeType.objects.get(project=project, name="物业服务费")
    assert (payment.source, payment.source_row, payment.fee_type, payment.method) == (workbook, 2, fee, "wechat")
    assert Account.objects.get().version == version + 1


def test_money_taken_at_the_desk_is_known_by_its_serial_number(project: Project) -> None:
    post(project, xlsx(row("101", 100)))
    create_payment(account=Account.objects.get(), amount="100.00", serial_no="S1")
    assert take(project, paid(100, "S1")).known_rows == 1
    assert Payment.objects.count() == 1
    assert Charge.objects.count() == 1
