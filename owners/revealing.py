"""Showing what is masked: one click, by right, and recorded with who, what and when (P1).

Project-wide roles may reveal anything of their project. Field staff and department heads may only reveal what belongs
to their cases; whoever knows the cases says so through ``may_reveal``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Model

from company.audit import record
from company.models import Project, User
from company.rights import FIELD, HEAD, RIGHTS, Right, roles_in
from owners.models import Address, Email, EmergencyContact, Occupant, Owner, Phone
from owners.personal_data import mask_address, mask_email, mask_id_number, mask_name, mask_phone

PROJECT_WIDE = RIGHTS[Right.REVEAL_PERSONAL] - FIELD - HEAD

MayReveal = Callable[[Model], bool]


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
    purpose: str = "",
) -> str:
    """The clear text of ``row``; writes an audit event in the caller's transaction.

    ``may_reveal`` is asked of the row for who holds no project-wide role; without it they are refused. Raises
    RevealRefusedError.
    """
    secret = SECRETS[kind]
    if row.project_id != project.pk or not _may(row, by, project, may_reveal):
        raise RevealRefusedError(kind)
    record(action="personal.revealed", by=by, project=project, obj=row, kind=kind, purpose=purpose)
    return str(getattr(row, secret.column))


def masked(kind: str, row: Any) -> str:
    """What is shown of ``row`` until it is revealed."""
    secret = SECRETS[kind]
    return secret.mask(str(getattr(row, secret.column)))


def _may(row: Model, by: User, project: Project, may_reveal: MayReveal | None) -> bool:
    roles = roles_in(by, project)
    if roles & PROJECT_WIDE:
        return True
    return bool(roles & RIGHTS[Right.REVEAL_PERSONAL]) and may_reveal is not None and may_reveal(row)
