"""Parents of rows that come by the hundred thousand.

A foreign key is looked up for each row, at COMMIT, and only proves that the parent is there. Where parents can never go
away (frozen, see freezing.freeze, or kept, see freezing.keep), one query after each INSERT proves the same for all of
its rows at once, and that what a row repeats of its parent is what the parent says. Such a field is declared with
``db_constraint=False`` and named in ``Meta.triggers = names_parents(…)``.
"""

from dataclasses import dataclass
from typing import Any, cast

import pgtrigger
from django.db import models

from company.freezing import FirmTrigger, GuardsColumns, column_of


@dataclass(frozen=True, slots=True)
class Parent:
    """``field`` points at the parent; ``same`` are fields that must say what those of the same name say there."""

    field: str
    same: tuple[str, ...] = ("project",)


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
        return "\n".join(_refusal(model, parent) for parent in self.parents) + "\nRETURN NULL;"


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


def names_parents(*parents: Parent) -> list[pgtrigger.Trigger]:
    """Triggers of a frozen model that check its parents a statement at a time."""
    return [NamesParents(*parents)]


def repeats(*parents: Parent) -> list[pgtrigger.Trigger]:
    """Triggers of a mutable model that check its parents, and keep what it repeats of them."""
    fields = dict.fromkeys(name for parent in parents for name in (parent.field, *parent.same))
    return [NamesParents(*parents), KeepsCopies(*fields, name="keeps_copies")]


def _refusal(model: type[models.Model], parent: Parent) -> str:
    target = cast("models.ForeignKey[Any]", model._meta.get_field(parent.field)).related_model
    column, key = column_of(model, parent.field), cast(Any, target)._meta.pk.column
    same = "".join(
        f" AND parent.{column_of(cast(Any, target), name)} = fresh.{column_of(model, name)}" for name in parent.same
    )
    return f"""
            IF EXISTS (
                SELECT FROM fresh LEFT JOIN {cast(Any, target)._meta.db_table} AS parent
                    ON parent.{key} = fresh.{column}{same}
                WHERE fresh.{column} IS NOT NULL AND parent.{key} IS NULL
            ) THEN
                RAISE EXCEPTION 'a row of {model._meta.db_table} contradicts its {parent.field}, or has none'
                    USING ERRCODE = 'foreign_key_violation';
            END IF;
    """
