"""How far a worker has come with an import, for the bar on its page. Kept in the cache: losing it costs nothing."""

from collections.abc import Iterable, Iterator

from django.core.cache import cache

from arrears.importing.reading import Sheet

KEPT_SECONDS = 600


def key_of(import_id: int) -> str:
    return f"import-progress-{import_id}"


def tell(import_id: int, rows: int) -> None:
    """Note that a worker has gone through so many rows of the import."""
    cache.set(key_of(import_id), rows, KEPT_SECONDS)


def rows_done(import_id: int) -> int:
    """How many rows the worker has gone through; 0 where nothing is known."""
    return int(cache.get(key_of(import_id)) or 0)


def telling(import_id: int, sheets: Iterable[Sheet]) -> Iterator[Sheet]:
    """The same sheets; what is walked of them is told as progress of the import."""
    done = 0

    def add(rows: int) -> None:
        nonlocal done
        done += rows
        tell(import_id, done)

    tell(import_id, 0)
    for sheet in sheets:
        yield sheet.watched(add)
