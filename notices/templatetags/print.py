"""What printed pages need beyond text."""

from collections.abc import Sequence

from barcode.codex import Code128
from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from notices import ledger_table, typeset

register = template.Library()


@register.filter
def keep_together(text: str) -> str:
    """Glues figures to their units and the last two signs of a paragraph to each other."""
    return typeset.keep_together(text)


@register.filter
def ledger(lines: Sequence[ledger_table.Line]) -> SafeString:
    """The table of charges, one block a page."""
    return mark_safe("\n".join(ledger_table.blocks(lines)))


@register.filter
def code128(text: str) -> SafeString:
    """Code 128 as a drawing of one unit a module."""
    (modules,) = Code128(text).build()
    path, start = [], None
    for position, module in enumerate(modules + "0"):
        if module == "1" and start is None:
            start = position
        elif module == "0" and start is not None:
            path.append(f"M{start} 0h{position - start}v10h-{position - start}z")
            start = None
    return format_html(
        '<svg class="c128" viewBox="0 0 {} 10" preserveAspectRatio="none"><path d="{}"/></svg>',
        len(modules),
        "".join(path),
    )
