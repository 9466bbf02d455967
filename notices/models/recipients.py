from django.db import models
from django.utils.translation import gettext_lazy as _

from company.freezing import freeze
from owners.models import Address
from owners.personal_data import EncryptedTextField


class Recipient(models.Model):
    """To whom and where a notice goes, as it stood at the confirmation. A slip on a door has none."""

    notice = models.OneToOneField("notices.Notice", models.PROTECT, related_name="recipient")
    address_kind = models.CharField(_("address"), max_length=8, choices=Address.Kind, blank=True)
    name = EncryptedTextField(_("name"))
    address = EncryptedTextField(_("address"), blank=True, default="")
    phone = EncryptedTextField(_("phone"), blank=True, default="")
    postcode = EncryptedTextField(_("postcode"), blank=True, default="")
    envelope = models.PositiveIntegerField(
        help_text=_("Number within the batch; one envelope may hold several letters.")
    )

    class Meta:
        triggers = freeze()
