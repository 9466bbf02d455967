"""What the line of time of a case is made of."""

from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from collection.models import Case, ContactFile, VisitPhoto


class Group(StrEnum):
    CONTACT = "contact"
    LETTER = "letter"
    MONEY = "money"
    INTERNAL = "internal"


GROUP_LABELS: dict[Group, str | Promise] = {
    Group.CONTACT: gettext_lazy("contacts"),
    Group.LETTER: gettext_lazy("letters"),
    Group.MONEY: gettext_lazy("money"),
    Group.INTERNAL: gettext_lazy("internal"),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened. ``clock`` is "" where only the day is known."""

    at: datetime
    group: Group
    icon: str
    title: str
    colour: str = ""
    clock: str = ""
    person: str = ""
    status: str = ""
    status_colour: str = ""
    detail: str = ""
    warnings: list[str] = field(default_factory=list)
    photos: list[VisitPhoto] = field(default_factory=list)
    files: list[ContactFile] = field(default_factory=list)
    signature: int | None = None
    contact: int | None = None  # id of the contact that it is, against which a complaint can be held
    told_at: Case | None = None  # where what was said of this visit stands
    served: list[Case] = field(default_factory=list)  # what else the visit was for

    @property
    def on(self) -> date:
        return timezone.localdate(self.at)


def entry(at: datetime, group: Group, icon: str, title: str, **more: object) -> Entry:
    """With the hour of the day."""
    return Entry(at, group, icon, title, clock=f"{timezone.localtime(at):%H:%M}", **more)  # type: ignore[arg-type]


def of_day(day: date, group: Group, icon: str, title: str, **more: object) -> Entry:
    """Of a day of which no hour is known: after everything else of that day."""
    moment = timezone.make_aware(datetime.combine(day, time(23, 59)))
    return Entry(moment, group, icon, title, **more)  # type: ignore[arg-type]
