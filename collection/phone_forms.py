"""The visit form as it lies on a phone: made before anybody knows at which door it will be filled in, and so without
amounts and numbers. What it says instead of them is looked up when it arrives."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _t

from collection.contact_forms import OTHER, VisitForm, parse_amount
from collection.models import Case
from collection.promises import Promised
from company.models import Role
from owners.models import Phone

WHOLE, FIRST = "whole", "first"  # all that is overdue; the number that is dialled first


class PhoneVisitForm(VisitForm):
    """Without a case it is the form to fill in; with one it reads what a phone sends."""

    def __init__(
        self,
        *args: Any,
        now: datetime,
        roles: frozenset[Role],
        case: Case | None = None,
        phones: list[Phone] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, case=case, now=now, roles=roles, phones=phones or [], **kwargs)
        amount: Any = self.fields["promise_amount"]
        amount.words, amount.parse = (OTHER, WHOLE), parse_amount
        self._phones = phones or []
        known = [(str(phone.pk), phone.masked) for phone in self._phones]
        self._choices("phone", [(FIRST, _t("the number on file")), *known, ("", _t("another number"))], initial=FIRST)

    def _amounts(self) -> list[tuple[str, str]]:
        return [(WHOLE, _t("all"))]

    def clean_phone(self) -> str:
        """The number on file by its key; without one, another number."""
        chosen: str = self.cleaned_data["phone"]
        if chosen != FIRST:
            return chosen
        return str(self._phones[0].pk) if self._phones else ""

    def _promised(self, given: Mapping[str, Any]) -> Promised | None:
        if given.get("promise_amount") != WHOLE:
            return super()._promised(given)
        owed = self.case.overdue if self.case else Decimal(0)
        promised = super()._promised({**given, "promise_amount": owed or Decimal("0.01")})
        return promised if owed else None  # paid meanwhile: nothing is left to be promised
