"""Texts: versions, the editor with its check and preview, approval by somebody else."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from company.access import ProjectRequest, project_view
from company.forms import without_zero_bytes
from company.rights import Right
from notices.comparing import compare
from notices.default_texts import default_text, install_default_templates, usual_paper
from notices.editing import FaultyTextError, OwnTextError, TemplateMovedError, approve_text, save_text
from notices.fields import Fault, check_text, in_braces, with_line_feeds
from notices.fonts import missing_glyphs
from notices.forms import TemplateForm
from notices.images import pictures_of
from notices.kinds import CO_OWNERS, LATE_FEES, ON_BEHALF, TEXT_KINDS, KindRules, rules_of
from notices.models import NoticeKind, NoticeTemplate, PaperKind, SlipPaper
from notices.press import PressError
from notices.previewing import Preview, preview_of
from notices.rendering import picture_names, print_letters, unprintable
from notices.views.files import named

State = NoticeTemplate.State

_MARKS = {
    LATE_FEES: gettext_lazy("late fees were assessed, and the contract has a clause"),
    ON_BEHALF: gettext_lazy("fees taken on behalf of others are listed"),
    CO_OWNERS: gettext_lazy("several owners answer together"),
}


@project_view(Right.EDIT_TEMPLATES, Right.APPROVE_TEMPLATES)
def templates(request: ProjectRequest) -> HttpResponse:
    """The versions of each kind of text."""
    versions = NoticeTemplate.objects.visible_to(request.user).filter(project=request.project)
    listed = list(versions.select_related("created_by", "approved_by"))
    groups = [(rules, [v for v in listed if v.kind == kind]) for kind, rules in TEXT_KINDS.items()]
    context = {"groups": groups, "papers": list(PaperKind), **_rights(request)}
    return TemplateResponse(request, "notices/templates.html", context)


@require_POST
@project_view(Right.EDIT_TEMPLATES)
def templates_install(request: ProjectRequest) -> HttpResponse:
    """Start with the default texts."""
    installed = install_default_templates(request.project)
    if installed:
        messages.success(request, _("The default texts are drafts now; somebody else approves them."))
    return redirect("notices:templates", request.project.code)


@project_view(Right.EDIT_TEMPLATES, Right.APPROVE_TEMPLATES)
def template_detail(request: ProjectRequest, pk: int) -> HttpResponse:
    """One version: its text filled with a real account's data, how it differs, who wrote and who approved it."""
    template = _template(request, pk)
    rules = rules_of(template.kind)
    others = _others(request, template)
    against = _against(request, template, others)
    context = {
        "template": template,
        "rules": rules,
        "others": others,
        "against": against,
        "lines": compare(against.body, template.body) if against else [],
        "is_own": template.created_by_id == request.user.pk,
        **_rights(request),
        **_check(request, rules, template.body, request.GET.get("unit", ""), template.paper),
    }
    return TemplateResponse(request, "notices/template.html", context)


def _others(request: ProjectRequest, template: NoticeTemplate) -> list[NoticeTemplate]:
    versions = NoticeTemplate.objects.visible_to(request.user).filter(project=request.project, kind=template.kind)
    return list(versions.exclude(pk=template.pk))


def _against(request: ProjectRequest, template: NoticeTemplate, others: list[NoticeTemplate]) -> NoticeTemplate | None:
    """The version asked for; else for a draft the one in force, and for others the one before."""
    asked = [other for other in others if str(other.version) == request.GET.get("against")]
    in_force = [other for other in others if other.state == State.APPROVED and template.state == State.DRAFT]
    earlier = [other for other in others if other.version < template.version]
    return next(iter(asked or in_force or earlier), None)


@require_POST
@project_view(Right.APPROVE_TEMPLATES)
def template_approve(request: ProjectRequest, pk: int) -> HttpResponse:
    """Put a draft of somebody else into force."""
    template = _template(request, pk)
    try:
        approve_text(template, by=request.user, now=timezone.now())
        messages.success(request, _("%(text)s is in force.") % {"text": template})
    except OwnTextError:
        messages.error(request, _("Nobody approves their own text."))
    except TemplateMovedError:
        messages.info(request, _("This version is no draft any more."))
    except FaultyTextError as error:
        messages.error(request, " ".join(map(str, error.faults)))
    return redirect("notices:template_detail", request.project.code, pk)


@project_view(Right.EDIT_TEMPLATES)
def template_edit(request: ProjectRequest, kind: str) -> HttpResponse:
    """The editor. Saving refuses a text with faults and keeps what was typed."""
    rules = _rules(kind)
    form = TemplateForm(request.POST or None, initial=_initial(request, rules), rules=rules)
    faults: list[Fault] = []
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            saved = save_text(
                request.project, rules.kind, values["body"], by=request.user, version=values["version"],
                paper=values["paper"],
            )  # fmt: skip
        except FaultyTextError as error:
            faults = error.faults
        else:
            messages.success(request, _("%(text)s is saved as a draft. Somebody else approves it.") % {"text": saved})
            return redirect("notices:template_detail", request.project.code, saved.pk)
    body, unit = with_line_feeds(str(form["body"].value() or "")), str(form["unit"].value() or "")
    paper = str(form["paper"].value() or "")
    marks = [(name, _MARKS[name]) for name in rules.sections]
    context = {"form": form, "rules": rules, "refused": faults, "marks": marks}
    context |= _check(request, rules, body, unit, paper)
    return TemplateResponse(request, "notices/template_edit.html", context)


