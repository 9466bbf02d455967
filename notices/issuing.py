"""From accounts to a batch of notices: who is in, who is left out and why, and the confirmation that fixes it.

Callers know the work on the accounts (holds, requests unanswered) and pass that as data; this module knows the ledger,
verifications, earlier notices and what a letter needs.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Max, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from arrears.models import Account, Verification
from arrears.posting import lock_accounts
from arrears.verification import valid_verifications
from company.audit import record
from company.models import Project, User
from notices.batch_preview import BatchPreview, Included, Terms
from notices.facts import AccountFacts, read_facts
from notices.fields import check_text, empty_fields, in_braces, refused_by_values
from notices.fonts import missing_glyphs
from notices.images import images_in_use
from notices.kinds import KINDS, PROJECT_FIELDS
from notices.leaving_out import Held, Holder, LeftOut, Reason
from notices.letter_data import content_sha256, letter_data, shared_fields
from notices.models import (
    Batch,
    Channel,
    LawFirm,
    Notice,
    NoticeKind,
    NoticeTemplate,
    NoticeTransition,
    Recipient,
)
from notices.numbering import take_numbers as _take_numbers
from notices.recipients import (
    Label,
    Letter,
    Party,
    arrange,
    envelopes,
    read_address_book,
    read_parties,
)
from notices.rendering import CHUNK, unprintable
from notices.waking import wake

DEFAULT_DEADLINE_DAYS = 21


class BatchRefusedError(Exception):
    """A batch that cannot be confirmed at all; ``faults`` say what is missing."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class NothingToSendError(Exception):
    """None of the chosen accounts gets a letter; ``left_out`` says why."""

    def __init__(self, left_out: "list[LeftOut]") -> None:
        super().__init__("nobody is left in the batch")
        self.left_out = left_out


def check_batch(
    project: Project,
    accounts: Collection[int],
    kind: NoticeKind,
    occasion: str,
    now: datetime,
    *,
    law_firm: LawFirm | None = None,
    deadline_on: date | None = None,
    held: Holder | None = None,
    terms: Terms | None = None,
) -> BatchPreview:
    """Who of ``accounts`` (ids) would get a letter of this kind now, who would not and why. Changes nothing.

    ``held`` knows the caller's own reasons to leave an account out. Without a ``law_firm`` a kind that needs a
    mandate takes the project's first firm that has one. Deadline: 21 days from now unless given.
    """
    rules = KINDS[kind]
    issue_on = timezone.localdate(now)
    deadline_on = deadline_on or issue_on + timedelta(days=DEFAULT_DEADLINE_DAYS)
    if rules.needs_mandate and law_firm is None:
        law_firm = LawFirm.objects.filter(project=project).mandated(on=issue_on).first()
    template = NoticeTemplate.objects.filter(project=project, kind=kind, state=NoticeTemplate.State.APPROVED).first()
    preview = BatchPreview(
        project=project,
        rules=rules,
        occasion=occasion,
        issue_on=issue_on,
        deadline_on=deadline_on,
        terms=terms or Terms(),
        template=template,
        law_firm=law_firm,
        shared=shared_fields(project, law_firm, issue_on=issue_on, deadline_on=deadline_on),
        images=images_in_use(project, rules),
    )
    preview.faults.extend(_faults(project, preview))
    _sort_accounts(accounts, preview, now=now, held=held(accounts) if held else {})
    return preview


