from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from collection.models.cases import CaseScoped
from company.freezing import freeze, keep


class RectificationItem(models.Model):
    """One defect about which an owner disputes: where, who has to mend it, by when, and the owner's sign-off (C6).

    What is agreed and done stands here as it is now; RectificationMove keeps how it came about.
    """

    class Part(models.TextChoices):
        PRIVATE = "private", _("private part")
        COMMON = "common", _("common part")

    class Liable(models.TextChoices):
        UNCLEAR = "unclear", pgettext_lazy("who mends", "not clear yet")
        DEVELOPER = "developer", _("developer or builder")
        COMPANY = "company", _("property company")
        NEIGHBOUR = "neighbour", _("another owner")
        OWNER = "owner", pgettext_lazy("who mends", "the owner")

    class State(models.TextChoices):
        OPEN = "open", pgettext_lazy("repair", "open")
        DONE = "done", pgettext_lazy("repair", "done, not signed off")
        SIGNED_OFF = "signed_off", pgettext_lazy("repair", "signed off")
        DROPPED = "dropped", pgettext_lazy("repair", "dropped")

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="+")
    case = models.ForeignKey("collection.Case", models.PROTECT, related_name="repairs")
    part = models.CharField(_("part"), max_length=7, choices=Part)
    defect = models.CharField(_("defect"), max_length=200)
    reported_on = models.DateField(_("reported on"))
    warranty_until = models.DateField(_("warranty until"), null=True, blank=True)
    liable = models.CharField(_("who has to mend it"), max_length=9, choices=Liable, default=Liable.UNCLEAR)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.OPEN)
    agreed_on = models.DateField(
        _("agreed date"), null=True, blank=True, help_text=_("Of the repair or the next look; no visit before it.")
    )
    agreed_at = models.DateTimeField(null=True, blank=True, help_text=_("When the agreed date was written down."))
    done_on = models.DateField(_("mended on"), null=True, blank=True)
    signed_off_on = models.DateField(_("signed off on"), null=True, blank=True)
    sign_off = models.ForeignKey(
        "company.StoredFile", models.PROTECT, null=True, blank=True, related_name="+",
        help_text=_("Scan or photo of the owner's signature."),
    )  # fmt: skip
    created_at = models.DateTimeField()
    created_by = models.ForeignKey("company.User", models.PROTECT, related_name="+")
    submission = models.UUIDField(unique=True)

    objects = CaseScoped["RectificationItem"].as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(condition=~Q(defect=""), name="repair_names_its_defect"),
            models.CheckConstraint(
                condition=Q(agreed_on=None, agreed_at=None) | Q(agreed_on__isnull=False, agreed_at__isnull=False),
                name="agreed_date_of_repair_says_since_when",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["done", "signed_off"], done_on__isnull=False)
                | Q(state__in=["open", "dropped"], done_on=None),
                name="repair_done_says_when",
            ),
            models.CheckConstraint(
                condition=Q(state="signed_off", signed_off_on__isnull=False, sign_off__isnull=False)
                | (~Q(state="signed_off") & Q(signed_off_on=None, sign_off=None)),
                name="repair_signed_off_with_proof",
            ),
            models.CheckConstraint(
                condition=Q(signed_off_on=None) | Q(signed_off_on__gte=models.F("done_on")),
                name="repair_signed_off_after_it_is_done",
            ),
        ]
        indexes = [
            models.Index(fields=["case"], condition=Q(state__in=["open", "done"]), name="repair_unfinished"),
        ]
        triggers = keep("project", "case", "defect", "reported_on", "created_at", "created_by", "submission")

    def __str__(self) -> str:
        return self.defect

    @property
    def is_live(self) -> bool:
        """Whether something is still to be done or signed off."""
        return self.state in {self.State.OPEN, self.State.DONE}


class RectificationMove(models.Model):
    """What happened to an item, in order, for good."""

    class Kind(models.TextChoices):
        RECORDED = "recorded", pgettext_lazy("repair", "recorded")
        CORRECTED = "corrected", pgettext_lazy("repair", "part, warranty or liability changed")
        AGREED = "agreed", pgettext_lazy("repair", "date agreed")
        DONE = "done", pgettext_lazy("repair", "mended")
        REOPENED = "reopened", pgettext_lazy("repair", "not mended after all")
        SIGNED_OFF = "signed_off", pgettext_lazy("repair", "signed off by the owner")
        DROPPED = "dropped", pgettext_lazy("repair", "dropped")

    item = models.ForeignKey(RectificationItem, models.PROTECT, related_name="moves")
    kind = models.CharField(max_length=10, choices=Kind)
    day = models.DateField(null=True, blank=True)
    note = models.CharField(max_length=400, blank=True)
    at = models.DateTimeField()
    by = models.ForeignKey("company.User", models.PROTECT, related_name="+")

    class Meta:
        ordering = ["pk"]
        triggers = freeze()
        constraints = [
            models.CheckConstraint(
                condition=~Q(kind__in=["agreed", "done", "signed_off"]) | Q(day__isnull=False),
                name="repair_move_names_its_day",
            ),
        ]

    def __str__(self) -> str:
        return self.get_kind_display()
