"""Web pages and the XML of Excel 2003 that charging systems name .xls: read as tables, with nothing loaded or run."""

from pathlib import Path

import pytest
from pytest_django import Settings

from arrears.models import Import
from company.models import Project
from tests.arrears.printed import Grid
from tests.arrears.printed_charges import HEADERS, PLAIN, SUMS, UNITS
from tests.arrears.workbooks import check, create_estate, read

pytestmark = pytest.mark.django_db
HEADER = HEADERS["金蝶"].split(" ")
SPACES = 'xmlns="urn:schemas-microsoft-com:office:spreadsheet" xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet"'


@pytest.fixture(autouse=True)
def _media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def project() -> Project:
    return create_estate()


def table(lines: Grid, *, tag: str = "td") -> str:
    return "".join(f"<tr>{''.join(f'<{tag}>{cell}</{tag}>' for cell in line)}</tr>" for line in lines)


def page(inside: str, *, head: str = "") -> str:
    return f"<html><head>{head}<style>td {{ color: red }}</style></head><body>{inside}</body></html>"


def whole() -> str:
    title = "<tr><th colspan=10>凤凰城&nbsp;应收明细</th></tr>"
    return f"<table border=1>{title}{table([HEADER], tag='th')}{table(PLAIN)}</table>"


def merged() -> str:
    """Building, entrance and room are printed once for two fees."""
    first, second = PLAIN[0], [*PLAIN[1][:4], *PLAIN[1][4:]]
    down = "".join(f"<td rowspan=2>{cell}</td>" for cell in first[:2])
    rows = f"<tr>{down}{''.join(f'<td>{cell}</td>' for cell in first[2:])}</tr>"
    rows += f"<tr>{''.join(f'<td>{cell}</td>' for cell in second[2:])}</tr>"
    return f"<table>{table([HEADER], tag='th')}{rows}{table(PLAIN[2:])}</table>"


def xml(lines: Grid, *, before: str = "", after: str = "") -> bytes:
    def cell(value: object) -> str:
        kind = "Number" if isinstance(value, int | float) else "String"
        return f'<Cell><Data ss:Type="{kind}">{value}</Data></Cell>'

    rows = "".join(f"<Row>{''.join(map(cell, line))}</Row>" for line in lines)
    return (
        f'<?xml version="1.0"?>{before}<Workbook {SPACES}><Worksheet ss:Name="应收"><Table>{rows}</Table>{after}'
        "</Worksheet></Workbook>"
    ).encode()


READ = {
    "a web page in UTF-8": page(whole(), head='<meta charset="utf-8">').encode(),
    "a web page in GBK": page(whole(), head='<meta content="text/html; charset=gb2312">').encode("gbk"),
    "a web page with a mark": page(whole()).encode("utf-8-sig"),
    "a bare table": whole().encode("gb18030"),
    "cells that are not closed": page(whole().replace("</td>", "").replace("</tr>", "")).encode(),
    "a table within a table": page(f"<table><tr><td>{whole()}</td></tr></table>").encode(),
    "cells merged down": page(merged()).encode(),
    "a script between": page(f"<script>document.write('<table>')</script>{whole()}").encode(),
    "the XML of Excel 2003": xml([HEADER, *PLAIN]),
    "a comment on a cell": xml([HEADER, *PLAIN]).replace(
        b"</Data></Cell>", b"</Data><Comment><ss:Data>by hand</ss:Data></Comment></Cell>", 30
    ),
    "its cells by number": xml([HEADER, *PLAIN]).replace(b"<Row><Cell>", b'<Row><Cell ss:Index="1">'),
}


@pytest.mark.parametrize("what", READ)
def test_the_table_is_read_as_any_sheet(what: str, project: Project) -> None:
    workbook = check(project, READ[what], name="应收.xls")
    assert (workbook.rows, workbook.bad_rows) == (3, 0)
    assert workbook.findings["sums"] == SUMS
    assert set(workbook.staged.values_list("unit_code", flat=True)) == UNITS


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
REFUSED = {
    "a page without a table": page("<p>请重新登录</p>").encode(),
    "a table of a frameset": b"<html><frameset><frame src='sheet001.htm'></frameset></html>",
    "a document type": xml([HEADER, *PLAIN], before="<!DOCTYPE Workbook>"),
    "a billion laughs": xml([HEADER], before=f'<!DOCTYPE W [<!ENTITY l0 "ha">{LAUGHS}]>'),
    "a file of the machine": xml([HEADER], before='<!DOCTYPE W [<!ENTITY x SYSTEM "file:///etc/hostname">]>'),
    "cut off": xml([HEADER, *PLAIN])[:-200],
    "other XML": b'<?xml version="1.0"?><a/>',
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_table_is_refused_with_the_way_out(what: str, project: Project) -> None:
    workbook = read(project, REFUSED[what], name="应收.xls")
    assert (workbook.state, workbook.refusal) == (Import.State.REFUSED, "web_page")


def test_spans_beyond_measure_cost_nothing(project: Project) -> None:
    content = page(whole().replace("colspan=10", "colspan=999999999 rowspan=999999999")).encode()
    assert read(project, content, name="应收.xls").state in (Import.State.COLUMNS, Import.State.REFUSED)
