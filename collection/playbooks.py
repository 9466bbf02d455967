"""The ladders of measures, as data: for each reason what is done, by whom, after which wait, from which amount (C6).

Cutting off water or electricity is no measure (Civil Code 944), and nothing here can stand for it.
"""

from dataclasses import dataclass
from decimal import Decimal

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from collection.models import ArrearsReason, Stage


class Measure(models.TextChoices):
    """What counts as having done a step (collection.stages says when)."""

    VERIFY = "verify", _("verify the arrears")
    REMIND = "remind", _("remind")
    CALL = "call", _("talk on the phone")
    TALK = "talk", _("talk in person")
    ANSWER = "answer", _("answer the owner's request")
    COORDINATE = "coordinate", _("follow the repair")
    PASS_ON = "pass_on", _("ask the emergency contact")
    VISIT = "visit", _("visit")
    SLIP = "slip", _("visit and leave a slip")
    EMS_NOTICE = "ems_notice", _("EMS notice")
    LAWYER_LETTER = "lawyer_letter", _("lawyer letter")
    LITIGATE = "litigate", _("mediation or suit")
    CHECK_CLAIM = "check_claim", _("check the owner's payment")
    CONFIRM_CASH = "confirm_cash", _("confirm money taken at the door")


class Doer(models.TextChoices):
    RESPONSIBLE = "responsible", _("responsible member")
    HEAD = "head", _("department head")
    HEAD_AND_HOUSEKEEPER = "head_and_housekeeper", _("department head and housekeeper")
    NOTICES = "notices", _("notice administrator")
    FINANCE = "finance", _("finance")
    MANAGER = "manager", _("project manager")


@dataclass(frozen=True, slots=True)
class Step:
    """``wait_days`` must pass after the step before; it is to be done within ``due_days`` after that.

    With ``min_amount`` (CNY) or ``min_days`` (overdue) it is left out of cases that reach neither.
    """

    key: str
    stage: Stage
    measure: Measure
    title: str | Promise
    doer: Doer
    wait_days: int = 0
    due_days: int = 3
    min_amount: Decimal | None = None
    min_days: int | None = None

    def applies(self, *, overdue: Decimal, overdue_days: int) -> bool:
        if self.min_amount is None and self.min_days is None:
            return True
        large = self.min_amount is not None and overdue >= self.min_amount
        return large or (self.min_days is not None and overdue_days >= self.min_days)


VERIFY = Step(
    "verify", Stage.INFORMATION, Measure.VERIFY, _("Verify the arrears and read the file"), Doer.RESPONSIBLE, due_days=2
)
REMIND = Step("remind", Stage.REMINDER, Measure.REMIND, _("First reminder, by phone or message"), Doer.RESPONSIBLE)
LAWYER_LETTER = Step(
    "lawyer_letter", Stage.LEGAL, Measure.LAWYER_LETTER, _("Issue a lawyer letter"), Doer.NOTICES,
    wait_days=15, due_days=7,
)  # fmt: skip
LITIGATE = Step(
    "litigate", Stage.LEGAL, Measure.LITIGATE, _("Decide on mediation or suit"), Doer.MANAGER, wait_days=15, due_days=15
)  # fmt: skip
LEGAL = (LAWYER_LETTER, LITIGATE)

