import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from arrears.models.scoping import LedgerScoped
from company.freezing import FirmTrigger, freeze


class LimitationProof(models.Model):
    """An act that restarts the limitation period of the charges that it lists, with the file that proves it.

    Frozen but for ``reversed_by``: what was recorded by mistake is cancelled by a row of its own.
    """

    class Kind(models.TextChoices):
        NOTICE = "notice", _("delivered notice")
        MESSAGE = "message", _("SMS or e-mail that arrived")
        ACKNOWLEDGEMENT = "acknowledgement", _("signed acknowledgement of the debt")
        PLAN = "plan", _("signed instalment plan")
        DELAY = "delay", _("written request for delay")
        PAYMENT_ORDER = "payment_order", _("payment order")
        MEDIATION = "mediation", _("mediation")
        REVERSAL = "reversal", _("reversal")

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="+")
    account = models.ForeignKey("arrears.Account", models.PROTECT, related_name="limitation_proofs")
    kind = models.CharField(_("kind"), max_length=16, choices=Kind)
    reached_on = models.DateField(_("reached the owner on"))
    file = models.ForeignKey("company.StoredFile", models.PROTECT, related_name="+")
    note = models.CharField(_("note"), max_length=400, blank=True)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey("company.User", models.PROTECT, null=True, blank=True, related_name="+")
    reversed_by = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="reverses", db_index=True
    )

    objects = LedgerScoped.as_manager()

    class Meta:
        triggers = freeze(once=("reversed_by",))
        constraints = [
            models.CheckConstraint(
                condition=~Q(kind="reversal") | Q(reversed_by__isnull=True), name="proof_reversal_is_final"
            )
        ]
        indexes = [models.Index(fields=["account", "reached_on"], name="proof_account_day")]


class ProvedWithinOneAccount(FirmTrigger):
    """Refuses to list a charge of another account; a statement trigger."""

    name = "within_one_account"
    when = pgtrigger.After
    operation = pgtrigger.Insert
    level = pgtrigger.Statement
    referencing = pgtrigger.Referencing(new="fresh")

    def get_func(self, model: type[models.Model]) -> str:
        return """
            IF EXISTS (
                SELECT FROM fresh
                JOIN arrears_limitationproof AS proof ON proof.id = fresh.proof_id
                JOIN arrears_charge AS charge ON charge.id = fresh.charge_id
                WHERE charge.account_id <> proof.account_id OR fresh.project_id <> proof.project_id
            ) THEN
                RAISE EXCEPTION 'a proof crosses accounts' USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NULL;
        """


class LimitationWarning(models.Model):
    """That one person was warned at one stage of the end of a charge's limitation period; it exists once.

    ``stage``: so many days before, 0 once it has passed or nobody knows when it began. A period that was restarted is
    another one: ``expires_on`` tells which.
    """

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="+")
    charge = models.ForeignKey("arrears.Charge", models.PROTECT, related_name="+")
    user = models.ForeignKey("company.User", models.CASCADE, related_name="+", db_index=False)
    stage = models.PositiveSmallIntegerField()
    expires_on = models.DateField(null=True)
    notification = models.ForeignKey("company.Notification", models.CASCADE, related_name="+")

    objects = LedgerScoped.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "charge", "stage", "expires_on"],
                nulls_distinct=False,
                name="limitation_warned_once_a_stage",
            )
        ]

    def __str__(self) -> str:
        return f"{self.charge_id} {self.stage}"


class ProvedCharge(models.Model):
    """A charge that a proof lists; others stay as they were."""

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="+")
    proof = models.ForeignKey(LimitationProof, models.PROTECT, related_name="charges")
    charge = models.ForeignKey("arrears.Charge", models.PROTECT, related_name="limitation_proofs")

    objects = LedgerScoped.as_manager()

    class Meta:
        triggers = [*freeze(), ProvedWithinOneAccount()]
        constraints = [models.UniqueConstraint(fields=["proof", "charge"], name="proof_lists_a_charge_once")]
