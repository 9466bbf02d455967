"""Dispatch and what becomes of one sending, as the notice administrator records it."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from arrears.models import LimitationProof
from company.models import AuditEvent, Role, StoredFile
from notices.models import Delivery
from tests.factories import create_payment, create_project
from tests.notice_factories import (
    create_letter,
    create_letter_batch,
    send,
)
from tests.notices.desk import act, page, pdf, photo, said, signed_in, url

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


class TestDispatch:
    def test_ticked_and_all(self, client, project):
        batch = create_letter_batch(project=project)
        first, *_others = [create_letter(project=project, batch=batch) for _ in range(3)]
        sending = {"channel": "ems", "on": "2025-11-23", "address_kind": "on_site"}
        assert said(client.post(url("batch_dispatch", pk=batch.pk), sending, follow=True)) == ["请先勾选函件。"]
        client.post(url("batch_dispatch", pk=batch.pk), sending | {"letter": [first.pk]})
        assert Delivery.objects.get().notice == first
        client.post(url("batch_dispatch", pk=batch.pk), sending | {"all": "1"})
        assert Delivery.objects.count() == 3

    def test_overtaken_letters_are_void_and_said(self, client, project):
        batch = create_letter_batch(project=project)
        letter = create_letter(project=project, batch=batch)
        create_payment(account=letter.account)
        sending = {"channel": "post", "on": "2025-11-23", "address_kind": "on_site", "all": "1"}
        response = client.post(url("batch_dispatch", pk=batch.pk), sending, follow=True)
        assert "账目有变" in said(response)[0]

    @pytest.mark.parametrize("fields", [{"channel": "door"}, {"on": "2999-01-01"}, {"on": "x"}, {"channel": ""}])
    def test_what_does_not_fit_is_said_and_nothing_sent(self, client, project, fields):
        letter = create_letter(project=project)
        sending = {"channel": "ems", "on": "2025-11-23", "address_kind": "on_site"} | fields
        assert said(client.post(url("letter_dispatch", pk=letter.pk), sending, follow=True))
        assert not Delivery.objects.exists()


class TestOneSending:
    @pytest.fixture
    def delivery(self, project):
        (delivery,) = send(create_letter(project=project))
        return delivery

    def test_from_dispatch_to_delivery_and_back(self, client, delivery):
        act(client, delivery, "number", number="1099 0012 3421 6")
        act(client, delivery, "proof", proof="posting_proof", file=pdf(mark="posting"))
        act(client, delivery, "proof", proof="delivery_proof", file=photo())
        response = act(client, delivery, "receive", on=SENT_ON, receiver="self")
        assert "已送达" in said(response)[0]
        proof = LimitationProof.objects.get()
        assert proof.file.content_type == "image/jpeg"
        assert b"SecretPhone" not in proof.file.file.open().read()
        assert "重新起算" in page(client.get(url("letter", pk=delivery.notice_id)))
        act(client, delivery, "undo-receipt", reason="登记错")
        delivery.refresh_from_db()
        assert delivery.state == "in_transit"
        assert LimitationProof.objects.filter(kind="reversal").count() == 1

    def test_proofs_are_looked_at_by_right_and_recorded(self, client, project, delivery):
        act(client, delivery, "proof", proof="posting_proof", file=pdf())
        address = url("delivery_file", pk=delivery.pk, which="posting_proof")
        assert client.get(address).status_code == 200
        assert AuditEvent.objects.filter(action="notices.downloaded", user=client.user).count() == 1
        assert client.get(url("delivery_file", pk=delivery.pk, which="photo")).status_code == 404
        assert client.get(url("delivery_file", pk=delivery.pk, which="notice")).status_code == 404
        assert signed_in(project, Role.OFFICER).get(address).status_code == 403

    @pytest.mark.parametrize("content", [b"MZ program", b"%PDF-1.7 broken", b"\xff\xd8\xff no photo"])
    def test_what_is_no_proof_is_refused(self, client, delivery, content):
        files = StoredFile.objects.count()
        response = act(client, delivery, "proof", proof="posting_proof", file=SimpleUploadedFile("x.pdf", content))
        assert said(response)
        delivery.refresh_from_db()
        assert delivery.posting_proof is None
        assert StoredFile.objects.count() == files

    @pytest.mark.parametrize(
        ("name", "fields"),
        [("number", {"number": "123"}), ("number", {"number": ""}), ("receive", {"on": "2999-01-01"}),
         ("receive", {"on": ""}), ("returned", {"on": SENT_ON, "reason": "x"}), ("take-back", {"reason": ""}),
         ("contents", {"contents": "欠费催缴"}), ("undo-return", {"reason": "x"}), ("again", {"channel": "ems"})],
    )  # fmt: skip
    def test_what_is_wrong_is_said_and_changes_nothing(self, client, delivery, name, fields):
        before = Delivery.objects.values().get()
        assert said(act(client, delivery, name, **fields))
        assert Delivery.objects.values().get() == before

    def test_an_unknown_act_does_not_exist(self, client, delivery):
        assert act(client, delivery, "fly").status_code == 404

    def test_returned_with_the_envelope_and_sent_again(self, client, delivery):
        act(client, delivery, "returned", on=SENT_ON, reason="unknown", proof=photo())
        delivery.refresh_from_db()
        assert (delivery.state, delivery.return_proof is not None) == ("returned", True)
        html = page(client.get(url("letter", pk=delivery.notice_id)))
        assert "改寄" in html
        assert "没有登记第二通信地址" in html
        act(client, delivery, "again", channel="by_hand", on=SENT_ON, address_kind="on_site")
        assert delivery.notice.deliveries.count() == 2

    def test_the_page_shows_no_name_in_clear(self, client, project):
        (delivery,) = send(create_letter(project=project, names=["陈建国"]))
        html = page(client.get(url("letter", pk=delivery.notice_id)))
        assert "陈*国" in html
        assert "陈建国" not in html
