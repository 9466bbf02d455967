"""The contract and the buildings of a project (O1, O6)."""

import datetime as dt

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from company.models import AuditEvent, FilePurpose, Role
from owners.contracts import contract_on
from owners.models import Building, ServiceContract
from owners.registering import register_buildings, split_building_names
from tests.factories import TODAY, create_project, create_unit, create_user

pytestmark = pytest.mark.django_db
CONTRACT = {
    "name": "前期物业服务合同", "signed_on": "2019-12-01", "starts_on": "2020-01-01", "ends_on": "2029-12-31",
    "prices": "住宅 2.65元/㎡·月", "due_terms": "每月10日前", "late_fee_clause": "每日按万分之五",
    "late_fee_word": "违约金", "dispute": "arbitration", "forum": "广州仲裁委员会", "has_service_address_clause": "on",
}  # fmt: skip


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def project():
    return create_project(code="FHC1")


@pytest.fixture
def client(project):
    client = Client()
    client.force_login(create_user(name="何琳", role=Role.PROJECT_MANAGER, project=project))
    return client


def url(name, **kwargs):
    return reverse(f"owners:{name}", kwargs={"project_code": "FHC1", **kwargs})


def upload(content=b"%PDF-1.7 scan", name="合同.pdf"):
    return SimpleUploadedFile(name, content)


class TestContract:
    def test_it_is_entered_whole_with_its_scan(self, project, client):
        client.post(url("contract_new"), CONTRACT | {"scan_upload": upload()})
        contract = ServiceContract.objects.get(project=project)
        assert (contract.forum, contract.dispute, contract.due_terms) == ("广州仲裁委员会", "arbitration", "每月10日前")
        assert contract.scan.purpose == FilePurpose.CONTRACT_SCAN
        html = client.get(url("contracts")).content.decode()
        assert "合同.pdf" in html
        assert "现行" in html
        assert AuditEvent.objects.filter(action="owners.contract_created").exists()

    def test_editing_keeps_the_scan(self, project, client):
        client.post(url("contract_new"), CONTRACT | {"scan_upload": upload()})
        contract = ServiceContract.objects.get()
        client.post(url("contract_edit", pk=contract.pk), CONTRACT | {"name": "物业服务合同"})
        contract.refresh_from_db()
        assert contract.name == "物业服务合同"
        assert contract.scan is not None
        assert AuditEvent.objects.get(action="owners.contract_edited").detail["fields"] == ["name"]

    @pytest.mark.parametrize(
        ("change", "text"),
        [
            ({"ends_on": "2019-01-01"}, "合同止日早于起日"),
            ({"late_fee_word": ""}, "请填写条款里的用词"),
            ({"name": ""}, "is-invalid"),
            ({"scan_upload": upload(b"MZ")}, "只接受PDF、JPEG和PNG文件"),
        ],
    )
    def test_what_cannot_be_is_refused(self, client, change, text):
        html = client.post(url("contract_new"), CONTRACT | change).content.decode()
        assert text in html
        assert not ServiceContract.objects.exists()

    def test_the_database_refuses_a_clause_without_a_word(self, project):
        with pytest.raises(IntegrityError), transaction.atomic():
            ServiceContract.objects.create(project=project, name="x", starts_on=TODAY, late_fee_clause="每日")

    def test_the_one_that_began_last_is_in_force(self, project):
        old, new, later = (
            ServiceContract.objects.create(project=project, name=str(year), starts_on=dt.date(year, 1, 1))
            for year in (2015, 2020, 2030)
        )
        assert contract_on(project, TODAY) == new
        assert contract_on(project, dt.date(2018, 1, 1)) == old
        assert contract_on(project, dt.date(2031, 1, 1)) == later
        assert contract_on(project, dt.date(2000, 1, 1)) is None


class TestBuildings:
    @pytest.mark.parametrize(
        ("text", "names"),
        [
            ("1栋\n2栋", ["1栋", "2栋"]),
            ("1-3栋、商业街", ["1栋", "2栋", "3栋", "商业街"]),
            ("8至10", ["8栋", "9栋", "10栋"]),
            ("A座，B座，A座", ["A座", "B座"]),
            ("5-2", ["5-2"]),
            (" \n、", []),
        ],
    )
    def test_a_list_is_understood(self, text, names):
        assert split_building_names(text) == names

    def test_one_building_under_two_spellings_is_made_once(self, project):
        by = create_user()
        assert register_buildings(project, ["8栋", "8幢", "商业街"], by=by) == 2
        assert register_buildings(project, ["08号楼", "9"], by=by) == 1
        names = [building.name for building in Building.objects.order_by("sort_key")]
        assert names == ["8栋", "9栋", "商业街"]

    def test_the_page_adds_and_removes_those_without_units(self, project, client):
        html = client.post(url("buildings"), {"names": "1-2栋"}, follow=True).content.decode()
        assert "已添加 2 栋" in html
        one, two = Building.objects.order_by("sort_key")
        create_unit(project=project, code="1-1-101", building=one)
        for building in (one, two):
            client.post(url("building_remove", pk=building.pk))
        assert list(Building.objects.filter(name__endswith="栋")) == [one]

    def test_too_long_or_too_many_is_refused(self, client):
        for names in ("长" * 41, "、".join(f"某{n}楼" for n in range(501)), ""):
            assert "is-invalid" in client.post(url("buildings"), {"names": names}).content.decode()
        assert not Building.objects.exists()
