import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from arrears.models.scoping import LedgerScoped
from company.freezing import FirmTrigger, freeze


class SignedWithMandate(FirmTrigger):
    """Takes the scan of the firm that the batch names, while its mandate is valid; keeps it once the letter is out."""

    name = "with_mandate"
    when = pgtrigger.Before
    operation = pgtrigger.Insert | pgtrigger.Update
    level = pgtrigger.Row

    def get_func(self, model: type[models.Model]) -> str:
        return """
            IF TG_OP = 'UPDATE' THEN
                IF EXISTS (
                    SELECT FROM notices_delivery WHERE notice_id = NEW.notice_id AND state <> 'withdrawn'
                ) THEN
                    RAISE EXCEPTION 'the scan of a letter that was sent stays' USING ERRCODE = 'restrict_violation';
                END IF;
            ELSIF NOT EXISTS (
                SELECT FROM notices_notice AS letter
                JOIN notices_batch AS batch ON batch.id = letter.batch_id
                JOIN notices_lawfirm AS firm ON firm.id = batch.law_firm_id
                WHERE letter.id = NEW.notice_id AND letter.state = 'issued' AND letter.project_id = NEW.project_id
                AND firm.id = NEW.law_firm_id AND firm.mandate_id IS NOT NULL
                AND (firm.mandated_until IS NULL
                    OR firm.mandated_until >= (NEW.uploaded_at AT TIME ZONE 'Asia/Shanghai')::date)
            ) THEN
                RAISE EXCEPTION 'a signed scan needs an issued letter and its firm''s mandate'
                USING ERRCODE = 'check_violation';
            END IF;
            RETURN NEW;
        """


class SignedScan(models.Model):
    """A law firm's letter as the firm has signed it. The issued file stays beside it, unchanged.

    Frozen; a scan that was uploaded by mistake is withdrawn while the letter is still in the house.
    """

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="+")
    notice = models.ForeignKey("notices.Notice", models.PROTECT, related_name="scans")
    law_firm = models.ForeignKey("notices.LawFirm", models.PROTECT, related_name="+")
    file = models.ForeignKey("company.StoredFile", models.PROTECT, related_name="+")
    pages = models.PositiveSmallIntegerField(_("pages"))
    uploaded_at = models.DateTimeField()
    uploaded_by = models.ForeignKey("company.User", models.PROTECT, related_name="+")
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_by = models.ForeignKey("company.User", models.PROTECT, null=True, blank=True, related_name="+")

    objects = LedgerScoped.as_manager()

    class Meta:
        ordering = ["pk"]
        triggers = [*freeze(once=("withdrawn_at", "withdrawn_by")), SignedWithMandate()]
        constraints = [
            models.UniqueConstraint(
                fields=["notice"], condition=Q(withdrawn_at__isnull=True), name="one_signed_scan_a_letter"
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True, withdrawn_by__isnull=True)
                | Q(withdrawn_at__isnull=False, withdrawn_by__isnull=False),
                name="scan_withdrawn_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.notice_id}"
