"""The list of EMS items: its filters with their counts."""

from dataclasses import dataclass
from datetime import date

from django.db.models import Count, Max, Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from company.models import Project
from notices.models import Delivery
from notices.models.deliveries import DeliveryQuerySet

State = Delivery.State
LACKS_NUMBER = Q(tracking_number="") & ~Q(state__in=Delivery.BACK)
LACKS_PROOF = Q(state=State.SIGNED) & ~Q(receiver__in=Delivery.NOT_COUNTING)
FILTERS: dict[str, tuple[str | Promise, Q]] = {
    "": (_("All"), Q()),
    "number": (_("without number"), LACKS_NUMBER),
    "riding": (_("under way"), ~LACKS_NUMBER & Q(state__in=Delivery.UNDER_WAY)),
    "signed": (_("signed for"), Q(state__in=[State.SIGNED, State.DELIVERED])),
    "proof": (_("without proof"), LACKS_PROOF),
    "not_counting": (_("no delivery"), Q(state=State.SIGNED, receiver__in=Delivery.NOT_COUNTING)),
    "back": (_("returned or lost"), Q(state__in=Delivery.BACK)),
}
SORTS = {
    "number": ["notice__year", "notice__kind", "notice__sequence"],
    "unit": ["notice__account__unit__sort_key", "pk"],
    "tracking": ["tracking_number", "pk"],
    "state": ["state", "pk"],
    "sent": ["dispatched_on", "pk"],
    "latest": ["state_on", "pk"],
}
DEFAULT_SORT = "number"


@dataclass(frozen=True)
class Chip:
    """A filter with how many it leaves."""

    key: str
    label: str | Promise
    count: int
    is_on: bool


@dataclass(frozen=True)
class EmsList:
    rows: DeliveryQuerySet
    chips: list[Chip]
    last_day: date | None
    sent_last_day: int


def ems_list(
    visible: DeliveryQuerySet, project: Project, *, show: str, on: date | None, text: str, sort: str
) -> EmsList:
    """EMS items of a project, filtered and sorted; the counts hold for the chosen day. Two queries, rows are lazy."""
    items = visible.filter(project=project).by_ems()
    last_day = items.aggregate(day=Max("dispatched_on"))["day"]
    of_day = items.filter(dispatched_on=on) if on else items
    numbers = of_day.aggregate(
        sent_last_day=Count("pk", filter=Q(dispatched_on=last_day)),
        **{
            f"n_{key}": Count("pk", filter=condition or Q(pk__isnull=False))
            for key, (_label, condition) in FILTERS.items()
        },
    )
    chips = [Chip(key, label, numbers[f"n_{key}"], key == show) for key, (label, _condition) in FILTERS.items()]
    rows = of_day.filter(FILTERS[show][1]) if show in FILTERS else of_day
    if text:
        plain = "".join(text.split())
        rows = rows.filter(
            Q(notice__number__icontains=text)
            | Q(notice__account__unit__code__istartswith=text)
            | Q(tracking_number__icontains=plain)
        )
    keys = SORTS.get(sort.removeprefix("-"), SORTS[DEFAULT_SORT])
    order = [f"-{key}" for key in keys] if sort.startswith("-") else keys
    related = rows.select_related("notice__account__unit", "delivery_proof", "posting_proof", "return_proof")
    return EmsList(related.order_by(*order), chips, last_day, numbers["sent_last_day"])
