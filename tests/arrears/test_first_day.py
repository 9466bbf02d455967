"""From an empty system to the first import (S7, O6)."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from arrears.catalogue import fees_by_word, start_catalogue
from arrears.first_day import StepKey, StepState, steps
from arrears.models import FeeType, Import
from company.models import AuditEvent, Project, Role, User
from tests.factories import NOW, TODAY, create_account, create_charge, create_project, create_user, give_role

pytestmark = pytest.mark.django_db
PROJECT = {
    "code": "FHC1", "name": "凤凰城一期", "short_name": "凤一", "company_name": "凤凰城物业服务有限公司",
    "service_address": "1栋首层", "service_phone": "020-88880000", "payment_methods": "刷卡",
    "verification_hours": "24", "contact_from": "09:00", "contact_until": "20:00", "is_active": "on",
}  # fmt: skip
FEE = {"name": "物业服务费", "nature": "property", "billing": "advance", "billing_months": "3", "due_day": "10"}


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def signed_in(role, project=None):
    client = Client()
    client.force_login(create_user(role=role, project=project))
    return client


def states(project):
    return {step.key: step.state for step in steps(project, today=TODAY)}


def url(name, **kwargs):
    return reverse(name, kwargs={"project_code": "FHC1", **kwargs})


def page(response):
    assert response.status_code == 200
    return response.content.decode()


class TestGuide:
    def test_an_empty_system_begins_with_the_project(self):
        client = signed_in(Role.SYSTEM_ADMIN)
        html = page(client.get("/", follow=True))
        assert reverse("company:project_new") in html
        html = page(client.post(reverse("company:project_new"), PROJECT, follow=True))
        assert "已完成 1 / 6" in html
        assert f'href="{url("owners:contracts")}"' in html

    def test_each_step_is_read_from_what_it_makes(self):
        project = create_project(code="FHC1")
        found = states(project)
        assert found[StepKey.PROJECT] is StepState.USABLE
        assert found[StepKey.CONTRACT] is StepState.MISSING
        assert found[StepKey.FEES] is StepState.USABLE
        assert found[StepKey.BUILDINGS] is StepState.USABLE
        assert found[StepKey.STAFF] is StepState.MISSING
        assert found[StepKey.IMPORT] is StepState.MISSING

    def test_the_whole_way(self):
        admin = signed_in(Role.SYSTEM_ADMIN)
        admin.post(reverse("company:project_new"), PROJECT)
        project = Project.objects.get()
        finance = signed_in(Role.FINANCE, project)
        contract = {"name": "前期物业服务合同", "starts_on": "2020-01-01", "dispute": "court", "prices": "住宅 2.65"}
        finance.post(url("owners:contract_new"), contract | {"scan_upload": a_pdf()})
        finance.get(url("arrears:fees"))
        fee = FeeType.objects.get(project=project, name="物业服务费")
        finance.post(url("arrears:fee_edit", pk=fee.pk), FEE)
        finance.post(url("owners:buildings"), {"names": "1-3栋"})
        for role in Role:
            give_role(user=create_user(), role=role, project=project)
        Import.objects.create(
            project=project, kind="charges", state=Import.State.POSTED, file_name="a.xlsx", posted_at=NOW,
            posted_by=User.objects.first(),
        )  # fmt: skip
        assert set(states(project).values()) == {StepState.DONE}
        assert "已完成 6 / 6" in page(finance.get(url("arrears:first_day")))

    @pytest.mark.parametrize(
        ("role", "may"),
        [
            (Role.SYSTEM_ADMIN, {"owners:contracts", "arrears:fees", "owners:buildings"}),
            (Role.PROJECT_MANAGER, {"owners:contracts", "arrears:fees", "owners:buildings"}),
            (Role.FINANCE, {"owners:contracts", "arrears:fees", "owners:buildings", "arrears:import_new"}),
        ],
    )
    def test_everybody_gets_their_part_and_learns_whose_the_rest_is(self, role, may):
        project = create_project(code="FHC1")
        html = page(signed_in(role, project).get(url("arrears:first_day")))
        for name in ("owners:contracts", "arrears:fees", "owners:buildings", "arrears:import_new"):
            assert (f'href="{url(name)}"' in html) == (name in may), name
        assert ("由财务" in html) == (role != Role.FINANCE)
        assert ("由系统管理员办理" in html) == (role != Role.SYSTEM_ADMIN)

    def test_start_leads_to_the_project_of_the_person(self):
        project = create_project(code="FHC1")
        assert signed_in(Role.FINANCE, project).get("/start/")["Location"] == url("arrears:first_day")

    @pytest.mark.parametrize("name", ["arrears:imports", "arrears:ledger", "arrears:home"])
    def test_empty_pages_lead_to_it(self, name):
        project = create_project(code="FHC1")
        assert url("arrears:first_day") in page(signed_in(Role.FINANCE, project).get(url(name)))

    def test_it_costs_the_same_in_a_large_project(self, django_assert_max_num_queries):
        project = create_project(code="FHC1")
        for number in range(20):
            create_account(project=project, code=f"{number}-1-101")
        with django_assert_max_num_queries(7):
            steps(project, today=TODAY)


def a_pdf():
    return SimpleUploadedFile("scan.pdf", b"%PDF-1.7 scan")


class TestFees:
    @pytest.fixture
    def project(self):
        project = create_project(code="FHC1")
        start_catalogue(project)
        return project

    @pytest.fixture
    def client(self, project):
        return signed_in(Role.FINANCE, project)

    def fee(self, name="物业服务费"):
        return FeeType.objects.get(name=name)

    def test_a_new_name_keeps_the_old_one_as_a_synonym(self, project, client):
        client.post(url("arrears:fee_edit", pk=self.fee().pk), FEE | {"name": "住宅服务费", "words": "管理费 物管费"})
        fee = self.fee("住宅服务费")
        words = fees_by_word(project)
        assert words["物业服务费"] == words["管理费"] == words["住宅服务费"] == fee
        assert "物业费" not in words
        assert (fee.billing, fee.billing_months, fee.due_day) == ("advance", 3, 10)
        assert AuditEvent.objects.get(action="arrears.fee_edited").detail["name"] == "住宅服务费"

    @pytest.mark.parametrize("change", [{"name": "水 费"}, {"words": "自来水费"}, {"words": "电费"}])
    def test_a_word_of_another_fee_is_refused_by_name(self, client, change):
        html = page(client.post(url("arrears:fee_edit", pk=self.fee().pk), FEE | change))
        assert "已经是费项“" in html
        assert self.fee().due_day is None

    @pytest.mark.parametrize(
        "change", [{"due_day": "32"}, {"billing_months": "2"}, {"name": "（）"}, {"words": "长" * 61}]
    )
    def test_nonsense_is_refused(self, client, change):
        assert "is-invalid" in page(client.post(url("arrears:fee_edit", pk=self.fee().pk), FEE | change))

    def test_a_new_fee_stands_last(self, project, client):
        client.post(url("arrears:fee_new"), FEE | {"name": "电梯费", "nature": "other", "words": "梯费"})
        assert FeeType.objects.filter(project=project).last().name == "电梯费"

    def test_a_fee_without_charges_can_go_and_one_with_charges_stays(self, project, client):
        water = self.fee("水费")
        create_charge(account=create_account(project=project), fee_type=water)
        client.post(url("arrears:fee_remove", pk=water.pk))
        client.post(url("arrears:fee_remove", pk=self.fee("电费").pk))
        assert set(FeeType.objects.filter(name__in=["水费", "电费"]).values_list("name", flat=True)) == {"水费"}

    def test_said_to_be_right_they_are_done(self, project, client):
        assert "确认无误" in page(client.get(url("arrears:fees")))
        client.post(url("arrears:fees_confirm"))
        assert states(project)[StepKey.FEES] is StepState.DONE
        assert "确认无误" not in page(client.get(url("arrears:fees")))

    @pytest.mark.parametrize("role", [Role.OFFICER, Role.NOTICE_ADMIN, Role.COMPANY_LEADER])
    def test_others_are_refused(self, project, role):
        client = Client()
        client.force_login(User.objects.get(pk=create_user(role=role, project=project).pk))
        assert client.get(url("arrears:fees")).status_code == 403
