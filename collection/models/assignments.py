from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from company.scoping import ProjectScoped


class AssignmentProposal(models.Model):
    """A split of the open cases that can be changed by hand and is then confirmed once."""

    class State(models.TextChoices):
        DRAFT = "draft", _("proposed")
        CONFIRMED = "confirmed", _("confirmed")
        DROPPED = "dropped", _("dropped")

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="assignment_proposals")
    team = models.ForeignKey(
        "collection.Team", models.PROTECT, null=True, blank=True, related_name="+",
        help_text=_("Set where only this team's cases are split between its members."),
    )  # fmt: skip
    member = models.ForeignKey(
        "company.User", models.PROTECT, null=True, blank=True, related_name="+",
        help_text=_("Set where this person's cases are handed over to the rest of the team."),
    )  # fmt: skip
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.DRAFT)
    revision = models.PositiveIntegerField(default=0, help_text=_("Raised by each change by hand."))
    created_at = models.DateTimeField()
    created_by = models.ForeignKey("company.User", models.PROTECT, related_name="+")
    confirmed_at = models.DateTimeField(null=True, blank=True)
    confirmed_by = models.ForeignKey("company.User", models.PROTECT, null=True, blank=True, related_name="+")

    objects = ProjectScoped.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["project"], condition=Q(state="draft"), name="one_draft_proposal"),
            models.CheckConstraint(
                condition=Q(state="confirmed", confirmed_at__isnull=False, confirmed_by__isnull=False)
                | (~Q(state="confirmed") & Q(confirmed_at__isnull=True, confirmed_by__isnull=True)),
                name="confirmation_says_who_and_when",
            ),
            models.CheckConstraint(
                condition=Q(member__isnull=True) | Q(team__isnull=False), name="a_handing_over_is_of_a_team"
            ),
        ]


class ProposedAssignment(models.Model):
    proposal = models.ForeignKey(AssignmentProposal, models.CASCADE, related_name="entries")
    case = models.ForeignKey("collection.Case", models.CASCADE, related_name="+")
    team = models.ForeignKey("collection.Team", models.PROTECT, related_name="+")
    member = models.ForeignKey("company.User", models.PROTECT, null=True, blank=True, related_name="+")
    amount = models.DecimalField(max_digits=14, decimal_places=2)
    difficulty = models.DecimalField(max_digits=4, decimal_places=1)
    moved_by_hand = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["proposal", "case"], name="case_proposed_once")]
        indexes = [models.Index(fields=["proposal", "team"], name="proposed_for_team")]


class Assignment(models.Model):
    """Who answered for a case from when until when; the open one is the present."""

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="+")
    case = models.ForeignKey("collection.Case", models.PROTECT, related_name="assignments")
    team = models.ForeignKey("collection.Team", models.PROTECT, related_name="assignments")
    member = models.ForeignKey("company.User", models.PROTECT, null=True, blank=True, related_name="+")
    starts_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True, help_text=_("First day on which somebody else answers."))
    proposal = models.ForeignKey(AssignmentProposal, models.PROTECT, null=True, blank=True, related_name="+")
    assigned_at = models.DateTimeField()
    assigned_by = models.ForeignKey("company.User", models.PROTECT, related_name="+")

    objects = ProjectScoped.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["case"], condition=Q(ends_on__isnull=True), name="one_present_assignment"),
            models.CheckConstraint(
                condition=Q(ends_on__isnull=True) | Q(ends_on__gte=models.F("starts_on")), name="assignment_in_order"
            ),
        ]
        indexes = [models.Index(fields=["project", "starts_on"], name="assignment_of_day")]
