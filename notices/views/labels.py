"""The envelope label of one sending, printed when somebody needs it."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from company.access import ProjectRequest, project_view
from company.audit import record
from company.rights import Right
from notices.labels import NoAddressError, UnprintableAddressError, label_of_sending, print_labels
from notices.models import Channel, Delivery
from notices.press import PressError
from notices.views.files import named


@project_view(Right.ISSUE_NOTICES)
def delivery_label(request: ProjectRequest, pk: int) -> HttpResponse:
    """A label of 100 × 150 mm; recorded, because it names an address."""
    deliveries = Delivery.objects.visible_to(request.user).filter(project=request.project, pk=pk).standing()
    delivery = deliveries.select_related("notice__project").first()
    if delivery is None or not Channel(delivery.channel).needs_address:
        raise Http404
    try:
        ((label,),) = print_labels([label_of_sending(delivery, on=timezone.localdate())])
    except NoAddressError:
        messages.error(request, _("The owner has no such address on file."))
    except UnprintableAddressError as error:
        messages.error(request, _("The font cannot print: %(signs)s") % {"signs": error.args[0]})
    except PressError:
        messages.error(request, _("The page could not be made. Try again in a minute."))
    else:
        record(action="notices.label_printed", by=request.user, project=request.project, obj=delivery.notice)
        name = f"{delivery.notice.number}.pdf"
        return named(HttpResponse(label.pdf, content_type="application/pdf"), name, inline=True)
    return redirect("notices:letter", request.project.code, delivery.notice_id)
