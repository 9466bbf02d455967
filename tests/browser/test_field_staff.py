"""A housekeeper's round on the phone: the bag packed, a door visited, the visit on the case's timeline; and what was
typed survives the end of the session."""

import io
import re
from collections.abc import Callable

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.at_the_door import doors_to_visit, open_form, pack_the_bag
from tests.browser.conftest import PHONE, SignIn, Stack

pytestmark = pytest.mark.browser

Picture = Callable[[Page, str], None]


def photo() -> bytes:
    """Larger than what is kept, so that the phone has something to make small."""
    buffer = io.BytesIO()
    Image.linear_gradient("L").resize((2400, 1800)).convert("RGB").save(buffer, "JPEG")
    return buffer.getvalue()


KEPT_ON_THE_PHONE = """async () => {
  const got = (request) => new Promise((done) => { request.onsuccess = () => done(request.result); });
  const stores = (await got(indexedDB.open("arrears-desk"))).transaction(["keys", "drafts"]);
  const drafts = await got(stores.objectStore("drafts").getAll());
  const keys = await got(stores.objectStore("keys").getAll());
  const words = drafts.map((draft) => new TextDecoder().decode(draft.fields.sealed));
  return { words: words.join(), readable: keys.some((key) => key.extractable), drafts: drafts.length };
}"""


def drafts_left(page: Page) -> int:
    """Drafts on the phone once the page has had its time: it forgets a recorded visit after it has been shown."""
    for _ in range(50):
        left = page.evaluate(KEPT_ON_THE_PHONE)["drafts"]
        if not left:
            break
        page.wait_for_timeout(100)
    return left


def test_a_round_from_the_checklist_to_the_timeline(sign_in: SignIn, picture: Picture) -> None:
    page = sign_in("housekeeper", width=PHONE)
    expect(page.get_by_role("heading", name="今日上门")).to_be_visible()
    pack_the_bag(page)
    waiting = doors_to_visit(page).count()
    picture(page, "field-390")
    unit = open_form(page)

    next_step = page.get_by_role("link", name="下一步")
    next_step.click()
    expect(page).not_to_have_url(re.compile("#s2"))  # there is no visit without an outcome
    page.get_by_role("radio", name="见到业主").check()
    page.get_by_role("radio", name="承诺日期").check()
    page.get_by_role("radio", name=re.compile("^全部")).check()
    next_step.click()

    page.get_by_role("radio", name="对服务不满").check()
    page.get_by_role("radio", name="投诉").check()
    page.get_by_label("业主说了什么").fill("地库入口的灯坏了两个多月")
    page.get_by_label("备注").fill("业主说月底发工资就缴")
    next_step.click()

    files = [
        {"name": "door.jpg", "mimeType": "image/jpeg", "buffer": photo()},
        {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no photo"},
    ]
    page.get_by_label("拍照").set_input_files(files)
    expect(page.get_by_text(re.compile(r"已在手机上压缩，1张共"))).to_be_visible()
    expect(page.get_by_text("未加入，不是JPEG、PNG或WebP照片：notes.txt")).to_be_visible()
    page.get_by_role("checkbox", name="放了留言条").check()
    page.get_by_role("button", name="保存登记").click()

    expect(page.get_by_text("上门已登记")).to_be_visible()
    expect(page.get_by_text("地库入口的灯坏了两个多月")).to_be_visible()
    page.get_by_role("link", name="返回今日上门").click()
    expect(doors_to_visit(page)).to_have_count(waiting - 1)
    page.locator("a.ad-visit.done", has_text=unit.split("-")[-1]).first.click()
    timeline = page.locator(".ad-tl")
    expect(timeline).to_contain_text("上门、见到业主、承诺日期")
    expect(timeline).to_contain_text("业主说月底发工资就缴")
    expect(timeline.get_by_role("link", name="照片 1")).to_be_visible()


def test_nothing_typed_is_lost_when_the_session_ends(sign_in: SignIn, stack: Stack) -> None:
    page = sign_in("housekeeper", width=PHONE)
    pack_the_bag(page)
    open_form(page)
    page.get_by_role("radio", name="无人应门").check()
    page.get_by_role("link", name="下一步").click()
    page.get_by_label("备注").fill("敲门三次无人应")
    page.get_by_role("link", name="下一步").click()
    page.get_by_label("拍照").set_input_files({"name": "door.jpg", "mimeType": "image/jpeg", "buffer": photo()})
    expect(page.get_by_role("button", name="删除这张照片")).to_be_visible()

    kept = page.evaluate(KEPT_ON_THE_PHONE)
    assert kept["drafts"] == 1
    assert not kept["readable"]
    assert "敲门" not in kept["words"]
    assert "outcome" not in kept["words"]

    page.context.clear_cookies(name="sessionid")
    page.get_by_role("button", name="保存登记").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("没有提交")
    with page.context.expect_page() as opened:
        dialog.get_by_role("link", name="登录").click()
    login, password = stack.sign_ins["housekeeper"]
    opened.value.get_by_label("手机号或姓名").fill(login)
    opened.value.get_by_label("密码").fill(password)
    opened.value.get_by_role("button", name="登录").click()
    expect(opened.value.get_by_role("heading", name="今日上门")).to_be_visible()
    opened.value.close()
    expect(page.get_by_label("备注")).to_have_value("敲门三次无人应")

    # Even a page that was closed meanwhile comes back as it was left.
    page.reload()
    expect(page.get_by_text("上次填了没有提交的内容已恢复")).to_be_visible()
    expect(page.get_by_role("button", name="删除这张照片")).to_be_visible()
    page.get_by_role("button", name="保存登记").click()
    expect(page.get_by_text("上门已登记")).to_be_visible()
    expect(page.get_by_text("敲门三次无人应")).to_be_visible()
    assert drafts_left(page) == 0
    page.go_back()
    page.reload()
    expect(page.get_by_text("上次填了没有提交的内容已恢复")).to_be_hidden()
