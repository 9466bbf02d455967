"""Staff of both estates: every post, every role, teams' members, and one sign-in a role to print."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.contrib.auth.hashers import make_password
from pypinyin import lazy_pinyin

from collection.demo import names
from collection.demo.plan import DemoPlan, ProjectPlan
from company.models import Post, Project, ProjectAccess, Role, User

PASSWORD = "demo-fenghuang-2025"  # noqa: S105  of the demonstration only, printed at its start

POSTS = {
    Role.COMPANY_LEADER: "公司领导",
    Role.PROJECT_MANAGER: "项目经理",
    Role.FINANCE: "财务",
    Role.NOTICE_ADMIN: "文书",
    Role.DEPARTMENT_HEAD: "部门主管",
    Role.OFFICER: "主办",
    Role.HOUSEKEEPER: "管家",
    Role.ASSISTANT: "物业助理",
    Role.SYSTEM_ADMIN: "系统管理员",
}
TEAM_ROLES = (Role.DEPARTMENT_HEAD, Role.OFFICER, Role.HOUSEKEEPER, Role.ASSISTANT)
LEADER_NAME, ADMIN_NAME = "顾维桢", "钱立群"
NAMED = {
    "fhc1": {
        Role.PROJECT_MANAGER: ["沈静宜"],
        Role.FINANCE: ["郝文娟"],
        Role.NOTICE_ADMIN: ["苏若楠"],
        Role.DEPARTMENT_HEAD: ["韩志远", "赵启明", "罗春晖", "丁雨薇"],
        Role.OFFICER: ["林嘉豪", "何思远", "高子涵", "谢一鸣"],
        Role.HOUSEKEEPER: ["邹敏", "曹雪梅", "彭慧玲", "田海燕"],
        Role.ASSISTANT: ["万家骏", "秦雨桐", "崔永康", "贺佳慧"],
    },
    "cly": {
        Role.PROJECT_MANAGER: ["方振华"],
        Role.FINANCE: ["夏淑珍"],
        Role.NOTICE_ADMIN: ["汤文静"],
        Role.DEPARTMENT_HEAD: ["姚立新", "金慧敏"],
        Role.OFFICER: ["石俊杰", "侯文博"],
        Role.HOUSEKEEPER: ["白玉兰", "段红梅"],
        Role.ASSISTANT: ["龙天佑", "常思琪"],
    },
}
WITHOUT_TEAM = {"fhc1": ["孟新宇"], "cly": []}


@dataclass(slots=True)
class Staff:
    """The people of one project by role; the n-th of each team role belongs to the n-th team."""

    manager: User
    finance: User
    notice_admin: User
    by_role: dict[Role, list[User]] = field(default_factory=dict)

    def team(self, index: int) -> list[User]:
        return [self.by_role[role][index] for role in TEAM_ROLES if index < len(self.by_role[role])]


@dataclass(frozen=True, slots=True)
class SignIn:
    role: Role
    login: str
    password: str = PASSWORD


class People:
    """Makes users with one shared password hash, since hashing thirty would take longer than all the rest."""

    def __init__(self, plan: DemoPlan) -> None:
        self._rng = plan.rng("people")
        self._now = plan.now
        self._password = make_password(PASSWORD)
        self._posts = {
            role: Post.objects.get_or_create(name=name, defaults={"position": position})[0]
            for position, (role, name) in enumerate(POSTS.items())
        }

    def company(self) -> list[SignIn]:
        """Who works for all projects."""
        for role, name in [(Role.COMPANY_LEADER, LEADER_NAME), (Role.SYSTEM_ADMIN, ADMIN_NAME)]:
            self._person(name, role, project=None)
        return [SignIn(Role.COMPANY_LEADER, login(LEADER_NAME)), SignIn(Role.SYSTEM_ADMIN, login(ADMIN_NAME))]

    def of_project(self, plan: ProjectPlan, project: Project) -> Staff:
        by_role = {
            role: [self._person(name, role, project=project) for name in named]
            for role, named in NAMED[plan.code].items()
        }
        for name in WITHOUT_TEAM[plan.code]:
            self._person(name, Role.ASSISTANT, project=project)
        return Staff(
            manager=by_role[Role.PROJECT_MANAGER][0],
            finance=by_role[Role.FINANCE][0],
            notice_admin=by_role[Role.NOTICE_ADMIN][0],
            by_role=by_role,
        )

    def _person(self, name: str, role: Role, *, project: Project | None) -> User:
        person: User = User.objects.create(
            username=login(name),
            name=name,
            mobile=names.mobile(self._rng),
            email=f"{login(name)}@example.com",
            post=self._posts[role],
            password=self._password,
        )
        ProjectAccess.objects.create(user=person, project=project, role=role, granted_at=_granted(self._now))
        return person


def login(name: str) -> str:
    return "".join(lazy_pinyin(name))


def sign_ins(staff: Staff) -> list[SignIn]:
    """One for each role of a project, of its first holder."""
    return [SignIn(role, people[0].username) for role, people in staff.by_role.items()]


def _granted(now: datetime) -> datetime:
    return now - timedelta(days=180)
