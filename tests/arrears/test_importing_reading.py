"""What an upload may be and what not: each shape of workbook is read, each hostile one refused with nothing written."""

import io
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from pytest_django import Settings

from arrears.importing import reading
from arrears.importing.reading import Refusal
from arrears.importing.steps import read_import
from arrears.models import Charge, ColumnMapping, Import, ImportIssue, StagedCharge
from company.models import Project
from owners.models import Unit
from tests.arrears.workbooks import (
    HEADER,
    OLD_EXCEL,
    WIDE,
    archive,
    changed,
    check,
    create_estate,
    csv_text,
    ods,
    read,
    row,
    sample,
    upload,
    xlsx,
)
from tests.factories import NOW, TODAY

pytestmark = pytest.mark.django_db
TEXT = csv_text(row("101", 120.5, 20.5), row("102", 88, 0))
SHEET = "xl/worksheets/sheet1.xml"


@pytest.fixture(autouse=True)
def _media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def project() -> Project:
    return create_estate()


GOOD = {
    "应收.xlsx": xlsx(row("101", 120.5, 20.5), row("102", 88, 0)),
    "应收.xls": sample(OLD_EXCEL),
    "应收.ods": ods(row("101", 120.5, 20.5), row("102", 88, 0)),
    "a long name of a sheet.ods": ods(row("101", 120.5, 20.5), row("102", 88, 0), name="欠费明细" * 20),
    "gb18030.csv": TEXT.encode("gb18030"),
    "utf-8.csv": TEXT.encode(),
    "utf-8 with mark.csv": TEXT.encode("utf-8-sig"),
    "utf-16.csv": TEXT.encode("utf-16"),
    "semicolons.csv": TEXT.replace(",", ";").encode(),
    "tabs.csv": TEXT.replace(",", "\t").encode("gb18030"),
    "title above.csv": f"阳光花园欠费明细\r\n截至三月底，单位：元\r\n{TEXT}".encode(),
    "title above, semicolons.csv": f"欠费明细\r\n\r\n{TEXT.replace(',', ';')}".encode("gb18030"),
    "texts as formulas.csv": TEXT.replace("2025-03-01", '="2025-03-01"').replace("101", '"=""101"""').encode(),
    "really an xlsx.xls": xlsx(row("101", 120.5, 20.5), row("102", 88, 0)),
    "really text.xls": TEXT.encode("gb18030"),
}


@pytest.mark.parametrize("name", GOOD)
def test_every_kind_of_workbook_gives_the_same_rows(name: str, project: Project) -> None:
    workbook = check(project, GOOD[name], name=name)
    assert workbook.state == Import.State.CHECKED
    assert (workbook.rows, workbook.bad_rows) == (2, 0)
    assert (workbook.due, workbook.paid, workbook.outstanding) == (Decimal("208.50"), Decimal("20.50"), Decimal(188))
    assert set(workbook.staged.values_list("unit_code", flat=True)) == {"1-1-101", "1-1-102"}


def test_the_wide_layout_is_read_and_told_what_it_lacks(project: Project) -> None:
    workbook = read(project, sample(WIDE), name=WIDE)
    assert workbook.state == Import.State.COLUMNS
    with pytest.raises(Refusal) as refused:
        check(project, sample(WIDE), name=WIDE)
    assert refused.value.code == "columns_missing"


# --- refused as a whole ---------------------------------------------------------------------------------------------


def bomb() -> bytes:
    """40 MB of zeros in 40 KB, which is what its directory says."""
    return changed(xlsx(row()), SHEET, old=b"</sheetData>", new=b" " * (40 << 20) + b"</sheetData>")


def lying_bomb() -> bytes:
    """A sheet that unpacks to more than its directory says."""
    content = bytearray(bomb())
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        size = file.getinfo(SHEET).file_size
    return bytes(content.replace(size.to_bytes(4, "little"), (1000).to_bytes(4, "little")))


def plus(entry: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(xlsx(row()))) as file:
        return archive({name: file.read(name) for name in file.namelist()} | {entry: "x"})


