"""What is kept of a visit's photos and signature: made by the worker, rid of metadata, once, and nothing raw stays."""

import base64
import datetime as dt
import io
import uuid
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational

from collection import photo_making
from collection.contacts import ContactReport
from collection.models import Case, ContactAttempt, PhotoPlace, RawPhoto, Visit, VisitPhoto, VisitSignature
from collection.photo_making import make_photo, make_photos
from collection.signatures import PREFIX, SignatureField
from collection.visits import VisitReport, record_visit
from company.models import AuditEvent, Role, User
from company.photos import Photo, PhotoRefusedError, check_photo, taken_where
from tests.collection.desk import Desk, said
from tests.collection.overlapping import overlapping
from tests.factories import NOW, SHANGHAI, create_project
from tests.field_factories import create_field_case, create_field_worker, photo

MINUTE = dt.timedelta(minutes=1)
NO_NUMBER = IFDRational(0, 0)  # what some cameras write before they know where they are


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def case(db: None) -> Case:
    project = create_project()
    return create_field_case(project=project, by=create_field_worker(project=project))


def visited(case: Case, *photos: bytes, client_id: uuid.UUID | None = None, **fields: object) -> Visit:
    assert isinstance(case.responsible, User)
    contact = ContactReport(
        channel=ContactAttempt.Channel.VISIT, outcome=ContactAttempt.Outcome.MET_OWNER, happened_at=NOW
    )  # fmt: skip
    told = VisitReport(
        client_id=client_id or uuid.uuid4(), contact=contact, photos=[check_photo(one) for one in photos],
        responsible_id=case.responsible_id, **fields,
    )  # fmt: skip
    return record_visit(case, told, by=case.responsible, roles=frozenset({Role.HOUSEKEEPER}), now=NOW)


def located(
    *, latitude: tuple[float, ...] = (23.0, 7.0, 30.0), at: str = "2025:11:23 19:20:00", offset: str = ""
) -> bytes:
    """A photo whose camera wrote when and where."""
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = at
    if offset:
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.OffsetTimeOriginal] = offset
    exif.get_ifd(ExifTags.IFD.GPSInfo).update({
        ExifTags.GPS.GPSLatitudeRef: "N", ExifTags.GPS.GPSLatitude: latitude,
        ExifTags.GPS.GPSLongitudeRef: "W", ExifTags.GPS.GPSLongitude: (113.0, 15.0, 0.0),
    })  # fmt: skip
    buffer = io.BytesIO()
    Image.new("RGB", (80, 60), "grey").save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


