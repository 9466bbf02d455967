from datetime import date

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from arrears.models.scoping import LedgerScoped
from company.freezing import freeze
from company.references import Parent, names_parents, repeats

UNREVERSED = Q(reversed_by__isnull=True, kind="charge")


class Charge(models.Model):
    """One amount due for one service period, or the reversal of such a row. Frozen but for ``reversed_by``."""

    class Kind(models.TextChoices):
        CHARGE = "charge", _("charge")
        REVERSAL = "reversal", _("reversal")

    project = models.ForeignKey(
        "company.Project", models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    account = models.ForeignKey(
        "arrears.Account", models.PROTECT, related_name="charges", db_constraint=False, db_index=False
    )
    unit = models.ForeignKey("owners.Unit", models.PROTECT, related_name="charges", db_constraint=False, db_index=False)
    fee_type = models.ForeignKey(
        "arrears.FeeType", models.PROTECT, related_name="charges", db_constraint=False, db_index=False
    )
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.CHARGE, db_default=Kind.CHARGE)
    period_start = models.DateField(_("service period from"))
    period_end = models.DateField(_("service period to"))
    due_on = models.DateField(_("due on"))
    effective_on = models.DateField(_("effective on"), help_text=_("A reversal counts from this day."))
    amount = models.DecimalField(_("amount"), max_digits=12, decimal_places=2)
    external_id = models.CharField(_("external id"), max_length=80, blank=True, default="", db_default="")
    basis = models.JSONField(_("computed from"), null=True, blank=True)
    source = models.ForeignKey(
        "arrears.Import", models.PROTECT, null=True, blank=True, related_name="charges", db_constraint=False
    )
    source_sheet = models.CharField(max_length=60, blank=True, default="", db_default="")
    source_row = models.PositiveIntegerField(null=True, blank=True)
    posted_at = models.DateTimeField()
    posted_by = models.ForeignKey(
        "company.User", models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    reversed_by = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="reverses", db_index=True
    )

    objects = LedgerScoped.as_manager()

    class Meta:
        triggers = [
            *freeze(once=("reversed_by",)),
            *names_parents(Parent("account", ("project", "unit")), Parent("fee_type", may_go=True), Parent("source")),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="charge_amount_positive"),
            models.CheckConstraint(condition=Q(kind__in=["charge", "reversal"]), name="charge_kind_known"),
            models.CheckConstraint(condition=Q(period_end__gte=F("period_start")), name="charge_period_in_order"),
            models.CheckConstraint(
                condition=Q(kind="charge") | Q(reversed_by__isnull=True), name="charge_reversal_is_final"
            ),
            models.UniqueConstraint(
                fields=["unit", "fee_type", "period_start", "period_end"],
                condition=UNREVERSED & Q(external_id=""),
                name="charge_once_per_period",
            ),
            models.UniqueConstraint(
                fields=["project", "external_id"], condition=UNREVERSED & ~Q(external_id=""), name="charge_external_id"
            ),
        ]
        indexes = [
            models.Index(fields=["account", "due_on"], name="charge_account_due"),
            models.Index(fields=["project", "fee_type"], name="charge_project_fee"),
        ]

    def __str__(self) -> str:
        return f"{self.fee_type_id} {self.period_start}–{self.period_end} {self.amount}"

    @property
    def starts_unknown(self) -> bool:
        """Whether nobody knows since when it is owed: then the period says only its last day."""
        return bool((self.basis or {}).get("start_unknown"))

    @property
    def known_start(self) -> date | None:
        """The first day of the period, where it is known."""
        return None if self.starts_unknown else self.period_start


class ChargeBalance(models.Model):
    """What is settled of a charge. Written by the posting functions only, under the account's lock."""

    charge = models.OneToOneField(Charge, models.PROTECT, primary_key=True, related_name="balance", db_constraint=False)
    project = models.ForeignKey(
        "company.Project", models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    account = models.ForeignKey(
        "arrears.Account", models.PROTECT, related_name="charge_balances", db_constraint=False, db_index=False
    )
    due_on = models.DateField()
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    settled = models.DecimalField(max_digits=12, decimal_places=2, default=0, db_default=0)
    is_live = models.BooleanField(default=True, db_default=True, help_text=_("False once the charge is reversed."))

    objects = LedgerScoped.as_manager()

    class Meta:
        triggers = repeats(Parent("charge", ("project", "account", "due_on", "amount")))
        constraints = [
            models.CheckConstraint(condition=Q(settled__gte=0, settled__lte=F("amount")), name="settled_within_amount"),
            models.CheckConstraint(condition=Q(is_live=True) | Q(settled=0), name="reversed_charge_is_unsettled"),
        ]
        indexes = [
            models.Index(fields=["account", "due_on"], name="charge_balance_of_account"),
            models.Index(
                fields=["project", "due_on"],
                condition=Q(is_live=True, settled__lt=F("amount")),
                name="open_charges_of_project",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.settled}/{self.amount}"
