"""One way to write a unit, whatever a sheet says: ``1栋2单元1001室``, ``１＃2－1001`` and ``1-2-1001`` are the same.

A code is made of parts joined by ``-``: building, entrance (where there is one), room.
"""

import re
import unicodedata
from dataclasses import dataclass

import cn2an

SEPARATORS = re.compile(r"[-‐‑‒–—―−_/\\|·•.,，、~〜#\s]+")
INVISIBLE = re.compile(r"[\u200b-\u200f\u2060\ufeff]")
CHINESE_NUMBER = re.compile(r"[一二三四五六七八九十百]+(?=期|栋|幢|座|号楼|楼|单元|梯|层|室)")
GAP_BEFORE_WORD = re.compile(r"\s+(?=期|栋|幢|座|号|楼|单元|梯|层|室|房)")
STOREY = re.compile(r"(?<=[0-9A-Z])层")
BUILDING_WORD = re.compile(r"(?<=[0-9A-Z])(?:号楼栋|号楼|楼栋|栋楼|栋|幢|座|楼|号院)")
ENTRANCE_WORD = re.compile(r"(?<=[0-9A-Z])(?:单元|梯)")
ROOM_WORD = re.compile(r"(?<=[0-9A-Z])(?:号房间|号房|房间|号室|室|房|号)")
BETWEEN_SCRIPTS = re.compile(r"(?<=[\u3400-\u9fff])(?<!期)(?=[0-9A-Z])")
BUILDING_SUFFIX = re.compile(r"(?:号楼|栋|幢|座|楼)$")
DIGITS = re.compile(r"\d+")
ROOM_ALONE = re.compile(r"[A-Z]?\d{2,4}[A-Z]?")
ROOM_NUMBER = re.compile(r"^(\d{1,2})\d{2}(?:[A-Z]|$)")
SORT_WIDTH = 6
LIKELY_SLIPS = str.maketrans({"O": "0", "o": "0", "I": "1", "l": "1"})


@dataclass(frozen=True, slots=True)
class UnitName:
    """The parts of a unit's code; ``entrance`` is empty where there is none."""

    building: str
    entrance: str
    room: str

    @property
    def code(self) -> str:
        return "-".join(part for part in (self.building, self.entrance, self.room) if part)

    @property
    def floor(self) -> int | None:
        return floor_of(self.room)


def normalise(text: str) -> str:
    """The form under which codes and aliases are stored and looked up: ``１栋２单元１００１室`` → ``1-2-1001``."""
    return "-".join(_parts(text))


def parse_unit(text: str) -> UnitName | None:
    """The parts of a unit written in one piece; None where it names no building, such as ``1001``."""
    return _named(_parts(text))


def unit_from_cells(building: str, entrance: str, room: str) -> UnitName | None:
    """The unit that three cells of a row name together; any of them may hold more than its own part.

    None where no building or no room is named.
    """
    place, between, rest = _parts(building), _parts(entrance), _parts(room)
    if not rest:
        return None
    if len(rest) > 1 and place and rest[0] == place[0]:  # the room's cell repeats the whole
        return _named(rest)
    if len(place) > len(between) and place[-len(between) :] == between:  # the building's cell repeats the entrance
        between = []
    return _named([*place, *between, *rest])


def is_room(text: str) -> bool:
    """Whether a text is a room's number and nothing else: ``1203``, ``A12``, not the number of a resident."""
    return ROOM_ALONE.fullmatch(normalise(text)) is not None


def canonical_code(building: str, entrance: str, room: str) -> str:
    """``1栋``, ``1单元``, ``101`` → ``1-1-101``. Empty where no room is named."""
    name = unit_from_cells(building, entrance, room)
    return name.code if name else normalise(room)


def building_key(name: str) -> str:
    """What two spellings of one building have in common: ``8栋``, ``8幢`` and ``08号楼`` → ``8``."""
    return normalise(name)


def building_name(key: str, written: str = "") -> str:
    """How a building is called on letters: as the sheet writes it, or ``8`` → ``8栋``."""
    shown = INVISIBLE.sub("", unicodedata.normalize("NFKC", written)).strip()
    if BUILDING_SUFFIX.search(shown) and normalise(shown) == key:
        return shown
    return f"{key}栋" if re.fullmatch(r"(?:\d+期)?[0-9A-Z]{1,4}", key) else key


def floor_of(room: str) -> int | None:
    """``1203`` → 12, ``101`` → 1; None where the room's number does not say."""
    match = ROOM_NUMBER.match(room)
    return int(match[1]) if match else None


def sort_key(code: str) -> str:
    """Text that sorts codes as people count: ``2-1-101`` before ``10-1-101``."""
    return DIGITS.sub(lambda digits: digits[0].zfill(SORT_WIDTH), code)[:120]


def without_slips(code: str) -> str:
    """The code with letters that are often typed for digits put right: ``8-2-12O3`` → ``8-2-1203``."""
    return code.translate(LIKELY_SLIPS)


def _named(parts: list[str]) -> UnitName | None:
    if len(parts) < 2:
        return None
    building, *entrance, room = parts if len(parts) < 4 else [*parts[:2], "-".join(parts[2:])]
    return UnitName(building, "".join(entrance), room)


def _parts(text: str) -> list[str]:
    plain = INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).strip().upper()
    plain = GAP_BEFORE_WORD.sub("", plain)
    plain = CHINESE_NUMBER.sub(_in_figures, plain)
    plain = _without_storey(plain)
    for word in (BUILDING_WORD, ENTRANCE_WORD, ROOM_WORD):
        plain = word.sub("-", plain)
    plain = BETWEEN_SCRIPTS.sub("-", plain)
    return [_without_zeros(part) for part in SEPARATORS.split(plain) if part]


def _in_figures(number: re.Match[str]) -> str:
    try:
        return str(cn2an.cn2an(number[0], "smart"))
    except ValueError:  # a name made of numerals, not a number
        return number[0]


def _without_storey(text: str) -> str:
    """``12层1203`` says nothing that ``1203`` does not."""
    return re.sub(r"\d+层(?=\d)", "-", STOREY.sub("层", text))


def _without_zeros(part: str) -> str:
    return part.lstrip("0") or "0" if part.isdecimal() else part