ONE_REASON: dict[str, tuple[Callable[[], bytes], str]] = {
    "nothing but spaces": (lambda: b"  \r\n ", "empty"),
    "a header line of commas": (lambda: b",,,\r\n,,,\r\n", "empty"),
    "an empty workbook": (lambda: xlsx(header=None), "empty"),
    "a renamed .exe": (lambda: b"MZ\x90\x00" + b"\0" * 600, "program"),
    "a renamed ELF program": (lambda: b"\x7fELF" + b"\0" * 600, "program"),
    "a PDF": (lambda: b"%PDF-1.7\n" + b"x" * 600, "not_a_workbook"),
    "a picture": (lambda: b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + b"\0" * 600, "not_a_workbook"),
    "a Word document": (
        lambda: archive({"word/document.xml": "<x/>", "[Content_Types].xml": "<x/>"}),
        "not_a_workbook",
    ),
    "an empty archive": (lambda: archive({}), "not_a_workbook"),
    "a web page": (lambda: b"<html><p>1</p></html>", "web_page"),
    "with a password": (lambda: sample("有密码.xlsx"), "password"),
    "with macros": (lambda: plus("xl/vbaProject.bin"), "macros"),
    "cut off": (lambda: xlsx(*(row(str(n)) for n in range(200)))[:4000], "damaged"),
    "another document of the old format": (lambda: sample(OLD_EXCEL)[:512] + b"\0" * 5000, "not_a_workbook"),
    "an archive of garbage": (lambda: b"PK\x03\x04" + b"\xff" * 2000, "damaged"),
    "a sheet that is no XML": (lambda: changed(xlsx(row()), SHEET, old=b"<sheetData>", new=b"<<<"), "damaged"),
    "a bomb that says so": (bomb, "unpacks_too_big"),
    "a bomb that lies": (lying_bomb, "damaged"),
    "thousands of entries": (lambda: archive({f"xl/{n}": "" for n in range(2001)}), "unpacks_too_big"),
    "no header": (lambda: xlsx(["甲", "乙", "丙"], [1, 2, 3], header=None), "no_header"),
    "text without a header": (lambda: "一二三\r\n四五六\r\n".encode("gb18030"), "no_header"),
    "too many columns": (lambda: xlsx([*HEADER, *["x"] * 500], header=None), "too_many_columns"),
    "a quote that never ends": (lambda: b'a,b,"' + b"x" * 70_000, "damaged"),
}


@pytest.mark.parametrize("what", ONE_REASON)
def test_a_hostile_file_is_refused_for_one_reason_and_writes_nothing(what: str, project: Project) -> None:
    make, reason = ONE_REASON[what]
    workbook = read(project, make())
    assert (workbook.state, workbook.refusal) == (Import.State.REFUSED, reason)
    for model in (Charge, Unit, StagedCharge, ImportIssue, ColumnMapping):
        assert not model.objects.exists()


def test_more_rows_than_allowed(project: Project, settings: Settings) -> None:
    settings.IMPORT_MAX_ROWS = 3
    workbook = read(project, xlsx(*(row(str(n)) for n in range(101, 104))))
    assert (workbook.refusal, workbook.refusal_params) == ("too_many_rows", {"limit": 3})


ENDLESS = """
import json, sys
sys.path.insert(0, {folder!r})
import reader
def never(*args, **kwargs):
    while True:
        pass
reader.kind_of = never
reader.main(json.load(sys.stdin))
"""


def test_reading_that_takes_too_long_is_given_up(
    project: Project, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = tmp_path / "endless.py"
    endless.write_text(ENDLESS.format(folder=str(reading.READER.parent)))
    monkeypatch.setattr(reading, "READER", endless)
    settings.IMPORT_READER_SECONDS = 1
    workbook = read(project, xlsx(row()))
    assert (workbook.state, workbook.refusal) == (Import.State.REFUSED, "takes_too_long")


def test_an_upload_that_is_empty_or_too_large_is_not_even_kept(project: Project, settings: Settings) -> None:
    settings.IMPORT_MAX_MB = 0
    for content, reason in ((b"", "empty"), (b"x", "too_big")):
        with pytest.raises(Refusal) as refused:
            upload(project, content)
        assert refused.value.code == reason
    assert not Import.objects.exists()


def test_a_file_that_is_gone_is_said_so(project: Project) -> None:
    workbook = upload(project, xlsx(row()))
    Path(workbook.file.file.path).unlink()
    read_import(workbook.pk, today=TODAY, now=NOW)
    workbook.refresh_from_db()
    assert workbook.refusal == "file_gone"
