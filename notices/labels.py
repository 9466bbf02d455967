"""Envelope labels of 100 × 150 mm: recipient, sender, contents line. No amount, and not what the letter is about."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from notices.fields import one_line
from notices.fonts import missing_glyphs
from notices.kinds import KindRules, Label
from notices.press import Printed, press
from notices.scan_codes import code128
from notices.typeset import parts

LAYOUT = "ems_label.typ"
CHUNK = 50


@dataclass(frozen=True)
class Addressee:
    """Whom an envelope goes to, as printed."""

    name: str
    address: str
    phone: str = ""
    postcode: str = ""

    @property
    def text(self) -> str:
        return f"{self.name}{self.address}{self.phone}{self.postcode}"


def unprintable_on_label(to: Addressee) -> str:
    """The signs of an addressee that the fonts lack; empty when the label can be printed."""
    return missing_glyphs(one_line(to.text))


def label_content(to: Addressee, data: Mapping[str, Any], rules: KindRules) -> dict[str, Any]:
    """What the layout of a label reads: ``data`` are those of the letter in the envelope."""
    fields = data["fields"]
    sender = _sender(fields, rules)
    return {
        "ems": rules.label is Label.EMS,
        "to": {
            "name": one_line(to.name),
            "address": parts(one_line(to.address)),
            "phone": one_line(to.phone),
            "postcode": one_line(to.postcode),
        },
        "sender": sender | {"address": parts(sender["address"])},
        "contents": f"{rules.title} {fields['函号']}",
        "scan": {"text": data["scan_code"], "svg": code128(data["scan_code"])},
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
