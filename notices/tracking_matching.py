"""Which letter a line of a list of waybills is about: by document number, else by room and recipient."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.utils.translation import gettext as _

from arrears.importing.register import Register, load_register
from company.models import Project
from notices.models import Delivery, Notice
from notices.tracking_sheet import Column, Row
from notices.tracking_states import News, news_of
from notices.waybills import SCAN_CODE
from owners.models import Address
from owners.personal_data import mask_party
from owners.unit_codes import normalise

DOCUMENT = re.compile(
    r"([\u4e00-\u9fffA-Za-z]*)[〔\[(（【［]?\s*(\d{4})\s*[〕\])）】］]?\s*年?\s*(?:字?第)?\s*0*(\d{1,6})\s*号"
)
BUILDING = re.compile(r"[0-9０-９A-Za-z]+\s*(?:栋|幢|座|号楼)")
BETWEEN_NAMES = re.compile(r"[、,，;；/\s]+")


class Verdict(StrEnum):
    NEW = "new"
    KNOWN = "known"
    BAD = "bad"


@dataclass(frozen=True)
class Problem:
    """Why a line cannot be used: the column's letter, the value in it, and the reason."""

    column: str
    value: str
    reason: str


@dataclass(frozen=True)
class Line:
    """A row of the list and what it would do."""

    row: Row
    delivery: Delivery | None = None
    verdict: Verdict = Verdict.BAD
    problem: Problem | None = None
    remarks: tuple[str, ...] = ()
    news: News | None = None

    @property
    def recipient(self) -> str:
        return mask_party(self.row.text(Column.RECIPIENT))


class _Mismatch(Exception):
    def __init__(self, column: Column, reason: str) -> None:
        super().__init__(reason)
        self.column, self.reason = column, reason


@dataclass
class Waiting:
    """The letters of a project that went by EMS or post, in the ways in which lists name them."""

    register: Register
    by_number: dict[str, Delivery] = field(default_factory=dict)
    by_document: dict[tuple[int, int], list[Delivery]] = field(default_factory=lambda: defaultdict(list))
    by_code: dict[str, Delivery] = field(default_factory=dict)
    names: dict[int, set[str]] = field(default_factory=dict)
    by_unit: dict[int, list[Delivery]] = field(default_factory=lambda: defaultdict(list))
    by_name: dict[str, list[Delivery]] = field(default_factory=lambda: defaultdict(list))
    by_address: dict[str, list[Delivery]] = field(default_factory=lambda: defaultdict(list))

    def names_fit(self, row: Row, delivery: Delivery) -> bool:
        """Whether the row names the letter's recipient, or nobody."""
        names = _names(row)
        return not names or any(_is_same(name, own) for name in names for own in self.names[delivery.pk])


def load_waiting(project: Project) -> Waiting:
    """All items that were sent and did not come back; a handful of queries."""
    waiting = Waiting(load_register(project, "charges"))
    sent = Delivery.objects.standing().filter(project=project, channel__in=Delivery.NUMBERED).order_by("pk")
    # Of a letter's data only these two: there may be tens of thousands of letters.
    owner_field = KeyTextTransform("业主", KeyTransform("fields", "notice__data"))
    of_data = sent.values_list("pk", KeyTextTransform("scan_code", "notice__data"), owner_field)
    written = {pk: (code or "", owner or "") for pk, code, owner in of_data}
    sent = sent.select_related("notice__account__unit", "notice__recipient")
    for delivery in sent.defer("notice__data", "notice__charge_ids"):
        code, owner = written.get(delivery.pk, ("", ""))
        waiting.names[delivery.pk] = _names_in(owner, delivery.notice)
        if delivery.tracking_number:
            waiting.by_number[delivery.tracking_number] = delivery
        if delivery.state in Delivery.BACK:
            continue
        notice = delivery.notice
        waiting.by_document[notice.year, notice.sequence].append(delivery)
        waiting.by_code[code] = delivery
        waiting.by_unit[notice.account.unit_id].append(delivery)
        for name in waiting.names[delivery.pk]:
            waiting.by_name[name].append(delivery)
        if (recipient := getattr(notice, "recipient", None)) and recipient.address:
            waiting.by_address[address_key(recipient.address)].append(delivery)
    return waiting


def _names_in(owner: str, notice: Notice) -> set[str]:
    """The owners whom the letter names, and the recipient on its envelope."""
    recipient = getattr(notice, "recipient", None)
    written = f"{owner}、{recipient.name if recipient else ''}"
    return {name for name in BETWEEN_NAMES.split(written) if name}


