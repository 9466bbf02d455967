"""Versions of a text: drafts by one person, approval by another."""

from datetime import datetime

from django.db import transaction
from django.db.models import Max

from company.audit import record
from company.models import Project, User
from notices.default_texts import usual_paper
from notices.fields import Fault, check_text, normalise
from notices.kinds import TEXT_KINDS, TextKind, rules_of
from notices.models import NoticeKind, NoticeTemplate, SlipPaper

State = NoticeTemplate.State


class FaultyTextError(Exception):
    """A text that cannot be a template; ``faults`` say why."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(map(str, faults)))
        self.faults = faults


class OwnTextError(Exception):
    """Nobody approves their own text."""


class TemplateMovedError(Exception):
    """The version is no draft any more."""


@transaction.atomic
def save_text(
    project: Project, kind: TextKind, body: str, *, by: User, version: int | None, paper: str = ""
) -> NoticeTemplate:
    """Save ``body`` as a draft: over ``version`` if that is one's own draft, else as the next version.

    ``paper``: of a door slip; A6 unless chosen. Raises FaultyTextError.
    """
    body = normalise(body)
    if faults := check_text(body, TEXT_KINDS[kind]):
        raise FaultyTextError(faults)
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)  # versions of a project count up one by one
    versions = NoticeTemplate.objects.filter(project=project, kind=kind)
    template = versions.filter(version=version or 0, state=State.DRAFT, created_by=by).first()
    if template is None:
        last = versions.aggregate(last=Max("version"))["last"] or 0
        template = NoticeTemplate(project=project, kind=kind, version=last + 1, created_by=by)
    template.body = body
    template.paper = paper if kind == NoticeKind.DOOR_SLIP and paper in SlipPaper else usual_paper(kind)
    template.save()
    record(action="notices.text_saved", by=by, project=project, obj=template, version=template.version)
    return template


@transaction.atomic
def approve_text(template: NoticeTemplate, *, by: User, now: datetime) -> NoticeTemplate:
    """Put a draft into force; the version in force until now is retired.

    Raises OwnTextError when ``by`` wrote it, TemplateMovedError when it is no draft, FaultyTextError when the rules of
    its kind refuse it by now.
    """
    Project.objects.select_for_update(no_key=True).get(pk=template.project_id)
    draft = NoticeTemplate.objects.select_for_update().get(pk=template.pk)
    if draft.state != State.DRAFT:
        raise TemplateMovedError(draft)
    if draft.created_by_id == by.pk:
        raise OwnTextError(draft)
    if faults := check_text(draft.body, rules_of(draft.kind)):
        raise FaultyTextError(faults)
    in_force = NoticeTemplate.objects.filter(project_id=draft.project_id, kind=draft.kind, state=State.APPROVED)
    in_force.update(state=State.RETIRED)
    draft.state, draft.approved_by, draft.approved_at = State.APPROVED, by, now
    draft.save(update_fields=["state", "approved_by", "approved_at"])
    record(action="notices.text_approved", by=by, project=draft.project, obj=draft, version=draft.version)
    return draft
