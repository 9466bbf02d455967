"""Servers of a benchmark's own under ARREARS_VAR/bench, empty at the start and gone at the end."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SERVER_ADDRESSES = ("DATABASE_URL", "MIGRATION_DATABASE_URL", "REDIS_URL")


@contextmanager
def own_servers() -> Iterator[None]:
    """PostgreSQL and Valkey with migrated tables, Django set up on them; removed with everything they hold."""
    os.environ["ARREARS_VAR"] = str(Path(os.environ.get("ARREARS_VAR", "var")).absolute() / "bench")
    for name in SERVER_ADDRESSES:
        os.environ.pop(name, None)
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    from config.prepare import prepare

    prepare(demo=False)
    try:
        yield
    finally:
        _clear_away()


def _clear_away() -> None:
    from django.db import connections

    from config import embedded
    from config.environment import var_dir

    connections.close_all()
    embedded.stop(var_dir())
    shutil.rmtree(var_dir())
