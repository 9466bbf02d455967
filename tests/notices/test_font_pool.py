import io
import re

import pikepdf
import pytest
from fontTools.cffLib import CFFFontSet

from notices.default_texts import default_text
from notices.font_pool import FontPool
from notices.kinds import KINDS
from notices.models import NoticeKind
from notices.rendering import print_letters
from notices.samples import sample_data

RULES = KINDS[NoticeKind.LAWYER_LETTER]
OWNERS = ("䶮頔翀", "陈建国、王秀兰", "江苏某某置业发展（集团）有限公司", "O'Neil & Söhne")


@pytest.fixture(scope="module")
def letters():
    body = default_text(RULES.kind)
    data = [sample_data(RULES, rows=rows, 业主=owner) for rows, owner in zip((1, 12, 40, 60), OWNERS, strict=True)]
    return [letter.pdf for letter in print_letters([(body, letter) for letter in data], RULES)]


def merged(letters):
    pool = FontPool()
    with pikepdf.new() as whole:
        opened = [pikepdf.open(io.BytesIO(letter)) for letter in letters]
        for letter in opened:
            pool.share(letter)
            whole.pages.extend(letter.pages)
        pool.embed(whole)
        content = io.BytesIO()
        whole.save(content, deterministic_id=True)
        return content.getvalue()


def outlines(font):
    """What each code of a font draws: hints, width, outline."""
    (own,) = font.DescendantFonts
    fonts = CFFFontSet()
    fonts.decompile(io.BytesIO(own.FontDescriptor.FontFile3.read_bytes()), None)
    signs, parts = fonts[0].CharStrings.charStringsIndex, fonts[0].FDSelect.gidArray
    if isinstance(font.Encoding, pikepdf.Name):
        places = list(range(len(signs)))
        runs = [int(number) for number in own.W]
        widths = {n: w for a, b, w in zip(runs[::3], runs[1::3], runs[2::3], strict=True) for n in range(a, b + 1)}
    else:
        places = [int(place) for _, place in re.findall(rb"<([0-9A-F]{4})> (\d+)", font.Encoding.read_bytes())]
        widths = dict(enumerate(map(int, own.W[1])))
    hints = [sorted(part.Private.rawDict.items()) for part in fonts[0].FDArray]
    return [(hints[parts[place]], widths[place], signs[place].bytecode) for place in places]


def drawn(pdf):
    """What the codes of each page's fonts draw."""
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        return [[outlines(font) for font in page.Resources.Font.values()] for page in opened.pages]


def test_every_code_of_every_page_draws_what_it_drew_in_the_letter(letters):
    before = [page for letter in letters for page in drawn(letter)]
    assert len(before) == 3 + 3 + 4 + 4
    assert drawn(merged(letters)) == before


def test_each_sign_stands_in_the_file_once(letters):
    with pikepdf.open(io.BytesIO(merged(letters))) as whole:
        programs = [
            obj for obj in whole.objects if isinstance(obj, pikepdf.Stream) and obj.get("/Subtype") == "/CIDFontType0C"
        ]
    assert len(programs) == 2
    assert len(merged(letters)) < 2 * len(letters[0])


def test_the_same_letters_make_the_same_file(letters):
    assert merged(letters) == merged(letters)


def test_other_fonts_stay_as_they_are(letters):
    with pikepdf.open(io.BytesIO(letters[0])) as foreign:
        for font in foreign.pages[0].Resources.Font.values():
            font.Encoding = pikepdf.Name("/UniGB-UTF16-H")
        pool = FontPool()
        pool.share(foreign)
        assert all(len(font.DescendantFonts) == 1 for font in foreign.pages[0].Resources.Font.values())
