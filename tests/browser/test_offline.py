"""A round without a network: opened again, visits with photos that wait, corrected and removed, and what arrives."""

import re

import pytest
from playwright.sync_api import Route, expect

from tests.browser.at_the_door import (
    EVERYTHING,
    READY,
    arrived,
    doors,
    doors_to_visit,
    open_form,
    open_round,
    photo,
    ready_for_the_stairs,
    record,
    waiting,
    without_network,
)
from tests.browser.conftest import PHONE, SignIn, Stack

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("more_doors")]

PAID = """
from django.utils import timezone
from arrears.models import Payment
from arrears.posting import post_payment
from collection.following import follow_ledger
from collection.models import Case
case = Case.objects.select_related("account", "project").get(pk={case})
now, today = timezone.now(), timezone.localdate()
post_payment(
    account_id=case.account_id, amount=case.overdue, received_on=today, now=now, method=Payment.Method.BANK,
    serial_no="offline-" + str(case.pk),
)
follow_ledger(today=today, now=now, project=case.project)
"""


@pytest.mark.parametrize("width", [PHONE, pytest.param(360, marks=pytest.mark.long)])
def test_a_round_without_a_network(sign_in: SignIn, stack: Stack, width: int) -> None:
    page = sign_in("housekeeper" if width == PHONE else "officer", width=width)
    page.set_viewport_size({"width": width, "height": 800})
    open_round(page, stack.address)
    ready_for_the_stairs(page)
    count = doors_to_visit(page).filter(has_not_text="未核实").count()  # the others are not told on a phone
    mark = f"离线{width}"
    context = page.context
    with without_network(page):
        page.reload()
        expect(doors(page)).to_have_count(count)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for number, colour in enumerate(["red", "green", "blue"], start=1):
            record(page, f"{mark}第{number}户", photos=[photo(colour)])
            expect(waiting(page)).to_have_count(number)
            open_round(page, stack.address)

        page.close()
        page = context.new_page()
        page.goto(f"{stack.address}/p/fhc1/visits/queue/")
        expect(waiting(page)).to_have_count(3)
        assert page.evaluate("document.documentElement.scrollWidth") <= width

        waiting(page).nth(1).get_by_role("link", name="修改").click()
        expect(page.get_by_label("备注")).to_have_value(f"{mark}第2户")
        page.get_by_role("link", name="下一步").first.click()
        page.get_by_label("备注").fill(f"{mark}第2户，改过")
        page.get_by_role("link", name="下一步").click()
        expect(page.get_by_role("button", name="删除这张照片")).to_have_count(1)
        page.get_by_role("button", name="保存登记").click()
        expect(waiting(page)).to_have_count(3)

        waiting(page).filter(has_not_text="改过").first.get_by_role("button", name="移除").click()
        page.get_by_role("button", name="继续").click()
        expect(waiting(page)).to_have_count(2)
        assert arrived(stack, mark) == []
    expect(page.locator("[data-group=sent] .qi > .body")).to_have_count(2)
    expect(waiting(page)).to_have_count(0)
    page.get_by_role("button", name="立即发送").click()
    assert sorted(arrived(stack, mark)) == [[f"{mark}第2户，改过", 2, 1, ""], [f"{mark}第3户", 1, 1, ""]]


TAKEN = "SJ-离线-0001"


def test_what_the_server_sends_back_is_kept_with_its_reason(sign_in: SignIn, stack: Stack) -> None:
    page = sign_in("housekeeper", width=PHONE)
    open_round(page, stack.address)
    ready_for_the_stairs(page)
    with without_network(page):
        open_round(page, stack.address)
        for number in (1, 2):
            record(page, f"收款第{number}户", photos=[], receipt=TAKEN)
            open_round(page, stack.address)
        page.goto(f"{stack.address}/p/fhc1/visits/queue/")
        expect(waiting(page)).to_have_count(2)
    back = page.locator("[data-group=refused] .qi > .body")
    expect(back).to_have_count(1)
    expect(back).to_contain_text("收据号：")
    reason = (back.locator("[data-why]").text_content() or "").split("：")[1]
    assert reason[:12] not in page.evaluate(EVERYTHING), "what the server said is sealed too"
    page.reload()
    expect(back).to_have_count(1)

    back.get_by_role("link", name="修改").click()
    expect(page.get_by_role("alert").filter(has_text="收据号")).to_be_visible()
    page.get_by_label("收据号").fill(f"{TAKEN}-2")  # its step is open
    corrected = page.url
    page.get_by_role("button", name="保存登记").click()
    expect(page.locator("[data-group=sent] .qi > .body")).to_have_count(2)
    page.goto(corrected)
    expect(page.get_by_text("这次上门已不在本机等待")).to_be_visible()
    expect(page.get_by_role("button", name="保存登记")).to_be_hidden()
    assert [visit[:2] for visit in arrived(stack, "收款第")] == [["收款第1户", 1], ["收款第2户", 2]]


