"""Small rules of Chinese typography that the layout engine does not know."""

import re

WORD_JOINER = "\u2060"

_FIGURE_AND_UNIT = re.compile(r"(?<=\d)(?=[年月日元角分栋单室期号笔页份天%㎡])")
_WITHIN_FIGURES = re.compile(r"(?<=\d)([,:.—-])(?=\d)")
_LAST_TWO_SIGNS = re.compile(r"(?<=[\u4e00-\u9fff])(?=[\u4e00-\u9fff][。：；！？]?$)")


def keep_together(text: str) -> str:
    """Glue what must not be parted at a line end: figures and their units, amounts, the last two signs.

    The joiners do not show and do not appear in text taken from the PDF.
    """
    text = _FIGURE_AND_UNIT.sub(WORD_JOINER, text)
    text = _WITHIN_FIGURES.sub(rf"{WORD_JOINER}\1{WORD_JOINER}", text)
    return _LAST_TWO_SIGNS.sub(WORD_JOINER, text)
