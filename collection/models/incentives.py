from decimal import Decimal

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from collection.models.campaigns import TargetClass
from company.freezing import freeze, keep
from company.scoping import ProjectScoped


class Combining(models.TextChoices):
    """How the deductions of several classes become one."""

    SUM = "sum", _("added up")
    WEIGHTED = "weighted", _("weighted by what was due")
    WORST = "worst", _("the worst class only")


class IncentiveScheme(models.Model):
    """How a project rewards and deducts (rates.md), one row a change; the highest number is in force."""

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="+")
    number = models.PositiveIntegerField()
    deduction = models.DecimalField(
        _("year-end bonus deducted for each full point below (%)"), max_digits=5, decimal_places=2, default=Decimal(5)
    )
    most_deduction = models.DecimalField(
        _("deducted at most (%)"), max_digits=5, decimal_places=2, default=Decimal(100)
    )
    combining = models.CharField(
        _("deductions of several classes"), max_length=8, choices=Combining, default=Combining.SUM
    )
    strict_below = models.DecimalField(
        _("strict below a rate of (%)"), max_digits=5, decimal_places=2, default=Decimal(85),
        help_text=_("Such a class is put before human resources for a transfer or a review of pay."),
    )  # fmt: skip
    least_due = models.DecimalField(
        _("a class is judged from (CNY due)"), max_digits=12, decimal_places=2, default=Decimal(0),
        help_text=_("A class with less due is shown and not judged."),
    )  # fmt: skip
    rewards_full = models.BooleanField(
        _("reaching a base of 100 % is rewarded"), default=True, help_text=_("It cannot be exceeded.")
    )
    move_days = models.PositiveSmallIntegerField(_("moves of cases listed (days before the closing)"), default=14)
    reward = models.CharField(_("reward"), max_length=200, default="年终奖、调薪优先")
    changed_at = models.DateTimeField()
    changed_by = models.ForeignKey("company.User", models.PROTECT, related_name="+")

    objects = ProjectScoped.as_manager()

    class Meta:
        ordering = ["-number"]
        triggers = freeze()
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="incentive_scheme_numbered"),
            models.CheckConstraint(
                condition=Q(
                    deduction__gte=0, deduction__lte=100, most_deduction__gte=0, most_deduction__lte=100,
                    strict_below__gte=0, strict_below__lte=100,
                ),
                name="incentive_scheme_percentages",
            ),
            models.CheckConstraint(condition=Q(least_due__gte=0), name="incentive_scheme_least_not_negative"),
            models.CheckConstraint(condition=Q(move_days__lte=366), name="incentive_scheme_move_days_few"),
            models.CheckConstraint(
                condition=Q(combining__in=Combining.values), name="incentive_scheme_combining_known"
            ),
        ]  # fmt: skip


class Settlement(models.Model):
    """The results of a campaign as of its closing day, proposed to human resources. Its figures never change."""

    class State(models.TextChoices):
        PROPOSED = "proposed", pgettext_lazy("settlement", "waits for approval")
        APPROVED = "approved", pgettext_lazy("settlement", "approved")
        REFUSED = "refused", pgettext_lazy("settlement", "refused")
        WITHDRAWN = "withdrawn", pgettext_lazy("settlement", "withdrawn")

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="+")
    campaign = models.ForeignKey("collection.Campaign", models.PROTECT, related_name="settlements")
    closes_on = models.DateField(_("closing day"))
    scheme = models.ForeignKey(IncentiveScheme, models.PROTECT, related_name="+")
    convention = models.ForeignKey("collection.RateConvention", models.PROTECT, null=True, related_name="+")
    state = models.CharField(_("state"), max_length=9, choices=State, default=State.PROPOSED)
    proposed_at = models.DateTimeField()
    proposed_by = models.ForeignKey("company.User", models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey("company.User", models.PROTECT, null=True, blank=True, related_name="+")
    decision_note = models.CharField(_("note on the decision"), max_length=400, blank=True)

    objects = ProjectScoped.as_manager()

    class Meta:
        ordering = ["-closes_on", "-pk"]
        triggers = keep("project", "campaign", "closes_on", "scheme", "convention", "proposed_at", "proposed_by")
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "closes_on"],
                condition=Q(state__in=["proposed", "approved"]),
                name="one_settlement_of_a_day",
            ),
            models.CheckConstraint(
                condition=Q(state="proposed", decided_by__isnull=True, decided_at__isnull=True)
                | Q(state__in=["approved", "refused", "withdrawn"], decided_by__isnull=False, decided_at__isnull=False),
                name="settlement_decision_has_who_and_when",
            ),
            models.CheckConstraint(
                condition=Q(state="withdrawn") | Q(decided_by__isnull=True) | ~Q(decided_by=F("proposed_by")),
                name="settlement_decided_by_another",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.campaign} {self.closes_on}"


