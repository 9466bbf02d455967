"""The pages of an import: what each state shows and lets one do, what is refused, and who comes second."""

import datetime as dt
import re
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from arrears.importing.progress import tell
from arrears.importing.states import State
from arrears.importing.steps import approve, cancel, check_import, post_import, read_import
from arrears.models import Charge, Import
from company.models import Project, Role, User
from tests.arrears.import_desk import (
    GOOD,
    MIXED,
    act,
    allowed,
    page_of,
    read_again,
    seal,
    send,
    signed_in,
    state_of,
    text_of,
    url,
)
from tests.arrears.workbooks import (
    HEADER,
    LONG,
    OWNERS,
    PAYMENTS,
    WIDE,
    check,
    confirm,
    create_estate,
    post,
    read,
    row,
    sample,
    upload,
    xlsx,
)
from tests.factories import NOW, TODAY, create_project, create_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _house(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.MEDIA_ROOT = tmp_path
    monkeypatch.setattr(timezone, "now", lambda: NOW)


@pytest.fixture
def project() -> Project:
    return create_estate(code="FHC1")


@pytest.fixture
def finance(project: Project) -> User:
    return create_user(name="邹敏", role=Role.FINANCE, project=project)


@pytest.fixture
def client(finance: User) -> Client:
    return signed_in(finance)


def test_the_first_import_of_a_new_project_finds_the_usual_fees() -> None:
    new = create_project(code="LVYUAN")
    user = create_user(name="郝文娟", role=Role.FINANCE, project=new)
    client = signed_in(user)
    send(client, new, GOOD, create_units="on")
    workbook = Import.objects.get(project=new)
    read_import(workbook.pk, today=TODAY, now=NOW)
    workbook.refresh_from_db()
    confirm(workbook)
    check_import(workbook.pk, today=TODAY, now=NOW)
    assert (read_again(workbook).good_rows, read_again(workbook).bad_rows) == (2, 0)


@pytest.mark.parametrize(
    ("kind", "file", "day"),
    [("charges", LONG, ""), ("payments", PAYMENTS, ""), ("arrears_list", WIDE, "2025-11-20"), ("owners", OWNERS, "")],
)
def test_every_kind_of_sheet_goes_through_all_steps(
    kind: str, file: str, day: str, client: Client, project: Project
) -> None:
    send(client, project, sample(file), name=file, kind=kind, create_units="on")
    workbook = Import.objects.get(project=project)
    read_import(workbook.pk, today=TODAY, now=NOW)
    page = client.get(page_of(workbook))
    form = page.context["form"]
    columns = {name: form[name].value() or "" for name in form.fields if name.startswith(("column_", "sheet_"))}
    act(client, workbook, "columns", {**columns, "create_units": "on", "as_of": day})
    check_import(workbook.pk, today=TODAY, now=NOW)
    act(client, workbook, "post", {"rows": "all", "seal": seal(client, workbook)})
    post_import(workbook.pk, now=NOW)
    assert (state_of(workbook), read_again(workbook).bad_rows) == (State.POSTED, 0)


# --- one page, every state ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "word", "actions"),
    [
        (State.UPLOADED, "等待读取", {"cancel"}),
        (State.READING, "已读取 1,200 行", {"cancel"}),
        (State.CONFIRMED, "等待检查", {"cancel"}),
        (State.CHECKING, "已检查 1,200 /", {"cancel"}),
        (State.APPROVED, "等待过账", {"cancel"}),
        (State.POSTING, "正在过账", set()),
        (State.CANCELLED, "这次导入已取消", set()),
    ],
)
def test_what_goes_on_is_shown_with_its_progress(
    state: State, word: str, actions: set[str], client: Client, project: Project
) -> None:
    workbook = check(project, MIXED)
    started = NOW - dt.timedelta(seconds=63)
    working = state in Import.WORKING_STATES
    Import.objects.filter(pk=workbook.pk).update(state=state, claimed_at=started if working else None)
    tell(workbook.pk, 1200)
    response = client.get(page_of(workbook))
    assert word in text_of(response)
    assert allowed(response) == actions
    assert ("1:03" in text_of(response)) == working
    polls = f'hx-get="{page_of(workbook)}"' in response.content.decode()
    assert polls == (state != State.CANCELLED)


