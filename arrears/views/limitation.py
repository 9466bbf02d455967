"""Acts that restart the limitation period: recorded with their proof, looked at, and cancelled where wrong."""

from typing import Any

from django.contrib import messages
from django.db.models import F
from django.http import FileResponse, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from arrears.forms import ReversalForm
from arrears.limitation import record_proof, reverse_proof
from arrears.models import LimitationProof
from arrears.posting import AlreadyReversedError
from arrears.relief_forms import LimitationProofForm, proof_type
from arrears.views.accounts import account_of
from company.access import ProjectRequest, project_view
from company.files import store_file
from company.models import FilePurpose
from company.rights import Right
from owners.personal_data import mask_party


@project_view(Right.ISSUE_NOTICES)
def proof_new(request: ProjectRequest, pk: int) -> HttpResponse:
    """Records an act, the day it reached the owner, the charges that it lists and the file that proves it."""
    account, now = account_of(request, pk), timezone.now()
    charges = account.charges.filter(balance__is_live=True, balance__settled__lt=F("balance__amount"))
    form = LimitationProofForm(
        request.POST or None,
        request.FILES or None,
        charges=list(charges.select_related("fee_type").order_by("due_on")),
        today=timezone.localdate(now),
    )
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        file = store_file(
            project=request.project, content=given["proof"], name=given["proof"].name,
            content_type=proof_type(given["proof"]) or "", purpose=FilePurpose.DELIVERY_PROOF, by=request.user,
        )  # fmt: skip
        record_proof(
            account_id=account.pk, kind=given["kind"], reached_on=given["reached_on"],
            charges=[int(charge_id) for charge_id in given["charges"]], file=file, by=request.user, now=now,
            note=given["note"],
        )  # fmt: skip
        messages.success(request, _("Recorded. The period of the charges that it lists runs anew from that day."))
        return redirect("arrears:account", project_code=request.project.code, pk=account.pk)
    context = {"account": account, "party": mask_party(account.ownership.party_name), "form": form}
    return TemplateResponse(request, "arrears/proof_new.html", context)


@project_view(Right.SEE_LEDGER)
def proof_file(request: ProjectRequest, pk: int) -> HttpResponseBase:
    """The file that proves an act."""
    proof = _proof(request, pk)
    return FileResponse(proof.file.file.open(), filename=proof.file.name, content_type=proof.file.content_type)


@project_view(Right.ISSUE_NOTICES)
def proof_reverse(request: ProjectRequest, pk: int) -> HttpResponse:
    """Asks, then cancels a proof with a row of its own."""
    proof = _proof(request, pk)
    form = ReversalForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            reverse_proof(proof.pk, by=request.user, now=timezone.now(), note=form.cleaned_data["reason"])
        except AlreadyReversedError:
            form.add_error(None, _("This row was reversed already."))
        else:
            messages.success(request, _("Cancelled. The period runs as if it had never been recorded."))
            return redirect("arrears:account", project_code=request.project.code, pk=proof.account_id)
    account = proof.account
    context = {"account": account, "party": mask_party(account.ownership.party_name), "proof": proof, "form": form}
    return TemplateResponse(request, "arrears/proof_reverse.html", context)


def _proof(request: ProjectRequest, pk: int) -> LimitationProof:
    rows: Any = LimitationProof.objects.visible_to(request.user).filter(project=request.project)
    rows = rows.exclude(kind=LimitationProof.Kind.REVERSAL).select_related(
        "account__unit", "account__ownership", "account__project", "file"
    )
    found: LimitationProof = get_object_or_404(rows, pk=pk)
    return found
