"""Reads the first sheet of a small workbook of a stranger in a process of its own, with limits of memory and time.

Run as ``python -I sheet_reader.py`` by company.sheets, with the workbook on standard input; it knows nothing of Django.
On standard output it writes the rows as JSON. Of two cells at the far ends of a sheet the reading library makes a
table of terabytes and ends its process: then that is this one. Exit status 3 for what is no workbook.
"""

import io
import json
import resource
import sys
from typing import Any

MEMORY_MB, SECONDS = 512, 10
NO_WORKBOOK = 3


def main() -> int:
    """Read, write, and say by the exit status how it went."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MB << 20, MEMORY_MB << 20))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    import python_calamine as calamine

    try:
        book = calamine.CalamineWorkbook.from_filelike(io.BytesIO(sys.stdin.buffer.read()))
        rows = book.get_sheet_by_index(0).to_python() if book.sheet_names else []
    except (calamine.CalamineError, OSError, ValueError):
        return NO_WORKBOOK
    json.dump([[_as_text(cell) for cell in row] for row in rows], sys.stdout)
    return 0


def _as_text(cell: Any) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))  # a mobile number typed as a number
    return str(cell).strip()


if __name__ == "__main__":
    sys.exit(main())
