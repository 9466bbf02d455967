"""Workbooks that are malformed or meant to harm, each made from a sound one. None may cost more than its refusal."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable

from tests.arrears.workbooks import HEADER, OLD_EXCEL, archive, changed, csv_text, ods, row, sample, xlsx

SHEET, STRINGS, STYLES = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/styles.xml"
MB = 1 << 20
Make = Callable[[], bytes]


def entries(workbook: bytes) -> dict[str, str | bytes]:
    with zipfile.ZipFile(io.BytesIO(workbook)) as file:
        return {name: file.read(name) for name in file.namelist()}


def with_sheet(text: bytes, *, old: bytes = b"</sheetData>") -> bytes:
    return changed(xlsx(row()), SHEET, old=old, new=text)


def with_parts(parts: dict[str, str | bytes]) -> bytes:
    return archive(entries(xlsx(row())) | parts)


def with_size(workbook: bytes, name: str, *, claimed: int) -> bytes:
    """The workbook whose directories say that this part unpacks to ``claimed`` bytes."""
    with zipfile.ZipFile(io.BytesIO(workbook)) as file:
        size = file.getinfo(name).file_size
    assert size > 0xFFFF, "a smaller number may stand elsewhere too"
    return workbook.replace(size.to_bytes(4, "little"), claimed.to_bytes(4, "little"))


def spaces(mb: int) -> bytes:
    return with_sheet(b" " * (mb * MB) + b"</sheetData>")


def overlapping() -> bytes:
    """Many names in the directory for the bytes of one entry, as zip bombs of one layer have it."""
    whole = archive({SHEET: b" " * (8 * MB)})
    end = whole.rindex(b"PK\x05\x06")
    (start,) = struct.unpack("<I", whole[end + 16 : end + 20])
    record = whole[start:end]
    names = [f"xl/worksheets/s{number:05}.xml"[: len(SHEET)].ljust(len(SHEET), "x") for number in range(1000)]
    directory = b"".join(record.replace(SHEET.encode(), name.encode()) for name in names)
    tail = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, len(names), len(names), len(directory), start, 0)
    return whole[:start] + directory + tail


def nested() -> bytes:
    """An archive in an archive in an archive."""
    inner = archive({"xl/workbook.xml": b" " * (20 * MB)})
    return archive({"a.zip": archive({"b.zip": inner})})


def expanding(entity: str, definitions: str) -> bytes:
    doctype = f"<!DOCTYPE sst [{definitions}]>".encode()
    evil = changed(xlsx(row(业主姓名="业主名")), STRINGS, old=b"<sst", new=doctype + b"<sst")
    return changed(evil, STRINGS, old="业主名".encode(), new=entity.encode())


def quadratic() -> bytes:
    return expanding("&a;" * 20_000, f'<!ENTITY a "{"x" * 20_000}">')


def laughing() -> bytes:
    steps = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return expanding("&l9;", f'<!ENTITY l0 "ha">{steps}')


def reaching_out(address: str) -> Make:
    return lambda: expanding("&x;", f'<!ENTITY x SYSTEM "{address}">')


def many_strings() -> bytes:
    """Three million shared strings, packed to little."""
    return changed(xlsx(row()), STRINGS, old=b"</sst>", new=b"<si><t>x</t></si>" * 3_000_000 + b"</sst>")


def cell(place: str, inside: str, kind: str = "") -> bytes:
    return f'<row r="9"><c r="{place}"{kind}>{inside}</c></row></sheetData>'.encode()


def merges(text: str) -> bytes:
    return with_sheet(f"</sheetData><mergeCells>{text}</mergeCells>".encode())


def hundred_thousand_merges() -> bytes:
    return merges("".join(f'<mergeCell ref="A{n}:A{n + 1}"/>' for n in range(1, 200_000, 2)))


def overlapping_merges() -> bytes:
    """Each over the whole sheet, which Excel never writes."""
    many = "".join(f'<mergeCell ref="A1:XFD{1_048_576 - n}"/>' for n in range(20_000))
    body = "".join(f'<row r="{n}"><c r="A{n}"><v>1</v></c></row>' for n in range(3, 6000))
    return with_sheet(f"{body}</sheetData><mergeCells>{many}</mergeCells>".encode())


def many_styles() -> bytes:
    fonts = b'<xf numFmtId="14" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>' * 65_000
    return changed(xlsx(row()), STYLES, old=b"</cellXfs>", new=fonts + b"</cellXfs>")


def old_excel_with(place: int, value: bytes) -> bytes:
    content = bytearray(sample(OLD_EXCEL))
    content[place : place + len(value)] = value
    return bytes(content)


def looping_chain() -> bytes:
    """The allocation table says of every sector that the first one follows."""
    content = bytearray(sample(OLD_EXCEL))
    (first,) = struct.unpack_from("<I", content, 0x4C)
    begin = 512 + first * 512
    content[begin : begin + 512] = struct.pack("<128I", *[0] * 128)
    return bytes(content)


def locked_old_excel() -> bytes:
    """A workbook stream that says in its second record that it is encrypted."""
    content = sample(OLD_EXCEL)
    begin = content.index(b"\x09\x08\x10\x00\x00\x06\x05\x00")
    code = begin + 20
    length = struct.unpack_from("<H", content, code + 2)[0]
    by_rc4 = b"\x01" + b"\0" * (length - 1)
    return content[:code] + b"\x2f\x00" + struct.pack("<H", length) + by_rc4 + content[code + 4 + length :]


def repeated_ods(rows: int, columns: int, *, cells: str = "x") -> bytes:
    content = entries(ods(row()))["content.xml"]
    assert isinstance(content, bytes)
    filled = f"<text:p>{cells}</text:p>" if cells else ""
    more = (
        f'<table:table-row table:number-rows-repeated="{rows}"><table:table-cell office:value-type="string" '
        f'table:number-columns-repeated="{columns}">{filled}</table:table-cell></table:table-row></table:table>'
    )
    return archive(entries(ods(row())) | {"content.xml": content.replace(b"</table:table>", more.encode())})


def binary_workbook() -> bytes:
    """An .xlsb whose parts are garbage."""
    parts = {name: text for name, text in entries(xlsx(row())).items() if not name.startswith("xl/")}
    return archive(parts | {"xl/workbook.bin": b"\x83\x01\x00" * 500})


def twice_named() -> bytes:
    content = io.BytesIO()
    sound = entries(xlsx(row()))
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in [*sound.items(), (SHEET, b"<worksheet/>")]:
            file.writestr(name, text)
    return content.getvalue()


def linked() -> bytes:
    """An entry that is a symbolic link to a file of the machine."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for name, text in entries(xlsx(row())).items():
            info = zipfile.ZipInfo(name)
            if name == SHEET:
                info.external_attr, text = 0o120777 << 16, b"/etc/passwd"
            file.writestr(info, text)
    return content.getvalue()


