"""What the pages of notices show of a letter or paper."""

from decimal import Decimal

from django import template

from notices.amounts import figures
from notices.models import Notice
from owners.personal_data import mask_party

register = template.Library()


@register.filter
def masked_owner(notice: Notice) -> str:
    """The owners as the letter names them, masked."""
    return mask_party(str(notice.data["fields"]["业主"]))


@register.filter
def short_number(notice: Notice) -> str:
    """The end of a document number, by which a pile is read: ``0416号``."""
    return f"{notice.sequence:04d}号"


@register.filter
def short_hash(sha256: str) -> str:
    """``b2d4…17``."""
    return f"{sha256[:4]}…{sha256[-2:]}" if sha256 else ""


@register.filter
def frozen_amount(text: str) -> str:
    """An amount as it is frozen with a paper, the way all amounts are shown: ``4134.94`` as ``4,134.94``."""
    return figures(Decimal(text))


@register.filter
def words(text: str) -> list[str]:
    """The words of a text, to walk through in a template."""
    return text.split()
