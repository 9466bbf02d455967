from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from django import forms
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from collection.letters import Choice, StepDue
from collection.models import ArrearsReason, Stage, Team
from collection.teams import staff_of
from company.forms import DayInput, may_be_an_id
from company.models import Project, User
from notices.batch_preview import Terms
from notices.kinds import KINDS
from notices.models import Batch, Channel, NoticeKind
from owners.models import Address, Building

ALL = [("", _("all"))]
MOST_CASES = 5_000
CHANNELS = {NoticeKind.DOOR_SLIP: [Channel.DOOR]}
DEMANDS = [Channel.EMS, Channel.BY_HAND, Channel.POST]
USUAL_CHANNEL = {NoticeKind.DOOR_SLIP: Channel.DOOR, NoticeKind.FEE_NOTICE: Channel.BY_HAND}
CANNOT_BE_READ = _("The list of cases cannot be read; choose them again.")


def channels_of(kind: NoticeKind) -> list[Channel]:
    """By which ways a kind of letter may go, the usual one first."""
    usual = USUAL_CHANNEL.get(kind, Channel.EMS)
    return sorted(CHANNELS.get(kind, DEMANDS), key=lambda channel: channel is not usual)


class ChoiceForm(forms.Form):
    """Which letter to which cases; it stands in the address. ``cases`` are ids, joined by commas, as the list of cases
    passes them; ``accounts`` likewise, as a batch passes who was left out."""

    kind = forms.ChoiceField(label=_("Kind of letter"), required=False)
    step = forms.ChoiceField(label=_("Next step"), required=False, choices=[*ALL, *StepDue.choices])
    team = forms.ModelChoiceField(Team.objects.none(), label=_("Team"), required=False, empty_label=_("all"))
    member = forms.ModelChoiceField(User.objects.none(), label=_("Responsible"), required=False, empty_label=_("all"))
    building = forms.ModelChoiceField(
        Building.objects.none(), label=_("Building"), required=False, empty_label=_("all")
    )
    reason = forms.ChoiceField(label=_("Reason"), required=False, choices=[*ALL, *ArrearsReason.choices])
    stage = forms.ChoiceField(label=_("Stage"), required=False, choices=[*ALL, *Stage.choices])
    min_amount = forms.DecimalField(
        label=_("Overdue at least (CNY)"), required=False, min_value=0, max_digits=12, decimal_places=2
    )
    min_days = forms.IntegerField(label=_("Overdue for at least (days)"), required=False, min_value=0, max_value=9999)
    cases = forms.CharField(required=False, widget=forms.HiddenInput)
    accounts = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any, *, project: Project) -> None:
        super().__init__(data)
        self.fields["kind"].choices = [(kind.value, NoticeKind(kind).label) for kind in KINDS]  # type: ignore[attr-defined]
        offered = {
            "team": Team.objects.filter(project=project).active(),
            "member": staff_of(project),
            "building": Building.objects.filter(project=project).order_by("sort_key", "pk"),
        }
        for name, rows in offered.items():
            cast("forms.ModelChoiceField[Any]", self.fields[name]).queryset = rows

    def clean_cases(self) -> list[int]:
        return read_ids(self.cleaned_data["cases"])

    def clean_accounts(self) -> list[int]:
        return read_ids(self.cleaned_data["accounts"])

    def choice(self) -> Choice:
        given = self.cleaned_data
        return Choice(
            case_ids=given["cases"],
            account_ids=given["accounts"],
            kind=self.wanted_kind,
            step=StepDue(given["step"]) if given["step"] else None,
            team=given["team"],
            member=given["member"],
            building=given["building"],
            reason=ArrearsReason(given["reason"]) if given["reason"] else None,
            stage=Stage(given["stage"]) if given["stage"] else None,
            min_amount=given["min_amount"],
            min_days=given["min_days"],
        )

    @property
    def wanted_kind(self) -> NoticeKind:
        """The kind that is asked for, a lawyer's letter where none is."""
        asked = self.data.get("kind", "")
        return NoticeKind(asked) if asked in KINDS else NoticeKind.LAWYER_LETTER


