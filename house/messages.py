"""Compiles each .po file whose .mo is missing or older. Run inside the virtual environment."""

import os
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from house.places import ROOT


def compile_messages(root: Path) -> list[Path]:
    """Write the missing or outdated .mo files below ``root``; returns them."""
    written = []
    for source in sorted(root.glob("*/locale/*/LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
            continue
        draft = target.with_name(f"{target.name}.{os.getpid()}")
        with source.open("rb") as po, draft.open("wb") as mo:
            write_mo(mo, read_po(po))
        draft.replace(target)
        written.append(target)
    return written


if __name__ == "__main__":
    compile_messages(ROOT)
