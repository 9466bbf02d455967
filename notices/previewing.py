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
from notices.fields import Block, empty_fields, fill, parse, refused_by_values, used_fields
from notices.images import images_in_use
from notices.issuing import DEFAULT_DEADLINE_DAYS
from notices.kinds import KindRules
from notices.letter_data import letter_data, public_data, shared_fields
from notices.models import LawFirm, NoticeKind
from notices.samples import sample_data
from owners.personal_data import mask_party

NO_NUMBER = "（预览）"


@dataclass(frozen=True)
class ShownBlock:
    """A block of a text filled in; one whose mark does not hold is not printed for this account."""

    role: str
    text: str
    is_printed: bool


@dataclass(frozen=True)
class Preview:
    """``unit_code`` is the room whose data were taken; None: nobody owes anything, the data are invented.

    ``shared`` are the fields that are the same for everybody in the project.
    """

    data: Mapping[str, Any]
    unit_code: str | None
    shared: Mapping[str, str]
    is_public: bool = False

    def blocks(self, body: str, rules: KindRules) -> list[ShownBlock]:
        """The text filled in, with the owner's name masked; a field without value stays as it was typed."""
        values = {name: f"{{{name}}}" for name in used_fields(body)} | rules.blanks
        values |= {name: value for name, value in self.data["fields"].items() if value}
        if "业主" in values:
            values["业主"] = mask_party(values["业主"])
        return [ShownBlock(block.role, fill(block.text, values), self._is_printed(block)) for block in parse(body)]

    def _is_printed(self, block: Block) -> bool:
        return not block.section or block.section in self.data.get("sections", ())

    def without_value(self, body: str, rules: KindRules) -> list[str]:
        """Fields of the text that have no value in this project."""
        known = [field for field in rules.fields if field.name in self.shared]
        return empty_fields(body, self.shared, rules, among=known)

    def refused_words(self, body: str, rules: KindRules) -> list[str]:
        """What the project's own data would make a text say that it must not."""
        return refused_by_values(body, self.shared, rules)


def preview_of(project: Project, rules: KindRules, *, unit_code: str, paper: str, now: datetime) -> Preview:
    """The data of the account of that room, else of the first in round order that owes something."""
    today = timezone.localdate(now)
    firms = LawFirm.objects.filter(project=project)
    firm = firms.mandated(on=today).first() or firms.first()
    shared = shared_fields(project, firm, issue_on=today, deadline_on=today + timedelta(days=DEFAULT_DEADLINE_DAYS))
    known: dict[str, Any] = {
        "number": NO_NUMBER,
        "scan_code": rules.scan_code(year=today.year, sequence=0),
        "images": images_in_use(project, rules),
    }
    if rules.kind not in NoticeKind:
        return Preview(public_data(shared, **known), None, shared, is_public=True)
    account = _account(project, unit_code, now)
    if account is None:
        return Preview(sample_data(rules, paper=paper) | {"images": known["images"]}, None, shared)
    accounts = Account.objects.filter(pk=account.pk)
    facts = read_facts(accounts, on=today, with_late_fees=bool(shared["违约金名称"]))[account.pk]
    return Preview(letter_data(facts, shared, rules, data_until=today, paper=paper, **known), facts.unit_code, shared)


def _account(project: Project, unit_code: str, now: datetime) -> Account | None:
    overdue = ChargeBalance.objects.filter(
        account=OuterRef("pk"), is_live=True, settled__lt=F("amount"), due_on__lt=timezone.localdate(now)
    )
    accounts = Account.objects.filter(Exists(overdue), project=project).exclude(ownership__party_name="")
    chosen = accounts.filter(unit__code=unit_code) if unit_code else accounts
    return chosen.order_by("unit__sort_key", "pk").first() or accounts.order_by("unit__sort_key", "pk").first()
