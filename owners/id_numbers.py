"""ID numbers of persons and credit codes of organisations: how they are written, whether the check digit holds."""

import re
import unicodedata

PERSON = re.compile(r"\d{17}[\dX]|\d{15}")
ORGANISATION = re.compile(r"[0-9A-HJ-NP-RTUWXY]{2}\d{6}[0-9A-HJ-NP-RTUWXY]{10}")
PASSPORT = re.compile(r"[A-Z]{1,3}\d{6,10}[A-Z]?")
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK_DIGITS = "10X98765432"
CODE_SIGNS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
CODE_WEIGHTS = tuple(pow(3, place, 31) for place in range(17))
NOT_PART = re.compile(r"[\s\-·.']+")


def normalise_id_number(text: str) -> str:
    """The number as it is stored and compared: half-width, no gaps, capital letters."""
    return NOT_PART.sub("", unicodedata.normalize("NFKC", text)).upper()


def is_id_number(number: str) -> bool:
    """Whether a normalised text has the shape of an ID number, a credit code, a passport or a permit."""
    return any(shape.fullmatch(number) for shape in (PERSON, ORGANISATION, PASSPORT))


def check_digit_holds(number: str) -> bool:
    """False where a number of 18 characters contradicts its own check digit; shorter ones have none."""
    if len(number) != len(WEIGHTS) + 1:
        return True
    if PERSON.fullmatch(number) and _person_holds(number):
        return True
    return bool(ORGANISATION.fullmatch(number)) and _organisation_holds(number)


def _person_holds(number: str) -> bool:
    total = sum(weight * int(digit) for weight, digit in zip(WEIGHTS, number, strict=False))
    return CHECK_DIGITS[total % 11] == number[-1]


def _organisation_holds(code: str) -> bool:
    total = sum(weight * CODE_SIGNS.index(sign) for weight, sign in zip(CODE_WEIGHTS, code, strict=False))
    return CODE_SIGNS[-total % 31] == code[-1]
