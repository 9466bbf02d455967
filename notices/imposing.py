"""Small pages side by side on sheets of A4, with marks to cut them apart."""

from collections.abc import Iterator

import pikepdf

MM = 72 / 25.4
SHEET = (210 * MM, 297 * MM)
SLIP_SIZES = {(105.0, 148.5), (210.0, 148.5)}
MARK, GREY = 5 * MM, "0.6 G"


def impose(small: pikepdf.Pdf) -> pikepdf.Pdf:
    """The pages of ``small``, all of one size, on sheets of A4, row by row. ``small`` stays open meanwhile."""
    sheets = pikepdf.new()
    width, height = (float(side) for side in small.pages[0].mediabox[2:])
    places = list(_places(width, height))
    for start in range(0, len(small.pages), len(places)):
        sheet = sheets.add_blank_page(page_size=SHEET)
        for page, (x, y) in zip(list(small.pages)[start : start + len(places)], places, strict=False):
            sheet.add_overlay(page, pikepdf.Rectangle(x, y, x + width, y + height))
        sheet.contents_add(_cut_marks(width, height).encode())
    return sheets


def is_slip(pdf: pikepdf.Pdf) -> bool:
    """Whether the pages are small ones that belong on a common sheet."""
    width, height = (float(side) / MM for side in pdf.pages[0].mediabox[2:])
    return (round(width, 1), round(height, 1)) in SLIP_SIZES


def _places(width: float, height: float) -> Iterator[tuple[float, float]]:
    """Lower left corners, row by row from the top."""
    for row in range(round(SHEET[1] / height)):
        for column in range(round(SHEET[0] / width)):
            yield column * width, SHEET[1] - (row + 1) * height


def _cut_marks(width: float, height: float) -> str:
    """Short strokes at the edges and crosses between the pages, a dashed line along the cuts."""
    xs = [width * n for n in range(1, round(SHEET[0] / width))]
    ys = [height * n for n in range(1, round(SHEET[1] / height))]
    lines = [*(((x, 0), (x, SHEET[1])) for x in xs), *(((0, y), (SHEET[0], y)) for y in ys)]
    strokes = [stroke for x in xs for stroke in (((x, 0), (x, MARK)), ((x, SHEET[1] - MARK), (x, SHEET[1])))]
    strokes += [stroke for y in ys for stroke in (((0, y), (MARK, y)), ((SHEET[0] - MARK, y), (SHEET[0], y)))]
    strokes += [
        stroke for x in xs for y in ys for stroke in (((x - MARK, y), (x + MARK, y)), ((x, y - MARK), (x, y + MARK)))
    ]
    drawn = [f"q 0.4 w {GREY} [4 4] 0 d", *map(_stroke, lines), "S 0 G 0.6 w [] 0 d", *map(_stroke, strokes), "S Q"]
    return "\n".join(drawn)


def _stroke(line: tuple[tuple[float, float], tuple[float, float]]) -> str:
    (x1, y1), (x2, y2) = line
    return f"{x1:.2f} {y1:.2f} m {x2:.2f} {y2:.2f} l"
