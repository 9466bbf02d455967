"""Two managers at once: put a playbook in force, share out cases, hand over a leaver's; each with its control."""

import pytest
from django.db import IntegrityError

from collection import assignment, leaving, playbooks
from collection.leaving import propose_handing_over
from collection.models import AssignmentProposal, Playbook
from collection.playbooks import StaleDraftError, activate, start_draft
from company.models import AuditEvent, Project, User
from tests.collection.estate import Estate
from tests.collection.overlapping import overlapping
from tests.factories import NOW, TODAY, create_project, create_user

pytestmark = pytest.mark.django_db(transaction=True)
Draft = AssignmentProposal.State


class TestActivating:
    """Both have the same draft of the playbook open and press the button."""

    def activate_twice(self) -> tuple[list[object], list[User]]:
        project = create_project()
        people = [create_user(name="沈静宜"), create_user(name="韩志远")]
        draft = start_draft(project, by=people[0], now=NOW)
        results = overlapping(
            *(lambda by=by: activate(draft.pk, revision=draft.revision, by=by, now=NOW) for by in people)
        )
        return results, people

    def test_one_counts_and_the_other_is_told(self) -> None:
        results, people = self.activate_twice()
        assert isinstance(results[1], StaleDraftError)
        assert Playbook.objects.get(state="active").activated_by == people[0]
        assert AuditEvent.objects.filter(action="playbook.activated").count() == 1

    def test_control_without_the_lock_the_second_is_not_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def read(playbook_id: int, *, revision: int | None) -> Playbook:
            return Playbook.objects.select_related("project", "case").get(pk=playbook_id)

        monkeypatch.setattr(playbooks, "_lock_draft", read)
        results, _people = self.activate_twice()
        assert not isinstance(results[1], StaleDraftError)


class TestSharing:
    """Both compute a split; the second comes while the first is not committed."""

    @pytest.fixture
    def estate(self) -> Estate:
        return Estate(cases=2)

    def hand_over(self, estate: Estate) -> AssignmentProposal:
        team = estate.teams[0]
        member = team.members.first().user
        return propose_handing_over(team, member, by=estate.manager, today=TODAY, now=NOW)

    def states(self) -> list[str]:
        return list(AssignmentProposal.objects.order_by("pk").values_list("state", flat=True))

    def test_the_later_draft_takes_the_place_of_the_earlier(self, estate: Estate) -> None:
        first, second = overlapping(estate.propose, estate.propose)
        assert self.states() == [Draft.DROPPED, Draft.DRAFT]
        assert [first.pk, second.pk] == sorted([first.pk, second.pk])

    def test_a_handing_over_waits_its_turn_too(self, estate: Estate) -> None:
        estate.confirm(estate.propose())
        overlapping(estate.propose, lambda: self.hand_over(estate))
        assert self.states() == [Draft.CONFIRMED, Draft.DROPPED, Draft.DRAFT]

    @pytest.mark.parametrize("handing_over", [False, True])
    def test_control_without_the_turn_the_database_refuses_the_second(
        self, estate: Estate, monkeypatch: pytest.MonkeyPatch, *, handing_over: bool
    ) -> None:
        estate.confirm(estate.propose())

        def take_no_turn(project: Project) -> None:
            AssignmentProposal.objects.filter(project=project, state=Draft.DRAFT).update(state=Draft.DROPPED)

        for module in (assignment, leaving):
            monkeypatch.setattr(module, "take_turn", take_no_turn)
        second = (lambda: self.hand_over(estate)) if handing_over else estate.propose
        _first, error = overlapping(estate.propose, second)
        assert isinstance(error, IntegrityError)
        assert "one_draft_proposal" in str(error)
