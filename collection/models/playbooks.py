from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from pgtrigger import Before, Delete, Insert, Row, Update

from collection.models.cases import ArrearsReason, Stage
from collection.models.measures import Doer, Measure, Precondition
from company.freezing import FirmTrigger, freeze
from company.scoping import ProjectScoped


class OnceActivatedItStays(FirmTrigger):
    """A version that was in force is never deleted and never becomes a draft again; one that ended stays ended."""

    when = Before
    operation = Update | Delete
    level = Row

    def get_func(self, model: type[models.Model]) -> str:
        return """
            IF OLD.state = 'draft' THEN
                RETURN COALESCE(NEW, OLD);
            END IF;
            IF TG_OP = 'UPDATE' AND NEW.state IN (OLD.state, 'ended') THEN
                RETURN NEW;
            END IF;
            RAISE EXCEPTION 'a playbook that was in force is kept' USING ERRCODE = 'restrict_violation';
        """


class StepsOfDraftsOnly(FirmTrigger):
    """Steps come, change and go in drafts only; the share lock waits for an activation that is under way."""

    when = Before
    operation = Insert | Update | Delete
    level = Row

    def get_func(self, model: type[models.Model]) -> str:
        return """
            IF EXISTS (SELECT FROM collection_playbook p
                       WHERE p.id IN (NEW.playbook_id, OLD.playbook_id) AND p.state <> 'draft' FOR SHARE) THEN
                RAISE EXCEPTION 'steps of a playbook in force do not change' USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN COALESCE(NEW, OLD);
        """


class Playbook(models.Model):
    """One version of a project's ladders, or the own plan of one case. It is a draft until it is activated, in force
    until the next one is, and kept from then on."""

    class State(models.TextChoices):
        DRAFT = "draft", pgettext_lazy("playbook", "draft")
        ACTIVE = "active", pgettext_lazy("playbook", "in force")
        ENDED = "ended", pgettext_lazy("playbook", "no longer in force")

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="playbooks")
    case = models.ForeignKey(
        "collection.Case", models.PROTECT, null=True, blank=True, related_name="own_plans",
        help_text=_("Set where it is the own plan of one case."),
    )  # fmt: skip
    number = models.PositiveIntegerField(_("version"))
    state = models.CharField(_("state"), max_length=6, choices=State, default=State.DRAFT)
    revision = models.PositiveIntegerField(default=0, help_text=_("Raised by each change of the draft."))
    note = models.CharField(_("what it changes and why"), max_length=400, blank=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey("company.User", models.PROTECT, related_name="+")
    activated_at = models.DateTimeField(null=True, blank=True)
    activated_by = models.ForeignKey("company.User", models.PROTECT, null=True, blank=True, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)
    applied_at = models.DateTimeField(
        null=True, blank=True, help_text=_("When the next steps of its cases had been computed by it.")
    )

    objects = ProjectScoped.as_manager()

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], condition=Q(case=None), name="playbook_version_once"),
            models.UniqueConstraint(fields=["case", "number"], name="case_plan_version_once"),
            models.UniqueConstraint(
                fields=["project"], condition=Q(case=None, state="draft"), name="one_draft_playbook"
            ),
            models.UniqueConstraint(
                fields=["project"], condition=Q(case=None, state="active"), name="one_playbook_in_force"
            ),
            models.UniqueConstraint(fields=["case"], condition=Q(state="draft"), name="one_draft_plan_of_a_case"),
            models.UniqueConstraint(fields=["case"], condition=Q(state="active"), name="one_plan_of_a_case_in_force"),
            models.CheckConstraint(
                condition=Q(state="draft", activated_at=None, activated_by=None)
                | (~Q(state="draft") & Q(activated_at__isnull=False, activated_by__isnull=False)),
                name="activation_says_who_and_when",
            ),
            models.CheckConstraint(
                condition=Q(state="ended", ended_at__isnull=False) | (~Q(state="ended") & Q(ended_at=None)),
                name="ended_playbook_says_when",
            ),
        ]
        triggers = [OnceActivatedItStays(name="stays")]

    def __str__(self) -> str:
        return f"{self.number}"


class PlaybookStep(models.Model):
    """One measure of a ladder. ``reason`` is empty in the own plan of a case, which holds whatever the reason."""

    playbook = models.ForeignKey(Playbook, models.CASCADE, related_name="steps")
    reason = models.CharField(_("reason"), max_length=16, choices=ArrearsReason, blank=True)
    position = models.PositiveSmallIntegerField(_("order"))
    key = models.CharField(max_length=24, help_text=_("The name by which cases know the step in all versions."))
    is_on = models.BooleanField(_("in use"), default=True)
    stage = models.CharField(_("stage"), max_length=12, choices=Stage)
    measure = models.CharField(_("measure"), max_length=16, choices=Measure)
    title = models.CharField(_("what is to be done"), max_length=80)
    doer = models.CharField(_("who"), max_length=24, choices=Doer)
    wait_days = models.PositiveSmallIntegerField(_("days to wait after the step before"), default=0)
    due_days = models.PositiveSmallIntegerField(_("days to do it in"), default=3)
    min_amount = models.DecimalField(_("from amount"), max_digits=12, decimal_places=2, null=True, blank=True)
    min_days = models.PositiveSmallIntegerField(_("or from days overdue"), null=True, blank=True)
    precondition = models.CharField(_("only after"), max_length=12, choices=Precondition, blank=True)
    talking_points = models.TextField(_("talking points"), max_length=1000, blank=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["playbook", "reason", "position"], name="one_step_at_a_position"),
            models.UniqueConstraint(fields=["playbook", "reason", "key"], name="step_key_once_in_a_ladder"),
            models.CheckConstraint(
                condition=~Q(measure="cut_utilities") | Q(is_on=False), name="utilities_are_never_cut_off"
            ),
            models.CheckConstraint(condition=~Q(title="") & ~Q(key=""), name="step_has_a_name"),
            models.CheckConstraint(condition=Q(min_amount=None) | Q(min_amount__gt=0), name="step_amount_positive"),
            models.CheckConstraint(condition=Q(wait_days__lte=366, due_days__lte=366), name="step_within_a_year"),
        ]
        triggers = [StepsOfDraftsOnly(name="drafts_only")]

    def __str__(self) -> str:
        return self.title


class StepReached(models.Model):
    """That a step became the next one of a case, in the words of that day, whatever its playbook says later."""

    case = models.ForeignKey("collection.Case", models.PROTECT, related_name="steps_reached")
    playbook = models.ForeignKey(
        Playbook, models.PROTECT, null=True, related_name="+",
        help_text=_("Empty for what comes before any step, and for the ladders that a project starts with."),
    )  # fmt: skip
    key = models.CharField(max_length=24)
    measure = models.CharField(max_length=16, choices=Measure)
    title = models.CharField(max_length=80)
    stage = models.CharField(max_length=12, choices=Stage)
    at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]
        triggers = freeze()
        constraints = [
            models.CheckConstraint(condition=~Q(measure="cut_utilities"), name="no_case_comes_to_a_utilities_cut")
        ]

    def __str__(self) -> str:
        return self.title
