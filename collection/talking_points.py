"""What to say at the door and on the phone, and what never: polite words for each reason (P4).

The texts are domain data and stand in ``texts/talking_points.txt``.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from collection.models import ArrearsReason, RectificationItem
from collection.reasons import Reason

SOURCE = Path(__file__).parent / "texts" / "talking_points.txt"
FIELD = re.compile(r"\{([^{}]+)\}")
BLANK = "＿＿"
Part = RectificationItem.Part


@dataclass(frozen=True, slots=True)
class TalkingPoints:
    say: tuple[str, ...]
    never: tuple[str, ...]

    def filled(self, fields: Mapping[str, str]) -> "TalkingPoints":
        """With ``fields`` by their Chinese names filled in, and a blank for what is not known."""

        def fill(line: str) -> str:
            return FIELD.sub(lambda match: fields.get(match[1]) or BLANK, line)

        return TalkingPoints(tuple(map(fill, self.say)), tuple(map(fill, self.never)))


def talking_points(
    reason: Reason, fields: Mapping[str, str], *, parts: Collection[RectificationItem.Part] = ()
) -> TalkingPoints:
    """What to say for a reason, from the opening to the close. ``parts``: where the defects are that the owner has.

    That repair and fee are two things is said where all of them are in private parts, and never otherwise.
    """
    sections = read_sections()
    own = [sections[reason.key], *(sections[name] for name in _by_part(reason, parts))]
    say = [line for section in own for line in section.say]
    never = [line for section in [*own, sections["always"]] for line in section.never]
    return TalkingPoints(
        (*sections["opening"].say, *say, *sections["closing"].say), tuple(never)
    ).filled(fields)  # fmt: skip


def _by_part(reason: Reason, parts: Collection[RectificationItem.Part]) -> list[str]:
    if reason.reason != ArrearsReason.RECTIFICATION:
        return []
    if not parts:
        return ["rectification/unsorted"]
    if set(parts) == {Part.PRIVATE}:
        return ["rectification/private", "rectification/apart"]
    return [f"rectification/{part}" for part in Part if part in parts]


def to_emergency_contact(fields: Mapping[str, str]) -> TalkingPoints:
    """What may be said to an emergency contact: nothing of debts or amounts (C9)."""
    return read_sections()["emergency_contact"].filled(fields)


@cache
def read_sections() -> dict[str, TalkingPoints]:
    """The texts by the key of a reason, such as ``burgled`` and ``other/vacant``."""
    lines: dict[str, list[str]] = {}
    name = ""
    for line in SOURCE.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            name = line.strip("[]")
            lines[name] = []
        elif line.startswith(("+ ", "- ")):
            lines[name].append(line)
    return {name: TalkingPoints(_with(of, "+ "), _with(of, "- ")) for name, of in lines.items()}


def _with(lines: list[str], mark: str) -> tuple[str, ...]:
    return tuple(line.removeprefix(mark) for line in lines if line.startswith(mark))
