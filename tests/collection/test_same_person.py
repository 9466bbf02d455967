"""One person with several units: limits count them together, pages name the other units, one envelope serves all."""

import datetime as dt

import pytest
from django.test import Client
from django.urls import reverse

from arrears.verification import verify
from collection.letters import LetterOrder, one_envelope, preview_letters
from collection.limits import Limit, clearances
from collection.models import Case, ContactAttempt
from collection.rounds import Stop, build_round
from collection.same_person import other_cases, together
from collection.timeline import timeline
from collection.timeline_entries import Group
from company.models import Project, Role
from notices.batch_preview import Terms
from notices.models import Channel, NoticeKind
from owners.merging import merge_persons, split_persons
from owners.models import Owner
from tests.collection.test_limits import cases_of_shared_owners
from tests.factories import NOW, TODAY, create_contact, create_project, create_team, create_user
from tests.field_factories import create_field_case

pytestmark = pytest.mark.django_db
VISIT = ContactAttempt.Channel.VISIT


@pytest.fixture
def project() -> Project:
    return create_project()


def owner_of(case: Case) -> Owner:
    return case.account.ownership.owners.get()


@pytest.fixture
def pair(project: Project) -> tuple[Case, Case]:
    """Two rows of one name, not known to be one person."""
    first, second = (create_field_case(project=project, code=code) for code in ("1-1-101", "9-1-901"))
    return first, second


def refused(case: Case) -> set[Limit]:
    return {refusal.limit for refusal in clearances([case], VISIT, now=NOW)[case.pk].reasons}


def test_after_merging_a_visit_counts_for_both_units_and_no_longer_after_splitting(pair: tuple[Case, Case]) -> None:
    first, second = pair
    create_contact(case=first, channel=VISIT, outcome=ContactAttempt.Outcome.MET_OWNER, at=NOW - dt.timedelta(hours=2))
    assert Limit.VISITS_A_DAY not in refused(second)
    merge = merge_persons(owner_of(first), owner_of(second), by=create_user(), now=NOW)
    assert Limit.VISITS_A_DAY in refused(second)
    split_persons(merge, by=create_user(), now=NOW)
    assert Limit.VISITS_A_DAY not in refused(second)


def test_the_other_cases_of_a_person(project: Project, django_assert_num_queries) -> None:
    first, both, third = cases_of_shared_owners(project)
    visible = Case.objects.all()
    with django_assert_num_queries(3):
        assert other_cases(first, visible=visible) == [both]
    assert other_cases(both, visible=visible) == [first, third]
    assert other_cases(first, visible=Case.objects.none()) == []
    with django_assert_num_queries(1):
        assert together([first, both, third]) == {first.pk: [both], both.pk: [first, third], third.pk: [both]}
    assert together([first, third]) == {}


@pytest.mark.parametrize("role", [Role.PROJECT_MANAGER, Role.OFFICER])
def test_the_page_of_a_case_names_what_else_is_owed_as_far_as_one_may_see(
    role: Role, project: Project, pair: tuple[Case, Case]
) -> None:
    first, second = pair
    merge_persons(owner_of(first), owner_of(second), by=create_user(), now=NOW)
    worker = create_user(role=role, project=project)
    first.team = create_team(project=project, members=[worker])
    first.responsible = worker
    first.save()
    client = Client()
    client.force_login(worker)
    url = reverse("collection:case", kwargs={"project_code": project.code, "pk": first.pk})
    shown = client.get(url).content.decode()
    assert ("同一业主另有欠费" in shown) is (role == Role.PROJECT_MANAGER)
    assert ("9-1-901" in shown) is (role == Role.PROJECT_MANAGER)


def test_what_was_done_for_the_other_unit_stands_on_the_timeline_without_what_was_said(pair: tuple[Case, Case]) -> None:
    first, second = pair
    create_contact(
        case=first, channel=VISIT, outcome=ContactAttempt.Outcome.MET_OWNER, at=NOW - dt.timedelta(hours=2),
        note="业主说月底交",
    )  # fmt: skip
    contacts = [entry for entry in timeline(second) if entry.group == Group.CONTACT]
    assert contacts == []
    merge_persons(owner_of(first), owner_of(second), by=create_user(), now=NOW)
    (contact,) = (entry for entry in timeline(second) if entry.group == Group.CONTACT)
    assert "月底" not in contact.title + contact.detail
    assert "1-1-101" not in contact.title + contact.detail
    (own,) = (entry for entry in timeline(first) if entry.group == Group.CONTACT)
    assert own.detail == "业主说月底交"


def test_the_round_says_that_one_visit_serves_both(project: Project) -> None:
    worker = create_user(role=Role.HOUSEKEEPER, project=project)
    first, second = (create_field_case(project=project, by=worker, code=code) for code in ("1-1-101", "1-1-102"))
    merge_persons(owner_of(first), owner_of(second), by=create_user(), now=NOW)
    rows = build_round(project, worker, now=NOW).rows
    assert [[other.pk for other in row.same_person] for row in rows] == [[second.pk], [first.pk]]
    create_contact(case=first, channel=VISIT, outcome=ContactAttempt.Outcome.MET_OWNER, at=NOW - dt.timedelta(hours=1))
    assert build_round(project, worker, now=NOW).rows[1].stop == Stop.NOT_TODAY


def test_letters_to_one_person_go_in_one_envelope(project: Project, pair: tuple[Case, Case]) -> None:
    verify([case.account for case in pair], by=create_user(), now=NOW, looked_up=True)
    terms = Terms(channel=Channel.POST, one_envelope=True)
    project.postal_address = "广东省广州市天河区凤凰路88号凤凰城一期"
    order = LetterOrder(project, NoticeKind.LAWYER_LETTER, "2025-11", TODAY, list(pair), terms)
    assert one_envelope(preview_letters(order, now=NOW)) == []
    merge_persons(owner_of(pair[0]), owner_of(pair[1]), by=create_user(), now=NOW)
    assert one_envelope(preview_letters(order, now=NOW)) == [["1-1-101", "9-1-901"]]
