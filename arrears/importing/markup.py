"""Tables of web pages and of the XML of Excel 2003, which charging systems name .xls.

Run by reader.py inside its process with limits, by path; like that file it knows nothing of the rest. Texts stay texts,
as in a CSV file. Nothing is loaded that a page names, and XML that defines a document type is refused.
"""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from xml.parsers import expat

WIDEST = 500
TALLEST = 200_000
MOST_FIGURES = 10
BLOCK = 1 << 16
CHARSET = re.compile(rb"""charset\s*=\s*["']?\s*([\w-]+)|encoding\s*=\s*["']([\w-]+)""", re.IGNORECASE)
SPREADSHEET = "urn:schemas-microsoft-com:office:spreadsheet"
UNSEEN = frozenset({"script", "style", "title", "noscript", "template"})

Table = tuple[str, list[list[Any]], list[tuple[int, int, int]]]
"""Name, rows, and of cells that are merged down the first and last row (from 1) and the column."""


class MarkupError(ValueError):
    """What is no table after all, or no well-formed XML."""


class Rows:
    """Rows under way. Cells below a merged one stay empty, those beside it too."""

    def __init__(self) -> None:
        self.rows: list[list[Any]] = []
        self.merged: list[tuple[int, int, int]] = []
        self._covered: dict[int, int] = {}

    def begin(self, number: int | None = None) -> None:
        """Begin the next row, or the one with this number."""
        while number is not None and len(self.rows) + 1 < min(number, TALLEST):
            self.rows.append([])
        self.rows.append([])

    def add(self, value: Any, *, across: int = 1, down: int = 1, column: int | None = None) -> None:
        """Add a cell that covers as many columns and rows."""
        if not self.rows:
            self.begin()
        row = self.rows[-1]
        while column is not None and len(row) < min(column, WIDEST):
            row.append("")
        while self._covered.get(len(row), 0) >= len(self.rows):
            row.append("")
        across, down = max(1, min(across, WIDEST)), max(1, min(down, TALLEST))
        if down > 1:
            self.merged.append((len(self.rows), len(self.rows) + down - 1, len(row)))
            self._covered |= dict.fromkeys(range(len(row), len(row) + across), len(self.rows) + down - 1)
        row += [value, *[""] * (across - 1)]


class Page(HTMLParser):
    """The tables of a web page, also those inside the cells of others."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[Rows] = []
        self._open: list[tuple[Rows, list[str] | None, dict[str, int]]] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open tables, rows and cells."""
        self._unseen += tag in UNSEEN
        if tag == "table":
            self.tables.append(Rows())
            self._open.append((self.tables[-1], None, {}))
        elif self._open and tag in ("tr", "td", "th"):
            self._end_cell()
            rows, _texts, _spans = self._open[-1]
            if tag == "tr":
                rows.begin()
            else:
                spans = {name: _number(value) or 1 for name, value in attrs if name.endswith("span")}
                self._open[-1] = (rows, [], spans)
        elif tag == "br":
            self.handle_data("\n")

    def handle_endtag(self, tag: str) -> None:
        """Close cells and tables."""
        if tag in UNSEEN:
            self._unseen = max(0, self._unseen - 1)
        if self._open and tag in ("td", "th", "tr", "table"):
            self._end_cell()
            if tag == "table":
                self._open.pop()

    def handle_data(self, data: str) -> None:
        """Take the text of a cell."""
        if self._open and not self._unseen and (texts := self._open[-1][1]) is not None:
            texts.append(data)

    def _end_cell(self) -> None:
        rows, texts, spans = self._open[-1]
        if texts is not None:
            lines = " ".join("".join(texts).split())
            rows.add(lines, across=spans.get("colspan", 1), down=spans.get("rowspan", 1))
            self._open[-1] = (rows, None, {})


class Sheets:
    """The visible sheets of a workbook in the XML of Excel 2003."""

    def __init__(self) -> None:
        self.tables: list[Table] = []
        self._rows, self._name, self._is_hidden = Rows(), "", False
        self._cell: dict[str, str] | None = None
        self._kind, self._texts, self._is_comment = "", list[str](), False
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.StartElementHandler, self._parser.EndElementHandler = self._start, self._end
        self._parser.CharacterDataHandler = self._texts_of
        self._parser.StartDoctypeDeclHandler = self._refuse
        self._parser.buffer_text = True

    def read(self, content: bytes) -> list[Table]:
        """All sheets. Raises MarkupError."""
        try:
            self._parser.Parse(content, True)
        except (expat.ExpatError, LookupError, OverflowError) as error:
            raise MarkupError from error
        return self.tables

    @staticmethod
    def _refuse(*_declaration: object) -> None:
        raise MarkupError

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        said = {key.rpartition(" ")[2]: value for key, value in attributes.items()}
        tag = name.rpartition(" ")[2]
        if tag == "Worksheet":
            self._rows, self._name, self._is_hidden = Rows(), said.get("Name", ""), False
        elif tag == "Row":
            self._rows.begin(_number(said.get("Index")))
        elif tag == "Cell":
            self._cell, self._kind, self._texts = said, "", []
        elif tag == "Comment":
            self._is_comment = True
        elif tag == "Data" and not self._is_comment:
            self._kind, self._texts = said.get("Type", "String"), []
        elif tag == "Visible":
            self._kind, self._texts = "Visible", []

    def _texts_of(self, data: str) -> None:
        if self._kind and not self._is_comment:
            self._texts.append(data)

    def _end(self, name: str) -> None:
        tag = name.rpartition(" ")[2]
        if tag == "Cell" and self._cell is not None:
            at, across, down = (_number(self._cell.get(key)) for key in ("Index", "MergeAcross", "MergeDown"))
            self._rows.add(self._value(), across=(across or 0) + 1, down=(down or 0) + 1, column=at and at - 1)
            self._cell, self._texts = None, []
        elif tag == "Comment":
            self._is_comment = False
        elif tag == "Visible":
            self._is_hidden, self._kind = "Hidden" in "".join(self._texts), ""
        elif tag == "Worksheet" and not self._is_hidden:
            self.tables.append((self._name, self._rows.rows, self._rows.merged))

    def _value(self) -> Any:
        text = "".join(self._texts)
        if not self._kind.startswith("Number"):
            return text
        try:
            return float(text)
        except ValueError:
            return text


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() and len(text) < MOST_FIGURES else None


def tables_of(content: bytes) -> Iterator[Table]:
    """The tables of a web page or of the XML of Excel 2003. Raises MarkupError for anything else."""
    if SPREADSHEET.encode() in content[: 2 * BLOCK]:
        yield from Sheets().read(content)
        return
    page, text = Page(), _decoded(content)
    for begin in range(0, len(text), BLOCK):
        page.feed(text[begin : begin + BLOCK])
    page.close()
    if not page.tables:
        raise MarkupError
    for number, table in enumerate(page.tables, start=1):
        yield ("" if len(page.tables) == 1 else str(number)), table.rows, table.merged


def _decoded(content: bytes) -> str:
    said = CHARSET.search(content[:BLOCK])
    name = (said[1] or said[2]).decode().lower() if said else ""
    names = ("gb18030",) if name.startswith("gb") else ("utf-8-sig", "gb18030")
    for encoding in names:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise MarkupError
