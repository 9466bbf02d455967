"""Rows that may only be added.

A frozen model names its trigger in ``Meta.triggers = freeze()``. Two defences follow from that one line: the trigger
refuses UPDATE and DELETE for everybody, and after each migration the application's database role is granted only
SELECT and INSERT on the table (plus UPDATE of the columns that may be set once).
"""

from typing import Any, cast

import pgtrigger
from django.apps import AppConfig
from django.conf import settings
from django.db import connections, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from pgtrigger import compiler


class FirmTriggerSql(compiler.UpsertTriggerSql):
    """Installs a trigger without pgtrigger's way around it: ``pgtrigger.ignore()`` is a mere session setting."""

    def get_template(self) -> str:
        return """
            CREATE OR REPLACE FUNCTION {pgid}()
            RETURNS TRIGGER AS $$
                {declare}
                BEGIN
                    {func}
                END;
            $$ LANGUAGE plpgsql;

            DROP TRIGGER IF EXISTS {pgid} ON {table};
            CREATE {constraint} TRIGGER {pgid}
                {when} {operation} ON {table}
                {timing}
                {referencing}
                FOR EACH {level} {condition}
                EXECUTE PROCEDURE {execute};

            COMMENT ON TRIGGER {pgid} ON {table} IS '{hash}';
        """


class FirmTrigger(pgtrigger.Trigger):
    """A trigger that no session of the application can switch off."""

    def compile(self, model: type[models.Model]) -> compiler.Trigger:
        compiled = super().compile(model)
        kwargs = {key: value for key, value in compiled.sql.kwargs.items() if key != "ignore_func_name"}
        return compiler.Trigger(name=compiled.name, sql=FirmTriggerSql(**kwargs))


class Freeze(FirmTrigger):
    """Refuses DELETE and every UPDATE but one: setting a column of ``once`` from NULL to a value."""

    when = pgtrigger.Before
    operation = pgtrigger.Update | pgtrigger.Delete
    level = pgtrigger.Row

    def __init__(self, *, once: tuple[str, ...] = ()) -> None:
        self.once = once
        super().__init__(name="freeze")

    def get_func(self, model: type[models.Model]) -> str:
        columns = [column_of(model, name) for name in self.once]
        rest = "".join(f" - '{column}'" for column in columns)
        unset = "".join(f" AND (OLD.{column} IS NULL OR OLD.{column} = NEW.{column})" for column in columns)
        refuse = (
            f"RAISE EXCEPTION '{model._meta.db_table} is append-only' USING ERRCODE = 'restrict_violation', "
            "HINT = 'Post a reversal instead.';"
        )
        if not columns:
            return refuse
        return f"""
            IF TG_OP = 'UPDATE' AND (to_jsonb(NEW){rest}) = (to_jsonb(OLD){rest}){unset} THEN
                RETURN NEW;
            END IF;
            {refuse}
        """


def freeze(*, once: tuple[str, ...] = ()) -> list[pgtrigger.Trigger]:
    """Triggers of an append-only model; ``once`` names fields that may be set a single time, such as reversed_by."""
    return [Freeze(once=once)]


class GuardsColumns(FirmTrigger):
    """Runs before ``fields`` of a row change, and before whatever else ``operations`` name."""

    when = pgtrigger.Before
    operation = pgtrigger.Update
    level = pgtrigger.Row
    operations: tuple[pgtrigger.Operation, ...] = ()

    def __init__(self, *fields: str, name: str) -> None:
        self.fields = fields
        super().__init__(name=name)

    def compile(self, model: type[models.Model]) -> compiler.Trigger:
        columns = (column_of(model, name) for name in self.fields)
        self.operation = pgtrigger.Operations(pgtrigger.UpdateOf(*columns), *self.operations)
        return super().compile(model)

    def unchanged(self, model: type[models.Model]) -> str:
        """A condition: none of the fields gets another value."""
        columns = [column_of(model, name) for name in self.fields]
        new, old = (", ".join(f"{row}.{column}" for column in columns) for row in ("NEW", "OLD"))
        return f"({new}) IS NOT DISTINCT FROM ({old})"


class Keep(GuardsColumns):
    """Refuses DELETE, and UPDATE of what other rows rely on."""

    operations = (pgtrigger.Delete,)

    def get_func(self, model: type[models.Model]) -> str:
        return f"""
            IF TG_OP = 'UPDATE' AND {self.unchanged(model)} THEN
                RETURN NEW;
            END IF;
            RAISE EXCEPTION 'rows of {model._meta.db_table} are kept' USING ERRCODE = 'restrict_violation';
        """


def keep(*fields: str) -> list[pgtrigger.Trigger]:
    """Triggers of a model whose rows are never deleted and keep ``fields``, so that others may rely on them."""
    return [Keep("id", *fields, name="keep")]


def freeze_of(model: type[models.Model]) -> Freeze | None:
    """The freeze of ``model``, or None where its rows may change."""
    return next((t for t in getattr(model._meta, "triggers", ()) if isinstance(t, Freeze)), None)


def is_kept(model: type[models.Model]) -> bool:
    """Whether rows of ``model`` can never be deleted."""
    return any(isinstance(trigger, Freeze | Keep) for trigger in getattr(model._meta, "triggers", ()))


def column_of(model: type[models.Model], name: str) -> str:
    """The column of a field, for SQL."""
    field = model._meta.pk if name == "pk" else model._meta.get_field(name)
    return str(cast("models.Field[Any, Any]", field).column)


def grant_application_rights(sender: AppConfig, using: str, **_: Any) -> None:
    """After a migration by the owner: give the application's role what it needs on the tables of ``sender``."""
    connection = connections[using]
    role = settings.APPLICATION_ROLE
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user <> %s AND EXISTS (SELECT FROM pg_roles WHERE rolname = %s)", [role, role])
        if not cursor.fetchone()[0]:
            return
        quoted = connection.ops.quote_name(role)
        cursor.execute(f"GRANT USAGE ON SCHEMA public TO {quoted}")
        cursor.execute(f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {quoted}")
        cursor.execute(f"GRANT SELECT ON django_migrations TO {quoted}")
        for model in sender.get_models(include_auto_created=True):
            if model._meta.managed and not model._meta.proxy:
                for statement in _grants(model, quoted, connection.schema_editor()):
                    cursor.execute(statement)


def _grants(model: type[models.Model], role: str, editor: BaseDatabaseSchemaEditor) -> list[str]:
    table = editor.quote_name(model._meta.db_table)
    frozen = freeze_of(model)
    if frozen is None:
        grants = [f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {role}"]
        return [*grants, f"REVOKE DELETE ON {table} FROM {role}"] if is_kept(model) else grants
    grants = [f"REVOKE ALL ON {table} FROM {role}", f"GRANT SELECT, INSERT ON {table} TO {role}"]
    for name in frozen.once:
        grants.append(f"GRANT UPDATE ({editor.quote_name(column_of(model, name))}) ON {table} TO {role}")
    return grants
