"""Rates of parts of a project: they add up, open the accounts behind them, and are kept day by day."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from collection import snapshots
from collection.models import RateSnapshot, ReasonChange, TargetClass
from collection.rate_groups import Dimension, grouped_rates
from collection.rates import Ratio
from collection.snapshots import take_snapshots
from company.models import AuditEvent, Role
from tests.arrears.spoiling import as_owner
from tests.arrears.test_races import at_once
from tests.collection.desk import Desk
from tests.collection.settled import ON, Estate, make_estate
from tests.factories import NOW, create_account, create_charge, create_payment, create_project

D = Decimal
pytestmark = pytest.mark.django_db


@pytest.fixture
def estate() -> Estate:
    return make_estate()


class TestGroups:
    @pytest.mark.parametrize("by", Dimension)
    def test_parts_add_up_to_the_whole(self, estate: Estate, by: Dimension) -> None:
        create_charge(account=create_account(project=estate.project, code="2-1-101"))
        grouped = grouped_rates(estate.project, on=ON, by=by)
        assert grouped.total.appraisal.current.whole == D(4100)
        assert sum((group.appraisal.current for group in grouped.groups), Ratio()) == grouped.total.appraisal.current
        assert sum((group.accounting.prior for group in grouped.groups), Ratio()) == grouped.total.accounting.prior
        assert sum(len(group.rows) for group in grouped.groups) == len(grouped.total.rows)

    def test_teams_hold_the_money_of_their_cases(self, estate: Estate) -> None:
        groups = grouped_rates(estate.project, on=ON, by=Dimension.TEAM).groups
        assert [(group.name, group.appraisal.current) for group in groups[:2]] == [
            ("一组", Ratio(D(900), D(1000))),
            ("二组", Ratio(D(600), D(1000))),
        ]

    def test_the_reason_of_the_day(self, estate: Estate) -> None:
        case, at = estate.cases[0], dt.datetime(2025, 11, 15, 9, tzinfo=NOW.tzinfo)
        ReasonChange.objects.create(case=case, reason="burgled", at=at, by=estate.manager)
        ReasonChange.objects.create(case=case, reason="unreachable", at=at + dt.timedelta(days=5), by=estate.manager)
        keys = [
            {
                group.key
                for group in grouped_rates(estate.project, on=dt.date(2025, 11, day), by=Dimension.REASON).groups
            }
            for day in (14, 15, 19, 20)
        ]
        assert keys == [{"none"}, {"burgled", "none"}, {"burgled", "none"}, {"unreachable", "none"}]

    def test_the_number_of_queries_does_not_grow(self, estate: Estate, django_assert_max_num_queries) -> None:
        with django_assert_max_num_queries(6):
            grouped_rates(estate.project, on=ON, by=Dimension.BUILDING)


class TestPages:
    def test_a_number_opens_the_accounts_that_make_it(self, estate: Estate) -> None:
        desk = Desk(estate.project, user=estate.manager)
        page = desk.get("rates", "?by=team&on=2025-11-22").text
        assert f"key={estate.teams[0].pk}" in page
        assert "900.00" in page
        behind = desk.get("rate_accounts", f"?by=team&on=2025-11-22&key={estate.teams[0].pk}")
        assert "已收 900.00 ÷ 应收 1,000.00 = 90.00%" in behind.text
        assert sum(line.due for line in behind.context_data["lines"]) == D(1000)
        assert sum(line.settled for line in behind.context_data["lines"]) == D(900)
        assert desk.get("rate_accounts", "?by=team&key=999999").status_code == 404

    def test_exported_and_recorded(self, estate: Estate) -> None:
        response = Desk(estate.project, user=estate.manager).get("rates_export", "?by=building&on=2025-11-22")
        assert response["Content-Disposition"].endswith(".xlsx")
        assert AuditEvent.objects.get(action="rates.exported").detail == {"on": "2025-11-22", "dimension": "building"}

    def test_a_head_sees_their_team_alone(self, estate: Estate) -> None:
        head = Desk(estate.project, Role.DEPARTMENT_HEAD)
        estate.teams[1].members.create(user=head.user, project=estate.project, joined_on=ON)
        page = head.get("rates", "?by=team&on=2025-11-22").text
        assert "二组" in page
        assert "一组" not in page
        assert head.get("rates_course").json() == {"series": []}


class TestSnapshots:
    MORNING = dt.datetime(2025, 11, 23, 1, tzinfo=NOW.tzinfo)

    def test_what_was_known_then_stays(self, estate: Estate) -> None:
        assert take_snapshots(now=self.MORNING) == 1
        create_payment(account=estate.cases[1].account, amount="400", received_on=ON)
        assert take_snapshots(now=self.MORNING + dt.timedelta(hours=1)) == 0
        kept = RateSnapshot.objects.get()
        assert (kept.day, kept.current_part, kept.current_whole, kept.units_part) == (ON, D(3100), D(4000), 1)
        assert grouped_rates(estate.project, on=ON, by=Dimension.CLASS).total.appraisal.current.part == D(3500)

    def test_a_day_on_which_nobody_ran_is_not_made_up(self, estate: Estate) -> None:
        take_snapshots(now=self.MORNING)
        take_snapshots(now=self.MORNING + dt.timedelta(days=3))
        assert [kept.day.day for kept in RateSnapshot.objects.all()] == [22, 25]

    def test_the_course_is_what_was_kept(self, estate: Estate) -> None:
        take_snapshots(now=timezone.now())
        desk = Desk(estate.project, user=estate.manager)
        (series,) = desk.get("rates_course").json()["series"]
        day, percent = series["points"][0]
        assert day == (timezone.localdate() - dt.timedelta(days=1)).isoformat()
        kept = RateSnapshot.objects.get()
        assert percent == (float(Ratio(kept.current_part, kept.current_whole).shown()) if kept.current_whole else None)

    def test_a_day_and_class_stand_once(self) -> None:
        project = create_project()
        snapshot(project.pk)
        with pytest.raises(IntegrityError, match="rate_snapshot_once"), transaction.atomic():
            snapshot(project.pk)

    def test_only_known_classes(self) -> None:
        with pytest.raises(IntegrityError, match="rate_snapshot_of_a_known_class"), transaction.atomic():
            snapshot(create_project().pk, target_class="moon")

    @pytest.mark.parametrize(
        "attack", ["UPDATE collection_ratesnapshot SET units_part = 9", "DELETE FROM collection_ratesnapshot"]
    )
    def test_none_is_changed(self, attack: str) -> None:
        snapshot(create_project().pk)
        refused = pytest.raises(DatabaseError, match=r"permission denied|append-only")
        with refused, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(attack)


def snapshot(project_id: int, **fields: object) -> RateSnapshot:
    money = dict.fromkeys(
        (
            "current_part", "current_whole", "accounting_part", "accounting_whole", "prior_part", "prior_whole",
            "units_part", "units_whole", "excluded_accounts", "excluded_due",
        ), 0,
    )  # fmt: skip
    given = {"target_class": TargetClass.UTILITIES, **fields}
    return RateSnapshot.objects.create(project_id=project_id, day=ON, taken_at=NOW, **money, **given)


@pytest.mark.django_db(transaction=True)
class TestTwoBeats:
    def run(self) -> list[Exception]:
        project = make_estate().project
        return at_once(lambda _n: snapshots.take_snapshot(project, now=TestSnapshots.MORNING), clients=5)

    def test_two_beats_at_once_keep_one(self) -> None:
        assert self.run() == []
        assert RateSnapshot.objects.count() == 1

    def test_control_without_the_unique_key_there_are_several(self) -> None:
        with as_owner() as owner:
            owner.execute("ALTER TABLE collection_ratesnapshot DROP CONSTRAINT rate_snapshot_once")
        try:
            self.run()
            assert RateSnapshot.objects.count() > 1
        finally:
            with as_owner() as owner:
                owner.execute("TRUNCATE collection_ratesnapshot")
                owner.execute(
                    "ALTER TABLE collection_ratesnapshot "
                    "ADD CONSTRAINT rate_snapshot_once UNIQUE (project_id, day, target_class)"
                )
