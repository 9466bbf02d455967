"""Photos made small in the browser: when and where they were taken comes along, and nothing else that a camera wrote;
what is no photo stays outside."""

import io
import json

import pytest
from PIL import ExifTags, Image
from playwright.sync_api import Page, expect

from tests.browser.at_the_door import (
    doors,
    fill_in,
    open_form,
    open_round,
    pack_the_bag,
    ready_for_the_stairs,
    waiting,
    without_network,
)
from tests.browser.conftest import PHONE, SignIn, Stack

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("more_doors")]

FilePayload = dict[str, object]
CHOSEN = """async () => {
  const { files } = document.querySelector("input[name=photos]");
  return Promise.all([...files].map(async (file) => new TextDecoder("latin1").decode(await file.arrayBuffer())));
}"""
SIZES = """async () => {
  const { files } = document.querySelector("input[name=photos]");
  const pictures = await Promise.all([...files].map((file) => createImageBitmap(file)));
  return pictures.map(({ width, height }) => [width, height]);
}"""
KEPT = """
import json
from django.utils import timezone
from PIL import Image
from collection.models import RawPhoto, VisitPhoto
from collection.photo_making import make_photo
photos = VisitPhoto.objects.filter(visit__contact__note={note!r})
for raw in RawPhoto.objects.filter(photo__in=photos):
    make_photo(raw.pk)
kept = {{}}
for photo in photos.select_related("file", "place"):
    with Image.open(photo.file.file) as image:
        colour = max(zip(image.getpixel((9, 9)), ("red", "green", "blue")))[1]
        assert not image.getexif()
    place = getattr(photo, "place", None)
    kept[colour] = place and [timezone.localtime(place.taken_at).isoformat(), str(place.latitude), str(place.longitude)]
print(json.dumps(kept))
"""
DEVICE = "HUAWEI-OF-SOMEBODY"


def photo(colour: str, *, north: float | None = None, size: tuple[int, int] = (2400, 1800)) -> FilePayload:
    """A picture as a camera writes it, turned by it; with time and place where it knows how far north it was."""
    exif = Image.Exif()
    exif[ExifTags.Base.Model] = DEVICE
    exif[ExifTags.Base.Orientation] = 6
    if north is not None:
        exif.get_ifd(ExifTags.IFD.Exif).update({
            ExifTags.Base.DateTimeOriginal: "2025:11:23 10:20:30", ExifTags.Base.OffsetTimeOriginal: "+08:00",
        })  # fmt: skip
        exif.get_ifd(ExifTags.IFD.GPSInfo).update({
            ExifTags.GPS.GPSLatitudeRef: "N", ExifTags.GPS.GPSLatitude: (north, 7.0, 30.0),
            ExifTags.GPS.GPSLongitudeRef: "E", ExifTags.GPS.GPSLongitude: (113.0, 15.0, 0.0),
        })  # fmt: skip
    buffer = io.BytesIO()
    Image.new("RGB", size, {"green": "#00ff00"}.get(colour, colour)).save(buffer, "JPEG", exif=exif)
    return {"name": f"{colour}.jpg", "mimeType": "image/jpeg", "buffer": buffer.getvalue()}


def kept(stack: Stack, note: str) -> dict[str, list[str] | None]:
    """Time and place of each photo of the visit with ``note``, by the colour of the photo."""
    told = stack.run(KEPT.format(note=note))
    found: dict[str, list[str] | None] = json.loads(told.strip().splitlines()[-1])
    return found


def of(north: int) -> list[str]:
    return ["2025-11-23T10:20:30+08:00", f"{north}.12500", "113.25000"]


def tiles(page: Page, number: int) -> None:
    expect(page.get_by_role("button", name="删除这张照片")).to_have_count(number)


def test_time_and_place_come_along_and_the_device_does_not(sign_in: SignIn, stack: Stack) -> None:
    page = sign_in("housekeeper", width=PHONE)
    pack_the_bag(page)
    open_form(page)
    page.get_by_role("radio", name="无人应门").check()
    page.get_by_role("link", name="下一步").click()
    page.get_by_label("备注").fill("照片带时间地点")
    page.get_by_role("link", name="下一步").click()
    page.get_by_label("拍照").set_input_files([photo("red", north=21), photo("blue"), photo("green", north=23)])
    tiles(page, 3)
    for chosen, has_place in zip(page.evaluate(CHOSEN), [True, False, True], strict=True):
        assert ("2025:11:23 10:20:30" in chosen) is has_place
        assert DEVICE not in chosen
    assert page.evaluate(SIZES) == [[1200, 1600]] * 3, "turned upright, and not once more on the server"

    page.reload()  # the draft
    tiles(page, 3)
    page.get_by_role("button", name="删除这张照片").first.click()
    tiles(page, 2)
    page.get_by_role("button", name="保存登记").click()
    expect(page.get_by_text("上门已登记")).to_be_visible()
    assert kept(stack, "照片带时间地点") == {"blue": None, "green": of(23)}


def test_they_wait_with_the_visit_without_a_network(sign_in: SignIn, stack: Stack) -> None:
    page = sign_in("housekeeper", width=PHONE)
    open_round(page, stack.address)
    ready_for_the_stairs(page)
    note = "离线照片带时间地点"
    with without_network(page):
        open_round(page, stack.address)
        doors(page).first.wait_for()
        fill_in(page, note, photos=[photo("red", north=21), photo("green", north=22)])
        page.get_by_role("button", name="保存登记").click()
        waiting(page).get_by_role("link", name="修改").click()
        page.goto(page.url + "#s3")
        page.get_by_label("拍照").set_input_files([photo("blue", north=23)])
        tiles(page, 3)
        page.get_by_role("button", name="删除这张照片").nth(1).click()
        tiles(page, 2)
        page.get_by_role("button", name="保存登记").click()
        expect(waiting(page)).to_contain_text("照片2张")
    expect(page.locator("[data-group=sent] .qi > .body")).to_have_count(1)
    assert kept(stack, note) == {"red": of(21), "blue": of(23)}


def test_thirty_megapixels_are_made_small_and_what_is_no_photo_stays_outside(sign_in: SignIn) -> None:
    page = sign_in("housekeeper", width=PHONE)
    pack_the_bag(page)
    open_form(page)
    page.goto(page.url + "#s3")
    script = b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><script>top.hurt = 1</script></svg>"
    page.get_by_label("拍照").set_input_files([
        photo("red", size=(6500, 4700)),
        {"name": "paper.jpg", "mimeType": "image/jpeg", "buffer": b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF"},
        {"name": "drawing.svg", "mimeType": "image/svg+xml", "buffer": script},
        {"name": "drawing.jpg", "mimeType": "image/jpeg", "buffer": script},
    ])  # fmt: skip
    tiles(page, 1)
    expect(page.get_by_role("alert").filter(has_text="未加入")).to_contain_text("paper.jpg, drawing.svg, drawing.jpg")
    assert page.evaluate(SIZES) == [[1157, 1600]]
    assert page.evaluate("() => [globalThis.hurt, document.querySelector('svg script')]") == [None, None]
