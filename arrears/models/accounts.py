from django.db import models
from django.utils.translation import gettext_lazy as _

from arrears.models.scoping import LedgerScoped
from company.freezing import freeze, keep


class Account(models.Model):
    """One unit and one owner party: what they owe, what they paid, and at most one open case.

    Every posting raises ``version`` in its own transaction; the apps above compare it with the version they have seen.
    """

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="accounts")
    unit = models.ForeignKey("owners.Unit", models.PROTECT, related_name="accounts")
    ownership = models.OneToOneField("owners.Ownership", models.PROTECT, related_name="account")
    version = models.BigIntegerField(default=0)
    posted_at = models.DateTimeField(_("last posting"), null=True, blank=True)

    objects = LedgerScoped.as_manager()

    class Meta:
        triggers = keep("project", "unit", "ownership")
        indexes = [models.Index(fields=["project", "unit"], name="account_of_unit")]

    def __str__(self) -> str:
        return f"{self.unit} {self.ownership}"


class Verification(models.Model):
    """Somebody made sure that an account still owes, before anyone contacts the owner."""

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="+")
    account = models.ForeignKey(Account, models.PROTECT, related_name="verifications")
    verified_at = models.DateTimeField()
    verified_by = models.ForeignKey("company.User", models.PROTECT, related_name="+")
    payments_until = models.DateTimeField(_("payment data until"), null=True, blank=True)
    looked_up = models.BooleanField(_("looked up in the charging system"), default=False)
    outstanding = models.DecimalField(max_digits=14, decimal_places=2)
    account_version = models.BigIntegerField()

    objects = LedgerScoped.as_manager()

    class Meta:
        indexes = [models.Index(fields=["account", "-verified_at"], name="verification_latest")]
        triggers = freeze()
        constraints = [models.CheckConstraint(condition=models.Q(outstanding__gte=0), name="verification_not_negative")]
