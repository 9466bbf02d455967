"""Parents of rows that come by the hundred thousand.

A foreign key is looked up for each row, at COMMIT, and only proves that the parent is there. One query after each
INSERT proves the same for all of its rows at once, and that what a row repeats of its parent is what the parent says.
That is enough where parents never go away: frozen (freezing.freeze) or kept (freezing.keep). A parent that may go away
while nobody names it is locked, each once, and refuses DELETE when somebody does (``kept_while_named``). Such fields
are declared with ``db_constraint=False`` and named in ``Meta.triggers``. docs/decisions/0015 says what this saves.
"""

from dataclasses import dataclass
from typing import cast

import pgtrigger
from django.apps import apps
from django.db import models

from company.freezing import FirmTrigger, GuardsColumns, column_of


@dataclass(frozen=True, slots=True)
class Parent:
    """``field`` points at the parent; ``same`` are fields that must say what those of the same name say there.

    ``may_go``: the parent may be deleted while nobody names it.
    """

    field: str
    same: tuple[str, ...] = ("project",)
    may_go: bool = False


class NamesParents(FirmTrigger):
    """Refuses new rows whose parent is missing or says otherwise."""

    when = pgtrigger.After
    operation = pgtrigger.Insert
    level = pgtrigger.Statement
    referencing = pgtrigger.Referencing(new="fresh")

    def __init__(self, *parents: Parent) -> None:
        self.parents = parents
        super().__init__(name="names_parents")

    def get_func(self, model: type[models.Model]) -> str:
        locks = "".join(_lock(model, parent) for parent in self.parents if parent.may_go)
        joins = "".join(_join(model, parent, at) for at, parent in enumerate(self.parents))
        orphans = " OR ".join(_is_orphan(model, parent, at) for at, parent in enumerate(self.parents))
        return f"""
            {locks}
            IF EXISTS (SELECT FROM fresh {joins} WHERE {orphans}) THEN
                RAISE EXCEPTION 'a row of {model._meta.db_table} contradicts what it names, or names nothing'
                    USING ERRCODE = 'foreign_key_violation';
            END IF;
            RETURN NULL;
        """


class KeepsCopies(GuardsColumns):
    """Refuses to change what a mutable row repeats of its parent."""

    def get_func(self, model: type[models.Model]) -> str:
        return f"""
            IF NOT {self.unchanged(model)} THEN
                RAISE EXCEPTION '{model._meta.db_table} repeats what its parent says'
                    USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NEW;
        """


class KeptWhileNamed(FirmTrigger):
    """Refuses DELETE of a parent that rows of other models name. It runs when the row is locked already."""

    when = pgtrigger.Before
    operation = pgtrigger.Delete
    level = pgtrigger.Row

    def __init__(self, *names: tuple[str, str]) -> None:
        self.names = names
        super().__init__(name="kept_while_named")

    def get_func(self, model: type[models.Model]) -> str:
        return "\n".join(self._refusal(model, *name) for name in self.names) + "\nRETURN OLD;"

    def _refusal(self, model: type[models.Model], label: str, field: str) -> str:
        child = apps.get_model(label)
        return f"""
            IF EXISTS (
                SELECT FROM {child._meta.db_table} AS child
                WHERE child.project_id = OLD.project_id AND child.{column_of(child, field)} = OLD.id
            ) THEN
                RAISE EXCEPTION 'rows of {child._meta.db_table} name this row of {model._meta.db_table}'
                    USING ERRCODE = 'foreign_key_violation';
            END IF;
        """


def kept_while_named(*names: tuple[str, str]) -> list[pgtrigger.Trigger]:
    """Triggers of a parent that may go away; ``names`` are models (``app.Model``) and their fields that name it."""
    return [KeptWhileNamed(*names)]


def names_parents(*parents: Parent) -> list[pgtrigger.Trigger]:
    """Triggers of a frozen model that check its parents a statement at a time."""
    return [NamesParents(*parents)]


def repeats(*parents: Parent) -> list[pgtrigger.Trigger]:
    """Triggers of a mutable model that check its parents, and keep what it repeats of them."""
    fields = dict.fromkeys(name for parent in parents for name in (parent.field, *parent.same))
    return [NamesParents(*parents), KeepsCopies(*fields, name="keeps_copies")]


def _target(model: type[models.Model], parent: Parent) -> type[models.Model]:
    return cast("type[models.Model]", model._meta.get_field(parent.field).related_model)


def _lock(model: type[models.Model], parent: Parent) -> str:
    return f"""
            PERFORM FROM {_target(model, parent)._meta.db_table} AS parent
            WHERE parent.id IN (SELECT fresh.{column_of(model, parent.field)} FROM fresh)
            ORDER BY parent.id FOR KEY SHARE;"""  # noqa: S608  names of our models


def _join(model: type[models.Model], parent: Parent, at: int) -> str:
    target = _target(model, parent)
    pairs = [(column_of(target, "pk"), column_of(model, parent.field))]
    pairs += [(column_of(target, name), column_of(model, name)) for name in parent.same]
    condition = " AND ".join(f"p{at}.{theirs} = fresh.{ours}" for theirs, ours in pairs)
    return f"""
                LEFT JOIN {target._meta.db_table} AS p{at} ON {condition}"""


def _is_orphan(model: type[models.Model], parent: Parent, at: int) -> str:
    missing = f"p{at}.{column_of(_target(model, parent), 'pk')} IS NULL"
    is_optional = model._meta.get_field(parent.field).null
    return f"(fresh.{column_of(model, parent.field)} IS NOT NULL AND {missing})" if is_optional else missing
