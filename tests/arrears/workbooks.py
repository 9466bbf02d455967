"""Workbooks for the tests of the import: small ones made here, the samples, and the steps in one call."""

import datetime as dt
import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import xlsxwriter
from django.core.files.base import ContentFile

from arrears.catalogue import start_catalogue
from arrears.importing.layout import Layout
from arrears.importing.steps import approve, check_import, confirm_columns, post_import, read_import, start_import
from arrears.models import Import
from company.models import Project, User
from tests.factories import NOW, TODAY, create_project, create_user

DATA = Path(__file__).parents[1] / "data"
LONG, BAD, WIDE, OLD_EXCEL = "欠费明细_长表.xlsx", "坏数据.xlsx", "欠费清单_宽表.xls", "应收.xls"
PAYMENTS, WIDE_XLSX, OWNERS = "收款流水.csv", "欠费清单_宽表.xlsx", "业主资料.xlsx"
HEADER = ["楼栋", "单元", "房号", "业主姓名", "收费项目", "计费开始", "计费结束", "应收金额", "已收金额", "欠费金额"]
Row = list[Any]


def row(room: str = "101", due: Any = 100, received: Any = 0, **cells: Any) -> Row:
    """A sound row under HEADER; ``cells`` by header replace what stands in it."""
    owed = cells.pop("欠费金额", round(due - received, 2) if isinstance(due, int | float) else due)
    values = [
        "1栋",
        "1单元",
        room,
        "林秀国",
        "物业服务费",
        dt.date(2025, 3, 1),
        dt.date(2025, 3, 31),
        due,
        received,
        owed,
    ]
    return [cells.pop(header, value) for header, value in zip(HEADER, values, strict=True)]


def xlsx(*rows: Row, header: Row | None = HEADER, above: Sequence[Row] = (), **sheets: Sequence[Row]) -> bytes:
    """A workbook of one sheet 应收 with ``rows`` below the header, and further ``sheets`` as they are."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content) as book:
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        for name, lines in {"应收": [*above, *([header] if header else []), *rows], **sheets}.items():
            sheet = book.add_worksheet(name)
            for number, line in enumerate(lines):
                for column, cell in enumerate(line):
                    sheet.write(number, column, cell, day if isinstance(cell, dt.date) else None)
    return content.getvalue()


def csv_text(*rows: Row, separator: str = ",") -> str:
    return "\r\n".join(separator.join(str(cell) for cell in line) for line in (HEADER, *rows)) + "\r\n"


def ods(*rows: Row, name: str = "应收", header: Row = HEADER) -> bytes:
    """The smallest OpenDocument sheet that holds the header and ``rows``, all as text."""
    cell = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    lines = "".join(
        f"<table:table-row>{''.join(cell.format(value) for value in line)}</table:table-row>"
        for line in (header, *rows)
    )
    names = " ".join(
        f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{long}:1.0"'
        for short, long in (("office", "office"), ("table", "table"), ("text", "text"))
    )
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {names} office:version="1.2"><office:body>'
        f'<office:spreadsheet><table:table table:name="{name}">{lines}</table:table></office:spreadsheet></office:body>'
        "</office:document-content>"
    )
    mimetype = "application/vnd.oasis.opendocument.spreadsheet"
    manifest = (
        '<?xml version="1.0"?><manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
        f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{mimetype}"/></manifest:manifest>'
    )
    return archive({"mimetype": mimetype, "META-INF/manifest.xml": manifest, "content.xml": content})


def archive(entries: dict[str, str | bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in entries.items():
            file.writestr(name, text)
    return content.getvalue()


def changed(workbook: bytes, entry: str, *, old: bytes, new: bytes) -> bytes:
    """The workbook with ``old`` replaced in one of its parts."""
    with zipfile.ZipFile(io.BytesIO(workbook)) as file:
        entries: dict[str, str | bytes] = {name: file.read(name) for name in file.namelist()}
    part = entries[entry]
    assert isinstance(part, bytes)
    assert old in part
    return archive(entries | {entry: part.replace(old, new)})


def create_estate(**fields: Any) -> Project:
    """A project with the usual fees and nothing else."""
    project = create_project(**fields)
    start_catalogue(project)
    return project


def sample(name: str) -> bytes:
    return (DATA / name).read_bytes()


def upload(
    project: Project,
    content: bytes,
    *,
    name: str = "应收.xlsx",
    by: User | None = None,
    kind: str = "charges",
    **fields: Any,
) -> Import:
    fields.setdefault("create_units", True)
    by = by or create_user()
    return start_import(project, ContentFile(content, name=name), kind=Import.Kind(kind), by=by, **fields)


def read(project: Project, content: bytes, **fields: Any) -> Import:
    """An uploaded workbook after it was read."""
    workbook = upload(project, content, **fields)
    read_import(workbook.pk, today=TODAY, now=NOW)
    workbook.refresh_from_db()
    return workbook


def confirm(
    workbook: Import, *, as_of: dt.date | None = None, options: dict[str, Any] | None = None, **chosen: str
) -> Import:
    """Confirm the columns as recognised, apart from those of the first sheet that are ``chosen`` by letter."""
    sheets = Layout.from_json(workbook.layout).sheets
    fields = {column.index: chosen[column.letter] for column in sheets[0].columns if column.letter in chosen}
    return confirm_columns(
        workbook,
        {0: fields},
        create_units=workbook.create_units,
        left_out={place for place, sheet in enumerate(sheets) if not sheet.is_used},
        by=workbook.created_by,
        now=NOW,
        as_of=as_of,
        options=options,
    )


def check(
    project: Project,
    content: bytes,
    *,
    as_of: dt.date | None = None,
    options: dict[str, Any] | None = None,
    **fields: Any,
) -> Import:
    """An uploaded workbook after its rows were checked, its columns confirmed as recognised."""
    workbook = read(project, content, **fields)
    assert workbook.state == Import.State.COLUMNS, workbook.refusal
    confirm(workbook, as_of=as_of, options=options)
    check_import(workbook.pk, today=TODAY, now=NOW)
    workbook.refresh_from_db()
    return workbook


def agree(workbook: Import, *, good_rows_only: bool = False, consents: Sequence[str] = ()) -> Import:
    return approve(workbook, good_rows_only=good_rows_only, by=workbook.created_by, consents=consents)


def post(
    project: Project, content: bytes, *, good_rows_only: bool = False, consents: Sequence[str] = (), **fields: Any
) -> Import:
    """A workbook all the way into the ledger."""
    workbook = check(project, content, **fields)
    agree(workbook, good_rows_only=good_rows_only, consents=consents)
    post_import(workbook.pk, now=NOW)
    workbook.refresh_from_db()
    return workbook


def mistakes(workbook: Import) -> list[tuple[int, str, str]]:
    """Row, column and code of each error, in the order of the sheet."""
    return list(workbook.issues.filter(severity="error").order_by("pk").values_list("row", "column", "code"))


def remarks(workbook: Import) -> list[tuple[int, str, int]]:
    """Row and code of each warning, and how many rows it stands for."""
    found = workbook.issues.filter(severity="warning").order_by("pk")
    return [(issue.row, issue.code, issue.params["count"]) for issue in found]
