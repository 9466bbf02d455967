from datetime import date, timedelta

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from company.scoping import ProjectScoped


class TargetClass(models.TextChoices):
    """Unit usage × nature of the fee, as rates and targets are set (rates.md)."""

    RESIDENTIAL_PROPERTY = "residential_property", _("residential property fee")
    COMMERCIAL_PROPERTY = "commercial_property", _("commercial property fee")
    UTILITIES = "utilities", _("water and electricity")
    PARKING = "parking", pgettext_lazy("target class", "parking")


class Campaign(models.Model):
    """A dated push with targets and milestones; one runs per project at a time.

    Its scope is which charges are meant: by service period, class and days overdue when it starts.
    """

    class State(models.TextChoices):
        PLANNED = "planned", _("planned")
        RUNNING = "running", _("running")
        CLOSED = "closed", _("closed")

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="campaigns")
    name = models.CharField(_("name"), max_length=80)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.PLANNED)
    starts_on = models.DateField(_("starts on"))
    ends_on = models.DateField(_("ends on"))
    period_from = models.DateField(_("service periods from"), null=True, blank=True)
    period_until = models.DateField(_("service periods until"), null=True, blank=True)
    classes = ArrayField(
        models.CharField(max_length=24, choices=TargetClass), verbose_name=_("classes in scope"), default=list,
        blank=True, help_text=_("Empty: all."),
    )  # fmt: skip
    least_days = models.PositiveIntegerField(_("days overdue at the start, at least"), null=True, blank=True)
    most_days = models.PositiveIntegerField(_("days overdue at the start, at most"), null=True, blank=True)
    contradiction_reason = models.CharField(_("reason to keep contradicting dates"), max_length=400, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey("company.User", models.PROTECT, null=True, related_name="+")

    objects = ProjectScoped.as_manager()

    class Meta:
        ordering = ["-starts_on"]
        constraints = [
            models.CheckConstraint(condition=Q(ends_on__gt=F("starts_on")), name="campaign_ends_after_start"),
            models.UniqueConstraint(fields=["project"], condition=Q(state="running"), name="one_running_campaign"),
            models.CheckConstraint(condition=Q(period_until__gte=F("period_from")), name="campaign_periods_in_order"),
            models.CheckConstraint(condition=Q(least_days__gte=1), name="campaign_scope_is_overdue"),
            models.CheckConstraint(condition=Q(most_days__gte=F("least_days")), name="campaign_ages_in_order"),
            models.CheckConstraint(
                condition=Q(classes__contained_by=TargetClass.values), name="campaign_classes_are_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def has_scope(self) -> bool:
        """Whether anything is left out; else all that is overdue is meant, also what falls due meanwhile."""
        return bool(self.period_from or self.period_until or self.classes or self.least_days or self.most_days)

    @property
    def due_from(self) -> date:
        """The earliest due day in scope."""
        return self.starts_on - timedelta(days=self.most_days) if self.most_days else date.min

    @property
    def due_until(self) -> date:
        """The last due day in scope: once an age is asked for, what falls due after the start is left out."""
        if not (self.least_days or self.most_days):
            return date.max
        return self.starts_on - timedelta(days=self.least_days or 1)

    def covers(self, target_class: TargetClass | None) -> bool:
        """Whether charges of this class are in scope; None is a class without a target."""
        return not self.classes or target_class in self.classes


class CampaignTarget(models.Model):
    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="targets")
    target_class = models.CharField(max_length=24, choices=TargetClass)
    rate = models.DecimalField(_("base target (%)"), max_digits=5, decimal_places=2)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["campaign", "target_class"], name="one_target_per_class"),
            models.CheckConstraint(condition=Q(rate__gt=0, rate__lte=100), name="target_is_percentage"),
        ]


class Milestone(models.Model):
    """A dated goal of the campaign. Its progress is computed from ``kind``, never ticked."""

    class Kind(models.TextChoices):
        TEMPLATE_READY = "template_ready", _("lawyer-letter template and the firm's mandate ready")
        LETTERS_SENT = "letters_sent", _("all lawyer letters sent")
        LITIGATION_PREPARED = "litigation_prepared", _("litigation prepared")
        CAMPAIGN_ENDS = "campaign_ends", _("end of the campaign")

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="milestones")
    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    due_on = models.DateField(pgettext_lazy("milestone", "due on"))
    responsible = models.ForeignKey("company.User", models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ["due_on", "pk"]
        constraints = [models.UniqueConstraint(fields=["campaign", "kind"], name="one_milestone_per_kind")]

    def __str__(self) -> str:
        return self.get_kind_display()


class Reminder(models.Model):
    """That one person was reminded of a milestone at one stage; it exists once, however often the task runs."""

    milestone = models.ForeignKey(Milestone, models.CASCADE, related_name="reminders")
    user = models.ForeignKey("company.User", models.CASCADE, related_name="+")
    stage = models.CharField(max_length=20, help_text=_("The due date and the days left, such as 2025-12-05/3."))
    notification = models.ForeignKey("company.Notification", models.CASCADE, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["milestone", "stage", "user"], name="one_reminder_a_stage")]
