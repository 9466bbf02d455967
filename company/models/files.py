from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from company.models.projects import Project
from company.scoping import ProjectScoped

SHA256_PATTERN = r"^[0-9a-f]{64}$"


class FilePurpose(models.TextChoices):
    """Why a file is kept. `company.files` says which right its download needs."""

    IMPORT_UPLOAD = "import_upload", _("Uploaded workbook")
    IMPORT_ERRORS = "import_errors", _("Workbook with marked errors")
    LEDGER_EXPORT = "ledger_export", _("Exported ledger")
    CASE_EXPORT = "case_export", _("Exported case list")
    CONTRACT_SCAN = "contract_scan", _("Scan of a contract")
    LETTERHEAD = "letterhead", _("Letterhead")
    SEAL = "seal", _("Seal")
    MANDATE = "mandate", _("Mandate of a law firm")
    NOTICE = "notice", _("Letter")
    SIGNED_SCAN = "signed_scan", _("Signed scan of a letter")
    NOTICE_BUNDLE = "notice_bundle", _("Letters of a batch")
    PAPER = "paper", _("Receipt or statement")
    TRACKING_LIST = "tracking_list", _("List of waybills")
    DELIVERY_PROOF = "delivery_proof", _("Proof of delivery")
    VISIT_PHOTO = "visit_photo", _("Photo of a visit")
    OWNER_SIGNATURE = "owner_signature", _("Signature of an owner")
    VISIT_PACK = "visit_pack", _("Visit pack")
    SHUT_OFF_PROOF = "shut_off_proof", _("Proof of a safety shut-off")


class StoredFileQuerySet(ProjectScoped["StoredFile"]):
    pass


class StoredFile(models.Model):
    """A file outside the database, named by the hash of its content."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="files")
    sha256 = models.CharField("SHA-256", max_length=64)
    name = models.CharField(_("file name"), max_length=200)
    content_type = models.CharField(_("content type"), max_length=100)
    size = models.PositiveBigIntegerField(_("size in bytes"))
    purpose = models.CharField(_("purpose"), max_length=20, choices=FilePurpose)
    file = models.FileField(_("file"), max_length=200)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(_("created at"), db_default=Now())

    objects = StoredFileQuerySet.as_manager()

    class Meta:
        verbose_name = _("stored file")
        verbose_name_plural = _("stored files")
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["project", "purpose", "sha256", "name"], name="stored_file_kept_once"),
            models.CheckConstraint(name="stored_file_hash_is_sha256", condition=Q(sha256__regex=SHA256_PATTERN)),
            models.CheckConstraint(
                name="stored_file_purpose_is_known",
                condition=Q(purpose__in=[purpose.value for purpose in FilePurpose]),
            ),
        ]

    def __str__(self) -> str:
        return self.name
