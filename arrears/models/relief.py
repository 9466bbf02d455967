from enum import nonmember

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from arrears.models.scoping import LedgerScoped
from company.freezing import FirmTrigger, freeze

DECIDED_BY_ANOTHER = Q(decided_by__isnull=True) | ~Q(decided_by=F("proposed_by"))


class ReliefLimit(models.Model):
    """Up to how much late fee, by account and year, a department head may waive in a project; nothing without a row."""

    project = models.OneToOneField("company.Project", models.PROTECT, primary_key=True, related_name="relief_limit")
    late_fee = models.DecimalField(_("department heads waive up to"), max_digits=12, decimal_places=2, default=0)
    changed_at = models.DateTimeField()
    changed_by = models.ForeignKey("company.User", models.PROTECT, related_name="+")

    objects = LedgerScoped.as_manager()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(late_fee__gte=0), name="relief_limit_not_negative")]


class Relief(models.Model):
    """A proposal to let an owner off something, and what was decided. ``arrears.relief`` moves it from state to state.

    A waiver of late fees names an amount, the others name charges (``lines``). Once approved, ``waivers`` are its rows
    in the ledger.
    """

    class Kind(models.TextChoices):
        LATE_FEE = "late_fee", _("waiver of late fees")
        PRINCIPAL = "principal", _("waiver of principal")
        VACANCY = "vacancy", _("vacancy reduction")
        WRITE_OFF = "write_off", _("bad-debt write-off")

    class State(models.TextChoices):
        PROPOSED = "proposed", pgettext_lazy("relief", "waits for a decision")
        APPROVED = "approved", pgettext_lazy("relief", "approved")
        REFUSED = "refused", pgettext_lazy("relief", "refused")
        WITHDRAWN = "withdrawn", pgettext_lazy("relief", "withdrawn")
        REVOKED = "revoked", pgettext_lazy("relief", "taken back")

        DECIDED = nonmember(frozenset({"approved", "refused", "revoked"}))

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="+")
    account = models.ForeignKey("arrears.Account", models.PROTECT, related_name="reliefs")
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.PROPOSED)
    amount = models.DecimalField(_("amount"), max_digits=12, decimal_places=2)
    effective_on = models.DateField(_("counts from"))
    reason = models.CharField(_("reason"), max_length=400)
    vacant_from = models.DateField(_("vacant from"), null=True, blank=True)
    vacant_until = models.DateField(_("vacant until"), null=True, blank=True)
    proof = models.ForeignKey("company.StoredFile", models.PROTECT, null=True, blank=True, related_name="+")
    proposed_at = models.DateTimeField()
    proposed_by = models.ForeignKey("company.User", models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey("company.User", models.PROTECT, null=True, blank=True, related_name="+")
    decision_note = models.CharField(_("note on the decision"), max_length=400, blank=True)
    submission = models.UUIDField(null=True, blank=True, unique=True)

    objects = LedgerScoped.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="relief_amount_positive"),
            models.CheckConstraint(condition=~Q(reason=""), name="relief_has_a_reason"),
            models.CheckConstraint(condition=DECIDED_BY_ANOTHER, name="relief_decided_by_another"),
            models.CheckConstraint(
                condition=Q(state__in=["proposed", "withdrawn"], decided_by__isnull=True, decided_at__isnull=True)
                | Q(state__in=["approved", "refused", "revoked"], decided_by__isnull=False, decided_at__isnull=False),
                name="relief_decision_has_who_and_when",
            ),
            models.CheckConstraint(
                condition=~Q(kind="vacancy")
                | Q(proof__isnull=False, vacant_from__isnull=False, vacant_until__gte=F("vacant_from")),
                name="vacancy_is_dated_and_proved",
            ),
        ]
        indexes = [
            models.Index(fields=["account"], name="relief_account"),
            models.Index(fields=["project", "-proposed_at"], name="relief_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.amount}"


class ReliefLine(models.Model):
    """How much of a charge a proposal is about."""

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="+")
    relief = models.ForeignKey(Relief, models.PROTECT, related_name="lines")
    charge = models.ForeignKey("arrears.Charge", models.PROTECT, related_name="+")
    amount = models.DecimalField(_("amount"), max_digits=12, decimal_places=2)

    objects = LedgerScoped.as_manager()

    class Meta:
        triggers = freeze()
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="relief_line_amount_positive"),
            models.UniqueConstraint(fields=["relief", "charge"], name="relief_line_once_a_charge"),
        ]


class WaiverWithinOneAccount(FirmTrigger):
    """Refuses waivers whose charge, late fee or proposal is on another account; a statement trigger."""

    name = "within_one_account"
    when = pgtrigger.After
    operation = pgtrigger.Insert
    level = pgtrigger.Statement
    referencing = pgtrigger.Referencing(new="fresh")

    def get_func(self, model: type[models.Model]) -> str:
        return """
            IF EXISTS (
                SELECT FROM fresh
                JOIN arrears_relief AS relief ON relief.id = fresh.relief_id
                LEFT JOIN arrears_charge AS charge ON charge.id = fresh.charge_id
                LEFT JOIN arrears_latefee AS late_fee ON late_fee.id = fresh.late_fee_id
                WHERE (relief.account_id, relief.project_id) <> (fresh.account_id, fresh.project_id)
                   OR charge.account_id <> fresh.account_id
                   OR late_fee.account_id <> fresh.account_id
            ) THEN
                RAISE EXCEPTION 'a waiver crosses accounts' USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NULL;
        """