@transaction.atomic
def confirm_batch(
    project: Project,
    accounts: Collection[int],
    kind: NoticeKind,
    occasion: str,
    now: datetime,
    *,
    by: User,
    law_firm: LawFirm | None = None,
    deadline_on: date | None = None,
    held: Holder | None = None,
    terms: Terms | None = None,
) -> Batch:
    """Fix a batch: data, numbers and rows of all letters in one transaction; a worker makes the files afterwards.

    The accounts are locked and looked at again, so that who paid or got the letter meanwhile is left out; ``held`` is
    asked under these locks. Raises BatchRefusedError when something for the whole batch is missing,
    NothingToSendError when nobody is left.
    """
    locked = lock_accounts(accounts)
    preview = check_batch(
        project, [account.pk for account in locked], kind, occasion, now,
        law_firm=law_firm, deadline_on=deadline_on, held=held, terms=terms,
    )  # fmt: skip
    if preview.faults or preview.template is None:
        raise BatchRefusedError(preview.faults)
    if not preview.included:
        raise NothingToSendError(preview.left_out)
    first = _take_numbers(project, kind, preview.issue_on.year, len(preview.included))
    batch = _create_batch(preview, preview.template, now=now, by=by)
    _create_notices(batch, preview, preview.template, first=first, now=now, by=by)
    record(
        action="notices.batch_confirmed", by=by, project=project, obj=batch,
        letters=len(preview.included), left_out=len(preview.left_out), principal=str(preview.principal),
    )  # fmt: skip
    wake(batch.pk, workers=-(-len(preview.included) // CHUNK))
    return batch


def _faults(project: Project, preview: BatchPreview) -> list[str]:
    rules, faults = preview.rules, []
    if not preview.occasion.strip():
        faults.append(_("Name the occasion of the letters."))
    if preview.template is None:
        faults.append(_("No text of this kind of letter is approved yet."))
    if rules.needs_mandate:
        faults += _mandate_faults(project, preview)
    if preview.deadline_on < preview.issue_on + timedelta(days=rules.deadline_days):
        faults.append(_("The deadline must be at least %(days)s days after issue.") % {"days": rules.deadline_days})
    if preview.template is not None:
        faults += [str(fault) for fault in check_text(preview.template.body, rules)]
        if empty := empty_fields(preview.template.body, preview.shared, rules, among=PROJECT_FIELDS):
            names = in_braces(empty)
            faults.append(_("The text uses fields that the project's data leave empty: %(names)s.") % {"names": names})
        if words := refused_by_values(preview.template.body, preview.shared, rules):
            faults.append(_("The project's data would make the slip say: %(words)s.") % {"words": "、".join(words)})
    return faults


def _mandate_faults(project: Project, preview: BatchPreview) -> list[str]:
    firm = preview.law_firm
    if firm is None:
        return [_("No law firm of this project has a valid mandate on file. Upload it first.")]
    if firm.project_id != project.pk or not firm.is_mandated(on=preview.issue_on):
        return [_("%(firm)s has no valid mandate on file. Upload it first.") % {"firm": firm.name}]
    return []


def _sort_accounts(
    account_ids: Collection[int], preview: BatchPreview, *, now: datetime, held: Mapping[int, Held]
) -> None:
    project = preview.project
    accounts, has_word = Account.objects.filter(project=project, pk__in=account_ids), preview.shared["违约金名称"]
    facts = read_facts(accounts, on=preview.issue_on, with_late_fees=bool(has_word))
    verified = valid_verifications(project, account_ids, now=now)
    of_occasion = Notice.objects.filter(kind=preview.rules.kind, occasion=preview.occasion).standing()
    if replaced := preview.terms.corrects:  # with an earlier correction of it that has not left the house
        of_occasion = of_occasion.exclude(Q(pk=replaced.pk) | Q(corrects=replaced.pk))
    already_out = dict(of_occasion.filter(account_id__in=account_ids).values_list("account_id", "number"))
    parties = read_parties(project, facts.values())
    letters = []
    for one in facts.values():
        letter = _letter(one, parties[one.account_id], preview.terms)
        out = _reason_to_leave_out(letter, preview, verified.get(one.account_id), already_out=already_out, held=held)
        if out is None:
            letters.append(letter)
        else:
            preview.left_out.append(LeftOut(one.account_id, one.unit_code, *out))
    _address(letters, preview, verified)


def _letter(facts: AccountFacts, party: Party, terms: Terms) -> Letter:
    return Letter(facts, party, party.option(terms.first, other=facts.account_id in terms.switched))


def _reason_to_leave_out(
    letter: Letter,
    preview: BatchPreview,
    verification: Verification | None,
    *,
    already_out: Mapping[int, str],
    held: Mapping[int, Held],
) -> tuple[Reason, str, str] | None:
    facts, terms = letter.facts, preview.terms
    account_id, names_owner = facts.account_id, terms.channel is not Channel.DOOR
    found: Reason | None = None
    if not facts.charges:
        found = Reason.PAID
    elif account_id in already_out:
        return Reason.ALREADY_OUT, already_out[account_id], ""
    elif account_id in held:
        return Reason.HELD, held[account_id].text, held[account_id].group
    elif names_owner and not facts.owner.strip():
        found = Reason.NO_OWNER
    elif names_owner and any(charge.start_unknown for charge in facts.charges):
        found = Reason.UNKNOWN_START
    elif verification is None:
        found = Reason.NOT_VERIFIED
    elif terms.channel.needs_address and letter.option is None:
        found = Reason.ADDRESS_RETURNED if letter.party.options else Reason.NO_ADDRESS
    elif account_id in terms.taken_out:
        found = Reason.TAKEN_OUT
    elif terms.checked is not None and account_id not in terms.checked:
        found = Reason.NOT_CHECKED
    return (found, "", "") if found else None


def _address(letters: Sequence[Letter], preview: BatchPreview, verified: Mapping[int, Verification]) -> None:
    """Write the envelopes, leave out what cannot be printed, and put the rest in order."""
    book = read_address_book(preview.project, letters)
    body = preview.template.body if preview.template else ""
    printable = []
    for letter in letters:
        facts, label = letter.facts, book.label(letter)
        data_until = _data_until(verified[facts.account_id])
        missing = unprintable(body, _data(facts, preview, data_until=data_until, sequence=0))
        if preview.terms.channel.needs_address:
            missing += missing_glyphs(label.address)
        if missing:
            preview.left_out.append(LeftOut(facts.account_id, facts.unit_code, Reason.MISSING_GLYPH, missing))
        else:
            printable.append((letter, label, data_until))
    ordered = arrange(printable, by_address=preview.terms.in_order == Batch.Order.ADDRESS)
    numbers = envelopes([letter for letter, _, _ in ordered], shared=preview.terms.shares_envelopes)
    labels: dict[int, Label] = {}
    for (letter, label, data_until), number in zip(ordered, numbers, strict=True):
        preview.included.append(Included(letter, labels.setdefault(number, label), number, data_until))


def _data_until(verification: Verification) -> date:
    """Until which day it is known what was paid."""
    reaches = verification.verified_at if verification.looked_up else verification.payments_until
    return timezone.localdate(reaches or verification.verified_at)


def _data(
    facts: AccountFacts, preview: BatchPreview, *, data_until: date, sequence: int, word: str = ""
) -> dict[str, Any]:
    year = preview.issue_on.year
    return letter_data(
        facts,
        preview.shared,
        preview.rules,
        data_until=data_until,
        number=preview.rules.number(project_word=word, year=year, sequence=sequence),
        scan_code=preview.rules.scan_code(year=year, sequence=sequence),
        paper=preview.template.paper if preview.template else "",
        images=preview.images,
    )


def _create_batch(preview: BatchPreview, template: NoticeTemplate, *, now: datetime, by: User) -> Batch:
    project, kind = preview.project, preview.rules.kind
    last = Batch.objects.filter(project=project, kind=kind).aggregate(last=Max("sequence"))["last"] or 0
    return Batch.objects.create(
        project=project,
        kind=kind,
        sequence=last + 1,
        template=template,
        law_firm=preview.law_firm,
        occasion=preview.occasion,
        channel=preview.terms.channel,
        in_order=preview.terms.in_order,
        data_until=min(entry.data_until for entry in preview.included),
        issue_on=preview.issue_on,
        deadline_on=preview.deadline_on,
        left_out=[out.as_data() for out in preview.left_out],
        confirmed_at=now,
        confirmed_by=by,
    )


def _create_notices(
    batch: Batch, preview: BatchPreview, template: NoticeTemplate, *, first: int, now: datetime, by: User
) -> None:
    notices = [
        _notice(batch, preview, template, entry, position=position, sequence=first + position - 1)
        for position, entry in enumerate(preview.included, start=1)
    ]
    Notice.objects.bulk_create(notices, batch_size=500)
    NoticeTransition.objects.bulk_create(
        (NoticeTransition(notice=notice, to_state=notice.state, at=now, by=by) for notice in notices), batch_size=1000
    )
    if batch.channel != Channel.DOOR:
        Recipient.objects.bulk_create(
            (_recipient(notice, entry) for notice, entry in zip(notices, preview.included, strict=True)),
            batch_size=1000,
        )


def _recipient(notice: Notice, entry: Included) -> Recipient:
    label = entry.label
    return Recipient(
        notice=notice, address_kind=label.kind, name=label.name, address=label.address, phone=label.phone,
        postcode=label.postcode, envelope=entry.envelope,
    )  # fmt: skip


def _notice(
    batch: Batch, preview: BatchPreview, template: NoticeTemplate, entry: Included, *, position: int, sequence: int
) -> Notice:
    word = batch.project.short_name or batch.project.code
    data = _data(entry.facts, preview, data_until=entry.data_until, sequence=sequence, word=word)
    corrects = preview.terms.corrects
    if corrects:
        data["corrects"] = corrects.number
    return Notice(
        project_id=batch.project_id,
        batch=batch,
        account_id=entry.facts.account_id,
        kind=batch.kind,
        occasion=batch.occasion,
        year=preview.issue_on.year,
        sequence=sequence,
        number=data["fields"]["函号"],
        position=position,
        data=data,
        principal=entry.facts.principal,
        charge_ids=[charge.charge_id for charge in entry.facts.charges],
        content_sha256=content_sha256(template.body, data),
        corrects=corrects,
        seen_version=entry.facts.version,
    )