def test_a_page_that_waits_is_loaded_whole_once_the_work_is_done(client: Client, project: Project) -> None:
    workbook = upload(project, GOOD)
    under_way = client.get(page_of(workbook), headers={"HX-Request": "true"})
    assert "HX-Refresh" not in under_way.headers
    read_import(workbook.pk, today=TODAY, now=NOW)
    assert client.get(page_of(workbook), headers={"HX-Request": "true"}).headers["HX-Refresh"] == "true"


def test_the_columns_show_what_was_recognised(client: Client, project: Project) -> None:
    workbook = read(project, xlsx(row("101", 业主姓名="李小博"), 二=[HEADER, row("102")], 说明=[["x"]]))
    response = client.get(page_of(workbook))
    assert allowed(response) == {"columns", "cancel"}
    first, second = response.context["parts"]
    assert (first.sheet.name, second.sheet.name, first.recognised) == ("应收", "二", len(HEADER))
    text = text_of(response)
    assert "李*博" in text
    assert "李小博" not in text
    assert "没有找到表头，不导入：说明" in text
    assert "第 2–2 行" in text


def test_the_check_shows_sums_mistakes_and_both_ways_on(client: Client, project: Project) -> None:
    workbook = check(project, MIXED)
    response = client.get(page_of(workbook))
    assert allowed(response) == {"back", "post", "cancel", "marked"}
    text = text_of(response)
    assert "只过账无误的 2 行" in text
    assert "金额是文字" in text
    assert "170.00" in text, "arrears of the good rows"
    clean = client.get(page_of(check(project, GOOD)))
    assert "过账全部 2 行" in text_of(clean)
    assert allowed(clean) == {"back", "post", "cancel"}


def test_where_no_row_is_good_nothing_can_be_posted(client: Client, project: Project) -> None:
    response = client.get(page_of(check(project, xlsx(row("101")), create_units=False)))
    assert allowed(response) == {"back", "cancel", "marked"}
    assert "返回上一步勾选" in text_of(response)


def test_mistakes_and_remarks_are_lists_of_their_own_in_pages(client: Client, project: Project) -> None:
    rows = [row(str(n), "x") for n in range(120)]
    total = ["合计", *[""] * 6, 7, 7, 7]
    workbook = check(project, xlsx(row("999"), *rows, total), create_units=True)
    first = client.get(page_of(workbook))
    assert (len(first.context["issues"]), first.context["counts"].errors) == (50, 120)
    assert client.get(page_of(workbook) + "?page=3").context["issues"][-1].row == 122
    remarks = client.get(page_of(workbook) + "?show=total_differs")
    assert {line.row for line in remarks.context["issues"]} == {123}
    assert client.get(page_of(workbook) + "?show=nonsense&page=x").context["shown"] is None


def test_what_was_posted_is_told_with_the_way_to_the_ledger(client: Client, project: Project, finance: User) -> None:
    workbook = post(project, MIXED, by=finance, good_rows_only=True)
    response = client.get(page_of(workbook))
    text = re.sub(r"\s+", " ", text_of(response))
    assert "已过账 2 行。" in text
    assert "1 行有错，没有过账" in text
    assert url("ledger", project) in response.content.decode()
    assert allowed(response) == {"marked"}
    assert "1-1-101" in text_of(client.get(url("ledger", project)))


def test_the_same_file_once_more_is_pointed_out(client: Client, project: Project) -> None:
    first = post(project, GOOD)
    again = read(project, GOOD)
    response = client.get(page_of(again))
    assert response.context["same_file"] == first
    assert "同一份文件已经过账" in text_of(response).replace(" ", "")
    checked = text_of(client.get(page_of(check(project, GOOD)))).replace(" ", "")
    assert "仍然过账" in checked
    assert "过账全部" not in checked


def test_names_of_files_and_sheets_are_text(client: Client, project: Project) -> None:
    workbook = read(project, xlsx(row("<b>1</b>"), **{"<i>x": [HEADER, row("102")]}), name="<script>1.xlsx")
    page = client.get(page_of(workbook)).content.decode()
    for text in ("<script>1", "<i>x", "<b>1</b>"):
        assert text not in page


