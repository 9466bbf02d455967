"""One column of many rows at once, each row with its own value, as text."""

from collections.abc import Mapping
from datetime import date
from typing import Any, cast

from django.db import connection
from django.db.models import Field, Model
from psycopg import sql


def text_of(model: type[Model], column: str, value: Any) -> str | None:
    """``value`` as the database reads it from text; of a row its key. Encrypted columns give a fresh token."""
    if value is None:
        return None
    if isinstance(value, Model):
        return str(value.pk)
    prepared = _field(model, column).get_prep_value(value)
    return prepared.isoformat() if isinstance(prepared, date) else str(prepared)


def set_column(model: type[Model], column: str, values: Mapping[int, str | None]) -> None:
    """Give the rows with these keys the values, one statement for all of them."""
    statement = "UPDATE {table} AS one SET {column} = said.value::{type} FROM {said} WHERE one.id = said.id"
    _run(statement, model, column, values)


def keys_that_differ(model: type[Model], column: str, values: Mapping[int, str | None]) -> set[int]:
    """Those of the keys whose row is gone or has another value by now."""
    statement = """
        SELECT said.id FROM {said} LEFT JOIN {table} AS one ON one.id = said.id
        WHERE one.id IS NULL OR one.{column} IS DISTINCT FROM said.value::{type}
    """
    return {key for (key,) in _run(statement, model, column, values)}


def _run(statement: str, model: type[Model], column: str, values: Mapping[int, str | None]) -> list[tuple[Any, ...]]:
    if not values:
        return []
    field = _field(model, column)
    composed = sql.SQL(statement).format(
        table=sql.Identifier(model._meta.db_table),
        column=sql.Identifier(str(field.column)),
        type=sql.SQL(field.db_type(connection) or "text"),
        said=sql.SQL("unnest(%s::bigint[], %s::text[]) AS said (id, value)"),
    )
    with connection.cursor() as cursor:
        cursor.execute(composed, [list(values), list(values.values())])
        return list(cursor.fetchall()) if cursor.description else []


def _field(model: type[Model], column: str) -> "Field[Any, Any]":
    return cast("Field[Any, Any]", model._meta.get_field(column))
