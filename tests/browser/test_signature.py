"""The owner signs on the glass, with a mouse or a finger, with a network or without; nothing drawn is nothing sent."""

import io
import json
import re
from collections.abc import Sequence

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.at_the_door import (
    doors,
    fill_in,
    open_form,
    open_round,
    pack_the_bag,
    ready_for_the_stairs,
    waiting,
    without_network,
)
from tests.browser.conftest import PHONE, SignIn, Stack

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("more_doors")]

STROKES = [(0.1, 0.3), (0.3, 0.8), (0.6, 0.2), (0.9, 0.7)]  # of the width and the height of the pad
DRAWN = """() => {
  const pad = document.querySelector(".ad-signpad");
  const look = new OffscreenCanvas(pad.width, pad.height).getContext("2d", { willReadFrequently: true });
  look.drawImage(pad, 0, 0);
  const { data } = look.getImageData(0, 0, pad.width, pad.height);
  let ink = 0;
  for (let at = 3; at < data.length; at += 4) ink += data[at] > 0;
  return { ink, sent: document.querySelector("[name=signature]").value.length > 0 };
}"""
SIGNED = """
import io
import json
from collection.models import Visit
visits = Visit.objects.filter(contact__note={note!r}).select_related("signature", "contact")
print(json.dumps([[hasattr(visit, "signature"), visit.contact.case_id] for visit in visits]))
"""


def places(page: Page) -> list[tuple[float, float]]:
    pad = page.get_by_role("img", name="请用手指在此签名")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box
    assert 2.9 < box["width"] / box["height"] < 3.1, "what is drawn is not stretched"
    return [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in STROKES]


def draw_by_mouse(page: Page) -> None:
    first, *others = places(page)
    page.mouse.move(*first)
    page.mouse.down()
    for place in others:
        page.mouse.move(*place, steps=4)
    page.mouse.up()


def draw_by_finger(page: Page) -> None:
    session = page.context.new_cdp_session(page)

    def touch(kind: str, at: Sequence[tuple[float, float]]) -> None:
        points = [{"x": x, "y": y} for x, y in at]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    first, *others = places(page)
    touch("touchStart", [first])
    for place in others:
        touch("touchMove", [place])
    touch("touchEnd", [])
    session.detach()


def is_drawn(page: Page) -> bool:
    """Whether strokes stand on the pad; what is sent agrees with what is seen."""
    page.wait_for_function(f"() => {{ const {{ ink, sent }} = ({DRAWN})(); return sent === ink > 100; }}")
    return bool(page.evaluate(DRAWN)["sent"])


def signed(stack: Stack, note: str) -> tuple[bool, int]:
    """Whether the visit with ``note`` carries a signature, and its case."""
    told = stack.run(SIGNED.format(note=note))
    is_signed, case = json.loads(told.strip().splitlines()[-1])[-1]
    return bool(is_signed), int(case)


def at_step_3(page: Page, note: str) -> None:
    page.get_by_role("radio", name="见到业主").check()
    page.get_by_role("link", name="下一步").click()
    page.get_by_label("备注").fill(note)
    page.get_by_role("link", name="下一步").click()


def test_by_mouse_kept_in_the_draft_and_shown_to_who_may(sign_in: SignIn, stack: Stack) -> None:
    page = sign_in("housekeeper", width=PHONE)
    pack_the_bag(page)
    open_form(page)
    at_step_3(page, "鼠标签名")
    assert not is_drawn(page)
    draw_by_mouse(page)
    assert is_drawn(page)
    page.get_by_role("button", name="重签").click()
    assert not is_drawn(page)
    draw_by_mouse(page)

    page.reload()
    expect(page.get_by_text("上次填了没有提交的内容已恢复")).to_be_visible()
    assert is_drawn(page)
    page.get_by_role("button", name="保存登记").click()
    expect(page.get_by_text("上门已登记")).to_be_visible()
    is_signed, case = signed(stack, "鼠标签名")
    assert is_signed

    address = f"{stack.address}/p/fhc1/cases/{case}/"
    page.goto(address)
    expect(page.locator(".ad-tl")).to_contain_text("鼠标签名")
    expect(page.get_by_role("link", name="业主签名")).to_have_count(0)
    manager = sign_in("project_manager")
    manager.goto(address)
    link = manager.get_by_role("link", name="业主签名")
    answer = manager.context.request.get(f"{stack.address}{link.get_attribute('href')}")
    with Image.open(io.BytesIO(answer.body())) as image:
        strokes = image.convert("L").histogram()[0]
        assert (image.format, image.size) == ("PNG", (720, 240))
    assert strokes > 100


def test_by_finger_waits_with_the_visit(sign_in: SignIn, stack: Stack) -> None:
    page = sign_in("housekeeper", width=PHONE)
    open_round(page, stack.address)
    ready_for_the_stairs(page)
    with without_network(page):
        open_round(page, stack.address)
        doors(page).first.wait_for()
        fill_in(page, "手指签名", photos=[])
        draw_by_finger(page)
        assert is_drawn(page)
        page.get_by_role("button", name="保存登记").click()
        waiting(page).get_by_role("link", name="修改").click()
        expect(page.get_by_label("备注")).to_have_value("手指签名")
        page.goto(page.url + "#s3")
        assert is_drawn(page)
        page.get_by_role("button", name="保存登记").click()
        expect(waiting(page)).to_have_count(1)
    expect(page.locator("[data-group=sent] .qi > .body")).to_have_count(1)
    assert signed(stack, "手指签名")[0]


def test_nothing_drawn_is_nothing_sent(sign_in: SignIn, stack: Stack) -> None:
    page = sign_in("housekeeper", width=PHONE)
    pack_the_bag(page)
    open_form(page)
    at_step_3(page, "一笔未画")
    draw_by_finger(page)
    assert is_drawn(page)
    page.get_by_role("button", name="重签").click()
    page.get_by_role("button", name="保存登记").click()
    expect(page.get_by_text("上门已登记")).to_be_visible()
    assert not re.search("签名", page.locator("main").inner_text())
    assert not signed(stack, "一笔未画")[0]
