"""Which tracking number belongs to which letter, entered by scanner, by hand or from a list."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from company.models import Project, User
from notices.delivering import locked, settle, write_note
from notices.models import Delivery, DeliveryTransition, Notice
from notices.tracking_numbers import parse_tracking_number, plain_code

SCAN_CODE = re.compile(r"[A-Z]{2}(\d{4})(\d{6})")
LAST_SHOWN = 2
SHIFT = timedelta(hours=12)
State = Delivery.State


class WaybillRefusedError(ValueError):
    """The number is not entered; the text says why and what to do."""


@dataclass(frozen=True)
class Letter:
    """What the code on a letter means: the notice, and the EMS sending that waits for its number."""

    notice: Notice
    delivery: Delivery


def is_letter_code(text: str) -> bool:
    """Whether this is the bar code of one of our letters, or its document number."""
    plain = plain_code(text)
    return "〔" in plain or SCAN_CODE.fullmatch(plain) is not None


def find_letter(project: Project, code: str) -> Letter:
    """The letter of a bar code (``EN2025000456``) or document number, ready for its waybill.

    Raises WaybillRefusedError: unknown, not sent by EMS yet, numbered already.
    """
    notice = _notice_of(project, code)
    if notice is None:
        raise WaybillRefusedError(_("No letter of this project has the code %(code)s.") % {"code": code.strip()[:40]})
    sendings = notice.deliveries.by_ems().order_by("-pk")
    delivery = sendings.exclude(state__in=Delivery.BACK).first()
    if delivery is None:
        raise WaybillRefusedError(_why_not_sent(notice))
    if delivery.tracking_number:
        raise WaybillRefusedError(
            _("%(letter)s has the number %(number)s already.")
            % {"letter": notice.number, "number": delivery.spaced_number}
        )
    return Letter(notice, delivery)


@transaction.atomic
def enter_number(project: Project, delivery_id: int, text: str, *, by: User, now: datetime) -> Delivery:
    """Give an EMS item or letter by post its number; the same again changes nothing.

    Raises TrackingNumberError for a mistyped one, WaybillRefusedError where it is taken or the letter has another.
    """
    number = parse_tracking_number(text)
    delivery = next(iter(locked(project, [delivery_id])), None)
    if delivery is None or delivery.channel not in Delivery.NUMBERED or delivery.state == State.WITHDRAWN:
        raise WaybillRefusedError(_("This letter was not sent by EMS or post."))
    if delivery.tracking_number == number:
        return delivery
    if delivery.tracking_number:
        raise WaybillRefusedError(
            _("%(letter)s has the number %(number)s already.")
            % {"letter": delivery.notice.number, "number": delivery.spaced_number}
        )
    refuse_used(project, number)
    delivery.tracking_number, delivery.numbered_at, delivery.numbered_by = number, now, by
    try:
        with transaction.atomic():
            delivery.save(update_fields=["tracking_number", "numbered_at", "numbered_by"])
    except IntegrityError:
        refuse_used(project, number)
        raise
    write_note(delivery, DeliveryTransition.Event.NUMBERED, by=by, now=now, note=number)
    settle(delivery, by=by, now=now)
    return delivery


def refuse_used(project: Project, number: str) -> None:
    """Raises WaybillRefusedError where another letter has this number."""
    used = Delivery.objects.standing().filter(project=project, tracking_number=number).select_related("notice").first()
    if used is not None:
        raise WaybillRefusedError(
            _("The number %(number)s belongs to %(letter)s already.")
            % {"number": used.spaced_number, "letter": used.notice.number}
        )


@transaction.atomic
def remove_number(project: Project, delivery_id: int, *, by: User, now: datetime) -> Delivery:
    """Take a number away that was entered by mistake. Raises WaybillRefusedError once the letter is delivered."""
    delivery = next(iter(locked(project, [delivery_id])), None)
    if delivery is None or not delivery.tracking_number:
        raise WaybillRefusedError(_("There is no number to take away."))
    if delivery.state in (State.DELIVERED, State.WITHDRAWN):
        raise WaybillRefusedError(_("The letter is delivered; its evidence stays. Take the delivery back first."))
    number, delivery.tracking_number = delivery.tracking_number, ""
    delivery.numbered_at = delivery.numbered_by = None
    delivery.save(update_fields=["tracking_number", "numbered_at", "numbered_by"])
    write_note(delivery, DeliveryTransition.Event.NUMBER_REMOVED, by=by, now=now, note=number)
    return delivery


def last_entered(project: Project, *, by: User, now: datetime) -> list[Delivery]:
    """The numbers that this person entered last in this shift, newest first, for undoing."""
    mine = Delivery.objects.standing().filter(project=project, numbered_by=by, numbered_at__gt=now - SHIFT)
    return list(mine.select_related("notice").order_by("-numbered_at", "-pk")[:LAST_SHOWN])


def _notice_of(project: Project, code: str) -> Notice | None:
    notices = Notice.objects.filter(project=project).select_related("account__unit")
    if found := SCAN_CODE.fullmatch(plain_code(code)):
        numbered = notices.filter(year=int(found[1]), sequence=int(found[2]))  # one of each kind
        return next((notice for notice in numbered if notice.data.get("scan_code") == found[0]), None)
    return notices.filter(number=re.sub(r"\s", "", code)).first()


def _why_not_sent(notice: Notice) -> str:
    if notice.state == Notice.State.VOID:
        return _("%(letter)s is void; take it out of the pile.") % {"letter": notice.number}
    if notice.state != Notice.State.DISPATCHED:
        return _("%(letter)s is not recorded as handed in yet: record the dispatch by EMS first.") % {
            "letter": notice.number
        }
    return _("%(letter)s was not sent by EMS, or came back.") % {"letter": notice.number}
