"""Numbers of waybills as scanners and sheets give them."""

import re
import unicodedata

from django.utils.translation import gettext as _

DOMESTIC = re.compile(r"\d{13}")
S10 = re.compile(r"[A-Z]{2}\d{9}[A-Z]{2}")
REGISTERED = re.compile(r"[A-Z]{2}\d{11}")
S10_WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)
PADDING = re.compile(r"[\s\-_*'‘’`]+")
WHOLE_FLOAT = re.compile(r"(\d+)\.0+")
LOST_DIGITS = re.compile(r"\d(?:\.\d+)?[Ee]\+?\d+")


class TrackingNumberError(ValueError):
    """The text is no number of a waybill; ``args[0]`` says why, for the person who entered it."""


def parse_tracking_number(text: str) -> str:
    """The number without its gaps: 13 digits of domestic EMS, or an international one with its check digit (UPU S10).

    Domestic numbers have no public check digit. Raises TrackingNumberError.
    """
    plain = plain_code(text)
    if LOST_DIGITS.fullmatch(plain):
        raise TrackingNumberError(
            _("Excel has rounded this number and lost its last digits; format the column as text and enter it again.")
        )
    whole = WHOLE_FLOAT.fullmatch(plain)
    number = whole[1] if whole else plain
    if S10.fullmatch(number):
        if int(number[10]) != s10_check_digit(number[2:10]):
            raise TrackingNumberError(
                _("The check digit of %(number)s is wrong: one of its digits was mistyped.") % {"number": number}
            )
        return number
    if DOMESTIC.fullmatch(number) or REGISTERED.fullmatch(number):
        return number
    if number.isdecimal():
        raise TrackingNumberError(
            _("An EMS number has 13 digits; %(number)s has %(digits)s.") % {"number": number, "digits": len(number)}
        )
    raise TrackingNumberError(_("“%(text)s” is no EMS number.") % {"text": text.strip()[:40]})


def looks_like_a_number(text: str) -> bool:
    """Whether a person or scanner meant a waybill rather than a letter."""
    plain = plain_code(text)
    return plain.isdecimal() or S10.fullmatch(plain) is not None or REGISTERED.fullmatch(plain) is not None


def plain_code(text: str) -> str:
    """What a scanner reads or a person types, without gaps, in capital half-width signs."""
    return PADDING.sub("", unicodedata.normalize("NFKC", text)).upper()


def s10_check_digit(serial: str) -> int:
    """The ninth digit of the eight digits of an international item (UPU S10)."""
    rest = 11 - sum(weight * int(digit) for weight, digit in zip(S10_WEIGHTS, serial, strict=True)) % 11
    return {10: 0, 11: 5}.get(rest, rest)