def wrong_checksum() -> bytes:
    sound = xlsx(row())
    with zipfile.ZipFile(io.BytesIO(sound)) as file:
        checksum = zlib.crc32(file.read(SHEET))
    return sound.replace(struct.pack("<I", checksum), struct.pack("<I", checksum ^ 0xFFFF))


def unknown_method() -> bytes:
    """Packed by a method that nobody knows."""
    content = bytearray(archive(entries(xlsx(row()))))
    for mark, place in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        at = content.find(mark)
        while at >= 0:
            content[at + place : at + place + 2] = b"\x63\x00"
            at = content.find(mark, at + 4)
    return bytes(content)


WHOLE = xlsx(*(row(str(number)) for number in range(101, 301)))
TEXT = csv_text(row("101", 120.5, 20.5), row("102", 88, 0))

REFUSED: dict[str, tuple[Make, set[str]]] = {
    "300 MB of spaces that say so": (lambda: spaces(300), {"unpacks_too_big"}),
    "300 MB of spaces that claim to be small": (
        lambda: with_size(spaces(300), SHEET, claimed=5000),
        {"damaged", "unpacks_too_big"},
    ),
    "a part that claims 2 GB": (lambda: with_size(spaces(1), SHEET, claimed=2_000_000_000), {"unpacks_too_big"}),
    "overlapping entries": (overlapping, {"damaged", "unpacks_too_big", "not_a_workbook"}),
    "archives in archives": (nested, {"not_a_workbook"}),
    "three million shared strings": (many_strings, {"unpacks_too_big"}),
    "thousands of parts": (lambda: with_parts({f"xl/media/{n}.png": "" for n in range(2001)}), {"unpacks_too_big"}),
    "macros under another name": (lambda: with_parts({"xl/vbaProject.bin": "x"}), {"macros"}),
    "16,384 columns": (lambda: xlsx([*HEADER, *["x"] * 16_370], header=None), {"too_many_columns"}),
    "a row number out of Excel": (
        lambda: with_sheet(b'<row r="4294967295"><c r="A4294967295"><v>1</v></c></row></sheetData>'),
        {"damaged", "takes_too_long", "unpacks_too_big"},
    ),
    "no XML": (lambda: with_sheet(b"<<<", old=b"<sheetData>"), {"damaged"}),
    "an .xlsb of garbage": (binary_workbook, {"damaged", "empty"}),
    "a wrong checksum": (wrong_checksum, {"damaged"}),
    "an unknown packing": (unknown_method, {"damaged"}),
    "a link in place of the sheet": (linked, {"damaged", "empty"}),
    "without its directory": (lambda: WHOLE[: WHOLE.rindex(b"PK\x01\x02")], {"damaged"}),
    **{
        f"cut off after {share} %": (lambda share=share: WHOLE[: len(WHOLE) * share // 100], {"damaged"})
        for share in (10, 50, 90, 99)
    },
    "an old workbook with a looping chain": (looping_chain, {"damaged", "unpacks_too_big"}),
    "an old workbook with a mad sector size": (lambda: old_excel_with(0x1E, b"\x3f\x00"), {"damaged"}),
    "an old workbook with a mad directory": (lambda: old_excel_with(0x30, b"\xfa\xff\xff\x7f"), {"damaged"}),
    "an old workbook cut off": (lambda: sample(OLD_EXCEL)[:3000], {"damaged", "not_a_workbook"}),
    "an old workbook with a password": (locked_old_excel, {"password"}),
    "an .ods of a million repeated rows": (
        lambda: repeated_ods(1_048_576, 16),
        {"too_many_rows", "unpacks_too_big", "takes_too_long", "damaged"},
    ),
    "an .ods of repeated columns": (lambda: repeated_ods(1, 16_384), {"too_many_columns"}),
    "an .ods of both": (
        lambda: repeated_ods(1_048_576, 16_384),
        {"too_many_rows", "too_many_columns", "unpacks_too_big", "takes_too_long", "damaged"},
    ),
    "an .ods that repeats beyond all numbers": (
        lambda: repeated_ods(99_999_999_999, 2),
        {"damaged", "too_many_rows", "unpacks_too_big", "takes_too_long"},
    ),
    "a Numbers document": (
        lambda: archive({"Index/Document.iwa": b"\0" * 100, "preview.jpg": b"x"}),
        {"not_a_workbook"},
    ),
    "NUL in the text": (lambda: TEXT.replace("101", "1\x0001").encode(), {"not_a_workbook"}),
    "a line of 40 MB": (lambda: b"a," * (20 * MB), {"too_many_columns", "unpacks_too_big", "takes_too_long"}),
    "a cell of 40 MB": (lambda: b"a,b," + b"x" * (40 * MB), {"damaged"}),
    "a quote that never ends": (lambda: TEXT.encode() + b'"' + b"x,\n" * 100_000, {"damaged"}),
    "two encodings in one file": (lambda: TEXT.encode() + TEXT.encode("gb18030") + b"\xff\xff", {"not_a_workbook"}),
    "half a character of UTF-16": (lambda: TEXT.encode("utf-16")[:-1], {"not_a_workbook"}),
    "UTF-32": (lambda: TEXT.encode("utf-32"), {"not_a_workbook"}),
    "300,000 rows": (lambda: b"a,b,c\n" * 300_000, {"too_many_rows"}),
}

READ: dict[str, Make] = {
    "an old workbook with a mad table count": lambda: old_excel_with(0x2C, b"\xff\xff\xff\x7f"),
    "a file of the machine": reaching_out("file:///etc/hostname"),
    "an address of the network": reaching_out("http://127.0.0.1:9/x"),
    "a billion laughs": laughing,
    "growth by the square": quadratic,
    "a link to another workbook": lambda: with_parts(
        {
            "xl/externalLinks/externalLink1.xml": "<externalLink><externalBook/></externalLink>",
            "xl/externalLinks/_rels/externalLink1.xml.rels": '<Relationships><Relationship Target="file:///etc/passwd"/></Relationships>',
        }
    ),
    "DDE": lambda: with_sheet(cell("A9", "<f>cmd|'/c calc'!A0</f><v></v>")),
    "formulas shared by a million cells": lambda: with_sheet(
        cell("A9", '<f t="shared" ref="A1:XFD1048576" si="0">A1+A1</f><v>1</v>')
    ),
    "the last cell of Excel": lambda: with_sheet(
        b'<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>x</t></is></c></row></sheetData>'
    ),
    "a dimension that lies": lambda: changed(
        xlsx(row()), SHEET, old=b'<dimension ref="A1:J2"/>', new=b'<dimension ref="A1:XFD1048576"/>'
    ),
    "one merge over the whole sheet": lambda: merges('<mergeCell ref="A3:XFD1048576"/>'),
    "a hundred thousand merges": hundred_thousand_merges,
    "merges one over the other": overlapping_merges,
    "65,000 styles": many_styles,
    "a million empty rows": lambda: with_sheet(
        "".join(f'<row r="{n}"/>' for n in range(3, 1_000_000)).encode() + b"</sheetData>"
    ),
    "paths out of the archive": lambda: with_parts({"../../etc/cron.d/x": "x", "/etc/passwd": "x"}),
    "one name twice": twice_named,
    "an .ods of empty repeated rows": lambda: repeated_ods(1_048_576, 16_384, cells=""),
    "not a number": lambda: with_sheet(cell("H9", "<v>NaN</v>")),
    "infinity": lambda: with_sheet(cell("H9", "<v>1e999</v>")),
    "a style that is not there": lambda: with_sheet(cell("H9", "<v>1</v>", ' s="99999"')),
    "a string that is not there": lambda: with_sheet(cell("H9", "<v>99999999</v>", ' t="s"')),
}
"""Harmless in the end: read or refused, at little cost, and nothing comes of what they ask for."""
