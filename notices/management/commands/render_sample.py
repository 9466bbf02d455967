"""A letter with invented data, to look at the layout."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from notices.default_texts import default_text
from notices.fonts import missing_glyphs
from notices.kinds import KINDS
from notices.models import NoticeKind
from notices.press import PressError
from notices.rendering import print_letters
from notices.samples import sample_data


class Command(BaseCommand):
    help = "Write a letter with invented data to a PDF file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("kind", choices=[kind.value for kind in KINDS])
        parser.add_argument("--out", type=Path, required=True, help="the PDF file to write")
        parser.add_argument("--rows", type=int, default=12, help="number of charges listed")
        parser.add_argument("--owner", help="name of the owner")
        parser.add_argument("--unit", help="the unit as letters write it")
        parser.add_argument("--final", action="store_true", help="without the mark of a draft")

    def handle(self, *, kind: str, out: Path, rows: int, final: bool, **options: Any) -> None:
        rules = KINDS[NoticeKind(kind)]
        given = {"业主": options["owner"], "房号": options["unit"]}
        data = sample_data(rules, rows=rows, **{name: value for name, value in given.items() if value})
        if missing := missing_glyphs("".join(data["fields"].values())):
            raise CommandError(f"The fonts lack: {missing}")
        try:
            (printed,) = print_letters([(default_text(rules.kind), data)], rules, draft=not final)
        except PressError as error:
            raise CommandError(str(error)) from error
        out.write_bytes(printed.pdf)
        self.stderr.write(f"{out}: {printed.pages} pages, {len(printed.pdf)} bytes")
