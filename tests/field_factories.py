"""Rows of the work at the door for tests: visits, requests, money taken, verified cases."""

import datetime as dt
import io
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext
from PIL import Image

from arrears.verification import verify
from collection.models import Case, CashTaken, ContactAttempt, OwnerRequest, Visit, VisitPhoto
from collection.photos import keep_photos
from company.models import Project, Role, User
from company.photos import prepare_photo
from owners.models import EmergencyContact, Owner
from owners.personal_data import keyed_hash
from tests.factories import NOW, create_case, create_contact, create_phone, create_team, create_user


def verify_case(case: Case, *, at: dt.datetime = NOW - dt.timedelta(hours=1)) -> None:
    """Somebody looked the account up in the charging system."""
    verify([case.account], by=create_user(), now=at, looked_up=True)


def create_field_case(*, project: Project, by: User | None = None, **fields: Any) -> Case:
    """A case that may be visited now: verified, with a number on file; ``by`` and their team answer for it."""
    if by is not None:
        membership = by.team_memberships.filter(left_on=None, project=project).select_related("team").first()
        team = membership.team if membership else create_team(project=project, members=[by])
        fields |= {"responsible": by, "team": team}
    case = create_case(project=project, **fields)
    verify_case(case)
    if owner := case.account.ownership.owners.first():
        create_phone(owner=owner)
    return case


def create_field_worker(*, project: Project, name: str = "王倩", role: Role = Role.HOUSEKEEPER) -> User:
    """Somebody with a team of their own."""
    user = create_user(name=name, project=project, role=role)
    create_team(project=project, members=[user])
    return user


def create_request(
    *, case: Case, at: dt.datetime = NOW, text: str = "主卫渗水，报修过一次，未修好。", **fields: Any
) -> OwnerRequest:
    fields = {"kind": OwnerRequest.Kind.REPAIR, "created_at": at, **fields}
    fields.setdefault("created_by", create_user())
    return OwnerRequest.objects.create(project_id=case.project_id, case=case, text=text, **fields)


def create_visit(*, case: Case, at: dt.datetime = NOW, **fields: Any) -> Visit:
    contact = create_contact(
        case=case, channel=ContactAttempt.Channel.VISIT, outcome=ContactAttempt.Outcome.MET_OWNER, at=at,
        **{key: fields.pop(key) for key in ("recorded_by", "payment") if key in fields},
    )  # fmt: skip
    fields = {"client_id": uuid.uuid4(), "content_sha256": "0" * 64, **fields}
    return Visit.objects.create(project_id=case.project_id, contact=contact, **fields)


def create_visit_photo(*, visit: Visit) -> VisitPhoto:
    [file] = keep_photos([prepare_photo(photo(width=40, height=30))], project=visit.project, by=create_user())
    return VisitPhoto.objects.create(project_id=visit.project_id, visit=visit, file=file, taken_at=NOW)


def create_cash(
    *, case: Case, at: dt.datetime = NOW, amount: str = "50.00", taken_by: User | None = None, **fields: Any
) -> CashTaken:
    """Money taken at the door on a visit of its own, pending."""
    taken_by = taken_by or create_user()
    visit = create_visit(case=case, at=at, recorded_by=taken_by)
    fields = {"method": CashTaken.Method.CASH, "receipt_no": f"SJ-{visit.pk}", **fields}
    return CashTaken.objects.create(
        project_id=case.project_id, visit=visit, amount=Decimal(amount), taken_by=taken_by, **fields
    )


def create_emergency_contact(*, owner: Owner, number: str = "13655205520") -> EmergencyContact:
    return EmergencyContact.objects.create(
        project_id=owner.project_id, owner=owner, name="李国", relation="父亲", number=number,
        number_hash=keyed_hash(number), last4=number[-4:],
    )  # fmt: skip


def photo(*, width: int = 2400, height: int = 1800, colour: str = "grey") -> bytes:
    """A picture as a phone takes it, with the place and the device written into it."""
    image = Image.new("RGB", (width, height), colour)
    exif = Image.Exif()
    exif[0x0110] = "a phone"
    exif.get_ifd(0x8825)[1] = "N"
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


@contextmanager
def queries() -> Iterator[CaptureQueriesContext]:
    """Counts what is asked of the database inside."""
    with CaptureQueriesContext(connection) as captured:
        yield captured
