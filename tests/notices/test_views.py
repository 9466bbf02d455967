import io

import openpyxl
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from company.models import AuditEvent, Role
from notices.default_texts import default_text, install_default_templates
from notices.kinds import TEXT_KINDS
from notices.models import Batch, LawFirm, Notice, NoticeKind, NoticeTemplate
from tests.factories import (
    confirm_letters,
    create_debtor,
    create_letter_project,
    create_made_batch,
    create_project,
    create_user,
)
from tests.notices.pdf_text import text_of

TEXT = default_text(NoticeKind.LAWYER_LETTER)
KIND = {"kind": "lawyer_letter"}


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def project(db):
    return create_letter_project(code="FHC1")


def signed_in(project, role=Role.NOTICE_ADMIN):
    client = Client()
    client.user = create_user(name="贺兰", role=role, project=project)
    client.force_login(client.user)
    return client


def url(name, **kwargs):
    return reverse(f"notices:{name}", kwargs={"project_code": "FHC1"} | kwargs)


def cancel_url(batch):
    return reverse("collection:batch_cancel", kwargs={"project_code": "FHC1", "pk": batch.pk})


def page(response):
    assert response.status_code == 200
    return response.content.decode()


class TestBatches:
    @pytest.fixture
    def batch(self, project):
        accounts = [create_debtor(project=project, code=f"{n}-1-0101", names=["陈建国"]) for n in range(1, 4)]
        stale = create_debtor(project=project, code="9-1-0101", verified=False)
        return confirm_letters(project=project, accounts=[*accounts, stale])

    def test_a_batch_that_is_being_made_fetches_itself_and_shows_who_is_out(self, project, batch):
        html = page(signed_in(project).get(url("batch_detail", pk=batch.pk)))
        assert 'hx-trigger="every 2s"' in html
        assert "凤一律函〔2025〕第0001号" in html
        assert "9-1-0101" in html
        assert "核实已过期" in html
        assert "陈*国" in html
        assert "陈建国" not in html
        assert "全部生成后" in html

    def test_a_batch_that_is_made_rests_and_hands_out_its_files(self, project):
        batch = create_made_batch(project=project)
        client = signed_in(project)
        html = page(client.get(url("batch_detail", pk=batch.pk)))
        assert "every 2s" not in html
        for which in ("merged", "zip"):
            response = client.get(url("batch_file", pk=batch.pk, which=which))
            assert b"".join(response.streaming_content) == b"%PDF-1.7"
            assert response["X-Content-Type-Options"] == "nosniff"
        assert client.get(url("batch_file", pk=batch.pk, which="other")).status_code == 404
        assert AuditEvent.objects.filter(action="notices.downloaded", user=client.user).count() == 2

    def test_stop_go_on_and_give_up(self, project, batch):
        client = signed_in(project)
        client.post(url("batch_stop", pk=batch.pk))
        assert Batch.objects.get().state == Batch.State.STOPPED
        assert "继续" in page(client.get(url("batch_detail", pk=batch.pk)))
        client.post(url("batch_resume", pk=batch.pk))
        assert Batch.objects.get().state == Batch.State.RENDERING
        client.post(url("batch_stop", pk=batch.pk))
        client.post(cancel_url(batch))
        assert set(Notice.objects.values_list("state", flat=True)) == {"void"}
        again = client.post(cancel_url(batch), follow=True)
        assert "已经不是停下的状态" in page(again)

    def test_retry(self, project, batch):
        batch.notices.filter(position=1).update(state="failed", failure="crashed")
        client = signed_in(project)
        client.post(url("batch_retry", pk=batch.pk))
        assert set(Notice.objects.values_list("state", flat=True)) == {"queued"}

    def test_the_list_is_a_workbook_with_inert_cells_and_is_recorded(self, project):
        account = create_debtor(project=project, names=["=1+1"])
        batch = confirm_letters(project=project, accounts=[account])
        client = signed_in(project)
        response = client.get(url("batch_list", pk=batch.pk))
        sheet = openpyxl.load_workbook(io.BytesIO(response.content)).active
        cell = sheet.cell(2, 3)
        assert (cell.value, cell.data_type) == ("=1+1", "s")
        assert AuditEvent.objects.filter(action="notices.exported", user=client.user).exists()

    def test_a_void_letter_is_not_handed_out(self, project):
        batch = create_made_batch(project=project)
        notice = batch.notices.get()
        client = signed_in(project)
        assert client.get(url("notice_file", pk=notice.pk)).status_code == 200
        Notice.objects.update(state="void", void_reason="ledger_changed")
        assert client.get(url("notice_file", pk=notice.pk)).status_code == 404

    @pytest.mark.parametrize("role", [Role.FINANCE, Role.OFFICER, Role.DEPARTMENT_HEAD])
    def test_others_get_no_letters(self, project, role):
        batch = create_made_batch(project=project)
        client = signed_in(project, role)
        assert client.get(url("notice_file", pk=batch.notices.get().pk)).status_code == 403
        assert client.get(url("batch_file", pk=batch.pk, which="zip")).status_code == 403

    def test_the_page_costs_the_same_at_three_and_at_thirty_letters(self, project, django_assert_max_num_queries):
        client = signed_in(project)
        few = confirm_letters(project=project, accounts=[create_debtor(project=project) for _ in range(3)])
        many = confirm_letters(project=project, accounts=[create_debtor(project=project) for _ in range(30)])
        client.get(url("batch_detail", pk=few.pk))
        with django_assert_max_num_queries(100) as first:
            client.get(url("batch_detail", pk=few.pk))
        with django_assert_max_num_queries(len(first)):
            client.get(url("batch_detail", pk=many.pk))

    def test_list(self, project, batch):
        assert "律师函第1批" in page(signed_in(project).get(url("batches")))


