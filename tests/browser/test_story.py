"""A campaign from the import of its arrears to its settlement, each step taken by the person it is for."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from collection.models import Case
from company.models import User
from config.celery import app
from notices.models import Notice
from tests.browser.conftest import PHONE, browsing
from tests.browser.story import OWNERS, Story, add_emergency_contact, arrears_workbook, press, told
from tests.notice_factories import pdf_of

KEEPS, BREAKS, BURGLED, UNREACHABLE, HISTORICAL = "2-1-101", "2-1-102", "3-1-101", "3-1-102", "4-1-101"
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def story(
    live_server: LiveServer, monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path
) -> Iterator[Story]:
    settings.MEDIA_ROOT = tmp_path
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright's event loop runs in this thread
    app.loader.import_default_modules()  # a worker would; here tasks run where they are sent
    monkeypatch.setitem(app.conf, "task_always_eager", True)
    monkeypatch.setattr(app, "send_task", lambda name, args=(), **_: app.tasks[name].apply(args))
    with browsing() as chromium, told(live_server.url, chromium) as story:
        yield story


def test_from_import_to_settlement(story: Story) -> None:
    finance_imports_the_arrears(story)
    manager_plans_the_campaign(story)
    manager_makes_teams_and_shares_the_cases(story)
    everybody_reads_the_files_of_their_cases(story)
    a_paid_case_disappears_from_the_round(story)
    a_call_is_refused_at_night(story)
    the_fourth_visit_of_a_week_needs_the_manager(story)
    one_promise_is_kept_and_one_broken(story)
    a_historical_issue_leaves_the_base(story)
    an_unreachable_owner_is_sought_and_written_to(story)
    a_burgled_case_walks_to_a_lawyer_letter(story)
    water_cannot_be_cut(story)
    the_results_are_settled(story)


def finance_imports_the_arrears(story: Story) -> None:
    page = story.page("finance", "imports/new/")
    page.get_by_label("表格文件").set_input_files(
        {"name": "应收.xlsx", "mimeType": "application/vnd.ms-excel", "buffer": arrears_workbook()}
    )
    press(page, "上传并读取")
    press(page, "检查")
    press(page, re.compile("^过账全部"), agree=True)
    expect(page.locator(".ad-msg.green")).to_contain_text("已过账 72 行")
    story.beat()


def manager_plans_the_campaign(story: Story) -> None:
    """Letters that are all sent before their template is ready are pointed out; the dates are mended."""
    page = story.page("manager", "campaign/new/")
    page.get_by_label("名称").fill("十一月集中催缴")
    page.get_by_label("开始日期").fill("2025-11-03")
    page.get_by_label("结束日期").fill("2025-12-20")
    page.get_by_label("律师函模板与律所委托就绪").fill("2025-12-18")
    page.get_by_label("律师函全部发出").fill("2025-12-16")
    press(page, "保存")
    expect(page.get_by_role("alert").filter(has_text="这些日期互相矛盾")).to_be_visible()
    alert = page.get_by_role("alert").filter(has_text="这些日期互相矛盾")
    expect(alert).to_contain_text("模板 2025-12-18 才就绪，晚于需要它的律师函（2025-12-16）")
    page.get_by_label("律师函模板与律所委托就绪").fill("2025-11-10")
    press(page, "保存")
    expect(page.get_by_role("heading", name="十一月集中催缴")).to_be_visible()
    press(page, "开始")
    expect(page.get_by_text("进行中").first).to_be_visible()


def manager_makes_teams_and_shares_the_cases(story: Story) -> None:
    page = story.page("manager", "teams/propose/?count=2")
    press(page, "按此建立")
    expect(page.locator(".ad-msg")).to_contain_text("已建立 2 个小组")
    page.goto(f"{story.address}/p/story/assignment/")
    press(page, "提议分派")
    column = page.locator("[data-holder]").first
    loads = column.locator(".ad-load").inner_text()
    menu = column.locator("form.mv").first
    menu.get_by_text("移到…").click()
    menu.get_by_role("button", name="移动").click()
    expect(column.locator(".ad-load")).not_to_have_text(loads, use_inner_text=True)
    press(page, "确认分派")
    expect(page.get_by_role("button", name="提议分派")).to_be_visible()


def everybody_reads_the_files_of_their_cases(story: Story) -> None:
    """Nobody is contacted before; the round says so until then."""
    story.at("11-03", "15:00")
    first = story.case("1-1-101")
    page = story.page(first.responsible, "round/", width=PHONE)
    expect(page.locator("a.ad-visit").filter(has_text="甘")).to_contain_text("案件资料还没有人核阅")
    for unit in OWNERS:
        case = story.case(unit)
        page = story.page(case.responsible, f"cases/{case.pk}/")
        for part in page.locator("#review").get_by_role("checkbox").all():
            part.check()
        press(page, "我已阅看")
        expect(page.locator(".ad-msg.green")).to_contain_text("已核阅")


def a_paid_case_disappears_from_the_round(story: Story) -> None:
    story.at("11-04")
    case = story.case("1-1-101")
    page = story.page(case.responsible, "round/", width=PHONE)
    page.get_by_label("已在收费系统里查过").check()
    press(page, "全部核实")
    expect(page.get_by_text("户未核实")).to_have_count(0)
    door = page.locator("a.ad-visit").filter(has_text="甘")
    expect(door).to_contain_text("2,400.00")

    finance_posts_a_payment(story, case)

    page = story.page(case.responsible, "round/", width=PHONE)
    door = page.locator("a.ad-visit").filter(has_text="甘")
    expect(door).to_contain_text("不用去了")


def finance_posts_a_payment(story: Story, case: Case) -> None:
    """All that the case owes, by bank transfer today."""
    page = story.page("finance", f"ledger/?q={case.account.unit.code}")
    page.locator("tbody td.title a").first.click()
    page.get_by_role("link", name="登记收款").click()
    page.get_by_label("金额", exact=True).fill(str(case.overdue))
    press(page, "登记收款")
    expect(page.locator(".ad-msg.green")).to_be_visible()
    story.beat()


def a_call_is_refused_at_night(story: Story) -> None:
    story.at("11-04", "21:30")
    case = story.case("1-1-102")
    page = story.page(case.responsible, f"cases/{case.pk}/contact/")
    refusal = page.locator(".ad-next, .ad-msg, .ad-card").filter(has_text="现在不要联系").first
    expect(refusal).to_contain_text("联系时段是9:00–20:00")
    expect(refusal).to_contain_text("11月5日 9:00起可联系")


def the_fourth_visit_of_a_week_needs_the_manager(story: Story) -> None:
    case = story.case("1-1-102")
    for day in ("11-04", "11-05", "11-06"):
        story.at(day, "18:30")
        log_visit(story, case.responsible, case, "无人应门")
    story.at("11-07", "18:30")
    page = story.page(case.responsible, f"cases/{case.pk}/visit/")
    expect(page.get_by_text("现在不宜上门")).to_be_visible()
    expect(page.get_by_text("7天内已上门3次，11月11日 18:30起可联系")).to_be_visible()

    page = story.page("manager", f"cases/{case.pk}/limits/")
    page.get_by_label("原因").fill("业主来电约今晚当面谈")
    press(page, "今天放行")
    page.wait_for_url(re.compile(r"/cases/\d+/$"))
    log_visit(story, case.responsible, case, "见到业主")
    timeline = story.page("manager", f"cases/{case.pk}/").locator(".ad-tl")
    expect(timeline).to_contain_text("特批：11月7日上门")
    expect(timeline).to_contain_text("业主来电约今晚当面谈")
    expect(timeline).to_contain_text("突破限制：7天内上门3次")


def log_visit(story: Story, who: User, case: Case, outcome: str, *choices: str) -> None:
    """Fills the form at the door and saves it."""
    page = story.page(who, f"cases/{case.pk}/visit/")
    for choice in (outcome, *choices):
        page.get_by_role("radio", name=choice).or_(page.get_by_role("checkbox", name=choice)).first.check()
    press(page, "保存登记")
    expect(page.get_by_text("上门已登记")).to_be_visible()


def log_call(story: Story, who: User, case: Case, outcome: str, *choices: str, whom: str = "") -> None:
    page = story.page(who, f"cases/{case.pk}/contact/")
    if whom:
        number = page.get_by_label("哪个号码")
        number.select_option(number.locator("option", has_text=whom).get_attribute("value"))
    for choice in (outcome, *choices):
        page.get_by_role("radio", name=choice).first.check()
    press(page, "登记")
    expect(page.locator(".ad-msg.green")).to_be_visible()


def one_promise_is_kept_and_one_broken(story: Story) -> None:
    story.at("11-08", "11:00")
    for unit in (KEEPS, BREAKS):
        case = story.case(unit)
        log_call(story, case.responsible, case, "见到业主", "承诺日期")
    story.at("11-12")
    finance_posts_a_payment(story, story.case(KEEPS))
    story.at("11-15")
    story.beat()
    kept = story.page("manager", f"cases/{story.case(KEEPS).pk}/")
    expect(kept.get_by_text("1 次，兑现 1 次")).to_be_visible()
    broken = story.page("manager", f"cases/{story.case(BREAKS).pk}/")
    expect(broken.get_by_text("1 次，兑现 0 次")).to_be_visible()
    expect(broken.get_by_text("未兑现").first).to_be_visible()


def set_reason(story: Story, case: Case, reason: str) -> None:
    page = story.page(case.responsible, f"cases/{case.pk}/")
    page.wait_for_load_state()
    page.locator("summary", has_text="修改").first.click()
    page.get_by_label("原因", exact=True).select_option(label=reason)
    press(page, "设原因")
    expect(page.locator(".ad-msg.green")).to_be_visible()


def next_step(story: Story, unit: str) -> Locator:
    """What the case page names as the next step."""
    return story.page("manager", f"cases/{story.case(unit).pk}/").get_by_role("region", name="下一步")


def an_unreachable_owner_is_sought_and_written_to(story: Story) -> None:
    story.at("11-15", "15:00")
    case = story.case(UNREACHABLE)
    add_emergency_contact(story.project, UNREACHABLE)
    set_reason(story, case, "无法联系")
    log_call(story, case.responsible, case, "无人接听或没有回复")
    expect(next_step(story, UNREACHABLE)).to_contain_text("查找紧急联系人，请其转告")
    story.at("11-17")
    log_call(story, case.responsible, case, "请人转告", whom="紧急联系人")
    expect(next_step(story, UNREACHABLE)).to_contain_text("上门，在本户门上放留言条")
    story.at("11-19", "18:00")
    log_visit(story, case.responsible, case, "无人应门", "放了留言条")
    expect(next_step(story, UNREACHABLE)).to_contain_text("向登记地址寄 EMS 催缴函")
    story.at("11-22")
    verify(story, case)
    letter = letter_is_issued(story, "EMS催缴函")
    assert letter.account_id == case.account_id
    expect(next_step(story, UNREACHABLE)).to_contain_text("决定调解或起诉")


def a_burgled_case_walks_to_a_lawyer_letter(story: Story) -> None:
    story.at("11-22", "15:00")
    case = story.case(BURGLED)
    set_reason(story, case, "家中被盗")
    log_call(story, case.responsible, case, "见到业主")
    expect(next_step(story, BURGLED)).to_contain_text("说明安全防范义务的法律界限")
    story.at("11-23")
    log_visit(story, story.head_of(case), case, "见到业主", "不愿缴")
    expect(next_step(story, BURGLED)).to_contain_text("带书面答复再上门")
    story.at("11-30")
    log_visit(story, case.responsible, case, "见到业主", "不愿缴")
    expect(next_step(story, BURGLED)).to_contain_text("发律师函")
    expect(next_step(story, BURGLED)).to_contain_text("12-15")
    story.at("12-15")
    story.beat()
    verify(story, case)
    letter = letter_is_issued(story, "律师函")
    assert letter.account_id == case.account_id


def verify(story: Story, case: Case) -> None:
    page = story.page(case.responsible, f"cases/{case.pk}/")
    page.get_by_label("已在收费系统核对").check()
    press(page, "核实欠费")
    expect(page.locator(".ad-msg.green")).to_be_visible()


def letter_is_issued(story: Story, kind: str) -> Notice:
    """The notice administrator takes what is due by the playbook from the desk to the finished batch."""
    page = story.page("notices", "notices/")
    page.get_by_role("row").filter(has_text=kind).get_by_role("link", name="建批次").click()
    page.get_by_label("事由").fill("年末催缴")
    press(page, "核对")
    press(page, re.compile("确认并生成"))
    expect(page.get_by_role("link", name="下载").first).to_be_visible()
    return Notice.objects.latest("pk")


def water_cannot_be_cut(story: Story) -> None:
    page = story.page("manager", "playbook/")
    press(page, "起草新版本")
    page.get_by_role("link", name="编辑").first.click()
    cut = page.locator(".pb-step.off").last
    expect(cut).to_contain_text("民法典第九百四十四条")
    cut.get_by_role("checkbox", name="使用中").check()
    press(page, "存入草稿")
    expect(page.get_by_text("没有保存，请改正下面标出的地方")).to_be_visible()
    expect(cut).to_contain_text("不得采取停止供电、供水、供热、供燃气等方式催交物业费")
    page = story.page("manager", "playbook/")
    assert "停水停电" in page.locator("main").inner_text()
    expect(page.get_by_text("永久停用：民法典第九百四十四条").first).to_be_visible()


def a_historical_issue_leaves_the_base(story: Story) -> None:
    story.at("11-15", "14:00")
    case = story.case(HISTORICAL)
    page = story.page(case.responsible, f"cases/{case.pk}/mark/")
    page.get_by_label("历史遗留").check()
    page.get_by_label("原因").fill("开发商移交时的漏水至今未修")
    page.get_by_label("证明材料").set_input_files(
        {"name": "维修单.pdf", "mimeType": "application/pdf", "buffer": pdf_of()}
    )
    press(page, "提交申请")
    expect(page.locator(".ad-msg.green")).to_be_visible()
    page = story.page("manager", "marks/")
    press(page, "批准")
    expect(page.get_by_text("超过 5.00% 须由公司领导审批")).to_be_visible()
    page = story.page("leader", "marks/")
    press(page, "批准")
    expect(page.get_by_text("自今天起本案核出考核基数")).to_be_visible()


def the_results_are_settled(story: Story) -> None:
    """Two of seven flats paid: 4,800 of 14,880, and of 17,280 with the one that the appraisal leaves out."""
    story.at("12-20")
    page = story.page("manager", "dashboard/?on=2025-12-14")
    card = page.locator(".ad-card, .ad-kpi").filter(has_text="住宅物业费").first
    expect(card).to_contain_text("32.26%")
    expect(card).to_contain_text("27.78%")
    page = story.page("manager", "incentives/?on=2025-12-14")
    press(page, re.compile("^提出截至"), agree=True)
    expect(page.get_by_text("待审批")).to_be_visible()
    address = page.url
    page = story.page("leader")
    page.goto(address)
    press(page, "批准", agree=True)
    expect(page.get_by_text("已批准").first).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="项目").filter(has_text="32.26%")).to_have_count(1)
    expect(page.get_by_role("row").filter(has_text=story.case(KEEPS).responsible.name).first).to_contain_text(
        "奖励名单"
    )
    expect(page.locator(".ad-card").filter(has_text="已剔除户")).to_contain_text(HISTORICAL)
