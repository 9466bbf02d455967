"""Before the first contact somebody reads the file of a case, and says so (A8)."""

import datetime as dt

import pytest

from collection.limits import Limit, breaches, clearances
from collection.models import Case, CaseReview, ContactAttempt
from collection.reviewing import review_case
from company.models import AuditEvent, Project, Role
from tests.collection.desk import Desk, said
from tests.factories import NOW, create_case, create_contact, create_phone, create_project, create_user
from tests.field_factories import create_field_worker, verify_case

Channel = ContactAttempt.Channel
DAY = dt.timedelta(days=1)
ALL = dict.fromkeys(("periods", "repairs", "complaints", "history"), "on")
pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return create_project()


@pytest.fixture
def case(project: Project) -> Case:
    """Verified, with a number, but nobody has read its file."""
    case = create_case(project=project, reviewed=False)
    verify_case(case)
    create_phone(owner=case.account.ownership.owners.get())
    return case


def refused(case: Case, channel: ContactAttempt.Channel = Channel.CALL) -> list[Limit]:
    return [reason.limit for reason in clearances([case], channel, now=NOW)[case.pk].reasons]


def test_nobody_is_contacted_before_it(case: Case) -> None:
    for channel in Channel:
        assert refused(case, channel) == [Limit.NOT_REVIEWED]
    assert not clearances([case], Channel.VISIT, now=NOW)[case.pk].may_be_overridden
    review_case(case, by=create_user(), now=NOW)
    assert [refused(case, channel) for channel in Channel] == [[] for _channel in Channel]


def test_it_is_kept_once_and_recorded(case: Case) -> None:
    reader = create_user()
    first = review_case(case, by=reader, now=NOW)
    assert review_case(case, by=create_user(), now=NOW + DAY) == first
    assert CaseReview.objects.get().reviewed_by == reader
    assert AuditEvent.objects.filter(action="case.reviewed").count() == 1


def test_that_of_an_earlier_opening_does_not_count(case: Case) -> None:
    CaseReview.objects.create(
        case=case, reviewed_at=dt.datetime.combine(case.opened_on, dt.time(), NOW.tzinfo) - DAY,
        reviewed_by=create_user(),
    )  # fmt: skip
    assert refused(case) == [Limit.NOT_REVIEWED]


def test_what_was_contacted_already_needs_none(case: Case) -> None:
    contact = create_contact(case=case, outcome=ContactAttempt.Outcome.NO_ANSWER, at=NOW - DAY / 4)
    assert refused(case) == []
    assert Limit.NOT_REVIEWED not in breaches(contact)


class TestPage:
    @pytest.fixture
    def worker(self, project: Project, case: Case) -> Desk:
        worker = create_field_worker(project=project)
        Case.objects.filter(pk=case.pk).update(responsible=worker, team=worker.team_memberships.get().team)
        return Desk(project, user=worker)

    def test_the_responsible_person_confirms_all_four_parts(self, worker: Desk, case: Case) -> None:
        assert "我已阅看" in worker.get("case", pk=case.pk).text
        answer = worker.post("case_review", {**ALL, "note": "2023 年漏水已修"}, pk=case.pk)
        assert "已核阅" in said(answer)
        page = worker.get("case", pk=case.pk).text
        assert "我已阅看" not in page
        assert "2023 年漏水已修" in page

    def test_a_part_left_out_saves_nothing(self, worker: Desk, case: Case) -> None:
        answer = worker.post("case_review", dict.fromkeys(list(ALL)[:3], "on"), pk=case.pk)
        assert "四项" in said(answer)
        assert not CaseReview.objects.exists()

    def test_somebody_elses_case_is_not_theirs_to_read(self, worker: Desk, project: Project) -> None:
        other = create_case(project=project, reviewed=False)
        assert worker.post("case_review", ALL, pk=other.pk).status_code == 404

    def test_who_logs_nothing_confirms_nothing(self, project: Project, case: Case) -> None:
        assert Desk(project, Role.FINANCE).post("case_review", ALL, pk=case.pk).status_code == 403
