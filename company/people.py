"""Staff: who may manage whom, and every change to a person, their roles and their password."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from django.core.exceptions import PermissionDenied
from django.db import transaction

from company.audit import record
from company.calendar_feeds import revoke_feed
from company.models import Post, Project, ProjectAccess, Role, User
from company.signin import unlock

# Whom a project manager takes into the project and lets go. Roles that check the manager are not among them.
FIELD_ROLES = frozenset({Role.DEPARTMENT_HEAD, Role.OFFICER, Role.HOUSEKEEPER, Role.ASSISTANT})
GRANTED_BY: dict[str, frozenset[Role]] = {
    Role.PROJECT_MANAGER: FIELD_ROLES,
    Role.SYSTEM_ADMIN: frozenset(Role) - {Role.COMPANY_LEADER},
}
# Nothing that is easily taken for something else when it is read aloud.
LETTERS = "abcdefghjkmnpqrstuvwxyz"
DIGITS = "23456789"


@dataclass(frozen=True, order=True)
class Grant:
    """A role in a project, or in all of them for None."""

    project_id: int | None
    role: Role


@dataclass(frozen=True)
class Reach:
    """Which roles a person may grant and revoke."""

    everywhere: bool
    roles_by_project: dict[int, frozenset[Role]]

    def covers(self, grant: Grant) -> bool:
        if self.everywhere:
            return grant.project_id is not None or grant.role in Role.COMPANY_WIDE
        return grant.role in self.roles_by_project.get(grant.project_id or 0, frozenset())

    def grantable_in(self, project: Project | None) -> list[Role]:
        """Roles that may be granted in `project`, in the order of their definition."""
        project_id = project.pk if project else None
        return [role for role in Role if self.covers(Grant(project_id, role))]


def reach_of(user: User) -> Reach:
    """What `user` may grant: a system administrator every role, a project manager those of the field."""
    everywhere = user.is_superuser
    by_project: dict[int, frozenset[Role]] = {}
    live = ProjectAccess.objects.live().filter(user=user).exclude(project__is_active=False)
    for access in live:
        if access.role == Role.SYSTEM_ADMIN and access.project_id is None:
            everywhere = True
        elif access.role in GRANTED_BY and access.project_id is not None:
            by_project[access.project_id] = by_project.get(access.project_id, frozenset()) | GRANTED_BY[access.role]
    return Reach(everywhere, by_project)


def grants_of(person: User) -> set[Grant]:
    """The live roles of `person`."""
    return {Grant(access.project_id, Role(access.role)) for access in ProjectAccess.objects.live().filter(user=person)}


def may_manage(by: User, person: User, *, reach: Reach | None = None, grants: Iterable[Grant] | None = None) -> bool:
    """Whether `by` may edit, deactivate or give a new password to `person`.

    Only if every role that `person` holds is one that `by` could grant: otherwise a manager could
    sign in as finance. Nobody manages themselves, and only superusers manage superusers.
    """
    if person.pk == by.pk or (person.is_superuser and not by.is_superuser):
        return False
    reach = reach or reach_of(by)
    return all(reach.covers(grant) for grant in (grants_of(person) if grants is None else grants))


@transaction.atomic
def create_person(
    *,
    name: str,
    mobile: str | None,
    username: str,
    post: Post | None,
    grants: Iterable[Grant],
    by: User,
    email: str = "",
) -> tuple[User, str]:
    """Creates a member of staff with their roles; returns them and the one-time password, kept nowhere else.

    Raises PermissionDenied for a role that `by` may not grant.
    """
    password = one_time_password()
    person = User(name=name, mobile=mobile, username=username, post=post, email=email, must_change_password=True)
    person.set_password(password)
    person.save()
    record(action="people.created", by=by, obj=person, name=name)
    reach = reach_of(by)
    for grant in sorted(set(grants), key=str):
        _grant(person, grant, reach=reach, by=by)
    return person, password


@transaction.atomic
def grant_role(*, person: User, grant: Grant, by: User) -> bool:
    """Grants a role; returns False where it is held already.

    Raises PermissionDenied for oneself and for a role that `by` may not grant.
    """
    if person.pk == by.pk:
        raise PermissionDenied
    User.objects.select_for_update().get(pk=person.pk)
    if grant in grants_of(person):
        return False
    _grant(person, grant, reach=reach_of(by), by=by)
    return True


@transaction.atomic
def revoke_role(*, person: User, grant: Grant, by: User, now: dt.datetime) -> bool:
    """Revokes a role, with effect from the next request; returns False where it is not held.

    Raises PermissionDenied for oneself and for a role that `by` may not grant.
    """
    if person.pk == by.pk or not reach_of(by).covers(grant):
        raise PermissionDenied
    User.objects.select_for_update().get(pk=person.pk)
    if grant not in grants_of(person):
        return False
    _revoke(person, grant, by=by, now=now)
    return True


@transaction.atomic
def deactivate(*, person: User, by: User, now: dt.datetime) -> None:
    """Ends the person's sessions, roles, password and calendar address at once; what they did stays theirs."""
    person = _managed(person, by)
    revoke_feed(user=person, by=by, now=now)  # nor would the address come back with a reactivation
    for grant in sorted(grants_of(person), key=str):
        _revoke(person, grant, by=by, now=now)
    person.is_active = False
    person.set_unusable_password()  # also ends every session: none of them would come back with a reactivation
    person.save(update_fields=["is_active", "password"])
    record(action="people.deactivated", by=by, obj=person)


@transaction.atomic
def reactivate(*, person: User, by: User) -> str:
    """Lets a deactivated person sign in again, without roles; returns the one-time password."""
    person = _managed(person, by)
    person.is_active = True
    password = _give_password(person)
    record(action="people.reactivated", by=by, obj=person)
    return password


@transaction.atomic
def reset_password(*, person: User, by: User) -> str:
    """Gives a new one-time password, ends the person's sessions and any lock-out; returns the password."""
    person = _managed(person, by)
    password = _give_password(person)
    record(action="people.password_reset", by=by, obj=person)
    return password


def one_time_password() -> str:
    """A password that is easy to read out: three groups, about 50 bits."""
    letters = ["".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(2)]
    digits = "".join(secrets.choice(DIGITS) for _ in range(4))
    return "-".join([*letters, digits])


def _managed(person: User, by: User) -> User:
    locked: User = User.objects.select_for_update().get(pk=person.pk)
    if not may_manage(by, locked):
        raise PermissionDenied
    return locked


def _give_password(person: User) -> str:
    password = one_time_password()
    person.set_password(password)
    person.must_change_password = True
    person.save(update_fields=["password", "must_change_password", "is_active"])
    unlock(person)
    return password


def _grant(person: User, grant: Grant, *, reach: Reach, by: User) -> None:
    if not reach.covers(grant):
        raise PermissionDenied
    access = ProjectAccess.objects.create(user=person, project_id=grant.project_id, role=grant.role, granted_by=by)
    record(action="people.role_granted", by=by, project=access.project, obj=person, role=grant.role.value)


def _revoke(person: User, grant: Grant, *, by: User, now: dt.datetime) -> None:
    access = ProjectAccess.objects.live().get(user=person, project=grant.project_id, role=grant.role)
    access.revoked_at = max(now, access.granted_at)
    access.revoked_by = by
    access.save(update_fields=["revoked_at", "revoked_by"])
    record(action="people.role_revoked", by=by, project=access.project, obj=person, role=grant.role.value)
