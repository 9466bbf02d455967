"""Batches of the company's own notices, from confirmation to the files for the printer."""

import datetime as dt
import io
from decimal import Decimal

import pikepdf
import pytest

from arrears.assessing import assess_accounts, reverse_late_fee
from arrears.models import LateFee
from arrears.verification import verify
from company.models import Project
from notices import bundling, making, print_parts, queries
from notices.batch_preview import Terms
from notices.delivering import come_back
from notices.dispatching import DispatchRefusedError, Order, send_again
from notices.following import follow_ledger
from notices.image_pool import share_images
from notices.imposing import MM
from notices.issuing import BatchRefusedError, check_batch, confirm_batch
from notices.models import Channel, ImagePurpose, Notice, NoticeKind
from owners.models import Owner, OwnershipMember
from tests.document_factories import COMPANY, approve_default_text, picture_in_use
from tests.factories import NOW, TODAY, create_charge, create_debtor, create_fee_type, create_project, create_user
from tests.notice_factories import send
from tests.notices.pdf_text import pages_of, text_of
from tests.relief_factories import create_contract, create_late_fee_policy

SOON = NOW + dt.timedelta(minutes=1)


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def project(db):
    project = create_project(code="FHC1", **COMPANY, postal_address="广州市某某区凤凰大道88号凤凰城一期")
    for kind in NoticeKind:
        approve_default_text(project, kind)
    return project


def confirmed(project, kind, accounts, channel):
    ids = [account.pk for account in accounts]
    by = create_user(name="贺兰")
    return confirm_batch(project, ids, kind, "2025-11", NOW, by=by, terms=Terms(channel=channel))


def made(batch):
    while claim := making.claim_chunk(batch.pk, now=SOON):
        making.settle_claim(claim, making.print_claim(claim), now=SOON)
    assert bundling.bundle(batch.pk, clock=lambda: SOON)
    batch.refresh_from_db()
    return batch


def content(stored):
    with stored.file.open("rb") as file:
        return file.read()


def debtors(project, number):
    names = ["陈建国", "李小博", "王秀兰", "张三", "赵六"]
    return [create_debtor(project=project, code=f"{n + 1}-1-0101", names=[names[n]]) for n in range(number)]


class TestEms:
    def test_two_copies_of_each_in_the_print_file_and_a_label_for_each(self, project):
        batch = made(confirmed(project, NoticeKind.EMS_NOTICE, debtors(project, 2), Channel.EMS))
        pages = [notice.pages for notice in batch.notices.order_by("position")]
        assert len(pages_of(content(batch.merged_file))) == 2 * sum(pages) == queries.pages_of(batch)
        text = text_of(content(batch.merged_file))
        assert text.index("陈建国：") < text.rindex("陈建国：") < text.index("李小博：")
        labels = ["".join(page.split()) for page in pages_of(content(batch.labels_file))]
        assert ["陈建国" in labels[0], "李小博" in labels[1], len(labels)] == [True, True, 2]
        address = batch.notices.get(position=1).account.unit.address
        assert f"广州市某某区凤凰大道88号凤凰城一期{address}" in labels[0]

    def test_the_pictures_in_use_at_confirmation_are_printed_and_shared(self, project):
        picture_in_use(project, ImagePurpose.SEAL)
        batch = confirmed(project, NoticeKind.EMS_NOTICE, debtors(project, 3), Channel.BY_HAND)
        picture_in_use(project, ImagePurpose.LETTERHEAD)
        made(batch)
        with pikepdf.open(io.BytesIO(content(batch.merged_file))) as pdf:
            found = [page.Resources.XObject for page in pdf.pages if "/XObject" in page.Resources]
            images = {image.objgen for images in found for image in images.values()}
        assert len(found) == 6
        assert len(images) == 1
        assert batch.labels_file is None

    def test_control_without_sharing_each_letter_brings_its_picture(self, project, monkeypatch):
        for module in (bundling, print_parts):
            monkeypatch.setattr(module, "share_images", lambda pdf: None)
        picture_in_use(project, ImagePurpose.SEAL)
        batch = made(confirmed(project, NoticeKind.EMS_NOTICE, debtors(project, 3), Channel.BY_HAND))
        with pikepdf.open(io.BytesIO(content(batch.merged_file))) as pdf:
            found = [page.Resources.XObject for page in pdf.pages if "/XObject" in page.Resources]
            assert len({image.objgen for images in found for image in images.values()}) >= 3
            share_images(pdf)
            assert len({image.objgen for images in found for image in images.values()}) == 1


