from datetime import date
from typing import Any, Self, TypeVar

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from collection.models.assignments import Assignment
from collection.models.measures import Measure
from collection.models.teams import TeamMember
from company.freezing import freeze
from company.models import Role, User
from company.rights import FIELD, HEAD, RIGHTS, Right, projects_with_roles
from company.scoping import ProjectScoped

TEAM_ONLY = FIELD | HEAD

Row = TypeVar("Row", bound=models.Model)


class ArrearsReason(models.TextChoices):
    """Why it is unpaid. Labels are what people see: neutral, since an owner might read them."""

    UNKNOWN = "unknown", _("reason unknown")
    BURGLED = "burgled", _("burglary at home")
    RECTIFICATION = "rectification", _("rectification dispute")
    MALICIOUS = "malicious", _("refusal without cause")
    UNREACHABLE = "unreachable", _("unreachable")
    OTHER = "other", _("other reason")


class SubReason(models.TextChoices):
    """What stands behind “other reason”; each has its own talking points."""

    VACANT = "vacant", _("flat stands empty")
    TENANT = "tenant", _("tenant is to pay")
    FORMER_OWNER = "former_owner", _("debt of the former owner")
    SERVICE = "service", _("dissatisfied with the service")
    HARDSHIP = "hardship", _("hardship")
    DEVELOPER = "developer", _("promise of the developer")
    RECKONING = "reckoning", _("bill is disputed")


class Stage(models.TextChoices):
    INFORMATION = "information", _("checking information")
    REMINDER = "reminder", _("first reminder")
    TALK = "talk", _("talk")
    PLAN = "plan", _("plan")
    VISIT = "visit", _("visit")
    LEGAL = "legal", _("legal means")