@pytest.mark.django_db
class TestPhotos:
    def test_are_made_later_and_nothing_raw_stays(self, case: Case) -> None:
        visited(case, photo(), photo(colour="red"))
        assert (VisitPhoto.objects.filter(file=None).count(), RawPhoto.objects.count()) == (2, 2)
        assert [make_photos(now=NOW), make_photos(now=NOW)] == [2, 0]
        assert not RawPhoto.objects.exists()
        for kept in VisitPhoto.objects.all():
            with Image.open(kept.file.file) as image:  # type: ignore[union-attr]
                assert max(image.size) == 1600
                assert not image.getexif()
                assert not image.info.get("exif")

    def test_nobody_tries_to_compress_what_waits(self, db: None) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT attstorage::text FROM pg_attribute WHERE attrelid = %s::regclass AND attname = 'content'",
                [RawPhoto._meta.db_table],
            )
            assert cursor.fetchone() == ("e",)  # EXTERNAL

    def test_time_and_place_are_kept_apart_for_the_manager(self, case: Case) -> None:
        visited(case, located())
        make_photos(now=NOW)
        place = PhotoPlace.objects.get()
        assert place.taken_at == dt.datetime(2025, 11, 23, 19, 20, tzinfo=SHANGHAI)
        assert (place.latitude, place.longitude) == (Decimal("23.12500"), Decimal("-113.25000"))
        kept = VisitPhoto.objects.get()
        assert kept.file
        assert b"2025:11:23" not in kept.file.file.read()
        manager = Desk(case.project)
        assert "23.12500" in said(manager.post("photo_place", pk=kept.pk))
        assert AuditEvent.objects.filter(action="photos.place_shown", user=manager.user).exists()
        assert Desk(case.project, user=case.responsible).post("photo_place", pk=kept.pk).status_code == 403

    @pytest.mark.parametrize("latitude", [(91.0, 0.0, 0.0), (89.0, 60.0, 1.0), (NO_NUMBER, NO_NUMBER, NO_NUMBER)])
    def test_a_place_that_is_none_is_left_out(self, case: Case, latitude: tuple[float, ...]) -> None:
        visited(case, located(latitude=latitude))
        assert make_photos(now=NOW) == 1
        place = PhotoPlace.objects.get()
        assert (place.latitude, place.longitude) == (None, None)
        assert place.taken_at

    @pytest.mark.parametrize("at", ["0001:01:01 00:00:00", "9999:12:31 23:59:59", "0000:00:00 00:00:00", "gestern"])
    def test_a_time_that_is_none_is_left_out(self, case: Case, at: str) -> None:
        visited(case, located(at=at))
        assert make_photos(now=NOW) == 1
        assert PhotoPlace.objects.get().taken_at is None
        assert "23.12500" in said(Desk(case.project).post("photo_place", pk=VisitPhoto.objects.get().pk))

    @pytest.mark.parametrize(
        ("offset", "hour"), [("", 19), ("+08:00", 19), ("+00:00", 27), ("-03:30", 30.5), ("nonsense", 19)]
    )
    def test_the_time_is_of_the_zone_that_the_camera_names(self, offset: str, hour: float) -> None:
        place = taken_where(located(offset=offset))
        assert place
        midnight = dt.datetime(2025, 11, 23, tzinfo=SHANGHAI)
        assert place.at == midnight + dt.timedelta(hours=hour, minutes=20)

    def test_the_same_one_twice_is_kept_once(self, case: Case) -> None:
        visited(case, photo(), photo())
        assert VisitPhoto.objects.count() == 1

    def test_sent_again_nothing_is_added(self, case: Case) -> None:
        client_id = uuid.uuid4()
        for _ in range(3):
            visited(case, photo(), client_id=client_id)
            make_photos(now=NOW)
        assert (Visit.objects.count(), VisitPhoto.objects.count(), RawPhoto.objects.count()) == (1, 1, 0)

    def test_one_that_breaks_off_is_marked_and_said(self, case: Case) -> None:
        visited(case, photo()[:2000], photo(colour="red"))
        assert make_photos(now=NOW) == 2
        states = [(one.is_unreadable, one.file is None) for one in VisitPhoto.objects.order_by("pk")]
        assert states == [(True, True), (False, False)]
        assert not RawPhoto.objects.exists()
        assert "照片 1 无法读取" in Desk(case.project).get("case", pk=case.pk).text
        broken = VisitPhoto.objects.get(is_unreadable=True)
        assert Desk(case.project).get("visit_photo", pk=broken.pk).status_code == 404

    def test_looked_at_before_the_worker_came_it_is_made(self, case: Case) -> None:
        visited(case, photo())
        answer = Desk(case.project).get("visit_photo", pk=VisitPhoto.objects.get().pk)
        assert b"".join(answer).startswith(b"\xff\xd8\xff")  # type: ignore[arg-type]
        assert not RawPhoto.objects.exists()

    def test_a_killed_worker_is_made_up_for_and_a_deadly_photo_given_up(
        self, case: Case, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        visited(case, photo())

        def killed(_pk: int) -> bool:
            raise KeyboardInterrupt

        monkeypatch.setattr(photo_making, "make_photo", killed)
        for minutes in (0, 3, 6):
            with pytest.raises(KeyboardInterrupt):
                make_photos(now=NOW + minutes * MINUTE)
            assert make_photos(now=NOW + (minutes + 1) * MINUTE) == 0  # it is claimed
        assert make_photos(now=NOW + 9 * MINUTE) == 0
        assert VisitPhoto.objects.get().is_unreadable
        assert not RawPhoto.objects.exists()

    @pytest.mark.parametrize(
        "sent",
        [b"%PDF-1.7\n1 0 obj", b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>", b"", b"GIF89a"],
    )
    def test_what_is_no_photo_is_refused_at_once(self, sent: bytes) -> None:
        with pytest.raises(PhotoRefusedError):
            check_photo(sent)

    def test_thirty_megapixels_are_taken_and_sixty_are_not(self, case: Case) -> None:
        visited(case, photo(width=6500, height=4700))
        assert make_photos(now=NOW) == 1
        kept = VisitPhoto.objects.get()
        assert kept.file
        with Image.open(kept.file.file) as image:
            assert max(image.size) == 1600
        with pytest.raises(PhotoRefusedError):
            check_photo(photo(width=8000, height=8000))


@pytest.mark.django_db(transaction=True)
class TestTwoWorkers:
    def run(self) -> list[object]:
        project = create_project()
        visited(create_field_case(project=project, by=create_field_worker(project=project)), photo())
        return overlapping(*[lambda: make_photos(now=NOW)] * 2)

    def test_make_a_photo_once(self) -> None:
        assert self.run() == [1, 0]
        assert VisitPhoto.objects.exclude(file=None).count() == 1

    def test_control_without_the_claim_both_take_it_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        taken: list[int] = []
        monkeypatch.setattr(photo_making, "_claim", lambda *_args: True)
        monkeypatch.setattr(photo_making, "make_photo", lambda pk: (taken.append(pk), make_photo(pk))[1])
        self.run()
        assert len(taken) == 2


def drawn(*, size: tuple[int, int] = (720, 240)) -> str:
    image = Image.new("RGBA", size)
    image.paste((0, 0, 0, 255), (10, 10, 200, 14))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return PREFIX + base64.b64encode(buffer.getvalue()).decode()


@pytest.mark.django_db
class TestSignature:
    def test_is_kept_as_strokes_for_who_may_see_it(self, case: Case) -> None:
        visited(case, signature=SignatureField().clean(drawn()))
        kept = VisitSignature.objects.get()
        with Image.open(kept.file.file) as image:
            assert (image.format, image.mode, image.size) == ("PNG", "1", (720, 240))
            assert sorted(value for _n, value in image.getcolors() or []) == [0, 255]
        manager = Desk(case.project)
        answer = manager.get("visit_signature", pk=kept.pk)
        assert b"".join(answer).startswith(b"\x89PNG")  # type: ignore[arg-type]
        assert AuditEvent.objects.filter(action="signatures.shown", user=manager.user).exists()
        assert manager.url("visit_signature", pk=kept.pk) in manager.get("case", pk=case.pk).text
        worker = Desk(case.project, user=case.responsible)
        assert worker.get("visit_signature", pk=kept.pk).status_code == 403
        assert "业主签名" not in worker.get("case", pk=case.pk).text

    def test_nothing_drawn_is_nothing(self, case: Case) -> None:
        visited(case, signature=SignatureField().clean(""))
        assert not VisitSignature.objects.exists()

    @pytest.mark.parametrize(
        "sent",
        ["data:image/svg+xml;base64,PHN2Zz4=", PREFIX + "!!!", PREFIX + "AAAA", drawn(size=(1700, 10)),
         PREFIX + base64.b64encode(b"\xff\xd8\xff").decode(), "x" * 200_001],
    )  # fmt: skip
    def test_what_is_none_is_refused(self, sent: str) -> None:
        with pytest.raises(ValidationError):
            SignatureField().clean(sent)


@pytest.mark.django_db
@pytest.mark.parametrize(("latitude", "longitude"), [(91, 0), (0, 181), (None, 5)])
def test_the_database_refuses_a_place_off_the_earth(case: Case, latitude: int | None, longitude: int) -> None:
    visited(case, photo())
    with pytest.raises(IntegrityError), transaction.atomic():
        PhotoPlace.objects.create(photo=VisitPhoto.objects.get(), latitude=latitude, longitude=longitude)


@pytest.mark.django_db
def test_the_database_refuses_a_photo_that_is_made_and_unreadable(case: Case) -> None:
    visited(case, photo())
    make_photos(now=NOW)
    with pytest.raises(IntegrityError), transaction.atomic():
        VisitPhoto.objects.update(is_unreadable=True)


def test_a_checked_photo_is_as_it_was_sent() -> None:
    sent = photo()
    assert check_photo(sent) == Photo(sent, check_photo(sent).sent_sha256)
