"""What the database itself refuses about schemes, settlements, objections and praise."""

import datetime as dt

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from collection.models import IncentiveScheme, Objection, Settlement, SettlementExclusion, SettlementLine, TargetClass
from tests.collection.settled import D, Estate, make_estate, praise
from tests.factories import NOW, create_objection, create_project, create_settlement, create_user

FLATS = TargetClass.RESIDENTIAL_PROPERTY
pytestmark = pytest.mark.django_db


@pytest.fixture
def estate() -> Estate:
    return make_estate()


class TestDefences:
    @pytest.mark.parametrize(
        ("change", "constraint"),
        [
            ({"state": "approved"}, "settlement_decision_has_who_and_when"),
            ({"closes_on": dt.date(2025, 1, 1)}, "are kept"),
        ],
    )
    def test_a_settlement_is_guarded(self, change: dict[str, object], constraint: str) -> None:
        settlement = create_settlement(project=create_project())
        with pytest.raises(DatabaseError, match=constraint), transaction.atomic():
            Settlement.objects.filter(pk=settlement.pk).update(**change)

    def test_the_proposer_is_not_who_decides(self) -> None:
        settlement = create_settlement(project=create_project())
        with pytest.raises(IntegrityError, match="settlement_decided_by_another"), transaction.atomic():
            Settlement.objects.update(state="approved", decided_by=settlement.proposed_by, decided_at=NOW)

    def test_a_day_stands_once(self) -> None:
        settlement = create_settlement(project=create_project())
        with pytest.raises(IntegrityError, match="one_settlement_of_a_day"), transaction.atomic():
            create_settlement(project=settlement.project, campaign=settlement.campaign)

    @pytest.mark.parametrize("table", ["settlement", "settlementline", "settlementexclusion", "incentivescheme"])
    def test_nothing_is_deleted(self, estate: Estate, table: str) -> None:
        estate.propose(excluded=[estate.cases[1].account_id])
        self.attack(f"DELETE FROM collection_{table}")

    @pytest.mark.parametrize(
        "attack",
        [
            "UPDATE collection_settlementline SET collected = 999",
            "UPDATE collection_settlementexclusion SET due = 0",
            "UPDATE collection_incentivescheme SET deduction = 0",
            "UPDATE collection_objection SET text = 'x'",
            "UPDATE collection_commendation SET text = 'x'",
        ],
    )
    def test_figures_and_words_stay(self, estate: Estate, attack: str) -> None:
        settlement = estate.propose(excluded=[estate.cases[1].account_id])
        create_objection(settlement=settlement)
        praise(estate)
        self.attack(attack)

    def attack(self, statement: str) -> None:
        refused = pytest.raises(DatabaseError, match=r"permission denied|append-only|are kept|violates foreign key")
        with refused, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)

    @pytest.mark.parametrize(
        ("given", "constraint"),
        [
            ({"holder": "team"}, "settlement_line_names_its_holder"),
            ({"holder": "project", "corrected": D(-1)}, "settlement_line_correction_lowers"),
        ],
    )
    def test_lines_make_sense(self, given: dict[str, object], constraint: str) -> None:
        settlement = create_settlement(project=create_project())
        with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
            self.line(settlement, **given)

    def test_a_line_stands_once(self) -> None:
        settlement = create_settlement(project=create_project())
        self.line(settlement, holder="project")
        with pytest.raises(IntegrityError, match="settlement_line_once"), transaction.atomic():
            self.line(settlement, holder="project")

    def line(self, settlement: Settlement, **given: object) -> SettlementLine:
        money = dict.fromkeys(("arrears", "base", "credited", "collected"), D(1))
        return SettlementLine.objects.create(
            settlement=settlement, target_class=FLATS, target=D(90), **{**money, **given}
        )

    def test_an_account_is_excluded_once(self, estate: Estate) -> None:
        settlement, account = estate.propose(), estate.cases[0].account
        SettlementExclusion.objects.create(settlement=settlement, account=account, due=D(1))
        with pytest.raises(IntegrityError, match="settlement_excludes_once"), transaction.atomic():
            SettlementExclusion.objects.create(settlement=settlement, account=account, due=D(1))

    @pytest.mark.parametrize(
        ("given", "constraint"),
        [
            ({"deduction": D(101)}, "incentive_scheme_percentages"),
            ({"strict_below": D(-1)}, "incentive_scheme_percentages"),
            ({"least_due": D(-1)}, "incentive_scheme_least_not_negative"),
            ({"move_days": 367}, "incentive_scheme_move_days_few"),
            ({"combining": "mood"}, "incentive_scheme_combining_known"),
        ],
    )
    def test_a_scheme_makes_sense(self, given: dict[str, object], constraint: str) -> None:
        with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
            IncentiveScheme.objects.create(
                project=create_project(), number=1, changed_at=NOW, changed_by=create_user(), **given
            )

    @pytest.mark.parametrize(
        ("change", "constraint"),
        [
            ({"answer": "x"}, "objection_answer_whole"),
            ({"answer": "", "answered_at": NOW}, "objection_answer_whole"),
        ],
    )
    def test_answers_are_whole(self, change: dict[str, object], constraint: str) -> None:
        create_objection(settlement=create_settlement(project=create_project()))
        with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
            Objection.objects.update(**change)

    def test_nobody_answers_themselves(self) -> None:
        objection = create_objection(settlement=create_settlement(project=create_project()))
        with pytest.raises(IntegrityError, match="objection_answered_by_another"), transaction.atomic():
            Objection.objects.update(answer="x", answered_at=NOW, answered_by=objection.raised_by)

    def test_objections_say_something(self) -> None:
        with pytest.raises(IntegrityError, match="objection_says_something"), transaction.atomic():
            create_objection(settlement=create_settlement(project=create_project()), text="")

    @pytest.mark.parametrize(
        ("given", "constraint"),
        [({"text": ""}, "commendation_says_what_for"), ({"self": True}, "commendation_of_another")],
    )
    def test_praise_is_of_another_and_in_words(self, estate: Estate, given: dict[str, object], constraint: str) -> None:
        with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
            praise(estate, **given)
