"""A planned merge written to the register, a few statements for all of it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from django.db.models import Model

from owners.columns import set_column, text_of
from owners.list_merging import Change, Merge
from owners.listed import Source
from owners.models import Address, Email, EmergencyContact, Occupant, Owner, Ownership, OwnershipMember, Phone
from owners.parties import pinyin_initials

IN_ORDER: tuple[type[Model], ...] = (
    Owner,
    Ownership,
    OwnershipMember,
    Phone,
    Address,
    Email,
    EmergencyContact,
    Occupant,
)
BATCH = 2000
SECRET = frozenset({"id_number"})
"""Columns whose values are written, and not told to who keeps the trace."""


class Written(NamedTuple):
    """A row that was made, or a column of it that was changed, as text."""

    source: Source
    row: Model
    column: str = ""
    before: str | None = None
    after: str | None = None


def write_merge(merge: Merge) -> list[Written]:
    """Write what is planned; the caller holds the register's locks. Returns everything that was written."""
    changed = list(_write_changes([*merge.changed, *merge.confirmed]))
    return changed + list(_write_made(merge))


def _write_changes(changes: Iterable[Change]) -> Iterator[Written]:
    """Changes first: what ends or moves makes room for what is made."""
    by_column: defaultdict[tuple[type[Model], str], dict[int, Change]] = defaultdict(dict)
    for change in changes:
        of_column = by_column[type(change.row), change.column]
        earlier = of_column.get(change.row.pk)
        of_column[change.row.pk] = change._replace(before=earlier.before) if earlier else change
    for (model, column), of_column in sorted(by_column.items(), key=lambda item: item[0][1] == "owner"):
        texts = {key: text_of(model, column, change.after) for key, change in of_column.items()}
        set_column(model, column, texts)
        if column in SECRET:
            continue
        for key, change in of_column.items():
            yield Written(change.source, change.row, column, text_of(model, column, change.before), texts[key])


def _write_made(merge: Merge) -> Iterator[Written]:
    for model in IN_ORDER:
        made = [one for one in merge.made if isinstance(one.row, model)]
        for one in made:
            if isinstance(one.row, Owner):  # not while planning: a check would pay for it too
                one.row.pinyin_initials = pinyin_initials(one.row.name)
        model._default_manager.bulk_create([one.row for one in made], batch_size=BATCH)
        for one in made:
            yield Written(one.source, one.row)
