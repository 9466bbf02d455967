from decimal import Decimal
from enum import nonmember

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from arrears.models.scoping import LedgerScoped
from company.freezing import freeze
from company.references import Parent, names_parents, repeats


class Payment(models.Model):
    """Money received, or a row that cancels such a row. Frozen but for ``reversed_by``.

    ``imported`` is an amount that a sheet prints as received beside a charge; ``settled_outside`` is what a later
    arrears list shows as no longer owed. Neither is money that this system saw: each is bound to the one charge that
    it settles, is cancelled with it, and never becomes credit. A refund pays credit back.
    """

    class Kind(models.TextChoices):
        RECEIVED = "received", _("received")
        IMPORTED = "imported", _("imported with the charge")
        SETTLED_OUTSIDE = "settled_outside", _("settled outside")
        REFUND = "refund", _("refund")
        REVERSAL = "reversal", _("reversal")

        BOUND = nonmember(frozenset({"imported", "settled_outside"}))

    class Method(models.TextChoices):
        BANK = "bank", _("bank transfer")
        WECHAT = "wechat", _("WeChat")
        ALIPAY = "alipay", _("Alipay")
        CARD = "card", _("card")
        CASH = "cash", _("cash")
        OTHER = "other", _("other")

    project = models.ForeignKey(
        "company.Project", models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    account = models.ForeignKey(
        "arrears.Account", models.PROTECT, related_name="payments", db_constraint=False, db_index=False
    )
    kind = models.CharField(max_length=16, choices=Kind, default=Kind.RECEIVED, db_default=Kind.RECEIVED)
    amount = models.DecimalField(_("amount"), max_digits=12, decimal_places=2)
    received_on = models.DateField(_("received on"), null=True, blank=True)
    method = models.CharField(_("method"), max_length=8, choices=Method, blank=True, default="", db_default="")
    serial_no = models.CharField(_("serial number"), max_length=80, blank=True, default="", db_default="")
    receipt_no = models.CharField(_("receipt number"), max_length=40, blank=True, default="", db_default="")
    fee_type = models.ForeignKey(
        "arrears.FeeType",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        help_text=_("The fee that the payer named; its charges are settled first."),
    )
    taken_by = models.ForeignKey(
        "company.User", models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    note = models.CharField(_("note"), max_length=400, blank=True, default="", db_default="")
    source = models.ForeignKey(
        "arrears.Import", models.PROTECT, null=True, blank=True, related_name="payments", db_constraint=False
    )
    source_sheet = models.CharField(max_length=60, blank=True, default="", db_default="")
    source_row = models.PositiveIntegerField(null=True, blank=True)
    posted_at = models.DateTimeField()
    posted_by = models.ForeignKey(
        "company.User", models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    submission = models.UUIDField(
        null=True, blank=True, help_text=_("The form or request that sent it: sent again it is one act.")
    )
    reversed_by = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="reverses", db_index=True
    )

    objects = LedgerScoped.as_manager()

    class Meta:
        triggers = [*freeze(once=("reversed_by",)), *names_parents(Parent("account"), Parent("source"))]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="payment_amount_positive"),
            models.CheckConstraint(
                condition=Q(kind__in=["received", "imported", "settled_outside", "refund", "reversal"]),
                name="payment_kind_known",
            ),
            models.CheckConstraint(
                condition=~Q(kind="reversal") | Q(reversed_by__isnull=True), name="payment_reversal_is_final"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["imported", "reversal"]) | Q(received_on__isnull=False), name="payment_has_a_day"
            ),
            models.CheckConstraint(
                condition=Q(taken_by__isnull=True) | Q(posted_by__isnull=True) | ~Q(taken_by=F("posted_by")),
                name="payment_not_posted_by_its_taker",
            ),
            models.UniqueConstraint(
                fields=["project", "serial_no"],
                condition=Q(reversed_by__isnull=True, kind="received") & ~Q(serial_no=""),
                name="payment_serial_once",
            ),
            models.UniqueConstraint(
                fields=["submission"], condition=Q(submission__isnull=False), name="payment_submission_once"
            ),
        ]
        indexes = [
            models.Index(fields=["account", "received_on"], name="payment_account_day"),
            models.Index(fields=["project", "received_on"], name="payment_project_day"),
            models.Index(fields=["project", "-posted_at", "-id"], name="payment_project_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.amount}"


class PaymentBalance(models.Model):
    """What of a payment settles charges or was paid back; what is left of live payments is the account's credit.

    Refunds and reversals have none: a refund is covered by allocations of the payments that it pays back.
    """

    payment = models.OneToOneField(
        Payment, models.PROTECT, primary_key=True, related_name="balance", db_constraint=False
    )
    project = models.ForeignKey(
        "company.Project", models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    account = models.ForeignKey(
        "arrears.Account", models.PROTECT, related_name="payment_balances", db_constraint=False, db_index=False
    )
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    allocated = models.DecimalField(max_digits=12, decimal_places=2, default=0, db_default=0)
    is_live = models.BooleanField(default=True, db_default=True, help_text=_("False once the payment is reversed."))

    objects = LedgerScoped.as_manager()

    class Meta:
        triggers = repeats(Parent("payment", ("project", "account", "amount")))
        constraints = [
            models.CheckConstraint(
                condition=Q(allocated__gte=0, allocated__lte=F("amount")), name="allocated_within_amount"
            ),
            models.CheckConstraint(condition=Q(is_live=True) | Q(allocated=0), name="reversed_payment_is_unallocated"),
        ]
        indexes = [
            models.Index(
                fields=["account"], condition=Q(is_live=True, allocated__lt=F("amount")), name="credit_of_account"
            )
        ]

    def __str__(self) -> str:
        return f"{self.allocated}/{self.amount}"

    @property
    def left(self) -> Decimal:
        """What is not used yet, in CNY: credit while the payment is live."""
        return self.amount - self.allocated


class Allocation(models.Model):
    """How much of a payment settles which charge or late fee, or which refund paid it back; a release takes it back.

    Frozen but for ``reversed_by``. It counts from ``effective_on`` until the day of its release.
    """

    class Kind(models.TextChoices):
        ALLOCATION = "allocation", _("allocation")
        RELEASE = "release", _("release")

    project = models.ForeignKey(
        "company.Project", models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    account = models.ForeignKey("arrears.Account", models.PROTECT, related_name="allocations", db_constraint=False)
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="allocations", db_constraint=False)
    charge = models.ForeignKey(
        "arrears.Charge", models.PROTECT, null=True, blank=True, related_name="allocations", db_constraint=False
    )
    refund = models.ForeignKey(
        Payment, models.PROTECT, null=True, blank=True, related_name="covers", db_constraint=False, db_index=False
    )
    late_fee = models.ForeignKey(
        "arrears.LateFee",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="allocations",
        db_constraint=False,
        db_index=False,
    )
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.ALLOCATION, db_default=Kind.ALLOCATION)
    amount = models.DecimalField(_("amount"), max_digits=12, decimal_places=2)
    effective_on = models.DateField(
        _("effective on"), help_text=_("The day of payment; for credit, the day on which the charge fell due.")
    )
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
            *names_parents(
                *(Parent(name, ("project", "account")) for name in ("payment", "charge", "refund", "late_fee"))
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="allocation_amount_positive"),
            models.CheckConstraint(condition=Q(kind__in=["allocation", "release"]), name="allocation_kind_known"),
            models.CheckConstraint(
                condition=Q(charge__isnull=False, refund__isnull=True, late_fee__isnull=True)
                | Q(charge__isnull=True, refund__isnull=False, late_fee__isnull=True)
                | Q(charge__isnull=True, refund__isnull=True, late_fee__isnull=False),
                name="allocation_to_one_thing",
            ),
            models.CheckConstraint(
                condition=Q(kind="allocation") | Q(reversed_by__isnull=True), name="allocation_release_is_final"
            ),
        ]
        indexes = [
            models.Index(fields=["project", "effective_on"], name="allocation_project_day"),
            models.Index(fields=["late_fee"], condition=Q(late_fee__isnull=False), name="allocation_late_fee"),
            models.Index(fields=["refund"], condition=Q(refund__isnull=False), name="allocation_refund"),
        ]

    def __str__(self) -> str:
        return f"{self.amount}"
