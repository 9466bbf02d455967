"""Two acts of which the second comes while the first is not committed yet: for races that end the same every time."""

import threading
from collections.abc import Callable

from django.db import connection, transaction


def overlapping(first: Callable[[], object], second: Callable[[], object]) -> list[object]:
    """What both answer, or the exception that they raise. The second has half a second before the first commits."""
    results: list[object] = [None, None]
    started, commit = threading.Event(), threading.Event()

    def run(index: int, act: Callable[[], object]) -> None:
        try:
            with transaction.atomic():
                results[index] = act()
                if index == 0:
                    started.set()
                    commit.wait(5)
        except Exception as error:
            results[index] = error
        finally:
            started.set()
            connection.close()

    threads = [threading.Thread(target=run, args=[index, act]) for index, act in enumerate((first, second))]
    threads[0].start()
    started.wait(5)
    threads[1].start()
    threads[1].join(0.5)
    commit.set()
    for thread in threads:
        thread.join()
    return results
