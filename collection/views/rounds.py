"""Today's round, on the phone: whom to visit, what to take along, what is verified."""

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from arrears.verification import payments_known_until
from collection.models import RoundChecklist
from collection.phone_round import phone_round
from collection.reasons import every_reason
from collection.rounds import RoundFilter, Stop, build_round, tick
from collection.verifying import Verified, needs_looking_up, verify_cases
from collection.views.case import must_look_up
from company.access import ProjectRequest, project_view
from company.forms import may_be_an_id
from company.rights import Right

STOP_LABELS: dict[Stop, str | Promise] = {
    Stop.VISITED: gettext_lazy("visited"),
    Stop.TO_VISIT: gettext_lazy("to visit"),
    Stop.NOT_TODAY: gettext_lazy("not today"),
}
ITEM_LABELS: dict[str, str | Promise] = {
    "uniform": gettext_lazy("uniform"),
    "shoe_covers": gettext_lazy("shoe covers"),
    "badge": gettext_lazy("badge"),
    "arrears_list": gettext_lazy("arrears list"),
    "receipts": gettext_lazy("receipts"),
    "notebook": gettext_lazy("notebook"),
}


@project_view(Right.LOG_CONTACTS)
def today(request: ProjectRequest) -> HttpResponse:
    """The cases of the person by building and entrance; `show`, `building` and `reason` in the address narrow it."""
    now = timezone.now()
    only = _filter(request)
    walk = build_round(request.project, request.user, now=now, only=only)
    ticked = walk.checklist.ticked
    context = {
        "round": walk,
        "now": timezone.localtime(now),
        "only": only,
        "stops": [(stop, label, walk.count(stop)) for stop, label in STOP_LABELS.items()],
        "items": [(item, label, item in ticked) for item, label in ITEM_LABELS.items()],
        "missing": [label for item, label in ITEM_LABELS.items() if item not in ticked],
        "item_count": len(RoundChecklist.ITEMS),
        "known_until": payments_known_until(request.project),
        "needs_looking_up": needs_looking_up(request.project, now=now),
    }
    return TemplateResponse(request, "collection/round.html", context)


def _filter(request: ProjectRequest) -> RoundFilter:
    """What is asked for; what names nothing narrows nothing."""
    shown, building, reason = (request.GET.get(name, "") for name in ("show", "building", "reason"))
    return RoundFilter(
        stop=Stop(shown) if shown in STOP_LABELS else None,
        building_id=int(building) if may_be_an_id(building) else None,
        reason=next((one for one in every_reason() if one.key == reason), None),
    )


@project_view(Right.LOG_CONTACTS)
def round_download(request: ProjectRequest) -> JsonResponse:
    """The round for the phone, to be read without a network."""
    told = phone_round(request.project, request.user, now=timezone.now())
    return JsonResponse(told, headers={"Cache-Control": "no-store"})


@require_POST
@project_view(Right.LOG_CONTACTS)
def round_checklist(request: ProjectRequest) -> HttpResponse:
    """Writes down what is ticked before setting out."""
    now = timezone.now()
    day = timezone.localdate(now)
    tick(request.project, request.user, request.POST.getlist("item"), day=day, now=now)
    return redirect("collection:round", project_code=request.project.code)


@require_POST
@project_view(Right.LOG_CONTACTS)
def round_verify(request: ProjectRequest) -> HttpResponse:
    """Verifies whatever of the round is not verified yet; who turns out to have paid is struck out."""
    now = timezone.now()
    if must_look_up(request, now=now):
        return redirect("collection:round", project_code=request.project.code)
    walk = build_round(request.project, request.user, now=now)
    done = verify_cases(
        walk.unverified, project=request.project, by=request.user, today=timezone.localdate(now), now=now,
        looked_up="looked_up" in request.POST,
    )  # fmt: skip
    messages.success(request, _told(done))
    return redirect("collection:round", project_code=request.project.code)


def _told(done: Verified) -> str:
    verified = ngettext("%(number)s case verified.", "%(number)s cases verified.", done.now) % {"number": done.now}
    if not done.paid:
        return verified
    paid = ngettext(
        "%(number)s has paid meanwhile and is struck out.", "%(number)s have paid meanwhile and are struck out.",
        done.paid,
    ) % {"number": done.paid}  # fmt: skip
    return _("%(one)s %(other)s") % {"one": verified, "other": paid}