class TestRegister:
    def test_filter_sort_page_and_export(self, project):
        confirm_letters(project=project, accounts=[create_debtor(project=project, code="1-1-0101")])
        confirm_letters(project=project, accounts=[create_debtor(project=project, code="2-1-0101", months=2)])
        client = signed_in(project)
        both = page(client.get(url("register")))
        assert both.index("第0002号") < both.index("第0001号")
        assert "第0001号" not in page(client.get(url("register"), {"q": "2-1"}))
        up = page(client.get(url("register"), {"sort": "principal"}))
        assert up.index("第0001号") < up.index("第0002号")
        assert "第0001号" not in page(client.get(url("register"), {"state": "issued"}))
        assert page(client.get(url("register"), {"sort": "x", "state": "y", "page": "z"}))
        response = client.get(url("register_export"), {"q": "2-1"})
        sheet = openpyxl.load_workbook(io.BytesIO(response.content)).active
        assert [row[0].value for row in sheet.iter_rows(min_row=2)] == ["凤一律函〔2025〕第0002号"]


class TestTexts:
    def test_default_texts_are_drafts_that_somebody_approves(self, db):
        project = create_project(code="FHC1")
        client = signed_in(project)
        assert "从默认正文开始" in page(client.get(url("templates")))
        client.post(url("templates_install"))
        draft = NoticeTemplate.objects.get(kind="lawyer_letter")
        assert NoticeTemplate.objects.count() == len(TEXT_KINDS)
        assert (draft.state, draft.body) == ("draft", TEXT)
        assert install_default_templates(project) == []
        assert client.post(url("template_approve", pk=draft.pk)).status_code == 403
        manager = signed_in(project, Role.PROJECT_MANAGER)
        manager.post(url("template_approve", pk=draft.pk))
        draft.refresh_from_db()
        assert (draft.state, draft.approved_by) == ("approved", manager.user)

    def test_nobody_approves_their_own_text(self, project):
        client = signed_in(project)
        client.post(url("template_edit", **KIND), {"body": TEXT + "\n补充一段。\n"})
        draft = NoticeTemplate.objects.get(state="draft")
        create_user_role = signed_in(project, Role.PROJECT_MANAGER)
        client.user.accesses.update(role=Role.PROJECT_MANAGER)
        assert "不能批准自己写的模板" in page(client.post(url("template_approve", pk=draft.pk), follow=True))
        create_user_role.post(url("template_approve", pk=draft.pk))
        assert list(NoticeTemplate.objects.order_by("version").values_list("state", flat=True)) == [
            "retired",
            "approved",
        ]

    def test_ones_own_draft_is_saved_over_and_anothers_is_not(self, project):
        client, colleague = signed_in(project), signed_in(project)
        client.post(url("template_edit", **KIND), {"body": TEXT + "\n一。\n"})
        client.post(url("template_edit", **KIND), {"body": TEXT + "\n二。\n", "version": 2})
        assert NoticeTemplate.objects.get(version=2).body.endswith("二。\n")
        colleague.post(url("template_edit", **KIND), {"body": TEXT + "\n三。\n", "version": 2})
        assert NoticeTemplate.objects.get(version=2).body.endswith("二。\n")
        assert NoticeTemplate.objects.get(version=3).created_by == colleague.user

    def test_a_faulty_text_is_refused_with_its_line_and_kept_in_the_form(self, project):
        typed = TEXT + "\n{不存在} 我写的话\n"
        html = page(signed_in(project).post(url("template_edit", **KIND), {"body": typed}))
        assert "没有字段{不存在}" in html
        assert f"第{typed.count(chr(10))}行" in html
        assert "我写的话" in html
        assert not NoticeTemplate.objects.filter(state="draft").exists()

    def test_the_check_while_typing(self, project):
        create_debtor(project=project, code="3-2-1802", names=["陈建国"])
        client = signed_in(project)
        html = page(client.post(url("template_check", **KIND), {"body": TEXT.replace("{业主}", "{业主")}))
        assert "花括号不成对" in html
        html = page(client.post(url("template_check", **KIND), {"body": TEXT + "\n<b>粗</b>𠮷\n", "unit": "3-2-1802"}))
        assert "陈*国" in html
        assert "陈建国" not in html
        assert "&lt;b&gt;粗&lt;/b&gt;" in html
        assert "字体印不出：𠮷" in html

    def test_preview_as_pdf_with_an_account_and_without(self, project):
        client = signed_in(project)
        response = client.post(url("template_pdf", **KIND), {"body": TEXT})
        assert response["Content-Type"] == "application/pdf"
        assert "陈建国、王秀兰" in text_of(response.content)
        create_debtor(project=project, code="3-2-1802", names=["李明"])
        template = NoticeTemplate.objects.get()
        response = client.get(url("template_print", pk=template.pk), {"unit": "3-2-1802"})
        assert "致：李明（凤凰城一期" in text_of(response.content)
        assert "（预览）" in text_of(response.content)
        refused = client.post(url("template_pdf", **KIND), {"body": "{x}"})
        assert "不能预览" in page(refused)

    def test_line_ends_of_browsers_are_no_faults(self, project):
        client, typed = signed_in(project), TEXT.replace("\n", "\r\n")
        assert "控制字符" not in page(client.post(url("template_check", **KIND), {"body": typed}))
        assert client.post(url("template_pdf", **KIND), {"body": typed})["Content-Type"] == "application/pdf"
        refused = page(client.post(url("template_edit", **KIND), {"body": typed + "\r\n{不存在}\r\n"}))
        assert "没有字段{不存在}" in refused
        assert "控制字符" not in refused

    def test_an_unknown_kind_does_not_exist(self, project):
        client = signed_in(project)
        for kind in ("receipt", "nonsense"):
            assert client.get(url("template_edit", kind=kind)).status_code == 404


