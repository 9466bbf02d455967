"""Forms in the look of our pages: fields from templates/components, classes of the design layer on the widgets."""

from __future__ import annotations

from typing import Any

from django.forms import BoundField, widgets
from django.forms.renderers import TemplatesSetting

CHECKS = (widgets.CheckboxInput, widgets.RadioSelect, widgets.CheckboxSelectMultiple)


class DeskBoundField(BoundField):
    def build_widget_attrs(self, attrs: dict[str, Any], widget: widgets.Widget | None = None) -> dict[str, Any]:
        """Adds the class of the widget's kind, and the mark of a field with an error."""
        widget = widget or self.field.widget
        built = super().build_widget_attrs(attrs, widget)
        classes = [str(widget.attrs.get("class", "")), _class_of(widget)]
        if self.errors:
            classes.append("is-invalid")
        built["class"] = " ".join(filter(None, classes))
        return built


class DeskRenderer(TemplatesSetting):
    """Django's forms with our templates."""

    form_template_name = "components/form.html"
    field_template_name = "components/field.html"
    bound_field_class = DeskBoundField


def _class_of(widget: widgets.Widget) -> str:
    if isinstance(widget, CHECKS):
        return "form-check-input"
    if isinstance(widget, widgets.Select):
        return "form-select"
    return "" if widget.is_hidden else "form-control"