class TestDoorSlips:
    def test_four_on_a_sheet_with_cut_marks_and_each_a_file_of_its_own(self, project):
        batch = made(confirmed(project, NoticeKind.DOOR_SLIP, debtors(project, 5), Channel.DOOR))
        with pikepdf.open(io.BytesIO(content(batch.merged_file))) as sheets:
            sizes = [[round(float(side) / MM) for side in page.mediabox[2:]] for page in sheets.pages]
            forms = [len(page.Resources.XObject) for page in sheets.pages]
            strokes = [bytes(page.Contents[-1].read_bytes()).count(b" l") for page in sheets.pages]
        assert sizes == [[210, 297]] * 2
        assert queries.pages_of(batch) == 2
        assert forms == [4, 1]
        assert min(strokes) >= 6
        with pikepdf.open(io.BytesIO(content(batch.notices.get(position=1).file))) as slip:
            assert [round(float(side) / MM, 1) for side in slip.pages[0].mediabox[2:]] == [105, 148.5]

    def test_the_slips_of_a_sheet_are_in_order(self, project):
        batch = made(confirmed(project, NoticeKind.DOOR_SLIP, debtors(project, 5), Channel.DOOR))
        text = text_of(content(batch.notices.get(position=1).file))
        assert "DS2025000001" in text
        first, _second = pages_of(content(batch.merged_file))
        places = [first.index(f"DS202500000{n}") for n in range(1, 5)]
        assert places == sorted(places)

    def test_folded_slips_stay_sheets_of_their_own(self, project):
        project.notice_templates.filter(kind=NoticeKind.DOOR_SLIP).delete()
        approve_default_text(project, NoticeKind.DOOR_SLIP, paper="folded")
        batch = made(confirmed(project, NoticeKind.DOOR_SLIP, debtors(project, 2), Channel.DOOR))
        pages = pages_of(content(batch.merged_file))
        assert len(pages) == 4
        assert "陈建国" not in pages[0]
        assert "陈建国" in pages[1]

    def test_the_projects_own_data_cannot_bring_a_refused_word_to_the_door(self, project):
        Project.objects.update(service_hours="每日（催缴专线）")
        project.refresh_from_db()
        with pytest.raises(BatchRefusedError, match="催"):
            confirmed(project, NoticeKind.DOOR_SLIP, debtors(project, 1), Channel.DOOR)


class TestFeeNotice:
    def test_it_says_what_charges_were_computed_from(self, project):
        account = create_debtor(project=project, names=["陈建国"], months=0)
        create_charge(account=account, amount="328.60", basis={"price": "2.65", "area": "124.00", "months": "1"})
        meter = {"price": "2.88", "reading_from": "1254", "reading_to": "1286"}
        create_charge(
            account=account, amount="92.16", fee_type=create_fee_type(project=project, name="水费"), basis=meter
        )
        account.refresh_from_db()
        verify([account], by=create_user(), now=NOW, looked_up=True)
        batch = made(confirmed(project, NoticeKind.FEE_NOTICE, [account], Channel.POST))
        text = text_of(content(batch.merged_file))
        assert "2.65元×124.00㎡1328.60" in text
        assert "2.88元×(1286-1254)" in text
        assert "内件品名" not in text_of(content(batch.labels_file))


class TestLateFees:
    @pytest.fixture
    def account(self, project):
        create_contract(project=project, late_fee_word="滞纳金")
        account = create_debtor(project=project, names=["陈建国", "王秀兰"], months=2)
        create_late_fee_policy(fee_type=account.charges.first().fee_type)
        assess_accounts(project, [account.pk], as_of=TODAY, now=NOW, by=None)
        account.refresh_from_db()
        verify([account], by=create_user(), now=NOW, looked_up=True)
        return account

    def test_assessed_late_fees_stand_apart_from_the_principal_under_the_contracts_word(self, project, account):
        batch = confirmed(project, NoticeKind.EMS_NOTICE, [account], Channel.BY_HAND)
        fields = batch.notices.get().data["fields"]
        assessed = sum(LateFee.objects.values_list("amount", flat=True))
        assert (fields["欠费合计"], fields["违约金"], fields["违约金名称"]) == ("200.00", f"{assessed:.2f}", "滞纳金")
        text = text_of(content(made(batch).merged_file))
        assert f"逾期滞纳金为人民币{assessed:.2f}元" in text
        assert "违约金" not in text

    def test_without_a_clause_nothing_is_said_though_something_was_assessed(self, project, account):
        project.contracts.update(late_fee_clause="", late_fee_word="")
        data = confirmed(project, NoticeKind.EMS_NOTICE, [account], Channel.BY_HAND).notices.get().data
        assert "late_fees" not in data
        assert "如有违约金" not in data["sections"]

    def test_a_late_fee_that_is_reversed_before_dispatch_voids_the_letter(self, project, account):
        made(confirmed(project, NoticeKind.EMS_NOTICE, [account], Channel.BY_HAND))
        reverse_late_fee(LateFee.objects.first().pk, today=TODAY, now=SOON, by=create_user())
        assert follow_ledger(now=SOON) == 1
        assert Notice.objects.get().void_reason == "ledger_changed"

    def test_a_late_fee_that_is_reversed_after_dispatch_keeps_the_letter_from_being_sent_again(self, project, account):
        made(confirmed(project, NoticeKind.EMS_NOTICE, [account], Channel.POST))
        by = create_user()
        (sent,) = send(Notice.objects.get(), channel=Channel.POST, by=by, now=SOON)
        come_back(project, [sent.pk], on=TODAY, reason=sent.ReturnReason.UNCLAIMED, by=by, now=SOON)
        reverse_late_fee(LateFee.objects.first().pk, today=TODAY, now=SOON, by=by)
        with pytest.raises(DispatchRefusedError):
            send_again(sent, Order(Channel.POST, TODAY), by=by, now=SOON)

    def test_a_late_fee_that_is_assessed_later_does_not(self, project, account):
        made(confirmed(project, NoticeKind.EMS_NOTICE, [account], Channel.BY_HAND))
        later = TODAY + dt.timedelta(days=3)
        assess_accounts(project, [account.pk], as_of=later, now=SOON + dt.timedelta(days=3), by=None)
        assert follow_ledger(now=SOON) == 0


def test_several_owners_are_told_that_they_answer_together(project):
    account = create_debtor(project=project, names=["陈建国", "王秀兰"])
    found = check_batch(project, [account.pk], NoticeKind.LAWYER_LETTER, "2025-11", NOW)
    assert found.included[0].facts.owners == 2
    assert OwnershipMember.objects.count() == Owner.objects.count() == 2
    assert found.principal == Decimal("100.00")
