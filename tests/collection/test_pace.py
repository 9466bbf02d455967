"""Money and time of a campaign, and where it ends at this pace."""

import datetime as dt
from decimal import Decimal

import pytest

from arrears.posting import reverse_payment
from collection.models import Campaign, TargetClass
from collection.pace import Course, campaign_on, course_of, pace_of
from collection.quotas import answering_teams, quotas_of
from collection.rate_rows import rate_rows
from company.models import Project
from owners.models import Owner
from tests.factories import (
    NOW,
    create_account,
    create_campaign,
    create_case,
    create_charge,
    create_payment,
    create_project,
)

D = Decimal
FLATS = TargetClass.RESIDENTIAL_PROPERTY
START, END = dt.date(2025, 11, 1), dt.date(2025, 12, 31)
OPENED = dt.date(2025, 11, 1)


class TestPace:
    CAMPAIGN = Campaign(starts_on=START, ends_on=END)

    @pytest.mark.parametrize(
        ("on", "past"),
        [
            (dt.date(2025, 10, 31), 0),
            (START, 1),
            (dt.date(2025, 11, 22), 22),
            (END, 61),
            (dt.date(2026, 2, 1), 61),
        ],
    )
    def test_counts_the_day_itself_and_stays_within(self, on: dt.date, past: int) -> None:
        pace = pace_of(self.CAMPAIGN, on=on)
        assert (pace.days_past, pace.days) == (past, 61)
        assert pace.is_over == (past == 61)

    def test_percent(self) -> None:
        assert pace_of(self.CAMPAIGN, on=dt.date(2025, 11, 22)).percent == pytest.approx(D("36.0656"), abs=D("0.001"))


@pytest.fixture
def project() -> Project:
    return create_project()


@pytest.mark.django_db
class TestCampaignOfADay:
    def test_the_latest_that_had_begun(self, project: Project) -> None:
        spring = create_campaign(
            project=project, starts_on=dt.date(2025, 3, 1), ends_on=dt.date(2025, 4, 30), state=Campaign.State.CLOSED
        )
        autumn = create_campaign(project=project)
        create_campaign(project=project, starts_on=dt.date(2025, 11, 10), ends_on=END, state=Campaign.State.PLANNED)
        assert campaign_on(project.pk, on=dt.date(2025, 2, 28)) is None
        assert campaign_on(project.pk, on=dt.date(2025, 6, 1)) == spring
        assert campaign_on(project.pk, on=dt.date(2025, 11, 22)) == autumn


@pytest.mark.django_db
class TestCourse:
    def course(self, project: Project, on: dt.date) -> tuple[Course, Decimal]:
        campaign = create_campaign(project=project)
        teams = answering_teams(campaign, on=on)
        rows = [row for row in rate_rows(project, on=on, campaign=campaign) if row.target_class == FLATS]
        total = quotas_of(rows, target=D(90), teams=teams).total
        return course_of(campaign, total, on=on, of=FLATS, teams=teams), total.collected

    def test_ends_at_what_the_quota_says(self, project: Project) -> None:
        account = create_account(project=project)
        for month in (7, 8, 9, 10):
            create_charge(account=account, month=dt.date(2025, month, 1))
        create_payment(account=account, amount="100", received_on=dt.date(2025, 10, 30))
        create_case(account=account, today=OPENED)
        create_payment(account=account, amount="100", received_on=dt.date(2025, 11, 3))
        late = create_payment(account=account, amount="100", received_on=dt.date(2025, 11, 5))
        reverse_payment(late.pk, today=dt.date(2025, 11, 9), now=NOW, by=None)
        course, collected = self.course(project, dt.date(2025, 11, 10))
        amounts = {day.day: amount for day, amount in course.collected}
        assert (amounts[2], amounts[3], amounts[5], amounts[9]) == (D(0), D(100), D(200), D(100))
        assert course.total == collected == D(100)
        assert course.per_day == D(10)
        assert course.expected == D(610)

    def test_counts_accounts_with_a_case_and_the_class_only(self, project: Project) -> None:
        without_case = create_account(project=project)
        create_charge(account=without_case, month=dt.date(2025, 10, 1))
        create_payment(account=without_case, received_on=dt.date(2025, 11, 2))
        create_case(account=create_account(project=project), today=OPENED)
        course, collected = self.course(project, dt.date(2025, 11, 10))
        assert course.total == collected == 0

    def test_the_developers_money_is_in_neither(self, project: Project) -> None:
        account = create_account(project=project)
        account.ownership.owners.update(kind=Owner.Kind.DEVELOPER)
        create_charge(account=account, month=dt.date(2025, 10, 1))
        create_case(account=account, today=OPENED)
        create_payment(account=account, amount="60", received_on=dt.date(2025, 11, 3))
        course, collected = self.course(project, dt.date(2025, 11, 10))
        assert course.total == collected == 0

    def test_before_the_campaign_there_is_no_course(self, project: Project) -> None:
        course, _collected = self.course(project, dt.date(2025, 10, 20))
        assert (course.collected, course.expected, course.per_day) == ([], None, None)
