"""The few things of a CFF font that the print file needs, read without building the font: a batch has thousands."""

from dataclasses import dataclass
from itertools import pairwise

CHAR_STRINGS, PRIVATE, FD_ARRAY, FD_SELECT = 17, 18, (12, 36), (12, 37)


@dataclass(frozen=True)
class Outlines:
    """``signs``: how each is drawn. ``parts``: to which part of the font it belongs. ``hints``: of each part."""

    signs: list[bytes]
    parts: list[int]
    hints: list[bytes]


def read_outlines(font: bytes) -> Outlines:
    """The outlines of a CID-keyed font (Adobe's technical note 5176)."""
    _names, end = _index(font, font[2])
    (top, *_more), _end = _index(font, end)
    places = _dictionary(top)
    signs, _end = _index(font, places[CHAR_STRINGS][0])
    parts, _end = _index(font, places[FD_ARRAY][0])
    hints = []
    for part in parts:
        size, place = _dictionary(part)[PRIVATE]
        hints.append(font[place : place + size])
    return Outlines(signs, _parts(font, places[FD_SELECT][0], len(signs)), hints)


def _index(font: bytes, place: int) -> tuple[list[bytes], int]:
    """The items of an INDEX, and where it ends."""
    count = int.from_bytes(font[place : place + 2])
    if not count:
        return [], place + 2
    size, start = font[place + 2], place + 3
    base = start + (count + 1) * size - 1
    bounds = [base + int.from_bytes(font[at : at + size]) for at in range(start, base + 1, size)]
    return [font[first:last] for first, last in pairwise(bounds)], bounds[-1]


def _dictionary(data: bytes) -> dict[int | tuple[int, int], list[int]]:
    """The whole numbers of a DICT by their operator; real numbers, which we do not need, count as 0."""
    found: dict[int | tuple[int, int], list[int]] = {}
    numbers: list[int] = []
    place = 0
    while place < len(data):
        first = data[place]
        place += 1
        if first <= 21:
            escaped = first == 12
            found[(12, data[place]) if escaped else first] = numbers
            numbers, place = [], place + escaped
        elif first in (28, 29):
            size = 2 if first == 28 else 4
            numbers.append(int.from_bytes(data[place : place + size], signed=True))
            place += size
        elif first == 30:
            while data[place] & 15 != 15 and data[place] >> 4 != 15:
                place += 1
            numbers.append(0)
            place += 1
        elif first <= 246:
            numbers.append(first - 139)
        else:
            sign, base = (1, 247) if first <= 250 else (-1, 251)
            numbers.append(sign * ((first - base) * 256 + data[place] + 108))
            place += 1
    return found


def _parts(font: bytes, place: int, count: int) -> list[int]:
    """The part of each sign from an FDSelect of either form."""
    if font[place] == 0:
        return list(font[place + 1 : place + 1 + count])
    runs = int.from_bytes(font[place + 1 : place + 3])
    parts: list[int] = []
    for at in range(place + 3, place + 3 + 3 * runs, 3):
        following = int.from_bytes(font[at + 3 : at + 5])
        parts += [font[at + 2]] * (following - len(parts))
    return parts
