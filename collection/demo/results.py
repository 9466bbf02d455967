"""What the campaign's first fortnight brought: a settlement that waits for the company leader, and praise."""

from datetime import timedelta

from arrears.models import Payment
from collection.commending import commend
from collection.demo.work import Work, at
from collection.settling import answer_objection, propose_settlement, raise_objection
from company.models import Role

CLOSES_ON_DAY, PROPOSED_ON_DAY, OBJECTED_ON_DAY, ANSWERED_ON_DAY = 13, 19, 20, 21
PRAISE = (
    (Role.HOUSEKEEPER, 0, "连续三个晚上陪业主核对 2023 年的旧账，业主当面致谢", True),
    (Role.ASSISTANT, 1, "主动联系维修班，当天修好业主反映的地库照明", False),
    (Role.OFFICER, 2, "耐心解释安保责任的边界，业主愿意再谈", False),
)


def settle_first_fortnight(work: Work) -> None:
    """Put forward by the manager, objected to by an officer and answered; not yet approved.

    It reads the rates: the tables have to be counted.
    """
    first, manager = work.campaign.starts_on, work.staff.manager
    day = first + timedelta(days=PROPOSED_ON_DAY)
    settlement = propose_settlement(
        work.campaign, closes_on=first + timedelta(days=CLOSES_ON_DAY), by=manager, now=at(day, 9), today=day
    )
    officer = work.staff.by_role[Role.OFFICER][0]
    objection = raise_objection(
        settlement, "我接手的多是拖了三年以上的旧账，请在评议时一并说明", by=officer,
        now=at(first + timedelta(days=OBJECTED_ON_DAY), 11),
    )  # fmt: skip
    answer_objection(
        objection, "算式不变，账龄情况写入给人力资源的说明", by=manager,
        now=at(first + timedelta(days=ANSWERED_ON_DAY), 9),
    )  # fmt: skip


def praise_effort(work: Work) -> None:
    """Words of the manager, one of them for help with a payment."""
    first = work.campaign.starts_on
    payment = Payment.objects.filter(
        project=work.estate.project, received_on__gt=first, reversed_by=None, kind=Payment.Kind.RECEIVED
    ).first()
    for number, (role, index, words, with_payment) in enumerate(PRAISE):
        people = work.staff.by_role[role]
        if index < len(people):
            commend(
                work.estate.project, people[index], words, payment=payment if with_payment else None,
                by=work.staff.manager, now=at(first + timedelta(days=8 + 4 * number), 17),
            )  # fmt: skip
