from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrears.importing.cells import (
    CENT,
    LARGEST_AMOUNT,
    Fault,
    Memo,
    amount,
    first_day,
    last_day,
    months,
    period_of,
    phone,
    plain_text,
    shown,
)

LATEST = date(2027, 11, 23)
cents = st.decimals(min_value=0, max_value=LARGEST_AMOUNT, places=2)


def fault_of(value: Any) -> str:
    assert isinstance(value, Fault), value
    return value.code


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (280.0, "280.00"),
        (280, "280.00"),
        (0.1 + 0.2, "0.30"),
        (-20.0, "-20.00"),
        ("53.16", "53.16"),
        ("￥1446.98", "1446.98"),
        ("¥ 1,234.50", "1234.50"),
        ("1,234,567.8", "1234567.80"),
        ("２８０．５", "280.50"),
        ("280元", "280.00"),
        ("(280.00)", "-280.00"),
        ("（280.00）", "-280.00"),
        (" 12.50\n", "12.50"),
        (-0.0, "0.00"),
    ],
)
def test_amounts(cell: str | float, expected: str) -> None:
    value = amount(cell)
    assert isinstance(value, Decimal)
    assert str(value) == expected


@pytest.mark.parametrize("cell", ["", "/", "-", "—", "  ", "无"])
def test_cells_without_an_amount(cell: str) -> None:
    assert amount(cell) is None


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("壹佰元", "amount_in_words"),
        ("十五元", "amount_in_words"),
        ("abc", "not_an_amount"),
        ("1,23.4", "not_an_amount"),
        ("1.39E+10", "not_an_amount"),
        ("TRUE", "not_an_amount"),
        (date(2024, 1, 1), "not_an_amount"),
        (280.005, "three_decimals"),
        ("1,158.123", "three_decimals"),
        (1e14, "amount_too_large"),
        (float("nan"), "amount_too_large"),
        (float("inf"), "amount_too_large"),
    ],
)
def test_cells_that_are_no_amount(cell: Any, code: str) -> None:
    assert fault_of(amount(cell)) == code


@given(cents)
def test_an_amount_survives_every_way_of_writing_it(value: Decimal) -> None:
    assert amount(float(value)) == amount(str(value)) == amount(f"￥{value:,}") == amount(f"{value:,}元") == value


@given(st.lists(st.integers(0, 10_000_000), min_size=1, max_size=40))
def test_noise_of_binary_sums_is_rounded_away(parts: list[int]) -> None:
    assert amount(sum(part / 100 for part in parts)) in (sum(parts) * CENT, amount("1e99"))


@given(st.floats(), st.dates(date(1900, 1, 1)))
def test_no_number_or_day_breaks_the_readers(number: float, day: date) -> None:
    for cell in (number, day):
        for read in (amount, plain_text, phone, shown):
            read(cell)
        period_of(cell, latest=LATEST)


@given(st.text())
def test_no_text_breaks_the_readers(text: str) -> None:
    for read in (amount, plain_text, phone, shown):
        read(text)
    period_of(text, latest=LATEST)