# --- the choice of columns ------------------------------------------------------------------------------------------


def choice(**changed: str) -> dict[str, str]:
    """The form of the columns as they are recognised, apart from what is ``changed``."""
    fields = ["building", "entrance", "room", "owner", "fee", "period_start", "period_end"]
    fields += ["due", "received", "outstanding"]
    return {**{f"column_0_{index}": field for index, field in enumerate(fields)}, "create_units": "on"} | changed


def test_the_columns_are_confirmed_and_checked_next(client: Client, project: Project) -> None:
    workbook = read(project, GOOD, create_units=False)
    response = act(client, workbook, "columns", choice(column_0_3=""))
    assert "等待检查" in text_of(response)
    check_import(workbook.pk, today=TODAY, now=NOW)
    workbook.refresh_from_db()
    assert (workbook.state, workbook.create_units, workbook.good_rows) == (State.CHECKED, True, 2)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"column_0_4": ""}, "缺少这些列：费项"),
        ({"column_0_8": "due"}, "不止一列对应 应收金额"),
        ({"column_0_8": "password"}, "password"),
        ({"column_0_8": "due_on'; DROP TABLE"}, "DROP TABLE"),
    ],
)
def test_a_choice_that_will_not_do_is_refused_and_stays_on_the_page(
    changed: dict[str, str], sentence: str, client: Client, project: Project
) -> None:
    workbook = read(project, GOOD)
    response = act(client, workbook, "columns", choice(column_0_3="", **changed))
    assert response.status_code == 200
    assert sentence in text_of(response)
    assert response.context["form"]["column_0_3"].value() == ""
    assert state_of(workbook) == State.COLUMNS


def test_of_several_sheets_at_least_one_is_imported(client: Client, project: Project) -> None:
    workbook = read(project, xlsx(row("101"), 二=[HEADER, row("102")]))
    response = act(client, workbook, "columns", choice())
    assert "请至少选一张工作表" in text_of(response)
    second = {name.replace("column_0", "column_1"): value for name, value in choice().items()}
    act(client, workbook, "columns", choice() | second | {"sheet_1": "on"})
    check_import(workbook.pk, today=TODAY, now=NOW)
    assert set(workbook.staged.values_list("sheet", flat=True)) == {"二"}


# --- who comes second -----------------------------------------------------------------------------------------------


def test_posting_needs_the_figures_that_were_seen(client: Client, project: Project) -> None:
    workbook = check(project, GOOD)
    seen = seal(client, workbook)
    Import.objects.filter(pk=workbook.pk).update(due=999)
    response = act(client, workbook, "post", {"seal": seen, "rows": "all"})
    assert "重新检查过" in text_of(response)
    assert state_of(workbook) == State.CHECKED
    act(client, workbook, "post", {"rows": "all"})
    assert state_of(workbook) == State.CHECKED
    act(client, workbook, "post", {"seal": seal(client, workbook), "rows": "all"})
    assert state_of(workbook) == State.APPROVED


def test_mistakes_are_left_out_only_when_that_is_said(client: Client, project: Project) -> None:
    workbook = check(project, MIXED)
    response = act(client, workbook, "post", {"seal": seal(client, workbook), "rows": "all"})
    assert "可以只过账无误的行" in text_of(response)
    assert state_of(workbook) == State.CHECKED
    act(client, workbook, "post", {"seal": seal(client, workbook), "rows": "good"})
    assert state_of(workbook) == State.APPROVED


def test_who_posts_second_is_told_who_was_first(client: Client, project: Project) -> None:
    workbook = check(project, GOOD)
    seen = {"seal": seal(client, workbook), "rows": "all"}
    colleague = create_user(name="贺兰", role=Role.FINANCE, project=project)
    act(signed_in(colleague), workbook, "post", seen)
    assert "贺兰正在为这份文件过账" in text_of(act(client, workbook, "post", seen))
    post_import(workbook.pk, now=NOW)
    for name in ("post", "cancel", "back", "columns"):
        assert "贺兰已为这份文件过账" in text_of(act(client, workbook, name, seen))
    assert Import.objects.get().posted_by == colleague
    assert Charge.objects.count() == 2


