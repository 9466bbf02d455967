"""What stands in the addresses of settlements."""

from tests.factories import create_objection, create_settlement
from tests.url_objects import Arguments, Place, arguments_of


@arguments_of(
    "collection:settlement",
    "collection:settlement_decide",
    "collection:settlement_export",
    "collection:objection_new",
)
def a_settlement(place: Place) -> Arguments:
    return {"pk": create_settlement(project=place.project).pk}


@arguments_of("collection:objection_answer")
def an_objection(place: Place) -> Arguments:
    return {"pk": create_objection(settlement=create_settlement(project=place.project)).pk}
