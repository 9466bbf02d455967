"""How a workbook is laid out: its sheets, their header rows, and what each column holds. Kept as JSON on the Import."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from dataclasses import field as stored
from typing import Any

from arrears.importing.fields import Field

SURE = 80
"""Percent of confidence from which nobody is asked to confirm a column."""


@dataclass(slots=True)
class Column:
    """One column as recognised. ``index`` counts from the sheet's first column, ``letter`` is what Excel shows.

    ``evidence`` codes are put into words by arrears.importing.messages. ``fee_id``: the fee whose arrears it holds.
    ``period``: the service period that its header names, as ``2023-01-01/2023-12-31``; without a start ``/2023-12-31``.
    """

    index: int
    letter: str
    header: str
    samples: list[str]
    field: str = ""
    confidence: int = 0
    evidence: str = "nothing_fits"
    params: dict[str, Any] = stored(default_factory=dict)
    fee_id: int | None = None
    period: str = ""

    @property
    def is_doubtful(self) -> bool:
        return 0 < self.confidence < SURE

    @property
    def choice(self) -> str:
        """What is chosen of it, as forms and memory write it: ``due``, ``earlier:7`` for a fee, with ``@`` a period."""
        named = f"{self.field}:{self.fee_id}" if self.fee_id else self.field
        return f"{named}@{self.period}" if self.period else named

    def hold(self, choice: str) -> None:
        """Take a ``choice`` for what the column holds."""
        choice, _at, self.period = choice.partition("@")
        self.field, _colon, fee_id = choice.partition(":")
        self.fee_id = int(fee_id) if fee_id else None


@dataclass(slots=True)
class SheetLayout:
    """One sheet. ``header_rows`` are the sheet's own numbers of the first and last header row.

    ``is_used``: whether it is imported; a person can leave a sheet out, such as a summary of the others. ``as_of``: the
    day of which its title speaks, as text. ``given``: by field what its name or title says of all its rows.
    """

    name: str
    header_rows: tuple[int, int]
    fingerprint: str
    columns: list[Column]
    rows: int = 0
    first_row: int = 0
    last_row: int = 0
    total_rows: list[int] = stored(default_factory=list)
    other_rows: int = 0
    blank_rows: int = 0
    is_used: bool = True
    as_of: str = ""
    given: dict[str, str] = stored(default_factory=dict)

    @property
    def fields(self) -> set[str]:
        """All that is known of its rows: by a column, or by its name or title."""
        by_fee = {Field.FEE.value} if any(column.fee_id for column in self.columns) else set()
        return {column.field for column in self.columns if column.field} | set(self.given) | by_fee

    def index_of(self) -> dict[str, int]:
        """By field the column that holds it."""
        return {column.field: column.index for column in self.columns if column.field}

    def column_of(self, name: Field) -> Column | None:
        return next((column for column in self.columns if column.field == name), None)

    def assign(self, chosen: Mapping[int, str]) -> None:
        """Take a person's choice of fields by column index for what was guessed."""
        for column in self.columns:
            wanted = chosen.get(column.index, column.choice)
            if wanted != column.choice:
                column.confidence, column.evidence, column.params = (100 if wanted else 0), "chosen", {}
            column.hold(wanted)


@dataclass(slots=True)
class Layout:
    """The sheets to be imported, and the names of those in which no header was found."""

    sheets: list[SheetLayout]
    left_out: list[str] = stored(default_factory=list)

    @property
    def used(self) -> list[SheetLayout]:
        return [sheet for sheet in self.sheets if sheet.is_used]

    @property
    def as_of(self) -> str:
        """The day of which the title of one of its sheets speaks, as text; empty where none does."""
        return next((sheet.as_of for sheet in self.sheets if sheet.as_of), "")

    @property
    def rows(self) -> int:
        return sum(sheet.rows for sheet in self.used)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "Layout":
        sheets = [
            SheetLayout(
                **{
                    **sheet,
                    "header_rows": tuple(sheet["header_rows"]),
                    "columns": [Column(**column) for column in sheet["columns"]],
                }
            )
            for sheet in kept.get("sheets", [])
        ]
        return cls(sheets, list(kept.get("left_out", [])))


def letter_of(column: int) -> str:
    """Excel's name of a column counted from 0: 0 → A, 27 → AB."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
