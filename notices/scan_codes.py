"""Codes for scanners, as drawings of our own making."""

import re
from functools import lru_cache

import segno
from barcode.codex import Code128


def code128(text: str) -> str:
    """Code 128 as SVG, one unit a module; the layout stretches it to its size."""
    (modules,) = Code128(text).build()
    path, start = [], None
    for position, module in enumerate(modules + "0"):
        if module == "1" and start is None:
            start = position
        elif module == "0" and start is not None:
            path.append(f"M{start} 0h{position - start}v10h-{position - start}z")
            start = None
    size = f'width="{len(modules)}" height="10"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}><path d="{"".join(path)}"/></svg>'


@lru_cache(maxsize=64)
def qr_code(text: str) -> str:
    """A QR code as SVG, one unit a module, with its quiet zone. All letters of a batch have the same."""
    rows = [bytes(row) for row in segno.make_qr(text, error="m").matrix_iter(border=4)]
    path = [
        f"M{run.start()} {y}h{run.end() - run.start()}v1h-{run.end() - run.start()}z"
        for y, row in enumerate(rows)
        for run in re.finditer(rb"\x01+", row)
    ]
    size = f'width="{len(rows)}" height="{len(rows)}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}><path d="{"".join(path)}"/></svg>'
