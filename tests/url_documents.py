"""What stands in the addresses of pictures and public notices; see tests/url_objects.py."""

from notices.images import propose_picture
from notices.models import ImagePurpose, PublicKind
from tests.document_factories import create_public_notice, png
from tests.factories import NOW, create_user
from tests.notice_factories import create_letter, send
from tests.url_objects import Arguments, Place, arguments_of


@arguments_of("notices:seal_approve", "notices:seal_remove", "notices:seal_picture")
def a_seal(place: Place) -> Arguments:
    by = create_user(name="贺兰")
    return {"pk": propose_picture(place.project, ImagePurpose.SEAL, png(), name="章.png", by=by, now=NOW).pk}


@arguments_of("notices:seal_upload", shared=True)
def a_purpose(place: Place) -> Arguments:
    return {"purpose": ImagePurpose.LETTERHEAD}


@arguments_of("notices:public_issue", shared=True)
def a_kind_for_all(place: Place) -> Arguments:
    return {"kind": PublicKind.FEE_SHEET}


@arguments_of("notices:public_file")
def a_public_notice(place: Place) -> Arguments:
    return {"pk": create_public_notice(project=place.project).pk}


@arguments_of("notices:delivery_label")
def a_sending_by_post(place: Place) -> Arguments:
    (delivery,) = send(create_letter(project=place.project))
    return {"pk": delivery.pk}
