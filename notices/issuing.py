"""From accounts to a batch of notices: who is in, who is left out and why, and the confirmation that fixes it.

Callers know the work on the accounts (holds, requests unanswered) and pass that as data; this module knows the ledger,
verifications, earlier notices and what a letter needs.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import models, transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from arrears.models import Account, Verification
from arrears.posting import lock_accounts
from arrears.verification import valid_verifications
from company.audit import record
from company.models import Project, User
from notices.facts import ZERO, AccountFacts, read_facts
from notices.fields import check_text, empty_fields, in_braces, refused_by_values
from notices.images import images_in_use
from notices.kinds import KINDS, PROJECT_FIELDS, KindRules
from notices.letter_data import content_sha256, letter_data, shared_fields
from notices.models import Batch, LawFirm, Notice, NoticeKind, NoticeTemplate, NoticeTransition
from notices.numbering import take_numbers as _take_numbers
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


class Reason(models.TextChoices):
    PAID = "paid", gettext_lazy("nothing overdue any more")
    ALREADY_OUT = "already_out", gettext_lazy("this letter has been issued already")
    HELD = "held", gettext_lazy("held")
    NO_OWNER = "no_owner", gettext_lazy("no owner on file")
    UNKNOWN_START = "unknown_start", gettext_lazy("earlier arrears without a start")
    NOT_VERIFIED = "not_verified", gettext_lazy("not verified, or verified too long ago")
    MISSING_GLYPH = "missing_glyph", gettext_lazy("a character that the font cannot print")


@dataclass(frozen=True)
class LeftOut:
    """An account that was chosen and gets no letter. ``detail``: the earlier number, the characters, the hold."""

    account_id: int
    unit_code: str
    reason: Reason
    detail: str = ""

    def as_data(self) -> dict[str, Any]:
        return {
            "account": self.account_id, "unit": self.unit_code, "reason": self.reason.value, "detail": self.detail
        }  # fmt: skip


@dataclass(frozen=True)
class Included:
    """An account that gets a letter, and until which day its payment data reach."""

    facts: AccountFacts
    data_until: date


@dataclass(frozen=True)
class BatchPreview:
    """``faults`` keep the whole batch from being confirmed, ``left_out`` single accounts."""

    rules: KindRules
    occasion: str
    issue_on: date
    deadline_on: date
    template: NoticeTemplate | None
    law_firm: LawFirm | None
    shared: Mapping[str, str]
    images: Mapping[str, str] = field(default_factory=dict)
    included: list[Included] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def principal(self) -> Decimal:
        """CNY that the letters demand together."""
        return sum((entry.facts.principal for entry in self.included), ZERO)

    @property
    def chosen(self) -> int:
        return len(self.included) + len(self.left_out)

    def left_out_by_reason(self) -> dict[Reason, list[LeftOut]]:
        """In the order in which the reasons are looked at."""
        grouped = {reason: [out for out in self.left_out if out.reason is reason] for reason in Reason}
        return {reason: group for reason, group in grouped.items() if group}


def check_batch(
    project: Project,
    accounts: Collection[int],
    kind: NoticeKind,
    occasion: str,
    now: datetime,
    *,
    law_firm: LawFirm | None = None,
    deadline_on: date | None = None,
    held: Mapping[int, str] | None = None,
) -> BatchPreview:
    """Who of ``accounts`` (ids) would get a letter of this kind now, who would not and why. Changes nothing.

    ``held`` gives by account id the caller's own reason to leave it out. Without a ``law_firm`` a kind that needs a
    mandate takes the project's first firm that has one. Deadline: 21 days from now unless given.
    """
    rules = KINDS[kind]
    issue_on = timezone.localdate(now)
    deadline_on = deadline_on or issue_on + timedelta(days=DEFAULT_DEADLINE_DAYS)
    if rules.needs_mandate and law_firm is None:
        law_firm = LawFirm.objects.filter(project=project).mandated(on=issue_on).first()
    template = NoticeTemplate.objects.filter(project=project, kind=kind, state=NoticeTemplate.State.APPROVED).first()
    preview = BatchPreview(
        rules=rules,
        occasion=occasion,
        issue_on=issue_on,
        deadline_on=deadline_on,
        template=template,
        law_firm=law_firm,
        shared=shared_fields(project, law_firm, issue_on=issue_on, deadline_on=deadline_on),
        images=images_in_use(project, rules),
    )
    preview.faults.extend(_faults(project, preview))
    _sort_accounts(project, accounts, preview, now=now, held=held or {})
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
    held: Mapping[int, str] | None = None,
) -> Batch:
    """Fix a batch: data, numbers and rows of all letters in one transaction; a worker makes the files afterwards.

    The accounts are locked and looked at again, so that who paid or got the letter meanwhile is left out. Raises
    BatchRefusedError when something for the whole batch is missing, NothingToSendError when nobody is left.
    """
    locked = lock_accounts(accounts)
    preview = check_batch(
        project, [account.pk for account in locked], kind, occasion, now,
        law_firm=law_firm, deadline_on=deadline_on, held=held,
    )  # fmt: skip
    if preview.faults or preview.template is None:
        raise BatchRefusedError(preview.faults)
    if not preview.included:
        raise NothingToSendError(preview.left_out)
    first = _take_numbers(project, kind, preview.issue_on.year, len(preview.included))
    batch = _create_batch(project, preview, preview.template, now=now, by=by)
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
    project: Project, account_ids: Collection[int], preview: BatchPreview, *, now: datetime, held: Mapping[int, str]
) -> None:
    accounts = Account.objects.filter(project=project, pk__in=account_ids)
    verified = valid_verifications(project, account_ids, now=now)
    already_out = dict(
        Notice.objects.filter(account_id__in=account_ids, kind=preview.rules.kind, occasion=preview.occasion)
        .in_force()
        .values_list("account_id", "number")
    )
    has_word = bool(preview.shared["违约金名称"])
    for facts in read_facts(accounts, on=preview.issue_on, with_late_fees=has_word).values():
        verification = verified.get(facts.account_id)
        out = _reason_to_leave_out(facts, preview, verification, already_out=already_out, held=held)
        if out is not None:
            preview.left_out.append(LeftOut(facts.account_id, facts.unit_code, *out))
        elif verification is not None:
            preview.included.append(Included(facts, _data_until(verification)))


def _reason_to_leave_out(
    facts: AccountFacts,
    preview: BatchPreview,
    verification: Verification | None,
    *,
    already_out: Mapping[int, str],
    held: Mapping[int, str],
) -> tuple[Reason, str] | None:
    if not facts.charges:
        return Reason.PAID, ""
    if facts.account_id in already_out:
        return Reason.ALREADY_OUT, already_out[facts.account_id]
    if facts.account_id in held:
        return Reason.HELD, str(held[facts.account_id])
    if not facts.owner.strip():
        return Reason.NO_OWNER, ""
    if any(charge.start_unknown for charge in facts.charges):
        return Reason.UNKNOWN_START, ""
    if verification is None:
        return Reason.NOT_VERIFIED, ""
    body = preview.template.body if preview.template else ""
    missing = unprintable(body, _data(facts, preview, data_until=_data_until(verification), sequence=0))
    return (Reason.MISSING_GLYPH, missing) if missing else None


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


def _create_batch(
    project: Project, preview: BatchPreview, template: NoticeTemplate, *, now: datetime, by: User
) -> Batch:
    kind = preview.rules.kind
    last = Batch.objects.filter(project=project, kind=kind).aggregate(last=Max("sequence"))["last"] or 0
    return Batch.objects.create(
        project=project,
        kind=kind,
        sequence=last + 1,
        template=template,
        law_firm=preview.law_firm,
        occasion=preview.occasion,
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


def _notice(
    batch: Batch, preview: BatchPreview, template: NoticeTemplate, entry: Included, *, position: int, sequence: int
) -> Notice:
    word = batch.project.short_name or batch.project.code
    data = _data(entry.facts, preview, data_until=entry.data_until, sequence=sequence, word=word)
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
        seen_version=entry.facts.version,
    )