def address_key(address: str) -> str:
    """The form in which addresses are compared: width, gaps and marks aside."""
    return "".join(sign for sign in unicodedata.normalize("NFKC", address).casefold() if sign.isalnum())


def match(rows: Iterable[Row], waiting: Waiting, *, today: date) -> list[Line]:
    """What each row would do, in their order; the second row with a number or letter is the error."""
    lines = []
    numbers: dict[str, Row] = {}
    letters: dict[int, Row] = {}
    for row in rows:
        line = _match(row, waiting, today=today)
        if row.number and row.number in numbers:
            line = _bad(row, Column.NUMBER, _("the same number as in row %(row)s") % {"row": numbers[row.number].row})
        elif line.verdict is not Verdict.BAD and line.delivery and line.delivery.pk in letters:
            line = _bad(
                row, Column.NUMBER,
                _("a second number for the letter of row %(row)s") % {"row": letters[line.delivery.pk].row},
            )  # fmt: skip
        if row.number:
            numbers.setdefault(row.number, row)
        if line.delivery and line.verdict is not Verdict.BAD:
            letters.setdefault(line.delivery.pk, row)
        lines.append(line)
    return lines


def _match(row: Row, waiting: Waiting, *, today: date) -> Line:
    if row.number_fault:
        return _bad(row, Column.NUMBER, row.number_fault)
    if not row.number:
        return _bad(row, Column.NUMBER, _("the number is missing"))
    known = waiting.by_number.get(row.number)
    try:
        delivery, remarks = _numbered(row, known, waiting) if known else _letter(row, waiting)
    except _Mismatch as mismatch:
        return _bad(row, mismatch.column, mismatch.reason)
    news = news_of(row, delivery, today=today)
    if news and news.problem:
        remarks = [*remarks, news.problem]
    remarks += _remarks(row, delivery, waiting)
    verdict = Verdict.KNOWN if known and not (news and news.state) else Verdict.NEW
    return Line(row, delivery, verdict, None, tuple(remarks), news if news and news.state else None)


def _letter(row: Row, waiting: Waiting) -> tuple[Delivery, list[str]]:
    """The letter that a row is about, which must wait for a number. Raises _Mismatch."""
    remarks: list[str] = []
    if (by_document := _by_document(row, waiting)) is not None:
        found = by_document
    elif at_address := _at_address(row, waiting):
        found = _only(at_address, Column.ADDRESS)
    elif (unit := _unit(row, waiting)) is not None:
        found = _of_unit(row, unit, waiting)
    else:
        found = _of_name(row, waiting)
        remarks.append(_("matched by the recipient's name alone"))
    if found.tracking_number:
        raise _Mismatch(
            Column.NUMBER,
            _("%(letter)s has the number %(number)s already")
            % {"letter": found.notice.number, "number": found.spaced_number},
        )
    return found, remarks


def _by_document(row: Row, waiting: Waiting) -> Delivery | None:
    """By the document number in a column of its own or within the contents line; None where none is named."""
    for column in (Column.DOCUMENT, Column.CONTENTS):
        text = row.text(column)
        code = SCAN_CODE.search(text.upper())
        if code and code[0] in waiting.by_code:
            return waiting.by_code[code[0]]
        named = DOCUMENT.search(text)
        if not named:
            continue
        word, year, sequence = named[1], int(named[2]), int(named[3])
        same = waiting.by_document.get((year, sequence), [])
        found = [d for d in same if _has_word(d.notice, word)] or [d for d in same if waiting.names_fit(row, d)]
        if len(found) == 1:
            return found[0]
        if len(found) > 1:
            numbers = "、".join(delivery.notice.number for delivery in found)
            raise _Mismatch(column, _("several letters fit: %(numbers)s") % {"numbers": numbers})
        raise _Mismatch(column, _("no letter with this document number was sent by EMS or post"))
    if text := row.text(Column.DOCUMENT):
        raise _Mismatch(Column.DOCUMENT, _("“%(text)s” is no document number") % {"text": text[:40]})
    return None


def _has_word(notice: Notice, word: str) -> bool:
    """Whether the words before a year are those of the letter's number; lists leave the first ones out or add some."""
    own = notice.number.partition("〔")[0]
    return not word or word.endswith(own) or own.endswith(word)


def _is_same(written: str, own: str) -> bool:
    """Whether a list means this name; carriers print them with stars: ``朱*玥``."""
    if "*" not in written:
        return written == own
    return re.fullmatch("".join("." if sign == "*" else re.escape(sign) for sign in written), own) is not None


