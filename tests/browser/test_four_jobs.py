"""The heart of each person's day, in a browser, on a demonstration that runs as users run it."""

import io
import re
import zipfile
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from pypdf import PdfReader

from tests.browser.conftest import SignIn

pytestmark = pytest.mark.browser

Picture = Callable[[Page, str], None]
MADE_WITHIN = 120_000  # ms; the worker prints a few dozen letters


def test_project_manager_reads_the_dashboard_and_confirms_an_assignment(sign_in: SignIn, picture: Picture) -> None:
    page = sign_in("project_manager")
    expect(page.get_by_role("heading", name="小组进度")).to_be_visible()
    expect(page.locator("[data-course] canvas")).to_be_visible()
    picture(page, "manager-1280")

    page.get_by_role("link", name="小组与分派").first.click()
    page.get_by_role("button", name="提议分派").click()
    column = page.locator("[data-holder]").first
    loads = column.locator(".ad-load").inner_text()
    menu = column.locator("form.mv").first
    menu.get_by_text("移到…").click()
    menu.get_by_role("button", name="移动").click()
    expect(column.locator(".ad-load")).not_to_have_text(loads, use_inner_text=True)

    page.get_by_role("button", name="确认分派").click()
    expect(page.get_by_role("button", name="提议分派")).to_be_visible()
    expect(page.locator(".ad-msg")).to_be_visible()


def test_notice_administrator_issues_letters_and_downloads_them(sign_in: SignIn, picture: Picture) -> None:
    page = sign_in("notice_admin")
    page.get_by_role("link", name="批次").first.click()
    page.get_by_role("link", name="新建批次").first.click()
    page.get_by_label("小组").select_option("一组")
    expect(page).to_have_url(re.compile("team="))
    page.get_by_label("事由").fill("四季度催缴")
    page.get_by_role("button", name="核对").click()
    page.get_by_role("button", name=re.compile("确认并生成")).click()
    merged = page.get_by_role("link", name="下载").first
    expect(page.locator("a[href*='/merged/']")).to_be_visible(timeout=MADE_WITHIN)
    picture(page, "notices-1280")

    letters = page.locator("td a[href$='.pdf'], td a:has(.ti-file-type-pdf)").count()
    assert letters > 0
    with page.expect_download() as pdf:
        merged.click()
    assert len(PdfReader(pdf.value.path()).pages) >= letters
    with page.expect_download() as archive:
        page.locator("a[href*='/zip/']").click()
    names = zipfile.ZipFile(io.BytesIO(archive.value.path().read_bytes())).namelist()
    assert sum(name.endswith(".pdf") for name in names) >= letters
