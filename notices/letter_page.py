"""What the page of a letter shows: its sendings with their evidence, its history, and what comes next."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from django.utils.translation import gettext as _

from company.models import StoredFile, User
from notices.delivering import Proof, missing_evidence
from notices.dispatching import accounts_with_second_address
from notices.models import Delivery, DeliveryTransition, Notice, NoticeTransition, SignedScan
from notices.signing import final_file, needs_signature

State = Delivery.State


@dataclass(frozen=True)
class Sending:
    """One sending with the files on it, and what may be done to it."""

    delivery: Delivery
    files: list[tuple[Proof, StoredFile]]
    acts: frozenset[str]


@dataclass(frozen=True)
class HistoryLine:
    at: datetime
    what: str
    day: date | None = None
    by: User | None = None
    note: str = ""


@dataclass(frozen=True)
class NextStep:
    """What to do with a letter; ``act`` names the form, ``why_not`` says what keeps it."""

    title: str
    act: str = ""
    why_not: list[str] = field(default_factory=list)
    colour: str = ""


@dataclass(frozen=True)
class LetterPage:
    scan: SignedScan | None
    withdrawn: list[SignedScan]
    final: StoredFile | None
    is_draft: bool
    sendings: list[Sending]
    history: list[HistoryLine]
    next: NextStep


def read_letter(notice: Notice, *, today: date) -> LetterPage:
    """Four queries beside the letter's own."""
    scans = list(notice.scans.select_related("file", "uploaded_by", "withdrawn_by").order_by("pk"))
    scan = next((scan for scan in scans if scan.withdrawn_at is None), None)
    related = ("dispatched_by", "limitation_proof", *Proof.values)
    deliveries = list(notice.deliveries.select_related(*related).order_by("-pk"))
    for delivery in deliveries:
        delivery.notice = notice
    final = final_file(notice, scan, on=today)
    return LetterPage(
        scan=scan,
        withdrawn=[scan for scan in scans if scan.withdrawn_at],
        final=final,
        is_draft=needs_signature(notice.kind) and (scan is None or final == notice.file),
        sendings=[_sending(delivery, is_last=not index) for index, delivery in enumerate(deliveries)],
        history=_history(notice),
        next=_next(notice, scan, deliveries, today=today),
    )


def _sending(delivery: Delivery, *, is_last: bool) -> Sending:
    files = [(proof, file) for proof in Proof if (file := getattr(delivery, proof.value)) is not None]
    return Sending(delivery, files, _acts(delivery, is_last=is_last))


def _acts(delivery: Delivery, *, is_last: bool) -> frozenset[str]:
    """Which forms a sending offers; the domain functions refuse the rest all the same."""
    state, channel = State(delivery.state), delivery.channel
    open_state = state in (*Delivery.UNDER_WAY, State.SIGNED)
    by_post = channel in Delivery.NUMBERED
    acts = {
        "proof": state not in (State.WITHDRAWN, State.DELIVERED),
        "receive": open_state and channel != Delivery.Channel.DOOR,
        "transit": state == State.DISPATCHED and by_post,
        "returned": open_state and by_post,
        "lost": state in Delivery.UNDER_WAY and by_post,
        "number": by_post and not delivery.tracking_number and state != State.WITHDRAWN,
        "remove-number": bool(delivery.tracking_number) and state not in (State.DELIVERED, State.WITHDRAWN),
        "contents": channel == Delivery.Channel.EMS and state not in (State.DELIVERED, State.WITHDRAWN),
        "undo-receipt": state in (State.SIGNED, State.DELIVERED),
        "undo-return": state in Delivery.BACK and is_last,
        "take-back": delivery.may_be_taken_back,
    }
    return frozenset(act for act, offered in acts.items() if offered)


def _next(notice: Notice, scan: SignedScan | None, deliveries: Sequence[Delivery], *, today: date) -> NextStep:
    if notice.state == Notice.State.VOID:
        return NextStep(_("Nothing: the letter is void, its number is kept"))
    if notice.state == Notice.State.FAILED:
        return NextStep(_("Try again from the batch"), "batch", [notice.get_failure_display()], "red")
    if notice.state in Notice.UNFINISHED:
        return NextStep(_("Wait until it is made"))
    if notice.state == Notice.State.ISSUED:
        return _next_in_the_house(notice, scan, today=today)
    last = deliveries[0] if deliveries else None
    return _next_outside(last) if last else NextStep(_("Nothing is known of how it was sent"))


def _next_in_the_house(notice: Notice, scan: SignedScan | None, *, today: date) -> NextStep:
    if needs_signature(notice.kind):
        firm = notice.batch.law_firm
        if firm is None or not firm.is_mandated(on=today):
            why = _("Not sent and not signed: the firm has no valid mandate on file.")
            return NextStep(_("Upload the firm's mandate"), "mandate", [why], "amber")
        if scan is None:
            why = _("Not sent: every page is marked as a draft until the firm's signed scan is on file.")
            return NextStep(_("Upload the signed scan"), "scan", [why], "amber")
    if notice.kind == "door_slip":
        return NextStep(_("Put the slip on the flat's own door and keep the photo"), "dispatch")
    return NextStep(_("Send it"), "dispatch")


def _next_outside(last: Delivery) -> NextStep:
    if last.notice.superseded:
        return NextStep(_("Nothing: a correction has taken its place"))
    if last.limitation_proof and last.limitation_proof.reversed_by_id:
        why = [_("The act was cancelled on the page of the account, so the limitation period does not run anew.")]
        return NextStep(_("Take the receipt back, or record it rightly"), "", why, "amber")
    if last.state == State.DELIVERED:
        return NextStep(_("Nothing: delivered, the limitation period runs anew"), colour="green")
    if last.state == State.POSTED:
        return NextStep(_("Nothing: posted on the door, as support only"))
    if last.state in Delivery.BACK:
        why = []
        if last.return_reason == Delivery.ReturnReason.REFUSED:
            why.append(_("Refusal is not taken for delivery here: whether it counts is disputed."))
        if not accounts_with_second_address([last.notice.account_id]):
            why.append(_("No owner has a second address on file: enter one, or have it handed over."))
        return NextStep(_("Send it again, to the other address"), "again", why, "red")
    if last.channel == Delivery.Channel.DOOR:
        return NextStep(_("Upload the photo of the slip on the door"), "proof", [], "amber")
    if last.state == State.SIGNED and last.receiver and not last.counts:
        why = [_("%(who)s signed for it: that is no delivery to the owner.") % {"who": last.get_receiver_display()}]
        return NextStep(_("Send it again or hand it over"), "again", why, "amber")
    return NextStep(_("Complete the evidence"), "proof", missing_evidence(last))


def _history(notice: Notice) -> list[HistoryLine]:
    own = NoticeTransition.objects.filter(notice=notice).select_related("by")
    sent = DeliveryTransition.objects.filter(delivery__notice=notice).select_related("by", "delivery")
    lines = [HistoryLine(move.at, move.get_to_state_display(), by=move.by, note=move.reason) for move in own]
    lines += [
        HistoryLine(
            move.at,
            f"{move.delivery.get_channel_display()} {_event(move)}",
            day=move.day,
            by=move.by,
            note=move.note,
        )
        for move in sent
    ]
    return sorted(lines, key=lambda line: line.at)[::-1]


def _event(move: DeliveryTransition) -> str:
    moved = move.event == DeliveryTransition.Event.MOVED
    return move.get_to_state_display() if moved else move.get_event_display()
