"""What happens on one phone at the same moment: two tabs, two people, an answer that comes while somebody taps."""

import io

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.at_the_door import (
    LEFT,
    READY,
    WIPED,
    arrived,
    doors,
    fill_in,
    open_form,
    open_round,
    photo,
    ready_for_the_stairs,
    record,
    sign_in_on,
    sign_out,
    waiting,
    without_network,
)
from tests.browser.conftest import PHONE, SignIn, Stack

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("more_doors")]

PHOTOS_ARE_READ_SLOWLY = """() => {
  const { decrypt } = SubtleCrypto.prototype;
  SubtleCrypto.prototype.decrypt = async function (...asked) {
    if (asked[2].byteLength > 5000) await new Promise((done) => { window.letGo = done; });
    return decrypt.apply(this, asked);
  };
}"""
NOBODY_SENDS = """async () => {
  const { held } = await navigator.locks.query();
  return !held.some(({ name }) => name.startsWith("desk-sync-"));
}"""
WIPED_SLOWLY = """
const { keys } = CacheStorage.prototype;
CacheStorage.prototype.keys = async function () {
  await new Promise((done) => setTimeout(done, 700));
  return keys.call(this);
};
"""
BREAKS_OFF = """() => {
  const ask = self.fetch;
  self.fetch = async (...asked) => {
    if (!String(asked[0]).endsWith("/visits/queue/")) return ask(...asked);
    const body = new ReadableStream({ start(stream) {
      stream.enqueue(new TextEncoder().encode("<!doctype html>"));
      stream.error(new TypeError("network error"));
    } });
    return new Response(body, { headers: { "Content-Type": "text/html", "X-Desk-Build": DESK.build } });
  };
}"""
KEEP_A_SHELL = """async () => {
  const { active } = await navigator.serviceWorker.ready;
  const { port1, port2 } = new MessageChannel();
  const kept = new Promise((done) => { port1.onmessage = ({ data }) => done(data); });
  active.postMessage({ keepShell: document.querySelector("[data-phone]").dataset.queueUrl }, [port2]);
  return kept;
}"""
PHOTOS_ARE_MADE_SMALL_SLOWLY = """() => {
  const make = window.createImageBitmap;
  window.createImageBitmap = async (...asked) => {
    if (!window.letGo) await new Promise((done) => { window.letGo = done; });
    return make(...asked);
  };
}"""
QUEUED_PHOTOS = """async () => {
  const got = (request) => new Promise((done) => { request.onsuccess = () => done(request.result); });
  const db = await got(indexedDB.open("arrears-desk"));
  const all = (store) => got(db.transaction(store).objectStore(store).getAll());
  const types = (await all("queue")).flatMap(({ photos }) => photos.map(({ type }) => type));
  const drafts = (await all("drafts")).length;
  db.close();
  return { types, drafts };
}"""


@pytest.fixture
def page(sign_in: SignIn, stack: Stack) -> Page:
    """The phone of a housekeeper who is ready for the stairs."""
    page = sign_in("housekeeper", width=PHONE)
    open_round(page, stack.address)
    ready_for_the_stairs(page)
    return page


def test_a_visit_removed_while_it_is_read_for_sending_does_not_arrive(page: Page, stack: Stack) -> None:
    with without_network(page):
        open_round(page, stack.address)
        record(page, "读的时候移除", photos=[photo("red")])
        page.evaluate(PHOTOS_ARE_READ_SLOWLY)
    page.wait_for_function("() => window.letGo")
    page.get_by_role("button", name="移除").click()
    page.get_by_role("button", name="继续").click()
    expect(waiting(page)).to_have_count(0)
    page.evaluate("() => window.letGo()")
    while not page.evaluate(NOBODY_SENDS):
        page.wait_for_timeout(50)
    assert arrived(stack, "读的时候移除") == []


