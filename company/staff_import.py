"""Staff from a workbook: read, checked row by row, then created all together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.core import signing
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from company.audit import record
from company.models import Post, Project, Role, User
from company.models.people import MOBILE_PATTERN
from company.people import Grant, Reach, create_person, reach_of
from company.sheets import UnreadableWorkbookError, read_rows

MAX_BYTES = 5 << 20
MAX_ROWS = 200
HEADER_WITHIN = 20
DRAFT_SALT = "company.staff_import"
DRAFT_SECONDS = 3600

# What sheets call the columns.
COLUMNS: dict[str, tuple[str, ...]] = {
    "name": ("姓名", "员工姓名", "name"),
    "mobile": ("手机号", "手机", "手机号码", "电话", "联系电话", "mobile"),
    "post": ("岗位", "职务", "职位", "post"),
    "project": ("项目", "小区", "所属项目", "project"),
    "role": ("角色", "权限", "系统角色", "role"),
}
REQUIRED = ("name", "mobile", "role")
ROLE_WORDS: dict[str, Role] = {
    "公司领导": Role.COMPANY_LEADER,
    "项目经理": Role.PROJECT_MANAGER,
    "财务": Role.FINANCE,
    "文书": Role.NOTICE_ADMIN,
    "部门主管": Role.DEPARTMENT_HEAD,
    "主管": Role.DEPARTMENT_HEAD,
    "主办": Role.OFFICER,
    "管家": Role.HOUSEKEEPER,
    "物业助理": Role.ASSISTANT,
    "助理": Role.ASSISTANT,
    "系统管理员": Role.SYSTEM_ADMIN,
}


@dataclass(frozen=True)
class Problem:
    column: str
    value: str
    reason: str


@dataclass
class StaffRow:
    """One person of the sheet; `number` is the row of the sheet, counted from 1."""

    number: int
    cells: dict[str, str]
    post: Post | None = None
    grants: list[Grant] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def role_labels(self) -> list[str]:
        return [str(grant.role.label) for grant in self.grants]


@dataclass(frozen=True)
class Account:
    """A created person with the password that is shown once."""

    person: User
    password: str


def read_staff(content: bytes, *, by: User) -> list[StaffRow]:
    """The rows of a workbook, checked. Raises UnreadableWorkbookError for a file without people in it."""
    rows = read_rows(content)
    header, columns = _find_header(rows)
    people = [
        (number, {name: row[column] if column < len(row) else "" for name, column in columns.items()})
        for number, row in enumerate(rows[header + 1 :], start=header + 2)
    ]
    people = [(number, cells) for number, cells in people if any(cells.values())]
    if not people:
        raise UnreadableWorkbookError(_("There is nobody below the header row."))
    if len(people) > MAX_ROWS:
        raise UnreadableWorkbookError(_("At most %(count)d people at a time.") % {"count": MAX_ROWS})
    return check(people, by=by)


def check(people: Sequence[tuple[int, dict[str, str]]], *, by: User) -> list[StaffRow]:
    """Every row with its post, roles and problems. Writes nothing."""
    rows = [StaffRow(number, cells) for number, cells in people]
    mobiles = [row.cells.get("mobile", "") for row in rows]
    taken = set(User.objects.filter(mobile__in=mobiles).values_list("mobile", flat=True))
    taken |= set(User.objects.filter(username__in=mobiles).values_list("username", flat=True))
    posts = {post.name: post for post in Post.objects.all()}
    places = _Places(reach_of(by))
    seen: set[str] = set()
    for row in rows:
        _check_person(row, taken, seen)
        _check_post(row, posts)
        _check_roles(row, places)
    return rows


def draft_of(rows: Sequence[StaffRow]) -> str:
    """The rows as signed text for the page, so that what was checked is what is created."""
    return signing.dumps([[row.number, row.cells] for row in rows], salt=DRAFT_SALT, compress=True)


def rows_of_draft(draft: str, *, by: User) -> list[StaffRow]:
    """The rows of a draft, checked again. Raises UnreadableWorkbookError for one that is old or not ours."""
    try:
        people = signing.loads(draft, salt=DRAFT_SALT, max_age=DRAFT_SECONDS)
    except signing.BadSignature as error:
        raise UnreadableWorkbookError(_("The preview is out of date; upload the file again.")) from error
    return check([(number, cells) for number, cells in people], by=by)


@transaction.atomic
def create_staff(rows: Sequence[StaffRow], *, by: User) -> list[Account]:
    """Creates everybody or nobody. Raises ValueError where a row still has a problem."""
    if any(row.problems for row in rows):
        raise ValueError("rows with problems are not created")
    accounts = []
    for row in rows:
        person, password = create_person(
            name=row.cells["name"],
            mobile=row.cells["mobile"],
            username=row.cells["mobile"],
            post=row.post,
            grants=row.grants,
            by=by,
        )
        accounts.append(Account(person, password))
    record(action="people.imported", by=by, count=len(accounts))
    return accounts


def _find_header(rows: Sequence[Sequence[str]]) -> tuple[int, dict[str, int]]:
    for number, row in enumerate(rows[:HEADER_WITHIN]):
        columns: dict[str, int] = {}
        for column, cell in enumerate(row):
            word = re.sub(r"[\s*＊:：]", "", cell).casefold()
            for name, words in COLUMNS.items():
                if word in words:
                    columns.setdefault(name, column)
        if all(name in columns for name in REQUIRED):
            return number, columns
    raise UnreadableWorkbookError(
        _("No header row with name, mobile number and role was found in the first %(count)d rows.")
        % {"count": HEADER_WITHIN}
    )


class _Places:
    """The projects that may be named, by code, name and short name."""

    def __init__(self, reach: Reach) -> None:
        self.reach = reach
        projects = Project.objects.active()
        if not reach.everywhere:
            projects = projects.filter(pk__in=reach.roles_by_project)
        self.only = projects[0] if projects.count() == 1 else None
        self.by_word: dict[str, Project] = {}
        for project in projects:
            for word in filter(None, (project.code, project.name, project.short_name)):
                self.by_word.setdefault(word.casefold(), project)


def _check_person(row: StaffRow, taken: set[str | None], seen: set[str]) -> None:
    name, mobile = row.cells.get("name", ""), row.cells.get("mobile", "")
    if not name:
        row.problems.append(Problem(pgettext("person", "Name"), name, _("The name is missing.")))
    elif len(name) > 50:
        row.problems.append(Problem(pgettext("person", "Name"), name[:50], _("The name is longer than 50 characters.")))
    if not re.fullmatch(MOBILE_PATTERN, mobile):
        row.problems.append(Problem(_("Mobile number"), mobile[:50], _("A mobile number has 11 digits.")))
    elif mobile in seen:
        row.problems.append(Problem(_("Mobile number"), mobile, _("The number stands twice in this file.")))
    elif mobile in taken:
        row.problems.append(Problem(_("Mobile number"), mobile, _("A colleague has this number already.")))
    seen.add(mobile)


def _check_post(row: StaffRow, posts: dict[str, Post]) -> None:
    word = row.cells.get("post", "")
    row.post = posts.get(word)
    if word and row.post is None:
        row.problems.append(Problem(_("Post"), word[:50], _("There is no such post; add it first.")))


def _check_roles(row: StaffRow, places: _Places) -> None:
    place, words = row.cells.get("project", ""), row.cells.get("role", "")
    project = places.by_word.get(place.casefold()) if place else places.only
    if place and project is None:
        row.problems.append(Problem(_("Project"), place[:50], _("There is no such project among yours.")))
        return
    roles = [(word, _role_of(word)) for word in re.split(r"[、，,;；/\s]+", words) if word]
    if not roles:
        row.problems.append(Problem(_("Role"), words, _("The role is missing.")))
    for word, role in roles:
        grant = Grant(project.pk if project else None, role) if role else None
        if grant is None:
            row.problems.append(Problem(_("Role"), word[:50], _("There is no such role.")))
        elif not place and project is None and grant.role not in Role.COMPANY_WIDE:
            row.problems.append(Problem(_("Project"), place, _("Say for which project.")))
        elif not places.reach.covers(grant):
            row.problems.append(Problem(_("Role"), word, _("You cannot grant this role there.")))
        else:
            row.grants.append(grant)


def _role_of(word: str) -> Role | None:
    if word in ROLE_WORDS:
        return ROLE_WORDS[word]
    with translation.override("en"):
        labels = {str(role.label).casefold(): role for role in Role}
    return labels.get(word.casefold().replace("_", " "))
