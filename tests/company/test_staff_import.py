"""Staff from a workbook: what is read, what is refused, and that nothing is written before it is asked for."""

import io
from collections.abc import Sequence

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from openpyxl import Workbook

from company.models import AuditEvent, Post, Project, ProjectAccess, Role, User
from company.sheets import UnreadableWorkbookError
from company.staff_import import MAX_ROWS, create_staff, draft_of, read_staff, rows_of_draft
from tests.factories import create_project, create_user

pytestmark = pytest.mark.django_db

HEAD = ["姓名", "手机号", "岗位", "项目", "角色"]
GOOD = ["王倩", "13800138001", "管家", "FHC1", "管家"]


def sheet(*rows: Sequence[object]) -> bytes:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


@pytest.fixture
def project() -> Project:
    Post.objects.create(name="管家")
    return create_project(code="FHC1", name="凤凰城一期", short_name="凤物")


@pytest.fixture
def admin() -> User:
    return create_user(role=Role.SYSTEM_ADMIN, project=None)


def problems(content: bytes, by: User) -> list[tuple[int, str, str]]:
    return [(row.number, item.column, item.reason) for row in read_staff(content, by=by) for item in row.problems]


def test_a_header_is_found_below_title_rows_and_blank_rows_are_skipped(project: Project, admin: User) -> None:
    rows = read_staff(sheet(["员工名单"], [], ["制表：系统"], HEAD, GOOD, [], ["", None]), by=admin)
    assert [(row.number, row.cells["name"], row.problems) for row in rows] == [(5, "王倩", [])]


def test_other_words_for_the_columns_and_numbers_for_mobiles(project: Project, admin: User) -> None:
    content = sheet(["手机", "员工姓名*", "系统角色", "小区"], [13800138001, "王倩", "管家、主办", "凤凰城一期"])
    (row,) = read_staff(content, by=admin)
    assert row.problems == []
    assert [grant.role for grant in row.grants] == [Role.HOUSEKEEPER, Role.OFFICER]


def test_a_project_is_found_however_its_code_is_capitalised(project: Project, admin: User) -> None:
    (row,) = read_staff(sheet(HEAD, [*GOOD[:3], "fhc1", "管家"]), by=admin)
    assert row.problems == []


def test_every_mistake_is_named_with_row_and_column(project: Project, admin: User) -> None:
    create_user(mobile="13800138009")
    content = sheet(
        HEAD,
        GOOD,
        ["", "13800138002", "", "FHC1", "管家"],
        ["甲", "1380013", "", "FHC1", "管家"],
        ["乙", "13800138001", "", "FHC1", "管家"],
        ["丙", "13800138009", "", "FHC1", "管家"],
        ["丁", "13800138003", "船长", "FHC1", "管家"],
        ["戊", "13800138004", "", "NOPE", "管家"],
        ["己", "13800138005", "", "FHC1", "船长"],
        ["庚", "13800138006", "", "FHC1", ""],
    )
    assert problems(content, admin) == [
        (3, "姓名", "缺少姓名。"),
        (4, "手机号", "手机号为 11 位数字。"),
        (5, "手机号", "这个号码在本文件中出现了两次。"),
        (6, "手机号", "已有同事使用这个号码。"),
        (7, "岗位", "没有这个岗位，请先添加。"),
        (8, "项目", "您的项目中没有这一个。"),
        (9, "角色", "没有这个角色。"),
        (10, "角色", "缺少角色。"),
    ]


def test_a_role_of_a_project_needs_the_project_where_there_are_several(project: Project, admin: User) -> None:
    create_project()
    assert problems(sheet(HEAD, ["王倩", "13800138001", "", "", "管家"]), admin) == [
        (2, "项目", "请写明用于哪个项目。")
    ]
    assert problems(sheet(HEAD, ["刘总", "13800138001", "", "", "公司领导"]), admin) == []


def test_a_manager_imports_only_the_roles_within_reach(project: Project) -> None:
    manager = create_user(role=Role.PROJECT_MANAGER, project=project)
    assert problems(sheet(HEAD, GOOD), manager) == []
    assert problems(sheet(HEAD, [*GOOD[:-1], "财务"]), manager) == [(2, "角色", "您不能在那里授予这个角色。")]
    other = create_project(code="BH2")
    assert problems(sheet(HEAD, [*GOOD[:3], other.code, "管家"]), manager) == [(2, "项目", "您的项目中没有这一个。")]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"MZ\x90\x00" + b"\0" * 200,
        b"PK\x03\x04 not a zip",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600,
        b"\xff\xfe\x00\x01\x02",
        sheet(),
        sheet(["只有", "标题"]),
        sheet(HEAD),
    ],
    ids=["empty", "exe", "broken zip", "broken xls", "binary", "no cells", "no header", "nobody"],
)
def test_a_file_without_people_is_refused_with_one_sentence(content: bytes, project: Project, admin: User) -> None:
    with pytest.raises(UnreadableWorkbookError, match=r"。$"):
        read_staff(content, by=admin)


