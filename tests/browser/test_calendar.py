"""The calendar, the roster and a handing over in a browser: at the desk and on the phone."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import SignIn

pytestmark = pytest.mark.browser

PHONE = 390


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def test_the_form_of_a_campaign_counts_its_scope_as_one_chooses(sign_in: SignIn) -> None:
    page = sign_in("project_manager")
    page.get_by_role("link", name="集中催缴", exact=True).first.click()
    page.get_by_role("link", name="修改").click()
    figures = page.locator("#scope-figures")
    whole = figures.inner_text()
    page.get_by_label("开始日账龄，自").select_option(label="1–2 年")
    expect(figures).not_to_have_text(whole)
    older = figures.inner_text()
    page.get_by_label("水电（代收）").first.check()
    expect(figures).not_to_have_text(older)
    expect(figures).to_contain_text("笔")


def test_a_day_of_the_month_opens_its_list_or_case(sign_in: SignIn) -> None:
    page = sign_in("project_manager")
    page.get_by_role("navigation", name="主导航").first.get_by_role("link", name="日历").click()
    counted = page.locator(".ad-cal a.e", has_text=re.compile(r"\d+ 户")).first
    number = re.search(r"(\d+) 户", counted.inner_text())
    counted.click()
    expect(page.locator(".pager")).to_contain_text(f"共 {number[1]} 户")


def test_the_phone_shows_the_days_as_a_list(sign_in: SignIn) -> None:
    page = sign_in("officer", width=PHONE)
    page.goto(re.sub(r"(/p/[^/]+)/.*", r"\1/calendar/", page.url))
    expect(page.locator(".ad-cal-head")).to_be_hidden()
    assert fits(page)
    page.locator(".ad-cal a.e:visible", has_text=re.compile(r"\d-\d+-\d+ ")).first.click()
    expect(page).to_have_url(re.compile(r"/cases/\d+/$"))


def test_the_secret_address_is_shown_once_and_answers_until_it_is_withdrawn(sign_in: SignIn) -> None:
    page = sign_in("housekeeper", width=PHONE)
    page.goto(re.sub(r"/p/.*", "/calendar-address/", page.url))
    page.get_by_role("button", name="生成地址").click()
    address = page.get_by_label("私密地址").input_value()
    assert fits(page)
    assert "BEGIN:VCALENDAR" in page.request.get(address).text()
    page.reload()
    page.goto(re.sub(r"/calendar/.*", "/calendar-address/", address))
    expect(page.get_by_label("私密地址")).to_have_count(0)
    page.get_by_role("button", name="撤回").click()
    page.get_by_role("dialog").get_by_role("button", name="继续").click()
    expect(page.get_by_text("地址已撤回")).to_be_visible()
    assert page.request.get(address).status == 404


def test_a_leavers_cases_are_proposed_to_the_rest_of_the_team(sign_in: SignIn) -> None:
    page = sign_in("project_manager")
    page.get_by_role("link", name="小组与分派").first.click()
    page.get_by_role("link", name="移交欠费户").first.click()
    page.get_by_role("button", name="生成分配方案").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("移交")
    expect(page.get_by_text("怎么算的")).to_be_visible()
    page.get_by_role("button", name="放弃建议").click()
    page.get_by_role("dialog").get_by_role("button", name="继续").click()
    expect(page.get_by_text("草稿已放弃")).to_be_visible()
