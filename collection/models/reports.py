from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from company.freezing import freeze
from company.scoping import ProjectScoped


class PeriodReport(models.Model):
    """What a week or month came to, as it was known when the report was made; what is posted later changes no row."""

    class Kind(models.TextChoices):
        WEEK = "week", pgettext_lazy("report", "weekly report")
        MONTH = "month", pgettext_lazy("report", "monthly report")

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="+")
    kind = models.CharField(_("kind"), max_length=5, choices=Kind)
    starts_on = models.DateField(_("first day"))
    ends_on = models.DateField(_("last day"))
    figures = models.JSONField(help_text=_("As collection.reports writes and reads them; amounts as text."))
    playbook = models.ForeignKey("collection.Playbook", models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()

    objects = ProjectScoped["PeriodReport"].as_manager()

    class Meta:
        ordering = ["-ends_on", "kind"]
        triggers = freeze()
        constraints = [
            models.UniqueConstraint(fields=["project", "kind", "starts_on"], name="report_once_a_period"),
            models.CheckConstraint(condition=Q(ends_on__gt=F("starts_on")), name="report_ends_after_its_start"),
            models.CheckConstraint(condition=Q(kind__in=["week", "month"]), name="report_of_a_known_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.starts_on} – {self.ends_on}"


class ReportReview(models.Model):
    """What the project manager made of a report, and the playbook version that it led to (D5)."""

    report = models.ForeignKey(PeriodReport, models.PROTECT, related_name="reviews")
    text = models.CharField(_("what was found and decided"), max_length=1000)
    playbook = models.ForeignKey(
        "collection.Playbook", models.PROTECT, null=True, blank=True, related_name="reviews",
        help_text=_("The version, or the draft, that the review caused; empty where the playbook stays as it is."),
    )  # fmt: skip
    at = models.DateTimeField()
    by = models.ForeignKey("company.User", models.PROTECT, related_name="+")
    submission = models.UUIDField(unique=True)

    class Meta:
        ordering = ["pk"]
        triggers = freeze()
        constraints = [models.CheckConstraint(condition=~Q(text=""), name="review_says_something")]

    def __str__(self) -> str:
        return self.text
