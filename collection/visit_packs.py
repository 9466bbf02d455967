"""The visit pack: what a person takes along on a round, numbered copy by copy, and what becomes of its forms (V2)."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from collection.models import (
    Case,
    CashTaken,
    ContactAttempt,
    PackedLetter,
    ReceiptForm,
    VisitPack,
)
from collection.models.packs import MOST_FORMS
from collection.pack_pages import list_data
from collection.rounds import RoundRow, Stop, build_round
from company.audit import record
from company.models import Project, User
from notices.fonts import missing_glyphs
from notices.models import Channel, Notice, NoticeKind
from notices.numbering import take_numbers

PACK_SEQUENCE, FORM_SEQUENCE = "visit_pack", "receipt_form"
OPENS_AGAIN = timedelta(minutes=15)  # a download that broke off is no second copy
HANDED_OVER = (Channel.BY_HAND, Channel.DOOR)


class PackRefusedError(Exception):
    """No pack was made; the subclass says why."""


class NobodyToVisitError(PackRefusedError):
    """No case of the round is to be visited."""


class UnverifiedRoundError(PackRefusedError):
    """``number`` cases of the round are not verified: whoever has paid must not be on the list."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class UnprintablePackError(PackRefusedError):
    """The fonts lack characters: ``args[0]`` names them."""


class PrintedAgainError(PackRefusedError):
    """The pack has its next copy already."""


class CopyHandedOutError(Exception):
    """This copy was opened to be printed; whoever needs another prints it again under a new number."""


class PackOvertakenError(Exception):
    """The day is another, or a letter in it does not hold any more: it is printed again, of the round as it is now."""


class OwnFormsError(Exception):
    """Nobody notes the end of receipt forms that they took along themselves."""


class FormsSettledError(Exception):
    """One of the forms is used, or its end is noted already; nothing was written."""


@dataclass(frozen=True, slots=True)
class FormLine:
    """A receipt form and the money that it was given for, if it was."""

    form: ReceiptForm
    cash: CashTaken | None

    @property
    def is_out(self) -> bool:
        return self.form.outcome is None and self.cash is None

    @property
    def contradicts(self) -> bool:
        """Money stands on a form that was handed back."""
        return self.form.outcome is not None and self.cash is not None


@dataclass(frozen=True, slots=True)
class Again:
    """The copy that is printed again, and why."""

    pack: VisitPack
    reason: str


def make_pack(
    project: Project, member: User, *, forms: int, by: User, now: datetime, again: Again | None = None
) -> VisitPack:
    """A numbered copy of today's round of ``member`` with its letters and ``forms`` blank receipts.

    Numbers are taken in the same transaction, so that none is missing. Writes the audit trail. Raises
    NobodyToVisitError, UnverifiedRoundError, UnprintablePackError, PrintedAgainError.
    """
    walk = build_round(project, member, now=now)
    rows = [row for row in walk.rows if row.stop == Stop.TO_VISIT]
    if not rows:
        raise NobodyToVisitError
    if walk.unverified:
        raise UnverifiedRoundError(len(walk.unverified))
    data = list_data(
        rows, project=project, member=member, now=now, last=_last_contacts([row.case for row in rows])
    )  # fmt: skip
    if missing := missing_glyphs(_texts(data)):
        raise UnprintablePackError(missing)
    return _write_pack(
        VisitPack(project=project, member=member, day=timezone.localdate(now), data=data, made_at=now, made_by=by),
        letters=letters_of(rows), forms=min(max(forms, 0), MOST_FORMS), again=again,
    )  # fmt: skip


def letters_of(rows: Iterable[RoundRow]) -> list[Notice]:
    """Made notices of the round that go by hand or onto the door and are not out, in the order of the round.

    Letters of a law firm are left out: their signed originals are no print of ours.
    """
    accounts = [row.case.account_id for row in rows]
    place = {account: number for number, account in enumerate(accounts)}
    found = Notice.objects.standing().filter(
        account__in=accounts, state=Notice.State.ISSUED, file__isnull=False, batch__channel__in=HANDED_OVER
    )
    kept = found.exclude(kind=NoticeKind.LAWYER_LETTER).select_related("file", "account__unit")
    return sorted(kept, key=lambda letter: (place[letter.account_id], letter.pk))


