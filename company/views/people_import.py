"""Staff from a workbook: template, preview, creation."""

from __future__ import annotations

from django.db import IntegrityError
from django.http import HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from company.access import StaffRequest, company_view
from company.forms import StaffWorkbookForm
from company.rights import Right, projects_of
from company.sheets import UnreadableWorkbookError, download, workbook
from company.staff_import import create_staff, draft_of, read_staff, rows_of_draft

TEMPLATE_HEADS = ["姓名", "手机号", "岗位", "项目", "角色"]
TEMPLATE_PROJECT = "FHC1"


@never_cache
@company_view(Right.MANAGE_PEOPLE)
def people_import(request: StaffRequest) -> HttpResponse:
    """Reads a workbook and shows what would be created. Nothing is written."""
    form = StaffWorkbookForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            rows = read_staff(form.cleaned_data["workbook"].read(), by=request.user)
        except UnreadableWorkbookError as error:
            form.add_error("workbook", str(error))
        else:
            bad = [row for row in rows if row.problems]
            draft = "" if bad else draft_of(rows)
            context = {"rows": rows, "bad": bad, "draft": draft}
            return TemplateResponse(request, "company/people_import_check.html", context)
    return TemplateResponse(request, "company/people_import.html", {"form": form})


@never_cache
@require_POST
@company_view(Right.MANAGE_PEOPLE)
def people_import_post(request: StaffRequest) -> HttpResponse:
    """Creates everybody of the checked draft, or nobody; shows the one-time passwords once."""
    try:
        rows = rows_of_draft(request.POST.get("draft", ""), by=request.user)
        accounts = create_staff(rows, by=request.user)
    except UnreadableWorkbookError as error:
        form = StaffWorkbookForm()
        form.errors["workbook"] = form.error_class([str(error)])
        return TemplateResponse(request, "company/people_import.html", {"form": form})
    except (ValueError, IntegrityError):  # somebody else created one of them since the preview
        rows = rows_of_draft(request.POST["draft"], by=request.user)
        context = {"rows": rows, "bad": [row for row in rows if row.problems], "draft": ""}
        return TemplateResponse(request, "company/people_import_check.html", context)
    return TemplateResponse(request, "company/people_import_done.html", {"accounts": accounts})


@company_view(Right.MANAGE_PEOPLE)
def people_import_template(request: StaffRequest) -> HttpResponse:
    """A workbook with the columns and two example rows, which name a project of the person."""
    project = projects_of(request.user).first()
    code = project.code if project else TEMPLATE_PROJECT
    rows = [
        ["王倩", "13800000001", "管家", code, "管家"],
        ["赵启明", "13800000002", "", code, "部门主管、主办"],
    ]
    return download(workbook("员工", TEMPLATE_HEADS, rows), _("Staff template") + ".xlsx")
