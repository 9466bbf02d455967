"""A small estate served by this very process, with a clock that the story sets: what it tells takes three weeks."""

import datetime as dt
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from zoneinfo import ZoneInfo

import time_machine
from django.conf import settings
from django.test import Client
from openpyxl import Workbook
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

from collection.models import Case
from company.models import Post, Project, Role, User
from config.celery import app
from notices.models import NoticeKind
from owners.models import EmergencyContact
from owners.personal_data import keyed_hash
from tests.browser.conftest import DESKTOP, PHONE
from tests.factories import (
    create_approved_text,
    create_fee_type,
    create_letter_project,
    create_owner,
    create_ownership,
    create_phone,
    create_unit,
    create_user,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
MONTHS = [dt.date(2025, month, 1) for month in range(1, 11)]
RENT = Decimal("240.00")  # CNY a month and flat
OWNERS = {
    "1-1-101": "甘露", "1-1-102": "易安", "2-1-101": "石磊", "2-1-102": "盛夏",
    "3-1-101": "姜楠", "3-1-102": "庄周", "4-1-101": "聂远", "4-1-102": "沙鸥",
}  # fmt: skip
PAID_UNTIL_AUGUST = frozenset({"4-1-102"})


@dataclass
class Story:
    """The people of the estate, and the pages that they have open."""

    project: Project
    people: dict[str, User]
    address: str
    chromium: Browser
    clock: time_machine.Traveller
    said: list[str] = field(default_factory=list)
    context: BrowserContext | None = None

    def at(self, day: str, hour: str = "10:00") -> None:
        """It is now this day and hour in Shanghai; `day` is month and day of 2025."""
        self.clock.move_to(dt.datetime.fromisoformat(f"2025-{day}T{hour}").replace(tzinfo=SHANGHAI))

    def case(self, unit: str) -> Case:
        return Case.objects.select_related("account__unit", "responsible", "team").get(
            project=self.project, account__unit__code=unit
        )

    def head_of(self, case: Case) -> User:
        """The department head in the team that answers for the case."""
        assert case.team
        return User.objects.get(team_memberships__team=case.team, accesses__role=Role.DEPARTMENT_HEAD)

    def page(self, who: str | User, path: str = "", *, width: int = DESKTOP) -> Page:
        """A page of the project that this person has open; they are signed in."""
        page = self._context(who, width).new_page()
        page.set_default_timeout(10_000)
        page.on("console", self._listen)
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.goto(f"{self.address}/p/{self.project.code}/{path}" if path else self.address)
        return page

    def beat(self) -> None:
        """What the clock of a running house does: every task of its schedule, once."""
        for entry in app.conf.beat_schedule.values():
            app.tasks[entry["task"]].apply(throw=True)

    def close(self) -> None:
        if self.context:
            self.context.close()

    def _context(self, who: str | User, width: int) -> BrowserContext:
        self.close()
        self.context = self.chromium.new_context(
            viewport={"width": width, "height": 900}, locale="zh-CN", timezone_id="Asia/Shanghai",
            is_mobile=width == PHONE, has_touch=width == PHONE,
        )  # fmt: skip
        client = Client()
        client.force_login(who if isinstance(who, User) else self.people[who])
        session = client.cookies[settings.SESSION_COOKIE_NAME].value
        self.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": self.address}])
        return self.context

    def _listen(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.said.append(message.text)


def press(page: Page, name: str | re.Pattern[str], *, agree: bool = False) -> None:
    """Presses a button once the page's own scripts stand ready; `agree` says yes to what it asks."""
    button = page.get_by_role("button", name=name).first
    button.wait_for()
    page.wait_for_load_state()
    button.click()
    if agree:
        page.get_by_role("dialog").get_by_role("button", name="继续").click()


@contextmanager
def told(address: str, chromium: Browser) -> Iterator[Story]:
    """The estate before its campaign: flats, owners, staff; nothing is owed yet. Consoles must have stayed clean."""
    with time_machine.travel(dt.datetime(2025, 11, 3, 9, tzinfo=SHANGHAI), tick=True) as clock:
        project = _estate()
        story = Story(project, _staff(project), address, chromium, clock)
        try:
            yield story
        finally:
            story.close()
    assert story.said == []


def _estate() -> Project:
    project = create_letter_project(code="story", postal_address="云州市临江区凤凰路66号", postcode="510000")
    create_fee_type(project=project)
    create_approved_text(project=project, kind=NoticeKind.EMS_NOTICE)
    for number, (code, name) in enumerate(OWNERS.items()):
        owner = create_owner(project=project, name=name)
        create_phone(owner=owner, number=f"1381234{number:04d}")
        create_ownership(unit=create_unit(project=project, code=code), owners=[owner])
    return project


def _staff(project: Project) -> dict[str, User]:
    people = {
        "manager": ("沈静宜", Role.PROJECT_MANAGER, ""),
        "leader": ("顾伟", Role.COMPANY_LEADER, ""),
        "finance": ("何琳", Role.FINANCE, ""),
        "notices": ("贺兰", Role.NOTICE_ADMIN, ""),
        "head": ("唐述", Role.DEPARTMENT_HEAD, "部门主管"),
        "other head": ("卫凌", Role.DEPARTMENT_HEAD, "部门主管"),
        "officer": ("王倩", Role.OFFICER, "主办"),
        "other officer": ("赵敏", Role.OFFICER, "主办"),
        "housekeeper": ("罗云", Role.HOUSEKEEPER, "管家"),
        "other housekeeper": ("方晴", Role.HOUSEKEEPER, "管家"),
    }
    made = {}
    for key, (name, role, title) in people.items():
        post = Post.objects.get_or_create(name=title)[0] if title else None
        whose = None if role in Role.COMPANY_WIDE else project
        made[key] = create_user(name=name, role=role, project=whose, post=post)
    return made


def add_emergency_contact(project: Project, unit: str) -> None:
    """Somebody who may be asked to pass on a message."""
    owner = project.owners.get(ownerships__unit__code=unit)
    number = "13900004444"
    EmergencyContact.objects.create(
        project=project, owner=owner, name="林妹", relation="亲友",
        number=number, number_hash=keyed_hash(number), last4=number[-4:],
    )  # fmt: skip


def arrears_workbook() -> bytes:
    """What the charging system exports: a row for each month and flat, below a title row and with a total."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["物业费应收明细表"])
    sheet.append(["房号", "业主姓名", "收费项目", "开始日期", "结束日期", "应收日期", "应收金额"])
    count = 0
    for code, name in OWNERS.items():
        for month in MONTHS:
            if code in PAID_UNTIL_AUGUST and month.month < 9:
                continue
            last = (month + dt.timedelta(days=31)).replace(day=1) - dt.timedelta(days=1)
            sheet.append([code, name, "物业费", month, last, last, float(RENT)])
            count += 1
    sheet.append(["合计", None, None, None, None, None, float(RENT * count)])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()
