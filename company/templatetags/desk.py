"""How figures, dates and lists look on our pages."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from django import template
from django.forms import BaseForm, BaseFormSet
from django.template.context import RequestContext
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext

register = template.Library()


class FormProblem(NamedTuple):
    """A mistake in a form; `label` and `field_id` are empty where it concerns no single field."""

    label: str
    field_id: str
    text: str


@register.filter
def money(amount: Decimal | None) -> str:
    """`1234.5` as `1,234.50`; nothing as a dash."""
    return "—" if amount is None else f"{amount:,.2f}"


@register.filter
def plain(amount: Decimal) -> str:
    """Every digit that counts and none that does not: `9.500000` as `9.5`."""
    return f"{amount.normalize():f}"


@register.filter
def percent_of_share(share: Decimal) -> str:
    """A share as a percentage, unrounded: `0.0005` as `0.05`."""
    return plain(share * 100)


@register.filter
def at(values: Mapping[Any, Any], key: Any) -> Any:
    """The value under a key that stands in a variable; None where there is none."""
    return values.get(key)


@register.filter
def figure(number: int) -> str:
    """A number of things: `1234` as `1,234`, the same in every language."""
    return f"{number:,}"


@register.filter
def clock(duration: dt.timedelta) -> str:
    """Minutes and seconds: `0:42`."""
    seconds = round(duration.total_seconds())
    return f"{seconds // 60}:{seconds % 60:02d}"


@register.filter
def percent_length(value: Decimal | float | None) -> str:
    """A length for an SVG attribute, between 0 and 100 %, the same in every language."""
    return f"{min(max(float(value or 0), 0), 100):.2f}%"


@register.filter
def day(value: dt.date | None) -> SafeString | str:
    """A date: `2025-11-23` at the desk, `11月23日` on the phone."""
    if value is None:
        return "—"
    short = f"{value.month}月{value.day}日" if get_language() == "zh-hans" else f"{value:%b} {value.day}"
    return format_html('<span class="ad-dt">{}</span><span class="ad-ph">{}</span>', value.isoformat(), short)


@register.filter
def instant(value: dt.datetime | None) -> str:
    """An instant in Shanghai time: `2025-11-23 09:42`."""
    return "—" if value is None else f"{timezone.localtime(value):%Y-%m-%d %H:%M}"


@register.filter
def listed(values: list[Any]) -> str:
    """Words in a row, with the separator of the language."""
    return gettext(", ").join(str(value) for value in values)


@register.simple_tag
def form_problems(*forms: BaseForm | BaseFormSet | str | None) -> list[FormProblem]:
    """What is wrong in `forms` and sets of forms, in the order of their fields; empty arguments are passed over."""
    problems = []
    for form in forms:
        if isinstance(form, BaseFormSet) and form.is_bound:
            problems += [FormProblem("", "", str(error)) for error in form.non_form_errors()]
            problems += form_problems(*form.forms)
        if not isinstance(form, BaseForm) or not form.errors:
            continue
        problems += [FormProblem("", "", str(error)) for error in form.non_field_errors()]
        for field in form:
            problems += [FormProblem(str(field.label), field.id_for_label, str(error)) for error in field.errors]
    return problems


@register.simple_tag(takes_context=True)
def sort_link(context: RequestContext, key: str) -> dict[str, str]:
    """The address that sorts a list by `key`, and the direction in which it is sorted by it now."""
    request = context["request"]
    current = request.GET.get("sort", "")
    direction = {key: "up", f"-{key}": "down"}.get(current, "")
    query = request.GET.copy()
    query["sort"] = f"-{key}" if direction == "up" else key
    query.pop("page", None)
    return {"url": f"?{query.urlencode()}", "direction": direction}
