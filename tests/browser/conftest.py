"""A demonstration of its own, started by the very command that users type, and Chromium to work in it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.preparation import (
    ROOT,
    copy_demonstration,
    demonstration_environment,
    run_demonstration,
    stop_demonstration,
)

PICTURES = ROOT / "docs" / "pictures"
CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
DESKTOP, PHONE = 1280, 390

SignIn = Callable[..., Page]
"""Opens a page for somebody with that role, at the given ``width`` in pixels."""

MORE_DOORS = """
import json
from django.utils import timezone
from arrears.verification import valid_verifications
from collection.assignment import reassign
from collection.limits import Clearance, clearances
from collection.models import Case, ContactAttempt, TeamMember
from collection.rounds import own_reasons
from company.models import User
now = timezone.now()
member = User.objects.get(username={login!r})
team = TeamMember.objects.present().get(user=member).team
others = Case.objects.filter(project=team.project, responsible__isnull=False).exclude(
    responsible__username__in={logins!r}
)
cases = list(others.open().in_round_order().select_related("project", "account__unit", "account__ownership"))
cleared = clearances(cases, ContactAttempt.Channel.VISIT, now=now)
verified = valid_verifications(team.project, [case.account_id for case in cases], now=now)
free = [
    case for case in cases if case.account_id in verified and not own_reasons(cleared.get(case.pk, Clearance()))
][:12]
given = [[case.pk, case.team_id, case.responsible_id] for case in free]
reassign([case.pk for case in free], team=team, member=member, by=member, today=timezone.localdate(now), now=now)
print(json.dumps(given))
"""
GIVEN_BACK = """
from django.utils import timezone
from collection.assignment import reassign
from collection.models import Team
from company.models import User
now = timezone.now()
for case, team, member in {given!r}:
    person = User.objects.get(pk=member)
    reassign([case], team=Team.objects.get(pk=team), member=person, by=person, today=timezone.localdate(now), now=now)
"""


@dataclass(frozen=True)
class Stack:
    """A running demonstration: its address, its sign-ins by role, and a process that runs code on its database."""

    address: str
    sign_ins: dict[str, tuple[str, str]]
    resident: subprocess.Popen[str]

    def run(self, code: str) -> str:
        """What ``code`` prints. Raises RuntimeError with its traceback."""
        assert self.resident.stdin
        assert self.resident.stdout
        self.resident.stdin.write(json.dumps(code) + "\n")
        self.resident.stdin.flush()
        answer = json.loads(self.resident.stdout.readline())
        if answer["failed"]:
            raise RuntimeError(answer["failed"])
        return str(answer["printed"])


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    var = tmp_path_factory.mktemp("demo")
    copy_demonstration(var)
    try:
        address = run_demonstration(var)
        lines = (var / "demo_signins.txt").read_text(encoding="utf-8").splitlines()
        sign_ins = {role: (login, password) for role, login, password in (line.split("\t") for line in lines)}
        with _resident(var) as resident:
            yield Stack(address, sign_ins, resident)
    finally:
        stop_demonstration(var)


@contextmanager
def _resident(var: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.browser.resident"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, env=demonstration_environment(var), text=True, **pipes) as resident:
        yield resident  # which ends with its standard input


@pytest.fixture(scope="module")
def more_doors(stack: Stack) -> Iterator[None]:
    """Twelve more doors for the housekeeper while a file is tested, from people whom no test signs in: each test leaves
    some doors visited."""
    logins = [login for login, _password in stack.sign_ins.values()]
    login, _password = stack.sign_ins["housekeeper"]
    told = stack.run(MORE_DOORS.format(login=login, logins=logins))
    yield
    given = json.loads(told.strip().splitlines()[-1])
    stack.run(GIVEN_BACK.format(given=given))


def _chromium() -> str:
    """The shell draws no window of a browser that nobody sees, which takes a fifth of the time of these tests."""
    found = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    assert found, "./run test installs Chromium"
    return found


@contextmanager
def browsing() -> Iterator[Browser]:
    """Chromium; while it runs, its event loop makes Django refuse the database to this thread."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_chromium(), args=CHROMIUM)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One for all tests of a file."""
    with browsing() as browser:
        yield browser


@pytest.fixture
def sign_in(stack: Stack, chromium: Browser) -> Iterator[Callable[..., Page]]:
    """A page on which somebody of a role has signed in; at the end of the test its console must have stayed clean."""
    said: list[str] = []
    contexts = []

    def listen(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            said.append(f"{message.text} {message.location}")

    def open_page(role: str, *, width: int = DESKTOP) -> Page:
        context = chromium.new_context(
            viewport={"width": width, "height": 900},
            locale="zh-CN",
            timezone_id="Asia/Shanghai",
            is_mobile=width == PHONE,
            has_touch=width == PHONE,
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("console", listen)
        page.on("pageerror", lambda error: said.append(str(error)))
        login, password = stack.sign_ins[role]
        page.goto(stack.address)
        page.get_by_label("手机号或姓名").fill(login)
        page.get_by_label("密码").fill(password)
        page.get_by_role("button", name="登录").click()
        expect(page.get_by_role("navigation", name="主导航").first).to_be_attached()
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert said == []


@pytest.fixture
def picture() -> Callable[[Page, str], None]:
    """Keeps what the page shows for the README where ARREARS_PICTURES is set."""

    def keep(page: Page, name: str) -> None:
        if os.environ.get("ARREARS_PICTURES"):
            PICTURES.mkdir(exist_ok=True)
            page.screenshot(path=PICTURES / f"{name}.png")

    return keep
