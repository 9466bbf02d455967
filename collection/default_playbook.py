"""The ladders that a project starts with (C6); its own versions begin as copies of them (collection.playbooks)."""

from collections.abc import Mapping
from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from collection.models import ArrearsReason, Doer, Measure, Stage
from collection.steps import Step

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

LADDERS: Mapping[ArrearsReason, tuple[Step, ...]] = {
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
            "coordinate", Stage.PLAN, Measure.COORDINATE,
            _("Hold the defects as repair items; follow each to its agreed date and sign-off"), Doer.RESPONSIBLE,
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
