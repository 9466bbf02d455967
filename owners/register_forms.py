"""The filter of the register of units and owners."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from company.models import Project
from owners.models import Building, Unit
from owners.unit_register import UnitFilter

PAGE_SIZES = (25, 50, 100)


class UnitFilterForm(forms.Form):
    """What stands in the address of the register. What is not understood there is left out, not refused."""

    building = forms.MultipleChoiceField(label=_("Building"), required=False, widget=forms.CheckboxSelectMultiple)
    usage = forms.MultipleChoiceField(
        label=_("Usage"), required=False, choices=Unit.Usage.choices, widget=forms.CheckboxSelectMultiple
    )
    lacks = forms.MultipleChoiceField(
        label=_("Lacking"),
        required=False,
        choices=[("owner", _("no owner known")), ("phone", _("no phone"))],
        widget=forms.CheckboxSelectMultiple,
    )
    vacant = forms.BooleanField(label=_("Vacant only"), required=False)
    q = forms.CharField(label=_("Room or owner"), required=False, max_length=60)
    size = forms.TypedChoiceField(coerce=int, required=False, choices=[(size, size) for size in PAGE_SIZES])

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer_buildings(self, project)

    def wanted(self) -> UnitFilter:
        """The filter, of whatever was understood."""
        self.is_valid()
        given = self.cleaned_data
        return UnitFilter(
            buildings=tuple(int(pk) for pk in given.get("building", ())),
            usages=tuple(given.get("usage", ())),
            lacks=tuple(given.get("lacks", ())),
            is_vacant=bool(given.get("vacant")),
            text=given.get("q", "").strip(),
        )

    @property
    def page_size(self) -> int:
        self.is_valid()
        return self.cleaned_data.get("size") or PAGE_SIZES[0]


def offer_buildings(form: forms.Form, project: Project) -> None:
    """The buildings of ``project`` as the choices of the field ``building``."""
    buildings = Building.objects.filter(project=project).order_by("sort_key").values_list("pk", "name")
    form.fields["building"].choices = list(buildings)  # type: ignore[attr-defined]
