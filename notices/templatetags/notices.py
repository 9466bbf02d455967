"""What the pages of notices show of a letter."""

from django import template

from notices.models import Notice
from owners.personal_data import mask_party

register = template.Library()


@register.filter
def masked_owner(notice: Notice) -> str:
    """The owners as the letter names them, masked."""
    return mask_party(str(notice.data["fields"]["业主"]))


@register.filter
def short_hash(sha256: str) -> str:
    """``b2d4…17``."""
    return f"{sha256[:4]}…{sha256[-2:]}" if sha256 else ""
