"""How an owner can be reached. A change ends the old row and adds a new one, so that history stays."""

from datetime import datetime

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from company.scoping import ProjectScoped
from owners.personal_data import EncryptedTextField, mask_address, mask_email, mask_phone

LIVE = models.Q(ended_at__isnull=True)


class Phone(models.Model):
    class State(models.TextChoices):
        VALID = "valid", _("valid")
        UNREACHABLE = "unreachable", pgettext_lazy("phone", "unreachable")
        WRONG_PERSON = "wrong_person", _("wrong person")

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="+")
    owner = models.ForeignKey("owners.Owner", models.CASCADE, related_name="phones")
    number = EncryptedTextField(_("number"))
    number_hash = models.CharField(max_length=64, editable=False)
    last4 = models.CharField(max_length=4)
    label = models.CharField(_("label"), max_length=40, blank=True)
    is_primary = models.BooleanField(_("primary"), default=False)
    state = models.CharField(_("state"), max_length=12, choices=State, default=State.VALID)
    confirmed_on = models.DateField(_("last confirmed"), null=True, blank=True)
    do_not_contact = models.BooleanField(_("do not contact"), default=False)
    learnt_at = models.DateTimeField(
        null=True, blank=True, help_text=_("When what is known of it was said; what was said before changes nothing.")
    )
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = ProjectScoped.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "number_hash"], condition=LIVE, name="phone_once_per_owner"),
            models.UniqueConstraint(
                fields=["owner"], condition=LIVE & models.Q(is_primary=True), name="one_primary_phone"
            ),
        ]
        indexes = [
            models.Index(fields=["project", "last4"], name="phone_last4"),
            models.Index(fields=["project", "number_hash"], name="phone_hash"),
        ]

    def __str__(self) -> str:
        return self.masked

    @property
    def masked(self) -> str:
        return mask_phone(self.number)

    def was_learnt_after(self, said_at: datetime) -> bool:
        """Whether what is known of the number was said after ``said_at``."""
        return self.learnt_at is not None and self.learnt_at > said_at


class Email(models.Model):
    project = models.ForeignKey("company.Project", models.PROTECT, related_name="+")
    owner = models.ForeignKey("owners.Owner", models.CASCADE, related_name="emails")
    address = EncryptedTextField(_("e-mail"))
    address_hash = models.CharField(max_length=64, editable=False)
    label = models.CharField(_("label"), max_length=40, blank=True)
    confirmed_on = models.DateField(_("last confirmed"), null=True, blank=True)
    do_not_contact = models.BooleanField(_("do not contact"), default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = ProjectScoped.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "address_hash"], condition=LIVE, name="email_once_per_owner")
        ]

    def __str__(self) -> str:
        return self.masked

    @property
    def masked(self) -> str:
        return mask_email(self.address)


class Address(models.Model):
    class Kind(models.TextChoices):
        ON_SITE = "on_site", _("on site")
        SECOND = "second", _("second correspondence address")

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="+")
    owner = models.ForeignKey("owners.Owner", models.CASCADE, related_name="addresses")
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    text = EncryptedTextField(_("address"))
    returned_on = models.DateField(_("mail returned on"), null=True, blank=True)
    learnt_at = models.DateTimeField(
        null=True, blank=True, help_text=_("When what is known of it was said; what was said before changes nothing.")
    )
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = ProjectScoped.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "kind"], condition=LIVE, name="one_live_address_per_kind")
        ]

    def __str__(self) -> str:
        return self.masked

    @property
    def masked(self) -> str:
        return mask_address(self.text)


class EmergencyContact(models.Model):
    """Whom to ask that the owner call back. Nothing about the debt may be said to them."""

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="+")
    owner = models.ForeignKey("owners.Owner", models.CASCADE, related_name="emergency_contacts")
    name = models.CharField(_("name"), max_length=120)
    relation = models.CharField(_("relation"), max_length=40, blank=True)
    number = EncryptedTextField(_("number"), blank=True, default="")
    number_hash = models.CharField(max_length=64, editable=False, blank=True)
    last4 = models.CharField(max_length=4, blank=True)
    do_not_contact = models.BooleanField(_("do not contact"), default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = ProjectScoped.as_manager()

    def __str__(self) -> str:
        return self.name

    @property
    def masked(self) -> str:
        return mask_phone(self.number)