class SettlementLine(models.Model):
    """A frozen share of one class: of the project, a team, a member, or of cases that nobody answered for, in CNY.

    ``base`` and ``credited`` are kept unrounded. ``corrected`` is money of earlier settlements that was taken back
    since; it lowers what counts as collected.
    """

    class Holder(models.TextChoices):
        PROJECT = "project", _("project")
        TEAM = "team", _("team")
        MEMBER = "member", pgettext_lazy("of a team", "member")
        NOBODY = "nobody", _("unassigned")

    settlement = models.ForeignKey(Settlement, models.PROTECT, related_name="lines")
    holder = models.CharField(max_length=8, choices=Holder)
    team = models.ForeignKey("collection.Team", models.PROTECT, null=True, related_name="+")
    leader = models.ForeignKey("company.User", models.PROTECT, null=True, related_name="+")
    member = models.ForeignKey("company.User", models.PROTECT, null=True, related_name="+")
    target_class = models.CharField(max_length=24, choices=TargetClass)
    target = models.DecimalField(max_digits=5, decimal_places=2)
    arrears = models.DecimalField(max_digits=16, decimal_places=2)
    base = models.DecimalField(max_digits=36, decimal_places=18)
    credited = models.DecimalField(max_digits=36, decimal_places=18)
    collected = models.DecimalField(max_digits=16, decimal_places=2)
    corrected = models.DecimalField(max_digits=16, decimal_places=2, default=0)

    class Meta:
        ordering = ["pk"]
        triggers = freeze()
        constraints = [
            models.UniqueConstraint(
                fields=["settlement", "holder", "team", "member", "target_class"],
                nulls_distinct=False,
                name="settlement_line_once",
            ),
            models.CheckConstraint(
                condition=Q(holder__in=["project", "nobody"], team__isnull=True, member__isnull=True)
                | Q(holder="team", team__isnull=False, member__isnull=True)
                | Q(holder="member", team__isnull=True, member__isnull=False),
                name="settlement_line_names_its_holder",
            ),
            models.CheckConstraint(condition=Q(corrected__gte=0), name="settlement_line_correction_lowers"),
        ]


class SettlementExclusion(models.Model):
    """An account that an approval took out of the base, with what was due of it, CNY."""

    settlement = models.ForeignKey(Settlement, models.PROTECT, related_name="exclusions")
    account = models.ForeignKey("arrears.Account", models.PROTECT, related_name="+")
    due = models.DecimalField(max_digits=14, decimal_places=2)

    class Meta:
        ordering = ["pk"]
        triggers = freeze()
        constraints = [models.UniqueConstraint(fields=["settlement", "account"], name="settlement_excludes_once")]


class Objection(models.Model):
    """What somebody holds against a settlement, answered once by somebody else."""

    settlement = models.ForeignKey(Settlement, models.PROTECT, related_name="objections")
    text = models.CharField(_("objection"), max_length=1000)
    raised_at = models.DateTimeField()
    raised_by = models.ForeignKey("company.User", models.PROTECT, related_name="+")
    answer = models.CharField(_("answer"), max_length=1000, null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    answered_by = models.ForeignKey("company.User", models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ["pk"]
        triggers = freeze(once=("answer", "answered_at", "answered_by"))
        constraints = [
            models.CheckConstraint(condition=~Q(text=""), name="objection_says_something"),
            models.CheckConstraint(
                condition=Q(answer__isnull=True, answered_at__isnull=True, answered_by__isnull=True)
                | Q(answer__isnull=False, answered_at__isnull=False, answered_by__isnull=False) & ~Q(answer=""),
                name="objection_answer_whole",
            ),
            models.CheckConstraint(
                condition=Q(answered_by__isnull=True) | ~Q(answered_by=F("raised_by")),
                name="objection_answered_by_another",
            ),
        ]


class Commendation(models.Model):
    """Praise for a member of staff in words, for help with a payment where one is named. No money follows from it."""

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="+")
    member = models.ForeignKey("company.User", models.PROTECT, related_name="+")
    text = models.CharField(_("what for"), max_length=200)
    payment = models.ForeignKey("arrears.Payment", models.PROTECT, null=True, blank=True, related_name="+")
    given_at = models.DateTimeField()
    given_by = models.ForeignKey("company.User", models.PROTECT, related_name="+")

    objects = ProjectScoped.as_manager()

    class Meta:
        ordering = ["-given_at", "-pk"]
        triggers = freeze()
        constraints = [
            models.CheckConstraint(condition=~Q(text=""), name="commendation_says_what_for"),
            models.CheckConstraint(condition=~Q(member=F("given_by")), name="commendation_of_another"),
            models.UniqueConstraint(
                fields=["member", "payment"], condition=Q(payment__isnull=False), name="commended_once_for_a_payment"
            ),
        ]
