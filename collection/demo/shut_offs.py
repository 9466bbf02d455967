"""Safety shut-offs of vacant flats: one in force, one that waits, one that ended."""

from datetime import date, datetime, time, timedelta
from random import Random
from uuid import UUID
from zoneinfo import ZoneInfo

from collection.demo import letters
from company.models import FilePurpose, Project, Role, User
from owners.models import SafetyShutOff, Unit
from owners.shut_offs import Finding, decide_shut_off, end_shut_off, propose_shut_off

SHANGHAI = ZoneInfo("Asia/Shanghai")
Service = SafetyShutOff.Service
Ground = SafetyShutOff.Ground
MANAGER = frozenset({Role.PROJECT_MANAGER})
FOUND = (
    (Service.WATER, Ground.DANGER, "久无人住，厨房水管冻裂，渗到楼下", 12),
    (Service.ELECTRICITY, Ground.CONSENT, "业主出国，书面委托关总闸", 3),
    (Service.WATER, Ground.DANGER, "卫生间角阀漏水，楼下报修", 25),
)


def record(project: Project, *, manager: User, head: User, rng: Random, today: date) -> None:
    """Three records of three vacant units in walking order; fewer where fewer are vacant."""
    vacant = Unit.objects.filter(project=project, is_vacant=True, occupants=None)
    for number, unit in enumerate(vacant.select_related("project").order_by("sort_key")[: len(FOUND)]):
        service, ground, text, days = FOUND[number]
        day = today - timedelta(days=days)
        proof = letters.scan(project, f"{unit.code}停供凭证.pdf", FilePurpose.SHUT_OFF_PROOF, by=head)
        row = propose_shut_off(
            unit, Finding(service, ground, text, day), proof=proof, by=head, now=_at(day, 9),
            submission=UUID(int=rng.getrandbits(128), version=4),
        )  # fmt: skip
        if number != 1:
            decide_shut_off(row.pk, approve=True, by=manager, roles=MANAGER, now=_at(day, 10))
        if number == len(FOUND) - 1:
            end = SafetyShutOff.EndGround.REPAIRED
            after = _at(day + timedelta(days=4), 16)
            end_shut_off(row.pk, end, by=head, roles=frozenset({Role.DEPARTMENT_HEAD}), now=after, note="角阀已更换")


def _at(day: date, hour: int) -> datetime:
    return datetime.combine(day, time(hour), SHANGHAI)
