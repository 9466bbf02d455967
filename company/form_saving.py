"""What two people save at the same moment: the second one reads the form's own message, not an error page."""

from collections.abc import Callable
from typing import TypeVar

from django.db import IntegrityError, transaction
from django.forms import BaseForm, BaseFormSet

Saved = TypeVar("Saved")


def save_or_complain(save: Callable[[], Saved], *forms: BaseForm | BaseFormSet) -> Saved | None:
    """What ``save`` returns, done as a whole; None where a unique value was taken since the forms were checked.

    The forms are then checked again, and say themselves what is taken. Raises IntegrityError where they find nothing:
    then it is a mistake of ours.
    """
    try:
        with transaction.atomic():
            return save()
    except IntegrityError:
        for form in forms:
            for part in getattr(form, "forms", []):  # the forms of a set keep what they found before
                part.full_clean()
            form.full_clean()
        if all(form.is_valid() for form in forms):
            raise
    return None
