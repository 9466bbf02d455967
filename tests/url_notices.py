"""Builders for the addresses of sendings; see tests/url_objects.py."""

from django.core.files.base import ContentFile

from notices.models import NoticeKind
from notices.tracking_lists import upload_list
from tests.arrears.workbooks import xlsx
from tests.factories import NOW
from tests.field_factories import create_field_case
from tests.notice_factories import create_file, create_letter, create_letter_batch, send
from tests.url_objects import Arguments, Place, arguments_of


@arguments_of("notices:letter", "notices:letter_scan", "notices:letter_scan_withdraw", "notices:letter_dispatch")
def a_letter_in_the_house(place: Place) -> Arguments:
    return {"pk": create_letter(project=place.project).pk}


@arguments_of("notices:batch_send", "notices:batch_scans", "notices:batch_dispatch")
def a_batch_of_letters(place: Place) -> Arguments:
    batch = create_letter_batch(project=place.project, kind=NoticeKind.LAWYER_LETTER)
    create_letter(project=place.project, batch=batch)
    return {"pk": batch.pk}


@arguments_of("notices:delivery_act")
def a_sending(place: Place) -> Arguments:
    (delivery,) = send(create_letter(project=place.project))
    return {"pk": delivery.pk, "act": "transit"}


@arguments_of("notices:delivery_file")
def a_proof_of_posting(place: Place) -> Arguments:
    (delivery,) = send(create_letter(project=place.project))
    delivery.posting_proof = create_file(project=place.project)
    delivery.save()
    return {"pk": delivery.pk, "which": "posting_proof"}


@arguments_of("notices:tracking_list", "notices:tracking_list_cancel")
def a_list_of_waybills(place: Place) -> Arguments:
    content = ContentFile(xlsx(["李小博", "1060908832231"], header=["收件人", "运单号"]), name="运单.xlsx")
    return {"pk": upload_list(place.project, content, by=place.user, now=NOW).pk}


@arguments_of("collection:letter_hand_over")
def a_letter_of_ones_own_case(place: Place) -> Arguments:
    case = create_field_case(project=place.project, by=place.user)
    return {"pk": case.pk, "letter": create_letter(project=place.project, account=case.account).pk}