def test_too_many_at_once_are_refused(project: Project, admin: User) -> None:
    rows = [[f"甲{n}", f"138001{n:05d}", "", "FHC1", "管家"] for n in range(MAX_ROWS + 1)]
    with pytest.raises(UnreadableWorkbookError, match=str(MAX_ROWS)):
        read_staff(sheet(HEAD, *rows), by=admin)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_csv_in_both_encodings(project: Project, admin: User, encoding: str) -> None:
    content = "姓名,手机号,角色,项目\n王倩,13800138001,管家,FHC1\n".encode(encoding)
    (row,) = read_staff(content, by=admin)
    assert (row.cells["name"], row.problems) == ("王倩", [])


def test_everybody_is_created_or_nobody(project: Project, admin: User) -> None:
    rows = read_staff(sheet(HEAD, GOOD, ["甲", "1", "", "FHC1", "管家"]), by=admin)
    with pytest.raises(ValueError, match="problems"):
        create_staff(rows, by=admin)
    assert not User.objects.filter(name="王倩").exists()


def test_a_draft_is_ours_and_young(project: Project, admin: User) -> None:
    rows = read_staff(sheet(HEAD, GOOD), by=admin)
    assert [row.cells for row in rows_of_draft(draft_of(rows), by=admin)] == [row.cells for row in rows]
    for draft in ["", "x", draft_of(rows)[:-2]]:
        with pytest.raises(UnreadableWorkbookError):
            rows_of_draft(draft, by=admin)


class TestPages:
    def upload(self, client: Client, content: bytes, name: str = "员工.xlsx") -> str:
        response = client.post(reverse("company:people_import"), {"workbook": SimpleUploadedFile(name, content)})
        assert response.status_code == 200
        return str((response.context or {}).get("draft", ""))

    def test_the_preview_writes_nothing_and_the_second_step_creates(
        self, client: Client, project: Project, admin: User
    ) -> None:
        client.force_login(admin)
        before = User.objects.count()
        draft = self.upload(client, sheet(HEAD, GOOD))
        assert User.objects.count() == before
        response = client.post(reverse("company:people_import_post"), {"draft": draft})
        (account,) = response.context["accounts"]
        person = User.objects.get(mobile="13800138001")
        assert account.password in response.content.decode()
        assert person.check_password(account.password)
        assert ProjectAccess.objects.get(user=person).role == Role.HOUSEKEEPER
        assert AuditEvent.objects.get(action="people.imported").detail == {"count": 1}

    def test_sending_it_twice_creates_nobody_again(self, client: Client, project: Project, admin: User) -> None:
        client.force_login(admin)
        draft = self.upload(client, sheet(HEAD, GOOD))
        client.post(reverse("company:people_import_post"), {"draft": draft})
        response = client.post(reverse("company:people_import_post"), {"draft": draft})
        assert "已有同事使用这个号码" in response.content.decode()
        assert User.objects.filter(mobile="13800138001").count() == 1

    def test_with_mistakes_there_is_no_second_step(self, client: Client, project: Project, admin: User) -> None:
        client.force_login(admin)
        assert self.upload(client, sheet(HEAD, GOOD, ["甲", "1", "", "FHC1", "管家"])) == ""

    def test_a_foreign_draft_gives_no_more_than_the_sender_may_grant(self, client: Client, project: Project) -> None:
        admin = create_user(role=Role.SYSTEM_ADMIN, project=None)
        draft = draft_of(read_staff(sheet(HEAD, [*GOOD[:-1], "财务"]), by=admin))
        client.force_login(create_user(role=Role.PROJECT_MANAGER, project=project))
        client.post(reverse("company:people_import_post"), {"draft": draft})
        assert not User.objects.filter(mobile="13800138001").exists()

    def test_a_large_file_is_refused(self, client: Client, project: Project, admin: User) -> None:
        client.force_login(admin)
        response = client.post(
            reverse("company:people_import"), {"workbook": SimpleUploadedFile("a.xlsx", b"0" * (5 * 1024 * 1024 + 1))}
        )
        assert "文件超过 5 MB" in response.content.decode()

    def test_the_template_can_be_read_back(self, client: Client, project: Project, admin: User) -> None:
        client.force_login(admin)
        content = client.get(reverse("company:people_import_template")).content
        assert len(read_staff(content, by=admin)) == 2

    def test_the_examples_of_the_template_name_a_project_of_ones_own(self, client: Client) -> None:
        Post.objects.create(name="管家")
        admin = create_user(role=Role.SYSTEM_ADMIN, project=create_project(code="lvyuan"))
        client.force_login(admin)
        content = client.get(reverse("company:people_import_template")).content
        assert [row.problems for row in read_staff(content, by=admin)] == [[], []]


def test_two_cells_at_the_far_ends_of_a_sheet_cost_nobody_but_the_reader(project: Project, admin: User) -> None:
    book = Workbook()
    for row in (HEAD, GOOD):
        book.active.append(row)
    book.active["XFD1048576"] = "x"
    buffer = io.BytesIO()
    book.save(buffer)
    with pytest.raises(UnreadableWorkbookError, match="解压后过大"):
        read_staff(buffer.getvalue(), by=admin)
