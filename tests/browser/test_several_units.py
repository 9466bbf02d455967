"""One visit for two units of a person, with a network and without: both cases show it, once, and it counts once."""

import datetime as dt
import json

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.at_the_door import open_round, ready_for_the_stairs, without_network
from tests.browser.conftest import PHONE, SignIn, Stack

pytestmark = pytest.mark.browser

MERGE = """
import json
from django.db.models import Q
from django.utils import timezone
from collection.rounds import build_round
from company.models import Project, User
from owners.merging import MergeRefusedError, merge_persons
project, now = Project.objects.get(code="fhc1"), timezone.now()
user = User.objects.get(Q(mobile={login!r}) | Q(name={login!r}) | Q(username={login!r}))
rows = [row for row in build_round(project, user, now=now).rows if row.may_be_visited and not row.same_person]
free = sorted((row.case for row in rows), key=lambda case: case.contacts.filter(channel="visit").exists())
pairs = []
while free and len(pairs) < 2:
    first = free.pop(0)
    for second in free:
        owners = [case.account.ownership.owners.first() for case in (first, second)]
        try:
            merge_persons(*owners, by=user, now=now)
        except (MergeRefusedError, AttributeError):
            continue
        free.remove(second)
        pairs.append([[case.pk, case.account.unit.code] for case in (first, second)])
        break
print(json.dumps(pairs))
"""
COUNTED = """
import json
from datetime import datetime, timedelta
from django.utils import timezone
from collection.models import Case
from collection.people_contacted import histories
until = timezone.now() + timedelta(hours=1)
found = histories(Case.objects.filter(pk__in={cases}), after=datetime.fromisoformat({since!r}), until=until)
print(json.dumps([max(len(contacts) for contacts in of_case) for of_case in found.values()]))
"""
SLOW = """
const { get } = IDBObjectStore.prototype;
IDBObjectStore.prototype.get = function (...asked) {
  const request = get.apply(this, asked);
  const listen = request.addEventListener.bind(request);
  const late = (told) => (event) => setTimeout(told, 500, event);
  if (this.name === "drafts") request.addEventListener = (type, told) => listen(type, late(told));
  return request;
};
"""
Unit = tuple[int, str]


def answer_of(stack: Stack, code: str) -> object:
    return json.loads(stack.run(code).strip().splitlines()[-1])


@pytest.fixture(scope="module")
def pairs(stack: Stack, more_doors: None) -> list[list[Unit]]:
    """Twice two units of one person in the housekeeper's round: id of the case and code of the unit."""
    login, _password = stack.sign_ins["housekeeper"]
    found = answer_of(stack, MERGE.format(login=login))
    assert isinstance(found, list)
    assert len(found) == 2
    return [[(case, unit) for case, unit in pair] for pair in found]


def door(page: Page, case: int) -> Locator:
    """The row of a case on the round, whether or not it leads to the form."""
    return page.locator(f'a.ad-visit[href*="/cases/{case}/"]:visible')


def a_minute_ago() -> str:
    """Before any visit of the test: its form says the minute alone."""
    return (dt.datetime.now(dt.UTC) - dt.timedelta(minutes=1)).isoformat()


def expect_once(page: Page, stack: Stack, pair: list[Unit], *, since: str) -> None:
    """Each of the two cases shows the visit once and leads to the other; for the limits it is one."""
    (first, first_unit), (second, second_unit) = pair
    for case, link in ((first, f"一并登记{second_unit}"), (second, f"登记在{first_unit}")):
        page.goto(f"{stack.address}/p/fhc1/cases/{case}/")
        visited = page.locator(".ad-tl li", has_text="上门、家人或租户")
        expect(visited).to_have_count(1)
        expect(visited.get_by_role("link", name=link)).to_be_visible()
    assert answer_of(stack, COUNTED.format(cases=[first, second], since=since)) == [1, 1]


def test_with_a_network(sign_in: SignIn, stack: Stack, pairs: list[list[Unit]]) -> None:
    since = a_minute_ago()
    (first, _unit), (second, other) = pairs[0]
    page = sign_in("housekeeper", width=PHONE)
    open_round(page, stack.address)
    ready_for_the_stairs(page)
    door(page, first).click()
    expect(page.get_by_text("一并登记的房屋")).to_be_visible()
    expect(page.get_by_role("checkbox", name=other, exact=True)).to_be_checked()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE
    page.get_by_role("radio", name="家人或租户").check()
    page.get_by_role("button", name="直接保存").click()
    expect(page.get_by_text("上门已登记")).to_be_visible()
    expect(page.locator("dl")).to_contain_text(other)
    page.get_by_role("link", name="返回今日上门").click()
    for case in (first, second):
        expect(door(page, case)).to_contain_text("已访")
    expect_once(page, stack, pairs[0], since=since)


def test_without_a_network(sign_in: SignIn, stack: Stack, pairs: list[list[Unit]]) -> None:
    since = a_minute_ago()
    (first, _unit), (second, other) = pairs[1]
    page = sign_in("housekeeper", width=PHONE)
    open_round(page, stack.address)
    ready_for_the_stairs(page)
    row = page.locator("[data-group=waiting] .qi > .body")
    box = page.get_by_role("checkbox", name=other, exact=True)
    with without_network(page):
        open_round(page, stack.address)
        door(page, first).click()
        expect(box).to_be_checked()
        box.uncheck()
        page.get_by_role("radio", name="家人或租户").check()
        page.get_by_role("button", name="直接保存").click()
        expect(row).to_have_count(1)
        expect(row).not_to_contain_text(other)
        open_round(page, stack.address)
        expect(door(page, first).get_by_text("待发送")).to_be_visible()
        expect(door(page, second).get_by_text("待发送")).to_be_hidden()

        page.add_init_script(SLOW)  # a correction made while the visit is still being read is not overwritten
        page.goto(f"{stack.address}/p/fhc1/visits/queue/")
        row.get_by_role("link", name="修改").click()
        expect(box).not_to_be_checked()
        box.check()
        page.get_by_role("button", name="直接保存").click()
        expect(row).to_contain_text(f"一并登记{other}")
        open_round(page, stack.address)
        for case in (first, second):
            expect(door(page, case).get_by_text("待发送")).to_be_visible()
        page.goto(f"{stack.address}/p/fhc1/visits/queue/")
    expect(page.locator("[data-group=sent] .qi > .body")).to_contain_text(f"一并登记{other}")
    open_round(page, stack.address)
    for case in (first, second):
        expect(door(page, case)).to_contain_text("已访")
    expect_once(page, stack, pairs[1], since=since)
