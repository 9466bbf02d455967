"""What a status sheet of the post tells of an item: in transit, signed for, returned. Never that it is delivered."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from django.utils.translation import gettext as _

from notices.delivering import ALLOWED
from notices.models import Delivery
from notices.tracking_sheet import Column, Row

Word = TypeVar("Word")
State, Receiver, Reason = Delivery.State, Delivery.Receiver, Delivery.ReturnReason
RETURNED = re.compile(r"退回|退件|退信|退改|拒收")
SIGNED = re.compile(r"签收|妥投|已收件|代收")
NOT_YET = re.compile(r"未签收|未妥投|待签收|未投|待妥投|投递失败")
RIDING = re.compile(r"运输|在途|揽收|揽件|收寄|到达|离开|派送|派件|投递中|处理中心|转运|未签收|未妥投|待签收|投递失败")
DAY = re.compile(r"(20\d{2})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})")
RECEIVERS = (
    (Receiver.FRONT_DESK, re.compile(r"物业|前台|门卫|保安|传达")),
    (Receiver.LOCKER, re.compile(r"快递柜|驿站|丰巢|自提|智能柜|菜鸟|信箱|信报箱|代办点|代收点")),
    (Receiver.MAIL_ROOM, re.compile(r"收发室|单位|公司")),
    (Receiver.FAMILY, re.compile(r"家人|家属|父|母|配偶|妻|夫|丈夫|儿子|女儿|子女|亲属")),
    (Receiver.OTHER, re.compile(r"他人|代收|邻居|同事|朋友|代签")),
    (Receiver.SELF, re.compile(r"本人|收件人")),
)
REASONS = (
    (Reason.REFUSED, re.compile(r"拒收|拒签")),
    (Reason.UNKNOWN, re.compile(r"查无此人|无此人|查无")),
    (Reason.MOVED, re.compile(r"迁|搬")),
    (Reason.UNCLAIMED, re.compile(r"逾期|未领|无人领|无人签收|联系不上|无法联系")),
    (Reason.BAD_ADDRESS, re.compile(r"地址不详|地址欠详|地址有误|地址不清|地址错误")),
)


@dataclass(frozen=True, slots=True)
class News:
    """A state and its day; ``problem`` says why the sheet's word cannot be taken over."""

    state: Delivery.State | None
    on: date | None = None
    receiver: Delivery.Receiver | None = None
    reason: Delivery.ReturnReason | None = None
    problem: str = ""


def news_of(row: Row, delivery: Delivery, *, today: date) -> News | None:
    """What the row tells beyond what is on record; None where it tells nothing new."""
    told = _told(row)
    if told is None or told.state is None:
        return told
    if told.on is None:
        return News(None, problem=_("the day of “%(state)s” is missing; the state is not entered") % {
            "state": told.state.label
        })  # fmt: skip
    if _is_on_record(delivery, told):
        return None
    if told.state not in ALLOWED[State(delivery.state)]:
        return News(None, problem=_("the list says “%(told)s”, on record is “%(state)s”") % {
            "told": told.state.label, "state": delivery.get_state_display()
        })  # fmt: skip
    if not delivery.dispatched_on <= told.on <= today:
        return News(None, problem=_("%(day)s is no possible day; the state is not entered") % {"day": told.on})
    return told


def _told(row: Row) -> News | None:
    state, signed_by = row.text(Column.STATE), row.text(Column.SIGNED_BY)
    words = f"{state} {signed_by}"
    if row.unreadable_days & {Column.SIGNED_ON, Column.RETURNED_ON}:
        return News(None, problem=_("the day cannot be read; the state is not entered"))
    if RETURNED.search(words) or Column.RETURNED_ON in row.days:
        day = row.days.get(Column.RETURNED_ON) or row.days.get(Column.SIGNED_ON) or _day_within(state)
        return News(State.RETURNED, day, reason=_first(REASONS, words) or Reason.OTHER)
    if not NOT_YET.search(words) and (SIGNED.search(words) or signed_by or Column.SIGNED_ON in row.days):
        return News(State.SIGNED, row.days.get(Column.SIGNED_ON) or _day_within(state), _first(RECEIVERS, words))
    if RIDING.search(state):
        return News(State.IN_TRANSIT, _day_within(state) or row.days.get(Column.SENT_ON))
    return None


def _is_on_record(delivery: Delivery, told: News) -> bool:
    if told.state is State.SIGNED:
        same = delivery.received_on == told.on and (not told.receiver or delivery.receiver == told.receiver)
        return same and delivery.state in (State.SIGNED, State.DELIVERED)
    if told.state is State.RETURNED:
        return delivery.state == State.RETURNED
    return delivery.state != State.DISPATCHED


def _first(words: Sequence[tuple[Word, re.Pattern[str]]], text: str) -> Word | None:
    return next((value for value, pattern in words if pattern.search(text)), None)


def _day_within(text: str) -> date | None:
    found = DAY.search(text)
    try:
        return date(int(found[1]), int(found[2]), int(found[3])) if found else None
    except ValueError:
        return None
