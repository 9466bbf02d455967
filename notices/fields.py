"""The text that users edit: lines, fixed fields in braces, and nothing else.

A text is read in one pass. A brace that does not enclose a known name is a fault; whatever else stands in the text,
and whatever the fields are filled with, is printed as it is.

    致：{业主}          the first line is the salutation
    **一、事实**        a line between double asterisks is a section head
    Every other line    is a paragraph; empty lines between them count for nothing
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from notices.kinds import KindRules

MAX_LENGTH = 20_000
FIELD = re.compile(r"\{([^{}\n]*)\}")
HEADING = re.compile(r"\*\*(.+)\*\*")
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class Role(StrEnum):
    SALUTATION = "salutation"
    HEADING = "heading"
    PARAGRAPH = "paragraph"


@dataclass(frozen=True)
class Block:
    role: Role
    text: str


@dataclass(frozen=True)
class Fault:
    """What is wrong with a text; ``line`` counts from 1, and is None where it concerns the whole."""

    line: int | None
    message: str

    def __str__(self) -> str:
        return (
            _("Line %(line)s: %(message)s") % {"line": self.line, "message": self.message}
            if self.line
            else self.message
        )


class UnfilledFieldError(KeyError):
    """A text uses a field for which there is no value."""


def with_line_feeds(text: str) -> str:
    """The text of a form, whose lines browsers end with two signs, with line feeds only."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def normalise(text: str) -> str:
    """The text as it is stored: line feeds only, no white space at line ends, one closing line feed."""
    lines = [line.rstrip() for line in with_line_feeds(text).split("\n")]
    return "\n".join(lines).strip("\n") + "\n"


def check_text(text: str, rules: KindRules) -> list[Fault]:
    """Everything that keeps ``text`` from being a template of this kind; empty when it can be saved."""
    if len(text) > MAX_LENGTH:
        return [Fault(None, _("The text is longer than %(limit)s characters.") % {"limit": MAX_LENGTH})]
    faults = [
        Fault(number, message)
        for number, line in enumerate(text.split("\n"), start=1)
        for message in _faults_of_line(line, rules)
    ]
    if not any(block.role is Role.PARAGRAPH for block in parse(text)):
        faults.append(Fault(None, _("The text has no paragraph.")))
    missing = [f.name for f in rules.fields if f.required and f.name not in used_fields(text)]
    if missing:
        message = ngettext(
            "A required field is missing: %(names)s.", "Required fields are missing: %(names)s.", len(missing)
        )
        faults.append(Fault(None, message % {"names": "、".join(f"{{{name}}}" for name in missing)}))
    return faults


def _faults_of_line(line: str, rules: KindRules) -> list[str]:
    faults = []
    if CONTROL.search(line):
        faults.append(_("contains a control character; type the line again."))
    unknown = [name for name in FIELD.findall(line) if name not in rules.field_names]
    faults += [_("there is no field {%(name)s}.") % {"name": name} for name in unknown]
    if "{" in (rest := FIELD.sub("", line)) or "}" in rest:
        faults.append(_("a brace stands alone; braces only enclose the name of a field."))
    return faults


def used_fields(text: str) -> frozenset[str]:
    """Names that stand in braces."""
    return frozenset(FIELD.findall(text))


def parse(text: str) -> list[Block]:
    """The blocks of a text, fields not filled in yet, so that no value can make a section head or a paragraph."""
    blocks: list[Block] = []
    for line in filter(None, (line.strip() for line in text.split("\n"))):
        heading = HEADING.fullmatch(line)
        if heading:
            blocks.append(Block(Role.HEADING, heading[1].strip()))
        else:
            blocks.append(Block(Role.PARAGRAPH if blocks else Role.SALUTATION, line))
    return blocks


def fill(text: str, values: Mapping[str, str]) -> str:
    """``text`` with each field replaced once; values are not read again. Raises UnfilledFieldError."""

    def value(match: re.Match[str]) -> str:
        if match[1] not in values:
            raise UnfilledFieldError(match[1])
        return values[match[1]]

    return FIELD.sub(value, text)


def one_line(value: str) -> str:
    """A value fit for a field: one line, no control characters."""
    return " ".join(CONTROL.sub(" ", value).split())


def empty_fields(text: str, values: Mapping[str, str], among: Collection[str]) -> list[str]:
    """Which of the fields ``among`` the text uses although they have no value."""
    return sorted(name for name in used_fields(text) if name in among and not values.get(name))
