import json
import subprocess
import sys

import pytest
from django.conf import settings

from notices.default_texts import default_text
from notices.fonts import write_configuration
from notices.kinds import KINDS
from notices.models import NoticeKind
from notices.rendering import print_letters, unprintable
from notices.samples import sample_data
from tests.notices.pdf_text import pages_of, text_of

RULES = KINDS[NoticeKind.LAWYER_LETTER]
BODY = default_text(NoticeKind.LAWYER_LETTER)


def printed(*letters, draft=True, body=BODY):
    return print_letters([(body, data) for data in letters], RULES, draft=draft)


def test_letters_of_one_run_are_cut_apart_and_counted_each():
    data = [
        sample_data(RULES, rows=rows, 业主=f"业主{rows}", 函号=f"凤一律函〔2026〕第{rows:04d}号")
        for rows in (1, 60, 12)
    ]
    letters = printed(*data)
    assert [letter.pages for letter in letters] == [3, 4, 3]
    for letter, rows in zip(letters, (1, 60, 12), strict=True):
        sheets = pages_of(letter.pdf)
        assert len(sheets) == letter.pages
        for number, sheet in enumerate(sheets, start=1):
            assert f"凤一律函〔2026〕第{rows:04d}号　　第 {number} 页　共 {letter.pages} 页" in sheet
        others = {1, 60, 12} - {rows}
        assert f"致：业主{rows}（" in text_of(letter.pdf)
        assert not any(f"第{other:04d}号" in text_of(letter.pdf) for other in others)


def test_the_letter_says_what_its_data_say():
    data = sample_data(RULES, rows=12)
    text = text_of(printed(data)[0].pdf)
    for name in RULES.field_names - {"受理时间"}:
        assert "".join(data["fields"][name].split()) in text, name
    assert "LL2025000123" in text
    assert "合计3,943.2060.003,883.20" in text
    assert "本表不含违约金" in text
    assert "代收" not in text


def test_carried_sums_and_fees_on_behalf():
    letter = printed(sample_data(RULES, rows=60))[0]
    sheets = pages_of(letter.pdf)
    assert "过次页" in sheets[2]
    assert "承前页" in sheets[3]
    assert "水费(代收)" in sheets[2]
    assert "标注“代收”的费用系代收代付" in text_of(letter.pdf)
    assert all("未付本金(元)" in sheet for sheet in sheets[2:])


def test_a_draft_says_so_on_each_page_and_a_final_letter_does_not():
    data = sample_data(RULES)
    assert all("草稿　未经律师事务所签章" in sheet for sheet in pages_of(printed(data)[0].pdf))
    assert "草稿" not in text_of(printed(data, draft=False)[0].pdf)


@pytest.mark.parametrize(
    "fields",
    [
        {"业主": "江苏某某置业发展（集团）有限公司南京第二分公司"},
        {"业主": "䶮頔翀、司马翀䶮"},
        {"房号": "凤凰城国际社区一期北区商业街地下二层机动车停车库人防工程区域第12栋3单元0000"},
        {"业主": "O'Neil & <b>Söhne</b>"},
        {"律所名称": "北京某某某某（上海）律师事务所南京江北新区分所"},
    ],
)
def test_unusual_names_and_addresses_are_printed_whole(fields):
    data = sample_data(RULES, **fields)
    assert unprintable(BODY, data) == ""
    text = text_of(printed(data)[0].pdf)
    for value in fields.values():
        assert "".join(value.split()) in text


def test_characters_beyond_the_fonts_are_named_before_printing():
    assert unprintable(BODY, sample_data(RULES, 业主="𠮷文")) == "𠮷"


def test_the_same_data_give_the_same_file():
    data = sample_data(RULES, rows=40)
    assert printed(data)[0].pdf == printed(data)[0].pdf


LINE_ENDS = """
import json, sys
from notices import press_child
from weasyprint.formatting_structure.boxes import LineBox, TextBox

styles, html = json.load(sys.stdin)
if "ragged" in sys.argv:
    press_child.justify_line = press_child._stretch_spaces
document = press_child.Press(styles).layout(html, ["print"])
ends = []
for box in document.pages[0]._page_box.descendants():
    if isinstance(box, LineBox) and box.element_tag == "p":
        texts = [child for child in box.descendants() if isinstance(child, TextBox)]
        ends.append(texts[-1].position_x + texts[-1].width)
print(json.dumps(ends))
"""


def line_ends(*arguments):
    from notices.press import _style

    text = (
        "委托人提供物业服务，截至2025年11月20日，贵方的费用尚未付清，欠付本金合计人民币3,883.20元（大写：叁仟元整），"
        * 4
    )
    html = f'<html lang="zh-CN"><body><p>{text}</p></body></html>'
    run = subprocess.run(
        [sys.executable, "-c", LINE_ENDS, *arguments],
        input=json.dumps([{"print": _style("print")}, html]),
        capture_output=True,
        text=True,
        check=True,
        cwd=settings.BASE_DIR,
        env={"FONTCONFIG_FILE": str(write_configuration(settings.VAR_DIR / "fonts")), "LANG": "C.UTF-8"},
    )
    return json.loads(run.stdout)


def test_full_lines_end_flush_with_the_margin():
    *full, _last = line_ends()
    assert len(full) >= 4
    assert max(full) - min(full) < 0.5  # px of 1/96 inch


def test_without_our_justification_lines_end_ragged():
    *full, _last = line_ends("ragged")
    assert max(full) - min(full) > 3
