"""Letters leave the house: the ledger is read once more under the accounts' locks, then each gets its delivery row.

A letter whose charges have changed is voided instead of sent. Accounts come before notices, notices before deliveries.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from django.db import IntegrityError, models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from arrears.models import Account
from arrears.posting import lock_accounts
from company.audit import record
from company.models import Project, User
from notices.following import overtaken, reopen_batches, void_changed
from notices.kinds import KINDS
from notices.models import Channel, Delivery, DeliveryTransition, Notice, NoticeKind, Recipient, SignedScan
from notices.models.deliveries import SPEAKS_OF_DEBT
from notices.signing import needs_signature
from notices.states import move
from owners.models import Address

State = Delivery.State


class DispatchRefusedError(ValueError):
    """The whole act is refused; the text says why."""


class Obstacle(models.TextChoices):
    """Why one letter is not sent."""

    CHANGED = "changed", gettext_lazy("the ledger has changed since; the letter is void")
    NOT_MADE = "not_made", gettext_lazy("not made yet, or sent or void already")
    UNSIGNED = "unsigned", gettext_lazy("the firm's signed scan is missing")
    NO_MANDATE = "no_mandate", gettext_lazy("the firm's mandate is not valid on that day")
    ONLY_DOOR = "only_door", gettext_lazy("a slip goes on the door only")
    NOT_ON_DOOR = "not_on_door", gettext_lazy("a demand is never put on the door")
    NO_ADDRESS = "no_address", gettext_lazy("no owner has a second address on file")
    BEFORE_ISSUE = "before_issue", gettext_lazy("the letter is dated after that day")


@dataclass(frozen=True)
class Order:
    """How letters are sent. ``address_kinds`` by notice id, where not as chosen in the batch; ``contents``: others."""

    channel: Channel
    on: date
    address_kinds: Mapping[int, Address.Kind] = field(default_factory=dict)
    contents: str = ""


@dataclass
class Dispatched:
    """What became of the letters: sent, or kept back by notice with the reason."""

    sent: list[Delivery] = field(default_factory=list)
    kept_back: list[tuple[Notice, Obstacle]] = field(default_factory=list)

    @property
    def void(self) -> int:
        return sum(obstacle is Obstacle.CHANGED for _notice, obstacle in self.kept_back)


def check_contents(text: str) -> None:
    """Raises DispatchRefusedError for a contents line that tells the carrier or a neighbour of the debt."""
    if re.search(SPEAKS_OF_DEBT, text):
        raise DispatchRefusedError(_("The contents line must not speak of arrears or amounts: anybody reads it."))


@transaction.atomic
def dispatch(project: Project, notice_ids: Collection[int], order: Order, *, by: User, now: datetime) -> Dispatched:
    """Send the made letters among ``notice_ids`` that may go, void those whose charges have changed.

    Raises DispatchRefusedError for a day in the future or a contents line that tells too much.
    """
    if order.on > timezone.localdate(now):
        raise DispatchRefusedError(_("Letters cannot have been handed in after today."))
    check_contents(order.contents)
    done = Dispatched()
    letters = _locked(project, notice_ids, done, now=now)
    papers = _papers(letters)
    going = []
    for letter in letters:
        if obstacle := _obstacle(letter, order, papers):
            done.kept_back.append((letter, obstacle))
        else:
            going.append(letter)
    done.sent.extend(_send(going, order, papers, by=by, now=now))
    if done.sent:
        record(
            action="notices.dispatched", by=by, project=project, channel=order.channel, on=order.on.isoformat(),
            letters=len(done.sent), void=done.void,
        )  # fmt: skip
    return done


@transaction.atomic
def send_again(before: Delivery, order: Order, *, by: User, now: datetime) -> Delivery:
    """Send a letter that came back or was lost once more, mostly to another address. Raises DispatchRefusedError.

    A demand that the ledger has overtaken is not sent again: a new letter says what is owed now.
    """
    if order.on > timezone.localdate(now) or order.on < before.dispatched_on:
        raise DispatchRefusedError(_("The day lies between the first sending and today."))
    check_contents(order.contents)
    lock_accounts([before.notice.account_id])
    letter = Notice.objects.select_related("batch__law_firm", "project").get(pk=before.notice_id)
    if overtaken([letter]):
        raise DispatchRefusedError(_("The charges of this letter have changed since: issue a new letter instead."))
    if letter.superseded:
        raise DispatchRefusedError(_("A correction has taken the place of this letter: send that one."))
    papers = _papers([letter])
    if obstacle := _obstacle(letter, order, papers, state=Notice.State.DISPATCHED):
        raise DispatchRefusedError(_("It is not sent: %(reason)s.") % {"reason": obstacle.label})
    try:
        with transaction.atomic():
            (again,) = _create([letter], order, papers, by=by, now=now)
    except IntegrityError as error:
        raise DispatchRefusedError(_("This letter is on its way or delivered already.")) from error
    record(
        action="notices.sent_again", by=by, project=letter.project, obj=letter, channel=order.channel,
        to=again.address_kind,
    )  # fmt: skip
    return again


@transaction.atomic
def take_back(delivery: Delivery, *, by: User, now: datetime, reason: str) -> None:
    """Undo a dispatch that was recorded by mistake: the letter is in the house again. Raises DispatchRefusedError.

    Only while nothing speaks for its having been sent: no number, no proof. What the ledger did meanwhile voids it.
    """
    lock_accounts([delivery.notice.account_id])
    current = Delivery.objects.select_for_update().get(pk=delivery.pk)
    if not current.may_be_taken_back:
        raise DispatchRefusedError(_("Only a letter without number, proof and news can be taken back."))
    if current.notice.superseded:
        raise DispatchRefusedError(_("A correction has taken the place of this letter; it stays as sent."))
    current.state, current.state_on = State.WITHDRAWN, timezone.localdate(now)
    current.save(update_fields=["state", "state_on"])
    _write_history([current], State.DISPATCHED, day=current.state_on, by=by, now=now, note=reason)
    if not current.notice.deliveries.standing().exists():
        move(Notice.objects.filter(pk=current.notice_id), Notice.State.ISSUED, now=now, by=by, reason=reason[:200])
    record(action="notices.dispatch_taken_back", by=by, project=current.project, obj=current.notice, reason=reason)


def _locked(project: Project, notice_ids: Collection[int], done: Dispatched, *, now: datetime) -> list[Notice]:
    """The letters as they are under the accounts' locks, without those that the ledger voids."""
    mine = Notice.objects.filter(project=project, pk__in=notice_ids)
    lock_accounts(mine.values_list("account_id", flat=True))
    letters = list(mine.select_related("batch__law_firm", "project").order_by("batch_id", "position"))
    issued = [letter for letter in letters if letter.state == Notice.State.ISSUED]
    void = void_changed(issued, now=now)
    reopen_batches({letter.batch_id for letter in issued if letter.pk in void})
    done.kept_back.extend((letter, Obstacle.CHANGED) for letter in issued if letter.pk in void)
    return [letter for letter in letters if letter.pk not in void]


