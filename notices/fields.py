"""The text that users edit: lines, fixed fields in braces, and nothing else.

A text is read in one pass. A brace that does not enclose a known name is a fault; whatever else stands in the text,
and whatever the fields are filled with, is printed as it is.

    致：{业主}          the first line is the salutation
    **一、事实**        a line between double asterisks is a section head
    Every other line    is a paragraph; empty lines between them count for nothing
    {如有违约金}依《…   a line that begins with a mark is printed only where what the mark says is so

Marks (notices.kinds.SECTION_FIELDS): {如有违约金} late fees were assessed and are open, and the contract has a clause;
{如有代收} fees taken on behalf of others are among the charges; {如为共有} the owners are several. The fields that say
the late fee stand in such a line only, so that no letter speaks of one that is not owed.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from notices.kinds import SECTION_FIELDS, Field, KindRules

MAX_LENGTH = 20_000
FIELD = re.compile(r"\{([^{}\n]*)\}")
HEADING = re.compile(r"\*\*(.+)\*\*")
SECTION = re.compile(rf"\{{({'|'.join(SECTION_FIELDS)})\}}\s*")
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class Role(StrEnum):
    SALUTATION = "salutation"
    HEADING = "heading"
    PARAGRAPH = "paragraph"


@dataclass(frozen=True)
class Block:
    """``section``: the mark without which it is printed always."""

    role: Role
    text: str
    section: str = ""


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
    return faults + [Fault(None, message) for message in _faults_of_whole(parse(text), rules)]


def _faults_of_whole(blocks: Sequence[Block], rules: KindRules) -> Iterator[str]:
    always = [block for block in blocks if not block.section]
    if blocks and blocks[0].section:
        yield _("The first line is the salutation; it cannot be optional.")
    if not any(block.role is Role.PARAGRAPH for block in always):
        yield _("The text has no paragraph.")
    used = used_fields("\n".join(block.text for block in always))
    missing = [f.name for f in rules.fields if f.required and f.name not in used]
    if missing:
        message = ngettext(
            "A required field is missing: %(names)s.", "Required fields are missing: %(names)s.", len(missing)
        )
        yield message % {"names": in_braces(missing)}


def _faults_of_line(line: str, rules: KindRules) -> list[str]:
    faults = []
    if CONTROL.search(line):
        faults.append(_("contains a control character; type the line again."))
    mark = SECTION.match(line.strip())
    section = mark[1] if mark and mark[1] in rules.sections else ""
    rest = line.strip()[mark.end() :] if mark and section else line
    for name in FIELD.findall(rest):
        if name in rules.sections:
            faults.append(_("{%(name)s} stands at the beginning of a line only, once.") % {"name": name})
        elif name not in rules.field_names:
            faults.append(_("there is no field {%(name)s}.") % {"name": name})
        elif (owner := _section_of(name)) and owner != section:
            values = {"name": name, "section": owner}
            faults.append(_("{%(name)s} stands only in a line that begins with {%(section)s}.") % values)
    if "{" in (bare := FIELD.sub("", rest)) or "}" in bare:
        faults.append(_("a brace stands alone; braces only enclose the name of a field."))
    if words := rules.refused_in(line):
        faults.append(_("a door slip must not say: %(words)s.") % {"words": "、".join(words)})
    return faults


def _section_of(name: str) -> str:
    """The mark under which alone a field may stand; empty where it may stand anywhere."""
    return next((section for section, names in SECTION_FIELDS.items() if name in names), "")


def in_braces(names: Iterable[str]) -> str:
    """Names of fields as one reads them in a text: ``{业主}、{房号}``."""
    return "、".join(f"{{{name}}}" for name in names)


def used_fields(text: str) -> frozenset[str]:
    """Names that stand in braces."""
    return frozenset(FIELD.findall(text))


def parse(text: str) -> list[Block]:
    """The blocks of a text, fields not filled in yet, so that no value can make a section head or a paragraph."""
    blocks: list[Block] = []
    for line in filter(None, (line.strip() for line in text.split("\n"))):
        mark = SECTION.match(line)
        section, words = (mark[1], line[mark.end() :]) if mark else ("", line)
        heading = HEADING.fullmatch(words)
        if heading:
            blocks.append(Block(Role.HEADING, heading[1].strip(), section))
        else:
            blocks.append(Block(Role.PARAGRAPH if blocks else Role.SALUTATION, words, section))
    return blocks


def standing(blocks: Iterable[Block], sections: Collection[str]) -> list[Block]:
    """Those of ``blocks`` that are printed where the marks ``sections`` hold."""
    return [block for block in blocks if not block.section or block.section in sections]


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


def empty_fields(text: str, values: Mapping[str, str], rules: KindRules, *, among: Iterable[Field] = ()) -> list[str]:
    """Which fields the text or the layout uses although they have no value; only those of ``among`` where given.

    Lines that cannot be printed in the project count for nothing, nor do fields that are left to be written by hand.
    """
    lines = standing(parse(text), rules.sections_of(values))
    used = used_fields("\n".join(line.text for line in lines)).union(rules.by_layout)
    names = {field.name for field in among or rules.fields} - rules.blanks.keys()
    return sorted(name for name in used & names if not values.get(name))


def refused_by_values(text: str, values: Mapping[str, str], rules: KindRules) -> list[str]:
    """Refused words that the project's data would bring into a text."""
    return rules.refused_in("".join(values.get(name, "") for name in used_fields(text).union(rules.by_layout)))
