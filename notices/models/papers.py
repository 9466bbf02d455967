from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from arrears.models.scoping import LedgerScoped
from company.freezing import freeze


class PaperKind(models.TextChoices):
    RECEIPT = "receipt", _("receipt")
    STATEMENT = "statement", _("statement of account")


class Paper(models.Model):
    """A numbered receipt or statement for an owner. Frozen: its file is added once, nothing else ever changes.

    Whether a receipt is void is not kept here: it is void exactly when its payment is reversed, from the same commit.
    """

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="papers")
    account = models.ForeignKey("arrears.Account", models.PROTECT, related_name="papers")
    kind = models.CharField(_("kind"), max_length=10, choices=PaperKind)
    payment = models.OneToOneField(
        "arrears.Payment", models.PROTECT, null=True, blank=True, related_name="paper", db_index=True
    )
    starts_on = models.DateField(_("first day"), null=True, blank=True)
    ends_on = models.DateField(_("last day"), help_text=_("The day of the payment, or the last day of the statement."))
    year = models.PositiveSmallIntegerField()
    sequence = models.PositiveIntegerField()
    number = models.CharField(_("document number"), max_length=40)
    amount = models.DecimalField(
        _("amount"), max_digits=14, decimal_places=2, help_text=_("Received, or the closing balance.")
    )
    data = models.JSONField(help_text=_("Everything that the document says, as text, but for its number."))
    content_sha256 = models.CharField(max_length=64)
    file = models.ForeignKey("company.StoredFile", models.PROTECT, null=True, blank=True, related_name="+")
    file_sha256 = models.CharField(max_length=64, null=True, blank=True)
    pages = models.PositiveSmallIntegerField(null=True, blank=True)
    issued_at = models.DateTimeField()
    issued_by = models.ForeignKey("company.User", models.PROTECT, related_name="+")

    objects = LedgerScoped.as_manager()

    class Meta:
        ordering = ["-issued_at", "-pk"]
        triggers = freeze(once=("file", "file_sha256", "pages"))
        constraints = [
            models.UniqueConstraint(fields=["project", "kind", "year", "sequence"], name="paper_number_unique"),
            models.UniqueConstraint(
                fields=["account", "content_sha256"], condition=Q(kind="statement"), name="same_statement_once"
            ),
            models.CheckConstraint(
                condition=Q(kind="receipt", payment__isnull=False, starts_on__isnull=True, amount__gt=0)
                | Q(kind="statement", payment__isnull=True, starts_on__isnull=False),
                name="paper_of_a_payment_or_a_period",
            ),
            models.CheckConstraint(
                condition=Q(starts_on__isnull=True) | Q(ends_on__gte=models.F("starts_on")),
                name="paper_period_in_order",
            ),
        ]
        indexes = [
            models.Index(fields=["project", "kind", "-year", "-sequence"], name="paper_newest"),
            models.Index(fields=["account", "-issued_at"], name="paper_of_account"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def is_void(self) -> bool:
        """Reads the payment."""
        return self.payment is not None and self.payment.reversed_by_id is not None
