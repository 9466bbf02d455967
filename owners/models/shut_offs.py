from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from company.freezing import keep
from company.scoping import ProjectScoped

DECIDED = Q(state__in=["in_force", "refused", "ended"])


class SafetyShutOff(models.Model):
    """Water, electricity or gas of a vacant unit shut off for safety: proposed with proof, decided by another, ended.

    A record of the unit and of nothing else. Civil Code art. 944 forbids shutting off as a means of collection, so it
    names no case, no owner, no charge and no payment, and must never get a column that does.
    """

    class Service(models.TextChoices):
        WATER = "water", pgettext_lazy("shut-off", "water")
        ELECTRICITY = "electricity", pgettext_lazy("shut-off", "electricity")
        GAS = "gas", pgettext_lazy("shut-off", "gas")

    class Ground(models.TextChoices):
        CONSENT = "consent", _("written consent of the owner")
        DANGER = "danger", _("documented danger")

    class State(models.TextChoices):
        PROPOSED = "proposed", pgettext_lazy("shut-off", "waits for approval")
        IN_FORCE = "in_force", pgettext_lazy("shut-off", "shut off")
        REFUSED = "refused", pgettext_lazy("shut-off", "refused")
        WITHDRAWN = "withdrawn", pgettext_lazy("shut-off", "withdrawn")
        ENDED = "ended", pgettext_lazy("shut-off", "connected again")

    class EndGround(models.TextChoices):
        """Why it is connected again. Paying is no such ground."""

        REPAIRED = "repaired", _("the danger is removed")
        ASKED = "asked", _("the owner or occupant asks for it")
        OCCUPIED = "occupied", _("somebody moves in")
        MISTAKEN = "mistaken", _("it was not needed")

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="+")
    unit = models.ForeignKey("owners.Unit", models.PROTECT, related_name="shut_offs")
    service = models.CharField(_("what is shut off"), max_length=11, choices=Service)
    ground = models.CharField(_("ground"), max_length=7, choices=Ground)
    description = models.CharField(_("what was found"), max_length=400)
    found_vacant_on = models.DateField(_("found vacant on"))
    proof = models.ForeignKey("company.StoredFile", models.PROTECT, related_name="+")
    state = models.CharField(_("state"), max_length=9, choices=State, default=State.PROPOSED)
    proposed_at = models.DateTimeField()
    proposed_by = models.ForeignKey("company.User", models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey("company.User", models.PROTECT, null=True, blank=True, related_name="+")
    decision_note = models.CharField(_("note on the decision"), max_length=400, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey("company.User", models.PROTECT, null=True, blank=True, related_name="+")
    end_ground = models.CharField(_("why it is connected again"), max_length=8, choices=EndGround, blank=True)
    end_note = models.CharField(_("note on the end"), max_length=400, blank=True)
    submission = models.UUIDField(unique=True)

    objects = ProjectScoped["SafetyShutOff"].as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["unit", "service"], condition=Q(state__in=["proposed", "in_force"]),
                name="one_live_shut_off_of_a_service",
            ),
            models.CheckConstraint(condition=~Q(description=""), name="shut_off_says_what_was_found"),
            models.CheckConstraint(
                condition=Q(decided_by=None) | ~Q(decided_by=F("proposed_by")), name="shut_off_decided_by_another"
            ),
            models.CheckConstraint(
                condition=(DECIDED & Q(decided_by__isnull=False, decided_at__isnull=False))
                | (~DECIDED & Q(decided_by=None, decided_at=None)),
                name="shut_off_decision_has_who_and_when",
            ),
            models.CheckConstraint(
                condition=(
                    Q(state="ended", ended_at__isnull=False, ended_by__isnull=False)
                    & Q(end_ground__in=["repaired", "asked", "occupied", "mistaken"])
                )
                | (~Q(state="ended") & Q(ended_at=None, ended_by=None, end_ground="")),
                name="ended_shut_off_says_who_when_and_why",
            ),
        ]  # fmt: skip
        triggers = keep(
            "project", "unit", "service", "ground", "description", "found_vacant_on", "proof", "proposed_at",
            "proposed_by", "submission",
        )  # fmt: skip

    def __str__(self) -> str:
        return f"{self.unit} {self.get_service_display()}"
