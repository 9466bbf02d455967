"""Defects behind rectification disputes: some agreed on, one mended and signed off, so that every state is seen."""

from datetime import date, datetime, timedelta
from random import Random
from uuid import UUID

from django.utils import timezone

from collection.demo import letters
from collection.models import ArrearsReason, Case, RectificationItem
from collection.rectification import Defect, add_item, mark_done, sign_off
from company.models import FilePurpose, Project, User

Part = RectificationItem.Part
Liable = RectificationItem.Liable
DEFECTS = (
    (Part.PRIVATE, "主卫地面渗水到楼下", Liable.DEVELOPER, 5),
    (Part.COMMON, "单元外墙开裂，雨天渗水", Liable.COMPANY, 9),
    (Part.PRIVATE, "阳台推拉门变形关不严", Liable.DEVELOPER, None),
    (Part.COMMON, "楼道消防门闭门器损坏", Liable.COMPANY, 3),
    (Part.PRIVATE, "厨房墙砖空鼓脱落", Liable.UNCLEAR, None),
)
SIGNED_OFF = 4


def record_defects(project: Project, *, by: User, rng: Random, now: datetime) -> None:
    """An item for some of the open disputes, written down by whoever answers for the case; dates around today."""
    today = timezone.localdate(now)
    disputes = Case.objects.filter(project=project, reason=ArrearsReason.RECTIFICATION).open()
    for number, case in enumerate(disputes.select_related("responsible").order_by("pk")[: len(DEFECTS)]):
        part, text, liable, agreed_in = DEFECTS[number]
        who = case.responsible or by
        defect = Defect(
            part, text, today - timedelta(days=6 + number), liable=liable,
            warranty_until=date(today.year + 1, 6, 30) if part == Part.PRIVATE else None,
            agreed_on=today + timedelta(days=agreed_in) if agreed_in else None,
        )  # fmt: skip
        item = add_item(case, defect, by=who, now=now, submission=UUID(int=rng.getrandbits(128), version=4))
        if number == SIGNED_OFF:
            mark_done(item.pk, today - timedelta(days=3), by=who, now=now)
            proof = letters.scan(project, f"{item.pk}整改验收单.pdf", FilePurpose.DELIVERY_PROOF, by=who)
            sign_off(item.pk, today - timedelta(days=2), proof=proof, by=who, now=now)
