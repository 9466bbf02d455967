from decimal import Decimal

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from arrears.models.scoping import LedgerScoped
from company.freezing import freeze


class LateFeePolicy(models.Model):
    """What a fee that is paid late bears, for charges due from ``valid_from`` until a later policy of the fee.

    Frozen: a change is another policy. Of two from the same day the later one counts; a rate of 0 ends the late fee.
    """

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="+")
    fee_type = models.ForeignKey("arrears.FeeType", models.PROTECT, related_name="late_fee_policies")
    daily_rate = models.DecimalField(_("daily rate"), max_digits=7, decimal_places=6)  # a share: 0.0005 is 0.05 %
    grace_days = models.PositiveSmallIntegerField(_("days of grace"), default=0)
    cap_percent = models.DecimalField(
        _("at most, in percent of the charge"), max_digits=6, decimal_places=2, null=True, blank=True
    )
    valid_from = models.DateField(_("for charges due from"))
    created_at = models.DateTimeField()
    created_by = models.ForeignKey("company.User", models.PROTECT, null=True, blank=True, related_name="+")

    objects = LedgerScoped.as_manager()

    class Meta:
        triggers = freeze()
        constraints = [
            models.CheckConstraint(
                condition=Q(daily_rate__gte=0, daily_rate__lte=Decimal("0.01")), name="late_fee_rate_in_range"
            ),
            models.CheckConstraint(condition=Q(grace_days__lte=366), name="late_fee_grace_in_range"),
            models.CheckConstraint(
                condition=Q(cap_percent__isnull=True) | Q(cap_percent__gt=0), name="late_fee_cap_positive"
            ),
        ]
        indexes = [models.Index(fields=["fee_type", "-valid_from"], name="late_fee_policy_newest")]

    def __str__(self) -> str:
        return f"{self.fee_type_id} {self.daily_rate} {self.valid_from}"


class LateFee(models.Model):
    """A late fee that was assessed on a charge, or the reversal of such a row. Frozen but for ``reversed_by``.

    Each row holds what had grown since the one before it. It is no principal: it is settled after all charges, and
    stands in no rate, age or case.
    """

    class Kind(models.TextChoices):
        LATE_FEE = "late_fee", _("late fee")
        REVERSAL = "reversal", _("reversal")

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="+")
    account = models.ForeignKey("arrears.Account", models.PROTECT, related_name="late_fees")
    charge = models.ForeignKey("arrears.Charge", models.PROTECT, related_name="late_fees")
    policy = models.ForeignKey(LateFeePolicy, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.LATE_FEE, db_default=Kind.LATE_FEE)
    number = models.PositiveSmallIntegerField()  # counts the assessments of a charge, so that none is doubled
    word = models.CharField(max_length=20)  # what the contract calls it
    accrued_from = models.DateField()
    accrued_until = models.DateField()
    effective_on = models.DateField(_("effective on"))
    amount = models.DecimalField(_("amount"), max_digits=12, decimal_places=2)
    posted_at = models.DateTimeField()
    posted_by = models.ForeignKey("company.User", models.PROTECT, null=True, blank=True, related_name="+")
    reversed_by = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="reverses", db_index=True
    )

    objects = LedgerScoped.as_manager()

    class Meta:
        triggers = freeze(once=("reversed_by",))
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="late_fee_amount_positive"),
            models.CheckConstraint(condition=Q(kind__in=["late_fee", "reversal"]), name="late_fee_kind_known"),
            models.CheckConstraint(condition=Q(accrued_until__gte=F("accrued_from")), name="late_fee_accrual_in_order"),
            models.CheckConstraint(
                condition=Q(kind="late_fee") | Q(reversed_by__isnull=True), name="late_fee_reversal_is_final"
            ),
            models.UniqueConstraint(
                fields=["charge", "number"], condition=Q(kind="late_fee"), name="late_fee_assessed_once"
            ),
        ]
        indexes = [models.Index(fields=["account"], name="late_fee_account")]

    def __str__(self) -> str:
        return f"{self.word} {self.amount}"


class LateFeeRun(models.Model):
    """The assessment of a whole project, as asked for by a person and done by a worker, some accounts at a time.

    What was posted and how far it came stands here from the same commit; ``last_account`` is where a worker goes on.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        RUNNING = "running", _("running")
        DONE = "done", _("done")

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="+")
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.WAITING)
    as_of = models.DateField(_("as of"))
    asked_at = models.DateTimeField()
    asked_by = models.ForeignKey("company.User", models.PROTECT, related_name="+")
    accounts = models.PositiveIntegerField(default=0)
    accounts_done = models.PositiveIntegerField(default=0)
    last_account = models.BigIntegerField(default=0)
    charges = models.PositiveIntegerField(default=0)
    amount = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    excess = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    claimed_at = models.DateTimeField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)

    objects = LedgerScoped.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["project"], condition=~Q(state="done"), name="late_fee_run_one_at_a_time"),
            models.CheckConstraint(
                condition=~Q(state="done") | Q(done_at__isnull=False), name="done_late_fee_run_says_when"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.project_id} {self.as_of} {self.state}"


class LateFeeBalance(models.Model):
    """What is settled of an assessed late fee. Written by the posting functions only, under the account's lock."""

    late_fee = models.OneToOneField(LateFee, models.PROTECT, primary_key=True, related_name="balance")
    project = models.ForeignKey("company.Project", models.PROTECT, related_name="+")
    account = models.ForeignKey("arrears.Account", models.PROTECT, related_name="late_fee_balances")
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    settled = models.DecimalField(max_digits=12, decimal_places=2, default=0, db_default=0)
    is_live = models.BooleanField(default=True, db_default=True)

    objects = LedgerScoped.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(settled__gte=0, settled__lte=F("amount")), name="late_fee_settled_within_amount"
            ),
            models.CheckConstraint(condition=Q(is_live=True) | Q(settled=0), name="reversed_late_fee_is_unsettled"),
        ]
        indexes = [
            models.Index(
                fields=["account"], condition=Q(is_live=True, settled__lt=F("amount")), name="open_late_fees_of_account"
            )
        ]

    def __str__(self) -> str:
        return f"{self.settled}/{self.amount}"
