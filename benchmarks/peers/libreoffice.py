"""LibreOffice converting the same letters from docx."""

import os
import shutil
import subprocess
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from notices.fields import Role, fill, parse, standing
from notices.fonts import FOLDER
from notices.ledger_table import COLUMNS

PACKAGE = "libreoffice-writer-nogui"
WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PARTS = {
    "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.'
    'wordprocessingml.document.main+xml"/>'
    '<Override PartName="/word/footer1.xml" ContentType="application/vnd.openxmlformats-officedocument.'
    'wordprocessingml.footer+xml"/></Types>',
    "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    f'<Relationship Id="r1" Type="{OFFICE}/officeDocument" Target="word/document.xml"/></Relationships>',
    "word/_rels/document.xml.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/'
    f'relationships"><Relationship Id="r1" Type="{OFFICE}/footer" Target="footer1.xml"/></Relationships>',
}

FILES_OF_A_CALL = 240  # LibreOffice 7.4 stops after the 247th file of a call and says nothing of it
FONTS = (  # the fonts of our letters and no others
    '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>'
    "<dir>{folder}</dir><cachedir>{cache}</cachedir></fontconfig>"
)


class NotInstallableError(Exception):
    """LibreOffice is not here and cannot be installed."""


def install() -> None:
    """Make sure that LibreOffice is there; installs it with apt as root. Raises NotInstallableError."""
    if shutil.which("soffice"):
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise NotInstallableError(f"install {PACKAGE} first")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run(["apt-get", "update"], check=False, **quiet)
    subprocess.run(["apt-get", "install", "-y", "--no-install-recommends", PACKAGE], check=False, **quiet)
    if not shutil.which("soffice"):
        raise NotInstallableError(f"apt could not install {PACKAGE}")


def convert(folder: Path, *, timeout: int) -> tuple[float, list[Path]]:
    """Convert every docx of ``folder`` in as few calls as can be; returns the seconds and the PDF files."""
    profile, out = folder / "profile", folder / "pdf"
    fonts = folder / "fonts.conf"
    fonts.write_text(FONTS.format(folder=escape(str(FOLDER)), cache=escape(str(folder / "cache"))), encoding="utf-8")
    environment = {"HOME": str(folder), "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "FONTCONFIG_FILE": str(fonts)}
    command = ["soffice", f"-env:UserInstallation={profile.as_uri()}", "--headless", "--convert-to", "pdf"]
    sources = sorted(folder.glob("*.docx"))
    started = time.perf_counter()
    for first in range(0, len(sources), FILES_OF_A_CALL):
        subprocess.run(
            [*command, "--outdir", str(out), *map(str, sources[first : first + FILES_OF_A_CALL])],
            env=environment,
            check=True,
            timeout=timeout,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    return time.perf_counter() - started, sorted(out.glob("*.pdf"))


def write_docx(path: Path, body: str, data: Mapping[str, Any]) -> None:
    """The letter as a Word document: the same text, the same table, number and page in the foot."""
    fields = data["fields"]
    content = [_paragraph(fields["律所名称"], size=34), _paragraph("律师函", size=44, align="center")]
    content.append(_paragraph(f"函号：{fields['函号']}", size=21, align="center"))
    for block in standing(parse(body), data.get("sections", ())):
        indent = 0 if block.role is Role.SALUTATION else 480
        font = "Noto Sans SC" if block.role is Role.HEADING else "Noto Serif SC"
        content.append(_paragraph(fill(block.text, fields), indent=indent, font=font))
    signature = [f"{fields['律所名称']}（盖章）", f"承办律师：{fields['承办律师']}　电话：{fields['律师电话']}"]
    content += [_paragraph(line, align="right") for line in [*signature, fields["出函日期"]]]
    content += [_paragraph("附：欠费明细表"), _paragraph("欠费明细表", size=26, align="center", new_page=True)]
    content.append(_table(data))
    content.append(_paragraph(f"未付本金合计人民币{fields['欠费合计']}元（大写：{fields['欠费合计大写']}）。", size=18))
    page = (
        f'<w:sectPr><w:footerReference w:type="default" r:id="r1" xmlns:r="{OFFICE}"/><w:pgSz w:w="11906" w:h="16838"/>'
        '<w:pgMar w:top="1361" w:right="1474" w:bottom="1247" w:left="1587" w:footer="600"/></w:sectPr>'
    )
    document = f'<w:document xmlns:w="{WORD}"><w:body>{"".join(content)}{page}</w:body></w:document>'
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        for name, part in PARTS.items():
            package.writestr(name, part)
        package.writestr("word/document.xml", document)
        package.writestr("word/footer1.xml", _footer(fields["函号"]))


def _paragraph(
    text: str,
    *,
    size: int = 24,
    align: str = "both",
    indent: int = 0,
    font: str = "Noto Serif SC",
    new_page: bool = False,
) -> str:
    page_break = "<w:pageBreakBefore/>" if new_page else ""
    return (
        f'<w:p><w:pPr>{page_break}<w:spacing w:line="430" w:lineRule="exact"/><w:ind w:firstLine="{indent}"/>'
        f'<w:jc w:val="{align}"/></w:pPr>{_run(text, size=size, font=font)}</w:p>'
    )


def _run(text: str, *, size: int, font: str = "Noto Serif SC") -> str:
    return (
        f'<w:r><w:rPr><w:rFonts w:ascii="{font}" w:hAnsi="{font}" w:eastAsia="{font}"/><w:sz w:val="{size}"/></w:rPr>'
        f'<w:t xml:space="preserve">{escape(text)}</w:t></w:r>'
    )


def _table(data: Mapping[str, Any]) -> str:
    rows = [[column.head for column in COLUMNS]]
    for number, charge in enumerate(data["charges"], start=1):
        open_ = float(charge["amount"]) - float(charge["settled"])
        money = [charge["amount"], charge["settled"], f"{open_:.2f}"]
        rows.append([str(number), charge["fee"], charge["period"], charge["due_on"], *money])
    rows.append(["", "合计", "", "", "", "", data["fields"]["欠费合计"]])
    widths = [round(column.width * 92.1) for column in COLUMNS]
    edges = "".join(
        f'<w:{edge} w:val="single" w:sz="4"/>' for edge in ("top", "left", "bottom", "right", "insideH", "insideV")
    )
    grid = "".join(f'<w:gridCol w:w="{width}"/>' for width in widths)
    body = "".join(f"<w:tr>{''.join(map(_cell, row, widths))}</w:tr>" for row in rows)
    layout = f'<w:tblPr><w:tblBorders>{edges}</w:tblBorders><w:tblLayout w:type="fixed"/></w:tblPr>'
    return f"<w:tbl>{layout}<w:tblGrid>{grid}</w:tblGrid>{body}</w:tbl>"


def _cell(text: str, width: int) -> str:
    return f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/></w:tcPr><w:p>{_run(text, size=18)}</w:p></w:tc>'


def _footer(number: str) -> str:
    def counter(name: str) -> str:
        return f'<w:fldSimple w:instr="{name}">{_run("1", size=16)}</w:fldSimple>'

    text = [_run(f"{number}　　第 ", size=16), counter("PAGE"), _run(" 页　共 ", size=16), counter("NUMPAGES")]
    return f'<w:ftr xmlns:w="{WORD}"><w:p>{"".join(text)}{_run(" 页", size=16)}</w:p></w:ftr>'
