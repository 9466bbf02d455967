"""A text filled with a real account's data before any letter is issued."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, F, OuterRef
from django.utils import timezone

from arrears.models import Account, ChargeBalance
from company.models import Project
from notices.facts import read_facts
from notices.fields import Block, fill, parse, used_fields
from notices.issuing import DEFAULT_DEADLINE_DAYS
from notices.kinds import KindRules
from notices.letter_data import letter_data, shared_fields
from notices.models import LawFirm
from notices.samples import sample_data
from owners.personal_data import mask_party

NO_NUMBER = "（预览）"


@dataclass(frozen=True)
class Preview:
    """``unit_code`` is the room whose data were taken; None: nobody owes anything, the data are invented."""

    data: Mapping[str, Any]
    unit_code: str | None

    def blocks(self, body: str) -> list[Block]:
        """The text filled in, with the owner's name masked; a field without value stays as it was typed."""
        values = {name: f"{{{name}}}" for name in used_fields(body)} | {
            name: value for name, value in self.data["fields"].items() if value
        }
        values["业主"] = mask_party(values["业主"])
        return [Block(block.role, fill(block.text, values)) for block in parse(body)]


def preview_of(project: Project, rules: KindRules, *, unit_code: str, now: datetime) -> Preview:
    """The data of the account of that room, else of the first in round order that owes something."""
    today = timezone.localdate(now)
    overdue = ChargeBalance.objects.filter(
        account=OuterRef("pk"), is_live=True, settled__lt=F("amount"), due_on__lt=today
    )
    accounts = Account.objects.filter(Exists(overdue), project=project).exclude(ownership__party_name="")
    chosen = accounts.filter(unit__code=unit_code) if unit_code else accounts
    account = chosen.order_by("unit__sort_key", "pk").first() or accounts.order_by("unit__sort_key", "pk").first()
    if account is None:
        return Preview(sample_data(rules), None)
    facts = read_facts(Account.objects.filter(pk=account.pk), on=today)[account.pk]
    firms = LawFirm.objects.filter(project=project)
    firm = firms.mandated(on=today).first() or firms.first()
    shared = shared_fields(project, firm, issue_on=today, deadline_on=today + timedelta(days=DEFAULT_DEADLINE_DAYS))
    data = letter_data(
        facts, shared, rules, data_until=today, number=NO_NUMBER, scan_code=rules.scan_code(year=today.year, sequence=0)
    )
    return Preview(data, facts.unit_code)
