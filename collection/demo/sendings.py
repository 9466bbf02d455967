"""How the first batch of letters left the house: signed by the firm, sent by EMS, and what came of each."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import cycle

from django.core.files.base import ContentFile
from django.utils import timezone

from collection.demo.letters import blank_pdf
from company.files import store_file
from company.models import FilePurpose, Project, StoredFile, User
from notices.delivering import Proof, Receipt, attach, come_back, receive, under_way
from notices.dispatching import Order, dispatch
from notices.models import Batch, Delivery, Notice
from notices.signing import sign_letter
from notices.waybills import enter_number

Receiver, Reason = Delivery.Receiver, Delivery.ReturnReason
WITHOUT_NUMBER = 3  # of those that are sent
ENDS: tuple[Delivery.Receiver | Delivery.ReturnReason | None, ...] = (
    Receiver.SELF, Reason.UNKNOWN, Receiver.FRONT_DESK, Receiver.SELF, None, Receiver.FAMILY, Reason.REFUSED,
)  # fmt: skip
DAYS_UNDER_WAY = 2


def send_most(batch: Batch, *, by: User, now: datetime) -> None:
    """Two thirds of the made letters are signed and handed to the post; the others wait for the firm."""
    made = list(batch.notices.filter(state=Notice.State.ISSUED).order_by("position"))
    most = made[: 2 * len(made) // 3]
    for letter in most:
        sign_letter(letter, ContentFile(blank_pdf(letter.pages or 1), name="scan.pdf"), by=by, now=now)
    order = Order(Delivery.Channel.EMS, timezone.localdate(now))
    sent = dispatch(batch.project, [letter.pk for letter in most], order, by=by, now=now).sent
    numbered = sent[: max(len(sent) - WITHOUT_NUMBER, 0)]
    for delivery in numbered:
        enter_number(batch.project, delivery.pk, f"10990{delivery.notice_id:08d}", by=by, now=now)
    _arrive(batch.project, numbered, by=by, now=now)


def _arrive(project: Project, sent: Sequence[Delivery], *, by: User, now: datetime) -> None:
    posting = _proof(project, "邮局交寄清单.pdf", by=by)
    attach(project, [delivery.pk for delivery in sent], Proof.POSTING, posting, by=by, now=now)
    later = now + timedelta(days=DAYS_UNDER_WAY)
    on = timezone.localdate(later)
    for delivery, end in zip(sent, cycle(ENDS), strict=False):
        if end is None:
            under_way(project, [delivery.pk], on=on, by=by, now=later)
        elif isinstance(end, Delivery.ReturnReason):
            envelope = _proof(project, f"退回信封{delivery.tracking_number}.pdf", by=by)
            come_back(project, [delivery.pk], on=on, reason=end, by=by, now=later, file=envelope)
        else:
            _sign(project, delivery, end, by=by, now=later)


def _sign(project: Project, delivery: Delivery, receiver: Delivery.Receiver, *, by: User, now: datetime) -> None:
    """Signed for; of the family's receipt the slip has not come yet, so that it is not delivered."""
    if receiver != Receiver.FAMILY:
        slip = _proof(project, f"{delivery.tracking_number}.pdf", by=by)
        attach(project, [delivery.pk], Proof.DELIVERY, slip, by=by, now=now)
    receive(project, [delivery.pk], Receipt(timezone.localdate(now), receiver), by=by, now=now)


def _proof(project: Project, name: str, *, by: User) -> StoredFile:
    return store_file(
        project=project, content=blank_pdf(), name=name, content_type="application/pdf",
        purpose=FilePurpose.DELIVERY_PROOF, by=by,
    )  # fmt: skip
