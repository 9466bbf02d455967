"""The list of imports, and the upload: what is shown, what it costs, and which files are not even taken."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from arrears.importing.states import State
from arrears.importing.steps import read_import
from arrears.models import Charge, Import
from company.models import Project, Role, StoredFile, User
from tests.arrears.import_desk import GOOD, MIXED, allowed, page_of, send, signed_in, text_of, url
from tests.arrears.workbooks import check, create_estate, post, read, row, sample, xlsx
from tests.factories import NOW, TODAY, create_user

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


# --- the list -------------------------------------------------------------------------------------------------------


def test_an_empty_list_says_what_to_do(client: Client, project: Project) -> None:
    response = client.get(url("imports", project))
    assert "还没有导入过" in text_of(response)
    assert url("import_new", project) in response.content.decode()


def test_the_list_tells_states_amounts_and_people_and_filters_by_state(
    client: Client, project: Project, finance: User
) -> None:
    post(project, GOOD, name="三月.xlsx", by=finance)
    check(project, MIXED, name="四月.xlsx", by=finance)
    read(project, b"MZ" + b"\0" * 600, name="五月.xlsx", by=finance)
    response = client.get(url("imports", project))
    assert [workbook.file_name for workbook in response.context["page"]] == ["五月.xlsx", "四月.xlsx", "三月.xlsx"]
    counts = {key: number for key, _label, number in response.context["groups"]}
    assert counts == {"waiting": 1, "running": 0, "posted": 1, "undone": 0, "refused": 1, "cancelled": 0}
    assert "1 行有错" in text_of(response)
    waiting = client.get(url("imports", project) + "?state=waiting")
    assert [workbook.file_name for workbook in waiting.context["page"]] == ["四月.xlsx"]
    nothing = client.get(url("imports", project) + "?state=cancelled")
    assert "没有" in text_of(nothing)
    assert len(nothing.context["page"].object_list) == 0


@pytest.mark.parametrize(
    ("sort", "first"),
    [("rows", "a.xlsx"), ("-rows", "b.xlsx"), ("file", "a.xlsx"), ("-due", "b.xlsx"), ("no", "b.xlsx")],
)
def test_the_heads_sort(sort: str, first: str, client: Client, project: Project) -> None:
    for name, rows in (("a.xlsx", 1), ("b.xlsx", 2)):
        Import.objects.create(project=project, kind="charges", file_name=name, rows=rows, due=rows)
    found = client.get(url("imports", project) + f"?sort={sort}&state=nonsense&page=99").context["page"]
    assert found[0].file_name == first


def test_the_list_costs_the_same_at_3_and_at_30_rows(
    client: Client, project: Project, finance: User, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    client.get(url("imports", project))
    counts = []
    for size in (3, 27):
        for number in range(size):
            Import.objects.create(project=project, kind="charges", file_name=f"{number}.xlsx", created_by=finance)
        with django_assert_max_num_queries(25) as captured:
            client.get(url("imports", project))
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_a_check_costs_the_same_at_3_and_at_30_mistakes(
    client: Client, project: Project, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    pages = [
        page_of(check(project, xlsx(row("1"), *(row(f"{n}", "x") for n in range(2, 2 + size))))) for size in (3, 30)
    ]
    client.get(pages[0])
    counts = []
    for page in pages:
        with django_assert_max_num_queries(30) as captured:
            client.get(page)
        counts.append(len(captured))
    assert counts[0] == counts[1]


# --- the upload -----------------------------------------------------------------------------------------------------


def test_an_upload_is_kept_and_waits_to_be_read(client: Client, project: Project, finance: User) -> None:
    response = send(client, project, GOOD, create_units="on")
    workbook = Import.objects.get()
    assert response.redirect_chain == [(page_of(workbook), 302)]
    assert (workbook.state, workbook.created_by, workbook.create_units) == (State.UPLOADED, finance, True)
    assert "等待读取" in text_of(response)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("应收.pdf", b"%PDF-1.7", "这不是工作簿"),
        ("应收", b"x", "这不是工作簿"),
        ("应收.exe", b"MZ", "这不是工作簿"),
        ("应收.xlsm", b"PK", "工作簿含有宏"),
        ("应收.xlsx", b"", "文件是空的"),
    ],
)
def test_a_file_that_cannot_be_a_workbook_is_not_taken(
    name: str, content: bytes, sentence: str, client: Client, project: Project
) -> None:
    response = send(client, project, content, name=name)
    assert response.status_code == 200
    assert sentence in text_of(response)
    assert not Import.objects.exists()
    assert not StoredFile.objects.exists()


def test_an_upload_without_a_file_is_told_so(client: Client, project: Project) -> None:
    response = client.post(url("import_new", project), {})
    assert response.context["form"].errors["workbook"]
    assert not Import.objects.exists()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"MZ" + b"\0" * 600, "这是程序，不是工作簿"),
        (xlsx(header=None), "文件是空的，一行也没有"),
        (sample("有密码.xlsx"), "工作簿有密码保护"),
        (xlsx(["甲", "乙", "丙"], [1, 2, 3], header=None), "没有找到表头"),
        (GOOD[:3000], "工作簿已损坏或不完整"),
    ],
)
def test_what_only_the_content_tells_is_one_sentence_on_the_page(
    content: bytes, sentence: str, client: Client, project: Project
) -> None:
    send(client, project, content)
    workbook = Import.objects.get()
    read_import(workbook.pk, today=TODAY, now=NOW)
    response = client.get(page_of(workbook))
    assert sentence in text_of(response)
    assert "没有写入任何账目" in text_of(response)
    assert not allowed(response)
    assert not Charge.objects.exists()


class Unread:
    """A body that must not be read."""

    def read(self, *_args: Any) -> bytes:
        raise AssertionError("the body of an upload that is too large was read")

    readline = read


def test_two_hundred_megabytes_are_refused_before_they_are_read(client: Client, project: Project) -> None:
    response = client.generic(
        "POST",
        url("import_new", project),
        content_type="multipart/form-data; boundary=x",
        **{"CONTENT_LENGTH": str(200 << 20), "wsgi.input": Unread()},
    )
    assert response.status_code == 413
    assert "文件超过 50 MB" in text_of(response)
    assert not Import.objects.exists()


def test_an_upload_needs_the_token_all_the_same(finance: User, project: Project) -> None:
    response = send(signed_in(finance, enforce_csrf_checks=True), project, GOOD)
    assert response.status_code == 403
    assert not Import.objects.exists()


def test_the_upload_tells_the_browser_what_is_too_large(client: Client, project: Project) -> None:
    page = client.get(url("import_new", project)).content.decode()
    assert f'data-most-bytes="{50 << 20}"' in page
    assert 'data-too-big="文件超过 50 MB' in page
