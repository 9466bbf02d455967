"""A letter, receipt or statement with invented data, to look at the layout."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from notices.default_texts import default_text
from notices.fonts import missing_glyphs
from notices.kinds import KINDS
from notices.models import NoticeKind, PaperKind
from notices.paper_layout import print_paper
from notices.press import PressError, Printed
from notices.rendering import print_letters
from notices.samples import sample_data, sample_receipt, sample_statement

PAPERS = {PaperKind.RECEIPT: (sample_receipt, "RC2025003318"), PaperKind.STATEMENT: (sample_statement, "ST2025000789")}


class Command(BaseCommand):
    help = "Write a letter, receipt or statement with invented data to a PDF file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("kind", choices=[kind.value for kind in (*KINDS, *PAPERS)])
        parser.add_argument("--out", type=Path, required=True, help="the PDF file to write")
        parser.add_argument("--rows", type=int, default=12, help="number of charges, fees or movements listed")
        parser.add_argument("--owner", help="name of the owner")
        parser.add_argument("--unit", help="the unit as letters write it")
        parser.add_argument("--final", action="store_true", help="without the mark of a draft")

    def handle(self, *, kind: str, out: Path, rows: int, final: bool, **options: Any) -> None:
        given = {name: value for name, value in {"业主": options["owner"], "房号": options["unit"]}.items() if value}
        if missing := missing_glyphs("".join(given.values())):
            raise CommandError(f"The fonts lack: {missing}")
        try:
            printed = _printed(kind, rows, given, final=final)
        except PressError as error:
            raise CommandError(str(error)) from error
        out.write_bytes(printed.pdf)
        self.stderr.write(f"{out}: {printed.pages} pages, {len(printed.pdf)} bytes")


def _printed(kind: str, rows: int, fields: dict[str, str], *, final: bool) -> Printed:
    if kind in PAPERS:
        sample, number = PAPERS[PaperKind(kind)]
        return print_paper(kind, sample(rows=rows, **fields), number)
    rules = KINDS[NoticeKind(kind)]
    (letter,) = print_letters(
        [(default_text(rules.kind), sample_data(rules, rows=rows, **fields))], rules, draft=not final
    )
    return letter
