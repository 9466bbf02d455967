"""The whole form of a visit by keyboard alone and by thumb alone: few enough actions for a minute at a door."""

import datetime as dt
import io
import time
from collections.abc import Callable
from zoneinfo import ZoneInfo

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.browser.at_the_door import open_form, pack_the_bag
from tests.browser.conftest import DESKTOP, PHONE, SignIn

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("more_doors")]

Keep = Callable[[str, object], None]
MOST_KEYS, MOST_TOUCHES = 60, 20
OUT_OF_REACH = """(element) => {
  const { top, bottom } = (element.closest("label") ?? element).getBoundingClientRect();
  const bar = [...document.querySelectorAll(".ad-pbar")].find((one) => one.offsetHeight);
  return top < 0 || bottom > (bar ? bar.getBoundingClientRect().top : innerHeight);
}"""


def photo() -> dict[str, object]:
    buffer = io.BytesIO()
    Image.new("RGB", (2400, 1800), "teal").save(buffer, "JPEG")
    return {"name": "door.jpg", "mimeType": "image/jpeg", "buffer": buffer.getvalue()}


def another_day() -> dt.date:
    return dt.date(dt.datetime.now(ZoneInfo("Asia/Shanghai")).year, 12, 31)  # what the arrow down makes of an empty day


class Keyboard:
    """Presses keys and counts them. What is typed counts as one: how long it takes is a matter of the words."""

    def __init__(self, page: Page) -> None:
        self.page, self.actions = page, 0

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
            self.actions += 1

    def tab_to(self, wanted: Locator) -> None:
        for _ in range(20):
            if wanted.evaluate("(element) => element === document.activeElement"):
                return
            self.press("Tab")
        raise AssertionError(f"{wanted} is not reached by Tab")

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)
        self.actions += 1


class Thumb:
    """Taps, and swipes where what is to be tapped lies outside the screen or below the bar; counts both."""

    def __init__(self, page: Page) -> None:
        self.page, self.actions = page, 0

    def tap(self, wanted: Locator) -> None:
        if wanted.evaluate(OUT_OF_REACH):
            wanted.scroll_into_view_if_needed()
            self.actions += 1
        wanted.tap(force=True)  # a radio lies unseen in its label
        self.actions += 1

    def type(self, wanted: Locator, text: str) -> None:
        self.tap(wanted)
        wanted.fill(text)
        self.actions += 1


def expect_all_recorded(page: Page, note: str) -> None:
    expect(page.get_by_text("上门已登记")).to_be_visible()
    told = page.locator("dl")
    expect(told).to_contain_text("见到业主，承诺日期")
    expect(told).to_contain_text(another_day().isoformat())
    expect(told).to_contain_text("已放留言条")
    expect(told).to_contain_text(note)
    expect(told.locator("dt", has_text="照片").locator("+ dd")).to_have_text("1")


def go_on(hands: Keyboard) -> None:
    """On the phone one step is shown at a time."""
    following = hands.page.get_by_role("link", name="下一步")
    if following.is_visible():
        hands.tab_to(following)
        hands.press("Enter")


@pytest.mark.parametrize("width", [DESKTOP, PHONE])
def test_by_keyboard_alone(sign_in: SignIn, record_property: Keep, width: int) -> None:
    page = sign_in("housekeeper", width=width)
    pack_the_bag(page)
    open_form(page)
    page.on("filechooser", lambda chooser: chooser.set_files([photo()]))
    began = time.monotonic()
    hands = Keyboard(page)
    if width == DESKTOP:
        hands.tab_to(page.get_by_role("link", name="跳到正文"))  # past search and navigation
        hands.press("Enter")
    hands.tab_to(page.get_by_role("radio", name="见到业主"))
    hands.press("Space")
    hands.tab_to(page.get_by_role("radio", name="没有谈费用"))
    hands.press("ArrowDown")  # round to the first
    expect(page.get_by_role("radio", name="承诺日期")).to_be_checked()
    hands.press("Tab", "ArrowDown", "ArrowDown")
    expect(page.get_by_role("radio", name="选别的日期")).to_be_checked()
    hands.press("Tab", "ArrowDown", "ArrowRight", "ArrowDown", "ArrowRight", "ArrowDown")
    expect(page.locator("[name=promise_date]")).to_have_value(another_day().isoformat())
    go_on(hands)
    hands.tab_to(page.locator("[name=reason]:checked"))
    hands.press("ArrowDown")
    hands.tab_to(page.get_by_label("备注"))
    hands.type("只用键盘登记")
    go_on(hands)
    hands.tab_to(page.get_by_label("拍照"))
    hands.press("Space")
    expect(page.get_by_role("button", name="删除这张照片")).to_be_visible()
    hands.tab_to(page.get_by_role("checkbox", name="放了留言条"))
    hands.press("Space")
    hands.tab_to(page.locator("[name=next_contact]:checked"))
    hands.press("ArrowDown")
    hands.tab_to(page.get_by_role("button", name="保存登记"))
    hands.press("Enter")
    expect_all_recorded(page, "只用键盘登记")
    record_property("seconds", round(time.monotonic() - began, 1))
    record_property("keys", hands.actions)
    assert hands.actions <= MOST_KEYS


def test_by_thumb_alone(sign_in: SignIn, record_property: Keep) -> None:
    page = sign_in("housekeeper", width=PHONE)
    pack_the_bag(page)
    open_form(page)
    page.on("filechooser", lambda chooser: chooser.set_files([photo()]))
    began = time.monotonic()
    hand = Thumb(page)
    hand.tap(page.get_by_role("radio", name="见到业主"))
    hand.tap(page.get_by_role("radio", name="承诺日期"))
    hand.tap(page.get_by_role("radio", name="选别的日期"))
    hand.type(page.locator("[name=promise_date]"), another_day().isoformat())
    hand.tap(page.get_by_role("link", name="下一步"))
    hand.tap(page.get_by_role("radio", name="对服务不满"))
    hand.type(page.get_by_label("备注"), "只用拇指登记")
    hand.tap(page.get_by_role("link", name="下一步"))
    hand.tap(page.get_by_label("拍照"))
    expect(page.get_by_role("button", name="删除这张照片")).to_be_visible()
    hand.tap(page.get_by_role("checkbox", name="放了留言条"))
    hand.tap(page.locator("[name=next_contact]").nth(1))
    hand.tap(page.get_by_role("button", name="保存登记"))
    expect_all_recorded(page, "只用拇指登记")
    record_property("seconds", round(time.monotonic() - began, 1))
    record_property("touches", hand.actions)
    assert hand.actions <= MOST_TOUCHES
