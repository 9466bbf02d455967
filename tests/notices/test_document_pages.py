"""The pages of texts of every kind, of seals and letterhead, and of public notices."""

import io

import pytest
from django.test import Client
from django.urls import reverse

from company.models import AuditEvent, Role
from notices.default_texts import default_text, install_default_templates
from notices.kinds import TEXT_KINDS
from notices.models import ImagePurpose, NoticeKind, NoticeTemplate, PrintImage, PublicKind, PublicNotice
from owners.models import ServiceContract
from tests.document_factories import COMPANY, approve_default_text, create_public_notice, picture_in_use, png
from tests.factories import create_debtor, create_project, create_user
from tests.notices.pdf_text import pages_of, text_of

EMS = {"kind": "ems_notice"}


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def project(db):
    return create_project(code="FHC1", **COMPANY)


def signed_in(project, role=Role.NOTICE_ADMIN):
    client = Client()
    client.user = create_user(name="贺兰", role=role, project=project)
    client.force_login(client.user)
    return client


def url(name, **kwargs):
    return reverse(f"notices:{name}", kwargs={"project_code": "FHC1"} | kwargs)


def page(response):
    assert response.status_code == 200
    return response.content.decode()


def upload(content, name="章.png"):
    file = io.BytesIO(content)
    file.name = name
    return file


@pytest.mark.parametrize("kind", list(TEXT_KINDS), ids=str)
class TestTextsOfEveryKind:
    def test_they_are_edited_checked_and_printed(self, project, kind):
        create_debtor(project=project, code="3-2-1802", names=["陈建国"])
        client, text = signed_in(project), default_text(kind)
        assert text.splitlines()[-1][:6] in page(client.get(url("template_edit", kind=kind.value)))
        html = page(client.post(url("template_check", kind=kind.value), {"body": f"{text}\n{{不存在}}\n"}))
        assert "没有字段{不存在}" in html
        assert "陈建国" not in html
        client.post(url("template_edit", kind=kind.value), {"body": text})
        draft = NoticeTemplate.objects.get(kind=kind)
        assert (draft.state, draft.body, draft.paper) == ("draft", text, "a6" if kind == "door_slip" else "")
        response = client.get(url("template_print", pk=draft.pk), {"unit": "3-2-1802"})
        assert response["Content-Type"] == "application/pdf"
        assert "".join(TEXT_KINDS[kind].title.split()) in text_of(response.content)

    def test_fields_without_a_value_in_the_project_are_named_while_typing(self, project, kind):
        project.service_phone = ""
        project.save()
        html = page(signed_in(project).post(url("template_check", kind=kind.value), {"body": default_text(kind)}))
        assert "本项目没有内容的字段" in html
        assert "{联系电话}" in html


