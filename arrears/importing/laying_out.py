"""The layout of a workbook: recognised, counted, confirmed by a person, remembered for the next one of its kind."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime

from arrears.importing.cells import latest_day
from arrears.importing.fields import ARREARS, REPEATED, VOCABULARIES, Field
from arrears.importing.layout import Column, Layout, SheetLayout
from arrears.importing.reading import Refusal, Sheet
from arrears.importing.recognising import recognise
from arrears.importing.register import Register
from arrears.importing.rows import RowKind, RowKinds, Table
from arrears.models import ColumnMapping, Import
from company.models import Project, User


def recognised(
    sheets: Iterable[Sheet], *, register: Register, today: date
) -> Iterator[tuple[Sheet, SheetLayout | None]]:
    """Each sheet, still to be walked, with its layout; None where it has no header."""
    for sheet in sheets:
        head, whole = sheet.with_head()
        yield whole, recognise(head, sheet, register=register, latest=latest_day(today))


def ready_to_check(
    sheets: Iterable[Sheet], *, register: Register, today: date, left_out: list[str]
) -> Iterator[tuple[Sheet, SheetLayout]]:
    """Each sheet that has all that is needed, with its layout as recognised, for an import that nobody watches.

    One that lacks something, such as a summary of the others, is left out and named in ``left_out``. Raises Refusal
    when no sheet is whole, or an amount is of an unknown fee.
    """
    count, lacking = 0, list[Refusal]()
    for sheet, layout in recognised(sheets, register=register, today=today):
        if layout is None or register.vocabulary.missing(layout.fields):
            left_out.append(sheet.name)
            lacking += [_lacks(layout, register)] if layout else []
            continue
        _require_known_fees(layout)
        require_fields(layout, register.kind)
        count += 1
        yield sheet, layout
    if not count:
        raise lacking[0] if lacking else Refusal("no_header")


def _lacks(layout: SheetLayout, register: Register) -> Refusal:
    """Why a sheet cannot be imported alone: an unknown fee where it has one, else the columns that are missing."""
    try:
        _require_known_fees(layout)
        require_fields(layout, register.kind)
    except Refusal as refusal:
        return refusal
    return Refusal("no_header")


def remember(project: Project, kind: str, sheet: SheetLayout, *, by: User | None, now: datetime) -> None:
    """Keep the columns of a sheet for the next one with this header."""
    ColumnMapping.objects.update_or_create(
        project=project,
        kind=kind,
        fingerprint=sheet.fingerprint,
        defaults={
            "columns": {str(column.index): column.choice for column in sheet.columns},
            "confirmed_at": now,
            "confirmed_by": by,
        },
    )


def require_fields(sheet: SheetLayout, kind: str) -> None:
    """Raises Refusal when a sheet lacks a column that a list of this kind cannot do without, or has one twice."""
    choices = [column.choice for column in sheet.columns if column.field]
    twice = {column.field for column in sheet.columns if choices.count(column.choice) > 1 and _is_single(column, kind)}
    if twice:
        raise Refusal("column_twice", sheet=sheet.name, fields=sorted(twice))
    missing = VOCABULARIES[kind].missing(sheet.fields)
    if missing:
        names = dict.fromkeys(alternatives[0].value for alternatives in missing)
        raise Refusal("columns_missing", sheet=sheet.name, fields=list(names))
    if kind == "arrears_list" and not sheet.column_of(Field.FEE) and Field.FEE not in sheet.given:
        for column in sheet.columns:
            if column.field in ARREARS and not column.fee_id:
                raise Refusal("no_fee_of_column", column=column.letter, header=column.header)


def _is_single(column: Column, kind: str) -> bool:
    """Whether no other column may hold the same: printed late fees and sums of a list may stand in several."""
    return kind != "arrears_list" or column.field not in REPEATED or column.field in ARREARS


def _require_known_fees(sheet: SheetLayout) -> None:
    """Raises Refusal for an amount of an unknown fee, which nobody is there to name."""
    for column in sheet.columns:
        if column.evidence == "unknown_fee_column":
            params = {"column": column.letter, "header": column.header, "fee": column.params["fee"]}
            raise Refusal("unknown_fee_of_column", **params)


def lay_out(sheets: Iterable[Sheet], *, register: Register, today: date) -> Layout:
    """The layout of a whole workbook with its rows counted. Raises Refusal when no sheet has a header.

    Where a sheet has all that is needed, one that lacks something, such as a summary, is proposed to be left out.
    """
    layout = Layout([])
    for sheet, found in recognised(sheets, register=register, today=today):
        if found is None:
            layout.left_out.append(sheet.name)
        else:
            _count_rows(sheet, found, lists_owners=register.kind == Import.Kind.OWNERS)
            layout.sheets.append(found)
    if not layout.sheets:
        raise Refusal("no_header")
    whole = [laid for laid in layout.sheets if not register.vocabulary.missing(laid.fields)]
    for laid in layout.sheets:
        laid.is_used = not whole or laid in whole
    return layout


def _count_rows(sheet: Sheet, layout: SheetLayout, *, lists_owners: bool) -> None:
    """Count the sheet's rows by kind, so that a person sees what was taken for data."""
    kinds, last = RowKinds(layout, lists_owners=lists_owners), layout.header_rows[1]
    for chunk in sheet.chunks():
        table = Table(chunk.rows, layout)
        for number, kind in zip(chunk.numbers, kinds.of(table), strict=True):
            if number <= layout.header_rows[1]:
                continue
            layout.blank_rows += number - last - 1
            last = number
            if kind is RowKind.DATA:
                layout.rows += 1
                layout.first_row, layout.last_row = layout.first_row or number, number
            elif kind in (RowKind.TOTAL, RowKind.SUBTOTAL):
                layout.total_rows.append(number)
            else:
                layout.other_rows += 1
