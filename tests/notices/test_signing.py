"""Signed scans are kept once, frozen, and only with the firm's mandate (N6)."""

import io

import pikepdf
import pytest
from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction
from django.db.utils import InternalError, ProgrammingError

from notices.models import Notice, NoticeKind, SignedScan, TrackingList
from notices.scan_archives import ScanRefusedError, opened_pdf
from notices.signing import sign_batch, withdraw_scan
from tests.arrears.test_races import at_once
from tests.factories import NOW, create_law_firm, create_project, create_user
from tests.notice_factories import create_file, create_letter, create_letter_batch, create_scan, pdf_of

REFUSED = (IntegrityError, InternalError, ProgrammingError)


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    settings.LEDGER_FOLLOWERS = []


@pytest.fixture
def project(db):
    return create_project(code="FHC1")


@pytest.fixture
def letter(project):
    return create_letter(project=project, kind=NoticeKind.LAWYER_LETTER)


def attack(act):
    with pytest.raises(REFUSED) as error, transaction.atomic():
        act()
    return str(error.value)


class TestTheDatabaseRefuses:
    @pytest.mark.parametrize("change", [{"pages": 9}, {"uploaded_at": NOW.replace(hour=1)}])
    def test_to_change_a_scan(self, letter, change):
        scan = create_scan(notice=letter)
        assert attack(lambda: SignedScan.objects.filter(pk=scan.pk).update(**change))

    def test_another_file_in_its_place(self, letter):
        scan = create_scan(notice=letter)
        other = create_file(project=letter.project, name="other.pdf")
        assert attack(lambda: SignedScan.objects.filter(pk=scan.pk).update(file=other))

    def test_to_delete_one(self, letter):
        create_scan(notice=letter)
        assert attack(lambda: SignedScan.objects.all()._raw_delete("default"))

    def test_a_second_one_beside_it(self, letter):
        create_scan(notice=letter)
        assert "one_signed_scan_a_letter" in attack(lambda: create_scan(notice=letter))

    def test_one_of_a_firm_without_mandate(self, letter):
        firm = letter.batch.law_firm
        firm.mandate = None
        firm.save()
        assert "mandate" in attack(lambda: create_scan(notice=letter))

    def test_one_of_another_firm(self, letter):
        letter.batch.law_firm = create_law_firm(project=letter.project, name="另一律所")
        assert "mandate" in attack(lambda: create_scan(notice=letter))

    @pytest.mark.parametrize("state", ["queued", "void"])
    def test_one_of_a_letter_that_is_not_made(self, letter, state):
        Notice.objects.filter(pk=letter.pk).update(state=state, void_reason="cancelled" if state == "void" else "")
        assert "issued letter" in attack(lambda: create_scan(notice=letter))

    def test_a_withdrawal_by_nobody(self, letter):
        scan = create_scan(notice=letter)
        assert attack(lambda: SignedScan.objects.filter(pk=scan.pk).update(withdrawn_at=NOW))

    def test_a_list_of_waybills_that_was_posted_by_nobody(self, project):
        by = create_user()
        tracking = TrackingList.objects.create(
            project=project, file=create_file(project=project), file_name="x", uploaded_at=NOW, uploaded_by=by
        )
        assert "posted_list_says" in attack(lambda: TrackingList.objects.filter(pk=tracking.pk).update(state="posted"))


def test_withdrawn_another_one_can_take_its_place(letter):
    withdraw_scan(create_scan(notice=letter), by=create_user(), now=NOW, reason="扫错")
    create_scan(notice=letter)
    assert letter.scans.count() == 2


@pytest.mark.django_db(transaction=True)
def test_two_people_upload_the_scan_of_a_batch_at_once(project):
    batch = create_letter_batch(project=project, kind=NoticeKind.LAWYER_LETTER)
    for _ in range(2):
        create_letter(project=project, batch=batch)
    by = create_user()

    def act(_):
        sign_batch(batch, ContentFile(pdf_of(2), name="scan.pdf"), by=by, now=NOW)

    assert {type(failure) for failure in at_once(act, clients=3)} == {ScanRefusedError}
    assert SignedScan.objects.count() == 2


def test_a_pdf_that_unpacks_to_much_more_than_it_is_is_refused():
    content = io.BytesIO()
    with pikepdf.new() as bomb:
        bomb.add_blank_page()
        bomb.pages[0].Contents = bomb.make_stream(bytes(100 << 20))
        bomb.save(content, compress_streams=True)
    assert len(content.getvalue()) < 1 << 20
    with pytest.raises(ScanRefusedError), opened_pdf(content.getvalue(), "x.pdf") as pdf:
        pdf.pages[0].Contents.read_bytes()
