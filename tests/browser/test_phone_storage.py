"""What may happen to a queue: a phone that is really full, a network that leads nowhere, a tab that was
closed, a case that went to somebody else."""

import io
import re
from collections.abc import Iterator

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.browser.at_the_door import (
    arrived,
    doors,
    doors_to_visit,
    fill_in,
    open_form,
    open_round,
    pack_the_bag,
    photo,
    ready_for_the_stairs,
    record,
    sign_in_on,
    waiting,
    without_network,
)
from tests.browser.conftest import PHONE, SignIn, Stack

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("more_doors")]

ROOM = 6_000_000  # bytes: enough for the desk and a few detailed photos
FULL = """() => {
  const { put } = IDBObjectStore.prototype;
  IDBObjectStore.prototype.put = function () {
    window.queueWasFull ||= this.name === "queue";
    throw new DOMException("no room", "QuotaExceededError");
  };
  IDBObjectStore.prototype.restore = () => { IDBObjectStore.prototype.put = put; };
}"""
NOT_TAKEN = "() => window.queueWasFull && !document.querySelector('form').dataset.sent"
HANDED_OVER = """
from django.utils import timezone
from collection.assignment import reassign
from collection.models import Case
from collection.teams import answering_members
from company.models import User
case = Case.objects.select_related("team__project", "responsible").get(pk={case})
mate = next(pk for pk in answering_members(case.team.project)[case.team_id] if pk != case.responsible_id)
now = timezone.now()
reassign(
    [case.pk], team=case.team, member=User.objects.get(pk=mate), by=case.responsible, today=timezone.localdate(now),
    now=now,
)
"""


def detailed_photo(number: int) -> dict[str, object]:
    """One of more than a megabyte even when it is made small: nothing in it is like its neighbour."""
    buffer = io.BytesIO()
    Image.effect_noise((1600, 1200), 200).convert("RGB").save(buffer, "JPEG", quality=90)
    return {"name": f"leaves{number}.jpg", "mimeType": "image/jpeg", "buffer": buffer.getvalue()}


class SmallPhone:
    """A phone on which somebody has signed in and that keeps no more than so many bytes. The browser looks at the limit
    when it first keeps something, so it is set before."""

    def __init__(self, page: Page, stack: Stack, *, room: int) -> None:
        self.page, self.origin = page, stack.address
        self.session = page.context.new_cdp_session(page)
        self._limit(quotaSize=room)
        sign_in_on(page, stack, "housekeeper")

    def free_room(self) -> None:
        self._limit()

    def _limit(self, **quota: int) -> None:
        self.session.send("Storage.overrideQuotaForOrigin", {"origin": self.origin, **quota})


@pytest.fixture
def bare_page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(
        viewport={"width": PHONE, "height": 800}, locale="zh-CN", timezone_id="Asia/Shanghai"
    )
    yield context.new_page()
    context.close()


def test_a_round_that_finds_no_room_is_told(bare_page: Page, stack: Stack) -> None:
    page = SmallPhone(bare_page, stack, room=1).page
    open_round(page, stack.address)
    expect(page.get_by_text("未能保存今日上门")).to_be_visible()
    expect(doors_to_visit(page).first).to_be_visible()


def test_a_phone_that_cannot_read_its_store_says_so(bare_page: Page, stack: Stack) -> None:
    page = bare_page
    sign_in_on(page, stack, "housekeeper")
    open_round(page, stack.address)
    ready_for_the_stairs(page)
    page.add_init_script("IDBObjectStore.prototype.get = () => { throw new DOMException('', 'UnknownError'); };")
    with without_network(page):
        page.goto(f"{stack.address}/p/fhc1/round/")
        expect(page.get_by_text("无法读取手机上保存的内容")).to_be_visible()


