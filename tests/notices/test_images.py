import io
import struct
import zlib

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from PIL import Image, PngImagePlugin

from company.models import AuditEvent
from notices.images import (
    MAX_PRINTED_BYTES,
    ImageMovedError,
    ImageRefusedError,
    OwnImageError,
    approve_image,
    checked_link,
    images_in_use,
    pictures_of,
    prepare_picture,
    propose_link,
    propose_picture,
    remove_image,
)
from notices.kinds import KINDS
from notices.models import ImagePurpose, NoticeKind, PrintImage
from tests.document_factories import pay_link_in_use, picture_in_use, png
from tests.factories import NOW, create_project, create_user

EMS, LAWYER = KINDS[NoticeKind.EMS_NOTICE], KINDS[NoticeKind.LAWYER_LETTER]


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def project(db):
    return create_project(code="FHC1")


def opened(content):
    return Image.open(io.BytesIO(content))


def bomb(side=60_000):
    """A PNG of few bytes that says it has 3,600 million pixels."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")


class TestPreparing:
    @pytest.mark.parametrize("kind", ["PNG", "JPEG"])
    def test_a_scan_becomes_a_small_png_without_its_paper(self, kind):
        image = opened(prepare_picture(png((2400, 2400), kind=kind), ImagePurpose.SEAL))
        assert image.format == "PNG"
        assert image.size == (500, 500)
        assert image.convert("RGBA").getpixel((250, 250))[3] == 0
        assert image.convert("RGBA").getpixel((4, 250))[:2] > (150, 0)

    def test_the_words_in_a_file_are_left_behind(self):
        words, buffer = PngImagePlugin.PngInfo(), io.BytesIO()
        words.add_text("Comment", "c0ffee-c0ffee")
        opened(png()).save(buffer, "PNG", pnginfo=words)
        assert b"c0ffee" in buffer.getvalue()
        assert b"c0ffee" not in prepare_picture(buffer.getvalue(), ImagePurpose.LETTERHEAD)

    @pytest.mark.parametrize(
        "sent",
        [
            b"",
            b"MZ\x90\x00",
            b'<svg xmlns="http://www.w3.org/2000/svg" width="99" height="99"/>',
            b"<html><script>alert(1)</script>",
            b"%PDF-1.7",
            b"GIF89a" + b"\0" * 99,
            png()[:200],
            b"\x89PNG\r\n\x1a\n" + b"\0" * 500,
            bomb(),
            png((20, 20)),
            b"\xff\xd8\xff" + b"\0" * (6 << 20),
        ],
        ids=["empty", "program", "svg", "page", "pdf", "gif", "cut", "broken", "bomb", "tiny", "huge"],
    )
    def test_everything_else_is_refused_with_a_reason(self, sent):
        with pytest.raises(ImageRefusedError) as refused:
            prepare_picture(sent, ImagePurpose.SEAL)
        assert str(refused.value)

    def test_a_photograph_is_too_much_for_every_letter(self):
        noise = Image.effect_noise((600, 600), 200)
        buffer = io.BytesIO()
        noise.save(buffer, "PNG")
        with pytest.raises(ImageRefusedError):
            prepare_picture(buffer.getvalue(), ImagePurpose.PAYMENT)
        assert len(prepare_picture(png((900, 900)), ImagePurpose.PAYMENT)) < MAX_PRINTED_BYTES


@pytest.mark.parametrize("link", ["https://pay.example.com/a?b=1", " weixin://wxpay/bizpayurl?pr=1 "])
def test_addresses_to_pay_at(link):
    assert checked_link(link) == link.strip()


@pytest.mark.parametrize(
    "link",
    [
        "",
        "javascript:alert(1)",
        "http://pay.example.com",
        "file:///etc/passwd",
        "https://支付",
        "https://a b",
        "x" * 400,
    ],
)
def test_other_addresses_are_refused(link):
    with pytest.raises(ImageRefusedError):
        checked_link(link)


class TestApproval:
    def test_nothing_is_used_before_somebody_else_approved_it(self, project):
        writer = create_user(name="贺兰")
        image = propose_picture(project, ImagePurpose.SEAL, png(), name="章.jpg", by=writer, now=NOW)
        assert images_in_use(project, EMS) == {}
        with pytest.raises(OwnImageError):
            approve_image(image, by=writer, now=NOW)
        approve_image(image, by=create_user(name="沈静宜"), now=NOW)
        assert images_in_use(project, EMS) == {"seal": image.file.sha256}
        assert images_in_use(project, LAWYER) == {}
        actions = AuditEvent.objects.filter(project=project).values_list("action", flat=True)
        assert {"notices.image_proposed", "notices.image_approved"} <= set(actions)

    def test_a_new_one_takes_the_place_of_the_old_one(self, project):
        old = picture_in_use(project, ImagePurpose.PAYMENT)
        waiting = propose_link(project, "https://pay.example.com/1", by=create_user(), now=NOW)
        pay_link_in_use(project, "https://pay.example.com/2")
        for image, state in ((old, "retired"), (waiting, "retired")):
            image.refresh_from_db()
            assert image.state == state
        assert images_in_use(project, KINDS[NoticeKind.FEE_NOTICE]) == {"payment_link": "https://pay.example.com/2"}
        with pytest.raises(ImageMovedError):
            approve_image(waiting, by=create_user(), now=NOW)

    def test_removed_it_is_used_no_more_and_kept(self, project):
        image = picture_in_use(project, ImagePurpose.SEAL)
        remove_image(image, by=create_user(), now=NOW)
        assert images_in_use(project, EMS) == {}
        assert list(pictures_of(project, [image.file.sha256])) == [image.file.sha256]
        with pytest.raises(ImageMovedError):
            remove_image(image, by=create_user(), now=NOW)

    def test_pictures_of_another_project_are_not_found(self, project):
        image = picture_in_use(create_project(code="ELSE"), ImagePurpose.SEAL)
        assert pictures_of(project, [image.file.sha256]) == {}


class TestTheDatabaseRefuses:
    @pytest.fixture
    def image(self, project):
        return picture_in_use(project, ImagePurpose.SEAL)

    def refuses(self, by, **changes):
        with pytest.raises(DatabaseError, match=by), transaction.atomic():
            PrintImage.objects.update(**changes)

    def test_another_picture_or_purpose_under_an_approval(self, image):
        self.refuses("picture cannot change", purpose="signature")
        self.refuses("picture cannot change", file=None, link="https://pay.example.com")
        self.refuses("picture cannot change", uploaded_by=create_user())

    def test_ones_own_approval(self, image):
        self.refuses("image_not_self_approved", approved_by=image.uploaded_by)

    def test_use_without_approval_and_return_from_retirement(self, image):
        self.refuses("image_in_use_says_who_approved", approved_by=None, approved_at=None)
        remove_image(image, by=create_user(), now=NOW)
        self.refuses("retired_image", state="approved", retired_at=None)

    def test_two_in_use(self, image):
        with pytest.raises(IntegrityError), transaction.atomic():
            PrintImage.objects.create(
                project=image.project, purpose="seal", file=image.file, state="approved", uploaded_at=NOW,
                uploaded_by=image.uploaded_by, approved_at=NOW, approved_by=image.approved_by,
            )  # fmt: skip

    def test_deletion(self, image):
        with pytest.raises(DatabaseError), transaction.atomic():
            PrintImage.objects.all().delete()

    def test_an_address_for_anything_but_paying(self, project):
        with pytest.raises(IntegrityError), transaction.atomic():
            PrintImage.objects.create(
                project=project, purpose="seal", link="https://a.example", uploaded_at=NOW, uploaded_by=create_user()
            )