class TestFirms:
    VALUES = {"name": "江苏某某律师事务所", "lawyer": "林某某", "lawyer_phone": "025-1", "mandated_until": "2099-12-31"}

    def upload(self, content=b"%PDF-1.7 mandate", name="授权.pdf"):
        file = io.BytesIO(content)
        file.name = name
        return file

    def test_a_firm_with_its_mandate(self, project):
        client = signed_in(project)
        client.post(url("firm_new"), self.VALUES | {"mandate_upload": self.upload()})
        firm = LawFirm.objects.get(name=self.VALUES["name"])
        assert firm.mandate.name == "授权.pdf"
        assert "有效至2099-12-31" in page(client.get(url("firms")))
        response = client.get(url("firm_mandate", pk=firm.pk))
        assert b"".join(response.streaming_content) == b"%PDF-1.7 mandate"
        client.post(url("firm_edit", pk=firm.pk), self.VALUES | {"lawyer": "周某"})
        firm.refresh_from_db()
        assert (firm.lawyer, firm.mandate.name) == ("周某", "授权.pdf")

    @pytest.mark.parametrize(
        "change",
        [
            {"mandate_upload": (b"MZ\x90\x00", "授权.pdf")},
            {"mandate_upload": (b"<html><script>", "授权.pdf")},
            {"name": "某某律师事务所"},
            {"name": ""},
        ],
        ids=["program", "page", "twice", "empty"],
    )
    def test_what_is_refused_keeps_what_was_typed(self, project, change):
        values = self.VALUES | change
        if "mandate_upload" in change:
            values["mandate_upload"] = self.upload(*change["mandate_upload"])
        html = page(signed_in(project).post(url("firm_new"), values))
        assert "林某某" in html
        assert "ad-err" in html
        assert LawFirm.objects.count() == 1


class TestBatchPageCosts:
    def test_a_fixed_number_of_queries(self, project):
        few = confirm_letters(project=project, accounts=[create_debtor(project=project) for _ in range(3)])
        stale = [create_debtor(project=project, verified=False) for _ in range(10)]
        accounts = [create_debtor(project=project) for _ in range(30)]
        many = confirm_letters(project=project, accounts=[*accounts, *stale], occasion="2025-12")
        Notice.objects.filter(batch=many, position__lt=9).update(state="void", void_reason="ledger_changed")
        client = signed_in(project)
        counts = []
        for batch in (few, few, many):
            with CaptureQueriesContext(connection) as queries:
                page(client.get(url("batch_detail", pk=batch.pk)))
            counts.append(len(queries))
        assert counts[1] == counts[2]  # the first page of a session writes it

    def test_what_is_void_and_who_was_left_out_can_be_chosen_again(self, project):
        account, stale = create_debtor(project=project), create_debtor(project=project, verified=False)
        batch = confirm_letters(project=project, accounts=[account, stale])
        Notice.objects.update(state="void", void_reason="ledger_changed")
        html = page(signed_in(project).get(url("batch_detail", pk=batch.pk)))
        assert f"/letters/new/?kind=lawyer_letter&amp;accounts={account.pk}" in html
        assert f"accounts={stale.pk}" in html

    def test_who_was_left_out_alone_as_a_workbook(self, project):
        stale = create_debtor(project=project, verified=False, code="9-1-0101")
        batch = confirm_letters(project=project, accounts=[create_debtor(project=project), stale])
        response = signed_in(project).get(url("batch_list", pk=batch.pk) + "?left_out")
        sheet = openpyxl.load_workbook(io.BytesIO(response.content)).active
        assert sheet.max_row == 2
        assert sheet.cell(2, 2).value == "9-1-0101"
