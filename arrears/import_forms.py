"""Forms of the import: the upload, and what each column is."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from arrears.importing.by_fee import MONEY_OF_KIND
from arrears.importing.checking_lists import EARLIER_FROM, IS_COMPLETE
from arrears.importing.fields import ARREARS, VOCABULARIES, Field
from arrears.importing.layout import Column, Layout, SheetLayout
from arrears.importing.messages import evidence_text, refusal_text
from arrears.importing.steps import CONTENT_TYPES
from arrears.importing.unit_decisions import UnknownUnit
from arrears.models import FeeType, Import
from company.models import Project
from owners.models import Unit
from owners.unit_names import units_named

Choices = list[tuple[str, Any]]
OF_LISTS = ("earlier_from", "is_complete")
"""What is asked of arrears lists only."""
SPEAKS_OF_A_DAY = (Import.Kind.ARREARS_LIST, Import.Kind.CHARGES)
WITH_MACROS = (".xlsm", ".xlsb", ".xltm")
NOT_IMPORTED = ("", _("not imported"))


class UploadForm(forms.Form):
    """A workbook to be read. What only its content tells, the worker finds out."""

    kind = forms.ChoiceField(
        label=_("What the file is"), choices=Import.Kind.choices, initial=Import.Kind.CHARGES, widget=forms.RadioSelect
    )
    workbook = forms.FileField(label=_("Workbook"), allow_empty_file=True)
    create_units = forms.BooleanField(
        label=_("Create missing units"),
        required=False,
        help_text=_("Otherwise a row whose unit the project lacks counts as an error. Can still be changed later."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        most = settings.IMPORT_MAX_MB
        self.fields["workbook"].help_text = gettext(
            ".xlsx, .xls, .ods or .csv, at most %(limit)s MB and %(rows)s rows. One sheet or several; the header may "
            "stand below title rows."
        ) % {"limit": most, "rows": f"{settings.IMPORT_MAX_ROWS:,}"}
        self.fields["workbook"].widget.attrs.update(
            {
                "accept": ",".join(CONTENT_TYPES),
                "data-most-bytes": most << 20,
                "data-too-big": refusal_text("too_big", {"limit": most}),
            }
        )

    def clean_workbook(self) -> UploadedFile:
        file: UploadedFile = self.cleaned_data["workbook"]
        code = _refused(file)
        if code:
            raise ValidationError(refusal_text(code, {"limit": settings.IMPORT_MAX_MB}))
        return file


def _refused(file: UploadedFile) -> str:
    """The code of the sentence that says why this file will not do; empty where nothing is wrong yet."""
    ending = Path(file.name or "").suffix.lower()
    if ending not in CONTENT_TYPES:
        return "macros" if ending in WITH_MACROS else "not_a_workbook"
    if not file.size:
        return "empty"
    return "too_big" if file.size > settings.IMPORT_MAX_MB << 20 else ""


@dataclass(frozen=True, slots=True)
class ColumnLine:
    """A column on the page, with the choice of what it holds."""

    column: Column
    choice: forms.BoundField
    evidence: str
    is_doubtful: bool


@dataclass(frozen=True, slots=True)
class SheetPart:
    """A sheet on the page. ``use`` is the box that takes it along."""

    sheet: SheetLayout
    use: forms.BoundField
    lines: list[ColumnLine]

    @property
    def given(self) -> list[tuple[str, str]]:
        """What the sheet's name or title says of all its rows, by the name of the field."""
        found = self.sheet.given.items()
        return [(str(Field(name).label), text) for name, text in found if not self.sheet.column_of(Field(name))]

    @property
    def title_rows(self) -> int:
        return self.sheet.header_rows[0] - 1

    @property
    def recognised(self) -> int:
        return sum(bool(line.column.field) and not line.is_doubtful for line in self.lines)

    @property
    def doubtful(self) -> list[ColumnLine]:
        return [line for line in self.lines if line.is_doubtful]

    @property
    def unused(self) -> int:
        return sum(not line.column.field for line in self.lines)


