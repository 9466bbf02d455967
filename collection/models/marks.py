from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from collection.models.cases import CaseScoped
from company.freezing import keep
from company.scoping import ProjectScoped

DECIDED = Q(state__in=["approved", "refused", "ended"])


class CaseMark(models.Model):
    """That a case is a historical issue or a special circumstance: proposed with its proof, decided by another, ended.

    While it is approved its account stands outside of the accountable base, from ``starts_on`` until before
    ``ends_on`` (collection.marks).
    """

    class Kind(models.TextChoices):
        HISTORICAL = "historical", _("historical issue")
        SPECIAL = "special", _("special circumstance")

    class State(models.TextChoices):
        PROPOSED = "proposed", pgettext_lazy("mark", "waits for a decision")
        APPROVED = "approved", pgettext_lazy("mark", "approved")
        REFUSED = "refused", pgettext_lazy("mark", "refused")
        WITHDRAWN = "withdrawn", pgettext_lazy("mark", "withdrawn")
        ENDED = "ended", pgettext_lazy("mark", "ended")

    case = models.ForeignKey("collection.Case", models.PROTECT, related_name="marks")
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    state = models.CharField(_("state"), max_length=9, choices=State, default=State.PROPOSED)
    reason = models.CharField(_("reason"), max_length=400)
    proof = models.ForeignKey("company.StoredFile", models.PROTECT, related_name="+")
    starts_on = models.DateField(_("counts from"), null=True, blank=True)
    ends_on = models.DateField(
        _("ends on"), null=True, blank=True, help_text=_("First day on which the account counts again.")
    )  # fmt: skip
    proposed_at = models.DateTimeField()
    proposed_by = models.ForeignKey("company.User", models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey("company.User", models.PROTECT, null=True, blank=True, related_name="+")
    decision_note = models.CharField(_("note on the decision"), max_length=400, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey("company.User", models.PROTECT, null=True, blank=True, related_name="+")
    end_reason = models.CharField(_("why it ended"), max_length=400, blank=True)
    submission = models.UUIDField(unique=True)

    objects = CaseScoped.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["case"], condition=Q(state__in=["proposed", "approved"]), name="one_live_mark_of_a_case"
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="mark_has_a_reason"),
            models.CheckConstraint(
                condition=Q(decided_by=None) | ~Q(decided_by=F("proposed_by")), name="mark_decided_by_another"
            ),
            models.CheckConstraint(
                condition=(DECIDED & Q(decided_by__isnull=False, decided_at__isnull=False))
                | (~DECIDED & Q(decided_by=None, decided_at=None)),
                name="mark_decision_has_who_and_when",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["approved", "ended"], starts_on__isnull=False)
                | (~Q(state__in=["approved", "ended"]) & Q(starts_on=None)),
                name="approved_mark_has_a_day",
            ),
            models.CheckConstraint(
                condition=Q(state="ended", ends_on__gte=F("starts_on"), ended_at__isnull=False, ended_by__isnull=False)
                | (~Q(state="ended") & Q(ends_on=None, ended_at=None, ended_by=None)),
                name="ended_mark_says_who_and_when",
            ),
        ]
        triggers = keep("case", "kind", "reason", "proof", "proposed_at", "proposed_by", "submission")

    def __str__(self) -> str:
        return self.get_kind_display()


class ExclusionLimit(models.Model):
    """Up to which share of the base the project manager may approve exclusions; above it the company leader does."""

    project = models.OneToOneField("company.Project", models.PROTECT, primary_key=True, related_name="exclusion_limit")
    percent = models.DecimalField(
        _("project managers approve up to, percent of the base"), max_digits=5, decimal_places=2
    )
    changed_at = models.DateTimeField()
    changed_by = models.ForeignKey("company.User", models.PROTECT, related_name="+")

    objects = ProjectScoped.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(percent__gte=0, percent__lte=100), name="exclusion_limit_is_percentage")
        ]

    def __str__(self) -> str:
        return f"{self.percent} %"
