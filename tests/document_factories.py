"""Rows and files for tests of texts, pictures and public notices."""

import datetime as dt
import io

from PIL import Image, ImageDraw

from company.models import Project, User
from notices.default_texts import default_text, usual_paper
from notices.images import approve_image, propose_link, propose_picture
from notices.kinds import TextKind
from notices.models import ImagePurpose, NoticeTemplate, PrintImage, PublicKind, PublicNotice
from notices.publishing import publish
from tests.factories import NOW, TODAY, create_user

COMPANY = {
    "short_name": "凤一",
    "company_name": "凤凰城物业服务有限公司",
    "service_address": "凤凰城一期1栋首层物业服务中心",
    "service_phone": "020-88880000",
    "service_hours": "每日 8:30—18:00",
    "contact_name": "周敏",
    "payment_methods": "“凤凰城物业”微信公众号“生活缴费”",
}


def png(size: tuple[int, int] = (300, 300), *, kind: str = "PNG") -> bytes:
    """A picture of a red ring on white paper."""
    image = Image.new("RGB", size, "white")
    ImageDraw.Draw(image).ellipse((10, 10, size[0] - 10, size[1] - 10), outline=(200, 20, 30), width=12)
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


def approve_default_text(project: Project, kind: TextKind, *, body: str = "", paper: str = "") -> NoticeTemplate:
    """The default text of a kind, in force."""
    in_force = NoticeTemplate.objects.filter(project=project, kind=kind, state=NoticeTemplate.State.APPROVED).first()
    return in_force or NoticeTemplate.objects.create(
        project=project, kind=kind, version=1, body=body or default_text(kind), paper=paper or usual_paper(kind),
        state=NoticeTemplate.State.APPROVED, approved_at=NOW, approved_by=create_user(name="沈静宜"),
    )  # fmt: skip


def picture_in_use(project: Project, purpose: ImagePurpose, *, by: User | None = None) -> PrintImage:
    """A picture that somebody uploaded and somebody else approved."""
    image = propose_picture(project, purpose, png(), name="章.png", by=by or create_user(name="贺兰"), now=NOW)
    return approve_image(image, by=create_user(name="沈静宜"), now=NOW)


def pay_link_in_use(project: Project, link: str = "https://pay.example.com/1") -> PrintImage:
    image = propose_link(project, link, by=create_user(name="贺兰"), now=NOW)
    return approve_image(image, by=create_user(name="沈静宜"), now=NOW)


def create_public_notice(*, project: Project, kind: PublicKind = PublicKind.ANNOUNCEMENT) -> PublicNotice:
    """An announcement that was issued, from the default text."""
    for name, value in COMPANY.items():
        setattr(project, name, value)
    project.save()
    approve_default_text(project, kind)
    deadline_on = TODAY + dt.timedelta(days=21) if kind == PublicKind.ANNOUNCEMENT else None
    return publish(project, kind, deadline_on=deadline_on, by=create_user(name="贺兰"), now=NOW)
