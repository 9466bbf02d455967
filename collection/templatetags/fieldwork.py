"""Big targets of phone forms, and what hangs on a case."""

from dataclasses import dataclass
from datetime import date, datetime

from django import template
from django.forms.boundfield import BoundField, BoundWidget
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext

from collection.contact_forms import ContactForm
from collection.limits import is_barred
from collection.models import Case, ContactAttempt, PromiseToPay, RectificationItem
from collection.timeline import NOTICE_COLOURS, PROMISE_COLOURS, contact_title
from notices.models import Notice
from owners.models import Phone

register = template.Library()

DESK_AND_PHONE = '<span class="ad-dt">{}</span><span class="ad-ph">{}</span>'

ICONS = {
    ContactAttempt.Outcome.MET_OWNER: "user-check",
    ContactAttempt.Outcome.MET_OTHER: "users",
    ContactAttempt.Outcome.NO_ANSWER: "door",
    ContactAttempt.Outcome.REFUSED: "hand-stop",
    ContactAttempt.Outcome.POSTPONED: "calendar-time",
    ContactAttempt.Outcome.VACANT: "home-off",
    ContactAttempt.Outcome.WRONG_PERSON: "user-x",
    ContactAttempt.Outcome.PASSED_ON: "user-up",
}


@dataclass(frozen=True, slots=True)
class Offer:
    """One choice of a field: its input, its words, and what stands beneath."""

    input: BoundWidget
    label: str
    hint: str
    icon: str


@register.simple_tag
def offers(form: ContactForm, name: str) -> list[Offer]:
    """The choices of a field as big targets."""
    return [
        Offer(
            input=choice,
            label=str(choice.choice_label),
            hint=form.hint_of(name, str(choice.data["value"])),
            icon=ICONS.get(choice.data["value"], "") if name == "outcome" else "",
        )
        for choice in form[name]
    ]


@register.simple_tag
def pick(form: ContactForm, name: str) -> BoundField:
    """A field of a form by its name."""
    return form[name]


@register.filter
def barred(row: object) -> bool:
    """Whether it is a number that must not be called."""
    return isinstance(row, Phone) and is_barred(row)


@register.filter
def near_day(value: date | datetime | None, today: date) -> SafeString | str:
    """A day without its year where that is this one: `11-22` at the desk, `11月22日` on the phone; `—` for none."""
    if value is None:
        return "—"
    day = timezone.localdate(value) if isinstance(value, datetime) else value
    if day.year == today.year:
        return format_html(DESK_AND_PHONE, f"{day:%m-%d}", date_format(day, "MONTH_DAY_FORMAT"))
    return format_html(DESK_AND_PHONE, day.isoformat(), date_format(day, "DATE_FORMAT"))


@register.filter
def days_left(value: date, today: date) -> str:
    """``剩 5 天``, or that it is today; a day that has passed counts as today."""
    days = (value - today).days
    if days <= 0:
        return gettext("today")
    return ngettext("%(days)s day left", "%(days)s days left", days) % {"days": days}


@register.filter
def promise_colour(promise: PromiseToPay) -> str:
    """The colour of its state."""
    return PROMISE_COLOURS[PromiseToPay.State(promise.state)]


@register.filter
def notice_colour(notice: Notice) -> str:
    """The colour of its state."""
    return NOTICE_COLOURS.get(Notice.State(notice.state), "blue")


@register.filter
def told(contact: ContactAttempt) -> str:
    """A contact in one line."""
    return contact_title(contact)


@register.filter
def units_of(cases: list[Case]) -> str:
    """The codes of their units in one line."""
    return "、".join(case.account.unit.code for case in cases)


REPAIR_COLOURS = {RectificationItem.State.OPEN: "amber", RectificationItem.State.DONE: "blue"}


@register.filter
def repair_colour(item: RectificationItem) -> str:
    """The colour of its state; green once the owner has signed."""
    if item.state == RectificationItem.State.SIGNED_OFF:
        return "green"
    return REPAIR_COLOURS.get(RectificationItem.State(item.state), "")
