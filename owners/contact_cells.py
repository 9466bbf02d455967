"""Cells of sheets that hold names, numbers and contacts as people write them, several in one cell."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from owners.contact_points import COUNTRY_CODE, NOT_DIGITS
from owners.id_numbers import is_id_number, normalise_id_number
from owners.models import Unit
from owners.parties import CHINESE_NAME, LONGEST_PERSON, split_names

NOTHING = frozenset({"", "/", "-", "—", "——", "–", "\\", "无", "没有", "暂无", "未知", "不详"})
BETWEEN = re.compile(r"\s*[;、,，/／|&\n\r\t]+\s*|(?<=\d)\s+(?![转分])(?=[\u3400-\u9fff]{2,}[:\s]*[+\d])")
SPACE = re.compile(r"\s+")
NUMBER = re.compile(r"[+(]?\d(?:.*\d)?\)?")
EXTENSION = re.compile(r"(.*\d)\s*(?:转|分机|ext\.?|#|\*)\s*[:：]?\s*(\d{1,6})", re.IGNORECASE)
SECOND_HYPHEN = re.compile(r"(\(?0\d{2,3}\)?[-\s]*\d{7,8})-(\d{1,6})")
POWER_OF_TEN = re.compile(r"1\.\d+E\+?10", re.IGNORECASE)
PHONE = re.compile(
    r"1[3-9]\d{9}|0(?:10|2\d|[3-9]\d{2})[1-9]\d{6,7}|[2-9]\d{6,7}|[48]00\d{7}"  # mobile, landline, local, service
)
ABROAD = re.compile(r"(?:\+|00)(?!86)\d{7,15}")
CHINA_LANDLINE = re.compile(r"(?:\+|00)86(?=(?!1[3-9]\d{9}$)[1-9]\d{8,10}$)")
IN_BRACKETS = re.compile(r"\(([^()]*)\)")
NOTE = re.compile(r"^(.+?)\s*\(([^()]*)\)$")
OUTER, BRACKETS = " :=-—", "()"
"""Signs around a name that are no part of it."""
UNNAMED_CONTACT = "紧急联系人"
YES = frozenset({"是", "空置", "未入住", "空", "空房", "空置房", "y", "yes", "true", "1", "√"})
NO = frozenset({"否", "已入住", "入住", "自住", "出租", "出租中", "非空置", "在住", "n", "no", "false", "0", "×"})
USAGES: tuple[tuple[Unit.Usage, re.Pattern[str]], ...] = (
    (Unit.Usage.RESIDENTIAL, re.compile(r"住|宅|公寓|别墅|商品房|洋房|高层|residential", re.IGNORECASE)),
    (Unit.Usage.PARKING, re.compile(r"车|parking", re.IGNORECASE)),
    (Unit.Usage.COMMERCIAL, re.compile(r"商|铺|店|门面|写字楼|办公|commercial", re.IGNORECASE)),
    (Unit.Usage.OTHER, re.compile(r"储|仓|其他|其它|配套|会所|幼儿园|公共|公建|other", re.IGNORECASE)),
)


class UnreadableContactError(ValueError):
    """A part of the cell that is neither a name nor a number. ``part`` is what stands there."""

    def __init__(self, part: str) -> None:
        super().__init__(part)
        self.part = part


class WrittenName(NamedTuple):
    """An owner as a sheet names them, with what is remarked of them in brackets."""

    name: str
    note: str


class WrittenNumber(NamedTuple):
    """A phone or ID number with the name that stands before it; ``label`` is what stands in brackets or behind it."""

    of: str
    number: str
    label: str = ""


class WrittenContact(NamedTuple):
    """An emergency contact or occupant: ``黄娜（朋友）13847173733``."""

    name: str
    relation: str
    number: str


def plain(text: str) -> str:
    """Half-width and without outer white space; empty for the signs that mean nothing."""
    text = unicodedata.normalize("NFKC", text).strip()
    return "" if text in NOTHING else text


def read_names(cell: str) -> list[WrittenName]:
    """``林秀国 欧阳浩赟``, ``孙赟、赵翀``, ``张三（已故）``: who is named, each once, in order."""
    names: dict[str, WrittenName] = {}
    for text in split_names(cell):
        if not plain(text):
            continue
        noted = NOTE.match(unicodedata.normalize("NFKC", text))
        is_person = noted and len(noted[1]) <= LONGEST_PERSON and CHINESE_NAME.fullmatch(noted[1])
        written = WrittenName(noted[1], noted[2]) if noted and is_person else WrittenName(text, "")
        names.setdefault(written.name, written)
    return list(names.values())


def read_phones(cell: str) -> list[WrittenNumber]:
    """``孙赟：15056735389；020-84702777转801``: every number once, a name counts until the next one.

    Raises UnreadableContactError for a part that is no phone number.
    """
    found: dict[tuple[str, str], WrittenNumber] = {}
    of = ""
    for part in _parts(cell):
        for written in _phones_of(part):
            of = written.of or of
            found.setdefault((of, written.number), written._replace(of=of))
    return list(found.values())


def _phones_of(part: str) -> Iterator[WrittenNumber]:
    head, colon, tail = part.partition(":")
    head, tail = (head, tail) if colon and NUMBER.search(tail) else ("", part)
    match = NUMBER.search(tail)
    if match is None:
        raise UnreadableContactError(part)
    of, label = _name_and_label(head or _words(tail[: match.start()]))
    behind, inside = _name_and_label(_words(tail[match.end() :]))
    label = label or inside or behind
    number = _one_phone(match[0])
    if number:
        yield WrittenNumber(of, number[0], " ".join(filter(None, (label, number[1]))))
        return
    pieces = SPACE.split(match[0])
    for piece in pieces:
        number = _one_phone(piece) if len(pieces) > 1 else None
        if number is None:
            raise UnreadableContactError(part)
        yield WrittenNumber(of, number[0], " ".join(filter(None, (label, number[1]))))


def written_phone(digits: str) -> str:
    """A stored number as ``read_phones`` reads it again: with a plus where it is none of this country."""
    return digits if PHONE.fullmatch(digits) else f"+{digits}"


def _one_phone(text: str) -> tuple[str, str] | None:
    """The digits and ``转801`` for an extension; None where it is no phone number."""
    if POWER_OF_TEN.fullmatch(text):
        return _whole(text)
    extended = EXTENSION.fullmatch(text) or SECOND_HYPHEN.fullmatch(text)
    bare, extension = (extended[1], f"转{extended[2]}") if extended else (text, "")
    if re.search(r"[^\d\s()+\-–—.]", bare):
        return None
    bare = re.sub(r"[^\d+]", "", bare)
    if ABROAD.fullmatch(bare):
        return NOT_DIGITS.sub("", bare), extension
    digits = COUNTRY_CODE.sub("", NOT_DIGITS.sub("", CHINA_LANDLINE.sub("0", bare)))
    return (digits, extension) if PHONE.fullmatch(digits) else None


def _whole(text: str) -> tuple[str, str] | None:
    """``1.3812345678E+10`` still holds every digit, ``1.39E+10`` does not."""
    try:
        number = Decimal(text.upper())
    except InvalidOperation:
        return None
    _sign, digits, exponent = number.as_tuple()
    if exponent not in (0, 1) or len(digits) < 10:
        return None
    return (str(int(number)), "") if PHONE.fullmatch(str(int(number))) else None


def _name_and_label(text: str) -> tuple[str, str]:
    """``孙赟``, ``孙赟(单位)`` and ``手机`` before a number: whose it is, and what it is called."""
    inside = IN_BRACKETS.search(text)
    name = IN_BRACKETS.sub("", text).strip(OUTER)
    return name, (inside[1].strip() if inside else "")


def _words(text: str) -> str:
    return text.strip(OUTER if IN_BRACKETS.search(text) else OUTER + BRACKETS)


def read_id_numbers(cell: str) -> list[WrittenNumber]:
    """``440102…``, ``张三：440102…；李四：440103…``, with gaps inside a number. Raises UnreadableContactError."""
    text = plain(cell)
    if not text:
        return []
    found: dict[str, WrittenNumber] = {}
    for part in _parts(text):
        name, number = _split_label(part)
        whole = normalise_id_number(number)
        pieces = [whole] if is_id_number(whole) else [normalise_id_number(piece) for piece in SPACE.split(number)]
        for piece in pieces:
            if not is_id_number(piece):
                raise UnreadableContactError(part)
            found.setdefault(piece, WrittenNumber(name if len(pieces) == 1 else "", piece))
    return list(found.values())


def _split_label(part: str) -> tuple[str, str]:
    name, colon, number = part.replace("：", ":").rpartition(":")
    if colon:
        return name.strip(), number
    match = re.match(r"([^\x00-\x7f]+)\s*(.+)$", part)
    return (match[1], match[2]) if match else ("", part)


def read_emails(cell: str) -> list[str]:
    """``a@example.com；b@example.com``, each once. Raises UnreadableContactError for what is no address."""
    found: dict[str, str] = {}
    for part in _parts(cell):
        for address in SPACE.split(part):
            try:
                validate_email(address)
            except ValidationError as error:
                raise UnreadableContactError(address) from error
            found.setdefault(address.lower(), address)
    return list(found.values())


def read_contacts(cell: str) -> list[WrittenContact]:
    """``黄娜（朋友）13847173733；王敏 母亲 13912345678``. Raises UnreadableContactError for an impossible number."""
    contacts = []
    for part in _parts(cell):
        match = NUMBER.search(part)
        number = _one_phone(match[0]) if match else ("", "")
        if number is None:
            raise UnreadableContactError(part)
        words = _words(part[: match.start()] if match else part) or (_words(part[match.end() :]) if match else "")
        inside = IN_BRACKETS.search(words)
        name, _gap, rest = IN_BRACKETS.sub(" ", words).strip(OUTER).partition(" ")
        relation = inside[1] if inside else rest
        contacts.append(WrittenContact(name or UNNAMED_CONTACT, relation.strip(OUTER), number[0]))
    return contacts


def read_vacancy(cell: str) -> bool | None:
    """Whether the unit stands empty; None for an empty cell. Raises UnreadableContactError."""
    text = plain(cell).casefold()
    if not text:
        return None
    if text in YES or text in NO:
        return text in YES
    raise UnreadableContactError(text)


def read_usage(cell: str) -> Unit.Usage | None:
    """What a word such as 住宅 or 商铺 means; None where it is none of ours."""
    text = plain(cell)
    return next((usage for usage, words in USAGES if text and words.search(text)), None)


def _parts(cell: str) -> Iterable[str]:
    text = unicodedata.normalize("NFKC", cell).strip()
    return [] if text in NOTHING else [part for part in BETWEEN.split(text) if part not in NOTHING]
