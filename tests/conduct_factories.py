"""Complaints about conduct and call-backs for tests."""

import datetime as dt
import uuid
from typing import Any

from collection.models import CallBack, CallBackDraw, Case, ConductComplaint, ContactAttempt, ContactFile
from collection.photos import keep_photos
from company.photos import prepare_photo
from tests.factories import NOW, create_contact, create_user
from tests.field_factories import photo

MONDAY = dt.date(2025, 11, 17)


def create_complaint(
    *, case: Case | None = None, contact: ContactAttempt | None = None, **fields: Any
) -> ConductComplaint:
    """Against a contact of ``case`` unless one is named."""
    if contact is None:
        assert case is not None
        contact = create_contact(case=case, outcome=ContactAttempt.Outcome.MET_OWNER, at=NOW)
    fields = {"text": "说话很冲，在楼道里大声讲欠费", "complained_at": NOW, "recorded_at": NOW, **fields}
    fields.setdefault("recorded_by", create_user())
    fields.setdefault("member_id", contact.recorded_by_id)
    return ConductComplaint.objects.create(
        project_id=contact.project_id, contact=contact, complainant="owner", submission=uuid.uuid4(), **fields
    )


def create_contact_file(*, case: Case) -> ContactFile:
    contact = create_contact(
        case=case, outcome=ContactAttempt.Outcome.MET_OWNER, channel=ContactAttempt.Channel.WECHAT, at=NOW
    )  # fmt: skip
    [file] = keep_photos([prepare_photo(photo(width=40, height=30))], project=case.project, by=create_user())
    return ContactFile.objects.create(project_id=case.project_id, contact=contact, file=file)


def create_draw(*, case: Case, week_start: dt.date = MONDAY, **fields: Any) -> CallBackDraw:
    fields = {"seed": "s" * 32, "population": 1, "drawn_at": NOW, **fields}
    draw, _is_new = CallBackDraw.objects.get_or_create(
        project_id=case.project_id, week_start=week_start, defaults=fields
    )  # fmt: skip
    return draw


def create_call_back(*, case: Case, contact: ContactAttempt | None = None, **fields: Any) -> CallBack:
    contact = contact or create_contact(case=case, outcome=ContactAttempt.Outcome.MET_OWNER, at=NOW)
    fields.setdefault("member_id", contact.recorded_by_id)
    return CallBack.objects.create(
        project_id=case.project_id, draw=create_draw(case=case), contact=contact, **fields
    )  # fmt: skip
