"""文书工作台."""

import datetime as dt

import pytest
from django.utils import timezone

from collection.due_letters import due_counts, due_letters
from collection.letters import StepDue
from collection.models import Case
from company.models import Role
from notices.models import Delivery, NoticeKind
from notices.queries import numbers_used
from tests.collection.desk import Desk
from tests.factories import (
    NOW,
    TODAY,
    confirm_letters,
    create_campaign,
    create_case,
    create_debtor,
    create_letter_project,
    create_team,
)
from tests.field_factories import queries
from tests.notice_factories import create_letter, send

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def office() -> Desk:
    return Desk(create_letter_project(), Role.NOTICE_ADMIN, name="苏若楠")


def waiting(office: Desk, step: str, on: dt.date, reason: str = "malicious", **fields: object) -> Case:
    return create_case(
        project=office.project, next_step=step, next_measure=step, next_step_on=on, reason=reason, **fields
    )


class TestDueLetters:
    def test_are_grouped_by_kind_and_reason_the_most_urgent_first(self, office: Desk) -> None:
        first, second = (create_team(project=office.project, name=name) for name in ("一组", "二组"))
        waiting(office, "lawyer_letter", TODAY, team=first)
        waiting(office, "lawyer_letter", TODAY - 2 * DAY, team=second)
        waiting(office, "ems_notice", TODAY + DAY, "unreachable")
        waiting(office, "visit", TODAY)
        letters, ems = due_letters(Case.objects.all(), today=TODAY)
        assert (letters.kind, letters.number, letters.late, letters.days_late) == (NoticeKind.LAWYER_LETTER, 2, 1, 2)
        assert letters.teams == {first.pk: "一组", second.pk: "二组"}
        assert letters.only_team is None
        assert (ems.kind, ems.reason, ems.number, ems.late) == (NoticeKind.EMS_NOTICE, "unreachable", 1, 0)
        assert ems.teams == {None: ""}

    def test_only_what_is_due_or_late(self, office: Desk) -> None:
        for days in (-1, 0, 1):
            waiting(office, "lawyer_letter", TODAY + days * DAY)
        numbers = {when: due_letters(Case.objects.all(), today=TODAY, when=when)[0].number for when in StepDue}
        assert numbers == {StepDue.NEXT: 3, StepDue.DUE: 2, StepDue.LATE: 1}

    def test_a_letter_that_is_made_is_waited_for_no_more_until_the_step_asks_again(self, office: Desk) -> None:
        case = waiting(office, "slip", TODAY, "unreachable")
        slip = create_letter(project=office.project, kind=NoticeKind.DOOR_SLIP, account=case.account)
        assert due_letters(Case.objects.all(), today=TODAY) == []
        assert due_counts(Case.objects.all(), today=TODAY).all == 0
        send(slip, channel=Delivery.Channel.DOOR)
        assert due_counts(Case.objects.all(), today=TODAY).all == 1


class TestThePage:
    def test_shows_what_waits_with_the_way_to_it(self, office: Desk) -> None:
        create_campaign(project=office.project)
        waiting(office, "lawyer_letter", timezone.localdate())
        confirm_letters(project=office.project, accounts=[create_debtor(project=office.project)])
        page = office.get("notice_desk")
        assert "律师函第1批" in page.text
        assert "某某律师事务所" in page.text
        assert (
            f"/p/{office.project.code}/letters/new/?kind=lawyer_letter&amp;reason=malicious&amp;step=next" in page.text
        )
        assert page.context_data["counts"].by_kind == {NoticeKind.LAWYER_LETTER: 1}
        (used,) = numbers_used(office.project, now=NOW)
        assert used.without_gap
        assert used.last_number == "凤一律函〔2025〕第0001号"

    def test_counts_sendings_that_lack_something(self, office: Desk) -> None:
        letters = [create_letter(project=office.project) for _ in range(2)]
        send(*letters)
        unproved = office.get("notice_desk").context_data["unproved"]
        assert (unproved.without_number, unproved.without_proof, unproved.returned) == (2, 0, 0)

    def test_an_odd_filter_shows_all(self, office: Desk) -> None:
        waiting(office, "lawyer_letter", timezone.localdate() + 5 * DAY)
        assert office.get("notice_desk", "?when=never").context_data["due"][0].number == 1
        assert office.get("notice_desk", "?when=late").context_data["due"] == []

    def test_costs_a_fixed_number_of_queries(self, office: Desk) -> None:
        create_campaign(project=office.project)
        waiting(office, "lawyer_letter", TODAY)
        confirm_letters(project=office.project, accounts=[create_debtor(project=office.project)])
        office.get("notice_desk")  # the session is written once
        with queries() as few:
            office.get("notice_desk")
        for _ in range(10):
            waiting(office, "lawyer_letter", TODAY, "burgled")
            letter = create_letter(project=office.project)
            send(letter)
        with queries() as many:
            office.get("notice_desk")
        assert len(many) == len(few)

    def test_others_have_no_desk(self, office: Desk) -> None:
        assert Desk(office.project, Role.OFFICER).get("notice_desk").status_code == 403
