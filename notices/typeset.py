"""Rules of Chinese typography that Typst does not know: what may not be parted at a line end."""

import re

UNITS = "单元|[年月日元角分栋单室期号笔页份天%㎡]"
_FIGURES = r"\d(?:[\d,.:—-]*\d)?"
_ATOM = re.compile(rf"{_FIGURES}(?:{UNITS})?|.", re.DOTALL)
_LAST_TWO_SIGNS = r"[\u4e00-\u9fff]{2}[，。：；！？]?$"
_KEPT = re.compile(rf"({_FIGURES}(?:{UNITS})|\d[\d,.:]*—{_FIGURES}|{_LAST_TWO_SIGNS})")

Parts = list[str | list[str]]


def parts(text: str) -> Parts:
    """``text`` in pieces. Figures with their unit, and the last two signs, are a list of one piece.

    The layouts put such a piece into a box: joining signs would be found again in text taken from the PDF.
    """
    pieces = _KEPT.split(text)
    return [[piece] if position % 2 else piece for position, piece in enumerate(pieces) if piece]


def atoms(text: str) -> list[str]:
    """``text`` cut where a line may end, but for punctuation."""
    return _ATOM.findall(text)
