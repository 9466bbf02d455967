"""What the register of letters can be narrowed by."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext_lazy as _

from company.forms import DayInput
from company.models import Project
from notices.kinds import KINDS
from notices.models import Batch, Delivery, Notice
from notices.models.deliveries import DeliveryQuerySet

NONE_YET = "none"
LACKS = {"number": _("tracking number"), "proof": _("proof of receipt")}
SORTS = {
    "number": ["year", "kind", "sequence"],
    "unit": ["account__unit__sort_key", "pk"],
    "principal": ["principal", "pk"],
    "issued": ["issued_at", "pk"],
    "state": ["state", "pk"],
    "sent": ["sent_on", "pk"],
}
DEFAULT_SORT = "-number"


class RegisterFilterForm(forms.Form):
    """``q`` looks for a document number, a room or a tracking number."""

    q = forms.CharField(label=_("Number or room"), required=False, max_length=80, widget=forms.SearchInput)
    kind = forms.ChoiceField(label=_("Kind"), required=False)
    state = forms.ChoiceField(label=_("State"), required=False)
    void_reason = forms.ChoiceField(label=_("Void because"), required=False)
    delivery = forms.ChoiceField(label=_("Delivery"), required=False)
    channel = forms.ChoiceField(label=_("Channel"), required=False)
    lacks = forms.ChoiceField(label=_("Lacks"), required=False)
    overtaken = forms.ChoiceField(
        label=_("Since it was sent"), required=False, choices=[("", _("All")), ("1", _("charges settled otherwise"))]
    )
    batch = forms.ModelChoiceField(Batch.objects.none(), label=_("Batch"), required=False, empty_label=_("All"))
    since = forms.DateField(label=_("Dated since"), required=False, widget=DayInput)
    until = forms.DateField(label=_("until"), required=False, widget=DayInput)

    def __init__(self, *args: Any, project: Project, batches: QuerySet[Batch], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sendings = Delivery.objects.standing().filter(project=project)  # else all projects' are looked through
        self._choose("state", Notice.State.choices)
        self._choose("kind", [(kind.value, kind.label) for kind in KINDS])
        self._choose("void_reason", Notice.VoidReason.choices)
        states = [(value, label) for value, label in Delivery.State.choices if value != Delivery.State.WITHDRAWN]
        self._choose("delivery", [(NONE_YET, _("not sent yet")), *states])
        self._choose("channel", Delivery.Channel.choices)
        self._choose("lacks", list(LACKS.items()))
        self.fields["batch"].queryset = batches  # type: ignore[attr-defined]

    def _choose(self, name: str, choices: list[Any]) -> None:
        self.fields[name].choices = [("", _("All")), *choices]  # type: ignore[attr-defined]

    def narrow(self, letters: QuerySet[Notice]) -> QuerySet[Notice]:
        """The letters that fit, each with its last sending as ``sent_on``, ``sent_by`` … (see with_last_sending)."""
        rows = with_last_sending(letters)
        chosen = self.cleaned_data if self.is_valid() else {}
        for name in ("state", "kind", "void_reason", "batch"):
            if chosen.get(name):
                rows = rows.filter(**{name: chosen[name]})
        if chosen.get("overtaken"):
            rows = rows.filter(overtaken_at__isnull=False)
        rows = _of_delivery(rows, chosen, self.sendings)
        rows = _of_days(rows, chosen.get("since"), chosen.get("until"))
        if text := chosen.get("q", "").strip():
            plain = "".join(text.split())
            rows = rows.filter(
                Q(number__icontains=text)
                | Q(account__unit__code__istartswith=text)
                | Q(pk__in=self.sendings.filter(tracking_number__icontains=plain).values("notice"))
            )
        return rows


def with_last_sending(letters: QuerySet[Notice]) -> QuerySet[Notice]:
    """Letters with state, channel, day and number of their last sending; one query with them."""
    last = Delivery.objects.standing().filter(notice=OuterRef("pk")).order_by("-pk")
    return letters.annotate(
        last_sending=Subquery(last.values("pk")[:1]), sent_on=Subquery(last.values("dispatched_on")[:1])
    )


def order_by(rows: QuerySet[Notice], sort: str) -> QuerySet[Notice]:
    keys = SORTS.get(sort.removeprefix("-"), SORTS["number"])
    return rows.order_by(*([f"-{key}" for key in keys] if sort.startswith("-") else keys))


def _of_delivery(rows: Any, chosen: dict[str, Any], sendings: DeliveryQuerySet) -> QuerySet[Notice]:
    if chosen.get("delivery") == NONE_YET:
        rows = rows.filter(last_sending__isnull=True, state=Notice.State.ISSUED)
    elif chosen.get("delivery"):
        rows = rows.filter(last_sending__in=sendings.filter(state=chosen["delivery"]).values("pk"))
    if chosen.get("channel"):
        rows = rows.filter(last_sending__in=sendings.filter(channel=chosen["channel"]).values("pk"))
    if chosen.get("lacks") == "number":
        rows = rows.filter(last_sending__in=sendings.without_number().values("pk"))
    if chosen.get("lacks") == "proof":
        rows = rows.filter(last_sending__in=sendings.without_proof().values("pk"))
    found: QuerySet[Notice] = rows
    return found


def _of_days(rows: QuerySet[Notice], since: date | None, until: date | None) -> QuerySet[Notice]:
    if since:
        rows = rows.filter(batch__issue_on__gte=since)
    return rows.filter(batch__issue_on__lte=until) if until else rows
