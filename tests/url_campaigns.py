"""What stands in the addresses of rosters and of handing over."""

from company.models import Role
from tests.factories import create_campaign, create_user
from tests.url_objects import Arguments, Place, arguments_of


@arguments_of("collection:roster")
def a_campaign_with_a_roster(place: Place) -> Arguments:
    return {"pk": create_campaign(project=place.project).pk}


@arguments_of("collection:leaving", "collection:hand_over_cases")
def somebody_who_leaves(place: Place) -> Arguments:
    return {"pk": create_user(role=Role.OFFICER, project=place.project).pk}
