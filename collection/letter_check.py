"""What the page shows on which a batch is checked: who is in, who is left out and what would let them in, the cost."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from operator import attrgetter

from django.core.paginator import Page, Paginator
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from collection.letters import LetterOrder, one_envelope
from collection.limits import Limit
from collection.models import Case, OwnerRequest
from company.rights import Right
from notices.amounts import written_periods
from notices.batch_preview import BatchPreview, Included
from notices.leaving_out import LeftOut, Reason
from notices.models import NoticeKind
from notices.postage import Estimate, estimate
from owners.models import Address, OwnershipMember
from owners.personal_data import mask_party

ON_PAGE = 30
SORTS: Mapping[str, Callable[["Line"], object]] = {
    "unit": attrgetter("place"),
    "principal": attrgetter("principal"),
    "address": attrgetter("address_kind", "place"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One letter. ``address``: what kind of address it goes to; ``may_switch``: there is another."""

    case_id: int
    account_id: int
    unit: str
    place: str
    party: str
    principal: Decimal
    periods: str
    address_kind: str
    may_switch: bool

    @property
    def address(self) -> str | Promise:
        return Address.Kind(self.address_kind).label if self.address_kind else ""


@dataclass(frozen=True, slots=True)
class OutLine:
    """One who gets none, and the page on which that can be mended."""

    account_id: int
    unit: str
    url: str
    detail: str
    door: str = ""
    door_label: str | Promise = ""


@dataclass(frozen=True, slots=True)
class OutGroup:
    """Those left out for one reason; ``remedy`` is what would let them in."""

    reason: Reason
    title: str | Promise
    remedy: str | Promise
    lines: list[OutLine]


@dataclass(frozen=True, slots=True)
class Check:
    """The page. ``checked``: what stands on the list, to be sent along with the confirmation."""

    preview: BatchPreview
    page: Page[Line]
    sort: str
    groups: list[OutGroup]
    estimate: Estimate
    shared_envelopes: list[list[str]]
    checked: str


REMEDIES: Mapping[Reason, str | Promise] = {
    Reason.PAID: _("need no letter"),
    Reason.ALREADY_OUT: _("a correction or another occasion makes another letter"),
    Reason.HELD: _("can be chosen again when the hold ends"),
    Reason.NO_OWNER: _("enter the owner"),
    Reason.UNKNOWN_START: _("say since when it is owed"),
    Reason.NOT_VERIFIED: _("verify them"),
    Reason.NO_ADDRESS: _("enter an address, or choose to hand over"),
    Reason.ADDRESS_RETURNED: _("enter another address, or choose to hand over"),
    Reason.MISSING_GLYPH: _("write the name or address with other characters"),
    Reason.TAKEN_OUT: _("take them in again"),
    Reason.NOT_CHECKED: _("check the list again"),
}
AT_THE_OWNER = frozenset({Reason.NO_ADDRESS, Reason.ADDRESS_RETURNED, Reason.MISSING_GLYPH})


def check_page(
    order: LetterOrder, preview: BatchPreview, *, sort: str, number: str | None, rights: frozenset[Right]
) -> Check:
    """The page ``number`` of a previewed order, sorted by a key of SORTS; five queries at most."""
    cases = {case.account_id: case for case in order.cases}
    key = sort.removeprefix("-")
    lines = sorted(
        (_line(entry, cases[entry.facts.account_id]) for entry in preview.included),
        key=SORTS.get(key, SORTS["unit"]),  # type: ignore[arg-type]
        reverse=sort.startswith("-"),
    )
    return Check(
        preview=preview,
        page=Paginator(lines, ON_PAGE).get_page(number),
        sort=sort,
        groups=_groups(preview, cases, rights=rights),
        estimate=estimate(
            order.project, NoticeKind(preview.rules.kind), preview.terms.channel,
            letters=len(preview.included), envelopes=preview.envelopes,
        ),
        shared_envelopes=one_envelope(preview),
        checked=",".join(f"{entry.facts.account_id}:{entry.facts.principal}" for entry in preview.included),
    )  # fmt: skip


def _line(entry: Included, case: Case) -> Line:
    facts = entry.facts
    return Line(
        case_id=case.pk,
        account_id=facts.account_id,
        unit=facts.unit_code,
        place=facts.sort_key,
        party=mask_party(facts.owner),
        principal=facts.principal,
        periods=written_periods(charge.period for charge in facts.charges),
        address_kind=entry.letter.option.kind if entry.letter.option else "",
        may_switch=entry.letter.party.may_switch,
    )


def _groups(preview: BatchPreview, cases: Mapping[int, Case], *, rights: frozenset[Right]) -> list[OutGroup]:
    doors = _Doors(preview, cases, rights=rights)
    found = []
    for reason, outs in preview.left_out_by_reason().items():
        for group in dict.fromkeys(out.group for out in outs):
            lines = [doors.line(out) for out in outs if out.group == group]
            found.append(OutGroup(reason, group or reason.label, REMEDIES[reason], lines))
    return found


class _Doors:
    """Finds for whoever is left out the page on which that can be mended."""

    def __init__(self, preview: BatchPreview, cases: Mapping[int, Case], *, rights: frozenset[Right]) -> None:
        self.code, self.cases = preview.project.code, cases
        of_reason = {reason: [out.account_id for out in outs] for reason, outs in preview.left_out_by_reason().items()}
        at_owner = [account for reason in AT_THE_OWNER for account in of_reason.get(reason, ())]
        self.owners = _first_owners(at_owner) if at_owner else {}
        held = of_reason.get(Reason.HELD, [])
        self.requests = _open_requests(held) if held and Right.LOG_CONTACTS in rights else {}

    def line(self, out: LeftOut) -> OutLine:
        case = self.cases[out.account_id]
        door, label = self._door(out, case)
        return OutLine(out.account_id, out.unit_code, self._url("collection:case", case.pk), out.detail, door, label)

    def _door(self, out: LeftOut, case: Case) -> tuple[str, str | Promise]:
        if out.reason is Reason.ALREADY_OUT:
            return f"{self._url('notices:register')}?q={out.detail}", _("to the letter")
        if out.reason is Reason.NO_OWNER:
            return self._url("owners:unit", case.account.unit_id), _("to the unit")
        if out.reason is Reason.UNKNOWN_START:
            return self._url("arrears:account", out.account_id), _("to the account")
        if out.reason in AT_THE_OWNER and out.account_id in self.owners:
            return self._url("owners:owner", self.owners[out.account_id]), _("to the owner")
        if out.reason is Reason.HELD and out.group == str(Limit.REQUEST.label) and case.pk in self.requests:
            return self._url("collection:request", self.requests[case.pk]), _("to the request")
        return "", ""

    def _url(self, name: str, pk: int | None = None) -> str:
        kwargs: dict[str, object] = {"project_code": self.code}
        return reverse(name, kwargs=kwargs | ({"pk": pk} if pk else {}))


def _first_owners(account_ids: Sequence[int]) -> dict[int, int]:
    members = OwnershipMember.objects.filter(ownership__account__in=account_ids).order_by("-position", "-pk")
    return dict(members.values_list("ownership__account", "owner_id"))


def _open_requests(account_ids: Sequence[int]) -> dict[int, int]:
    waiting = OwnerRequest.objects.filter(case__account__in=account_ids, answered_at__isnull=True)
    return dict(waiting.order_by("created_at").values_list("case_id", "pk"))
