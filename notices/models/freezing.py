"""What of a document can never change once it stands."""

from typing import cast

import pgtrigger
from django.db import models

from company.freezing import FirmTrigger


class Kept(FirmTrigger):
    """Refuses to delete a row: a number that was given stays given."""

    when = pgtrigger.Before
    operation = pgtrigger.Delete
    level = pgtrigger.Row

    def get_func(self, model: type[models.Model]) -> str:
        return f"RAISE EXCEPTION '{model._meta.db_table} rows are kept' USING ERRCODE = 'restrict_violation';"


class Fixed(FirmTrigger):
    """Refuses an UPDATE that changes ``fields``, from the start or once ``after`` (SQL over OLD) holds."""

    when = pgtrigger.Before
    operation = pgtrigger.Update
    level = pgtrigger.Row

    def __init__(self, *, name: str, fields: tuple[str, ...], after: str = "TRUE") -> None:
        self.fields = fields
        self.after = after
        super().__init__(name=name)

    def get_func(self, model: type[models.Model]) -> str:
        columns = [cast("models.Field", model._meta.get_field(name)).column for name in self.fields]
        changed = " OR ".join(f"NEW.{column} IS DISTINCT FROM OLD.{column}" for column in columns)
        return f"""
            IF ({self.after}) AND ({changed}) THEN
                RAISE EXCEPTION '{model._meta.db_table}: {self.name} cannot change'
                USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NEW;
        """
