"""Showing what is masked: one click, by right, and recorded with who, what and when (P1).

Project-wide roles may reveal anything of their project. Field staff and department heads may only reveal what belongs
to their cases; whoever knows the cases says so through ``may_reveal``.

A number is revealed for a purpose, and each role has its own. Whoever wants it to make contact asks on the page of a
case, where the limits on contacts are asked too (collection.revealing); here it is shown for what is no contact.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Model, TextChoices
from django.utils.translation import gettext_lazy as _

from company.audit import record
from company.models import Project, Role, User
from company.rights import FIELD, HEAD, MANAGER, RIGHTS, Right, roles_in
from owners.models import Address, Email, EmergencyContact, Occupant, Owner, Phone
from owners.personal_data import mask_address, mask_email, mask_id_number, mask_name, mask_phone

PROJECT_WIDE = RIGHTS[Right.REVEAL_PERSONAL] - FIELD - HEAD

NUMBERS = frozenset({"phone", "emergency", "occupant"})
"""Kinds at which somebody can be called."""

MayReveal = Callable[[Model], bool]


class Purpose(TextChoices):
    """What a number is wanted for."""

    CONTACT = "contact", _("to make contact")
    NOTICE = "notice", _("for a notice")
    PAYMENT = "payment", _("for a payment")
    REGISTER = "register", _("to keep the register")
    CALL_BACK = "call_back", _("to ask about a contact")


PURPOSE_ROLES: dict[Purpose, frozenset[Role]] = {
    Purpose.CONTACT: RIGHTS[Right.LOG_CONTACTS],
    Purpose.NOTICE: RIGHTS[Right.ISSUE_NOTICES],
    Purpose.PAYMENT: RIGHTS[Right.POST_MONEY] | MANAGER,
    Purpose.REGISTER: RIGHTS[Right.KEEP_OWNERS],
    Purpose.CALL_BACK: RIGHTS[Right.ANSWER_CONDUCT],
}
ON_CASES_ONLY = frozenset({Purpose.CONTACT, Purpose.CALL_BACK})
"""Purposes that mean a call: asked for on the page of a case, where its limits are known."""
# What it is for where nobody says so, by the first of these roles that one holds.
USUAL_PURPOSE: dict[Role, Purpose] = {
    Role.PROJECT_MANAGER: Purpose.REGISTER,
    Role.FINANCE: Purpose.PAYMENT,
    Role.NOTICE_ADMIN: Purpose.NOTICE,
}


class RevealRefusedError(Exception):
    """The person may not see this in clear."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A kind of personal data: the model and column that hold it, and how it is masked."""

    model: type[Model]
    column: str
    mask: Callable[[str], str]


SECRETS: dict[str, Secret] = {
    "phone": Secret(Phone, "number", mask_phone),
    "address": Secret(Address, "text", mask_address),
    "name": Secret(Owner, "name", mask_name),
    "id-number": Secret(Owner, "id_number", mask_id_number),
    "email": Secret(Email, "address", mask_email),
    "emergency": Secret(EmergencyContact, "number", mask_phone),
    "occupant": Secret(Occupant, "phone", mask_phone),
}


def reveal(
    kind: str,
    row: Any,
    *,
    by: User,
    project: Project,
    may_reveal: MayReveal | None = None,
    why: Purpose | None = None,
    purpose: str = "",
) -> str:
    """The clear text of ``row``; writes an audit event in the caller's transaction.

    ``may_reveal`` is asked of the row for who holds no project-wide role; without it they are refused. ``why`` a number
    is wanted must be open to one of the person's roles; ``purpose`` is where it was asked for. Raises
    RevealRefusedError.
    """
    secret, roles = SECRETS[kind], roles_in(by, project)
    if row.project_id != project.pk or not _may(row, roles, may_reveal):
        raise RevealRefusedError(kind)
    detail = {}
    if kind in NUMBERS:
        why = why or usual_purpose(roles)
        if not roles & PURPOSE_ROLES[why]:
            raise RevealRefusedError(why)
        detail = {"why": why.value}
    record(action="personal.revealed", by=by, project=project, obj=row, kind=kind, purpose=purpose, **detail)
    return str(getattr(row, secret.column))


def usual_purpose(roles: frozenset[Role]) -> Purpose:
    """What a holder of ``roles`` wants a number for where nothing is said."""
    return next((purpose for role, purpose in USUAL_PURPOSE.items() if role in roles), Purpose.CONTACT)


def masked(kind: str, row: Any) -> str:
    """What is shown of ``row`` until it is revealed."""
    secret = SECRETS[kind]
    return secret.mask(str(getattr(row, secret.column)))


def _may(row: Model, roles: frozenset[Role], may_reveal: MayReveal | None) -> bool:
    if roles & PROJECT_WIDE:
        return True
    return bool(roles & RIGHTS[Right.REVEAL_PERSONAL]) and may_reveal is not None and may_reveal(row)
