"""A demonstration of its own, started by the very command that users type, and Chromium to work in it."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "docs" / "pictures"
CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
DESKTOP, PHONE = 1280, 390
OF_THE_TESTS = ("ARREARS_TESTING", "DATABASE_URL", "MIGRATION_DATABASE_URL", "REDIS_URL", "REDIS_DATABASE",
                "STATIC_MANIFEST", "DATABASE_POOL", "ARREARS_LOCAL", "DJANGO_SETTINGS_MODULE")  # fmt: skip


@dataclass(frozen=True)
class Stack:
    """A running demonstration: its address, and its sign-ins by role."""

    address: str
    environment: dict[str, str]
    sign_ins: dict[str, tuple[str, str]]

    def manage(self, *arguments: str) -> str:
        """Output of manage.py against the demonstration's database."""
        command = [sys.executable, str(ROOT / "manage.py"), *arguments]
        done = subprocess.run(command, env=self.environment, check=True, capture_output=True, text=True)
        return done.stdout


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    var = tmp_path_factory.mktemp("demo")
    environment = {name: value for name, value in os.environ.items() if name not in OF_THE_TESTS}
    environment["ARREARS_VAR"] = str(var)
    port = _free_port()
    run = [sys.executable, str(ROOT / "run")]
    try:
        subprocess.run([*run, "demo", "--detach", "--port", str(port)], env=environment, check=True, timeout=300)
        lines = (var / "demo_signins.txt").read_text(encoding="utf-8").splitlines()
        sign_ins = {role: (login, password) for role, login, password in (line.split("\t") for line in lines)}
        yield Stack(f"http://127.0.0.1:{port}", environment, sign_ins)
    finally:
        subprocess.run([*run, "stop"], env=environment, check=True, timeout=120)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def browsing() -> Iterator[Browser]:
    """Chromium; while it runs, its event loop makes Django refuse the database to this thread."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
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
