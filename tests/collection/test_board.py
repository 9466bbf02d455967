"""What the assignment board shows of a draft."""

import datetime as dt
from collections.abc import Callable

import pytest

from collection.assignment import move
from collection.board import Board
from collection.models import AssignmentProposal, Case
from tests.collection.estate import Estate
from tests.factories import TODAY, create_promise

DAY = dt.timedelta(days=1)
Draft = AssignmentProposal


@pytest.fixture
def estate(db: None) -> Estate:
    return Estate()


class TestBoard:
    def test_loads_are_compared_with_the_mean(self, estate: Estate) -> None:
        board = Board(estate.propose())
        assert [(c.name, c.load.number, c.load.number_ratio, c.load.weighted) for c in board.columns] == [
            ("一组", 10, 1, 1),
            ("二组", 10, 1, 1),
        ]
        assert board.within_limits
        assert [[card.label for card in column.cards] for column in board.columns] == [["1"], ["2"]]

    def test_a_move_shows_as_change_and_split(self, estate: Estate) -> None:
        estate.confirm(estate.propose())
        draft = estate.propose()
        cases = list(draft.entries.filter(case__account__unit__code__startswith="1-1-").values_list("case", flat=True))
        source = draft.entries.get(case=cases[0]).team_id
        target = next(team for team in estate.teams if team.pk != source)
        board = Board(move(draft.pk, case_ids=cases, source=source, team_id=target.pk))
        (change,) = board.changes
        assert (change.number, change.target, change.splits) == (5, target.name, True)
        assert (board.handed_over, board.moved_by_hand) == (5, 5)
        assert len(board.split_buildings) == 1
        assert not board.within_limits
        column = next(c for c in board.columns if c.holder_id == target.pk)
        (card,) = [card for card in column.cards if card.moved]
        assert card.origin
        assert not card.is_part

    def test_members_of_a_team(self, estate: Estate) -> None:
        board = Board(estate.propose(), team=estate.teams[0])
        assert [(column.name, column.load.number) for column in board.columns] == [("一组甲", 5), ("一组乙", 5)]

    def test_promises_that_wait_are_named(self, estate: Estate) -> None:
        estate.confirm(estate.propose())
        case = Case.objects.select_related("account__unit").first()
        create_promise(case=case, pay_by=TODAY + DAY)
        draft = estate.propose()
        entry = draft.entries.get(case=case)
        target = next(team for team in estate.teams if team.pk != entry.team_id)
        board = Board(move(draft.pk, case_ids=[case.pk], source=entry.team_id, team_id=target.pk))
        assert board.promised == [case.account.unit.code]


@pytest.mark.django_db
def test_queries_do_not_grow_with_cases(django_assert_max_num_queries: Callable) -> None:
    def cost(cases: int) -> int:
        estate = Estate(cases=cases)
        with django_assert_max_num_queries(60) as counted:
            draft = estate.propose()
            board = Board(draft)
            assert board.columns and not board.promised and board.changes is not None  # noqa: PT018
            estate.confirm(draft)
        return len(counted)

    assert cost(3) == cost(30)
