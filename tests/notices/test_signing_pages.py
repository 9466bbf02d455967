"""Signed scans: per letter, per batch, and who gets which file."""

import io
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from company.models import AuditEvent, Role
from notices.models import Delivery, Notice, NoticeKind, SignedScan
from tests.factories import create_project
from tests.notice_factories import (
    create_letter,
    create_letter_batch,
    create_scan,
    pdf_of,
)
from tests.notices.desk import page, pdf, said, signed_in, url

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


def zip_of(name, *, flawed):
    """An archive in which some bytes were replaced."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, b"%PDF-" * 20)
    return content.getvalue().replace(*flawed)


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
        "content",
        [
            b"PK\x03\x04broken", b"%PDF-1.7 broken", b"no pdf", b"%PDF-", b"\xff\xd8\xff photo",
            pdf_of(6).replace(b"/Count", b"/Co6nt").replace(b"0 595", b"0<595", 1),
            zip_of("a.pdf", flawed=(b"S\rpq", b"\xff\xff\xff\xff")),
            zip_of("函.pdf", flawed=("函".encode(), b"\xff\xff\xff")),
        ],
    )  # fmt: skip
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
        for scan in letter.scans.all():
            address = reverse("company:file", kwargs={"project_code": "FHC1", "pk": scan.file_id})
            assert client.get(address).status_code == 403
        response = client.get(url("notice_file", pk=letter.pk))
        if response.status_code == 200:
            assert b"".join(response.streaming_content) == letter.file.file.open().read()  # marked as a draft
