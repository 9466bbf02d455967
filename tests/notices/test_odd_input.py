"""What browsers never send but people can: ids and texts that the database cannot take."""

import pytest

from notices.models import Delivery, Notice
from tests.factories import create_project
from tests.notice_factories import create_letter, send
from tests.notices.desk import signed_in, url

pytestmark = pytest.mark.django_db
LONG = ["9" * 20, "9" * 5000]


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def letter():
    return create_letter(project=create_project(code="FHC1"))


@pytest.fixture
def client(letter):
    return signed_in(letter.project)


@pytest.mark.parametrize("pk", LONG)
class TestIdsLongerThanAnyId:
    def test_ticked_letters(self, client, letter, pk):
        fields = {"letter": [pk, letter.pk], "channel": "ems", "on": "2025-11-23"}
        client.post(url("batch_dispatch", pk=letter.batch_id), fields)
        assert Notice.objects.get().state == Notice.State.DISPATCHED

    def test_ticked_items(self, client, letter, pk):
        (sent,) = send(letter)
        client.post(url("ems_bulk"), {"delivery": [pk, sent.pk], "act": "transit"})
        assert Delivery.objects.get().state == Delivery.State.IN_TRANSIT

    def test_the_letter_that_waits_for_its_waybill(self, client, pk):
        assert client.get(url("ems"), {"letter": pk}).status_code == 200
        assert client.post(url("ems_scan"), {"letter": pk, "code": "1099001234216"}).status_code == 302


class TestZeroBytes:
    @pytest.mark.parametrize("name", ["q", "sort", "show", "on", "page", "letter"])
    def test_in_addresses(self, client, name):
        for page in ("ems", "register", "public", "templates", "batches"):
            assert client.get(url(page), {name: "a\0b"}).status_code == 200

    def test_from_the_scanner(self, client):
        assert client.post(url("ems_scan"), {"code": "a\0b"}, follow=True).status_code == 200

    def test_in_the_editor(self, client):
        fields = {"body": "{业主}\0", "unit": "1\0", "paper": "a6\0"}
        assert client.post(url("template_check", kind="door_slip"), fields).status_code == 200
