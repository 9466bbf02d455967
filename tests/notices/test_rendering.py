import hashlib
import io
import json
import re
import subprocess
import sys
from itertools import pairwise

import pikepdf
import pytest
from django.conf import settings

from notices.default_texts import default_text
from notices.kinds import KINDS
from notices.models import NoticeKind
from notices.press import LAYOUTS, Press, press
from notices.rendering import letter_content, print_letters, unprintable
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
    data = sample_data(RULES, rows=12, has_late_fee=True)
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


SCRIPT = """
import hashlib, json, sys
from pathlib import Path
from notices.press_child import Press
print(hashlib.sha256(Press(Path(sys.argv[1])).print(*json.load(sys.stdin))[0]).hexdigest())
"""


def test_another_process_at_another_time_makes_the_same_file():
    content = letter_content(BODY, sample_data(RULES, rows=40), RULES, draft=True)
    found = {hashlib.sha256(press().print(RULES.layout, [content])[0].pdf).hexdigest()}
    for zone in ("UTC", "Asia/Shanghai"):
        run = subprocess.run(
            [sys.executable, "-c", SCRIPT, LAYOUTS],
            input=json.dumps([RULES.layout, content]),
            capture_output=True,
            text=True,
            check=True,
            cwd=settings.BASE_DIR,
            env={"LANG": "C.UTF-8", "TZ": zone},
        )
        found.add(run.stdout.strip())
    assert len(found) == 1


@pytest.fixture(scope="module")
def long_letter():
    return printed(sample_data(RULES, rows=60))[0].pdf


def test_a_file_is_named_after_its_number_and_says_nothing_of_the_machine(long_letter):
    with pikepdf.open(io.BytesIO(long_letter)) as pdf:
        assert str(pdf.docinfo["/Title"]) == sample_data(RULES)["fields"]["函号"]
        assert set(pdf.docinfo.keys()) == {"/Title", "/Creator"}
        assert pdf.Root.Lang == "zh-CN"


def test_a_file_carries_the_signs_that_it_needs_of_both_fonts(long_letter):
    with pikepdf.open(io.BytesIO(long_letter)) as pdf:
        fonts = [obj for obj in pdf.objects if isinstance(obj, pikepdf.Dictionary) and "/FontFile3" in obj]
        names = {str(font.FontName).split("+")[1].split("-")[0] for font in fonts}
    assert names == {"NotoSerifSC", "NotoSansSC"}
    assert len(long_letter) <= 300_000


TEXT = (
    "委托人提供物业服务，截至2025年11月20日，贵方的费用尚未付清（欠付本金合计人民币3,883.20元），每日8:30—18:00受理。"
)


@pytest.fixture(scope="module")
def paragraphs():
    """A paragraph for each length, so that every sign comes to stand at the end of a line."""
    contents = [
        letter_content(f"致：{{业主}}\n{(TEXT * 3)[:length]}", sample_data(RULES), RULES, draft=False)
        for length in range(60, 140)
    ]
    pages = [pages_of(letter.pdf)[0] for letter in press().print(RULES.layout, contents)]
    return [page.split("、王秀兰\n")[1].split("\n某某律师事务所（盖章）")[0].split("\n") for page in pages]


def test_no_line_begins_with_punctuation_that_closes_or_ends_with_what_opens(paragraphs):
    breaks = [pair for paragraph in paragraphs for pair in pairwise(paragraph)]
    assert len(breaks) > 100
    assert not [pair for pair in breaks if pair[0][-1] in "（“《" or pair[1][0] in "，。：；、）”》"]


def test_figures_stay_with_their_units(paragraphs):
    text = "|".join("|".join(paragraph) for paragraph in paragraphs)
    assert not re.search(r"\d\|[年月日元,.:—]|[,.:—]\|\d", text)


def test_no_single_sign_is_left_for_a_line(paragraphs):
    assert min(len(paragraph[-1].strip("，。：（）")) for paragraph in paragraphs) > 1


def line_ends(press):
    """Where the lines of a paragraph of nothing but full-width signs end, in points; its last line left out."""
    body = "致：{业主}\n" + "委托人提供物业服务贵方的费用尚未付清" * 10
    content = letter_content(body, sample_data(RULES), RULES, draft=False)
    pdf = pikepdf.open(io.BytesIO(press.print(RULES.layout, [content])[0].pdf))
    ends, left = [], 0.0
    for operands, operator in pikepdf.parse_content_stream(pdf.pages[0]):
        if str(operator) == "cm":
            left = float(operands[4])
        if str(operator) == "TJ" and sum(len(bytes(p)) // 2 for p in operands[0] if isinstance(p, pikepdf.String)) > 30:
            signs = b"".join(bytes(part) for part in operands[0] if isinstance(part, pikepdf.String))
            drawn_in = sum(float(part) for part in operands[0] if not isinstance(part, pikepdf.String))
            ends.append(left + 12 * (len(signs) / 2 - drawn_in / 1000))
    return ends


def test_full_lines_end_flush_with_the_margin():
    ends = line_ends(press())
    assert len(ends) >= 4
    assert all(abs(end - (210 - 26) / 25.4 * 72) < 0.1 for end in ends)


def test_control_without_justification_lines_end_ragged(tmp_path, monkeypatch):
    for path in LAYOUTS.glob("*.typ"):
        (tmp_path / path.name).write_text(path.read_text().replace("justify: true", "justify: false"))
    monkeypatch.setattr("notices.press.LAYOUTS", tmp_path)
    ragged = Press()
    assert all(end < (210 - 26) / 25.4 * 72 - 3 for end in line_ends(ragged))
    ragged.close()
