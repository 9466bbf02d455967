"""The two fonts of printed pages: where they are, what they can print, how wide a sign is on the ledger's grid."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import pylopdf_fonts_zh_cn
from fontTools.ttLib import TTFont

FOLDER = Path(pylopdf_fonts_zh_cn.__file__).parent
FILES = ("NotoSerifSC-Regular.otf", "NotoSansSC-Regular.otf")
GRID_FEATURE = "hwid"
IGNORED = frozenset("\u2060\n")


@dataclass(frozen=True)
class Repertoire:
    """What both fonts can print. ``widths``: half-widths (½ em) a sign takes with the feature hwid."""

    signs: frozenset[str]
    widths: dict[str, float]


def missing_glyphs(text: str) -> str:
    """The signs of ``text`` that the fonts lack, each once, in order; empty when all can be printed."""
    signs = repertoire().signs
    return "".join(dict.fromkeys(sign for sign in text if sign not in signs and sign not in IGNORED))


@lru_cache(maxsize=4096)
def half_widths(text: str) -> float:
    """How many half-widths ``text`` takes on the ledger's grid."""
    widths = repertoire().widths
    return sum(widths.get(sign, 2) for sign in text)


@cache
def repertoire() -> Repertoire:
    signs: set[str] | None = None
    widths: dict[str, float] = {}
    for name in FILES:
        font = TTFont(FOLDER / name, lazy=True)
        glyphs, narrow, half = font.getBestCmap(), _grid_glyphs(font), font["head"].unitsPerEm / 2
        advances = font["hmtx"].metrics
        for code, glyph in glyphs.items():
            width = advances[narrow.get(glyph, glyph)][0] / half
            widths[chr(code)] = max(width, widths.get(chr(code), 0))
        signs = {chr(code) for code in glyphs} & (signs if signs is not None else {chr(code) for code in glyphs})
    return Repertoire(frozenset(signs or ()), widths)


def _grid_glyphs(font: TTFont) -> dict[str, str]:
    """Which glyph stands for which under the feature hwid."""
    table = font["GSUB"].table
    mapping: dict[str, str] = {}
    for record in table.FeatureList.FeatureRecord:
        if record.FeatureTag == GRID_FEATURE:
            for index in record.Feature.LookupListIndex:
                for subtable in table.LookupList.Lookup[index].SubTable:
                    mapping.update(getattr(subtable, "ExtSubTable", subtable).mapping)
    return mapping
