"""Django's migrate, as the role that owns the tables: the application's role may not change them."""

from django.core.management.base import CommandParser
from django.core.management.commands.migrate import Command as DjangoMigrate


class Command(DjangoMigrate):
    """Migrates through the connection "owner" unless another is named."""

    def add_arguments(self, parser: CommandParser) -> None:
        """Django's arguments with another default database."""
        super().add_arguments(parser)
        parser.set_defaults(database="owner")
