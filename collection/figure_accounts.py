"""The accounts behind a figure of the dashboard: a class's rate and quota, of the whole project or of one team (D2).

Read and added up by the same functions as the dashboard, so that the figure and the sums of its list never differ.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from collection.conventions import settings_of
from collection.dashboard import targets_of
from collection.marks import excluded_accounts
from collection.models import TargetClass
from collection.pace import campaign_on
from collection.quotas import AccountShare, Quota, TeamId, answering_teams, quotas_of, shares_of
from collection.rate_conventions import ZERO, View
from collection.rate_rows import rate_rows
from company.models import Project

EVERYBODY = -1  # not one team, but the whole project; 0 is a head without a team


@dataclass(frozen=True, slots=True)
class FigureAccounts:
    """One account a line, the largest arrears first; ``quota`` is the dashboard's own figure."""

    of: TargetClass
    quota: Quota
    shares: list[AccountShare]

    def total(self, name: str) -> Decimal:
        """A column's sum in CNY."""
        return sum((getattr(share, name) for share in self.shares), ZERO)


def accounts_behind(
    project: Project, *, of: TargetClass, on: date, view: View, team: TeamId = EVERYBODY
) -> FigureAccounts:
    """Of a class as of the end of ``on``; ``team`` None is what nobody answers for."""
    campaign = campaign_on(project.pk, on=on)
    settings = settings_of(project, campaign)
    out = excluded_accounts(project, on=on)
    rows = [
        row
        for row in rate_rows(project, on=on, campaign=campaign, settings=settings, excluded=out)
        if row.target_class == of
    ]
    teams = answering_teams(campaign, on=on, settings=settings) if campaign else {}
    quotas = quotas_of(rows, target=targets_of(campaign)[of] or ZERO, teams=teams, view=view, settings=settings)
    shares = shares_of(rows, teams=teams, view=view, settings=settings)
    if team == EVERYBODY:
        return FigureAccounts(of, quotas.total, _largest_first(shares))
    quota = quotas.by_team.get(team, Quota(quotas.total.target, ZERO, ZERO, ZERO, ZERO))
    return FigureAccounts(of, quota, _largest_first([s for s in shares if s.is_held and s.team == team]))


def _largest_first(shares: list[AccountShare]) -> list[AccountShare]:
    return sorted(shares, key=lambda share: (-share.arrears, share.account_id))
