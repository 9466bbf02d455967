"""Masks for templates."""

from django import template

from owners.personal_data import mask_name

register = template.Library()


@register.filter
def masked_name(name: str) -> str:
    """``李*国``."""
    return mask_name(name)
