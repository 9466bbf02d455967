"""Round, visit form, queue and case hold nothing that keeps somebody from using them: axe finds nothing serious."""

import re
import uuid
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.at_the_door import (
    doors,
    fill_in,
    open_form,
    open_round,
    pack_the_bag,
    photo,
    ready_for_the_stairs,
    record,
    waiting,
    without_network,
)
from tests.browser.conftest import DESKTOP, PHONE, ROOT, SignIn, Stack

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("more_doors")]

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
FINDINGS = """async (rules) => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"], ...rules });
  const grave = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
  return grave.flatMap(({ id, nodes }) =>
    nodes.map(({ target, any }) => `${id} ${target.join(" ")} ${any.map(({ message }) => message).join("; ")}`));
}"""
WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


RULES = {"light": {}, "dark": {"runOnly": ["color-contrast"]}}  # the dark changes colours and nothing else


class Looking:
    """Looks at a page in the light and in the dark, and remembers what is found."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def at(self, page: Page, what: str) -> None:
        """Raise nothing yet: one run names all that is to be mended."""
        for scheme, rules in RULES.items():
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
            if not page.evaluate("() => 'axe' in globalThis"):
                page.evaluate(AXE.read_text(encoding="utf-8"))
            self.found += [f"{what}, {scheme}: {one}" for one in page.evaluate(FINDINGS, rules)]
            if (wider := page.evaluate(WIDER)) > 0:
                self.found.append(f"{what}: {wider} px wider than the screen")


@pytest.fixture
def looking() -> Iterator[Looking]:
    looking = Looking()
    yield looking
    assert not looking.found, "\n".join(looking.found)


def unfold(page: Page) -> None:
    for part in page.locator("details:not([open]) > summary.ad-sw").all():
        if part.is_visible():
            part.click()


def look_at_steps(page: Page, looking: Looking, what: str) -> None:
    """Each step of the form that is open, with its parts unfolded."""
    address = page.url.split("#")[0]
    for step in (1, 2, 3):
        page.goto(f"{address}#s{step}")
        unfold(page)
        looking.at(page, f"{what}, step {step}")


def test_it_would_be_found(sign_in: SignIn, looking: Looking) -> None:
    """The control: a button without a name, and grey on grey."""
    page = sign_in("housekeeper", width=PHONE)
    page.evaluate("""() => {
      const line = Object.assign(document.createElement("p"), { textContent: "grey" });
      line.style.cssText = "color: #777; background: #888";
      document.querySelector("main").append(document.createElement("button"), line);
    }""")
    looking.at(page, "spoilt")
    found = {tuple(re.findall(r", (light|dark): (\S+)", one)[0]) for one in looking.found}
    assert found == {("light", "button-name"), ("light", "color-contrast"), ("dark", "color-contrast")}
    looking.found.clear()


def test_the_round_and_the_form(sign_in: SignIn, looking: Looking) -> None:
    page = sign_in("housekeeper", width=PHONE)
    unfold(page)
    looking.at(page, "round, checklist open")
    page.reload()
    pack_the_bag(page)
    looking.at(page, "round")
    page.get_by_role("button", name="更多").click()
    looking.at(page, "round, menu open")
    page.keyboard.press("Escape")

    open_form(page)
    look_at_steps(page, looking, "form")
    page.get_by_role("button", name="话术").click()
    looking.at(page, "form, talking points")
    page.keyboard.press("Escape")

    page.goto(page.url.split("#")[0])
    page.get_by_role("radio", name="见到业主").check()
    page.get_by_role("radio", name="承诺日期").check()
    page.get_by_role("radio", name="选别的日期").check()
    page.get_by_role("radio", name="其他金额").check()
    page.goto(page.url.split("#")[0] + "#s2")
    page.get_by_role("radio", name="投诉").check()
    page.goto(page.url.split("#")[0] + "#s3")
    page.get_by_label("拍照").set_input_files([photo("red")])
    page.get_by_role("checkbox", name="收了款").check()
    page.get_by_role("button", name="保存登记").click()
    expect(page.get_by_role("alert").filter(has_text="没有保存")).to_be_visible()
    look_at_steps(page, looking, "form with errors")


def test_the_queue_and_what_opens_without_a_network(sign_in: SignIn, stack: Stack, looking: Looking) -> None:
    page = sign_in("housekeeper", width=PHONE)
    open_round(page, stack.address)
    ready_for_the_stairs(page)
    queue = f"{stack.address}/p/fhc1/visits/queue/"
    page.goto(queue)
    looking.at(page, "queue, empty")
    with without_network(page):
        open_round(page, stack.address)
        expect(doors(page).first).to_be_visible()
        looking.at(page, "round without a network")
        receipt = f"SJ-{uuid.uuid4().hex[:8]}"
        for note in ("无障碍第一户", "无障碍第二户"):
            record(page, note, photos=[photo("red")], receipt=receipt)
            open_round(page, stack.address)
        page.goto(queue)
    expect(page.locator("[data-group=refused] .qi > .body")).to_have_count(1)
    expect(waiting(page)).to_have_count(0)
    with without_network(page):
        open_round(page, stack.address)
        record(page, "无障碍第三户", photos=[photo("blue")])
        expect(waiting(page)).to_have_count(1)
        looking.at(page, "queue, filled")
        page.locator("[data-group=refused]").get_by_role("link", name="修改").click()
        expect(page.get_by_role("alert").filter(has_text="收据号")).to_be_visible()
        look_at_steps(page, looking, "form of what was sent back")
        open_round(page, stack.address)
        fill_in(page, "无障碍第四户", photos=[])
        page.get_by_role("radio", name="选日期").check()
        page.get_by_role("button", name="保存登记").click()
        look_at_steps(page, looking, "form without a network, with an error")


@pytest.mark.parametrize(("role", "width"), [("housekeeper", PHONE), ("project_manager", DESKTOP)])
def test_the_case(sign_in: SignIn, stack: Stack, looking: Looking, role: str, width: int) -> None:
    page = sign_in(role, width=width)
    page.goto(f"{stack.address}/p/fhc1/cases/")
    page.locator("main table a[href*='/cases/']").first.click()
    expect(page.locator("#course")).to_be_visible()
    looking.at(page, f"case of the {role}")
