"""A document with invented data, to look at the layout."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from notices.default_texts import default_text
from notices.fonts import missing_glyphs
from notices.kinds import KINDS, TEXT_KINDS
from notices.labels import label_content, print_labels
from notices.models import Channel, NoticeKind, PaperKind, SlipPaper
from notices.paper_layout import print_paper
from notices.press import PressError, Printed
from notices.rendering import print_letters
from notices.samples import sample_addressee, sample_data, sample_pictures, sample_receipt, sample_statement

PAPERS = {PaperKind.RECEIPT: (sample_receipt, "RC2025003318"), PaperKind.STATEMENT: (sample_statement, "ST2025000789")}
LABELS = {"ems_label": (NoticeKind.EMS_NOTICE, Channel.EMS), "post_label": (NoticeKind.FEE_NOTICE, Channel.POST)}


class Command(BaseCommand):
    help = "Write a document with invented data to a PDF file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("kind", choices=[*(kind.value for kind in (*TEXT_KINDS, *PAPERS)), *LABELS])
        parser.add_argument("--out", type=Path, required=True, help="the PDF file to write")
        parser.add_argument("--rows", type=int, default=12, help="number of charges, fees or movements listed")
        parser.add_argument("--owner", help="name of the owner")
        parser.add_argument("--unit", help="the unit as letters write it; the address of a label")
        parser.add_argument("--size", choices=SlipPaper.values, default=SlipPaper.A6, help="of a door slip")
        parser.add_argument("--late-fee", action="store_true", help="with a late fee that was assessed")
        parser.add_argument(
            "--pictures", action="store_true", help="with letterhead, seal, signature and code for paying"
        )
        parser.add_argument("--final", action="store_true", help="without the mark of a draft")

    def handle(self, *, kind: str, out: Path, **options: Any) -> None:
        given = [value for value in (options["owner"], options["unit"]) if value]
        if missing := missing_glyphs("".join(given)):
            raise CommandError(f"The fonts lack: {missing}")
        try:
            printed = _printed(kind, **options)
        except PressError as error:
            raise CommandError(str(error)) from error
        out.write_bytes(printed.pdf)
        self.stderr.write(f"{out}: {printed.pages} pages, {len(printed.pdf)} bytes")


def _printed(
    kind: str, *, rows: int, owner: str | None, unit: str | None, size: str, late_fee: bool, pictures: bool,
    final: bool, **_options: Any,
) -> Printed:  # fmt: skip
    fields = {name: value for name, value in {"业主": owner, "房号": unit}.items() if value}
    if kind in PAPERS:
        sample, number = PAPERS[PaperKind(kind)]
        return print_paper(kind, sample(rows=rows, **fields), number)
    if kind in LABELS:
        return _label(*LABELS[kind], owner, unit)
    rules = next(rules for rules in TEXT_KINDS.values() if rules.kind == kind)
    data = sample_data(rules, rows=rows, paper=size, has_late_fee=late_fee, **fields)
    files: dict[str, bytes] = {}
    if pictures:
        data["images"], files = sample_pictures(rules)
    (letter,) = print_letters([(default_text(rules.kind), data)], rules, draft=not final, pictures=files)
    return letter


def _label(kind: NoticeKind, channel: Channel, owner: str | None, address: str | None) -> Printed:
    given = {name: value for name, value in {"name": owner, "address": address}.items() if value}
    content = label_content(sample_addressee(**given), [sample_data(KINDS[kind])], KINDS[kind], channel)
    ((label,),) = print_labels([content])
    return label
