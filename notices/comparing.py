"""What one version of a text says otherwise than another, line by line and within a line."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum


class Change(StrEnum):
    SAME = "same"
    GONE = "gone"
    NEW = "new"


@dataclass(frozen=True)
class Piece:
    """A stretch of a line; one that ``is_changed`` is what differs from the other version."""

    text: str
    is_changed: bool


@dataclass(frozen=True)
class Line:
    change: Change
    pieces: Sequence[Piece]

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.pieces)


def compare(before: str, after: str) -> list[Line]:
    """The lines of both texts in order: those only ``before`` has, those only ``after`` has, and those of both."""
    old, new = _lines(before), _lines(after)
    found: list[Line] = []
    for kind, start, end, new_start, new_end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            found += [Line(Change.SAME, [Piece(line, False)]) for line in old[start:end]]
        else:
            found += _changed(old[start:end], new[new_start:new_end])
    return found


def _lines(text: str) -> list[str]:
    return [line for line in text.split("\n") if line.strip()]


def _changed(gone: Sequence[str], new: Sequence[str]) -> Iterator[Line]:
    """Lines that took each other's place are told apart sign by sign; lines without a partner are new or gone whole."""
    for before, after in zip(gone, new, strict=False):
        matcher = SequenceMatcher(None, before, after, autojunk=False)
        yield Line(Change.GONE, list(_pieces(before, [(op[0], op[1], op[2]) for op in matcher.get_opcodes()])))
        yield Line(Change.NEW, list(_pieces(after, [(op[0], op[3], op[4]) for op in matcher.get_opcodes()])))
    for line in gone[len(new) :]:
        yield Line(Change.GONE, [Piece(line, True)])
    for line in new[len(gone) :]:
        yield Line(Change.NEW, [Piece(line, True)])


def _pieces(line: str, parts: Sequence[tuple[str, int, int]]) -> Iterator[Piece]:
    for kind, start, end in parts:
        if end > start:
            yield Piece(line[start:end], kind != "equal")
