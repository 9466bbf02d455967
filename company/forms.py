from __future__ import annotations

from typing import Any, cast

from allauth.account.forms import LoginForm
from django import forms
from django.contrib.auth.forms import PasswordChangeForm
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from company.models import Phase, Post, Project, Role, User
from company.people import Grant, Reach
from company.staff_import import MAX_BYTES


class DayInput(forms.DateInput):
    """A day as browsers offer it."""

    input_type = "date"

    def __init__(self, **attrs: Any) -> None:
        super().__init__(format="%Y-%m-%d", attrs=attrs)


def may_be_an_id(text: str) -> bool:
    """Whether a text that comes without a form's check can be the id of a row; longer numbers are an error to Python
    or PostgreSQL."""
    return text.isdecimal() and len(text) < 18


def without_zero_bytes(text: str) -> str:
    """A text that comes without a form's check, as PostgreSQL can compare it."""
    return text.replace("\0", "")


class SignInForm(LoginForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = _("Mobile number or name")
        self.fields["login"].widget.attrs.update(placeholder="", autofocus=True)
        self.fields["password"].label = _("Password")
        self.fields["password"].widget.attrs.update(placeholder="")
        self.fields["password"].help_text = _("Five wrong passwords in a row lock the account for 15 minutes")


class NewPasswordForm(PasswordChangeForm):
    """Asks for the old password too, so that a phone left lying about cannot be taken over."""

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        password = cleaned.get("new_password1")
        if password and self.user.check_password(password):
            self.add_error("new_password1", _t("The new password must differ from the old one."))
        return cleaned


class PersonForm(forms.ModelForm):
    class Meta:
        model = User
        fields = ["name", "mobile", "username", "post", "email"]
        error_messages = {"mobile": {"unique": _("A colleague has this number already.")}}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].required = False
        self.fields["username"].label = _("User name")
        self.fields["username"].help_text = _("Empty: the mobile number is the user name.")
        self.fields["mobile"].widget.input_type = "tel"
        cast("forms.ModelChoiceField[Post]", self.fields["post"]).empty_label = "—"
        self.fields["email"].help_text = _("Reminders are mailed there, if mail is set up.")

    def clean_mobile(self) -> str | None:
        return self.cleaned_data["mobile"] or None

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        mobile = cleaned.get("mobile")
        username = cleaned.get("username") or mobile or ""
        if username == self.initial.get("mobile") and mobile:
            username = mobile  # the user name was the old number and follows the new one
        if not username and not self.errors:
            self.add_error("mobile", _t("Give a mobile number or a user name: one of them is needed to sign in."))
        others = User.objects.exclude(pk=self.instance.pk)
        if username and username != mobile and others.filter(mobile=username).exists():
            self.add_error("username", _t("This is a colleague's mobile number."))
        if mobile and others.filter(username=mobile).exists():
            self.add_error("mobile", _t("A colleague signs in with this number."))
        cleaned["username"] = username
        return cleaned


class RoleForm(forms.Form):
    project = forms.ModelChoiceField(Project.objects.none(), label=_("Project"))
    role = forms.ChoiceField(label=_("Role"))

    def __init__(self, *args: Any, reach: Reach, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.reach = reach
        project = cast("forms.ModelChoiceField[Project]", self.fields["project"])
        project.queryset = Project.objects.active()
        if reach.everywhere:
            project.required = False
            project.empty_label = _t("All projects")
            roles = list(Role)
        else:
            project.queryset = project.queryset.filter(pk__in=reach.roles_by_project)
            project.initial = project.queryset.first()
            held = frozenset[Role]().union(*reach.roles_by_project.values())
            roles = [role for role in Role if role in held]
        role_field = cast("forms.ChoiceField", self.fields["role"])
        role_field.choices = [("", "—"), *((role.value, role.label) for role in roles)]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        project = cleaned.get("project")
        grant = Grant(project.pk if project else None, Role(cleaned["role"]))
        if not project and grant.role not in Role.COMPANY_WIDE:
            self.add_error("project", _t("Say for which project."))
        elif not self.reach.covers(grant):
            self.add_error("role", _t("You cannot grant this role there."))
        cleaned["grant"] = grant
        return cleaned


class PeopleFilterForm(forms.Form):
    """What narrows the list of people; everything stays in the address."""

    STATES = [("active", _("Active")), ("inactive", _("Deactivated")), ("all", _("All"))]

    q = forms.CharField(required=False, label=_("Search"))
    project = forms.ModelChoiceField(Project.objects.none(), required=False, label=_("Project"))
    role = forms.ChoiceField(required=False, choices=[("", _("All roles")), *Role.choices], label=_("Role"))
    state = forms.ChoiceField(required=False, choices=STATES, label=_("State"))

    def __init__(self, *args: Any, projects: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = cast("forms.ModelChoiceField[Project]", self.fields["project"])
        field.queryset = projects
        field.empty_label = _t("All projects")
        self.fields["q"].widget.attrs["placeholder"] = _t("Name, mobile number, user name")


class StaffWorkbookForm(forms.Form):
    workbook = forms.FileField(label=_("Workbook"), help_text=_(".xlsx, .xls, .ods or .csv, up to 5 MB"))

    def clean_workbook(self) -> Any:
        workbook = self.cleaned_data["workbook"]
        if workbook.size > MAX_BYTES:
            raise ValidationError(_("The file is larger than 5 MB."))
        return workbook


class ProjectForm(forms.ModelForm):
    class Meta:
        model = Project
        fields = [
            "code",
            "name",
            "short_name",
            "company_name",
            "service_address",
            "service_phone",
            "service_hours",
            "contact_name",
            "payment_methods",
            "verification_hours",
            "contact_from",
            "contact_until",
            "is_active",
        ]
        widgets = {
            "payment_methods": forms.Textarea(attrs={"rows": 4}),
            "contact_from": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
            "contact_until": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.fields["code"].disabled = True


class PostageForm(forms.ModelForm):
    """What letters by post need to know of a project."""

    class Meta:
        model = Project
        fields = ["postal_address", "postcode", "ems_price", "post_price"]

    def clean_postal_address(self) -> str:
        """One line, as it stands on an envelope."""
        return " ".join(self.cleaned_data["postal_address"].split())


class PhaseForm(forms.ModelForm):
    class Meta:
        model = Phase
        fields = ["name", "position"]

    def clean_name(self) -> str:
        """Django's sets of forms look for a name twice among themselves, not in the database."""
        name: str = self.cleaned_data["name"]
        others = Phase.objects.filter(project=self.instance.project_id, name=name).exclude(pk=self.instance.pk)
        if others.exists():
            raise ValidationError(_t("Another phase has this name."))
        return name


PhaseFormSet = forms.inlineformset_factory(
    Project, Phase, form=PhaseForm, fields=["name", "position"], extra=2, can_delete=False, max_num=50
)


class PostForm(forms.ModelForm):
    class Meta:
        model = Post
        fields = ["name", "position"]
