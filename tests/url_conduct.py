"""Builders for the addresses of conduct, messages and the lists behind numbers; registered in tests/url_objects.py."""

import datetime as dt

from collection.messages import write_text
from collection.models import ContactAttempt, MessageText, Milestone
from tests.conduct_factories import create_call_back, create_complaint, create_contact_file
from tests.factories import NOW, create_campaign, create_contact, create_officer, create_user
from tests.field_factories import create_field_case
from tests.url_objects import Arguments, Place, arguments_of


@arguments_of("collection:milestone_accounts")
def a_milestone(place: Place) -> Arguments:
    kind = Milestone.Kind.LETTERS_SENT
    campaign = create_campaign(
        project=place.project, name=f"集中催缴{place.user.pk}", milestones={kind: dt.date(2025, 12, 5)}
    )  # fmt: skip
    return {"pk": campaign.milestones.get().pk}


@arguments_of("collection:complaint_new")
def a_contact(place: Place) -> Arguments:
    case = create_field_case(project=place.project, by=place.user)
    return {"pk": create_contact(case=case, outcome=ContactAttempt.Outcome.MET_OWNER).pk}


@arguments_of("collection:contact_file")
def a_screenshot(place: Place) -> Arguments:
    return {"pk": create_contact_file(case=create_field_case(project=place.project, by=place.user)).pk}


@arguments_of("collection:message_approve")
def a_text_of_a_message(place: Place) -> Arguments:
    return {"pk": write_text(place.project, MessageText.Kind.FIRST, "请回电{联系电话}", by=create_user(), now=NOW).pk}


@arguments_of("collection:conduct_complaint")
def a_complaint_about_conduct(place: Place) -> Arguments:
    return {"pk": create_complaint(case=create_field_case(project=place.project, by=create_officer(
        project=place.project))).pk}  # fmt: skip


@arguments_of("collection:call_back")
def a_call_back(place: Place) -> Arguments:
    case = create_field_case(project=place.project, by=create_officer(project=place.project))
    return {"pk": create_call_back(case=case).pk}
