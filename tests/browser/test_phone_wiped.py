"""What lies on a phone: sealed, and gone when its owner signs out or somebody else signs in; visits that wait stay."""

import pytest
from playwright.sync_api import APIResponse, Route, expect

from tests.browser.at_the_door import (
    EVERYTHING,
    LEFT,
    READY,
    WIPED,
    arrived,
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

ASK_FOR_A_SHELL = """async () => {
  const { active } = await navigator.serviceWorker.ready;
  active.postMessage({ keepShell: document.querySelector("[data-phone]").dataset.queueUrl });
}"""
CLEAR = """async () => {
  for (const name of await caches.keys()) if (name.startsWith("shells-")) await caches.delete(name);
  const db = await new Promise((done) => { indexedDB.open("arrears-desk").onsuccess = (e) => done(e.target.result); });
  const rounds = db.transaction("rounds", "readwrite").objectStore("rounds");
  await new Promise((done) => { rounds.clear().onsuccess = done; });
}"""
HELD_IN_THE_WORKER = """() => {
  const ask = self.fetch;
  self.fetch = async (...asked) => {
    const answer = await ask(...asked);
    if (String(asked[0]).endsWith("/visits/queue/")) await new Promise((done) => { self.letGo = done; });
    return answer;
  };
}"""


def test_an_expired_session_and_somebody_else(sign_in: SignIn, stack: Stack) -> None:
    page = sign_in("housekeeper", width=PHONE)
    open_round(page, stack.address)
    ready_for_the_stairs(page)
    with without_network(page):
        open_round(page, stack.address)
        record(page, "过期后补传", photos=[photo("red")])
        page.context.clear_cookies(name="sessionid")
    expect(page.get_by_text("登录已失效")).to_be_visible()
    expect(waiting(page)).to_have_count(1)

    sign_in_on(page, stack, "officer")
    page.goto(f"{stack.address}/p/fhc1/visits/queue/")
    expect(page.get_by_text("本机还有其他人登记的1条")).to_be_visible()
    expect(waiting(page)).to_have_count(0)
    expect(page.locator("main")).not_to_contain_text("无人应门")
    assert arrived(stack, "过期后补传") == []
    sign_out(page)
    assert page.evaluate(LEFT) == {"shells": 0, "rounds": 0, "queue": 1}

    sign_in_on(page, stack, "housekeeper")
    page.goto(f"{stack.address}/p/fhc1/visits/queue/")
    expect(page.locator("[data-group=sent] .qi > .body")).to_have_count(1)
    assert arrived(stack, "过期后补传") == [["过期后补传", 1, 1, ""]]


def test_what_is_on_its_way_when_one_signs_out_does_not_stay(sign_in: SignIn, stack: Stack) -> None:
    page = sign_in("housekeeper", width=PHONE)
    open_round(page, stack.address)
    ready_for_the_stairs(page)
    [worker] = page.context.service_workers
    worker.evaluate(HELD_IN_THE_WORKER)
    other = page.context.new_page()
    held: list[tuple[Route, APIResponse]] = []
    other.route("**/round/download/", lambda route: held.append((route, route.fetch())))
    open_round(other, stack.address)
    other.evaluate(ASK_FOR_A_SHELL)
    while not (held and worker.evaluate("() => Boolean(self.letGo)")):
        other.wait_for_timeout(50)

    sign_out(page, is_wiped=False)
    assert page.evaluate(LEFT) == {"shells": 0, "rounds": 0, "queue": 0}
    [(route, answer)] = held
    route.fulfill(response=answer)
    worker.evaluate("() => self.letGo()")
    page.wait_for_function(WIPED)
    assert page.evaluate(LEFT) == {"shells": 0, "rounds": 0, "queue": 0}


def test_without_encryption_nothing_is_kept(sign_in: SignIn, stack: Stack) -> None:
    page = sign_in("housekeeper", width=PHONE)
    page.wait_for_function(READY)
    page.evaluate(CLEAR)
    page.add_init_script(
        "Object.defineProperty(Crypto.prototype, 'subtle', { value: undefined })"
    )  # as over plain http
    open_round(page, stack.address)
    expect(page.get_by_text("本机不保存任何内容")).to_be_visible()
    assert page.evaluate(LEFT) == {"shells": 0, "rounds": 0, "queue": 0}


def test_what_lies_on_the_phone_cannot_be_read_there(sign_in: SignIn, stack: Stack) -> None:
    page = sign_in("housekeeper", width=PHONE)
    open_round(page, stack.address)
    amounts = page.locator("a.ad-visit .a").all_inner_texts()
    parties = page.locator("a.ad-visit .u small").all_inner_texts()
    ready_for_the_stairs(page)
    with without_network(page):
        open_round(page, stack.address)
        shown = page.locator("[data-view=round]").inner_text()
        record(page, "业主在加班", photos=[])
        kept = page.evaluate(EVERYTHING)
    assert "fhc1" in kept, "the store was read at all"
    assert not [word for word in [*amounts, *parties, "业主在加班"] if word and word in kept]
    assert not [amount for amount in amounts if amount and amount in shown], "a band instead of the amount"
