"""Finding the header of a sheet: the row with most known words, and the rows that belong to it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from arrears.importing.cells import SPACE, shown
from arrears.importing.fields import header_key
from arrears.importing.list_columns import names_arrears
from arrears.importing.reading import Cell
from arrears.importing.register import Register

SEARCHED_ROWS = 40
FEWEST_HITS = 3
MOST_ROWS = 4
NAMED_TIME = re.compile(r"(?:19|20)\d{2}(?:\s*[-/.年]\s*\d{1,2}(?!\d)\s*月?|\s*年|(?=\D|$))(?!\s*\d{1,2}\s*日)")


@dataclass(frozen=True, slots=True)
class Header:
    """Where the header stands in the rows looked at, and its texts (rows are joined as ``本期 / 物业费``)."""

    first: int
    last: int
    texts: list[str]


def find_header(rows: Sequence[Sequence[Cell]], register: Register) -> Header | None:
    """The row with most known words among the first ones; None where no row has at least three."""
    hits = [_known_words(row, register) for row in rows[:SEARCHED_ROWS]]
    best = max(range(len(hits)), key=lambda index: hits[index], default=None)
    if best is None or hits[best] < FEWEST_HITS:
        return None
    texts = [[text_of(cell) for cell in row] for row in rows[: best + MOST_ROWS]]
    first = last = best
    while (
        last + 1 < len(texts) and last - first + 1 < MOST_ROWS and _go_together(rows, texts, first, last + 1, register)
    ):
        last += 1
    while first > 0 and last - first + 1 < MOST_ROWS and _go_together(rows, texts, first - 1, last, register):
        first -= 1
    return Header(first, last, _joined(texts[first : last + 1]))


def text_of(cell: Cell) -> str:
    """A cell of a header as one line."""
    return " ".join(cell.split()).strip(SPACE) if isinstance(cell, str) else shown(cell)


def _known_words(row: Sequence[Cell], register: Register) -> int:
    """How many cells hold a known word; in an arrears list also those that name a fee or a time."""
    words, is_list = register.vocabulary.fields_of_word, register.kind == "arrears_list"
    texts = {header_key(cell): cell for cell in row if isinstance(cell, str)}
    return sum(key in words or (is_list and names_arrears(text, register.fee_id)) for key, text in texts.items())


def _go_together(
    rows: Sequence[Sequence[Cell]], texts: Sequence[Sequence[str]], first: int, last: int, register: Register
) -> bool:
    """Whether these rows hold words only and each lower one fills gaps that merged cells leave in those above."""
    block = texts[first : last + 1]
    if any(
        not _is_words(cell, text) for n in range(first, last + 1) for cell, text in zip(rows[n], texts[n], strict=True)
    ):
        return False
    width = max(map(len, block))
    padded = [[*line, *[""] * (width - len(line))] for line in block]
    words = register.vocabulary.fields_of_word
    fills_gaps = all(
        any(below and not above for above, below in zip(upper, lower, strict=True)) for upper, lower in pairwise(padded)
    )
    leaves_gaps = any(any(column[:-1]) and not column[-1] for column in zip(*padded, strict=True))
    return fills_gaps and leaves_gaps and any(header_key(text) in words for line in padded[:-1] for text in line)


def _is_words(cell: Cell, text: str) -> bool:
    """Whether a header may say this: text without figures other than those of a year or month."""
    return not any(character.isdecimal() for character in NAMED_TIME.sub("", text)) if isinstance(cell, str) else False


def _joined(block: Sequence[Sequence[str]]) -> list[str]:
    """Texts of a header in several rows; a merged cell's text stands over all columns below it."""
    width = max(map(len, block))
    lines = [[*line, *[""] * (width - len(line))] for line in block]
    parts: list[list[str]] = [[] for _ in range(width)]
    for depth, line in enumerate(lines):
        above = ""
        for column, own in enumerate(line):
            is_group = any(lower[column] for lower in lines[depth + 1 :])
            begins_anew = any(upper[column] for upper in lines[:depth])
            above = own or (above if is_group and not begins_anew else "")
            if above and parts[column][-1:] != [above]:
                parts[column].append(above)
    return [" / ".join(texts) for texts in parts]
