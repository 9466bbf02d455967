"""Rows of a list of waybills, whatever the post or a counter clerk calls its columns."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from itertools import chain
from pathlib import Path

from arrears.importing.cells import SPACE, Fault, first_day, latest_day, shown
from arrears.importing.layout import letter_of
from arrears.importing.reading import Cell, Chunk, Refusal, Sheet, opened
from notices.tracking_numbers import TrackingNumberError, looks_like_a_number, parse_tracking_number

SEARCHED_ROWS = 40
FEWEST_WORDS = 2
LEAST_SHARE = 0.6
IN_BRACKETS = re.compile(r"\([^)]*\)|\[[^\]]*\]|【[^】]*】")
NOT_IN_WORD = re.compile(r"[\s*:：_/\\.-]+")
TOTAL = re.compile(r"合计|总计|小计|共计|总数|共\d+件")
NO_NUMBERS = "no_tracking_numbers"


class Column(StrEnum):
    NUMBER = "number"
    RECIPIENT = "recipient"
    UNIT = "unit"
    ADDRESS = "address"
    DOCUMENT = "document"
    CONTENTS = "contents"
    SENT_ON = "sent_on"
    STATE = "state"
    SIGNED_ON = "signed_on"
    SIGNED_BY = "signed_by"
    RETURNED_ON = "returned_on"


WORDS: dict[Column, str] = {
    Column.NUMBER: (
        "运单号 运单号码 运单编号 邮件号 邮件号码 邮件编号 邮件条码 快递单号 快递号 快递编号 快件号 快件单号 "
        "物流单号 物流编号 单号 面单号 ems单号 ems号 ems运单号 ems邮件号 ems快递单号 邮政单号 挂号 挂号号码 "
        "挂号信号码 详情单号 回执号 mailno waybill trackingnumber"
    ),
    Column.RECIPIENT: (
        "收件人 收件人姓名 收件人名称 收件方 收件姓名 收件客户 收方 收方姓名 收方客户 姓名 业主 业主姓名 "
        "业主名称 户主 客户 客户名称 客户姓名 收信人 收货人 recipient name"
    ),
    Column.UNIT: (
        "房号 房间号 房间 房屋 房屋编号 房产 室号 户号 单元房号 物业地址 房屋地址 房屋坐落 铺位 铺号 unit room"
    ),
    Column.ADDRESS: (
        "收件地址 收件人地址 地址 收方地址 收件方地址 详细地址 收件详细地址 收件人详细地址 通讯地址 通信地址 "
        "邮寄地址 寄送地址 寄达地址 寄往 投递地址 送达地址 address"
    ),
    Column.DOCUMENT: (
        "函号 文号 函件号 函件编号 文书号 文书编号 催缴函号 催缴函编号 律师函号 律师函编号 通知单号 通知书编号 公函编号"
    ),
    Column.CONTENTS: (
        "内件品名 内件 内件名称 内件信息 品名 物品 物品名称 物品信息 托寄物 托寄内容 寄递物品 寄件内容 "
        "文件名称 备注 说明"
    ),
    Column.SENT_ON: (
        "寄件日期 寄件时间 收寄日期 收寄时间 交寄日期 交寄时间 寄出日期 寄出时间 寄发日期 邮寄日期 邮寄时间 "
        "发件日期 发件时间 揽收日期 揽收时间 揽件时间 下单时间"
    ),
    Column.STATE: (
        "状态 邮件状态 物流状态 快件状态 投递状态 妥投状态 签收状态 当前状态 最新状态 投递结果 处理结果 "
        "最新轨迹 物流信息 最新动态"
    ),
    Column.SIGNED_ON: "签收日期 签收时间 妥投日期 妥投时间 投递日期 投递时间 送达日期 送达时间 收件日期",
    Column.SIGNED_BY: "签收人 签收方式 签收情况 签收类型 代收人 签收人关系 签收",
    Column.RETURNED_ON: "退回日期 退回时间 退件日期 退件时间 退信日期",
}
COLUMN_OF_WORD = {word: column for column, words in WORDS.items() for word in words.split()}
SENDER, RECEIVER = re.compile(r"(?:寄|发)件?(?:人|方|信息)"), re.compile(r"收件?(?:人|方|信息)")
LIKE_NUMBER = re.compile(r"(?:运单|邮件|快递|快件|物流|ems).{0,4}(?:号|编码)|tracking")
LIKE_RECIPIENT = re.compile(r"收(?:件|方|信|货).{0,3}(?:人|姓名|名称)$")
LIKE_ADDRESS = re.compile(r"(?:收|寄达|投递).{0,5}地址")


@dataclass(frozen=True, slots=True)
class Row:
    """One item of the list, as text; ``number_fault`` says why its number will not do."""

    sheet: str
    row: int
    letters: Mapping[Column, str]
    texts: Mapping[Column, str]
    number: str
    number_fault: str = ""
    days: Mapping[Column, date] = field(default_factory=dict)
    unreadable_days: frozenset[Column] = frozenset()

    def text(self, column: Column) -> str:
        return self.texts.get(column, "")


@dataclass(slots=True)
class WaybillList:
    """What was read: the items, and how many rows were totals or repeated headers."""

    rows: list[Row] = field(default_factory=list)
    skipped: int = 0
    sheets_without_numbers: list[str] = field(default_factory=list)


def read_waybills(path: Path, *, today: date) -> WaybillList:
    """The items of all sheets. Raises Refusal, also where no sheet has a column of tracking numbers."""
    found = WaybillList()
    with opened(path) as sheets:
        for sheet in sheets:
            _read_sheet(sheet, found, today=today)
    if not found.rows:
        raise Refusal(NO_NUMBERS)
    return found


def word_key(cell: Cell) -> str:
    """The form in which headers are compared: ``运 单 号（必填）`` → ``运单号``."""
    plain = unicodedata.normalize("NFKC", cell if isinstance(cell, str) else shown(cell)).casefold()
    return NOT_IN_WORD.sub("", IN_BRACKETS.sub("", plain))


def _read_sheet(sheet: Sheet, found: WaybillList, *, today: date) -> None:
    chunks = sheet.chunks()
    head = next(chunks, None)
    columns, header = _columns(head) if head else ({}, -1)
    if Column.NUMBER not in columns or head is None:
        found.sheets_without_numbers.append(sheet.name)
        return
    letters = {column: letter_of(sheet.first_column + index) for column, index in columns.items()}
    first = Chunk(head.numbers[header + 1 :], head.rows[header + 1 :])
    for number, cells in _numbered(chain([first], chunks)):
        row = _row(cells, columns, letters, place=(sheet.name, number), today=today)
        if row is None:
            found.skipped += 1
        else:
            found.rows.append(row)


def _numbered(chunks: Iterable[Chunk]) -> Iterator[tuple[int, list[Cell]]]:
    for chunk in chunks:
        yield from zip(chunk.numbers, chunk.rows, strict=True)


def _columns(head: Chunk) -> tuple[dict[Column, int], int]:
    """Which column holds what, and in which of the rows that were looked at the header ends."""
    rows = head.rows[:SEARCHED_ROWS]
    named = [_named(_joined(rows, index)) for index in range(len(rows))]
    best = max(range(len(rows)), key=lambda index: (len(named[index]), -index))
    columns = named[best]
    if len(columns) < FEWEST_WORDS:
        return {}, -1
    if Column.NUMBER not in columns:
        body = head.rows[best + 1 :]
        taken = set(columns.values())
        if (index := _column_of_numbers(body, taken)) is not None:
            columns[Column.NUMBER] = index
    return columns, best


def _joined(rows: Sequence[Sequence[Cell]], index: int) -> list[Cell]:
    """A row of headers; where it is empty, what stands above it in the rows of a merged head."""
    above = rows[index - 1] if index else []
    joined = [
        cell if cell != "" else (above[place] if place < len(above) else "") for place, cell in enumerate(rows[index])
    ]
    senders = _of_the_sender(above, len(joined))
    return ["" if place in senders else cell for place, cell in enumerate(joined)]


def _of_the_sender(above: Sequence[Cell], width: int) -> set[int]:
    """Columns under a head “sender”, where it stands beside another “recipient”: both have a name and an address."""
    keys = [word_key(cell) for cell in above]
    if not (any(SENDER.match(key) for key in keys) and any(RECEIVER.match(key) for key in keys)):
        return set()
    found, within = set(), False
    for place in range(width):
        key = keys[place] if place < len(keys) else ""
        within = bool(SENDER.match(key)) if key else within
        if within:
            found.add(place)
    return found


def _named(cells: Sequence[Cell]) -> dict[Column, int]:
    keys = [word_key(cell) if isinstance(cell, str) else "" for cell in cells]
    columns: dict[Column, int] = {}
    for index, key in enumerate(keys):
        if key in COLUMN_OF_WORD:
            columns.setdefault(COLUMN_OF_WORD[key], index)
    likely = ((Column.NUMBER, LIKE_NUMBER), (Column.RECIPIENT, LIKE_RECIPIENT), (Column.ADDRESS, LIKE_ADDRESS))
    for column, pattern in likely:
        for index, key in enumerate(keys):
            if key not in COLUMN_OF_WORD and len(key) <= 16 and pattern.search(key):
                columns.setdefault(column, index)
    return columns


def _column_of_numbers(rows: Sequence[Sequence[Cell]], taken: set[int]) -> int | None:
    """The column most of whose cells are numbers of waybills, where no header says so."""
    filled: Counter[int] = Counter()
    fitting: Counter[int] = Counter()
    for row in rows:
        for index, cell in enumerate(row):
            if index not in taken and cell != "" and not isinstance(cell, date):
                filled[index] += 1
                fitting[index] += _is_number(shown(cell))
    likely = [index for index, number in fitting.items() if number and number >= LEAST_SHARE * filled[index]]
    return max(likely, key=lambda index: fitting[index], default=None)


def _is_number(text: str) -> bool:
    try:
        parse_tracking_number(text)
    except TrackingNumberError:
        return False
    return True


def _row(
    cells: Sequence[Cell],
    columns: Mapping[Column, int],
    letters: Mapping[Column, str],
    *,
    place: tuple[str, int],
    today: date,
) -> Row | None:
    """None for a total, or where the header is printed again."""
    raw = {column: cells[index] if index < len(cells) else "" for column, index in columns.items()}
    texts = {column: shown(cell).strip(SPACE) for column, cell in raw.items()}
    number = texts[Column.NUMBER]
    written = [shown(cell).strip(SPACE) for cell in cells if cell != ""]
    if word_key(number) in COLUMN_OF_WORD or (not looks_like_a_number(number) and any(map(TOTAL.search, written))):
        return None
    days, unreadable = _days(raw, today=today)
    fault = ""
    try:
        parsed = parse_tracking_number(number) if number else ""
    except TrackingNumberError as error:
        parsed, fault = "", str(error)
    return Row(*place, letters, texts, parsed, fault, days, unreadable)


def _days(raw: Mapping[Column, Cell], *, today: date) -> tuple[dict[Column, date], frozenset[Column]]:
    days, unreadable = {}, set()
    for column in (Column.SENT_ON, Column.SIGNED_ON, Column.RETURNED_ON):
        day = first_day(raw.get(column, ""), latest=latest_day(today))
        if isinstance(day, Fault):
            unreadable.add(column)
        elif day is not None:
            days[column] = day
    return days, frozenset(unreadable)
