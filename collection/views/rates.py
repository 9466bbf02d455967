"""Rates of the parts of a project, the accounts behind each, and the course of the kept snapshots."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from arrears.models import Account
from collection.conventions import stated
from collection.models import RateSnapshot, TargetClass
from collection.rate_conventions import ZERO, RateSettings, View
from collection.rate_groups import Dimension, Group, Grouped, grouped_rates
from collection.rate_rows import RateRow
from collection.rates import Ratio, counted_relief, counts, net_due, shown_percent
from collection.views.dashboard import DashboardForm, own_team
from collection.views.figures import statements_open_to
from company.access import ProjectRequest, project_view
from company.audit import record
from company.rights import Right
from company.sheets import Cell, download, workbook

PAGE_SIZE = 50
COURSE_DAYS = 180


@dataclass(frozen=True, slots=True)
class AccountLine:
    """What an account adds to the two sums of a rate, CNY; shown apart where it does not count."""

    account: Account
    due: Decimal
    settled: Decimal
    counted: bool

    @property
    def left(self) -> Decimal:
        return self.due - self.settled


@project_view(Right.SEE_CAMPAIGN)
def rates(request: ProjectRequest) -> HttpResponse:
    """Rates as of a day by one dimension, appraisal beside accounting."""
    grouped = _grouped(request)
    context = {
        "grouped": grouped,
        "dimensions": Dimension,
        "latest": timezone.localdate(),
        "convention": stated(grouped.settings, View.APPRAISAL),
        "has_course": RateSnapshot.objects.visible_to(request.user).filter(project=request.project).exists(),
        "is_whole": own_team(request) is None,
    }
    return TemplateResponse(request, "collection/rates.html", context)


@project_view(Right.SEE_CAMPAIGN)
def rate_accounts(request: ProjectRequest) -> HttpResponse:
    """The accounts that make up one line of the page, with the same sums."""
    grouped = _grouped(request)
    group = next((group for group in [*grouped.groups, grouped.total] if group.key == request.GET.get("key", "")), None)
    if group is None:
        raise Http404
    rows = [row for row in _by_account(group) if row.due or row.settled]
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    accounts = Account.objects.select_related("unit").in_bulk([row.account_id for row in page.object_list])
    context = {
        "grouped": grouped,
        "group": group,
        "page": page,
        "lines": [_line(accounts[row.account_id], row, grouped.settings) for row in page],
        "opened": statements_open_to(request, accounts),
        "convention": stated(grouped.settings, View.APPRAISAL),
    }
    return TemplateResponse(request, "collection/rate_accounts.html", context)


@project_view(Right.SEE_CAMPAIGN)
def rates_export(request: ProjectRequest) -> HttpResponse:
    """The page as a workbook; recorded."""
    grouped = _grouped(request)
    heads = [
        str(grouped.by.label), _("Due"), _("Settled"), _("This year's rate (%)"), _("Accounting view (%)"),
        _("Prior-year recovery (%)"), _("Combined rate (%)"), _("Unit rate (%)"), _("Recovered in the campaign (%)"),
        _("Excluded accounts"), _("Excluded amount"), _("As of"), _("Convention"),
    ]  # fmt: skip
    record(
        action="rates.exported", by=request.user, project=request.project, on=grouped.on.isoformat(),
        dimension=grouped.by.value,
    )  # fmt: skip
    name = f"{request.project.name}_{_('Rates')}_{grouped.on:%Y-%m-%d}.xlsx"
    return download(workbook(_("Rates"), heads, _sheet_rows(grouped)), name)


@project_view(Right.SEE_CAMPAIGN)
def rates_course(request: ProjectRequest) -> HttpResponse:
    """What the snapshots say of each class day by day, as JSON for the chart: percentages as they were known then."""
    if own_team(request) is not None:
        return JsonResponse({"series": []})
    since = timezone.localdate() - timedelta(days=COURSE_DAYS)
    kept = RateSnapshot.objects.visible_to(request.user).filter(project=request.project, day__gte=since)
    series: dict[str, list[tuple[str, float | None]]] = {}
    for of, day, part, whole in kept.values_list("target_class", "day", "current_part", "current_whole"):
        percent = Ratio(part, whole).percent
        shown = None if percent is None else float(shown_percent(percent))
        series.setdefault(of, []).append((day.isoformat(), shown))
    named = [{"name": TargetClass(of).label, "points": points} for of, points in series.items()]
    return JsonResponse({"series": named})


def _grouped(request: ProjectRequest) -> Grouped:
    asked = DashboardForm(request.GET, today=timezone.localdate()).chosen()
    by = request.GET.get("by", "")
    dimension = Dimension(by) if by in Dimension.values else Dimension.CLASS
    team = own_team(request)
    return grouped_rates(
        request.project, on=asked["on"], by=dimension, own_team=team.pk if team else None, view=asked["view"]
    )


def _line(account: Account, row: RateRow, settings: RateSettings) -> AccountLine:
    counted = counts(row, View.APPRAISAL, settings)
    return AccountLine(account, net_due(row, settings), row.settled + counted_relief(row, settings), counted)


def _by_account(group: Group) -> list[RateRow]:
    """One row an account: what counts of its classes together, the largest debt first."""
    sums: dict[int, list[Decimal]] = {}
    first: dict[int, RateRow] = {}
    for row in group.rows:
        first.setdefault(row.account_id, row)
        amounts = sums.setdefault(row.account_id, [ZERO, ZERO, ZERO])
        for index, amount in enumerate((row.due, row.settled, row.reduced)):
            amounts[index] += amount
    merged = [
        RateRow(
            account_id=pk, unit_id=row.unit_id, target_class=row.target_class, due=sums[pk][0], settled=sums[pk][1],
            reduced=sums[pk][2], is_developer=row.is_developer, is_excluded=row.is_excluded,
        )
        for pk, row in first.items()
    ]  # fmt: skip
    return sorted(merged, key=lambda row: (row.settled + row.reduced - row.due, row.account_id))


def _sheet_rows(grouped: Grouped) -> Iterator[list[Cell]]:
    convention = "；".join(stated(grouped.settings, View.APPRAISAL))
    for group in [*grouped.groups, grouped.total]:
        ours = group.appraisal
        yield [
            group.name, ours.current.whole, ours.current.part, ours.current.shown(), group.accounting.current.shown(),
            ours.prior.shown(), ours.combined.shown(), ours.units.shown(), ours.campaign.shown(),
            ours.excluded_accounts, ours.excluded_due, grouped.on, convention,
        ]  # fmt: skip
