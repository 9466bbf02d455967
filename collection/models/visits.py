from typing import Self

import pgtrigger
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.db.models.fields.json import KeyTransform
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from collection.models.cases import CaseScoped
from company.freezing import FirmTrigger, GuardsColumns, freeze
from company.models import User
from company.scoping import ProjectScoped


class VisitQuerySet(CaseScoped["Visit"]):
    case_path = "contact__case"

    def recorded_by(self, user: User) -> Self:
        """What a person recorded is theirs to read, also where the case has gone to another team since."""
        return self.filter(contact__recorded_by=user)


class OnlyByRevision(GuardsColumns):
    """A visit changes with a higher revision, goes with a removal in its history, and does not come back after it."""

    operations = (pgtrigger.Insert, pgtrigger.Delete)

    def __init__(self) -> None:
        super().__init__("client_id", "revision", "content_sha256", "contact", name="only_by_revision")

    def get_func(self, model: type[models.Model]) -> str:
        return f"""
            IF TG_OP = 'UPDATE' AND {self.unchanged(model)} THEN
                RETURN NEW;
            END IF;
            IF TG_OP = 'UPDATE' AND (NEW.client_id <> OLD.client_id OR NEW.revision <= OLD.revision) THEN
                RAISE EXCEPTION 'a visit changes with a higher revision only' USING ERRCODE = 'restrict_violation';
            END IF;
            IF (TG_OP = 'DELETE') <> EXISTS (SELECT FROM collection_visitrevision r WHERE r.is_removal
                                             AND r.client_id = COALESCE(NEW.client_id, OLD.client_id)) THEN
                RAISE EXCEPTION 'a visit is removed by a removal in its history, for good'
                    USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN COALESCE(NEW, OLD);
        """


class RevisionsRise(FirmTrigger):
    """Each revision of a visit is higher than those before it, and nothing follows its removal."""

    when = pgtrigger.Before
    operation = pgtrigger.Insert
    level = pgtrigger.Row

    def __init__(self) -> None:
        super().__init__(name="revisions_rise")

    def get_func(self, model: type[models.Model]) -> str:
        return """
            PERFORM pg_advisory_xact_lock(hashtextextended(NEW.client_id::text, 0));
            IF EXISTS (SELECT FROM collection_visitrevision r WHERE r.client_id = NEW.client_id
                       AND (r.is_removal OR r.revision >= NEW.revision OR r.case_id <> NEW.case_id)) THEN
                RAISE EXCEPTION 'a revision of a visit is higher than those before it, and none follows its removal'
                    USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NEW;
        """


class Visit(models.Model):
    """What belongs to a doorstep visit beyond the contact itself. ``client_id`` makes a repeated send one visit."""

    class Meanwhile(models.TextChoices):
        PAID = "paid", _("the case was paid meanwhile")
        REASSIGNED = "reassigned", _("the case went to somebody else meanwhile")

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="+")
    contact = models.OneToOneField("collection.ContactAttempt", models.PROTECT, related_name="visit")
    client_id = models.UUIDField(unique=True)
    revision = models.PositiveIntegerField(default=1)
    content_sha256 = models.CharField(max_length=64)
    slip_posted = models.BooleanField(_("slip posted"), default=False)
    changed_meanwhile = models.CharField(_("changed meanwhile"), max_length=12, choices=Meanwhile, blank=True)

    objects = VisitQuerySet.as_manager()

    class Meta:
        triggers = [OnlyByRevision()]

    @property
    def came_late(self) -> bool:
        """Whether the server heard of it on a later day than it happened, by the phone's word."""
        return timezone.localdate(self.contact.recorded_at) > timezone.localdate(self.contact.happened_at)


class VisitRevision(models.Model):
    """What was said of a visit, each time that it was said anew: the history of a visit, and its tombstone.

    ``content`` leaves out numbers and addresses, which have histories of their own. ``sent_sha256`` is of the
    very words that a phone sent, so that the same message is known again on another day.
    """

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="+")
    case = models.ForeignKey("collection.Case", models.PROTECT, related_name="visit_revisions")
    client_id = models.UUIDField()
    revision = models.PositiveIntegerField()
    is_removal = models.BooleanField(default=False)
    content = models.JSONField(default=dict)
    content_sha256 = models.CharField(max_length=64, blank=True)
    sent_sha256 = models.CharField(max_length=64, blank=True)
    received_at = models.DateTimeField()
    sent_by = models.ForeignKey("company.User", models.PROTECT, related_name="+")

    objects = CaseScoped["VisitRevision"].as_manager()

    class Meta:
        ordering = ["client_id", "revision"]
        triggers = [*freeze(), RevisionsRise()]
        indexes = [GinIndex(KeyTransform("also", "content"), name="visit_revision_of_part")]
        constraints = [
            models.UniqueConstraint(fields=["client_id", "revision"], name="visit_revision_once"),
            models.CheckConstraint(condition=Q(revision__gt=0), name="visit_revision_counts_from_one"),
            models.CheckConstraint(
                condition=Q(is_removal=True, content={}, content_sha256="")
                | (Q(is_removal=False) & ~Q(content={}) & ~Q(content_sha256="")),
                name="visit_removal_says_nothing",
            ),
        ]


