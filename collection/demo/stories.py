"""What happens on a case in the course of the campaign: a few courses of events, told in days since its start."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from random import Random

from collection.models import ArrearsReason, ContactAttempt, OwnerRequest, SubReason
from collection.reasons import Reason
from collection.requests import Requested

Channel, Outcome, Said = ContactAttempt.Channel, ContactAttempt.Outcome, ContactAttempt.Payment
Kind, Department = OwnerRequest.Kind, OwnerRequest.Department


class Who(Enum):
    RESPONSIBLE = "responsible"
    HEAD = "head"


@dataclass(frozen=True, slots=True)
class Contact:
    """One contact, with what came of it; ``pays_in_days`` makes a promise of ``part`` of what is overdue."""

    channel: ContactAttempt.Channel
    outcome: ContactAttempt.Outcome
    note: str = ""
    said: ContactAttempt.Payment = Said.NOT_DISCUSSED
    who: Who = Who.RESPONSIBLE
    slip: bool = False
    pays_in_days: int | None = None
    part: Decimal = Decimal(1)
    takes_cash: bool = False
    request: Requested | None = None


@dataclass(frozen=True, slots=True)
class Pays:
    """The owner pays a share of what is overdue."""

    share: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True)
class Finds:
    """The reason becomes known."""

    reason: Reason
    note: str = ""
    who: Who = Who.RESPONSIBLE


@dataclass(frozen=True, slots=True)
class Answers:
    """The head of department answers the latest request, with the agreed day of the repair."""

    text: str
    agreed_in_days: int


Act = Contact | Pays | Finds | Answers
Told = Iterator[tuple[int, Act]]  # days since the start of the campaign, what happens

REPAIRS = (
    ("卫生间顶部渗水，要求先修后缴", Department.ENGINEERING),
    ("单元门禁坏了一个多月，要求修好", Department.ENGINEERING),
    ("外墙空鼓，下雨阳台渗水", Department.ENGINEERING),
    ("地下车库照明不亮，要求更换", Department.ENGINEERING),
)
WISHES = (
    (Kind.COMPLAINT, "楼道堆放杂物，多次反映没有人管", Department.ENVIRONMENT),
    (Kind.REQUEST, "希望核对水费读数", Department.FINANCE),
    (Kind.SUGGESTION, "建议晚上增加一次巡逻", Department.SECURITY),
    (Kind.OPINION, "保洁频次比合同少", Department.ENVIRONMENT),
)
TALKED = (
    "业主表示最近手头紧，下月补齐",
    "业主说忘了缴，答应尽快办",
    "已说明欠费月份和金额，业主无异议",
    "业主在外地，微信发了账单",
)
SILENT = ("无人接听", "响铃无人接", "敲门无人应答", "关机")


def untouched(rng: Random) -> Told:
    return iter(())


def reminded(rng: Random) -> Told:
    day = rng.randint(15, 21)
    yield day - 9, Contact(Channel.CALL, Outcome.NO_ANSWER, rng.choice(SILENT))
    yield day, Contact(Channel.WECHAT, Outcome.MET_OWNER, "发送欠费提醒和缴费二维码")


def called(rng: Random) -> Told:
    day = rng.randint(3, 9)
    yield day, Contact(Channel.WECHAT, Outcome.MET_OWNER, "发送欠费提醒和缴费二维码")
    yield day + rng.randint(7, 11), Contact(Channel.CALL, Outcome.POSTPONED, "业主开会，约改天再联系")


def visited(rng: Random) -> Told:
    day = rng.randint(1, 6)
    yield day, Contact(Channel.CALL, Outcome.MET_OWNER, rng.choice(TALKED))
    yield day + 4, Contact(Channel.CALL, Outcome.MET_OTHER, "家人接听，请业主回电")
    yield day + rng.randint(9, 13), Contact(Channel.VISIT, Outcome.MET_OTHER, "家人在家，留下欠费明细")


def nobody_answers(rng: Random) -> Told:
    day = rng.randint(4, 9)
    yield day, Contact(Channel.CALL, Outcome.NO_ANSWER, rng.choice(SILENT))
    yield day + 2, Contact(Channel.VISIT, Outcome.NO_ANSWER, "敲门无人应答，邻居说很少回来")
    yield day + 2, Finds(Reason(ArrearsReason.UNREACHABLE), "电话打不通，上门无人")
    yield day + 5, Contact(Channel.CALL, Outcome.PASSED_ON, "联系紧急联系人，请其转告业主回电")
    if rng.random() < 0.8:
        yield day + rng.randint(8, 11), Contact(Channel.VISIT, Outcome.NO_ANSWER, "仍无人，自家门上贴条", slip=True)


def pays_after_call(rng: Random) -> Told:
    day, wait = rng.randint(1, 21), rng.randint(3, 7)
    yield day, Contact(Channel.CALL, Outcome.MET_OWNER, rng.choice(TALKED), Said.PROMISED, pays_in_days=wait)
    yield day + rng.randint(1, wait), Pays()


def pays_after_visit(rng: Random) -> Told:
    day = rng.randint(1, 12)
    yield day, Contact(Channel.CALL, Outcome.NO_ANSWER, rng.choice(SILENT))
    visit = Contact(Channel.VISIT, Outcome.MET_OWNER, "上门说明欠费明细，业主答应缴清", Said.PROMISED, pays_in_days=5)
    yield day + 4, visit
    yield day + rng.randint(5, 8), Pays()


def pays_in_part(rng: Random) -> Told:
    day = rng.randint(5, 11)
    yield day, Contact(Channel.VISIT, Outcome.MET_OWNER, "业主说先缴一部分", Said.PROMISED, pays_in_days=6)
    yield day + 4, Pays(rng.choice([Decimal("0.4"), Decimal("0.5"), Decimal("0.6")]))
    yield day + 9, Contact(Channel.CALL, Outcome.MET_OWNER, "提醒剩余部分，业主说月底补齐")


def breaks_promise(rng: Random) -> Told:
    day = rng.randint(1, 8)
    yield (
        day,
        Contact(Channel.CALL, Outcome.MET_OWNER, rng.choice(TALKED), Said.PROMISED, pays_in_days=rng.randint(4, 7)),
    )
    if rng.random() < 0.3:
        yield day + 9, Contact(Channel.CALL, Outcome.NO_ANSWER, "到期未缴，再联系无人接听")


def promises_for_later(rng: Random) -> Told:
    day = rng.randint(14, 21)
    yield rng.randint(2, 8), Contact(Channel.CALL, Outcome.MET_OTHER, "家人接听，请业主回电")
    yield (
        day,
        Contact(Channel.VISIT, Outcome.MET_OWNER, "业主答应发工资后缴", Said.PROMISED, pays_in_days=rng.randint(9, 16)),
    )


def waits_for_repair(rng: Random) -> Told:
    text, department = rng.choice(REPAIRS)
    day = rng.randint(14, 21)
    requested = Requested(Kind.REPAIR, text, department)
    yield rng.randint(1, 6), Contact(Channel.CALL, Outcome.MET_OWNER, "业主说房屋有问题没修")
    yield day, Contact(Channel.VISIT, Outcome.MET_OWNER, "已拍照记录，转工程部", request=requested)
    yield day, Finds(Reason(ArrearsReason.RECTIFICATION), text)


def repair_agreed(rng: Random) -> Told:
    text, department = rng.choice(REPAIRS)
    day = rng.randint(2, 6)
    requested = Requested(Kind.REPAIR, text, department)
    yield day, Contact(Channel.VISIT, Outcome.MET_OWNER, "已拍照记录，转工程部", request=requested)
    yield day, Finds(Reason(ArrearsReason.RECTIFICATION), text)
    yield day + 2, Contact(Channel.VISIT, Outcome.MET_OWNER, "了解维修经过，说明维修与缴费分开处理", who=Who.HEAD)
    yield day + 4, Answers("工程部已现场查看，安排维修，完工后请业主签字", rng.choice([10, 24]))


def has_a_wish(rng: Random) -> Told:
    kind, text, department = rng.choice(WISHES)
    day = rng.randint(3, 21)
    yield (
        day,
        Contact(Channel.VISIT, Outcome.MET_OWNER, "业主有意见，已记录", request=Requested(kind, text, department)),
    )


def burgled(rng: Random) -> Told:
    day = rng.randint(5, 9)
    yield day, Contact(Channel.CALL, Outcome.MET_OWNER, "业主称家中失窃，物业没有说法")
    yield day, Finds(Reason(ArrearsReason.BURGLED), "去年八月失窃，报过警")
    yield day + 3, Contact(Channel.VISIT, Outcome.MET_OWNER, "与管家一同上门，说明安保义务范围", who=Who.HEAD)


def refuses(rng: Random) -> Told:
    day = rng.randint(0, 2)
    yield day, Contact(Channel.CALL, Outcome.REFUSED, "业主挂断电话", Said.WILL_NOT_PAY)
    yield (
        day + 2,
        Contact(Channel.VISIT, Outcome.REFUSED, "当面表示不缴，没有说明理由", Said.WILL_NOT_PAY, who=Who.HEAD),
    )
    yield day + 2, Finds(Reason(ArrearsReason.MALICIOUS), "多次沟通均拒绝，未提出诉求", Who.HEAD)


def stands_on_its_view(rng: Random) -> Told:
    day, sub_reason = rng.randint(0, 2), rng.choice([SubReason.SERVICE, SubReason.RECKONING, SubReason.FORMER_OWNER])
    yield day, Contact(Channel.CALL, Outcome.MET_OWNER, "业主对收费有看法", Said.WILL_NOT_PAY)
    yield day, Finds(Reason(ArrearsReason.OTHER, sub_reason), "业主要求先解决再谈缴费")
    yield day + 2, Contact(Channel.VISIT, Outcome.MET_OWNER, "当面解释合同约定和收费依据", who=Who.HEAD)


def stands_empty(rng: Random) -> Told:
    day = rng.randint(3, 12)
    yield day, Contact(Channel.VISIT, Outcome.VACANT, "房屋空置，门上贴条", slip=True)
    yield day, Finds(Reason(ArrearsReason.OTHER, SubReason.VACANT), "装修后未入住")
    yield day + 7, Contact(Channel.WECHAT, Outcome.MET_OWNER, "发送欠费提醒，请业主确认是否申请空置")


def claims_paid(rng: Random) -> Told:
    yield rng.randint(15, 21), Contact(Channel.CALL, Outcome.MET_OWNER, "业主称上月已转账，会发凭证", Said.CLAIMS_PAID)


def pays_at_the_door(rng: Random) -> Told:
    yield rng.randint(18, 21), Contact(Channel.VISIT, Outcome.MET_OWNER, "当场扫码缴费，已开收据", takes_cash=True)


Story = Callable[[Random], Told]

STORIES: dict[Story, int] = {
    untouched: 5,
    reminded: 8,
    called: 8,
    visited: 8,
    nobody_answers: 10,
    pays_after_call: 22,
    pays_after_visit: 11,
    pays_in_part: 4,
    breaks_promise: 5,
    promises_for_later: 7,
    waits_for_repair: 4,
    repair_agreed: 3,
    has_a_wish: 3,
    burgled: 2,
    refuses: 6,
    stands_on_its_view: 5,
    stands_empty: 3,
    claims_paid: 1,
    pays_at_the_door: 1,
}
LESS_LUCKY: dict[Story, Story] = {pays_after_call: breaks_promise, pays_after_visit: promises_for_later}


def tell(rng: Random, *, luck: float) -> list[tuple[int, Act]]:
    """What happens on one case; with little ``luck`` (0 to 1) owners pay less often."""
    story = rng.choices(list(STORIES), weights=list(STORIES.values()))[0]
    if rng.random() > luck:
        story = LESS_LUCKY.get(story, story)
    return list(story(rng))
