"""The commendation board of a month, and praise given by department heads and the project manager."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from arrears.models import Payment
from collection.commending import CommendedAlreadyError, OwnPraiseError, commend, efforts
from collection.models import Commendation
from collection.teams import staff_of
from company.access import ProjectRequest, project_view
from company.models import Project, User
from company.rights import Right
from owners.unit_codes import normalise

MONTHS_SHOWN = 6
MAY_COMMEND = (Right.PROPOSE_ASSIGNMENT,)


class CommendationForm(forms.Form):
    """A room credits the help with its latest payment."""

    member = forms.ModelChoiceField(User.objects.none(), label=gettext_lazy("Who"), empty_label="—")
    text = forms.CharField(label=gettext_lazy("What for"), max_length=200)
    room = forms.CharField(
        label=gettext_lazy("Helped with the latest payment of room"), max_length=60, required=False,
        help_text=gettext_lazy("Empty: for something else."),
    )  # fmt: skip

    def __init__(self, data: Any = None, *, project: Project) -> None:
        super().__init__(data)
        self.project = project
        self.payment: Payment | None = None
        self.fields["member"].queryset = staff_of(project)  # type: ignore[attr-defined]

    def clean_room(self) -> str:
        room: str = self.cleaned_data["room"].strip()
        if room:
            payments = Payment.objects.filter(
                project=self.project, account__unit__code=normalise(room), kind=Payment.Kind.RECEIVED, reversed_by=None
            )
            self.payment = payments.order_by("-received_on", "-pk").first()
            if self.payment is None:
                raise forms.ValidationError(_("No payment of this room is known. Write the room as in the ledger."))
        return room


@project_view(Right.SEE_SETTLEMENT)
def commendations(request: ProjectRequest) -> HttpResponse:
    """Effort by person in a month, most first, and who was commended for what."""
    today = timezone.localdate()
    months = _months(today)
    month = next((month for month in months if month.isoformat()[:7] == request.GET.get("month")), months[0])
    may_commend = bool(request.rights & set(MAY_COMMEND))
    form = CommendationForm(request.POST or None, project=request.project)
    if request.method == "POST" and may_commend and form.is_valid() and _given(request, form):
        return redirect("collection:commendations", project_code=request.project.code)
    last = (month + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    context = {
        "month": month,
        "months": months,
        "efforts": efforts(request.project, since=month, until=last),
        "praise": Commendation.objects.visible_to(request.user)
        .filter(project=request.project, given_at__date__gte=month, given_at__date__lte=last)
        .select_related("member", "given_by", "payment__account__unit"),
        "form": form,
        "may_commend": may_commend,
    }
    return TemplateResponse(request, "collection/commendations.html", context)


def _given(request: ProjectRequest, form: CommendationForm) -> bool:
    given = form.cleaned_data
    try:
        commend(
            request.project, given["member"], given["text"], payment=form.payment, by=request.user, now=timezone.now()
        )
    except OwnPraiseError:
        form.add_error("member", _("Somebody else commends you."))
    except CommendedAlreadyError:
        form.add_error("room", _("The help with this payment is credited to this person already."))
    else:
        messages.success(request, _("It stands on the board."))
        return True
    return False


def _months(today: date) -> list[date]:
    """First days of this month and those before."""
    last = today.year * 12 + today.month - 1
    return [date(index // 12, index % 12 + 1, 1) for index in range(last, last - MONTHS_SHOWN, -1)]
