"""What a role may do: the table of rights, and the questions asked of it.

A right says what kind of act is open to a role. Narrower limits ("own cases", "own team",
"up to a limit") are kept by the apps that know cases, teams and amounts.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from company.models import Project, ProjectAccess, Role

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from company.models import User
    from company.models.projects import ProjectQuerySet


class Right(models.TextChoices):
    SEE_CASES = "see_cases", _("See cases")
    SEE_LEDGER = "see_ledger", _("See ledger and statements")
    LOG_CONTACTS = "log_contacts", _("Log contacts and visits")
    REVEAL_PERSONAL = "reveal_personal", _("Reveal a phone or address")
    SEE_PHOTO_PLACE = "see_photo_place", _("See when and where a photo was taken")
    SEE_SIGNATURE = "see_signature", _("See signatures of owners")
    SET_REASON = "set_reason", _("Set a reason")
    SEE_CAMPAIGN = "see_campaign", _("See campaigns, teams and assignment")
    PROPOSE_ASSIGNMENT = "propose_assignment", _("Propose an assignment")
    MANAGE_CAMPAIGN = "manage_campaign", _("Manage campaigns, teams and assignment")
    OVERRIDE_LIMIT = "override_limit", _("Override a contact limit")
    ANSWER_CONDUCT = "answer_conduct", _("Answer complaints about conduct, call back")
    APPROVE_EXCLUSION = "approve_exclusion", _("Approve an exclusion")
    PROPOSE_RELIEF = "propose_relief", _("Propose a late-fee waiver")
    APPROVE_LATE_FEE_WAIVER = "approve_late_fee_waiver", _("Approve a late-fee waiver")
    APPROVE_RELIEF = "approve_relief", _("Approve plans and waivers of principal")
    POST_MONEY = "post_money", _("Import, post and reverse money")
    CONFIRM_CASH = "confirm_cash", _("Confirm money taken at the door")
    EDIT_TEMPLATES = "edit_templates", _("Edit templates")
    APPROVE_TEMPLATES = "approve_templates", _("Approve templates")
    ISSUE_NOTICES = "issue_notices", _("Issue notices")
    HAND_OVER_NOTICES = "hand_over_notices", _("Hand over notices")
    SEE_SETTLEMENT = "see_settlement", _("See settlements")
    PROPOSE_SETTLEMENT = "propose_settlement", _("Propose a settlement")
    APPROVE_SETTLEMENT = "approve_settlement", _("Approve a settlement")
    EXPORT_LEDGER = "export_ledger", _("Export the ledger")
    EXPORT_NOTICES = "export_notices", _("Export notices")
    EXPORT_CASES = "export_cases", _("Export cases")
    MANAGE_PEOPLE = "manage_people", _("Manage people and roles")
    MANAGE_SETTINGS = "manage_settings", _("Manage projects and settings")
    KEEP_OWNERS = "keep_owners", _("Keep owners, contacts and sales")
    MANAGE_TERMS = "manage_terms", _("Keep contract, fees and buildings")
    SEE_AUDIT = "see_audit", _("See the audit trail")
    SEE_REPORTS = "see_reports", _("See weekly and monthly reports")
    SEE_SHUT_OFFS = "see_shut_offs", _("See safety shut-offs")
    PROPOSE_SHUT_OFF = "propose_shut_off", _("Propose a safety shut-off")
    APPROVE_SHUT_OFF = "approve_shut_off", _("Approve a safety shut-off")
    CONSENT_EXPORT = "consent_export", _("Consent to large exports with personal data")
    SET_EXPORT_LIMIT = "set_export_limit", _("Set the limit of exports with personal data")


LEADER = frozenset({Role.COMPANY_LEADER})
MANAGER = frozenset({Role.PROJECT_MANAGER})
FINANCE = frozenset({Role.FINANCE})
NOTICES = frozenset({Role.NOTICE_ADMIN})
HEAD = frozenset({Role.DEPARTMENT_HEAD})
FIELD = frozenset({Role.OFFICER, Role.HOUSEKEEPER, Role.ASSISTANT})
ADMIN = frozenset({Role.SYSTEM_ADMIN})

RIGHTS: dict[Right, frozenset[Role]] = {
    Right.SEE_CASES: FIELD | HEAD | NOTICES | FINANCE | MANAGER | LEADER,
    Right.SEE_LEDGER: FIELD | HEAD | NOTICES | FINANCE | MANAGER | LEADER,
    Right.LOG_CONTACTS: FIELD | HEAD | MANAGER,
    Right.REVEAL_PERSONAL: FIELD | HEAD | NOTICES | FINANCE | MANAGER,
    Right.SEE_PHOTO_PLACE: MANAGER,
    Right.SEE_SIGNATURE: HEAD | MANAGER,
    Right.SET_REASON: FIELD | HEAD | MANAGER,
    Right.SEE_CAMPAIGN: HEAD | MANAGER | LEADER,
    Right.PROPOSE_ASSIGNMENT: HEAD | MANAGER,
    Right.MANAGE_CAMPAIGN: MANAGER,
    Right.OVERRIDE_LIMIT: MANAGER,
    Right.ANSWER_CONDUCT: MANAGER | LEADER,
    Right.APPROVE_EXCLUSION: MANAGER | LEADER,
    Right.PROPOSE_RELIEF: FIELD | HEAD | FINANCE | MANAGER,
    Right.APPROVE_LATE_FEE_WAIVER: HEAD | MANAGER,
    Right.APPROVE_RELIEF: MANAGER,
    Right.POST_MONEY: FINANCE,
    Right.CONFIRM_CASH: FINANCE,
    Right.EDIT_TEMPLATES: NOTICES,
    Right.APPROVE_TEMPLATES: MANAGER,
    Right.ISSUE_NOTICES: NOTICES | MANAGER,
    Right.HAND_OVER_NOTICES: FIELD | HEAD | NOTICES | MANAGER,
    Right.SEE_SETTLEMENT: FIELD | HEAD | FINANCE | MANAGER | LEADER,
    Right.PROPOSE_SETTLEMENT: MANAGER,
    Right.APPROVE_SETTLEMENT: MANAGER | LEADER,
    Right.EXPORT_LEDGER: FINANCE | MANAGER,
    Right.EXPORT_NOTICES: NOTICES | MANAGER,
    Right.EXPORT_CASES: MANAGER,
    Right.MANAGE_PEOPLE: MANAGER | ADMIN,
    Right.MANAGE_SETTINGS: ADMIN,
    Right.KEEP_OWNERS: FINANCE | MANAGER,
    Right.MANAGE_TERMS: FINANCE | MANAGER | ADMIN,
    Right.SEE_AUDIT: LEADER | ADMIN,
    Right.SEE_REPORTS: FINANCE | MANAGER | LEADER,
    Right.SEE_SHUT_OFFS: FIELD | HEAD | MANAGER | LEADER,
    Right.PROPOSE_SHUT_OFF: FIELD | HEAD,
    Right.APPROVE_SHUT_OFF: MANAGER,
    Right.CONSENT_EXPORT: FINANCE | MANAGER | LEADER,
    Right.SET_EXPORT_LIMIT: LEADER | ADMIN,
}
WHOLE_LEDGER_ROLES = RIGHTS[Right.SEE_LEDGER] - FIELD - HEAD
"""Roles that see all accounts and owners of a project; the others see what their cases are about."""


def projects_of(user: User | AnonymousUser) -> ProjectQuerySet:
    """Active projects in which `user` holds a live role (all of them for a company-wide role)."""
    return Project.objects.visible_to(user)


def roles_in(user: User | AnonymousUser, project: Project | None) -> frozenset[Role]:
    """Live roles of `user` in `project`, company-wide ones included; only those for None."""
    if not user.is_active:
        return frozenset()
    here = Q(project=None) | Q(project=project) if project else Q(project=None)
    live = ProjectAccess.objects.live().filter(here, user_id=user.pk or 0)
    return frozenset(Role(role) for role in live.values_list("role", flat=True))


def all_roles(user: User | AnonymousUser) -> frozenset[Role]:
    """Live roles of `user` in any active project."""
    if not user.is_active:
        return frozenset()
    live = ProjectAccess.objects.live().filter(Q(project=None) | Q(project__is_active=True), user_id=user.pk or 0)
    return frozenset(Role(role) for role in live.values_list("role", flat=True))


def rights_of(roles: frozenset[Role]) -> frozenset[Right]:
    """Everything that holders of `roles` may do."""
    return frozenset(right for right, holders in RIGHTS.items() if holders & roles)


def has_right(user: User | AnonymousUser, right: Right, project: Project | None) -> bool:
    """Whether `user` may do `right` in `project` (in the whole company for None)."""
    return bool(RIGHTS[right] & roles_in(user, project))


def projects_with_right(user: User | AnonymousUser, right: Right) -> ProjectQuerySet:
    """Active projects in which `user` holds a role with `right`."""
    return projects_with_roles(user, RIGHTS[right])


def projects_with_roles(user: User | AnonymousUser, roles: Iterable[Role]) -> ProjectQuerySet:
    """Active projects in which `user` holds one of `roles`."""
    live = ProjectAccess.objects.live().filter(user_id=user.pk or 0, role__in=sorted(roles))
    projects = projects_of(user)
    if live.filter(project=None).exists():
        return projects
    return projects.filter(pk__in=live.values("project"))