@pytest.mark.parametrize(
    ("cell", "begin", "end"),
    [
        (date(2024, 1, 5), "2024-01-05", "2024-01-05"),
        (datetime(2024, 1, 5, 13, 30, tzinfo=UTC), "2024-01-05", "2024-01-05"),
        (45000.0, "2023-03-15", "2023-03-15"),
        (45000.5, "2023-03-15", "2023-03-15"),
        ("2025/3/1", "2025-03-01", "2025-03-01"),
        ("2025年3月1日", "2025-03-01", "2025-03-01"),
        ("2025-03-01 00:00:00", "2025-03-01", "2025-03-01"),
        ("２０２５．０３．０１", "2025-03-01", "2025-03-01"),
        ("20250301", "2025-03-01", "2025-03-01"),
        (20250301.0, "2025-03-01", "2025-03-01"),
        ("2025.03", "2025-03-01", "2025-03-31"),
        (2025.03, "2025-03-01", "2025-03-31"),
        ("2025年2月", "2025-02-01", "2025-02-28"),
        ("202402", "2024-02-01", "2024-02-29"),
        (202412.0, "2024-12-01", "2024-12-31"),
        ("2024-01至2024-06", "2024-01-01", "2024-06-30"),
        ("2024.1.1-2024.3.31", "2024-01-01", "2024-03-31"),
        ("2024-07-01~2024-07-31", "2024-07-01", "2024-07-31"),
        ("20240101-20240131", "2024-01-01", "2024-01-31"),
        ("2024年1-3月", "2024-01-01", "2024-03-31"),
        ("2024年4月-6月", "2024-04-01", "2024-06-30"),
        ("2024年7月至9月", "2024-07-01", "2024-09-30"),
        ("2024.01-03", "2024-01-01", "2024-03-31"),
        ("2024-04~06", "2024-04-01", "2024-06-30"),
        ("2024年7月1日至7月31日", "2024-07-01", "2024-07-31"),
        ("2024.08.01-08.31", "2024-08-01", "2024-08-31"),
        ("2024/1/1-1/31", "2024-01-01", "2024-01-31"),
        ("2024年1月1日—1月31日", "2024-01-01", "2024-01-31"),
        ("2024年9月1号", "2024-09-01", "2024-09-01"),
        ("2024年上半年", "2024-01-01", "2024-06-30"),
        ("2024下半年", "2024-07-01", "2024-12-31"),
        ("2024年第三季度", "2024-07-01", "2024-09-30"),
        ("2024Q4", "2024-10-01", "2024-12-31"),
        ("2024年度", "2024-01-01", "2024-12-31"),
    ],
)
def test_periods(cell: Any, begin: str, end: str) -> None:
    assert first_day(cell, latest=LATEST) == date.fromisoformat(begin)
    assert last_day(cell, latest=LATEST) == date.fromisoformat(end)


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("2023-11-31", "impossible_day"),
        ("2023-13", "impossible_day"),
        ("20230230", "impossible_day"),
        ("长期", "open_ended"),
        ("2023-11-01至今", "open_ended"),
        ("2024-06至2024-01", "end_before_start"),
        ("2024年12-1月", "end_before_start"),
        ("2024年7月1日-8", "not_a_day"),
        ("2024年7月1日-31日", "not_a_day"),
        ("去年", "not_a_day"),
        ("2024", "not_a_day"),
        (2025.1, "not_a_day"),
        (float("nan"), "not_a_day"),
        (date(1900, 1, 1), "day_too_early"),
        ("1999-12-31", "day_too_early"),
        (date(2125, 1, 1), "day_too_late"),
        ("2027-11", "day_too_late"),
    ],
)
def test_cells_that_are_no_period(cell: Any, code: str) -> None:
    assert fault_of(period_of(cell, latest=LATEST)) == code


@given(st.dates(date(2000, 1, 1), LATEST))
def test_a_day_survives_every_way_of_writing_it(day: date) -> None:
    written = (
        day,
        day.isoformat(),
        f"{day.year}/{day.month}/{day.day}",
        f"{day.year}年{day.month}月{day.day}日",
        day.strftime("%Y%m%d"),
        float((day - date(1899, 12, 30)).days),
    )
    assert {period_of(cell, latest=LATEST) for cell in written} == {(day, day)}


def test_months_run_over_the_year() -> None:
    assert months(2024, 11, 3) == (date(2024, 11, 1), date(2025, 1, 31))
    assert months(2024, 1, 12) == (date(2024, 1, 1), date(2024, 12, 31))


def test_text_is_trimmed_and_control_characters_are_named() -> None:
    assert plain_text(" 张三\n") == "张三"
    assert plain_text("\ufeff张三\u200b") == "张三"
    assert plain_text("/") == ""
    assert plain_text(101.0) == "101"
    assert plain_text("𠮷野") == "𠮷野"
    assert fault_of(plain_text("张\t三\n李")) == "control_characters"
    assert fault_of(plain_text("张\u202e三")) == "control_characters"


def test_phones_that_lost_their_digits() -> None:
    assert phone("13845652241") == phone(13845652241.0) == "13845652241"
    assert fault_of(phone("1.39E+10")) == fault_of(phone(13900000000.0)) == "phone_lost_digits"


def test_a_memo_parses_equal_cells_once_and_keeps_a_bounded_number(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    memo = Memo(lambda cell: calls.append(cell) or cell.upper())
    assert [memo["a"], memo["a"], memo["b"]] == ["A", "A", "B"]
    assert calls == ["a", "b"]
    monkeypatch.setattr("arrears.importing.cells.KEPT_VALUES", 2)
    assert memo["c"] == "C"
    assert len(memo) == 1
