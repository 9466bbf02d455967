"""What a phone sends of a visit that waited in its queue, and what it is told of it (V4)."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _

from collection.limits import passed_limits
from collection.models import Case, Visit

MESSAGE_VERSION = 1
"""Raised whenever a message of an older page could be misread; such a page has to load itself anew."""

ENVELOPE = frozenset({"case", "revision", "deleted"})  # everything else are fields of the form


class MessageRefusedError(ValueError):
    """The message cannot be read; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitMessage:
    """A visit as it was sent: the fields by the names that the form gives them. ``sha256`` is of words and files."""

    client_id: UUID
    revision: int
    case_id: int
    is_removal: bool
    fields: Mapping[str, list[str]]
    sha256: str


def read_message(text: str, files: MultiValueDict[str, UploadedFile]) -> VisitMessage:
    """Read a visit and note the hash of all that came with it. Raises MessageRefusedError."""
    try:
        told = json.loads(text)
        fields = {name: _texts(value) for name, value in told.items() if name not in ENVELOPE}
        message = VisitMessage(
            client_id=UUID(told["client_id"]),
            revision=_positive(told.get("revision")),
            case_id=_positive(told["case"]),
            is_removal=told.get("deleted", False) is True,
            fields=fields,
            sha256=_sha256(told, files),
        )
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        raise MessageRefusedError(
            _("What the phone sent cannot be read. It is kept there; open and save it anew.")
        ) from error
    return message


def unknown_names(message: VisitMessage, files: Iterable[str], known: Iterable[str]) -> list[str]:
    """What the form of today has no field for: a page of yesterday asked for it."""
    return sorted({*message.fields, *files} - set(known))


def flags_of(visit: Visit) -> list[dict[str, str]]:
    """What whoever was at the door has to know of a visit that is recorded, by key and in words."""
    flags = []
    if visit.changed_meanwhile:
        flags.append((visit.changed_meanwhile, visit.get_changed_meanwhile_display()))
    if visit.came_late:
        flags.append(("late", _("sent on a later day than it happened")))
    paid = visit.contact.parts.filter(case__state=Case.State.CLOSED).order_by("pk")
    for unit in paid.values_list("case__account__unit__code", flat=True):
        flags.append(("also_paid", _("%(unit)s was paid meanwhile") % {"unit": unit}))
    for limit in passed_limits(visit.contact):
        flags.append((limit.value, _("limit passed: %(limit)s") % {"limit": limit.label}))
    return [{"key": key, "text": text} for key, text in flags]


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    if not all(one is None or isinstance(one, str | int) for one in values):
        raise TypeError(value)
    texts = ["" if one is None else str(one) for one in values]
    for text in texts:
        text.encode()  # half a character is a ValueError: no database keeps it
    return texts


def _positive(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**31:
        raise ValueError(value)
    return value


def _sha256(told: Mapping[str, Any], files: MultiValueDict[str, UploadedFile]) -> str:
    whole = hashlib.sha256(json.dumps(told, sort_keys=True).encode())
    for name in sorted(files):
        for file in files.getlist(name):
            whole.update(name.encode())
            for chunk in file.chunks():
                whole.update(chunk)
            file.seek(0)
    return whole.hexdigest()
