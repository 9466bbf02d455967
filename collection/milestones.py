"""How far each milestone of a campaign is: computed from what was done, never ticked (C1)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from collection.models import Campaign, Case, Measure, Milestone, Stage
from collection.scope import cases_in_scope
from notices.models import LawFirm, Notice, NoticeKind, NoticeTemplate
from owners.models import ServiceContract

SOON_DAYS = 14
HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class Count:
    """So many done of so many that are due. Nothing due is nothing done, not everything."""

    done: int
    due: int

    @property
    def is_complete(self) -> bool:
        return self.due > 0 and self.done >= self.due

    @property
    def percent(self) -> Decimal:
        return HUNDRED * self.done / self.due if self.due else Decimal(0)


@dataclass(frozen=True, slots=True)
class Standing:
    """The accounts that a milestone counts, and those of them that are done."""

    done: frozenset[int]
    due: frozenset[int]

    @property
    def count(self) -> Count:
        return Count(len(self.done), len(self.due))


@dataclass(frozen=True, slots=True)
class Progress:
    """A milestone as of a day, with the words and colours in which it is shown."""

    milestone: Milestone
    count: Count
    days_left: int

    @property
    def label(self) -> str:
        return self.milestone.get_kind_display()

    @property
    def due_on(self) -> date:
        return self.milestone.due_on

    @property
    def is_complete(self) -> bool:
        return self.count.is_complete

    @property
    def is_overdue(self) -> bool:
        return not self.is_complete and self.days_left < 0

    @property
    def percent(self) -> Decimal:
        return self.count.percent

    @property
    def done(self) -> str:
        """``23 / 64`` in the milestone's own unit."""
        number = f"{self.count.done} / {self.count.due}"
        match self.milestone.kind:
            case Milestone.Kind.LETTERS_SENT:
                return _("%(number)s letters") % {"number": number}
            case Milestone.Kind.LITIGATION_PREPARED:
                return _("%(number)s cases") % {"number": number}
            case Milestone.Kind.CAMPAIGN_ENDS:
                return _("%(number)s days") % {"number": number}
            case _:
                return number

    @property
    def colour(self) -> str:
        if self.is_complete:
            return "green"
        if self.days_left < 0:
            return "red"
        return "amber" if self.days_left <= SOON_DAYS else ""

    @property
    def bar(self) -> str:
        """Colour of the bar: green when done, else the usual one, since amber says slower than time."""
        return "green" if self.is_complete else ""

    @property
    def word(self) -> str:
        if self.is_complete:
            return _("done")
        return days_word(self.days_left)


def days_word(days_left: int) -> str:
    """``还有 3 天``, ``今天到期``, ``逾期 2 天``."""
    if days_left == 0:
        return _("due today")
    if days_left < 0:
        return ngettext("%(days)s day overdue", "%(days)s days overdue", -days_left) % {"days": -days_left}
    return ngettext("%(days)s day left", "%(days)s days left", days_left) % {"days": days_left}


def progress_of(campaign: Campaign, *, today: date) -> list[Progress]:
    """All milestones of the campaign in the order of their dates, as of ``today``."""
    return [
        Progress(milestone, COUNTS[milestone.kind](campaign, today), (milestone.due_on - today).days)
        for milestone in campaign.milestones.select_related("responsible")
    ]


def letters_sent(campaign: Campaign, *, today: date) -> Progress | None:
    """How far the campaign's lawyer letters are, where that is one of its milestones."""
    milestone = campaign.milestones.filter(kind=Milestone.Kind.LETTERS_SENT).select_related("responsible").first()
    if milestone is None:
        return None
    return Progress(milestone, _letters_sent(campaign, today).count, (milestone.due_on - today).days)


def _template_ready(campaign: Campaign, today: date) -> Count:
    """The approved text of the lawyer letter, and the mandate of a firm to sign it."""
    of_project = {"project": campaign.project_id}
    approved = NoticeTemplate.objects.filter(
        **of_project, kind=NoticeKind.LAWYER_LETTER, state=NoticeTemplate.State.APPROVED
    )
    mandated = LawFirm.objects.filter(**of_project).mandated(on=today)
    return Count(done=approved.exists() + mandated.exists(), due=2)


def accounts_of(milestone: Milestone, *, today: date) -> Standing | None:
    """The accounts that make the number of a milestone; None where it counts something else."""
    match milestone.kind:
        case Milestone.Kind.LETTERS_SENT:
            return _letters_sent(milestone.campaign, today)
        case Milestone.Kind.LITIGATION_PREPARED:
            return _litigation_prepared(milestone.campaign, today)
    return None


def _letters_sent(campaign: Campaign, today: date) -> Standing:
    """Accounts whose letter was sent, of those with a letter and the cases whose next step is one."""
    letters = _letters(campaign)
    with_letter = frozenset(letters.values_list("account_id", flat=True))
    sent = frozenset(letters.filter(state=Notice.State.DISPATCHED).values_list("account_id", flat=True))
    waiting = _meant(campaign, today).filter(next_measure=Measure.LAWYER_LETTER)
    return Standing(done=sent, due=with_letter | frozenset(waiting.values_list("account_id", flat=True)))


def _litigation_prepared(campaign: Campaign, today: date) -> Standing:
    """Cases in legal means with what an action needs: the contract on file, and a letter whose deadline has passed."""
    legal = frozenset(_meant(campaign, today).filter(stage=Stage.LEGAL).values_list("account_id", flat=True))
    contract = ServiceContract.objects.filter(project=campaign.project_id, scan__isnull=False)
    expired = _letters(campaign).filter(state=Notice.State.DISPATCHED, batch__deadline_on__lt=today)
    ready = frozenset(expired.values_list("account_id", flat=True)) & legal if contract.exists() else frozenset()
    return Standing(done=ready, due=legal)


def _campaign_ends(campaign: Campaign, today: date) -> Count:
    """Days passed of all days; both ends belong to the campaign."""
    days = (campaign.ends_on - campaign.starts_on).days + 1
    past = (min(today, campaign.ends_on) - campaign.starts_on).days + 1
    over = today > campaign.ends_on
    return Count(done=days if over else max(0, min(past, days - 1)), due=days)


def _meant(campaign: Campaign, today: date) -> QuerySet[Case]:
    """Open cases that the campaign is about."""
    cases = Case.objects.filter(project=campaign.project_id).open()
    return cases_in_scope(cases, campaign, today=today) if campaign.has_scope else cases


def _letters(campaign: Campaign) -> QuerySet[Notice]:
    """Lawyer letters that were confirmed since the campaign began and hold."""
    letters = Notice.objects.filter(project=campaign.project_id, kind=NoticeKind.LAWYER_LETTER)
    return letters.filter(batch__confirmed_at__date__gte=campaign.starts_on).exclude(state=Notice.State.VOID)


COUNTS: dict[str, Callable[[Campaign, date], Count]] = {
    Milestone.Kind.TEMPLATE_READY: _template_ready,
    Milestone.Kind.LETTERS_SENT: lambda campaign, today: _letters_sent(campaign, today).count,
    Milestone.Kind.LITIGATION_PREPARED: lambda campaign, today: _litigation_prepared(campaign, today).count,
    Milestone.Kind.CAMPAIGN_ENDS: _campaign_ends,
}