def test_a_visit_that_the_server_cannot_read_holds_back_no_other(sign_in: SignIn, stack: Stack) -> None:
    page = sign_in("housekeeper", width=PHONE)
    open_round(page, stack.address)
    ready_for_the_stairs(page)

    def stumble(route: Route) -> None:
        told = route.request.post_data_buffer or b""
        if "卡住的".encode() in told or rb"\u5361\u4f4f\u7684" in told:
            route.fulfill(status=200, content_type="text/html", body="<h1>?</h1>")
        else:
            route.continue_()

    page.route("**/visits/sync/", stumble)
    with without_network(page):
        open_round(page, stack.address)
        for note in ("卡住的一户", "后面的一户"):
            record(page, note, photos=[])
            open_round(page, stack.address)
        page.goto(f"{stack.address}/p/fhc1/visits/queue/")
    expect(page.locator("[data-group=sent] .qi > .body")).to_have_count(1)
    expect(page.get_by_text("有一次上门服务器没能处理")).to_be_visible()
    expect(waiting(page)).to_have_count(1)
    assert [visit[0] for visit in arrived(stack, "后面的一户")] == ["后面的一户"]
    assert arrived(stack, "卡住的一户") == []


def test_paid_meanwhile(sign_in: SignIn, stack: Stack) -> None:
    page = sign_in("housekeeper", width=PHONE)
    open_round(page, stack.address)
    ready_for_the_stairs(page)
    with without_network(page):
        open_round(page, stack.address)
        doors(page).first.wait_for()
        case = re.search(r"/cases/(\d+)/", str(doors(page).first.get_attribute("href")))
        assert case
        record(page, "其间缴清", photos=[])
        stack.run(PAID.format(case=case[1]))
    sent = page.locator("[data-group=sent] .qi > .body")
    expect(sent).to_contain_text("期间已缴清")
    assert arrived(stack, "其间缴清") == [["其间缴清", 1, 0, "paid"]]


def test_an_older_page_keeps_its_queue_until_it_is_loaded_anew(sign_in: SignIn, stack: Stack) -> None:
    page = sign_in("housekeeper", width=PHONE)
    open_round(page, stack.address)
    ready_for_the_stairs(page)
    page.route("**/visits/sync/", lambda route: route.fulfill(json={"version": 2, "person": 0, "token": ""}))
    with without_network(page):
        open_round(page, stack.address)
        record(page, "旧版页面", photos=[])
    expect(page.get_by_text("系统已更新")).to_be_visible()
    expect(waiting(page)).to_have_count(1)
    page.unroute("**/visits/sync/")
    page.get_by_role("button", name="重新加载").click()
    expect(page.locator("[data-group=sent] .qi > .body")).to_have_count(1)
    assert len(arrived(stack, "旧版页面")) == 1


def test_a_form_opened_with_a_network_and_sent_without(sign_in: SignIn, stack: Stack) -> None:
    page = sign_in("housekeeper", width=PHONE)
    open_round(page, stack.address)
    ready_for_the_stairs(page)
    open_form(page)
    page.wait_for_function(READY)
    with without_network(page):
        page.get_by_role("radio", name="家人或租户").check()
        page.get_by_role("radio", name="承诺日期").check()
        page.get_by_role("radio", name=re.compile("^全部")).check()
        page.get_by_role("link", name="下一步").click()
        page.get_by_label("备注").fill("开着表单断网")
        page.get_by_role("link", name="下一步").click()
        page.get_by_role("button", name="保存登记").click()
        expect(waiting(page)).to_contain_text("家人或租户")
        waiting(page).get_by_role("link", name="修改").click()
        expect(page.get_by_role("radio", name="其他金额")).to_be_checked()  # the amount that the page had offered
        page.get_by_role("button", name="直接保存").click()
    expect(page.locator("[data-group=sent] .qi > .body")).to_have_count(1)
    assert [visit[:2] for visit in arrived(stack, "开着表单断网")] == [["开着表单断网", 2]]