class TestEditor:
    def test_lines_that_are_not_printed_here_are_struck_out(self, project):
        create_debtor(project=project, code="3-2-1802", names=["陈建国"])
        html = page(
            signed_in(project).post(url("template_check", **EMS), {"body": default_text(NoticeKind.EMS_NOTICE)})
        )
        assert html.count("left-out") == 2
        assert "本户不印" in html

    def test_the_paper_of_a_slip_is_part_of_the_version(self, project):
        create_debtor(project=project, names=["陈建国"])
        client, text = signed_in(project), default_text(NoticeKind.DOOR_SLIP)
        client.post(url("template_edit", kind="door_slip"), {"body": text, "paper": "folded"})
        draft = NoticeTemplate.objects.get()
        assert draft.paper == "folded"
        assert "A4 对折" in page(client.get(url("template_detail", pk=draft.pk)))
        outside, inside = pages_of(client.get(url("template_print", pk=draft.pk)).content)
        assert "陈建国" not in outside
        assert "陈建国" in inside
        assert client.post(url("template_edit", kind="door_slip"), {"body": text, "paper": "a0"}).status_code == 200
        assert NoticeTemplate.objects.count() == 1

    def test_a_slip_with_a_word_of_demand_is_not_saved(self, project):
        text = default_text(NoticeKind.DOOR_SLIP) + "\n请尽快缴清欠费。\n"
        html = page(signed_in(project).post(url("template_edit", kind="door_slip"), {"body": text}))
        assert "留言条上不得出现" in html
        assert "请尽快缴清欠费" in html
        assert not NoticeTemplate.objects.exists()

    def test_versions_show_what_differs(self, project):
        in_force = approve_default_text(project, NoticeKind.EMS_NOTICE)
        client = signed_in(project)
        text = in_force.body.replace("请于{缴费期限}前", "请最迟于{缴费期限}前")
        client.post(url("template_edit", **EMS), {"body": text})
        draft = NoticeTemplate.objects.get(state="draft")
        html = page(signed_in(project, Role.PROJECT_MANAGER).get(url("template_detail", pk=draft.pk)))
        assert "与v1的不同" in "".join(html.split())
        assert "<ins>最迟</ins>" in html
        assert html.count('class="same"') > 5
        same = page(client.get(url("template_detail", pk=in_force.pk), {"against": draft.version}))
        assert "<del>最迟</del>" in same

    def test_receipts_and_statements_are_said_to_be_fixed(self, project):
        install_default_templates(project)
        html = page(signed_in(project).get(url("templates")))
        assert "固定版式" in html
        assert html.count("编辑正文") == len(TEXT_KINDS)

    def test_the_preview_shows_the_pictures_in_use(self, project):
        picture_in_use(project, ImagePurpose.SEAL)
        text = default_text(NoticeKind.EMS_NOTICE)
        with_seal = signed_in(project).post(url("template_pdf", **EMS), {"body": text}).content
        assert b"/Image" in with_seal


class TestSeals:
    def test_upload_approve_replace_remove(self, project):
        client, manager = signed_in(project), signed_in(project, Role.PROJECT_MANAGER)
        assert "没有。版面留出手工盖章的位置" in page(client.get(url("seals")))
        client.post(url("seal_upload", purpose="seal"), {"picture": upload(png())})
        image = PrintImage.objects.get()
        assert "由项目经理批准" in page(client.get(url("seals")))
        assert client.post(url("seal_approve", pk=image.pk)).status_code == 403
        assert "印章已启用" in page(manager.post(url("seal_approve", pk=image.pk), follow=True))
        response = client.get(url("seal_picture", pk=image.pk))
        assert response["Content-Type"] == "image/png"
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response.content.startswith(b"\x89PNG")
        client.post(url("seal_upload", purpose="seal"), {"picture": upload(png((200, 200)))})
        assert set(PrintImage.objects.values_list("state", flat=True)) == {"approved", "proposed"}
        assert "印章已停用" in page(client.post(url("seal_remove", pk=image.pk), follow=True))
        assert "已移除" in page(client.post(url("seal_remove", pk=image.pk), follow=True))

    @pytest.mark.parametrize("sent", [b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"MZ\x90", png()[:99]])
    def test_what_is_no_picture_is_refused_and_nothing_is_kept(self, project, sent):
        html = page(signed_in(project).post(url("seal_upload", purpose="seal"), {"picture": upload(sent)}, follow=True))
        assert "PNG" in html
        assert "ad-msg red" in html
        assert not PrintImage.objects.exists()

    def test_an_address_to_pay_at_becomes_a_code(self, project):
        client = signed_in(project)
        refused = page(client.post(url("seal_upload", purpose="payment"), {"link": "javascript:alert(1)"}, follow=True))
        assert "网址须以https://" in "".join(refused.split())
        client.post(url("seal_upload", purpose="payment"), {"link": "https://pay.example.com/1"})
        image = PrintImage.objects.get()
        response = client.get(url("seal_picture", pk=image.pk))
        assert response["Content-Type"] == "image/svg+xml"
        assert "https://pay.example.com/1" in page(client.get(url("seals")))

    def test_an_address_is_for_paying_only(self, project):
        client = signed_in(project)
        client.post(url("seal_upload", purpose="seal"), {"link": "https://pay.example.com/1"})
        assert not PrintImage.objects.exists()
        assert client.post(url("seal_upload", purpose="other"), {"picture": upload(png())}).status_code == 404

    def test_a_manager_who_also_writes_does_not_approve_what_they_uploaded(self, project):
        client = signed_in(project)
        client.post(url("seal_upload", purpose="seal"), {"picture": upload(png())})
        client.user.accesses.update(role=Role.PROJECT_MANAGER)
        html = page(client.post(url("seal_approve", pk=PrintImage.objects.get().pk), follow=True))
        assert "不能批准自己上传的图片" in html
        assert PrintImage.objects.get().state == "proposed"

    def test_others_see_neither_page_nor_picture(self, project):
        image = picture_in_use(project, ImagePurpose.SEAL)
        for role in (Role.FINANCE, Role.OFFICER, Role.COMPANY_LEADER):
            client = signed_in(project, role)
            assert client.get(url("seals")).status_code == 403
            assert client.get(url("seal_picture", pk=image.pk)).status_code == 403


