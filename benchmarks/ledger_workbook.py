"""A list of charges as charging systems print it, of any size, and the estate that it is about."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import NamedTuple

HEADERS = (
    *("序号", "项目", "楼栋", "单元", "房号", "业主姓名", "联系电话"),
    *("收费项目", "计费开始", "计费结束", "应收金额", "已收金额", "欠费金额", "备注"),
)
ESTATE = "凤凰城一期"
FEES = ("物业服务费", "水费")
MONTHS, FIRST_MONTH = 24, date(2023, 11, 1)
ROWS_OF_A_UNIT = len(FEES) * MONTHS
FLATS_OF_AN_ENTRANCE, ENTRANCES_OF_A_BUILDING = 4 * 25, 2
SURNAMES, GIVEN = "林邹李王张刘陈杨赵黄周吴徐孙胡朱高何郭马", "秀国敏博英华文明玉萍建军丽娟涛超霞平辉刚桂芳"
PAID, PAID_IN_PART, SEED = 0.12, 0.1, 2025


class Household(NamedTuple):
    building: str
    entrance: str
    room: str
    owner: str
    phone: str


def households(rows: int) -> list[Household]:
    """As many as a workbook of so many rows is about; always the same."""
    rng = Random(SEED)
    flats = FLATS_OF_AN_ENTRANCE * ENTRANCES_OF_A_BUILDING
    return [
        Household(
            building=f"{number // flats + 1}栋",
            entrance=f"{number % flats // FLATS_OF_AN_ENTRANCE + 1}单元",
            room=f"{number % FLATS_OF_AN_ENTRANCE // 4 + 1}{number % 4 + 1:02d}",
            owner=rng.choice(SURNAMES) + rng.choice(GIVEN) + rng.choice(GIVEN),
            phone=f"138{rng.randrange(10**8):08d}",
        )
        for number in range(-(-rows // ROWS_OF_A_UNIT))
    ]


def write_workbook(path: Path, rows: int) -> None:
    """Write so many rows of 14 columns under one header row."""
    import xlsxwriter

    book = xlsxwriter.Workbook(str(path), {"constant_memory": True})
    sheet, as_date = book.add_worksheet("欠费明细"), book.add_format({"num_format": "yyyy-mm-dd"})
    sheet.write_row(0, 0, HEADERS)
    for number, row in zip(range(1, rows + 1), _rows(rows), strict=False):
        for column, cell in enumerate((number, *row)):
            if isinstance(cell, date):
                sheet.write_datetime(number, column, cell, as_date)
            elif cell != "":
                sheet.write(number, column, cell)
    book.close()


def _rows(count: int) -> Iterator[tuple[object, ...]]:
    rng = Random(SEED)
    months = [_month(number) for number in range(MONTHS)]
    for household in households(count):
        monthly = rng.randint(15_000, 60_000)
        for start, end in months:
            for fee in FEES:
                due = monthly if fee == FEES[0] else rng.randint(2_000, 15_000)
                paid = _paid(due, rng.random())
                money = (due / 100, paid / 100, (due - paid) / 100)
                yield (ESTATE, *household, fee, start, end, *money, "")


def _paid(due: int, chance: float) -> int:
    if chance < PAID:
        return due
    return due // 2 if chance < PAID + PAID_IN_PART else 0


def _month(number: int) -> tuple[date, date]:
    years, month = divmod(FIRST_MONTH.month - 1 + number, 12)
    start = date(FIRST_MONTH.year + years, month + 1, 1)
    return start, (start + timedelta(days=31)).replace(day=1) - timedelta(days=1)
