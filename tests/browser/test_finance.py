"""Finance brings a workbook of the charging system into the ledger, in a browser."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import SignIn

pytestmark = pytest.mark.browser

Picture = Callable[[Page, str], None]
SAMPLE = Path(__file__).parents[1] / "data" / "欠费明细_长表.xlsx"
WORKED_WITHIN = 60_000  # ms; the worker reads, checks and posts some thousand rows


def open_the_upload(page: Page) -> None:
    page.get_by_role("navigation", name="主导航").get_by_role("link", name="导入").click()
    page.get_by_role("link", name="导入表格").click()


def test_finance_imports_a_workbook_and_finds_it_in_the_ledger(sign_in: SignIn, picture: Picture) -> None:
    page = sign_in("finance")
    open_the_upload(page)
    page.get_by_label("表格文件").set_input_files(SAMPLE)
    page.get_by_label("新建档案里没有的房屋").check()
    page.get_by_role("button", name="上传并读取").click()

    check = page.get_by_role("button", name="检查")
    expect(check).to_be_visible(timeout=WORKED_WITHIN)
    expect(page.get_by_label("第 K 列导入为")).to_have_value("due")
    expect(page.get_by_text("2,616 行数据")).to_be_visible()
    check.click()

    agree = page.get_by_role("button", name=re.compile("^(过账全部|只过账无误的)"))
    expect(agree).to_be_visible(timeout=WORKED_WITHIN)
    expect(page.get_by_role("heading", name="与表中合计核对")).to_be_visible()
    expect(page.get_by_text("全部一致")).to_be_visible()
    agree.click()
    page.get_by_role("dialog").get_by_role("button", name="继续").click()

    told = page.locator(".ad-msg.green")
    expect(told).to_contain_text(re.compile(r"已过账 [\d,]+ 行"), timeout=WORKED_WITHIN)
    told.get_by_role("link", name="看欠费台账").click()
    expect(page.get_by_role("heading", name="欠费台账")).to_be_visible()
    picture(page, "finance-1280")
    page.goto(f"{page.url}?q=A24")
    expect(page.locator("tbody td.title").first).to_have_text("商铺-A24")


def test_a_file_that_is_too_large_is_refused_in_the_browser(sign_in: SignIn, tmp_path: Path) -> None:
    large = tmp_path / "large.xlsx"
    with large.open("wb") as file:
        file.truncate(51 << 20)
    page = sign_in("finance", width=390)
    open_the_upload(page)
    field = page.get_by_label("表格文件")
    field.set_input_files(large)
    assert field.evaluate("field => field.validationMessage") == "文件超过 50 MB。请分成几个文件。"
    page.get_by_role("button", name="上传并读取").click()
    expect(page).to_have_url(re.compile("/imports/new/$"))
    field.set_input_files(SAMPLE)
    assert field.evaluate("field => field.validationMessage") == ""


def test_a_payment_being_typed_survives_the_end_of_the_session(sign_in: SignIn) -> None:
    page = sign_in("finance")
    page.get_by_role("navigation", name="主导航").get_by_role("link", name="欠费台账").click()
    page.locator("tbody td.title a").first.click()
    page.get_by_role("link", name="登记收款").click()
    page.get_by_label("金额", exact=True).fill("12.50")
    page.get_by_label("备注").fill("请转前台")
    page.context.clear_cookies(name="sessionid")
    page.get_by_role("button", name="登记收款").click()
    expect(page.get_by_role("dialog")).to_contain_text("您已退出登录")
    expect(page.get_by_label("备注")).to_have_value("请转前台")