class VisitPhotoQuerySet(CaseScoped["VisitPhoto"]):
    case_path = "visit__contact__case"


class VisitPhoto(models.Model):
    project = models.ForeignKey("company.Project", models.PROTECT, related_name="+")
    visit = models.ForeignKey(Visit, models.PROTECT, related_name="photos")
    file = models.ForeignKey(
        "company.StoredFile", models.PROTECT, null=True, blank=True, related_name="+",
        help_text=_("Empty until the worker has made it, and where it could not be read."),
    )  # fmt: skip
    is_unreadable = models.BooleanField(default=False)
    sent_sha256 = models.CharField(max_length=64, null=True, blank=True, help_text=_("Of what the phone sent."))
    taken_at = models.DateTimeField()

    objects = VisitPhotoQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["visit", "file"], name="photo_once_per_visit"),
            models.UniqueConstraint(fields=["visit", "sent_sha256"], name="sent_photo_once_per_visit"),
            models.CheckConstraint(condition=Q(file=None) | Q(is_unreadable=False), name="made_photo_is_readable"),
        ]


class RawPhoto(models.Model):
    """What a phone sent, until the worker has made a photo of it (collection.photo_making). It holds what the camera
    wrote about place and device, and goes with the row."""

    photo = models.OneToOneField(VisitPhoto, models.CASCADE, related_name="raw")
    content = models.BinaryField()
    sent_at = models.DateTimeField()
    sent_by = models.ForeignKey("company.User", models.PROTECT, related_name="+")
    claimed_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)


class PhotoPlace(models.Model):
    """When and where a photo was taken, as its camera says: apart from the photo, for a right of its own."""

    photo = models.OneToOneField(VisitPhoto, models.CASCADE, related_name="place")
    taken_at = models.DateTimeField(null=True, blank=True)
    latitude = models.DecimalField(max_digits=8, decimal_places=5, null=True, blank=True)
    longitude = models.DecimalField(max_digits=8, decimal_places=5, null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(latitude=None, longitude=None)
                | Q(latitude__isnull=False, latitude__range=(-90, 90), longitude__isnull=False)
                & Q(longitude__range=(-180, 180)),
                name="photo_place_on_earth",
            )
        ]


class VisitSignatureQuerySet(CaseScoped["VisitSignature"]):
    case_path = "visit__contact__case"


class VisitSignature(models.Model):
    """What the owner signed on the glass at a visit."""

    visit = models.OneToOneField(Visit, models.CASCADE, related_name="signature")
    file = models.ForeignKey("company.StoredFile", models.PROTECT, related_name="+")
    signed_at = models.DateTimeField()
    kept_at = models.DateTimeField()

    objects = VisitSignatureQuerySet.as_manager()


class CashTakenQuerySet(CaseScoped["CashTaken"]):
    case_path = "visit__contact__case"


class CashTaken(models.Model):
    """Money taken at the door: pending until finance confirms it, and never by the person who took it."""

    class State(models.TextChoices):
        PENDING = "pending", _("waiting for finance")
        CONFIRMED = "confirmed", _("confirmed")
        REFUSED = "refused", _("not found")

    class Method(models.TextChoices):
        CASH = "cash", _("cash")
        CARD = "card", _("card")
        WECHAT = "wechat", _("WeChat")
        ALIPAY = "alipay", _("Alipay")

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="+")
    visit = models.OneToOneField(Visit, models.PROTECT, related_name="cash")
    amount = models.DecimalField(_("amount"), max_digits=12, decimal_places=2)
    method = models.CharField(_("method"), max_length=8, choices=Method)
    receipt_no = models.CharField(_("receipt number"), max_length=40)
    taken_by = models.ForeignKey("company.User", models.PROTECT, related_name="+")
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    decided_by = models.ForeignKey("company.User", models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    decision_note = models.CharField(_("note"), max_length=400, blank=True)
    payment = models.OneToOneField("arrears.Payment", models.PROTECT, null=True, blank=True, related_name="+")

    objects = CashTakenQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="cash_amount_positive"),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=models.F("taken_by")),
                name="cash_not_self_confirmed",
            ),
            models.CheckConstraint(
                condition=Q(state="pending", decided_by__isnull=True, decided_at__isnull=True)
                | (~Q(state="pending") & Q(decided_by__isnull=False, decided_at__isnull=False)),
                name="cash_decision_says_who_and_when",
            ),
            models.CheckConstraint(
                condition=Q(state="confirmed", payment__isnull=False)
                | (~Q(state="confirmed") & Q(payment__isnull=True)),
                name="confirmed_cash_has_its_payment",
            ),
            models.UniqueConstraint(fields=["project", "receipt_no"], name="cash_receipt_once"),
        ]


class RoundChecklist(models.Model):
    """What was ticked before setting out on a day's round; a round starts when everything is."""

    ITEMS = ("uniform", "shoe_covers", "badge", "arrears_list", "receipts", "notebook")

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="+")
    user = models.ForeignKey("company.User", models.PROTECT, related_name="+")
    day = models.DateField()
    ticked = models.JSONField(default=list)
    completed_at = models.DateTimeField(null=True, blank=True)

    objects = ProjectScoped.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "user", "day"], name="one_checklist_a_round")]