def _unit(row: Row, waiting: Waiting) -> int | None:
    """The room that a column of its own or the end of the address names."""
    for column in (Column.UNIT, Column.ADDRESS):
        text = row.text(column)
        if not text:
            continue
        if (unit := waiting.register.unit_id(text, waiting.register.within_estate(text))) is not None:
            return unit
        if (unit := _unit_at_the_end(text, waiting)) is not None:
            return unit
    if text := row.text(Column.UNIT):
        raise _Mismatch(Column.UNIT, _("the register knows no room “%(room)s”") % {"room": text[:40]})
    return None


def _at_address(row: Row, waiting: Waiting) -> list[Delivery]:
    """Letters to the recipient at exactly this address, as the envelopes say it."""
    found = waiting.by_address.get(address_key(row.text(Column.ADDRESS)), [])
    return [delivery for delivery in found if waiting.names_fit(row, delivery)]


def _unit_at_the_end(address: str, waiting: Waiting) -> int | None:
    """The room with which a whole address ends: ``…路88号凤凰城一期1栋1单元502室``."""
    parts = normalise(address).split("-")
    endings = ["-".join(parts[start:]) for start in range(1, len(parts) - 1)]
    endings += [normalise(address[building.start() :]) for building in BUILDING.finditer(address)]
    return next((waiting.register.unit_ids[code] for code in endings if code in waiting.register.unit_ids), None)


def _of_unit(row: Row, unit: int, waiting: Waiting) -> Delivery:
    column = Column.UNIT if row.text(Column.UNIT) else Column.ADDRESS
    of_unit = waiting.by_unit.get(unit, [])
    if not of_unit:
        raise _Mismatch(column, _("no letter to this room was sent by EMS or post"))
    mine = [delivery for delivery in of_unit if waiting.names_fit(row, delivery)]
    if not mine:
        raise _Mismatch(Column.RECIPIENT, _("the letter to this room names another recipient"))
    return _only(mine, column)


def _of_name(row: Row, waiting: Waiting) -> Delivery:
    """Only letters to second addresses are found by their recipient alone: their address names no room."""
    names = _names(row)
    if not names:
        column = Column.ADDRESS if Column.ADDRESS in row.texts else Column.NUMBER
        raise _Mismatch(column, _("neither document number, room nor recipient says which letter it is"))
    found = {delivery.pk: delivery for name in names for delivery in waiting.by_name.get(name, [])}
    second = [delivery for delivery in found.values() if delivery.address_kind == Address.Kind.SECOND]
    if not found:
        raise _Mismatch(Column.RECIPIENT, _("no letter to this recipient was sent by EMS or post"))
    if not second:
        raise _Mismatch(Column.ADDRESS, _("the address names no room that the register knows"))
    return _only(second, Column.RECIPIENT)


def _only(found: Collection[Delivery], column: Column) -> Delivery:
    """The one of ``found`` that waits for a number; the numbered one where there is no other."""
    waiting = [delivery for delivery in found if not delivery.tracking_number]
    if len(waiting) > 1:
        numbers = "、".join(delivery.notice.number for delivery in waiting)
        raise _Mismatch(column, _("several letters fit: %(numbers)s") % {"numbers": numbers})
    return waiting[0] if waiting else max(found, key=lambda delivery: delivery.pk)


def _numbered(row: Row, known: Delivery, waiting: Waiting) -> tuple[Delivery, list[str]]:
    """A number that is entered already must stand on the letter that the row is about. Raises _Mismatch."""
    named = _by_document(row, waiting)
    other = named is not None and named.pk != known.pk
    if other or (named is None and not waiting.names_fit(row, known)):
        raise _Mismatch(Column.NUMBER, _("the number belongs to %(letter)s already") % {"letter": known.notice.number})
    return known, []


def _remarks(row: Row, delivery: Delivery, waiting: Waiting) -> list[str]:
    remarks = []
    if not waiting.names_fit(row, delivery):
        remarks.append(_("the letter names another recipient"))
    sent = row.days.get(Column.SENT_ON)
    if sent and sent != delivery.dispatched_on:
        remarks.append(
            _("handed in on %(sheet)s by the list, on %(ours)s by our record")
            % {"sheet": sent, "ours": delivery.dispatched_on}
        )
    if delivery.channel == Delivery.Channel.POST:
        remarks.append(_("went by post, not by EMS"))
    return remarks


def _names(row: Row) -> set[str]:
    return {name for name in BETWEEN_NAMES.split(row.text(Column.RECIPIENT)) if name}


def _bad(row: Row, column: Column, reason: str) -> Line:
    value = row.text(column)
    shown = mask_party(value) if column is Column.RECIPIENT else value
    return Line(row, problem=Problem(row.letters.get(column, ""), shown[:60], reason))
