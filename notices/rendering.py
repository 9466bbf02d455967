"""Letters from their frozen data: what they say by us, set by the press with our own layouts.

The same data give the same file; nothing here reads a clock or the database.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from notices import ledger_table
from notices.fields import fill, parse
from notices.fonts import missing_glyphs
from notices.kinds import KindRules
from notices.press import Printed, press
from notices.scan_codes import code128
from notices.typeset import parts

CHUNK = 25  # letters that a worker takes at once; more would leave one worker idle for longer at the end
ON_BEHALF = "（代收）"


def unprintable(body: str, data: Mapping[str, Any]) -> str:
    """The signs of a letter that the fonts lack; empty when it can be printed."""
    texts = [*data["fields"].values(), *(charge["fee"] for charge in data["charges"])]
    return missing_glyphs("".join([body, *texts]))


def print_letters(
    letters: Sequence[tuple[str, Mapping[str, Any]]], rules: KindRules, *, draft: bool = True
) -> list[Printed]:
    """A PDF for each of ``letters``: pairs of template text and data. A firm's letter is a draft until it is signed.

    Raises notices.press.PressError, for all of them together.
    """
    return press().print(rules.layout, [letter_content(body, data, rules, draft=draft) for body, data in letters])


def letter_content(body: str, data: Mapping[str, Any], rules: KindRules, *, draft: bool) -> dict[str, Any]:
    """What the layout of a letter reads."""
    fields = data["fields"]
    return {
        "title": rules.title,
        "number": fields["函号"],
        "scan": {"text": data["scan_code"], "svg": code128(data["scan_code"])},
        "draft": draft,
        "fields": fields,
        "blocks": [{"role": block.role, "text": parts(fill(block.text, fields))} for block in parse(body)],
        "ledger": ledger_table.ledger([_line(charge) for charge in data["charges"]]),
        "on-behalf": any(charge["on_behalf"] for charge in data["charges"]),
    }


def _line(charge: Mapping[str, Any]) -> ledger_table.Line:
    return ledger_table.Line(
        fee=charge["fee"] + (ON_BEHALF if charge["on_behalf"] else ""),
        period=charge["period"],
        due_on=charge["due_on"],
        amount=Decimal(charge["amount"]),
        settled=Decimal(charge["settled"]),
    )
