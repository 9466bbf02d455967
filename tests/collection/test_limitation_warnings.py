"""Warnings before a limitation period ends reach the manager and who is responsible, once a stage (A11)."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction

from arrears.models import Charge, LimitationWarning
from collection.limitation_warnings import warn_of_limitation
from collection.models import Case
from company.models import Notification, Project, Role, User
from tests.factories import (
    NOW,
    TODAY,
    create_case,
    create_charge,
    create_officer,
    create_payment,
    create_project,
    create_user,
)
from tests.relief_factories import create_proof

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)
ENDS = dt.date(2026, 8, 31)


class Setting:
    """A case whose only charge was due on 31 August 2023, its member and the project's manager."""

    def __init__(self) -> None:
        self.project: Project = create_project(code="FHC1")
        self.manager = create_user(name="沈静宜", project=self.project, role=Role.PROJECT_MANAGER)
        self.member = create_officer(project=self.project)
        self.case: Case = create_case(project=self.project, responsible=self.member)
        self.case.account.charges.all()
        self.charge = create_charge(
            account=self.case.account, month=dt.date(2023, 8, 1), due_on=dt.date(2023, 8, 31), amount="120.00"
        )


@pytest.fixture
def setting() -> Setting:
    return Setting()


def told(user: User) -> list[str]:
    return list(Notification.objects.filter(user=user, key__startswith="limitation/").values_list("title", flat=True))


def stages(user: User, charge: Charge) -> list[int]:
    rows = LimitationWarning.objects.filter(user=user, charge=charge).order_by("pk")
    return list(rows.values_list("stage", flat=True))


def test_each_stage_once_however_often_it_runs(setting: Setting) -> None:
    for left in (181, 180, 179, 91, 90, 31, 30, 1, 0, -1, -2):
        for _again in range(3):
            warn_of_limitation(today=ENDS - left * DAY)
    for user in (setting.manager, setting.member):
        assert stages(user, setting.charge) == [180, 90, 30, 0]
        assert len(told(user)) == len(set(told(user))) >= 4


def test_a_day_that_beat_missed_is_made_up_for_by_the_next(setting: Setting) -> None:
    warn_of_limitation(today=ENDS - 70 * DAY)
    assert stages(setting.member, setting.charge) == [90]


def test_a_period_that_was_restarted_is_warned_of_again(setting: Setting) -> None:
    warn_of_limitation(today=ENDS - 20 * DAY)
    create_proof(charge=setting.charge, reached_on=ENDS - 10 * DAY, now=NOW + dt.timedelta(days=400))
    warn_of_limitation(today=ENDS)
    assert stages(setting.member, setting.charge) == [30]
    warn_of_limitation(today=ENDS.replace(year=2029) - 20 * DAY)
    assert stages(setting.member, setting.charge) == [30, 30]


def test_nobody_is_told_of_what_is_paid(setting: Setting) -> None:
    for charge in setting.case.account.charges.all():
        create_payment(account=setting.case.account, amount=str(charge.amount))
    warn_of_limitation(today=ENDS - 20 * DAY)
    assert told(setting.manager) == []


def test_the_member_is_led_to_the_case_and_the_manager_to_the_list(setting: Setting) -> None:
    warn_of_limitation(today=ENDS - 20 * DAY)
    member = Notification.objects.get(user=setting.member, key__contains=f"/30/{setting.charge.pk}/")
    assert member.url.endswith(f"/cases/{setting.case.pk}/")
    assert "120.00" in member.title
    assert Notification.objects.filter(user=setting.manager, url__contains="/limitation/?urgency=30").exists()


def test_the_database_refuses_a_second_warning_of_a_stage(setting: Setting) -> None:
    warn_of_limitation(today=ENDS - 20 * DAY)
    row = LimitationWarning.objects.filter(charge=setting.charge).first()
    assert row is not None
    row.pk = None
    with pytest.raises(IntegrityError, match="limitation_warned_once_a_stage"), transaction.atomic():
        row.save(force_insert=True)


def test_today_is_quiet_where_there_is_time(setting: Setting) -> None:
    warn_of_limitation(today=TODAY)
    assert stages(setting.manager, setting.charge) == []
