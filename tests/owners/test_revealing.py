"""Revealing needs the right, and is recorded; field staff reveal what belongs to their cases only."""

import pytest

from company.models import AuditEvent, Project, Role
from owners.models import Phone
from owners.revealing import SECRETS, Purpose, RevealRefusedError, masked, reveal
from tests.factories import create_owner, create_phone, create_project, create_user

pytestmark = pytest.mark.django_db
NUMBER = "13812342617"


@pytest.fixture
def project() -> Project:
    return create_project()


@pytest.fixture
def phone(project: Project) -> Phone:
    return create_phone(owner=create_owner(project=project), number=NUMBER)


@pytest.mark.parametrize("role", [Role.FINANCE, Role.NOTICE_ADMIN, Role.PROJECT_MANAGER])
def test_project_wide_roles_reveal_and_are_recorded(role: Role, phone: Phone, project: Project) -> None:
    user = create_user(role=role, project=project)
    assert reveal("phone", phone, by=user, project=project, purpose="receipt") == NUMBER
    event = AuditEvent.objects.get()
    assert (event.action, event.user, event.project) == ("personal.revealed", user, project)
    assert (event.object_type, event.object_id) == ("owners.phone", str(phone.pk))
    usual = {Role.FINANCE: "payment", Role.NOTICE_ADMIN: "notice", Role.PROJECT_MANAGER: "register"}
    assert event.detail == {"kind": "phone", "purpose": "receipt", "why": usual[role]}


ALLOWED = {
    (Role.NOTICE_ADMIN, Purpose.NOTICE), (Role.FINANCE, Purpose.PAYMENT), (Role.FINANCE, Purpose.REGISTER),
    *((Role.PROJECT_MANAGER, why) for why in Purpose),
    *((role, Purpose.CONTACT) for role in (Role.DEPARTMENT_HEAD, Role.OFFICER, Role.HOUSEKEEPER, Role.ASSISTANT)),
}  # fmt: skip


@pytest.mark.parametrize("why", Purpose)
@pytest.mark.parametrize("role", sorted(Role))
def test_each_role_has_its_purposes(role: Role, why: Purpose, phone: Phone, project: Project) -> None:
    user = create_user(role=role, project=None if role in Role.COMPANY_WIDE else project)

    def ask() -> str:
        return reveal("phone", phone, by=user, project=project, may_reveal=lambda _row: True, why=why)

    if (role, why) in ALLOWED:
        assert ask() == NUMBER
        assert AuditEvent.objects.get().detail["why"] == why
    else:
        with pytest.raises(RevealRefusedError):
            ask()
        assert not AuditEvent.objects.exists()


@pytest.mark.parametrize("role", [Role.OFFICER, Role.HOUSEKEEPER, Role.ASSISTANT, Role.DEPARTMENT_HEAD])
def test_field_staff_reveal_only_what_the_hook_allows(role: Role, phone: Phone, project: Project) -> None:
    user = create_user(role=role, project=project)
    for hook in (None, lambda _row: False):
        with pytest.raises(RevealRefusedError):
            reveal("phone", phone, by=user, project=project, may_reveal=hook)
    assert not AuditEvent.objects.exists()
    assert reveal("phone", phone, by=user, project=project, may_reveal=lambda row: row == phone) == NUMBER


@pytest.mark.parametrize("role", [Role.COMPANY_LEADER, Role.SYSTEM_ADMIN, None])
def test_others_reveal_nothing_even_with_the_hook(role: Role | None, phone: Phone, project: Project) -> None:
    user = create_user(role=role, project=None)
    with pytest.raises(RevealRefusedError):
        reveal("phone", phone, by=user, project=project, may_reveal=lambda _row: True)


def test_a_row_of_another_project_is_refused(phone: Phone) -> None:
    other = create_project()
    user = create_user(role=Role.PROJECT_MANAGER, project=other)
    with pytest.raises(RevealRefusedError):
        reveal("phone", phone, by=user, project=other)


def test_every_kind_has_a_mask_that_hides(project: Project) -> None:
    owner = create_owner(project=project, name="李小博", id_number="330206198001011234")
    assert masked("name", owner) == "李*博"
    assert masked("id-number", owner) == "3302**********1234"
    for secret in SECRETS.values():
        assert secret.mask("13812342617") != "13812342617" or secret.column == "name"
