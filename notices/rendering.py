"""Letters from their frozen data: HTML by our own layout, PDF by the press.

The same data give the same text; nothing here reads a clock or the database.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.template.loader import render_to_string

from notices.fields import Block, fill, parse
from notices.fonts import missing_glyphs
from notices.kinds import KindRules
from notices.ledger_table import Line
from notices.press import Printed, press

CHUNK = 50
DOCUMENT = (
    '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>{title}</title></head>'
    "<body>{body}</body></html>"
)
ON_BEHALF = "(代收)"


@dataclass(frozen=True)
class Letter:
    """What the layout of one letter reads."""

    rules: KindRules
    position: int
    body: str
    data: Mapping[str, Any]

    @property
    def anchor(self) -> str:
        return f"letter-{self.position}"

    @property
    def odd(self) -> bool:
        return self.position % 2 == 1

    @property
    def title(self) -> str:
        return self.rules.title

    @property
    def scan_code(self) -> str:
        return str(self.data["scan_code"])

    @property
    def fields(self) -> Mapping[str, str]:
        return self.data["fields"]  # type: ignore[no-any-return]

    @property
    def blocks(self) -> list[Block]:
        return [Block(block.role, fill(block.text, self.fields)) for block in parse(self.body)]

    @property
    def lines(self) -> list[Line]:
        return [
            Line(
                fee=charge["fee"] + (ON_BEHALF if charge["on_behalf"] else ""),
                period=charge["period"],
                due_on=charge["due_on"],
                amount=Decimal(charge["amount"]),
                settled=Decimal(charge["settled"]),
            )
            for charge in self.data["charges"]
        ]

    @property
    def on_behalf(self) -> bool:
        return any(charge["on_behalf"] for charge in self.data["charges"])


def unprintable(body: str, data: Mapping[str, Any]) -> str:
    """The signs of a letter that the fonts lack; empty when it can be printed."""
    texts = [*data["fields"].values(), *(charge["fee"] for charge in data["charges"])]
    return missing_glyphs("".join([body, *texts]))


def letters_html(letters: Sequence[tuple[str, Mapping[str, Any]]], rules: KindRules) -> str:
    """One HTML page with all of ``letters``: pairs of template text and data."""
    articles = [
        render_to_string(rules.layout, {"letter": Letter(rules, position, body, data)})
        for position, (body, data) in enumerate(letters)
    ]
    return DOCUMENT.format(title=rules.title, body="".join(articles))


def print_letters(
    letters: Sequence[tuple[str, Mapping[str, Any]]], rules: KindRules, *, draft: bool = True
) -> list[Printed]:
    """A PDF for each of ``letters``. A firm's letter is a draft until that firm has signed it.

    Raises notices.press.PressError, for all of them together.
    """
    return press().print(
        letters_html(letters, rules),
        anchors=[f"letter-{position}" for position in range(len(letters))],
        titles=[str(data["fields"]["函号"]) for _, data in letters],
        draft=draft,
    )