def test_two_tabs_tell_the_same_of_the_queue(page: Page, stack: Stack) -> None:
    with without_network(page):
        open_round(page, stack.address)
        record(page, "两个页面", photos=[])
        other = page.context.new_page()
        other.goto(page.url)
        expect(waiting(other)).to_have_count(1)
    for tab in (page, other):
        expect(tab.locator("[data-group=sent] .qi > .body").first).to_be_visible()
        expect(waiting(tab)).to_have_count(0)
        expect(tab.locator("[data-status=offline]")).to_be_hidden()
    assert [visit[:2] for visit in arrived(stack, "两个页面")] == [["两个页面", 1]]


def test_the_hour_of_a_visit_is_asked_for_before_it_waits(page: Page, stack: Stack) -> None:
    with without_network(page):
        open_round(page, stack.address)
        fill_in(page, "没有时间", photos=[])
        page.get_by_label("时间", exact=True).fill("")
        page.get_by_role("button", name="保存登记").click()
        expect(page.get_by_label("时间", exact=True)).to_be_focused()
        assert page.evaluate(LEFT)["queue"] == 0


def test_a_photo_is_small_before_its_visit_waits(page: Page, stack: Stack) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (800, 600), "red").save(buffer, "PNG")
    with without_network(page):
        open_round(page, stack.address)
        fill_in(page, "立刻保存", photos=[])
        page.evaluate(PHOTOS_ARE_MADE_SMALL_SLOWLY)
        chosen = {"name": "door.png", "mimeType": "image/png", "buffer": buffer.getvalue()}
        page.get_by_label("拍照").set_input_files(chosen)  # type: ignore[arg-type]
        page.get_by_role("button", name="保存登记").click()
        page.wait_for_function("() => window.letGo")
        page.evaluate("() => window.letGo()")
        expect(page.get_by_role("heading", name="待同步")).to_be_visible()
        assert page.evaluate(QUEUED_PHOTOS) == {"types": ["image/jpeg"], "drafts": 0}


def test_what_is_kept_while_the_phone_is_wiped_of_what_was_before_stays(page: Page, stack: Stack) -> None:
    page.evaluate("() => localStorage.setItem('desk-wipe', 'yes')")
    page.add_init_script(WIPED_SLOWLY)
    open_round(page, stack.address)
    page.wait_for_function(READY)
    page.wait_for_function(WIPED)
    assert page.evaluate(LEFT) == {"shells": 1, "rounds": 1, "queue": 0}


def test_a_network_that_breaks_off_leaves_what_opens_without_it(page: Page, stack: Stack) -> None:
    [worker] = page.context.service_workers
    worker.evaluate(BREAKS_OFF)
    assert page.evaluate(KEEP_A_SHELL) is False
    with without_network(page):
        open_round(page, stack.address)
        expect(doors(page).first).to_be_visible()


def test_a_form_is_not_sent_in_the_name_of_whoever_signed_in_meanwhile(page: Page, stack: Stack) -> None:
    open_form(page)
    page.get_by_role("radio", name="无人应门").check()
    page.get_by_role("link", name="下一步").click()
    page.get_by_label("备注").fill("管家填的")
    other = page.context.new_page()
    open_round(other, stack.address)
    sign_out(other)
    sign_in_on(other, stack, "officer")
    page.get_by_role("link", name="下一步").click()
    page.get_by_role("button", name="保存登记").click()
    expect(page.get_by_role("dialog")).to_contain_text("其间有其他人在本机登录")
    assert arrived(stack, "管家填的") == []

    page.get_by_role("button", name="返回本页").click()
    sign_out(other)
    sign_in_on(other, stack, "housekeeper")
    page.get_by_role("button", name="保存登记").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.wait_for_url("**/visits/*-*/")
    assert [visit[:2] for visit in arrived(stack, "管家填的")] == [["管家填的", 1]]


def test_signing_out_without_a_network_says_that_it_did_not(page: Page, stack: Stack) -> None:
    with without_network(page):
        page.get_by_role("button", name="更多").click()
        page.get_by_role("button", name="退出登录").click()
        expect(page.get_by_role("dialog")).to_contain_text("没有网络")
        assert page.evaluate(LEFT) == {"shells": 1, "rounds": 1, "queue": 0}
        page.get_by_role("button", name="返回本页").click()
    sign_out(page)
    assert page.evaluate(LEFT) == {"shells": 0, "rounds": 0, "queue": 0}
