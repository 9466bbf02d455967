"""The EMS page: scanner, filters, many items at once."""

import pytest
from django.utils import timezone

from notices.models import Delivery
from notices.waybills import enter_number
from tests.factories import NOW, create_project
from tests.notice_factories import (
    create_letter,
    create_sendings,
    send,
)
from tests.notices.desk import page, pdf, photo, said, signed_in, url

pytestmark = pytest.mark.django_db
NUMBER = "1099001234216"
SENT_ON = "2025-11-24"


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def project(db):
    return create_project(code="FHC1")


@pytest.fixture
def client(project):
    return signed_in(project)


class TestEmsPage:
    def scan(self, client, code, letter="", *, htmx=True):
        headers = {"HX-Request": "true"} if htmx else {}
        return client.post(url("ems_scan"), {"code": code, "letter": letter}, headers=headers, follow=not htmx)

    @pytest.fixture
    def delivery(self, project):
        (delivery,) = send(create_letter(project=project))
        return delivery

    def test_letter_then_waybill(self, client, delivery):
        html = page(self.scan(client, delivery.notice.data["scan_code"]))
        assert delivery.notice.number in html
        assert f'value="{delivery.pk}"' in html
        html = page(self.scan(client, NUMBER, delivery.pk))
        assert "1099 0012 3421 6" in html
        delivery.refresh_from_db()
        assert (delivery.tracking_number, delivery.numbered_by) == (NUMBER, client.user)

    def test_without_javascript(self, client, delivery):
        response = self.scan(client, delivery.notice.number, htmx=False)
        assert f"letter={delivery.pk}" in response.redirect_chain[0][0]
        self.scan(client, NUMBER, delivery.pk, htmx=False)
        delivery.refresh_from_db()
        assert delivery.tracking_number == NUMBER

    def test_each_mistake_has_its_own_message(self, client, project, delivery):
        other = send(create_letter(project=project))[0]
        enter_number(project, other.pk, "1099001234229", by=client.user, now=NOW)
        waiting = create_letter(project=project)
        foreign = create_letter(project=create_project())
        code = delivery.notice.data["scan_code"]
        cases = {
            (NUMBER, ""): "先扫函件",
            ("EN2025999999", ""): "没有条码",
            (foreign.data["scan_code"], ""): "没有条码",
            (other.notice.data["scan_code"], ""): "已有运单号",
            (waiting.data["scan_code"], ""): "还没有登记交寄",
            ("1099001234229", delivery.pk): "已属于",
            ("109900123421", delivery.pk): "13位",
            ("EE123456789CN", delivery.pk): "校验码",
            ("", delivery.pk): "没有扫到",
        }
        for (scanned, letter), words in cases.items():
            assert words in page(self.scan(client, scanned, letter)), scanned
        delivery.refresh_from_db()
        assert delivery.tracking_number == ""
        assert "先扫" not in page(self.scan(client, code))

    def test_an_international_number_with_its_check_digit(self, client, delivery):
        self.scan(client, "EE123456785CN", delivery.pk)
        delivery.refresh_from_db()
        assert delivery.tracking_number == "EE123456785CN"

    def test_the_last_one_of_ones_own_is_taken_back(self, client, project, delivery):
        enter_number(project, delivery.pk, NUMBER, by=client.user, now=timezone.now())
        colleague = signed_in(project)
        colleague.post(url("ems_undo"), {"delivery": delivery.pk})
        delivery.refresh_from_db()
        assert delivery.tracking_number == NUMBER
        response = client.post(url("ems_undo"), {"delivery": delivery.pk})
        assert response["Location"].endswith(f"?letter={delivery.pk}")
        delivery.refresh_from_db()
        assert delivery.tracking_number == ""

    def test_filters_with_counts(self, client, project):
        first, *_rest = create_sendings(project=project, number=3)
        enter_number(project, first.pk, NUMBER, by=client.user, now=NOW)
        html = page(client.get(url("ems")))
        assert "缺运单号 2" in html
        assert "运输中 1" in html
        html = page(client.get(url("ems"), {"show": "number"}))
        assert first.notice.number not in html.split('id="ems-list"')[1]
        assert first.notice.number in page(client.get(url("ems"), {"q": "1099 0012"})).split('id="ems-list"')[1]

    def test_bulk(self, client, project):
        deliveries = create_sendings(project=project, number=3)
        ids = [delivery.pk for delivery in deliveries[:2]]
        client.post(url("ems_bulk"), {"act": "posting", "delivery": ids, "file": pdf()})
        assert Delivery.objects.filter(posting_proof__isnull=False).count() == 2
        client.post(url("ems_bulk"), {"act": "transit", "delivery": ids, "on": SENT_ON})
        assert Delivery.objects.filter(state="in_transit").count() == 2
        client.post(url("ems_bulk"), {"act": "signed", "delivery": ids, "on": SENT_ON, "receiver": "self"})
        assert Delivery.objects.filter(state="signed").count() == 2
        client.post(
            url("ems_bulk"), {"act": "returned", "delivery": [deliveries[2].pk], "on": SENT_ON, "reason": "moved"}
        )
        assert Delivery.objects.get(state="returned").pk == deliveries[2].pk
        assert not Delivery.objects.filter(state="delivered").exists()

    def test_bulk_touches_nothing_of_another_project(self, client):
        (foreign,) = send(create_letter(project=create_project()))
        client.post(url("ems_bulk"), {"act": "transit", "delivery": [foreign.pk]})
        foreign.refresh_from_db()
        assert foreign.state == "dispatched"

    def test_proofs_find_their_letters_by_name(self, client, project):
        first, second = create_sendings(project=project, number=2)
        enter_number(project, first.pk, NUMBER, by=client.user, now=NOW)
        enter_number(project, second.pk, "1099001234229", by=client.user, now=NOW)
        files = [photo(f"{NUMBER}_签收.jpg"), pdf(name="1099 0012 3422 9.pdf"), photo("微信图片.jpg")]
        response = client.post(url("ems_proofs"), {"proof": "delivery_proof", "uploads": files}, follow=True)
        first.refresh_from_db()
        second.refresh_from_db()
        assert first.delivery_proof.content_type == "image/jpeg"
        assert second.delivery_proof.content_type == "application/pdf"
        assert any("微信图片.jpg" in text for text in said(response))

    def test_costs_the_same_at_three_and_at_thirty(self, client, project, django_assert_max_num_queries):
        create_sendings(project=project, number=3)
        client.get(url("ems"))
        with django_assert_max_num_queries(60) as few:
            client.get(url("ems"))
        create_sendings(project=project, number=27)
        with django_assert_max_num_queries(len(few)):
            client.get(url("ems"))
