"""The table of rights, cell by cell, as the product's settled meanings have it."""

import pytest
from django.contrib.auth.models import AnonymousUser

from company.models import Role
from company.rights import RIGHTS, Right, all_roles, has_right, projects_with_right, rights_of, roles_in
from tests.factories import create_project, create_user, give_role

FIELD, HEAD, NOTICES, FINANCE, MANAGER, LEADER, ADMIN = (
    "field",
    "head",
    "notices",
    "finance",
    "manager",
    "leader",
    "admin",
)
ROLES = {
    FIELD: {Role.OFFICER, Role.HOUSEKEEPER, Role.ASSISTANT},
    HEAD: {Role.DEPARTMENT_HEAD},
    NOTICES: {Role.NOTICE_ADMIN},
    FINANCE: {Role.FINANCE},
    MANAGER: {Role.PROJECT_MANAGER},
    LEADER: {Role.COMPANY_LEADER},
    ADMIN: {Role.SYSTEM_ADMIN},
}
# A row of the table, and who has anything but a dash there.
TABLE: dict[Right, str] = {
    Right.SEE_CASES: "field head notices finance manager leader",
    Right.SEE_LEDGER: "field head notices finance manager leader",
    Right.LOG_CONTACTS: "field head manager",
    Right.REVEAL_PERSONAL: "field head notices finance manager",
    Right.SET_REASON: "field head manager",
    Right.SEE_CAMPAIGN: "head manager leader",
    Right.PROPOSE_ASSIGNMENT: "head manager",
    Right.MANAGE_CAMPAIGN: "manager",
    Right.OVERRIDE_LIMIT: "manager",
    Right.ANSWER_CONDUCT: "manager leader",
    Right.APPROVE_EXCLUSION: "manager leader",
    Right.PROPOSE_RELIEF: "field head finance manager",
    Right.APPROVE_LATE_FEE_WAIVER: "head manager",
    Right.APPROVE_RELIEF: "manager",
    Right.POST_MONEY: "finance",
    Right.CONFIRM_CASH: "finance",
    Right.EDIT_TEMPLATES: "notices",
    Right.APPROVE_TEMPLATES: "manager",
    Right.ISSUE_NOTICES: "notices manager",
    Right.HAND_OVER_NOTICES: "field head notices manager",
    Right.SEE_SETTLEMENT: "field head finance manager leader",
    Right.PROPOSE_SETTLEMENT: "manager",
    Right.APPROVE_SETTLEMENT: "manager leader",
    Right.EXPORT_LEDGER: "finance manager",
    Right.EXPORT_NOTICES: "notices manager",
    Right.EXPORT_CASES: "manager",
    Right.MANAGE_PEOPLE: "manager admin",
    Right.MANAGE_SETTINGS: "admin",
    Right.KEEP_OWNERS: "finance manager",
    Right.MANAGE_TERMS: "finance manager admin",
    Right.SEE_AUDIT: "leader admin",
    Right.SEE_REPORTS: "finance manager leader",
    Right.SEE_SHUT_OFFS: "field head manager leader",
    Right.SEE_PHOTO_PLACE: "manager",
    Right.SEE_SIGNATURE: "head manager",
    Right.PROPOSE_SHUT_OFF: "field head",
    Right.APPROVE_SHUT_OFF: "manager",
    Right.CONSENT_EXPORT: "finance manager leader",
    Right.SET_EXPORT_LIMIT: "leader admin",
}


def test_every_right_is_in_the_table() -> None:
    assert set(RIGHTS) == set(Right) == set(TABLE)


@pytest.mark.parametrize("right", Right)
def test_a_right_is_held_by_the_roles_of_the_table(right: Right) -> None:
    expected = set().union(*(ROLES[group] for group in TABLE[right].split()))
    assert set(RIGHTS[right]) == expected


def test_no_single_role_both_edits_and_approves_templates_or_takes_and_confirms_money() -> None:
    for proposing, deciding in [
        (Right.EDIT_TEMPLATES, Right.APPROVE_TEMPLATES),
        (Right.LOG_CONTACTS, Right.CONFIRM_CASH),
        (Right.POST_MONEY, Right.APPROVE_RELIEF),
        (Right.PROPOSE_SHUT_OFF, Right.APPROVE_SHUT_OFF),
    ]:
        assert not RIGHTS[proposing] & RIGHTS[deciding]


@pytest.mark.django_db
class TestQuestions:
    def test_a_right_holds_in_its_project_only(self) -> None:
        own, other = create_project(), create_project()
        user = create_user(role=Role.FINANCE, project=own)
        assert has_right(user, Right.POST_MONEY, own)
        assert not has_right(user, Right.POST_MONEY, other)
        assert not has_right(user, Right.POST_MONEY, None)

    def test_a_company_wide_role_holds_everywhere(self) -> None:
        project = create_project()
        admin = create_user(role=Role.SYSTEM_ADMIN, project=None)
        assert has_right(admin, Right.MANAGE_PEOPLE, project)
        assert has_right(admin, Right.MANAGE_PEOPLE, None)
        assert not has_right(admin, Right.SEE_CASES, project)

    def test_several_roles_add_up(self) -> None:
        project = create_project()
        user = create_user(role=Role.FINANCE, project=project)
        give_role(user=user, role=Role.HOUSEKEEPER, project=project)
        assert roles_in(user, project) == {Role.FINANCE, Role.HOUSEKEEPER}
        assert {Right.POST_MONEY, Right.LOG_CONTACTS} <= rights_of(roles_in(user, project))

    def test_projects_with_a_right(self) -> None:
        managed, worked_in = create_project(), create_project()
        user = create_user(role=Role.PROJECT_MANAGER, project=managed)
        give_role(user=user, role=Role.OFFICER, project=worked_in)
        assert list(projects_with_right(user, Right.MANAGE_PEOPLE)) == [managed]
        assert set(projects_with_right(user, Right.SEE_CASES)) == {managed, worked_in}
        admin = create_user(role=Role.SYSTEM_ADMIN, project=None)
        assert set(projects_with_right(admin, Right.MANAGE_PEOPLE)) == {managed, worked_in}

    def test_a_closed_project_gives_no_roles(self) -> None:
        user = create_user(role=Role.FINANCE, project=create_project(is_active=False))
        assert all_roles(user) == frozenset()

    def test_a_stranger_has_none(self) -> None:
        assert roles_in(AnonymousUser(), create_project()) == frozenset()
        assert all_roles(AnonymousUser()) == frozenset()
