"""Envelope labels of 100 × 150 mm: recipient, sender, contents line. No amount, and not what the letter is about."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from arrears.models import Account
from notices.facts import read_facts
from notices.fields import one_line
from notices.fonts import missing_glyphs
from notices.kinds import KINDS, KindRules
from notices.models import Batch, Channel, Delivery, Notice, NoticeKind, Recipient
from notices.press import Printed, press
from notices.recipients import Letter, read_address_book, read_parties
from notices.scan_codes import code128
from notices.typeset import parts

LAYOUT = "ems_label.typ"
CHUNK = 50


class NoAddressError(Exception):
    """The register has no such address of the owners."""


class UnprintableAddressError(Exception):
    """The fonts lack signs of the address: ``args[0]`` names them."""


@dataclass(frozen=True)
class Addressee:
    """Whom an envelope goes to, as printed."""

    name: str
    address: str
    phone: str = ""
    postcode: str = ""


def label_content(
    to: Addressee, letters: Sequence[Mapping[str, Any]], rules: KindRules, channel: Channel
) -> dict[str, Any]:
    """What the layout of a label reads. ``letters``: the data of those in the envelope, at least one.

    The contents line names the documents, as the post asks; only EMS has it.
    """
    sender = _sender(letters[0]["fields"], rules)
    return {
        "ems": channel == Channel.EMS,
        "to": {
            "name": one_line(to.name),
            "address": parts(one_line(to.address)),
            "phone": one_line(to.phone),
            "postcode": one_line(to.postcode),
        },
        "sender": sender | {"address": parts(sender["address"])},
        "contents": [rules.contents_line(data["fields"]["函号"]) for data in letters],
        "scan": {"text": letters[0]["scan_code"], "svg": code128(letters[0]["scan_code"])},
    }


def _sender(fields: Mapping[str, str], rules: KindRules) -> dict[str, str]:
    if rules.needs_mandate:
        names = {"name": "律所名称", "person": "承办律师", "phone": "律师电话"}
        return {key: fields.get(name, "") for key, name in names.items()} | {"address": ""}
    names = {"name": "物业公司", "person": "联系人", "phone": "联系电话", "address": "服务中心地址"}
    return {key: fields.get(name, "") for key, name in names.items()}


def print_labels(labels: Sequence[Mapping[str, Any]]) -> Iterator[list[Printed]]:
    """A PDF of one page for each label, some at a time. Raises notices.press.PressError."""
    for start in range(0, len(labels), CHUNK):
        yield press().print(LAYOUT, labels[start : start + CHUNK])


def labels_of(batch: Batch, letters: Sequence[Notice]) -> list[dict[str, Any]]:
    """The labels of a batch by envelope, in the order of its letters; none where nothing goes by post."""
    if not Channel(batch.channel).needs_address:
        return []
    recipients = Recipient.objects.filter(notice__in=letters).order_by("notice__position").select_related("notice")
    envelopes: dict[int, list[Recipient]] = {}
    for recipient in recipients:
        envelopes.setdefault(recipient.envelope, []).append(recipient)
    rules, channel = KINDS[NoticeKind(batch.kind)], Channel(batch.channel)
    return [
        label_content(_addressee(together[0]), [recipient.notice.data for recipient in together], rules, channel)
        for together in envelopes.values()
    ]


def _addressee(row: Recipient) -> Addressee:
    return Addressee(name=row.name, address=row.address, phone=row.phone, postcode=row.postcode)


def label_of_sending(delivery: Delivery, *, on: date) -> dict[str, Any]:
    """The label of one sending: of a letter that goes out by itself, or again to the other address.

    An address that was not fixed at the confirmation, or from which the letter came back since, is read from the
    register. Raises NoAddressError, UnprintableAddressError.
    """
    notice = delivery.notice
    to = _addressee_of_sending(delivery, on=on)
    if missing := missing_glyphs(one_line(f"{to.name}{to.address}")):
        raise UnprintableAddressError(missing)
    content = label_content(to, [notice.data], KINDS[NoticeKind(notice.kind)], Channel(delivery.channel))
    return content | ({"contents": [one_line(delivery.contents)]} if delivery.contents else {})


def _addressee_of_sending(delivery: Delivery, *, on: date) -> Addressee:
    notice, owner = delivery.notice, delivery.notice.data["fields"]["业主"]
    fixed = Recipient.objects.filter(notice=notice, address_kind=delivery.address_kind).first()
    if fixed is not None and fixed.address and not _came_back(delivery):
        return _addressee(fixed)
    (facts,) = read_facts(Account.objects.filter(pk=notice.account_id), on=on).values()
    party = read_parties(notice.project, [facts])[facts.account_id]
    option = next((option for option in party.options if option.kind == delivery.address_kind), None)
    if option is None:
        raise NoAddressError(delivery)
    letter = Letter(facts, party, option)
    label = read_address_book(notice.project, [letter]).label(letter)
    return Addressee(name=owner, address=label.address, phone=label.phone, postcode=label.postcode)


def _came_back(delivery: Delivery) -> bool:
    """Whether an earlier sending to the same address returned: a better one may be on file by now."""
    earlier = Delivery.objects.filter(notice=delivery.notice_id, pk__lt=delivery.pk, state=Delivery.State.RETURNED)
    return earlier.filter(address_kind=delivery.address_kind).exists()