@require_POST
@project_view(Right.EDIT_TEMPLATES)
def template_check(request: ProjectRequest, kind: str) -> HttpResponse:
    """The check and the preview beside the editor, while one types."""
    body, unit = with_line_feeds(request.POST.get("body", "")), request.POST.get("unit", "")
    context = _check(request, _rules(kind), body, unit, request.POST.get("paper", ""))
    return TemplateResponse(request, "notices/text_check.html", context)


@project_view(Right.EDIT_TEMPLATES, Right.APPROVE_TEMPLATES)
def template_print(request: ProjectRequest, pk: int) -> HttpResponse:
    """A version as it would be printed, for an account's data."""
    template = _template(request, pk)
    unit = request.GET.get("unit", "")
    return _printed(request, rules_of(template.kind), template.body, unit, template.paper)


@require_POST
@project_view(Right.EDIT_TEMPLATES)
def template_pdf(request: ProjectRequest, kind: str) -> HttpResponse:
    """What stands in the editor as it would be printed; nothing is kept."""
    body = with_line_feeds(request.POST.get("body", ""))
    return _printed(request, _rules(kind), body, request.POST.get("unit", ""), request.POST.get("paper", ""))


def _printed(request: ProjectRequest, rules: KindRules, body: str, unit: str, paper: str) -> HttpResponse:
    faults = check_text(body, rules)
    preview = _preview(request, rules, unit, paper)
    if missing := "" if faults else unprintable(body, preview.data):
        faults = [Fault(None, _("The font cannot print: %(signs)s") % {"signs": missing})]
    if not faults:
        try:
            pictures = pictures_of(request.project, picture_names([preview.data]))
            (letter,) = print_letters([(body, preview.data)], rules, pictures=pictures)
        except PressError:
            faults = [Fault(None, _("The page could not be made. Shorten the text and try again."))]
        else:
            return named(HttpResponse(letter.pdf, content_type="application/pdf"), f"{rules.title}.pdf", inline=True)
    return TemplateResponse(request, "notices/text_refused.html", {"faults": faults, "rules": rules})


def _initial(request: ProjectRequest, rules: KindRules) -> dict[str, Any]:
    """One's own draft, else the newest version, else the default text."""
    versions = NoticeTemplate.objects.visible_to(request.user).filter(project=request.project, kind=rules.kind)
    chosen = versions.filter(version=request.GET["version"]).first() if _is_number(request, "version") else None
    own = versions.filter(state=State.DRAFT, created_by=request.user).first()
    template = chosen or own or versions.first()
    if template is None:
        return {"body": default_text(rules.kind), "paper": usual_paper(rules.kind)}
    return {"body": template.body, "version": template.version, "paper": template.paper}


def _is_number(request: ProjectRequest, name: str) -> bool:
    return request.GET.get(name, "").isascii() and request.GET.get(name, "").isdigit()


def _check(request: ProjectRequest, rules: KindRules, body: str, unit: str, paper: str) -> dict[str, Any]:
    """Faults of a text, fields without a value here, and the text filled in."""
    preview = _preview(request, rules, unit, paper)
    faults = check_text(body, rules)
    if missing := missing_glyphs(body):
        faults.append(Fault(None, _("The font cannot print: %(signs)s") % {"signs": missing}))
    if words := preview.refused_words(body, rules):
        faults.append(
            Fault(None, _("The project's data would make the slip say: %(words)s.") % {"words": "、".join(words)})
        )
    return {
        "rules": rules,
        "faults": faults,
        "empty": in_braces(preview.without_value(body, rules)),
        "preview": preview,
        "blocks": preview.blocks(body, rules),
        "body": body,
    }


def _preview(request: ProjectRequest, rules: KindRules, unit: str, paper: str) -> Preview:
    if rules.kind == NoticeKind.DOOR_SLIP and paper not in SlipPaper:
        paper = usual_paper(rules.kind)
    return preview_of(
        request.project, rules, unit_code=without_zero_bytes(unit).strip(), paper=paper, now=timezone.now()
    )


def _rights(request: ProjectRequest) -> dict[str, bool]:
    return {
        "may_edit": Right.EDIT_TEMPLATES in request.rights,
        "may_approve": Right.APPROVE_TEMPLATES in request.rights,
    }


def _rules(kind: str) -> KindRules:
    try:
        return rules_of(kind)
    except KeyError:
        raise Http404 from None


def _template(request: ProjectRequest, pk: int) -> NoticeTemplate:
    versions = NoticeTemplate.objects.visible_to(request.user).filter(project=request.project)
    template = versions.select_related("project", "created_by", "approved_by").filter(pk=pk).first()
    if template is None:
        raise Http404
    return template
