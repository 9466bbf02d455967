"""Areas of teams (责任区): set from a day on, and quotas taken over all units of them, paid or not."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from collection.areas import BackdatedError, SettledError, set_areas
from collection.models import QuotaBy, SettlementLine, TargetClass, TeamArea, TeamMember
from collection.quotas import answering_members, answering_teams, quotas_of
from collection.rate_conventions import RateSettings
from collection.rate_rows import RateRow
from collection.results import HolderResult, compute_results
from collection.settling import withdraw_settlement
from company.models import AuditEvent, Role
from owners.models import Building
from tests.collection.desk import Desk, said
from tests.collection.settled import ON, START, Estate, make_estate
from tests.factories import NOW, create_account, create_building, create_charge, create_convention, create_payment
from tests.field_factories import queries

D = Decimal
DAY = dt.timedelta(days=1)
BY_AREA = RateSettings(quota_by=QuotaBy.AREAS)
pytestmark = pytest.mark.django_db


@pytest.fixture
def estate() -> Estate:
    """Beside the flats of building 1, of which three owe, one flat in building 2 that paid all of its 1,000."""
    estate = make_estate()
    paid = create_account(project=estate.project, code="2-1-101")
    for month in range(1, 11):
        create_charge(account=paid, month=dt.date(2025, month, 1))
    create_payment(account=paid, amount=1000, received_on=dt.date(2025, 10, 20))
    return estate


def building(estate: Estate, name: str) -> Building:
    return Building.objects.get(project=estate.project, name=name)


def put(estate: Estate, *, since: dt.date = START, **names: int | None) -> int:
    """``b1=0``: building 1 is of the first team and its member; None: of nobody."""
    chosen = {
        building(estate, name.removeprefix("b")).pk: None
        if index is None
        else (estate.teams[index].pk, estate.members[index].pk)
        for name, index in names.items()
    }
    return set_areas(estate.project, chosen, since=since, by=estate.manager, now=NOW)


class TestQuotas:
    ROWS = [
        RateRow(1, 1, TargetClass.RESIDENTIAL_PROPERTY, due=D(1200), settled=D(1200), settled_before=D(1200)),
        RateRow(2, 2, TargetClass.RESIDENTIAL_PROPERTY, due=D(1200), settled=D(1200), settled_before=D(1100)),
        RateRow(3, 3, TargetClass.RESIDENTIAL_PROPERTY, due=D(1200), settled=D(800), settled_before=D(300)),
        RateRow(4, 4, TargetClass.RESIDENTIAL_PROPERTY, due=D(1200)),
    ]

    def test_the_rate_of_an_area_is_the_plain_one_of_its_units(self) -> None:
        quotas = quotas_of(self.ROWS, target=D(90), teams={1: 7, 2: 7, 3: 7, 4: None}, settings=BY_AREA)
        area = quotas.by_team[7]
        assert (area.base, area.credited, area.collected) == (D(3600), D(2600), D(600))
        assert area.rate == pytest.approx(D(3200) / D(36))
        assert area.money == D("640.00")  # 90 % of 3,600, less 2,600
        assert quotas.by_team[None].base == D(1200)

    def test_areas_add_up_to_the_project(self) -> None:
        quotas = quotas_of(self.ROWS, target=D(90), teams={1: 7, 2: 8, 3: 8, 4: None}, settings=BY_AREA)
        for figure in ("arrears", "base", "credited", "collected"):
            assert sum(getattr(q, figure) for q in quotas.by_team.values()) == getattr(quotas.total, figure)

    def test_results_judge_teams_and_members_by_their_area(self, estate: Estate) -> None:
        create_convention(project=estate.project, quota_by=QuotaBy.AREAS)
        put(estate, b1=0, b2=1)
        found = compute_results(estate.campaign, closes_on=ON).holders
        rates = {each.name: each.result.classes[0].quota.rate for each in found}
        assert rates == {
            "项目": D(82), "一组": D("77.5"), "二组": D(100), "王倩": D("77.5"), "赵敏": D(100),
        }  # fmt: skip
        nobody = [each for each in found if each.holder == SettlementLine.Holder.NOBODY]
        assert nobody == []

    def test_units_of_no_area_stand_in_a_line_of_their_own(self, estate: Estate) -> None:
        create_convention(project=estate.project, quota_by=QuotaBy.AREAS)
        put(estate, b1=0)
        nobody: HolderResult = next(
            each
            for each in compute_results(estate.campaign, closes_on=ON).holders
            if each.holder == SettlementLine.Holder.NOBODY
        )
        assert nobody.result.classes[0].quota.base == D(1000)


class TestSetting:
    def test_a_day_keeps_the_area_of_that_day(self, estate: Estate) -> None:
        assert put(estate, b1=0, b2=1) == 2
        assert put(estate, since=START + 10 * DAY, b1=1, b2=1) == 1
        account = estate.cases[0].account_id
        for on, index in ((START, 0), (START + 9 * DAY, 0), (START + 10 * DAY, 1)):
            assert answering_teams(estate.campaign, on=on, settings=BY_AREA)[account] == estate.teams[index].pk
            assert answering_members(estate.campaign, on=on, settings=BY_AREA)[account] == estate.members[index].pk
        assert answering_teams(estate.campaign, on=START - DAY, settings=BY_AREA)[account] is None
        assert AuditEvent.objects.filter(action="areas.set").count() == 2

    def test_on_the_same_day_the_later_choice_stands(self, estate: Estate) -> None:
        put(estate, b1=0)
        put(estate, b1=1)
        assert TeamArea.objects.get().team == estate.teams[1]
        put(estate, b1=None)
        assert not TeamArea.objects.exists()

    def test_a_day_before_the_present_area_is_refused_whole(self, estate: Estate) -> None:
        put(estate, since=ON, b1=0)
        with pytest.raises(BackdatedError):
            put(estate, since=START, b2=1, b1=1)
        assert [area.building.name for area in TeamArea.objects.all()] == ["1"]

    def test_a_day_within_an_area_that_is_over_is_refused(self, estate: Estate) -> None:
        put(estate, b1=0)
        put(estate, since=ON, b1=None)
        with pytest.raises(BackdatedError):
            put(estate, since=ON - DAY, b1=1)
        put(estate, since=ON, b1=1)
        assert answering_teams(estate.campaign, on=ON - DAY, settings=BY_AREA)[estate.cases[0].account_id] == (
            estate.teams[0].pk
        )

    def test_days_that_a_settlement_used_stay_as_they_were(self, estate: Estate) -> None:
        put(estate, b1=0)
        settlement = estate.propose()
        for since in (START, ON):
            with pytest.raises(SettledError):
                put(estate, since=since, b1=1)
        withdraw_settlement(settlement.pk, by=estate.manager, now=NOW)
        assert put(estate, since=ON, b1=1) == 1

    @pytest.mark.parametrize(
        ("fields", "constraint"),
        [
            ({"starts_on": ON}, "a_building_is_of_one_area"),
            ({"starts_on": START - DAY, "ends_on": ON}, "a_building_is_of_one_area"),
            ({"starts_on": ON, "ends_on": ON}, "area_lasts_a_day"),
        ],
    )
    def test_the_database_refuses_two_areas_of_a_building(
        self, estate: Estate, fields: dict[str, dt.date], constraint: str
    ) -> None:
        put(estate, b1=0)
        with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
            TeamArea.objects.create(
                project=estate.project, building=building(estate, "1"), team=estate.teams[1], set_at=NOW,
                set_by=estate.manager, **fields,
            )  # fmt: skip


class TestPage:
    def test_the_manager_sets_them_and_sees_them(self, estate: Estate) -> None:
        desk = Desk(estate.project, user=estate.manager)
        first, second = building(estate, "1"), building(estate, "2")
        team, member = estate.teams[0], estate.members[0]
        chosen = {f"building_{first.pk}": f"{team.pk}-{member.pk}", f"building_{second.pk}": ""}
        assert "1 栋楼" in said(desk.post("areas", chosen | {"since": START.isoformat()}))
        assert TeamArea.objects.get().member == member
        assert "1 栋楼没有责任区" in desk.get("areas").text

    def test_a_backdated_change_says_since_when(self, estate: Estate) -> None:
        put(estate, since=ON, b1=0)
        desk = Desk(estate.project, user=estate.manager)
        page = desk.post("areas", {"since": START.isoformat(), f"building_{building(estate, '1').pk}": ""})
        assert f"{ON:%Y-%m-%d}" in page.text
        assert TeamArea.objects.get().ends_on is None

    def test_a_member_who_left_the_team_may_stay_but_not_be_chosen(self, estate: Estate) -> None:
        put(estate, b1=0)
        TeamMember.objects.filter(user=estate.members[0]).update(left_on=ON)
        desk = Desk(estate.project, user=estate.manager)
        value = f"{estate.teams[0].pk}-{estate.members[0].pk}"
        first, second = building(estate, "1"), building(estate, "2")
        kept = {"since": ON.isoformat(), f"building_{first.pk}": value, f"building_{second.pk}": ""}
        assert desk.post("areas", kept).status_code == 302
        page = desk.post("areas", kept | {f"building_{second.pk}": value})
        assert page.status_code == 200
        assert TeamArea.objects.count() == 1

    def test_who_does_not_plan_the_campaign_sees_them_only(self, estate: Estate) -> None:
        desk = Desk(estate.project, Role.COMPANY_LEADER)
        assert "<select" not in desk.get("areas").text.split("<main")[1]
        assert desk.post("areas", {"since": START.isoformat()}).status_code == 403

    def test_its_queries_do_not_grow_with_the_buildings(self, estate: Estate) -> None:
        desk = Desk(estate.project, user=estate.manager)
        desk.get("areas")
        with queries() as few:
            desk.get("areas")
        for number in range(3, 30):
            create_building(project=estate.project, name=str(number))
        with queries() as many:
            desk.get("areas")
        assert len(many) == len(few)
