"""What the tests of the round do again and again: pack the bag, fill in the form at a door, lose the network."""

import io
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Stack

READY = "() => document.querySelector('[data-phone]').dataset.ready === 'yes'"
WIPED = "() => !localStorage.getItem('desk-wipe')"
LEFT = """async () => {
  const got = (request) => new Promise((done) => { request.onsuccess = () => done(request.result); });
  const shells = (await caches.keys()).filter((name) => name.startsWith("shells-")).length;
  const db = await got(indexedDB.open("arrears-desk"));
  const has = (store) => db.objectStoreNames.contains(store);
  const count = (store) => (has(store) ? got(db.transaction(store).objectStore(store).count()) : 0);
  const left = { shells, rounds: await count("rounds"), queue: await count("queue") };
  db.close();
  return left;
}"""
EVERYTHING = """async () => {
  const got = (request) => new Promise((done) => { request.onsuccess = () => done(request.result); });
  const text = (value) => JSON.stringify(value, (_name, one) =>
    one instanceof ArrayBuffer || ArrayBuffer.isView(one) ? new TextDecoder().decode(one) : one);
  const db = await got(indexedDB.open("arrears-desk"));
  let all = JSON.stringify({ ...localStorage, ...sessionStorage });
  for (const store of db.objectStoreNames) {
    const rows = db.transaction(store).objectStore(store);
    all += text(await got(rows.getAllKeys())) + text(await got(db.transaction(store).objectStore(store).getAll()));
  }
  for (const name of await caches.keys()) {
    const cache = await caches.open(name);
    for (const request of await cache.keys()) {
      if (name.startsWith("shells-")) all += await (await cache.match(request)).text();
    }
  }
  return all;
}"""
STATES = """
import json
from collection.models import Visit, ContactAttempt
visits = Visit.objects.filter(contact__note__startswith={mark!r}).order_by("pk")
print(json.dumps([[v.contact.note, v.revision, v.photos.count(), v.changed_meanwhile] for v in visits]))
"""


def doors_to_visit(page: Page) -> Locator:
    return page.locator("a.ad-visit:not(.off):not(.paid):not(.done)")


def pack_the_bag(page: Page) -> None:
    """Ticks the checklist where it is not complete yet."""
    save = page.get_by_role("button", name="保存检查")
    if save.is_visible():
        for item in page.get_by_role("switch").all():
            item.check()
        save.click()
    expect(page.get_by_text("都带齐了")).to_be_visible()


def open_form(page: Page) -> str:
    """The visit form of the first door; returns the unit's code."""
    doors_to_visit(page).first.click()
    expect(page).to_have_url(re.compile(r"/visit/$"))
    return page.locator("h1").inner_text().split()[0]


def photo(colour: str) -> dict[str, object]:
    buffer = io.BytesIO()
    Image.new("RGB", (2400, 1800), colour).save(buffer, "JPEG")
    return {"name": f"{colour}.jpg", "mimeType": "image/jpeg", "buffer": buffer.getvalue()}


def arrived(stack: Stack, mark: str) -> list[list[object]]:
    """Note, revision, photos and what changed meanwhile of each visit whose note begins with ``mark``."""
    told = stack.run(STATES.format(mark=mark))
    found: list[list[object]] = json.loads(told.strip().splitlines()[-1])
    return found


def ready_for_the_stairs(page: Page) -> None:
    """The bag is packed, and the round lies on the phone."""
    pack_the_bag(page)
    page.wait_for_function(READY)


@contextmanager
def without_network(page: Page) -> Iterator[None]:
    page.context.set_offline(True)
    try:
        yield
    finally:
        page.context.set_offline(False)


def doors(page: Page) -> Locator:
    """The doors of the round that is shown without a network."""
    return page.locator("[data-view=round] a.ad-visit:not(.done)")


def record(page: Page, note: str, *, photos: list[dict[str, object]], receipt: str = "") -> None:
    """Fills in the form of the phone for the first door that is left, and puts it into the queue."""
    fill_in(page, note, photos=photos, receipt=receipt)
    page.get_by_role("button", name="保存登记").click()
    expect(page.get_by_role("heading", name="待同步")).to_be_visible()


def fill_in(page: Page, note: str, *, photos: list[dict[str, object]], receipt: str = "") -> None:
    doors(page).first.click()
    page.get_by_role("radio", name="无人应门").check()
    page.get_by_role("link", name="下一步").click()
    page.get_by_label("备注").fill(note)
    page.get_by_role("link", name="下一步").click()
    if photos:
        page.get_by_label("拍照").set_input_files(photos)
        expect(page.get_by_role("button", name="删除这张照片")).to_have_count(len(photos))
    if receipt:
        page.get_by_role("checkbox", name="收了款").check()
        page.get_by_label("金额", exact=True).fill("100")
        page.get_by_label("收据号").fill(receipt)


def waiting(page: Page) -> Locator:
    return page.locator("[data-group=waiting] .qi > .body")


def sign_in_on(page: Page, stack: Stack, role: str) -> None:
    """On a phone that somebody used before."""
    page.goto(f"{stack.address}/accounts/login/")
    login, password = stack.sign_ins[role]
    page.get_by_label("手机号或姓名").fill(login)
    page.get_by_label("密码").fill(password)
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_role("navigation", name="主导航").first).to_be_attached()


def sign_out(page: Page, *, is_wiped: bool = True) -> None:
    page.get_by_role("button", name="更多").click()
    page.get_by_role("button", name="退出登录").click()
    expect(page.get_by_label("密码")).to_be_visible()
    if is_wiped:
        page.wait_for_function(WIPED)


def open_round(page: Page, address: str) -> None:
    page.goto(f"{address}/p/fhc1/round/")
    expect(page.get_by_role("heading", name="今日上门")).to_be_visible()
