"""Rows of an uploaded workbook, read in a process of its own so that a hostile file costs that process only."""

import json
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import chain, groupby
from operator import itemgetter
from pathlib import Path
from typing import IO, Any

from django.conf import settings

READER = Path(__file__).with_name("reader.py")
SHEET_NAME_LENGTH = 60  # what the tables keep; only .ods files have longer ones
HARMLESS = {("datetime", "date"): date, ("datetime", "datetime"): datetime}

Cell = str | float | int | date | datetime
Place = tuple[str, int, int]
"""Sheet, row counted from 1, column counted from 0."""


class Refusal(Exception):
    """The file as a whole is refused. ``code`` and ``params`` make the sentence (arrears.importing.messages)."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.code, self.params = code, params


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows of a sheet that are not blank, with the numbers that the sheet gives them.

    ``covered``: empty cells under the first one of merged cells, as index of the row and column of the sheet.
    """

    numbers: list[int]
    rows: list[list[Cell]]
    covered: frozenset[tuple[int, int]] = frozenset()


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet whose rows can be walked once. ``name`` is empty for a text file."""

    name: str
    first_column: int
    _rows: Iterator[tuple[Any, ...]]

    def chunks(self) -> Iterator[Chunk]:
        """The rows, some thousand at a time."""
        for message in self._rows:
            yield _chunk(message)

    def with_head(self) -> tuple[Chunk, "Sheet"]:
        """The first rows, and the same sheet still to be walked from the start."""
        first = next(self._rows)
        return _chunk(first), replace(self, _rows=chain([first], self._rows))

    def watched(self, on_rows: Callable[[int], None]) -> "Sheet":
        """The same sheet; ``on_rows`` is told of the rows of each chunk that is walked."""

        def walked() -> Iterator[tuple[Any, ...]]:
            for message in self._rows:
                yield message
                on_rows(len(message[3]))

        return replace(self, _rows=walked())


def _chunk(message: tuple[Any, ...]) -> Chunk:
    _kind, _name, _first_column, numbers, rows, covered = message
    return Chunk(numbers, rows, frozenset(covered))


class _PlainUnpickler(pickle.Unpickler):
    """Takes plain values and dates, and nothing that could run: the sender has read a stranger's file."""

    def find_class(self, module: str, name: str) -> Any:
        try:
            return HARMLESS[module, name]
        except KeyError:
            raise Refusal("damaged") from None


@contextmanager
def opened(path: Path) -> Iterator[Iterator[Sheet]]:
    """The sheets of the workbook at ``path``, one after the other. Raises Refusal when it cannot be read."""
    with _reader({"do": "read", "path": str(path), "rows": settings.IMPORT_MAX_ROWS}) as messages:
        yield _sheets(messages)


def inspected(path: Path, cells: list[Place]) -> Mapping[Place, str]:
    """What stands in cells that were read as empty: a formula without a value, or an error. Empty when unreadable."""
    try:
        with _reader({"do": "inspect", "path": str(path), "cells": cells}) as messages:
            return next((message[1] for message in messages if message[0] == "cells"), {})
    except Refusal:  # the message about the cell is then less exact, and the row stays refused
        return {}


def _sheets(messages: Iterator[tuple[Any, ...]]) -> Iterator[Sheet]:
    rows = (message for message in messages if message[0] == "rows")
    for (name, first_column), of_sheet in groupby(rows, key=itemgetter(1, 2)):
        yield Sheet(name[:SHEET_NAME_LENGTH], first_column, of_sheet)


@contextmanager
def _reader(order: dict[str, Any]) -> Iterator[Iterator[tuple[Any, ...]]]:
    limits = {
        "memory_mb": settings.IMPORT_READER_MB,
        "seconds": settings.IMPORT_READER_SECONDS,
        "unpacked_mb": settings.IMPORT_MAX_UNPACKED_MB,
    }
    process = subprocess.Popen(
        [sys.executable, "-I", str(READER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdin is not None  # noqa: S101  asked for above
    assert process.stdout is not None  # noqa: S101
    try:
        process.stdin.write(json.dumps(order | limits).encode())
        process.stdin.close()
        yield _messages(process, process.stdout)
    finally:
        process.kill()
        process.stdout.close()
        process.wait()


def _messages(process: subprocess.Popen[bytes], stream: IO[bytes]) -> Iterator[tuple[Any, ...]]:
    while True:
        try:
            message = _PlainUnpickler(stream).load()
        except (EOFError, pickle.UnpicklingError):
            raise _refusal_of(process.wait()) from None
        if message[0] == "refused":
            raise Refusal(message[1], **message[2])
        yield message
        if message[0] in ("end", "cells"):
            return


def _refusal_of(status: int) -> Refusal:
    """Why a reader that said nothing has ended."""
    if status in (-signal.SIGXCPU, -signal.SIGKILL):
        return Refusal("takes_too_long")
    return Refusal("unpacks_too_big" if status == -signal.SIGABRT else "damaged")
