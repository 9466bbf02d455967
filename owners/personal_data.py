"""Personal data at rest and on the screen: encrypted columns, keyed hashes for look-up, masks for display.

Numbers are encrypted with Fernet (AES-128-CBC and HMAC-SHA256); the first key of ``FIELD_KEYS`` encrypts, all of them
decrypt, so that keys can be rotated. Equality is looked up by an HMAC under ``HASH_KEY``, never by the clear text.
"""

import hashlib
import hmac
import re
from functools import cache
from typing import Any

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.db import models

PERSONAL_NUMBER = re.compile(r"(?<!\d)(?:1[3-9]\d{9}|\d{17}[\dXx])(?!\d)")


@cache
def _cipher(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def encrypt(text: str) -> str:
    return _cipher(tuple(settings.FIELD_KEYS)).encrypt(text.encode()).decode() if text else ""


def decrypt(token: str) -> str:
    return _cipher(tuple(settings.FIELD_KEYS)).decrypt(token.encode()).decode() if token else ""


def keyed_hash(text: str) -> str:
    """Hex HMAC-SHA256 of ``text`` under HASH_KEY; empty for an empty text."""
    return hmac.new(settings.HASH_KEY.encode(), text.encode(), hashlib.sha256).hexdigest() if text else ""


class EncryptedTextField(models.TextField):
    """Text that the database holds only as a Fernet token. It cannot be filtered on: keep a keyed hash beside it."""

    def from_db_value(self, value: str | None, *_: Any) -> str | None:
        return value if value is None else decrypt(value)

    def get_prep_value(self, value: Any) -> Any:
        prepared = super().get_prep_value(value)
        return prepared if prepared is None else encrypt(prepared)


def mask_name(name: str) -> str:
    """``张三`` → ``张*``, ``李小博`` → ``李*博``; organisations are shown in full, they are no natural persons.

    Longer than four characters are organisations, and names of persons with a dot: ``买买提·吐尔逊``.
    """
    if len(name) <= 1 or (len(name) > 4 and "·" not in name):
        return name
    return name[0] + "*" if len(name) == 2 else name[0] + "*" * (len(name) - 2) + name[-1]


def mask_party(names: str) -> str:
    """Masks each of several co-owners joined by ``、``."""
    return "、".join(mask_name(name) for name in names.split("、"))


def mask_phone(number: str) -> str:
    """``13812342617`` → ``138****2617``; short or foreign numbers keep their last four digits only."""
    if len(number) <= 4:
        return "*" * len(number)
    return f"{number[:3]}****{number[-4:]}" if len(number) >= 11 else f"****{number[-4:]}"


def mask_numbers_within(text: str) -> str:
    """Masks mobile and ID numbers that stand in a text among other things."""
    return PERSONAL_NUMBER.sub(lambda number: mask_phone(number[0]), text)


def mask_email(address: str) -> str:
    """``zhang.san@example.com`` → ``z***@example.com``."""
    name, at, domain = address.partition("@")
    return f"{name[:1]}***{at}{domain}"


def mask_address(address: str) -> str:
    """Keeps the first three characters, as ``江苏省***``."""
    return address[:3] + "***" if address else ""


def mask_id_number(number: str) -> str:
    """``330206198001011234`` → ``3302**********1234``."""
    return f"{number[:4]}{'*' * (len(number) - 8)}{number[-4:]}" if len(number) > 8 else "*" * len(number)
