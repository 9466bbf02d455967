"""An estate in the middle of its campaign, for the tests of results and settlements."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from collection import settling
from collection.models import Assignment, Campaign, Case, Commendation, IncentiveScheme, Settlement, Team
from collection.results import HolderResult, frozen_results
from collection.settling import propose_settlement
from company.models import Project, Role, User
from tests.factories import (
    NOW,
    create_account,
    create_campaign,
    create_case,
    create_charge,
    create_payment,
    create_project,
    create_team,
    create_user,
)

D = Decimal
START, ON, TODAY = dt.date(2025, 11, 1), dt.date(2025, 11, 22), dt.date(2025, 11, 23)


@dataclass
class Estate:
    """Three accounts owe 400 each of 1,000, one owes nothing: R = 4,000, C₀ = 2,800, A = 1,200; 300 came in."""

    project: Project
    campaign: Campaign
    teams: list[Team]
    members: list[User]
    cases: list[Case]
    manager: User
    leader: User

    def propose(self, closes_on: dt.date = ON, **kwargs: object) -> Settlement:
        given = {"by": self.manager, "now": NOW, "today": TODAY, **kwargs}
        return propose_settlement(self.campaign, closes_on=closes_on, **given)

    def of(self, settlement: Settlement) -> dict[str, HolderResult]:
        found = Settlement.objects.select_related("campaign", "scheme", "convention").get(pk=settlement.pk)
        return {each.name: each for each in frozen_results(found).holders}


def make_estate() -> Estate:
    project = create_project()
    members = [create_user(name=name, role=Role.OFFICER, project=project) for name in ("王倩", "赵敏")]
    teams = [
        create_team(project=project, name=f"{n}组", members=[member], leader=member)
        for n, member in zip("一二", members, strict=True)
    ]
    cases = []
    for number, months_paid in enumerate((6, 6, 6, 10), start=1):
        account = create_account(project=project, code=f"1-1-{number}01")
        for month in range(1, 11):
            create_charge(account=account, month=dt.date(2025, month, 1))
        create_payment(account=account, amount=100 * months_paid, received_on=dt.date(2025, 10, 20))
        if months_paid < 10:
            cases.append(create_case(account=account, today=START))
    for case, team, member in zip(cases, teams, members, strict=False):
        Assignment.objects.create(
            project=project, case=case, team=team, member=member, starts_on=START, assigned_at=NOW, assigned_by=member
        )
    create_payment(account=cases[0].account, amount="300", received_on=dt.date(2025, 11, 10))
    return Estate(
        project,
        create_campaign(project=project),
        teams,
        members,
        cases,
        create_user(name="沈静宜", role=Role.PROJECT_MANAGER, project=project),
        create_user(name="周总", role=Role.COMPANY_LEADER),
    )


def scheme_values() -> dict[str, object]:
    return {name: getattr(IncentiveScheme(), name) for name in settling.SCHEME_FIELDS}


def praise(estate: Estate, text: str = "雨天上门", self: bool = False) -> Commendation:
    member = estate.members[0]
    return Commendation.objects.create(
        project=estate.project, member=member, text=text, given_at=NOW, given_by=member if self else estate.manager
    )
