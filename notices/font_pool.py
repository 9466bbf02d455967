"""The fonts of a print file: letters carry the signs they need, each in an order of its own; here they share them.

Without that a print file would be as large as all letters together, and most of a letter is its fonts. A sign is known
by its outline. Each letter keeps its codes: a table says which sign of the common font each of them stands for.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import pikepdf
from fontTools.cffLib import CFFFontSet
from fontTools.misc.psCharStrings import T2CharString
from pikepdf import Array, Dictionary, Name, Stream

from notices.cff import read_outlines

NOT_DESCRIBED = {"/FontFile3", "/CIDSet"}
AT_ONCE = 100  # entries of a table that stand together, by the rules of PDF
TABLE = """\
/CIDInit /ProcSet findresource begin
12 dict begin
begincmap
/CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> def
/CMapName /Pooled def
/CMapType 1 def
1 begincodespacerange
<0000> <FFFF>
endcodespacerange
{entries}
endcmap
CMapName currentdict /CMap defineresource pop
end
end
"""


class FontPool:
    """The common fonts of the letters of one print file, by name."""

    def __init__(self) -> None:
        self._fonts: dict[str, _CommonFont] = {}

    def share(self, letter: pikepdf.Pdf) -> None:
        """Take the fonts out of ``letter``, whose codes now mean signs of the common ones; ``embed`` puts these in."""
        seen: set[tuple[int, int]] = set()
        for font in _fonts_of(letter):
            if font.objgen in seen or not _can_be_shared(font):
                continue
            seen.add(font.objgen)
            (own,) = font.DescendantFonts
            common = self._fonts.setdefault(_name(own), _CommonFont())
            font.Encoding = _table(letter, common.take(own))
            font.DescendantFonts = Array([])

    def embed(self, whole: pikepdf.Pdf) -> None:
        """Give the fonts that ``share`` has emptied the common ones. Once, when all letters stand in ``whole``."""
        made = {name: whole.make_indirect(common.as_pdf(whole)) for name, common in self._fonts.items()}
        for font in _fonts_of(whole):
            if not len(font.DescendantFonts):
                font.DescendantFonts = Array([made[_name(font)]])


class _CommonFont:
    """The signs of one font that any letter needs, each once; the first letter's font is the pattern."""

    def __init__(self) -> None:
        self.places: dict[tuple[int, int, bytes], int] = {}
        self.parts: dict[bytes, int] = {}
        self.part_dicts: list[Any] = []
        self.pattern = b""
        self.description = b""

    def take(self, own: Any) -> list[int]:
        """The place of each sign of a letter's font, new ones added."""
        program = own.FontDescriptor.FontFile3.read_bytes()
        font = read_outlines(program)
        if not self.pattern:
            self.pattern = program
            described = {key: value for key, value in own.FontDescriptor.items() if key not in NOT_DESCRIBED}
            self.description = Dictionary(described).unparse()  # outlives the file of the letter
        parts = [self._part(hints, number, program) for number, hints in enumerate(font.hints)]
        keys = zip((parts[part] for part in font.parts), _widths(own.W), font.signs, strict=True)
        return [self.places.setdefault(key, len(self.places)) for key in keys]

    def _part(self, hints: bytes, number: int, program: bytes) -> int:
        """The number of a part of the font: Latin, Chinese and others differ in hints and in what a width means."""
        if hints not in self.parts:
            self.parts[hints] = len(self.parts)
            self.part_dicts.append(_decompiled(program).topDictIndex[0].FDArray[number])
        return self.parts[hints]

    def as_pdf(self, whole: pikepdf.Pdf) -> Dictionary:
        """The font for a PDF file."""
        program = Stream(whole, self._program())
        program.Subtype = Name.CIDFontType0C
        descriptor: Any = pikepdf.Object.parse(self.description)
        descriptor.FontFile3 = whole.make_indirect(program)
        return Dictionary(
            Type=Name.Font,
            Subtype=Name.CIDFontType0,
            BaseFont=descriptor.FontName,
            CIDSystemInfo=Dictionary(Registry="Adobe", Ordering="Identity", Supplement=0),
            FontDescriptor=whole.make_indirect(descriptor),
            DW=0,
            W=Array([0, Array([width for _, width, _ in self.places])]),
        )

    def _program(self) -> bytes:
        fonts = _decompiled(self.pattern)
        (top,) = fonts.topDictIndex
        top.charset = [".notdef", *(f"cid{place:05d}" for place in range(1, len(self.places)))]
        top.CharStrings.charStrings = {name: place for place, name in enumerate(top.charset)}
        top.CharStrings.charStringsIndex.items = [T2CharString(bytecode=sign) for _, _, sign in self.places]
        top.FDArray.items = self.part_dicts
        top.FDSelect.gidArray = [part for part, _, _ in self.places]
        top.FDSelect.format = None  # the shorter one
        for part in self.part_dicts:  # fontTools leaves the usual matrix of the whole out, which belongs to these
            part.rawDict.pop("FontMatrix", None)
        program = BytesIO()
        fonts.compile(program, SimpleNamespace(recalcBBoxes=False), isCFF2=False)
        return program.getvalue()


def _decompiled(program: bytes) -> CFFFontSet:
    fonts = CFFFontSet()
    fonts.decompile(BytesIO(program), None)
    return fonts


def _fonts_of(pdf: pikepdf.Pdf) -> Iterator[Any]:
    for page in pdf.pages:
        yield from page.obj.get("/Resources", Dictionary()).get("/Font", Dictionary()).values()


def _can_be_shared(font: Any) -> bool:
    """Whether it is of the form that Typst writes."""
    if font.get("/Encoding") != Name("/Identity-H") or len(font.DescendantFonts) != 1:
        return False
    program = font.DescendantFonts[0].get("/FontDescriptor", Dictionary()).get("/FontFile3")
    return program is not None and program.get("/Subtype") == Name.CIDFontType0C


def _name(font: Any) -> str:
    """Without the mark of a font that does not hold all its signs."""
    return str(font.BaseFont).split("+")[-1].removesuffix("-Identity-H")


def _widths(runs: Any) -> list[int]:
    """The width of each sign from first, last, width, first, last, width …"""
    numbers = [int(number) for number in runs]
    widths: list[int] = []
    for first, last, width in zip(numbers[::3], numbers[1::3], numbers[2::3], strict=True):
        widths[first:] = [width] * (last + 1 - first)
    return widths


def _table(pdf: pikepdf.Pdf, places: list[int]) -> Stream:
    entries = [f"<{code:04X}> {place}" for code, place in enumerate(places)]
    parts = [entries[start : start + AT_ONCE] for start in range(0, len(entries), AT_ONCE)]
    text = "\n".join(f"{len(part)} begincidchar\n" + "\n".join(part) + "\nendcidchar" for part in parts)
    table = Stream(pdf, TABLE.format(entries=text).encode())
    table.Type, table.CMapName = Name.CMap, Name.Pooled
    table.CIDSystemInfo = Dictionary(Registry="Adobe", Ordering="Identity", Supplement=0)
    return table