LADDERS: dict[ArrearsReason, tuple[Step, ...]] = {
    ArrearsReason.UNKNOWN: (
        VERIFY,
        REMIND,
        Step("call", Stage.TALK, Measure.CALL, _("Call by day and ask for the reason"), Doer.RESPONSIBLE, wait_days=2),
        Step(
            "visit", Stage.VISIT, Measure.VISIT, _("Visit and ask for the reason"), Doer.RESPONSIBLE,
            wait_days=3, due_days=5, min_amount=Decimal(1000), min_days=180,
        ),
        Step(
            "visit_again", Stage.VISIT, Measure.VISIT, _("Visit again, at another time of day"), Doer.RESPONSIBLE,
            wait_days=7, due_days=5, min_amount=Decimal(1000), min_days=180,
        ),
        *LEGAL,
    ),
    ArrearsReason.BURGLED: (
        VERIFY,
        REMIND,
        Step(
            "talk", Stage.TALK, Measure.TALK, _("Talk: listen, explain what security is bound to by law"),
            Doer.HEAD_AND_HOUSEKEEPER, wait_days=1, due_days=5,
        ),
        Step(
            "visit_again", Stage.VISIT, Measure.VISIT, _("Visit again with the answer in writing"), Doer.RESPONSIBLE,
            wait_days=7, due_days=5,
        ),
        *LEGAL,
    ),
    ArrearsReason.RECTIFICATION: (
        VERIFY,
        REMIND,
        Step(
            "talk", Stage.TALK, Measure.TALK, _("Talk: learn the history of the repair"), Doer.HEAD,
            wait_days=1, due_days=5,
        ),
        Step(
            "answer", Stage.PLAN, Measure.ANSWER, _("Find out about the repair and answer the owner"), Doer.HEAD,
        ),
        Step(
            "coordinate", Stage.PLAN, Measure.COORDINATE, _("Follow the repair up to the agreed date"),
            Doer.RESPONSIBLE,
        ),
        Step(
            "visit_again", Stage.VISIT, Measure.VISIT, _("Visit again after the repair"), Doer.RESPONSIBLE, due_days=5,
        ),
        *LEGAL,
    ),
    ArrearsReason.MALICIOUS: (
        VERIFY,
        REMIND,
        Step(
            "talk", Stage.TALK, Measure.TALK, _("Talk: ask once more for the reason, offer instalments"),
            Doer.HEAD_AND_HOUSEKEEPER, wait_days=1, due_days=5,
        ),
        *LEGAL,
    ),
    ArrearsReason.UNREACHABLE: (
        VERIFY,
        REMIND,
        Step(
            "pass_on", Stage.TALK, Measure.PASS_ON, _("Find the emergency contact and ask to pass it on"),
            Doer.RESPONSIBLE, wait_days=2,
        ),
        Step(
            "slip", Stage.VISIT, Measure.SLIP, _("Visit and leave a slip on the flat's own door"), Doer.RESPONSIBLE,
            wait_days=2, due_days=5,
        ),
        Step(
            "ems_notice", Stage.LEGAL, Measure.EMS_NOTICE, _("EMS notice to the address on file"), Doer.NOTICES,
            wait_days=3, due_days=5,
        ),
        LITIGATE,
    ),
    ArrearsReason.OTHER: (
        VERIFY,
        REMIND,
        Step(
            "talk", Stage.TALK, Measure.TALK, _("Talk: settle what stands in the way"),
            Doer.HEAD_AND_HOUSEKEEPER, wait_days=1, due_days=5,
        ),
        *LEGAL,
    ),
}  # fmt: skip

# What comes before any step of a ladder while it waits to be done.
ANSWER_REQUEST = Step("answer", Stage.PLAN, Measure.ANSWER, _("Answer the owner's request"), Doer.HEAD)
CHECK_CLAIM = Step(
    "check_claim", Stage.PLAN, Measure.CHECK_CLAIM, _("Check the payment that the owner says was made"), Doer.FINANCE,
    due_days=1,
)  # fmt: skip
CONFIRM_CASH = Step(
    "confirm_cash", Stage.PLAN, Measure.CONFIRM_CASH, _("Confirm the money taken at the door"), Doer.FINANCE, due_days=1
)  # fmt: skip


def ladder(reason: ArrearsReason, *, overdue: Decimal, overdue_days: int) -> list[Step]:
    """The steps for a case of that reason, amount (CNY) and age."""
    return [step for step in LADDERS[reason] if step.applies(overdue=overdue, overdue_days=overdue_days)]


def step_title(key: str) -> str:
    """What a step is called, by the name that stands on a case; empty for one that no ladder has any more."""
    return str(TITLES.get(key, ""))


STEPS = [*(step for steps in LADDERS.values() for step in steps), CHECK_CLAIM, CONFIRM_CASH]
TITLES: dict[str, str | Promise] = {step.key: step.measure.label for step in STEPS}