class TestPublicNotices:
    def test_issue_list_and_download(self, project):
        approve_default_text(project, PublicKind.ANNOUNCEMENT)
        client = signed_in(project)
        assert "还没有发布过" in page(client.get(url("public")))
        issue = url("public_issue", kind="announcement")
        html = page(client.post(issue, {"deadline_on": "2099-12-31"}, follow=True))
        notice = PublicNotice.objects.get()
        assert notice.number in html
        response = client.get(url("public_file", pk=notice.pk))
        assert "关于交纳物业费用的通知" in text_of(b"".join(response.streaming_content))
        assert AuditEvent.objects.filter(action="notices.downloaded", user=client.user).exists()

    @pytest.mark.parametrize("deadline_on", ["", "2020-01-01", "x"])
    def test_a_bad_deadline_issues_nothing(self, project, deadline_on):
        approve_default_text(project, PublicKind.ANNOUNCEMENT)
        client = signed_in(project)
        html = page(client.post(url("public_issue", kind="announcement"), {"deadline_on": deadline_on}, follow=True))
        assert "ad-msg red" in html
        assert not PublicNotice.objects.exists()

    def test_a_sheet_needs_what_the_contract_says(self, project):
        approve_default_text(project, PublicKind.FEE_SHEET)
        client = signed_in(project)
        html = page(client.post(url("public_issue", kind="fee_sheet"), follow=True))
        assert "{收费标准}" in html
        ServiceContract.objects.create(
            project=project,
            name="服务合同",
            starts_on="2020-01-01",
            prices="住宅2.65元\n商铺5.00元",
            due_terms="按月交纳",
        )
        client.post(url("public_issue", kind="fee_sheet"))
        notice = PublicNotice.objects.get()
        text = text_of(b"".join(client.get(url("public_file", pk=notice.pk)).streaming_content))
        assert "收费标准：住宅2.65元；商铺5.00元。" in text

    def test_without_a_text_in_force_it_says_where_to_get_one(self, project):
        client = signed_in(project)
        html = page(client.post(url("public_issue", kind="announcement"), {"deadline_on": "2099-12-31"}, follow=True))
        assert "还没有批准的正文" in html
        assert client.post(url("public_issue", kind="lawyer_letter")).status_code == 404

    def test_the_list_costs_the_same_at_three_and_at_thirty(self, project, django_assert_max_num_queries):
        for _ in range(3):
            create_public_notice(project=project)
        client = signed_in(project)
        client.get(url("public"))
        with django_assert_max_num_queries(60) as few:
            client.get(url("public"))
        for _ in range(27):
            create_public_notice(project=project)
        with django_assert_max_num_queries(len(few)):
            client.get(url("public"))