def test_a_phone_without_room_says_so_and_keeps_what_is_typed(bare_page: Page, stack: Stack) -> None:
    phone = SmallPhone(bare_page, stack, room=ROOM)
    page = phone.page
    open_round(page, stack.address)
    ready_for_the_stairs(page)
    with without_network(page):
        open_round(page, stack.address)
        doors(page).first.wait_for()
        fill_in(page, "没有一点空间", photos=[detailed_photo(number) for number in range(6)])
        expect(page.get_by_text("未能保存这次上门和照片")).to_be_visible()  # for the draft already
        page.evaluate(FULL)  # for the queue as well, whatever the browser has kept and freed since
        page.get_by_role("button", name="保存登记").click()
        page.wait_for_function(NOT_TAKEN)
        expect(page.get_by_label("备注")).to_have_value("没有一点空间")
        expect(page.get_by_role("button", name="删除这张照片")).to_have_count(6)
        page.evaluate("() => IDBObjectStore.prototype.restore()")
        phone.free_room()
        page.get_by_role("button", name="保存登记").click()
        expect(waiting(page)).to_contain_text("照片6张")
    page.get_by_role("button", name="立即发送").click()
    expect(page.locator("[data-group=sent] .qi > .body")).to_have_count(1, timeout=20_000)  # they are large
    assert arrived(stack, "没有一点空间") == [["没有一点空间", 1, 6, ""]]


def test_with_a_network_a_full_phone_hinders_nobody(bare_page: Page, stack: Stack) -> None:
    page = SmallPhone(bare_page, stack, room=ROOM).page
    pack_the_bag(page)
    open_form(page)
    page.get_by_role("radio", name="无人应门").check()
    page.get_by_role("link", name="下一步").click()
    page.get_by_label("备注").fill("满了也能登记")
    page.get_by_role("link", name="下一步").click()
    page.get_by_label("拍照").set_input_files([detailed_photo(number) for number in range(6)])
    expect(page.get_by_text("未能保存这次上门和照片")).to_be_visible()
    page.get_by_role("button", name="保存登记").click()
    expect(page.get_by_text("上门已登记")).to_be_visible()
    assert arrived(stack, "满了也能登记") == [["满了也能登记", 1, 6, ""]]


def test_a_network_that_leads_nowhere_and_the_button(sign_in: SignIn, stack: Stack) -> None:
    """A café's network that shows its own page until somebody agrees to its terms."""
    page = sign_in("housekeeper", width=PHONE)
    open_round(page, stack.address)
    ready_for_the_stairs(page)
    page.route("**/visits/sync/", lambda route: route.fulfill(content_type="text/html", body="<h1>Wi-Fi</h1>"))
    with without_network(page):
        open_round(page, stack.address)
        record(page, "有网不通", photos=[photo("red")])
    expect(page.locator("[data-status=offline]")).to_be_visible()
    expect(waiting(page)).to_have_count(1)
    page.unroute("**/visits/sync/")
    page.get_by_role("button", name="立即发送").click()
    expect(page.locator("[data-group=sent] .qi > .body")).to_have_count(1)
    assert len(arrived(stack, "有网不通")) == 1


def test_a_tab_closed_in_the_basement_and_opened_upstairs(sign_in: SignIn, stack: Stack) -> None:
    page = sign_in("housekeeper", width=PHONE)
    open_round(page, stack.address)
    ready_for_the_stairs(page)
    context = page.context
    with without_network(page):
        open_round(page, stack.address)
        record(page, "关了再开", photos=[photo("red")])
        page.close()
    assert arrived(stack, "关了再开") == []
    page = context.new_page()
    open_round(page, stack.address)  # whichever page of the round is opened first
    page.wait_for_function("() => !document.querySelector('nav a .n')", timeout=15_000)
    page.goto(f"{stack.address}/p/fhc1/visits/queue/")
    expect(page.locator("[data-group=sent] .qi > .body")).to_have_count(1)
    assert arrived(stack, "关了再开") == [["关了再开", 1, 1, ""]]


def test_handed_over_meanwhile(sign_in: SignIn, stack: Stack) -> None:
    page = sign_in("housekeeper", width=PHONE)
    open_round(page, stack.address)
    ready_for_the_stairs(page)
    with without_network(page):
        open_round(page, stack.address)
        doors(page).first.wait_for()
        case = re.search(r"/cases/(\d+)/", str(doors(page).first.get_attribute("href")))
        assert case
        record(page, "其间换人", photos=[])
        stack.run(HANDED_OVER.format(case=case[1]))
    sent = page.locator("[data-group=sent] .qi > .body")
    expect(sent).to_have_count(1)
    expect(sent.locator("[data-why]")).to_be_visible()
    assert arrived(stack, "其间换人") == [["其间换人", 1, 0, "reassigned"]]
