"""Credit paid back to the owner, by form."""

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from arrears.forms import RefundForm
from arrears.models import Account, Payment
from arrears.posting import NotEnoughCreditError, SubmissionReusedError, post_refund
from arrears.statements import statement
from arrears.views.accounts import account_of
from company.access import ProjectRequest, project_view
from company.rights import Right
from owners.personal_data import mask_party

CONFLICT = 409


@project_view(Right.POST_MONEY)
def refund_new(request: ProjectRequest, pk: int) -> HttpResponse:
    """Pays credit of an account back. Sent twice it is one refund; other content is 409."""
    account, today = account_of(request, pk), timezone.localdate()
    credit, status = statement(account, on=today).credit, 200
    form = RefundForm(request.POST or None, credit=credit, today=today)
    if request.method == "POST" and form.is_valid():
        refund, status = _post(request, account, form)
        if refund:
            messages.success(request, _("Paid back %(amount)s.") % {"amount": f"{refund.amount:,.2f}"})
            return redirect("arrears:account", project_code=request.project.code, pk=account.pk)
    party = mask_party(account.ownership.party_name)
    context = {"account": account, "party": party, "form": form, "credit": credit}
    return TemplateResponse(request, "arrears/refund_new.html", context, status=status)


def _post(request: ProjectRequest, account: Account, form: RefundForm) -> tuple[Payment | None, int]:
    """The refund and the status; where it is refused, the form says why."""
    try:
        with transaction.atomic():
            refund = post_refund(account_id=account.pk, now=timezone.now(), by=request.user, **form.cleaned_data)
    except SubmissionReusedError:
        form.add_error(None, _("This form was sent before with other content. Open it anew for another refund."))
        return None, CONFLICT
    except NotEnoughCreditError:
        form.add_error("amount", _("The credit was used meanwhile: look at what is left and send it again."))
        return None, CONFLICT
    return refund, 200
