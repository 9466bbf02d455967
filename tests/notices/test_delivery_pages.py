"""The pages of letters and sendings, as the notice administrator uses them."""

import io
import zipfile

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from PIL import Image

from arrears.models import LimitationProof
from company.models import AuditEvent, Role, StoredFile
from notices.models import Delivery, Notice, NoticeKind, SignedScan
from notices.waybills import enter_number
from tests.factories import NOW, create_payment, create_project, create_user
from tests.notice_factories import (
    create_file,
    create_letter,
    create_letter_batch,
    create_scan,
    create_sendings,
    pdf_of,
    send,
)

pytestmark = pytest.mark.django_db
NUMBER = "1099001234216"
SENT_ON = "2025-11-24"


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def project(db):
    return create_project(code="FHC1")


def signed_in(project, role=Role.NOTICE_ADMIN):
    client = Client()
    client.user = create_user(name="贺兰", role=role, project=project)
    client.force_login(client.user)
    return client


@pytest.fixture
def client(project):
    return signed_in(project)


def url(name, **kwargs):
    return reverse(f"notices:{name}", kwargs={"project_code": "FHC1"} | kwargs)


def page(response):
    assert response.status_code == 200
    return response.content.decode()


def said(response):
    """The messages of a page that was reached by a redirect."""
    return [str(message) for message in response.context["messages"]]


def act(client, delivery, name, **fields):
    return client.post(url("delivery_act", pk=delivery.pk, act=name), fields, follow=True)


def pdf(pages=1, name="scan.pdf", mark=""):
    return SimpleUploadedFile(name, pdf_of(pages, mark=mark), content_type="application/pdf")


def photo(name="photo.jpg"):
    content = io.BytesIO()
    exif = Image.Exif()
    exif[0x010F] = "SecretPhone"
    Image.new("RGB", (40, 30), (200, 10, 10)).save(content, "JPEG", exif=exif)
    return SimpleUploadedFile(name, content.getvalue(), content_type="image/jpeg")


