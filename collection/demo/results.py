"""What the project manager made of the campaign so far: a settlement with an objection, praise, kept rates."""

from datetime import timedelta

from collection.commending import commend
from collection.demo.plan import DemoPlan
from collection.demo.work import Work, at
from collection.settling import answer_objection, propose_settlement, raise_objection
from collection.snapshots import take_snapshot

SNAPSHOT_DAYS = 14
SETTLED_DAYS_AGO = 3
PRAISE = ("雨天连访八户，收齐拖欠两年的物业费", "耐心答复电梯诉求，业主当天缴清")


def tell(work: Work, demo: DemoPlan) -> None:
    """A settlement that waits for the company leader, and the mornings of the last two weeks."""
    project, manager = work.estate.project, work.staff.manager
    for days in range(SNAPSHOT_DAYS, -1, -1):
        take_snapshot(project, now=at(demo.today - timedelta(days=days), 1))
    first, second = work.staff.team(0)[:2]
    closes_on = demo.today - timedelta(days=SETTLED_DAYS_AGO + 1)
    morning = at(demo.today - timedelta(days=SETTLED_DAYS_AGO), 10)
    settlement = propose_settlement(work.campaign, closes_on=closes_on, by=manager, now=morning, today=demo.today)
    objection = raise_objection(settlement, "3栋两户月中才转来，请核对折算基数。", by=second, now=morning)
    answer_objection(
        objection, "按截止日的责任人计算，两户已计入本组基数。", by=manager, now=morning + timedelta(hours=5)
    )
    for member, text in zip((second, first), PRAISE, strict=True):
        commend(project, member, text, payment=None, by=manager, now=morning)