def test_what_was_cancelled_meanwhile_is_not_posted(client: Client, project: Project, finance: User) -> None:
    workbook = check(project, GOOD)
    seen = {"seal": seal(client, workbook), "rows": "all"}
    cancel(workbook, by=finance)
    assert "期间已被取消" in text_of(act(client, workbook, "post", seen))
    assert "期间已被取消" in text_of(act(client, read_again(workbook), "columns", choice()))
    assert not Charge.objects.exists()


def test_back_and_cancel(client: Client, project: Project) -> None:
    workbook = check(project, GOOD)
    assert allowed(act(client, workbook, "back")) == {"columns", "cancel"}
    assert "没有任何内容过账" in text_of(act(client, workbook, "cancel"))
    assert state_of(workbook) == State.CANCELLED
    assert "已被取消" in text_of(act(client, workbook, "cancel"))


def test_the_marked_copy_is_handed_out(client: Client, project: Project) -> None:
    workbook = check(project, MIXED)
    response = client.get(url("import_marked", project, pk=workbook.pk), follow=True)
    assert b"".join(response.streaming_content).startswith(b"PK")
    assert Import.objects.get().marked_file is not None
    clean = check(project, GOOD)
    assert client.get(url("import_marked", project, pk=clean.pk))["Location"] == page_of(clean)


def test_an_import_of_a_command_has_a_page_too(client: Client, project: Project) -> None:
    Import.objects.create(
        project=project,
        kind="payments",
        state="posted",
        file_name="收款流水.csv",
        rows=60,
        paid="46003.32",
        posted_at=NOW,
    )
    text = text_of(client.get(page_of(Import.objects.get())))
    assert "导入收款" in text
    assert "46,003.32" in text


def test_an_approval_is_by_whoever_agreed(client: Client, project: Project, finance: User) -> None:
    workbook = check(project, GOOD)
    approve(workbook, good_rows_only=False, by=finance)
    assert "等待过账" in text_of(client.get(page_of(workbook)))
    assert read_again(workbook).posted_by == finance


# --- the other kinds ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        (PAYMENTS, "payments", ["导入收款", "微信", "46,003.32"]),
        (WIDE, "arrears_list", ["本期欠费", "318,610.09", "12,308.62"]),
    ],
)
def test_payments_and_lists_go_through_the_same_steps(
    name: str, kind: str, words: list[str], project: Project, finance: User
) -> None:
    client = signed_in(finance)
    send(client, project, sample(name), name=name, kind=kind, create_units="on")
    workbook = Import.objects.get()
    assert workbook.kind == kind
    read_import(workbook.pk, today=TODAY, now=NOW)
    form = client.get(page_of(workbook)).context["form"]
    data = {field.html_name: field.value() for field in form if field.value() not in (None, False)}
    act(client, workbook, "columns", data)
    check_import(workbook.pk, today=TODAY, now=NOW)
    page = text_of(client.get(page_of(workbook)))
    assert [word for word in words if word not in page] == []
    act(client, workbook, "post", {"rows": "all", "seal": seal(client, workbook)})
    post_import(workbook.pk, now=NOW)
    assert state_of(workbook) == "posted"
    assert client.get(page_of(workbook)).status_code == 200


def test_the_day_of_a_list_is_asked_for_where_it_is_not_printed(project: Project, finance: User) -> None:
    client = signed_in(finance)
    content = xlsx(["1-1-101", "林秀国", 5], header=["房号", "业主", "前期物业费"])
    send(client, project, content, kind="arrears_list", create_units="on")
    workbook = Import.objects.get()
    read_import(workbook.pk, today=TODAY, now=NOW)
    form = client.get(page_of(workbook)).context["form"]
    data = {field.html_name: field.value() for field in form if field.value() not in (None, False)}
    assert "截止日" in text_of(act(client, workbook, "columns", data))
    assert state_of(workbook) == "columns"
    act(client, workbook, "columns", data | {"as_of": "2025-11-20", "earlier_from": "2024-01-01"})
    assert read_again(workbook).as_of == dt.date(2025, 11, 20)
    assert read_again(workbook).options == {"earlier_from": "2024-01-01"}
