"""Rate conventions of a project: versions that stay, words under the report, figures that follow."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from collection.conventions import (
    CONVENTION_FIELDS,
    ChangedMeanwhileError,
    as_settings,
    save_convention,
    settings_of,
    stated,
)
from collection.dashboard import build_dashboard
from collection.models import Attribution, Case, Parking, RateConvention, RecoveryBase, Reductions
from collection.rate_conventions import DEFAULTS, View
from company.models import AuditEvent, Project, Role, User
from tests.collection.desk import Desk, said
from tests.factories import (
    NOW,
    create_account,
    create_campaign,
    create_charge,
    create_convention,
    create_project,
    create_user,
)

pytestmark = pytest.mark.django_db
ON = dt.date(2025, 11, 22)
USUAL = {name: RateConvention._meta.get_field(name).get_default() for name in CONVENTION_FIELDS}


@pytest.fixture
def project() -> Project:
    return create_project()


def save(project: Project, *, seen: int = 0, by: User | None = None, **given: object) -> RateConvention | None:
    return save_convention(project, {**USUAL, **given}, seen=seen, by=by or create_user(), now=NOW)


class TestVersions:
    def test_without_any_the_usual_holds(self, project: Project) -> None:
        assert settings_of(project) == DEFAULTS
        assert as_settings(RateConvention(**USUAL)) == DEFAULTS

    def test_each_change_is_a_version_and_is_recorded(self, project: Project) -> None:
        save(project, reductions=Reductions.AS_COLLECTED)
        save(project, seen=1, reductions=Reductions.AS_COLLECTED, tolerance=Decimal("0.50"))
        assert [(v.number, v.reductions) for v in RateConvention.objects.all()] == [
            (2, "as_collected"),
            (1, "as_collected"),
        ]
        assert settings_of(project).tolerance == Decimal("0.50")
        event = AuditEvent.objects.filter(action="rate_convention.changed").first()
        assert event is not None
        assert event.detail == {"changed": {"tolerance": ["0.00", "0.50"]}}

    def test_the_same_again_is_no_version(self, project: Project) -> None:
        assert save(project) is None
        assert not RateConvention.objects.exists()

    def test_an_outdated_form_is_refused(self, project: Project) -> None:
        save(project, whole_year=True)
        with pytest.raises(ChangedMeanwhileError):
            save(project, seen=0, includes_developer=True)

    def test_recovery_may_begin_with_the_campaign(self, project: Project) -> None:
        save(project, recovery_base=RecoveryBase.CAMPAIGN_START)
        campaign = create_campaign(project=project)
        assert settings_of(project, campaign).recovery_since == campaign.starts_on
        assert settings_of(project).recovery_since is None

    def test_words_tell_each_setting(self) -> None:
        changed = RateConvention(
            attribution=Attribution.DUE_DATE,
            whole_year=True,
            reductions=Reductions.IGNORED,
            includes_developer=True,
            parking=Parking.OFF,
            tolerance=Decimal(1),
            counts_late_prior=False,
        )
        usual, other = stated(DEFAULTS, View.APPRAISAL), stated(as_settings(changed), View.ACCOUNTING)
        assert set(usual) & set(other) == {stated(DEFAULTS, View.APPRAISAL)[-1]}


class TestFigures:
    def test_the_dashboard_counts_as_the_project_does(self, project: Project) -> None:
        create_charge(account=create_account(project=project), due_on=dt.date(2025, 12, 31), amount="70")
        cases = Case.objects.filter(project=project)
        assert build_dashboard(project, cases=cases, on=ON).cards[0].rate is None
        save(project, whole_year=True)
        board = build_dashboard(project, cases=cases, on=ON)
        assert board.cards[0].rate == 0
        assert str(board.rates.current.whole) == "70.00"


class TestDefences:
    @pytest.mark.parametrize(
        ("given", "constraint"),
        [
            ({"tolerance": Decimal(-1)}, "rate_convention_tolerance_small"),
            ({"tolerance": Decimal(101)}, "rate_convention_tolerance_small"),
            ({"closing_days": 61}, "rate_convention_closing_days_few"),
            ({"parking": "nowhere"}, "rate_convention_choices_known"),
            ({"reductions": ""}, "rate_convention_choices_known"),
        ],
    )
    def test_nonsense_is_refused(self, project: Project, given: dict[str, object], constraint: str) -> None:
        with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
            create_convention(project=project, **given)

    def test_a_number_stands_once(self, project: Project) -> None:
        create_convention(project=project)
        with pytest.raises(IntegrityError, match="rate_convention_numbered"), transaction.atomic():
            create_convention(project=project)

    @pytest.mark.parametrize(
        "attack", ["UPDATE collection_rateconvention SET whole_year = true", "DELETE FROM collection_rateconvention"]
    )
    def test_versions_stay_as_they_are(self, project: Project, attack: str) -> None:
        create_convention(project=project)
        with (
            pytest.raises(DatabaseError, match=r"permission denied|append-only"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(attack)


class TestPage:
    def test_the_project_manager_changes_it(self, project: Project) -> None:
        desk = Desk(project)
        page = desk.get("conventions").text
        assert "从未改动" in page
        response = desk.post("conventions", {**USUAL, "counts_late_prior": "on", "whole_year": "on", "seen": "0"})
        assert "已保存" in said(response)
        assert settings_of(project).whole_year
        assert "饱和应收" in desk.get("conventions").text

    def test_what_was_changed_meanwhile_is_told_and_kept(self, project: Project) -> None:
        desk = Desk(project)
        create_convention(project=project, parking=Parking.OFF)
        response = desk.post("conventions", {**USUAL, "tolerance": "0.77", "seen": "0"})
        assert "0.77" in response.text
        assert RateConvention.objects.count() == 1

    def test_others_read(self, project: Project) -> None:
        desk = Desk(project, Role.COMPANY_LEADER)
        desk.post("conventions", {**USUAL, "whole_year": "on", "seen": "0"})
        assert not RateConvention.objects.exists()
        assert '<form method="post" novalidate' not in desk.get("conventions").text