class Waiver(models.Model):
    """What of a charge or late fee is owed no longer though nobody paid it, or the reversal of such a row.

    It settles without being money: it stands in ``settled`` of the balance, and in no allocation. Frozen but for
    ``reversed_by``.
    """

    class Kind(models.TextChoices):
        WAIVER = "waiver", _("waiver")
        VACANCY = "vacancy", _("vacancy reduction")
        WRITE_OFF = "write_off", _("bad-debt write-off")
        REVERSAL = "reversal", _("reversal")

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="+")
    account = models.ForeignKey("arrears.Account", models.PROTECT, related_name="waivers")
    relief = models.ForeignKey(Relief, models.PROTECT, related_name="waivers")
    kind = models.CharField(max_length=10, choices=Kind)
    charge = models.ForeignKey("arrears.Charge", models.PROTECT, null=True, blank=True, related_name="waivers")
    late_fee = models.ForeignKey("arrears.LateFee", models.PROTECT, null=True, blank=True, related_name="waivers")
    amount = models.DecimalField(_("amount"), max_digits=12, decimal_places=2)
    effective_on = models.DateField(_("effective on"))
    posted_at = models.DateTimeField()
    posted_by = models.ForeignKey("company.User", models.PROTECT, null=True, blank=True, related_name="+")
    reversed_by = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="reverses", db_index=True
    )

    objects = LedgerScoped.as_manager()

    class Meta:
        triggers = [*freeze(once=("reversed_by",)), WaiverWithinOneAccount()]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="waiver_amount_positive"),
            models.CheckConstraint(
                condition=Q(kind__in=["waiver", "vacancy", "write_off", "reversal"]), name="waiver_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(charge__isnull=True, late_fee__isnull=False)
                | Q(charge__isnull=False, late_fee__isnull=True),
                name="waiver_of_one_thing",
            ),
            models.CheckConstraint(
                condition=~Q(kind="reversal") | Q(reversed_by__isnull=True), name="waiver_reversal_is_final"
            ),
        ]
        indexes = [models.Index(fields=["project", "effective_on"], name="waiver_project_day")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.amount}"


class InstalmentPlan(models.Model):
    """An agreed schedule. Whether it is kept is computed from what was paid (``arrears.plans``), never ticked."""

    class State(models.TextChoices):
        PROPOSED = "proposed", pgettext_lazy("plan", "waits for a decision")
        RUNNING = "running", pgettext_lazy("plan", "running")
        REFUSED = "refused", pgettext_lazy("plan", "refused")
        WITHDRAWN = "withdrawn", pgettext_lazy("plan", "withdrawn")
        KEPT = "kept", pgettext_lazy("plan", "kept")
        PARTLY = "partly", pgettext_lazy("plan", "partly kept")
        BROKEN = "broken", pgettext_lazy("plan", "broken")

        JUDGED = nonmember(frozenset({"running", "kept", "partly", "broken"}))

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="+")
    account = models.ForeignKey("arrears.Account", models.PROTECT, related_name="plans")
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.PROPOSED)
    reason = models.CharField(_("reason"), max_length=400)
    proposed_at = models.DateTimeField()
    proposed_by = models.ForeignKey("company.User", models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey("company.User", models.PROTECT, null=True, blank=True, related_name="+")
    decision_note = models.CharField(_("note on the decision"), max_length=400, blank=True)
    paid = models.DecimalField(max_digits=12, decimal_places=2, default=0)
    judged_on = models.DateField(null=True, blank=True)
    submission = models.UUIDField(null=True, blank=True, unique=True)

    objects = LedgerScoped.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(reason=""), name="plan_has_a_reason"),
            models.CheckConstraint(condition=DECIDED_BY_ANOTHER, name="plan_decided_by_another"),
            models.CheckConstraint(
                condition=Q(state__in=["proposed", "withdrawn"], decided_by__isnull=True, decided_at__isnull=True)
                | Q(
                    state__in=["running", "refused", "kept", "partly", "broken"],
                    decided_by__isnull=False,
                    decided_at__isnull=False,
                ),
                name="plan_decision_has_who_and_when",
            ),
            models.UniqueConstraint(
                fields=["account"], condition=Q(state__in=["proposed", "running"]), name="plan_one_at_a_time"
            ),
        ]
        indexes = [models.Index(fields=["project", "-proposed_at"], name="plan_newest")]

    def __str__(self) -> str:
        return f"{self.get_state_display()} {self.account_id}"


class Instalment(models.Model):
    project = models.ForeignKey("company.Project", models.PROTECT, related_name="+")
    plan = models.ForeignKey(InstalmentPlan, models.PROTECT, related_name="instalments")
    due_on = models.DateField(_("due on"))
    amount = models.DecimalField(_("amount"), max_digits=12, decimal_places=2)

    objects = LedgerScoped.as_manager()

    class Meta:
        ordering = ["due_on"]
        triggers = freeze()
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="instalment_amount_positive"),
            models.UniqueConstraint(fields=["plan", "due_on"], name="instalment_one_a_day"),
        ]
