"""Builders for the addresses of rounds and visits; registered in tests/url_objects.py."""

from collection.models import PhotoPlace, VisitPack, VisitSignature
from tests.factories import NOW
from tests.field_factories import create_field_case, create_visit, create_visit_photo
from tests.pack_factories import create_pack
from tests.url_objects import Arguments, Place, arguments_of


@arguments_of("collection:pack", "collection:pack_file", "collection:pack_again", "collection:pack_forms")
def a_visit_pack(place: Place) -> Arguments:
    pack: VisitPack = create_pack(project=place.project, member=place.user)
    return {"pk": pack.pk}


@arguments_of("collection:photo_place")
def a_place_of_a_photo(place: Place) -> Arguments:
    photo = create_visit_photo(visit=create_visit(case=create_field_case(project=place.project, by=place.user)))
    PhotoPlace.objects.create(photo=photo, taken_at=NOW)
    return {"pk": photo.pk}


@arguments_of("collection:visit_signature")
def a_signature(place: Place) -> Arguments:
    photo = create_visit_photo(visit=create_visit(case=create_field_case(project=place.project, by=place.user)))
    return {"pk": VisitSignature.objects.create(visit=photo.visit, file=photo.file, signed_at=NOW, kept_at=NOW).pk}