@dataclass(frozen=True)
class _Papers:
    """What letters rely on: by notice the firm whose signed scan is on file, and the address chosen in the batch; the
    accounts with a second address."""

    firms: Mapping[int, int]
    chosen: Mapping[int, str]
    second_addresses: Collection[int]

    def address_kind(self, letter: Notice, order: Order) -> Address.Kind:
        """Where the letter goes: as ordered, else as chosen in the batch, else to the flat."""
        ordered = order.address_kinds.get(letter.pk)
        return ordered or Address.Kind(self.chosen.get(letter.pk) or Address.Kind.ON_SITE)


def _papers(letters: Collection[Notice]) -> _Papers:
    ids = [letter.pk for letter in letters]
    scans = SignedScan.objects.filter(notice__in=ids, withdrawn_at=None)
    return _Papers(
        dict(scans.values_list("notice_id", "law_firm_id")),
        dict(Recipient.objects.filter(notice__in=ids).values_list("notice_id", "address_kind")),
        accounts_with_second_address([letter.account_id for letter in letters]),
    )


def accounts_with_second_address(account_ids: Collection[int]) -> set[int]:
    """Accounts one of whose owners has a second correspondence address; one query."""
    second = Address.objects.filter(kind=Address.Kind.SECOND, ended_at=None)
    accounts = Account.objects.filter(pk__in=account_ids, ownership__members__owner__in=second.values("owner"))
    return set(accounts.values_list("pk", flat=True))


def _obstacle(
    letter: Notice, order: Order, papers: _Papers, *, state: Notice.State = Notice.State.ISSUED
) -> Obstacle | None:
    if letter.state != state:
        return Obstacle.NOT_MADE
    is_slip = letter.kind == NoticeKind.DOOR_SLIP
    if is_slip != (order.channel == Channel.DOOR):
        return Obstacle.ONLY_DOOR if is_slip else Obstacle.NOT_ON_DOOR
    if order.on < letter.batch.issue_on:
        return Obstacle.BEFORE_ISSUE
    if needs_signature(letter.kind):
        firm = letter.batch.law_firm
        if firm is None or papers.firms.get(letter.pk) != firm.pk:
            return Obstacle.UNSIGNED
        if not firm.is_mandated(on=order.on):
            return Obstacle.NO_MANDATE
    to_second = order.address_kinds.get(letter.pk) == Address.Kind.SECOND and order.channel in Delivery.NUMBERED
    return Obstacle.NO_ADDRESS if to_second and letter.account_id not in papers.second_addresses else None


def _send(letters: Collection[Notice], order: Order, papers: _Papers, *, by: User, now: datetime) -> list[Delivery]:
    deliveries = _create(letters, order, papers, by=by, now=now)
    move(Notice.objects.filter(pk__in=[letter.pk for letter in letters]), Notice.State.DISPATCHED, now=now, by=by)
    return deliveries


def _create(letters: Collection[Notice], order: Order, papers: _Papers, *, by: User, now: datetime) -> list[Delivery]:
    by_ems = order.channel == Channel.EMS
    deliveries = Delivery.objects.bulk_create(
        Delivery(
            project_id=letter.project_id,
            notice=letter,
            channel=order.channel,
            address_kind=papers.address_kind(letter, order),
            dispatched_on=order.on,
            dispatched_by=by,
            recorded_at=now,
            contents=(order.contents or KINDS[NoticeKind(letter.kind)].contents_line(letter.number)) if by_ems else "",
            state_on=order.on,
        )
        for letter in letters
    )
    _write_history(deliveries, "", day=order.on, by=by, now=now)
    return deliveries


def _write_history(
    deliveries: Collection[Delivery], before: str, *, day: date, by: User, now: datetime, note: str = ""
) -> None:
    DeliveryTransition.objects.bulk_create(
        DeliveryTransition(
            delivery=delivery, from_state=before, to_state=delivery.state, day=day, at=now, by=by, note=note[:200]
        )
        for delivery in deliveries
    )