class LetterForm(forms.Form):
    """What is written to them, and how it goes out."""

    channel = forms.ChoiceField(label=_("Channel"), required=False)
    first = forms.ChoiceField(
        label=_("Address first"),
        required=False,
        choices=Address.Kind.choices,
        help_text=_("Where there is none, or mail came back from it, the other one is taken."),
    )
    occasion = forms.CharField(
        label=_("Occasion"), max_length=80, help_text=_("An account gets one letter of a kind on an occasion.")
    )
    deadline_on = forms.DateField(label=_("Deadline in the letter"), required=False, widget=DayInput())
    in_order = forms.ChoiceField(label=_("Order of print"), required=False, choices=Batch.Order.choices)
    one_envelope = forms.BooleanField(
        label=_("One envelope per person"),
        required=False,
        help_text=_(
            "Each account keeps its own letter; those of one person travel together and cost one postage. Not by EMS."
        ),
    )

    def __init__(self, data: Any = None, *, kind: NoticeKind, occasion: str, deadline_on: date) -> None:
        super().__init__(data, initial={"occasion": occasion, "deadline_on": deadline_on})
        self.usual_channel = channels_of(kind)[0]
        channels = [(channel.value, channel.label) for channel in channels_of(kind)]
        self.fields["channel"].choices = channels  # type: ignore[attr-defined]
        if kind == NoticeKind.DOOR_SLIP:  # names nobody and sets no deadline
            for name in ("first", "deadline_on", "one_envelope"):
                del self.fields[name]

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        if given.get("one_envelope") and (given.get("channel") or self.usual_channel) == Channel.EMS:
            self.add_error(
                "one_envelope",
                _t("Each EMS letter has a waybill and a proof of its own. Choose another channel, or untick this."),
            )
        return given

    def terms(self, marks: MarksForm) -> Terms:
        given, marked = self.cleaned_data, marks.cleaned_data
        return Terms(
            channel=Channel(given["channel"] or self.usual_channel),
            first=Address.Kind(given.get("first") or Address.Kind.ON_SITE),
            switched=frozenset(marked["switched"]),
            one_envelope=given.get("one_envelope", False),
            in_order=Batch.Order(given["in_order"] or Batch.Order.ROUND),
            taken_out=frozenset(marked["taken_out"]),
        )


class MarksForm(forms.Form):
    """What was done by hand on the page where the letters are checked: ids of accounts, joined by commas.

    ``checked`` has the accounts that stood on the list, each with its principal: ``12:300.00``.
    """

    taken_out = forms.CharField(required=False, widget=forms.HiddenInput)
    switched = forms.CharField(required=False, widget=forms.HiddenInput)
    checked = forms.CharField(required=False, widget=forms.HiddenInput)

    def clean_taken_out(self) -> list[int]:
        return read_ids(self.cleaned_data["taken_out"])

    def clean_switched(self) -> list[int]:
        return read_ids(self.cleaned_data["switched"])

    def clean_checked(self) -> dict[int, Decimal]:
        found = {}
        for pair in filter(None, self.cleaned_data["checked"].split(",")):
            account, _colon, principal = pair.partition(":")
            try:
                if not (amount := Decimal(principal)).is_finite():
                    raise InvalidOperation
                found[read_ids(account)[0]] = amount
            except (InvalidOperation, IndexError) as error:
                raise forms.ValidationError(CANNOT_BE_READ) from error
        return found


def read_ids(text: str) -> list[int]:
    """``3,5,8``. Raises ValidationError for anything else, and for more than may be chosen at once."""
    listed = [part.strip() for part in text.split(",") if part.strip()]
    if len(listed) > MOST_CASES or not all(map(may_be_an_id, listed)):
        raise forms.ValidationError(CANNOT_BE_READ)
    return [int(part) for part in listed]


class CorrectionForm(forms.Form):
    """Why a letter is corrected, and until when the new one asks to pay."""

    reason = forms.CharField(label=_("Why the letter is corrected"), max_length=200)
    deadline_on = forms.DateField(label=_("Deadline in the letter"), required=False, widget=DayInput())

    def deadline_on_or_usual(self) -> date | None:
        """None: the usual one."""
        return self.cleaned_data.get("deadline_on") if self.is_bound and self.is_valid() else None


class CancelForm(forms.Form):
    """Why a whole batch is cancelled."""

    reason = forms.CharField(label=_("Reason"), max_length=200)
