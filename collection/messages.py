"""What a message to an owner may say: approved texts with fixed fields, copied one to one, never to a group (P4).

A text names the owner by surname only, as masks do: whoever copies it has revealed nothing.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from arrears.models import Account
from arrears.verification import payments_known_until
from collection.models import Case, ContactAttempt, MessageText, PromiseToPay
from company.audit import record
from company.models import Project, User
from notices.amounts import figures, written_date
from notices.facts import read_facts
from notices.fields import FIELD, fill, in_braces, one_line, used_fields
from notices.letter_data import account_fields
from owners.personal_data import mask_name

Kind, Channel = MessageText.Kind, ContactAttempt.Channel
SOURCE = Path(__file__).parent / "texts" / "messages.txt"
PHONE = "联系电话"  # a message always says whom to ask
COMMON = (
    "业主",
    "房号",
    "项目名称",
    "物业公司",
    "联系电话",
    "欠费期间",
    "欠费合计",
    "数据截止日",
    "缴费期限",
    "缴费方式",
)
FIELDS: dict[MessageText.Kind, tuple[str, ...]] = {
    Kind.FIRST: COMMON, Kind.SECOND: COMMON, Kind.PROMISE: (*COMMON, "承诺日期", "承诺金额"),
}  # fmt: skip
MESSAGES = (Channel.WECHAT, Channel.SMS)
BETWEEN, TO_PAY = timedelta(days=7), timedelta(days=15)
REFUSED_WORDS = ("恶意", "老赖", "征信", "失信", "黑名单", "停水", "停电", "群")


class TextFaultError(ValueError):
    """The text cannot be used; ``faults`` say why, for the person who wrote it."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__(faults)
        self.faults = faults


class OwnTextError(Exception):
    """Nobody approves what they wrote themselves."""


class OvertakenTextError(Exception):
    """A later version of the text is in force."""


@dataclass(frozen=True, slots=True)
class Message:
    """A text ready to be copied."""

    kind: MessageText.Kind
    text: str
    version: int


@dataclass(frozen=True, slots=True)
class Offered:
    """What may be sent to an owner now: at most one message, else why there is none."""

    message: Message | None = None
    why_none: str = ""


@cache
def default_texts() -> dict[MessageText.Kind, str]:
    """The texts that a project starts from; they too are approved before they are used."""
    parts = re.split(r"^\[(\w+)\]$", SOURCE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return {Kind(name): text.strip() for name, text in zip(parts[::2], parts[1::2], strict=True)}


def faults_of(kind: MessageText.Kind, text: str) -> list[str]:
    """What keeps ``text`` from being a message of this kind; empty when it can be saved."""
    found = []
    if unknown := sorted(used_fields(text) - set(FIELDS[kind])):
        found.append(_("There is no field %(names)s in this message.") % {"names": in_braces(unknown)})
    if "{" in (bare := FIELD.sub("", text)) or "}" in bare:
        found.append(_("A brace stands alone; braces only enclose the name of a field."))
    if PHONE not in used_fields(text):
        found.append(_("The message names no number to call back: use %(field)s.") % {"field": in_braces([PHONE])})
    if words := [word for word in REFUSED_WORDS if word in text]:
        found.append(_("A message must not say: %(words)s.") % {"words": "、".join(words)})
    return found


@transaction.atomic
def write_text(project: Project, kind: MessageText.Kind, text: str, *, by: User, now: datetime) -> MessageText:
    """A new version, which waits for approval. Raises TextFaultError; the same text as the latest is the latest."""
    text = one_line(text)
    if faults := faults_of(kind, text):
        raise TextFaultError(faults)
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    latest = MessageText.objects.filter(project=project, kind=kind).order_by("-number").first()
    if latest and latest.text == text:
        return latest
    number = latest.number + 1 if latest else 1
    written = MessageText.objects.create(
        project=project, kind=kind, number=number, text=text, written_at=now, written_by=by
    )
    record(action="messages.written", by=by, project=project, obj=written, kind=kind.value, number=number)
    return written


@transaction.atomic
def approve_text(text_id: int, *, by: User, now: datetime) -> MessageText:
    """Put a version in force. Raises OwnTextError, and OvertakenTextError where a later one is in force already;
    approved twice it is approved once."""
    text = MessageText.objects.select_for_update(of=("self",)).select_related("project").get(pk=text_id)
    if text.written_by_id == by.pk:
        raise OwnTextError
    if text.approved_at is None:
        of_kind = MessageText.objects.filter(project=text.project_id, kind=text.kind)
        if of_kind.filter(approved_at__isnull=False, number__gt=text.number).exists():
            raise OvertakenTextError
        text.approved_at, text.approved_by = now, by
        text.save(update_fields=["approved_at", "approved_by"])
        record(action="messages.approved", by=by, project=text.project, obj=text, kind=text.kind, number=text.number)
    return text


def texts_in_force(project: Project) -> dict[MessageText.Kind, MessageText]:
    """By kind the latest approved version; one query."""
    approved = MessageText.objects.filter(project=project, approved_at__isnull=False).order_by("number")
    return {Kind(text.kind): text for text in approved}


def message_for(case: Case, *, now: datetime) -> Offered:
    """The one message that fits where the case stands: a promise is recalled, a second follows the first by a week.

    Whether it may be sent now the limits say, not this.
    """
    promise = PromiseToPay.objects.filter(case=case, state=PromiseToPay.State.WAITING).order_by("pk").last()
    sent = ContactAttempt.objects.filter(case=case, channel__in=MESSAGES, is_incoming=False, emergency_contact=None)
    latest = sent.order_by("happened_at").values_list("happened_at", flat=True).last()
    if promise is None and latest and latest > now - BETWEEN:
        day = timezone.localdate(latest + BETWEEN)
        return Offered(why_none=_("A message went out lately; the next from %(day)s.") % {"day": day.isoformat()})
    kind = Kind.PROMISE if promise else Kind.SECOND if latest else Kind.FIRST
    text = texts_in_force(case.project).get(kind)
    if text is None:
        return Offered(why_none=_("No approved text: %(kind)s.") % {"kind": kind.label})
    values = _values(case, promise, today=timezone.localdate(now))
    if empty := sorted(name for name in used_fields(text.text) if not values.get(name)):
        return Offered(why_none=_("Not known in this project: %(names)s.") % {"names": in_braces(empty)})
    return Offered(Message(kind, fill(text.text, values), text.number))


def _values(case: Case, promise: PromiseToPay | None, *, today: date) -> dict[str, str]:
    facts = read_facts(Account.objects.filter(pk=case.account_id), on=today)[case.account_id]
    known_until = payments_known_until(case.project)
    data_until = timezone.localdate(known_until) if known_until else today
    promised = {"承诺日期": written_date(promise.pay_by), "承诺金额": figures(promise.amount)} if promise else {}
    return {
        **account_fields(facts, data_until=data_until),
        "业主": _addressed(facts.owner),
        "项目名称": one_line(case.project.name),
        "物业公司": one_line(case.project.company_name),
        "联系电话": one_line(case.project.service_phone),
        "缴费方式": one_line(case.project.payment_methods),
        "缴费期限": written_date(today + TO_PAY),
        **promised,
    }


def _addressed(party: str) -> str:
    """``李业主、王业主``; organisations by their name, which no mask hides."""
    masked = [(name, mask_name(name)) for name in party.split("、")]
    return "、".join(name if shown == name else f"{shown[0]}业主" for name, shown in masked)