class ColumnsForm(forms.Form):
    """What each column of each sheet holds. An empty choice is a column that is not imported."""

    create_units = forms.BooleanField(
        label=_("Create missing units"),
        required=False,
        help_text=_("Otherwise a row whose unit the project lacks counts as an error."),
    )

    as_of = forms.DateField(
        label=_("As of"),
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("The day up to which the list counts what was paid."),
        error_messages={"required": _("The file does not say as of which day it lists arrears. Name the day.")},
    )
    earlier_from = forms.DateField(
        label=_("Earlier arrears are owed since"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_(
            "Where nobody knows, leave it empty: their start counts as unknown, and no lawyer letter lists them."
        ),
    )
    is_complete = forms.BooleanField(
        label=_("The list is complete"),
        required=False,
        help_text=_("Units that it does not print owe nothing. Otherwise they stay as they are."),
    )

    def __init__(self, *args: Any, layout: Layout, kind: str, fees: Iterable[FeeType] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._layout = layout
        choices = _choices(kind, fees)
        if kind != Import.Kind.ARREARS_LIST:
            for name in OF_LISTS:
                del self.fields[name]
            self.fields["as_of"].required = False
            self.fields["as_of"].help_text = _(
                "The day until which the file knows what was received. Empty: today, if nothing is printed."
            )
        if kind not in SPEAKS_OF_A_DAY:
            del self.fields["as_of"]
        elif layout.as_of:
            self.fields["as_of"].initial = layout.as_of
        for place, sheet in enumerate(layout.sheets):
            self.fields[_use(place)] = forms.BooleanField(
                label=gettext("Import this sheet"), required=False, initial=sheet.is_used
            )
            for column in sheet.columns:
                self.fields[_choice(place, column)] = _column_field(column, choices)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if len(self.left_out) == len(self._layout.sheets):
            raise ValidationError(gettext("Choose at least one sheet."))
        return cleaned

    @property
    def options(self) -> dict[str, Any]:
        """What was decided beside the columns, as Import.options holds it."""
        earlier_from = self.cleaned_data.get("earlier_from")
        decided = {
            EARLIER_FROM: earlier_from and earlier_from.isoformat(),
            IS_COMPLETE: self.cleaned_data.get("is_complete"),
        }
        return {name: value for name, value in decided.items() if value}

    @property
    def left_out(self) -> set[int]:
        """Sheets that are not imported; the only one always is."""
        places = range(len(self._layout.sheets))
        return {place for place in places if len(places) > 1 and not self.cleaned_data.get(_use(place))}

    @property
    def chosen(self) -> dict[int, dict[int, str]]:
        """By sheet and column the field, for ``confirm_columns``."""
        return {
            place: {column.index: self.cleaned_data[_choice(place, column)] for column in sheet.columns}
            for place, sheet in enumerate(self._layout.sheets)
        }

    def parts(self) -> Iterator[SheetPart]:
        """The sheets in their order, for the page."""
        for place, sheet in enumerate(self._layout.sheets):
            lines = [
                ColumnLine(
                    column,
                    self[_choice(place, column)],
                    evidence_text(column.evidence, column.params),
                    column.is_doubtful,
                )
                for column in sheet.columns
            ]
            yield SheetPart(sheet, self[_use(place)], lines)


@dataclass(frozen=True, slots=True)
class UnitLine:
    """A room that the register lacks, with the field for the unit that is meant."""

    unknown: UnknownUnit
    choice: forms.BoundField


class UnitsForm(forms.Form):
    """Which unit of the register each room that it lacks stands for; what stays empty is left as it is."""

    def __init__(self, *args: Any, project: Project, unknown: Iterable[UnknownUnit], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._project, self._unknown = project, {_unit(room): room for room in unknown}
        for name, room in self._unknown.items():
            label = gettext("Unit that %(written)s stands for") % {"written": room.written}
            field = forms.CharField(label=label, required=False, max_length=120, initial=room.likely)
            field.widget.attrs.update(
                {"aria-label": label, "class": "form-control-sm", "autocomplete": "off", "placeholder": "1-2-1001"}
            )
            self.fields[name] = field

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        written = {name: text for name, text in cleaned.items() if text}
        if not written and not self.errors:
            raise ValidationError(gettext("Name the unit of at least one room."))
        units = units_named(self._project, set(written.values()))
        for name, text in written.items():
            if text not in units:
                self.add_error(name, gettext("The register has no unit %(unit)s.") % {"unit": text})
        self.meant: dict[str, Unit] = {
            self._unknown[name].written: units[text] for name, text in written.items() if text in units
        }
        return cleaned

    def lines(self) -> list[UnitLine]:
        """The rooms in their order, for the page."""
        return [UnitLine(room, self[name]) for name, room in self._unknown.items()]


def _choices(kind: str, fees: Iterable[FeeType]) -> Choices:
    """What a column can hold, also the money of each fee where lists of this kind print money."""
    plain: Choices = [NOT_IMPORTED, *((field.value, field.label) for field in VOCABULARIES[kind].fields)]
    by_fee = [(f"{field}:{fee.pk}", f"{fee.name} · {field.label}") for fee in fees for field in _money_of(kind)]
    return plain + by_fee


def _money_of(kind: str) -> tuple[Field, ...]:
    """Fields that a list of this kind may print in a column for each fee; a list of owners prints none."""
    if kind == Import.Kind.ARREARS_LIST:
        return ARREARS
    return (MONEY_OF_KIND[kind],) if kind in MONEY_OF_KIND else ()


def _column_field(column: Column, choices: Choices) -> forms.ChoiceField:
    label = gettext("Column %(letter)s is imported as") % {"letter": column.letter}
    if column.period:
        choices = [*choices, *_of_period(column, choices)]
    style = "form-select-sm fs" if column.field else "form-select-sm fs none"
    choice = forms.ChoiceField(label=label, required=False, choices=choices, initial=column.choice)
    choice.widget.attrs.update({"class": style, "aria-label": label})
    return choice


def _of_period(column: Column, choices: Choices) -> Choices:
    """What a column whose header names a year or month can hold: the arrears of that time, of each fee."""
    outstanding = [(value, label) for value, label in choices if str(value).partition(":")[0] == Field.OUTSTANDING]
    begin, _slash, end = column.period.partition("/")
    return [(f"{value}@{column.period}", f"{label} · {begin}–{end}") for value, label in outstanding]


def _unit(room: UnknownUnit) -> str:
    return f"unit_{room.written}"


def _use(place: int) -> str:
    return f"sheet_{place}"


def _choice(place: int, column: Column) -> str:
    return f"column_{place}_{column.index}"
