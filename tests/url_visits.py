"""Builders for the addresses of rounds and visits; registered in tests/url_objects.py."""

from collection.models import VisitPack
from tests.pack_factories import create_pack
from tests.url_objects import Arguments, Place, arguments_of


@arguments_of("collection:pack", "collection:pack_file", "collection:pack_again", "collection:pack_forms")
def a_visit_pack(place: Place) -> Arguments:
    pack: VisitPack = create_pack(project=place.project, member=place.user)
    return {"pk": pack.pk}
