"""Repair items for tests."""

import datetime as dt
import uuid

from collection.models import Case, RectificationItem
from collection.rectification import Defect, add_item
from company.models import User
from tests.factories import NOW, create_user


def create_repair(
    *,
    case: Case,
    part: RectificationItem.Part = RectificationItem.Part.PRIVATE,
    agreed_on: dt.date | None = None,
    text: str = "主卫渗水",
    by: User | None = None,
    now: dt.datetime = NOW,
) -> RectificationItem:
    """A defect reported on the day of ``now``, with an agreed date where one is given."""
    defect = Defect(part, text, now.date(), agreed_on=agreed_on)
    return add_item(case, defect, by=by or create_user(), now=now, submission=uuid.uuid4())
