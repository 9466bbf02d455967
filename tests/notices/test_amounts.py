from datetime import date
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from notices.amounts import capitals, figures, short_period, written_date, written_periods

DIGITS = "零壹贰叁肆伍陆柒捌玖"


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("0.00", "零元整"),
        ("0.05", "伍分"),
        ("0.50", "伍角整"),
        ("1.00", "壹元整"),
        ("1.01", "壹元零壹分"),
        ("10.50", "壹拾元伍角整"),
        ("10.05", "壹拾元零伍分"),
        ("1001.00", "壹仟零壹元整"),
        ("3883.20", "叁仟捌佰捌拾叁元贰角整"),
        ("12345.67", "壹万贰仟叁佰肆拾伍元陆角柒分"),
        ("10000.00", "壹万元整"),
        ("10100.10", "壹万零壹佰元壹角整"),
        ("100000000.01", "壹亿元零壹分"),
        ("1010101.01", "壹佰零壹万零壹佰零壹元零壹分"),
        ("99999999999.99", "玖佰玖拾玖亿玖仟玖佰玖拾玖万玖仟玖佰玖拾玖元玖角玖分"),
    ],
)
def test_capitals(amount, words):
    assert capitals(Decimal(amount)) == words


@pytest.mark.parametrize("amount", ["-0.01", "0.001", "1000000000000.00"])
def test_amounts_without_capitals(amount):
    with pytest.raises(ValueError, match="大写"):
        capitals(Decimal(amount))


def value_of(words: str) -> Decimal:
    """Reads 大写 back, independently of how it was written."""
    said = words.rstrip("整")
    whole, _, rest = said.partition("元") if "元" in said else ("", "", said)
    total, section, digit = 0, 0, 0
    for sign in whole:
        if sign in DIGITS:
            digit = DIGITS.index(sign)
        elif sign in "拾佰仟":
            section, digit = section + digit * 10 ** ("拾佰仟".index(sign) + 1), 0
        else:
            power = {"万": 10**4, "亿": 10**8}[sign]
            total = (total + section + digit) * power if sign == "亿" else total + (section + digit) * power
            section = digit = 0
    cents = 0
    for sign, unit in zip(rest.replace("零", "")[::2], rest.replace("零", "")[1::2], strict=True):
        cents += DIGITS.index(sign) * {"角": 10, "分": 1}[unit]
    return Decimal(total + section + digit) + Decimal(cents) / 100


@given(st.integers(min_value=1, max_value=99_999_999_999_99))
@example(30)
def test_capitals_say_the_amount(cents):
    amount = Decimal(cents) / 100
    words = capitals(amount)
    assert value_of(words) == amount
    assert words.endswith(("整", "分"))
    assert "零零" not in words


def test_figures_and_dates():
    assert figures(Decimal("12345.6")) == "12,345.60"
    assert written_date(date(2025, 12, 5)) == "2025年12月5日"


def month(year, number, last=None):
    return date(year, number, 1), last or date(year, number, 28)


@pytest.mark.parametrize(
    ("periods", "text"),
    [
        ([], ""),
        ([month(2025, 3)], "2025年3月"),
        ([month(2025, 3), month(2025, 3)], "2025年3月"),
        ([month(2025, 4), month(2025, 3)], "2025年3月至4月"),
        ([(date(2023, 11, 1), date(2025, 10, 31))], "2023年11月至2025年10月"),
        (
            [(date(2023, 11, 1), date(2023, 12, 31)), (date(2025, 1, 1), date(2025, 10, 31))],
            "2023年11月至12月、2025年1月至10月",
        ),
        ([month(2024, 12), month(2025, 1)], "2024年12月至2025年1月"),
        ([month(2024, 1), month(2024, 3), month(2024, 5)], "2024年1月、2024年3月、2024年5月"),
        ([(date(2025, 1, 15), date(2025, 2, 14))], "2025年1月至2月"),
    ],
)
def test_periods(periods, text):
    assert written_periods(periods) == text


@pytest.mark.parametrize(
    ("start", "end", "text"),
    [
        (date(2025, 2, 1), date(2025, 2, 28), "2025年2月"),
        (date(2025, 1, 1), date(2025, 3, 31), "2025年1月至3月"),
        (date(2024, 11, 1), date(2025, 10, 31), "2024-11至2025-10"),
        (date(2025, 1, 15), date(2025, 2, 14), "2025-01-15至2025-02-14"),
        (date(2025, 1, 15), date(2025, 1, 15), "2025-01-15"),
    ],
)
def test_period_of_a_table_cell(start, end, text):
    assert short_period(start, end) == text
