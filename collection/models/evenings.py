import datetime as dt

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from collection.models.cases import ArrearsReason, SubReason
from company.freezing import freeze
from company.scoping import ProjectScoped

EARLIEST_EVENING, LATEST_EVENING = dt.time(12), dt.time(23, 30)


class EveningHour(models.Model):
    """When a project's day is drawn together, where it is not the usual hour (collection.evenings)."""

    project = models.OneToOneField("company.Project", models.PROTECT, primary_key=True, related_name="evening_hour")
    hour = models.TimeField(_("drawn together at"))
    changed_at = models.DateTimeField()
    changed_by = models.ForeignKey("company.User", models.PROTECT, related_name="+")

    objects = ProjectScoped.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(hour__range=(EARLIEST_EVENING, LATEST_EVENING)), name="evening_hour_lies_in_the_evening"
            )
        ]

    def __str__(self) -> str:
        return f"{self.hour:%H:%M}"


class Evening(models.Model):
    """That a project's day was drawn together, once. It covers ``since_at`` < instant ≤ ``until_at``, and begins where
    the evening before it ended, so that nothing lies between two."""

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="+")
    day = models.DateField()
    since_at = models.DateTimeField()
    until_at = models.DateTimeField()
    new_requests = models.PositiveIntegerField()
    changed_reasons = models.PositiveIntegerField()
    unanswered = models.PositiveIntegerField(help_text=_("Requests without an answer at the end."))
    overdue_answers = models.PositiveIntegerField(help_text=_("Those of them whose answer was due before the day."))

    objects = ProjectScoped.as_manager()

    class Meta:
        ordering = ["-day"]
        triggers = freeze()
        constraints = [
            models.UniqueConstraint(fields=["project", "day"], name="one_evening_a_day"),
            models.CheckConstraint(condition=Q(since_at__lt=F("until_at")), name="evening_ends_after_it_began"),
            models.CheckConstraint(
                condition=Q(overdue_answers__lte=F("unanswered")), name="overdue_answers_are_unanswered"
            ),
        ]


class EveningReason(models.Model):
    """A line of the list of reasons as it stood on an evening: open cases, and their overdue principal in CNY."""

    evening = models.ForeignKey(Evening, models.PROTECT, related_name="reasons")
    reason = models.CharField(max_length=16, choices=ArrearsReason)
    sub_reason = models.CharField(max_length=16, choices=SubReason, blank=True)
    cases = models.PositiveIntegerField()
    overdue = models.DecimalField(max_digits=16, decimal_places=2)

    class Meta:
        ordering = ["pk"]
        triggers = freeze()
        constraints = [
            models.UniqueConstraint(fields=["evening", "reason", "sub_reason"], name="reason_once_an_evening"),
            models.CheckConstraint(condition=Q(sub_reason="") | Q(reason="other"), name="evening_sub_reason_of_other"),
        ]
