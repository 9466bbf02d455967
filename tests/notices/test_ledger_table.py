from decimal import Decimal
from itertools import pairwise

import pytest

from notices.fonts import half_widths, missing_glyphs, repertoire
from notices.ledger_table import COLUMNS, FIRST_PAGE_LINES, NEXT_PAGE_LINES, Line, ledger, pages


def line(number=1, fee="物业服务费", amount="328.60", settled="0.00", period="2025年1月"):
    return Line(fee, period, "2025-01-10", Decimal(amount) + number, Decimal(settled))


@pytest.mark.parametrize("count", [1, 2, 12, 30, 31, 32, 62, 63, 64, 120, 365])
def test_every_charge_stands_on_a_page_once_and_sums_are_carried(count):
    lines = [line(number) for number in range(count)]
    sheets = pages(lines)
    numbers = [row.texts[0] for page in sheets for row in page.rows]
    assert [number for number in numbers if number] == [str(n + 1) for n in range(count)]
    total = sum(entry.amount for entry in lines)
    assert sheets[-1].foot.texts[1:] == ["合计", "", "", f"{total:,.2f}", "0.00", f"{total:,.2f}"]
    for before, after in pairwise(sheets):
        assert before.foot.texts[1] == "过次页"
        assert after.rows[0].texts[1] == "承前页"
        assert before.foot.texts[2:] == after.rows[0].texts[2:]


@pytest.mark.parametrize("count", [1, 30, 31, 62, 200])
@pytest.mark.parametrize("fee", ["物业费", "公共区域设施设备运行维护与水电分摊费用(代收)"])
def test_no_page_holds_more_lines_than_fit(count, fee):
    for number, page in enumerate(pages([line(n, fee=fee) for n in range(count)])):
        height = sum(row.height for row in [*page.rows, page.foot])
        assert height <= (FIRST_PAGE_LINES if number == 0 else NEXT_PAGE_LINES)


@pytest.mark.parametrize("fee", ["公共区域设施设备运行维护与水电分摊费用", "商铺·物业费（B区）—一", "x" * 50, "9" * 50])
def test_cells_keep_to_their_columns(fee):
    (page,) = pages([line(fee=fee, period="2025-01-15至2025-02-14")])
    (row,) = page.rows
    assert row.texts[1:4] == [fee.replace("（", "(").replace("）", ")"), "2025-01-15至2025-02-14", "2025-01-10"]
    for lines, column in zip(row.cells, COLUMNS, strict=True):
        assert all(half_widths(text) < column.width for text in lines)


def test_figures_and_their_units_stay_in_one_line():
    (page,) = pages([line(fee="甲乙丙丁戊己庚2025年12月")])
    assert page.rows[0].cells[1] == ["甲乙丙丁戊己庚", "2025年12月"]


def test_large_amounts_fit():
    (page,) = pages([Line("物业费", "2025年1月", "2025-01-10", Decimal("9999999.99"), Decimal("0.01"))])
    assert page.rows[0].cells[4:] == [["9,999,999.99"], ["0.01"], ["9,999,999.98"]]


def test_the_layout_reads_every_row_of_every_page():
    table = ledger([line(number) for number in range(40)])
    assert [len(page["rows"]) for page in table["pages"]] == [30, 11]
    assert {len(row) for page in table["pages"] for row in [*page["rows"], page["foot"]]} == {len(COLUMNS)}


def test_widths_come_from_the_font():
    assert half_widths("A1 ,.-()%") == 9
    assert half_widths("物业费：") == 8
    assert half_widths("（）") == 2


def test_rare_characters():
    assert missing_glyphs("䶮頔翀〔〕　“”—…㎡") == ""
    assert missing_glyphs("张𠮷𠮷明\U0001f600") == "𠮷\U0001f600"
    assert len(repertoire().signs) > 30_000
