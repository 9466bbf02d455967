from decimal import Decimal
from itertools import pairwise

import pytest

from notices.fonts import half_widths, missing_glyphs, repertoire
from notices.ledger_table import COLUMNS, FIRST_PAGE_LINES, NEXT_PAGE_LINES, Line, blocks, pages


def line(number=1, fee="物业服务费", amount="328.60", settled="0.00", period="2025年1月"):
    return Line(fee, period, "2025-01-10", Decimal(amount) + number, Decimal(settled))


def columns_of(text):
    """The cells of a printed line, cut at the columns' places on the grid."""
    cells, start = [], 0
    for column in COLUMNS:
        cell, width = "", 0
        while start < len(text) and width < column.width:
            cell += text[start]
            width += half_widths(text[start])
            start += 1
        cells.append(cell.strip())
    return cells


@pytest.mark.parametrize("count", [1, 2, 12, 30, 31, 32, 62, 63, 64, 120, 365])
def test_every_charge_stands_on_a_page_once_and_sums_are_carried(count):
    lines = [line(number) for number in range(count)]
    sheets = pages(lines)
    numbers = [columns_of(row[0])[0] for page in sheets for row in page.rows]
    assert [number for number in numbers if number] == [str(n + 1) for n in range(count)]
    total = sum(entry.amount for entry in lines)
    assert columns_of(sheets[-1].foot[0])[1:] == ["合计", "", "", f"{total:,.2f}", "0.00", f"{total:,.2f}"]
    for before, after in pairwise(sheets):
        assert columns_of(before.foot[0])[1] == "过次页"
        assert columns_of(after.rows[0][0])[1] == "承前页"
        assert columns_of(before.foot[0])[2:] == columns_of(after.rows[0][0])[2:]


@pytest.mark.parametrize("count", [1, 30, 31, 62, 200])
@pytest.mark.parametrize("fee", ["物业费", "公共区域设施设备运行维护与水电分摊费用(代收)"])
def test_no_page_holds_more_lines_than_fit(count, fee):
    for number, page in enumerate(pages([line(n, fee=fee) for n in range(count)])):
        height = sum(len(row) for row in [*page.rows, page.foot])
        assert height <= (FIRST_PAGE_LINES if number == 0 else NEXT_PAGE_LINES)


def test_cells_keep_to_their_columns():
    (page,) = pages([line(fee="公共区域设施设备运行维护与水电分摊费用", period="2025-01-15至2025-02-14")])
    (row,) = page.rows
    assert len(row) == 3
    cells = [columns_of(text) for text in row]
    assert "".join(cell[1] for cell in cells) == "公共区域设施设备运行维护与水电分摊费用"
    assert "".join(cell[2] for cell in cells) == "2025-01-15至2025-02-14"
    assert cells[0][6] == "329.60"
    assert all(cell[6] == "" for cell in cells[1:])


def test_large_amounts_fit():
    (page,) = pages([Line("物业费", "2025年1月", "2025-01-10", Decimal("9999999.99"), Decimal("0.01"))])
    assert columns_of(page.rows[0][0])[4:] == ["9,999,999.99", "0.01", "9,999,999.98"]


def test_signs_off_the_grid_are_written_with_neighbours_on_it():
    (page,) = pages([line(fee="商铺·物业费（B区）—一")])
    text = columns_of(page.rows[0][0])[1]
    assert text == "商铺・物业费(B区)"
    assert all(half_widths(sign) in (1, 2) for sign in text)


def test_markup_in_cells_is_escaped():
    assert "<b>&lt;i&gt;" not in blocks([line(fee="<i>&")])[0]
    assert "&lt;i&gt;&amp;" in blocks([line(fee="<i>&")])[0]


def test_widths_come_from_the_font():
    assert half_widths("A1 ,.-()%") == 9
    assert half_widths("物业费：") == 8
    assert half_widths("（）") == 2


def test_rare_characters():
    assert missing_glyphs("䶮頔翀〔〕　“”—…㎡") == ""
    assert missing_glyphs("张𠮷𠮷明\U0001f600") == "𠮷\U0001f600"
    assert len(repertoire().signs) > 30_000