class CaseQuerySet(ProjectScoped["Case"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """All cases of a project for its project-wide roles; field staff and department heads see their team's."""
        wide = projects_with_roles(user, RIGHTS[Right.SEE_CASES] - TEAM_ONLY)
        narrow = projects_with_roles(user, TEAM_ONLY)
        teams = TeamMember.objects.filter(user=user.pk, left_on__isnull=True).values("team")
        mine = Q(team__in=teams) | Q(responsible=user.pk)
        return self.filter(Q(project__in=wide) | (Q(project__in=narrow) & mine))

    def loggable_by(self, user: User, *, roles: frozenset[Role], handed_over_since: date | None = None) -> Self:
        """Cases on which a holder of ``roles`` may log contacts: field staff their own, heads their team's.

        With ``handed_over_since`` also those that went to somebody else since that day: whoever set out before may
        still say what happened.
        """
        if roles & (RIGHTS[Right.LOG_CONTACTS] - TEAM_ONLY):
            return self
        mine = Q(responsible=user.pk)
        if handed_over_since:
            handed_over = Assignment.objects.filter(member=user.pk, ends_on__gte=handed_over_since)
            mine |= Q(pk__in=handed_over.values("case"))
        if roles & HEAD:
            mine |= Q(team__in=TeamMember.objects.present().filter(user=user.pk).values("team"))
        return self.filter(mine)

    def open(self) -> Self:
        return self.filter(state=Case.State.OPEN)

    def in_round_order(self) -> Self:
        return self.order_by("account__unit__sort_key")


class CaseScoped(ProjectScoped[Row]):
    """QuerySet of what belongs to a case: who sees the case sees it. ``case_path`` leads to it."""

    case_path = "case"

    def visible_to(self, user: User | AnonymousUser) -> Self:
        lookup: dict[str, Any] = {f"{self.case_path}__in": Case.objects.visible_to(user)}
        return self.filter(**lookup)


class Case(models.Model):
    """All open arrears of one account, and the work on them. It follows the ledger (collection.following)."""

    class State(models.TextChoices):
        OPEN = "open", _("open")
        CLOSED = "closed", _("closed")

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="cases")
    account = models.ForeignKey("arrears.Account", models.PROTECT, related_name="cases")
    state = models.CharField(_("state"), max_length=6, choices=State, default=State.OPEN)
    opened_on = models.DateField(_("opened on"))
    closed_on = models.DateField(_("closed on"), null=True, blank=True)
    seen_version = models.BigIntegerField(default=0)
    overdue = models.DecimalField(_("overdue principal"), max_digits=14, decimal_places=2, default=0)
    oldest_due_on = models.DateField(_("oldest due date"), null=True, blank=True)
    followed_on = models.DateField(help_text=_("The day as of which overdue was computed."))
    reason = models.CharField(_("reason"), max_length=16, choices=ArrearsReason, default=ArrearsReason.UNKNOWN)
    sub_reason = models.CharField(_("more exactly"), max_length=16, choices=SubReason, blank=True)
    stage = models.CharField(_("stage"), max_length=12, choices=Stage, default=Stage.INFORMATION)
    team = models.ForeignKey("collection.Team", models.PROTECT, null=True, blank=True, related_name="cases")
    responsible = models.ForeignKey("company.User", models.PROTECT, null=True, blank=True, related_name="cases")
    next_step = models.CharField(_("next step"), max_length=24, blank=True, help_text=_("Name of a playbook's step."))
    next_measure = models.CharField(_("next measure"), max_length=16, choices=Measure, blank=True)
    next_step_on = models.DateField(_("next step due"), null=True, blank=True)
    next_contact_on = models.DateField(_("next contact"), null=True, blank=True)
    held_until = models.DateField(_("held until"), null=True, blank=True)
    claims_paid = models.BooleanField(
        _("claims paid"), default=False, help_text=_("Held until finance has checked the proof.")
    )
    claim_checked_at = models.DateTimeField(
        null=True, blank=True, help_text=_("When finance last checked what the owner says was paid.")
    )
    outdated_at = models.DateTimeField(
        null=True, blank=True, help_text=_("When something happened that stage and next step leave out.")
    )

    objects = CaseQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account"], condition=Q(state="open"), name="one_open_case"),
            models.CheckConstraint(condition=Q(overdue__gte=0), name="case_overdue_not_negative"),
            models.CheckConstraint(
                condition=Q(state="open", closed_on__isnull=True, overdue__gt=0)
                | Q(state="closed", closed_on__isnull=False, overdue=0),
                name="case_state_matches_money",
            ),
            models.CheckConstraint(condition=Q(sub_reason="") | Q(reason="other"), name="sub_reason_of_other_only"),
            models.CheckConstraint(condition=~Q(next_measure="cut_utilities"), name="a_utilities_cut_is_no_next_step"),
        ]
        indexes = [
            models.Index(fields=["project", "state", "team"], name="case_of_team"),
            models.Index(fields=["responsible", "state"], name="case_of_member"),
            models.Index(fields=["outdated_at"], condition=Q(outdated_at__isnull=False), name="case_outdated"),
        ]

    def __str__(self) -> str:
        return str(self.account.unit)


class CaseTransition(models.Model):
    case = models.ForeignKey(Case, models.PROTECT, related_name="transitions")
    from_state = models.CharField(max_length=6, choices=Case.State, blank=True)
    to_state = models.CharField(max_length=6, choices=Case.State)
    at = models.DateTimeField()
    by = models.ForeignKey("company.User", models.PROTECT, null=True, related_name="+")
    account_version = models.BigIntegerField()

    class Meta:
        ordering = ["pk"]
        triggers = freeze()


class ReasonChange(models.Model):
    case = models.ForeignKey(Case, models.PROTECT, related_name="reason_changes")
    reason = models.CharField(max_length=16, choices=ArrearsReason)
    sub_reason = models.CharField(max_length=16, choices=SubReason, blank=True)
    note = models.CharField(max_length=400, blank=True)
    at = models.DateTimeField()
    said_at = models.DateTimeField(
        null=True, blank=True, help_text=_("When the owner said it, where that was at a contact.")
    )
    by = models.ForeignKey("company.User", models.PROTECT, related_name="+")

    class Meta:
        ordering = ["pk"]
        triggers = freeze()