class TestSignedScans:
    @pytest.fixture
    def batch(self, project):
        batch = create_letter_batch(project=project, kind=NoticeKind.LAWYER_LETTER)
        for pages in (1, 2, 3):
            create_letter(project=project, batch=batch, pages=pages)
        return batch

    def test_one_scan_of_the_batch_is_cut_by_the_known_pages(self, client, batch):
        response = client.post(url("batch_scans", pk=batch.pk), {"scan": pdf(6)}, follow=True)
        assert said(response) == ["已保存3份签章扫描件。"]
        assert list(SignedScan.objects.order_by("notice__position").values_list("pages", flat=True)) == [1, 2, 3]
        assert "可寄发 3" in page(client.get(url("batch_send", pk=batch.pk)))

    @pytest.mark.parametrize("pages", [5, 7])
    def test_another_number_of_pages_keeps_nothing_and_says_how_many(self, client, batch, pages):
        response = client.post(url("batch_scans", pk=batch.pk), {"scan": pdf(pages)}, follow=True)
        assert f"扫描件有{pages}页" in said(response)[0]
        assert "共6页" in said(response)[0]
        assert not SignedScan.objects.exists()

    def archive(self, batch, *, names=None, first_pages=1, gbk=False):
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            for letter in batch.notices.all():
                name = (names or "签章/{number}.pdf").format(number=letter.number, code=letter.data["scan_code"])
                if gbk:
                    name = name.encode("gb18030").decode("cp437")
                pages = first_pages if letter.position == 1 else letter.pages
                archive.writestr(name, pdf_of(pages, mark=name))
        raw = content.getvalue()
        if gbk:  # written as archives of Chinese Windows are: the names as they are, and no mark of UTF-8
            for letter in batch.notices.all():
                name = f"签章/{letter.number}.pdf".encode("gb18030")
                raw = raw.replace(name.decode("cp437").encode(), name)
        return SimpleUploadedFile("scans.zip", raw)

    @pytest.mark.parametrize("names", ["签章/{number}.pdf", "0001_1-1-101_{number}.pdf", "{code}.pdf"])
    def test_a_zip_is_sorted_by_number(self, client, batch, names):
        response = client.post(url("batch_scans", pk=batch.pk), {"scan": self.archive(batch, names=names)}, follow=True)
        assert said(response) == ["已保存3份签章扫描件。"]

    def test_a_zip_with_one_bad_file_keeps_nothing(self, client, batch):
        letter = batch.notices.get(position=3)
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            archive.writestr(f"{letter.number}.pdf", pdf_of(2))
            archive.writestr("凤一律函〔2025〕第9999号.pdf", pdf_of(1))
        upload = SimpleUploadedFile("scans.zip", content.getvalue())
        (text,) = said(client.post(url("batch_scans", pk=batch.pk), {"scan": upload}, follow=True))
        assert "9999" in text
        assert "2页，函件有3页" in text
        assert not SignedScan.objects.exists()

    @pytest.mark.parametrize(
        "content", [b"PK\x03\x04broken", b"%PDF-1.7 broken", b"no pdf", b"%PDF-", b"\xff\xd8\xff photo"]
    )
    def test_broken_files_are_refused_with_a_reason(self, client, batch, content):
        upload = SimpleUploadedFile("scan.pdf", content)
        assert said(client.post(url("batch_scans", pk=batch.pk), {"scan": upload}, follow=True))
        letter = batch.notices.first()
        assert said(
            client.post(url("letter_scan", pk=letter.pk), {"scan": SimpleUploadedFile("x.pdf", content)}, follow=True)
        )
        assert not SignedScan.objects.exists()

    def test_one_letter_and_its_file_that_is_handed_out(self, client, batch):
        letter = batch.notices.get(position=2)
        assert "草稿PDF" in page(client.get(url("letter", pk=letter.pk)))
        client.post(url("letter_scan", pk=letter.pk), {"scan": pdf(2, mark="signed")})
        scan = letter.scans.get()
        final = b"".join(client.get(url("notice_file", pk=letter.pk)).streaming_content)
        issued = b"".join(client.get(url("notice_file", pk=letter.pk) + "?issued").streaming_content)
        assert final == scan.file.file.open().read() != issued
        letter.refresh_from_db()
        assert letter.file.file.open().read() == issued
        assert AuditEvent.objects.filter(action="notices.downloaded", detail__file=scan.file.sha256).exists()

    def test_without_a_valid_mandate_the_draft_is_handed_out_and_no_scan_is_taken(self, client, batch):
        letter = batch.notices.get(position=1)
        create_scan(notice=letter)
        firm = batch.law_firm
        firm.mandate = None
        firm.save()
        handed_out = b"".join(client.get(url("notice_file", pk=letter.pk)).streaming_content)
        assert handed_out == letter.file.file.open().read()
        other = batch.notices.get(position=2)
        client.post(url("letter_scan", pk=other.pk), {"scan": pdf(2)})
        assert not other.scans.exists()

    def test_a_wrong_scan_is_taken_back_with_a_reason(self, client, batch):
        letter = batch.notices.get(position=1)
        create_scan(notice=letter)
        client.post(url("letter_scan_withdraw", pk=letter.pk), {"reason": ""})
        assert letter.scans.get().withdrawn_at is None
        client.post(url("letter_scan_withdraw", pk=letter.pk), {"reason": "扫错"})
        assert letter.scans.get().withdrawn_by == client.user


