"""An estate with teams and cases to be split between them, for the tests of assignment."""

import datetime as dt

from collection.assignment import Confirmation, confirm, propose
from collection.following import follow_ledger
from collection.models import AssignmentProposal, Case, Team
from company.models import Role
from tests.factories import NOW, TODAY, create_account, create_charge, create_project, create_team, create_user

DAY = dt.timedelta(days=1)
Draft = AssignmentProposal


class Estate:
    """A project with two teams of two members, and ten cases in each of two buildings."""

    def __init__(self, *, cases: int = 10) -> None:
        self.project = create_project()
        self.manager = create_user(name="沈静宜", project=self.project, role=Role.PROJECT_MANAGER)
        self.teams = [self._team(name) for name in ("一组", "二组")]
        for building in (1, 2):
            for number in range(cases):
                account = create_account(project=self.project, code=f"{building}-{number % 2 + 1}-{number + 1:02d}01")
                create_charge(account=account, due_on=dt.date(2025, 10, 31))
        follow_ledger(today=TODAY, now=NOW, project=self.project)

    def _team(self, name: str) -> Team:
        members = [create_user(name=f"{name}{n}", project=self.project, role=Role.OFFICER) for n in "甲乙"]
        return create_team(project=self.project, name=name, members=members, leader=members[0])

    def propose(self, **kwargs: object) -> AssignmentProposal:
        return propose(self.project, by=self.manager, today=TODAY, now=NOW, **kwargs)

    def confirm(self, draft: AssignmentProposal, **kwargs: object) -> Confirmation:
        defaults = {"revision": draft.revision, "by": self.manager, "today": TODAY, "now": NOW}
        return confirm(draft.pk, **{**defaults, **kwargs})

    def of_building(self, building: int) -> list[int]:
        cases = Case.objects.filter(account__unit__code__startswith=f"{building}-")
        return list(cases.values_list("pk", flat=True))
