"""The evening as a workbook: requests, answers, what is unanswered, changed reasons, and the list of reasons."""

from collections.abc import Iterator

from django.utils import timezone
from django.utils.translation import gettext as _

from collection.evenings import Consolidation, ReasonLine
from collection.models import OwnerRequest, ReasonChange
from collection.models.cases import CaseQuerySet
from collection.reasons import Reason
from company.sheets import Cell, Sheet
from owners.personal_data import mask_party


def evening_sheets(told: Consolidation) -> list[Sheet]:
    """What came, what was answered, what waits, and what reasons changed."""
    heads = [_("Unit"), _("Kind"), _("Request"), _("Department"), _("Asked on"), _("Asked by"), _("Responsible")]
    answers = [*heads, _("Answer"), _("Answered on"), _("Answered by")]
    moves = [_("Unit"), _("Reason before"), _("Reason now"), _("Note"), _("Changed on"), _("Changed by")]
    return [
        Sheet(_("New requests"), heads, [_request_row(asked) for asked in told.asked]),
        Sheet(_("Answered"), answers, [_answer_row(asked) for asked in told.answered]),
        Sheet(_("Unanswered"), [*heads, _("Age in days"), _("Overdue?")], _waiting_rows(told)),
        Sheet(_("Changed reasons"), moves, [
            [
                move.change.case.account.unit.code, move.before.label, move.after.label, move.change.note,
                timezone.localdate(move.change.at), move.change.by.name,
            ]
            for move in told.moves
        ]),
    ]  # fmt: skip


def reason_list_sheet(cases: CaseQuerySet) -> Sheet:
    """The list of reasons (欠费原因清单): each open case with its reason; owners masked. Three queries."""
    heads = [
        _("Unit"), _("Owners"), _("Reason"), _("Note"), _("Changed on"), _("Overdue"), _("Oldest due on"), _("Team"),
        _("Responsible"),
    ]  # fmt: skip
    return Sheet(_("List of reasons"), heads, _reason_rows(cases))


def reason_totals_sheet(lines: list[ReasonLine]) -> Sheet:
    """The reasons of an evening that has passed, with their sums."""
    heads = [_("Reason"), _("Cases"), _("Overdue")]
    return Sheet(_("Reasons"), heads, [[line.reason.label, line.cases, line.overdue] for line in lines])


def _request_row(asked: OwnerRequest) -> list[Cell]:
    member = asked.case.responsible
    return [
        asked.case.account.unit.code, asked.get_kind_display(), asked.text, asked.get_department_display(),
        timezone.localdate(asked.created_at), asked.created_by.name, member.name if member else "",
    ]  # fmt: skip


def _answer_row(asked: OwnerRequest) -> list[Cell]:
    on = timezone.localdate(asked.answered_at) if asked.answered_at else None
    return [*_request_row(asked), asked.answer, on, asked.answered_by.name if asked.answered_by else ""]


def _waiting_rows(told: Consolidation) -> Iterator[list[Cell]]:
    for line in told.departments:
        for one in line.waiting:
            yield [*_request_row(one.asked), one.days, _("overdue") if one.is_late else ""]


def _reason_rows(cases: CaseQuerySet) -> Iterator[list[Cell]]:
    found = list(
        cases.open()
        .select_related("account__unit", "account__ownership", "team", "responsible")
        .order_by("reason", "sub_reason", "-overdue", "account__unit__sort_key")
    )
    changes = ReasonChange.objects.filter(case__in=cases.open().order_by()).order_by("case", "-pk").distinct("case")
    last = {change.case_id: change for change in changes}
    for case in found:
        change = last.get(case.pk)
        yield [
            case.account.unit.code, mask_party(case.account.ownership.party_name), Reason.of(case).label,
            change.note if change else "", timezone.localdate(change.at) if change else None, case.overdue,
            case.oldest_due_on, case.team.name if case.team else "", case.responsible.name if case.responsible else "",
        ]  # fmt: skip