class TestPromise21:
    """No role sends or receives a final lawyer's letter without mandate and signed scan, whatever its state."""

    @pytest.mark.parametrize("role", list(Role))
    @pytest.mark.parametrize("lacks", ["scan", "mandate", "both"])
    @pytest.mark.parametrize("state", ["queued", "issued", "failed", "void"])
    def test_nobody(self, project, role, lacks, state):
        letter = create_letter(project=project, kind=NoticeKind.LAWYER_LETTER)
        if lacks == "mandate":
            create_scan(notice=letter)
        if lacks != "scan":
            firm = letter.batch.law_firm
            firm.mandate = None
            firm.save()
        more = {"failed": {"failure": "crashed"}, "void": {"void_reason": "cancelled"}}
        Notice.objects.filter(pk=letter.pk).update(state=state, **more.get(state, {}))
        client = signed_in(project, role)
        sending = {"channel": "ems", "on": "2025-11-23", "address_kind": "on_site"}
        client.post(url("letter_dispatch", pk=letter.pk), sending)
        client.post(url("batch_dispatch", pk=letter.batch_id), sending | {"all": "1"})
        client.post(url("batch_dispatch", pk=letter.batch_id), sending | {"letter": [letter.pk]})
        assert not Delivery.objects.exists()
        letter.refresh_from_db()
        assert letter.state == state
        response = client.get(url("notice_file", pk=letter.pk))
        if response.status_code == 200:
            assert b"".join(response.streaming_content) == letter.file.file.open().read()  # marked as a draft


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
        enter_number(project, delivery.pk, NUMBER, by=client.user, now=NOW)
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


class TestRegister:
    @pytest.fixture
    def letters(self, project, client):
        sent, numbered, waiting = (create_letter(project=project) for _ in range(3))
        send(sent)
        (delivery,) = send(numbered)
        enter_number(project, delivery.pk, NUMBER, by=client.user, now=NOW)
        Delivery.objects.filter(pk=delivery.pk).update(state="signed", received_on=NOW.date(), receiver="self")
        return sent, numbered, waiting

    @pytest.mark.parametrize(
        ("query", "shown"),
        [({"delivery": "none"}, [2]), ({"delivery": "dispatched"}, [0]), ({"channel": "ems"}, [0, 1]),
         ({"lacks": "number"}, [0]), ({"lacks": "proof"}, [1]), ({"q": "10990012"}, [1]), ({"since": "2999-01-01"}, []),
         ({"until": "2025-11-23"}, [0, 1, 2]), ({"state": "issued"}, [2]), ({"kind": "lawyer_letter"}, [])],
    )  # fmt: skip
    def test_filters(self, client, letters, query, shown):
        html = page(client.get(url("register"), query))
        assert [n for n, letter in enumerate(letters) if letter.number in html] == shown

    def test_the_batch_and_sorting(self, client, letters):
        html = page(client.get(url("register"), {"batch": letters[0].batch_id, "sort": "-sent"}))
        assert letters[0].number in html
        assert letters[1].number not in html

    def test_export_has_numbers_and_deliveries_and_is_recorded(self, client, letters):
        response = client.get(url("register_export"), {"channel": "ems"})
        sheet = openpyxl.load_workbook(io.BytesIO(response.content)).active
        heads = [cell.value for cell in sheet[1]]
        rows = [dict(zip(heads, [cell.value for cell in row], strict=True)) for row in sheet.iter_rows(min_row=2)]
        numbers = {row["函号"]: row["运单号"] for row in rows}
        assert numbers == {letters[0].number: None, letters[1].number: NUMBER}
        assert AuditEvent.objects.filter(action="notices.exported", user=client.user, detail__count=2).exists()

    def test_costs_the_same_at_three_and_at_thirty(self, client, project, letters, django_assert_max_num_queries):
        client.get(url("register"))
        with django_assert_max_num_queries(60) as few:
            client.get(url("register"))
        create_sendings(project=project, number=27)
        with django_assert_max_num_queries(len(few)):
            client.get(url("register"))

    def test_the_letters_page_costs_the_same_with_more_sendings(self, client, letters, django_assert_max_num_queries):
        sent = letters[0]
        client.get(url("letter", pk=sent.pk))
        with django_assert_max_num_queries(60) as few:
            client.get(url("letter", pk=sent.pk))
        create_file(project=sent.project)
        for _ in range(3):
            Delivery.objects.filter(notice=sent).update(state="lost")
            Delivery.objects.create(
                project=sent.project, notice=sent, channel="ems", dispatched_on=NOW.date(), state_on=NOW.date(),
                dispatched_by=client.user, recorded_at=NOW,
            )  # fmt: skip
        with django_assert_max_num_queries(len(few)):
            client.get(url("letter", pk=sent.pk))
