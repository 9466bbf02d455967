"""Letters from their frozen data: what they say by us, set by the press with our own layouts.

The same data give the same file; nothing here reads a clock or the database.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from notices import ledger_table
from notices.fee_table import ON_BEHALF, fee_summary, fee_table
from notices.fields import fill, parse, standing, used_fields
from notices.fonts import missing_glyphs
from notices.kinds import KINDS, KindRules
from notices.models import ImagePurpose, NoticeKind, SlipPaper
from notices.press import Printed, press
from notices.scan_codes import code128, qr_code
from notices.typeset import parts

CHUNK = 25  # letters that a worker takes at once; more would leave one worker idle for longer at the end
NEUTRAL_PAPERS = {SlipPaper.A6, SlipPaper.A5}
ON_SLIPS = KINDS[NoticeKind.DOOR_SLIP].by_layout


def unprintable(body: str, data: Mapping[str, Any]) -> str:
    """The signs of a letter that the fonts lack; empty when it can be printed."""
    fields = data["fields"]
    if data.get("paper") in NEUTRAL_PAPERS:  # who is meant stands nowhere on it
        return missing_glyphs(body + "".join(fields.get(name, "") for name in used_fields(body).union(ON_SLIPS)))
    charges = [f"{charge['fee']}{charge.get('computed_from', '')}" for charge in data.get("charges", ())]
    return missing_glyphs("".join([body, *fields.values(), *charges]))


def print_letters(
    letters: Sequence[tuple[str, Mapping[str, Any]]],
    rules: KindRules,
    *,
    draft: bool = True,
    pictures: Mapping[str, bytes] | None = None,
) -> list[Printed]:
    """A PDF for each of ``letters``: pairs of template text and data. A firm's letter is a draft until it is signed.

    ``pictures``: the PNG files that the data name (``picture_names``). Raises notices.press.PressError, for all of
    them together.
    """
    contents = [letter_content(body, data, rules, draft=draft) for body, data in letters]
    return press().print(rules.layout, contents, pictures=pictures)


def picture_names(letters: Sequence[Mapping[str, Any]]) -> set[str]:
    """Names (SHA-256) of the pictures that these data of letters need."""
    return {data["images"][use] for data in letters for use in ImagePurpose.values if use in data.get("images", {})}


def letter_content(body: str, data: Mapping[str, Any], rules: KindRules, *, draft: bool) -> dict[str, Any]:
    """What the layout of a letter reads."""
    fields = data["fields"]
    values = {**fields, **{name: blank for name, blank in rules.blanks.items() if not fields.get(name)}}
    blocks = [(block.role, fill(block.text, values)) for block in standing(parse(body), data.get("sections", ()))]
    content = {
        "title": rules.title,
        "number": fields["函号"],
        "number-label": rules.number_label,
        "scan": {"text": data["scan_code"], "svg": code128(data["scan_code"])},
        "draft": draft and rules.needs_mandate,
        "corrects": data.get("corrects", ""),
        "fields": fields,
        "blocks": [{"role": role, "text": parts(text)} for role, text in blocks],
        "on-behalf": any(charge["on_behalf"] for charge in data.get("charges", ())),
    }
    return content | _tables(rules, data, [text for _, text in blocks]) | _images(data.get("images", {}))


def _tables(rules: KindRules, data: Mapping[str, Any], text: Sequence[str]) -> dict[str, Any]:
    if rules.kind == NoticeKind.FEE_NOTICE:
        return {"fees": fee_table(data["charges"], text)}
    if rules.kind == NoticeKind.DOOR_SLIP:
        paper = data.get("paper") or SlipPaper.A6
        folded = paper == SlipPaper.FOLDED
        return {"paper": paper, "fees": fee_summary(data["by_fee"]) if folded else None}
    if rules.kind in NoticeKind:
        return {"ledger": ledger_table.ledger([_line(charge) for charge in data["charges"]])}
    return {}


def _images(images: Mapping[str, str]) -> dict[str, Any]:
    """Pictures by name; the code for paying is drawn by us where an address is on file."""
    link = images.get("payment_link")
    return {"images": {use: images.get(use) for use in ImagePurpose.values}, "pay": qr_code(link) if link else None}


def _line(charge: Mapping[str, Any]) -> ledger_table.Line:
    return ledger_table.Line(
        fee=charge["fee"] + (ON_BEHALF if charge["on_behalf"] else ""),
        period=charge["period"],
        due_on=charge["due_on"],
        amount=Decimal(charge["amount"]),
        settled=Decimal(charge["settled"]),
    )