@transaction.atomic
def hand_out(pack_id: int, *, by: User, now: datetime) -> VisitPack:
    """Note that a copy is opened to be printed: once, and for a quarter of an hour again.

    Raises CopyHandedOutError, and PackOvertakenError where the copy says what does not hold any more.
    """
    pack = VisitPack.objects.select_for_update(of=("self",)).select_related("project", "file").get(pk=pack_id)
    opened_at = pack.handed_out_at
    if pack.reprints.exists() or (opened_at and now - opened_at > OPENS_AGAIN):
        raise CopyHandedOutError
    packed = pack.letters.exclude(notice__in=Notice.objects.standing())
    if pack.day != timezone.localdate(now) or packed.exists():
        raise PackOvertakenError
    if opened_at is None:
        pack.handed_out_at = now
        pack.save(update_fields=["handed_out_at"])
        record(action="packs.handed_out", by=by, project=pack.project, obj=pack, number=pack.number)
    return pack


@transaction.atomic
def settle_forms(
    pack: VisitPack, form_ids: Collection[int], outcome: ReceiptForm.Outcome, note: str, *, by: User, now: datetime
) -> int:
    """Note that forms came back unused or spoiled, or are lost; returns how many. The same again changes nothing.

    Raises OwnFormsError, FormsSettledError.
    """
    if pack.member_id == by.pk:
        raise OwnFormsError
    forms = list(pack.forms.select_for_update(of=("self",)).filter(pk__in=form_ids).order_by("pk"))
    noted = (outcome.value, note, by.pk)
    fresh = [form for form in forms if (form.outcome, form.note, form.settled_by_id) != noted]
    if any(form.outcome is not None for form in fresh) or _used(pack.project_id, fresh):
        raise FormsSettledError
    ReceiptForm.objects.filter(pk__in=[form.pk for form in fresh]).update(
        outcome=outcome, note=note, settled_at=now, settled_by=by
    )
    record(
        action="packs.forms_settled", by=by, project=pack.project, obj=pack, outcome=outcome.value,
        numbers=[form.number for form in fresh],
    )  # fmt: skip
    return len(fresh)


def form_lines(packs: Sequence[VisitPack]) -> dict[int, list[FormLine]]:
    """By pack id (all of one project) its receipt forms with what became of them; two queries."""
    lines: dict[int, list[FormLine]] = {pack.pk: [] for pack in packs}
    forms = list(ReceiptForm.objects.filter(pack__in=lines).select_related("settled_by").order_by("pk"))
    used = _used(packs[0].project_id if packs else None, forms)
    for form in forms:
        lines[form.pack_id].append(FormLine(form, used.get(form.number)))
    return lines


def _used(project_id: int | None, forms: Iterable[ReceiptForm]) -> dict[str, CashTaken]:
    numbers = [form.number for form in forms]
    taken = CashTaken.objects.filter(project=project_id, receipt_no__in=numbers)
    return {cash.receipt_no: cash for cash in taken.select_related("visit__contact__case__account__unit")}


@transaction.atomic
def _write_pack(pack: VisitPack, *, letters: Sequence[Notice], forms: int, again: Again | None) -> VisitPack:
    project, year = pack.project, timezone.localdate(pack.made_at).year
    sequence = take_numbers(project, PACK_SEQUENCE, year)
    if again:
        if VisitPack.objects.filter(reprint_of=again.pack).exists():  # under the lock of the numbers
            raise PrintedAgainError
        pack.reprint_of, pack.reprint_reason = again.pack, again.reason
    pack.year, pack.sequence, pack.number = year, sequence, f"VP{year}{sequence:06d}"
    pack.save(force_insert=True)
    PackedLetter.objects.bulk_create(PackedLetter(pack=pack, notice=letter) for letter in letters)
    if forms:
        first = take_numbers(project, FORM_SEQUENCE, year, forms)
        ReceiptForm.objects.bulk_create(
            ReceiptForm(
                project=project, pack=pack, member=pack.member, year=year, sequence=number,
                number=f"RF{year}{number:06d}",
            )
            for number in range(first, first + forms)
        )  # fmt: skip
    record(
        action="packs.made", by=pack.made_by, project=project, obj=pack, number=pack.number, member=pack.member_id,
        cases=len(pack.data["lines"]), letters=len(letters), forms=forms,
        reprint_of=again.pack.number if again else None,
    )  # fmt: skip
    return pack


def _last_contacts(cases: Sequence[Case]) -> dict[int, date]:
    found = ContactAttempt.objects.filter(case__in=cases).order_by().values_list("case").annotate(Max("happened_at"))
    return {case: timezone.localdate(at) for case, at in found}


def _texts(data: Mapping[str, Any]) -> str:
    return "".join([*data["fields"].values(), *(cell for line in data["lines"] for cell in line)])
