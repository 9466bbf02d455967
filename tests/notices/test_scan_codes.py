"""The codes that we draw ourselves say what was asked for."""

import re

import segno

from notices.scan_codes import qr_code


def modules(svg):
    """The black modules of a drawing, by row and column."""
    runs = re.findall(r"M(\d+) (\d+)h(\d+)v1h-\d+z", svg)
    return {(int(y), int(x) + n) for x, y, width in runs for n in range(int(width))}


def test_a_qr_code_has_the_modules_of_its_text_and_a_quiet_zone():
    link = "https://pay.example.com/fhc1?room=1"
    rows = [list(row) for row in segno.make_qr(link, error="m").matrix]
    black = {(y + 4, x + 4) for y, row in enumerate(rows) for x, module in enumerate(row) if module}
    assert modules(qr_code(link)) == black
    assert f'width="{len(rows) + 8}"' in qr_code(link)


def test_the_drawing_holds_nothing_of_the_text():
    assert "example" not in qr_code('https://example.com/"><script>alert(1)</script>')
