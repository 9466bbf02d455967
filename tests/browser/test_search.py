"""The search box in a browser: it answers while one types, and the keyboard walks through what it found."""

import re

import pytest
from playwright.sync_api import Request, expect

from tests.browser.conftest import SignIn

pytestmark = pytest.mark.browser

NUMBER = "13812342617"


def test_the_keyboard_finds_and_opens_a_unit(sign_in: SignIn) -> None:
    page = sign_in("finance")
    page.keyboard.press("/")
    page.keyboard.type("1-1-10")
    found = page.get_by_role("option")
    expect(found.first).to_contain_text("1-1-10")
    page.keyboard.press("ArrowDown")
    expect(found.nth(0)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowDown")
    expect(found.nth(1)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(found.last).to_have_attribute("aria-selected", "true")
    code = found.last.locator("b").inner_text()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/(accounts|cases)/\d+/"))
    expect(page.get_by_text(code).first).to_be_visible()


def test_escape_closes_it_and_enter_alone_opens_the_page_of_all(sign_in: SignIn) -> None:
    page = sign_in("finance")
    page.keyboard.press("/")
    page.keyboard.type("1-1-10")
    expect(page.get_by_role("option").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("option")).to_have_count(0)
    box = page.locator(".ad-search input[name=q]")
    box.fill("1-1-10")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/search/\?q=1-1-10$"))
    expect(page.locator("#hits tbody tr").first).to_be_visible()


def test_a_whole_number_stands_in_no_address(sign_in: SignIn) -> None:
    page = sign_in("finance")
    asked: list[str] = []

    def listen(request: Request) -> None:
        asked.append(request.url)

    page.on("request", listen)
    page.keyboard.press("/")
    page.keyboard.type(NUMBER)
    expect(page.get_by_text("没有符合的房屋或业主")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator("#search-text")).to_have_value(NUMBER)
    assert any("/search/" in url for url in asked)
    assert not [url for url in asked if NUMBER in url]
