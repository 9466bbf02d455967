"""How rates and large amounts look on our pages."""

from decimal import ROUND_HALF_UP, Decimal

from django import template

from collection.rates import shown_percent

register = template.Library()

ONE_DECIMAL, TEN_THOUSAND = Decimal("0.1"), Decimal(10_000)


@register.filter
def rate(percent: Decimal | None, target: Decimal | None = None) -> str:
    """``83.16%``; rounding never lifts it to ``target``. A dash for no rate."""
    shown = shown_percent(percent, target)
    return shown if percent is None else f"{shown}%"


@register.filter
def progress(percent: Decimal | None) -> str:
    """``43.0%``, never rounded up to 100; a dash for none."""
    if percent is None:
        return "—"
    rounded = percent.quantize(ONE_DECIMAL, ROUND_HALF_UP)
    return "99.9%" if percent < 100 <= rounded else f"{rounded:.1f}%"


@register.filter
def plain(number: Decimal | None) -> str:
    """``90.00`` as ``90``, ``92.50`` as ``92.5``."""
    return "—" if number is None else f"{number.normalize():f}"


@register.filter
def ten_thousands(amount: Decimal | None) -> str:
    """CNY in units of 10,000 with two places: ``96400`` as ``9.64``."""
    return "—" if amount is None else f"{amount / TEN_THOUSAND:,.2f}"
