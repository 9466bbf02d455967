"""What was decided and noted on a case in the house: reasons, steps, marks, who answers, verifications, leave."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import pairwise

from django.db.models import Q
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from arrears.models import Verification
from collection.limits import short_day
from collection.models import (
    Assignment,
    Case,
    CaseMark,
    CaseReview,
    CaseTransition,
    ContactAttempt,
    LimitOverride,
    ReasonChange,
    RectificationMove,
    StepReached,
    VisitRevision,
)
from collection.reasons import Reason
from collection.timeline_entries import Entry, Group, entry
from company.models import AuditEvent

LATEST_VERIFICATIONS = 10
DATED = frozenset({RectificationMove.Kind.AGREED, RectificationMove.Kind.DONE, RectificationMove.Kind.SIGNED_OFF})


def internal(case: Case) -> Iterator[Entry]:
    """All of it, in no order; a fixed number of queries."""
    for source in (
        _reasons, _steps, _marks, _repairs, _transitions, _assignments, _verifications, _reviews, _overrides, _claims,
        _told_before,
    ):  # fmt: skip
        yield from source(case)


def _told_before(case: Case) -> Iterator[Entry]:
    """Visits that were corrected or removed by whoever recorded them, with what had been said."""
    visits = VisitRevision.objects.filter(Q(case=case) | Q(content__also__contains=[case.pk]))
    told = VisitRevision.objects.filter(client_id__in=visits.values("client_id")).select_related("sent_by")
    for before, after in pairwise(told):
        words = _words_before(case, before, after) if before.client_id == after.client_id else ""
        if words:
            title = _("Visit removed") if after.is_removal else _("Visit corrected")
            yield entry(after.received_at, Group.INTERNAL, "walk", title, person=after.sent_by.name, detail=words)


def _words_before(case: Case, before: VisitRevision, after: VisitRevision) -> str:
    """What was said of the visit before; of one told at another unit's door what changed for ``case`` alone."""
    hour = _hour_before(before, after)
    if after.case_id == case.pk:
        return _before([hour, *_said(before)])
    if case.pk not in before.content.get("also", []):
        return ""
    if not after.is_removal and case.pk not in after.content.get("also", []):
        return _("before: for this unit too")
    outcome = ContactAttempt.Outcome(before.content["outcome"])
    return _before([hour, str(outcome.label) if after.content.get("outcome") != outcome else ""])


def _before(words: list[str]) -> str:
    said = _(", ").join(word for word in words if word)
    return said and _("before: %(what)s") % {"what": said}


def _hour_before(before: VisitRevision, after: VisitRevision) -> str:
    """When it was said to have happened, where that was corrected."""
    if after.is_removal:
        return ""
    told, corrected = (datetime.fromisoformat(one.content["happened_at"]) for one in (before, after))
    if told == corrected:
        return ""
    there = localtime(told)
    return f"{short_day(there.date())} {there:%H:%M}"


def _said(told: VisitRevision) -> list[str]:
    said = told.content
    words = [ContactAttempt.Outcome(said["outcome"]).label, said["note"]]
    if said["payment"] != ContactAttempt.Payment.NOT_DISCUSSED:
        words.insert(1, ContactAttempt.Payment(said["payment"]).label)
    return [str(word) for word in words]


def _reasons(case: Case) -> Iterable[Entry]:
    for change in ReasonChange.objects.filter(case=case).select_related("by"):
        label = Reason.from_key("/".join(filter(None, (change.reason, change.sub_reason)))).label
        title = _("Reason: %(reason)s") % {"reason": label}
        yield entry(change.at, Group.INTERNAL, "tag", title, person=change.by.name, detail=change.note)


def _steps(case: Case) -> Iterator[Entry]:
    """In the words that the playbook had then."""
    for reached in StepReached.objects.filter(case=case).select_related("playbook"):
        title = _("Next step: %(step)s") % {"step": reached.title}
        plan = reached.playbook
        version = plan and (_("own plan") if plan.case_id else _("playbook v%(number)s") % {"number": plan.number})
        yield entry(reached.at, Group.INTERNAL, "stairs-up", title, detail=version or "")


def _marks(case: Case) -> Iterator[Entry]:
    """Each move of a mark by itself: proposed, decided, ended."""
    for mark in CaseMark.objects.filter(case=case).select_related("proposed_by", "decided_by", "ended_by"):
        kind = mark.get_kind_display()
        proposed = _("%(kind)s proposed") % {"kind": kind}
        yield entry(
            mark.proposed_at, Group.INTERNAL, "flag-question", proposed,
            person=mark.proposed_by.name, detail=mark.reason,
        )  # fmt: skip
        if mark.decided_at and mark.decided_by:
            is_refused = mark.state == CaseMark.State.REFUSED
            title = _("%(kind)s refused") if is_refused else _("%(kind)s approved: out of the accountable base")
            yield entry(
                mark.decided_at, Group.INTERNAL, "flag-off" if is_refused else "flag-check", title % {"kind": kind},
                person=mark.decided_by.name, detail=mark.decision_note,
            )  # fmt: skip
        if mark.ended_at and mark.ended_by:
            ended = _("%(kind)s ended: counts again") % {"kind": kind}
            yield entry(
                mark.ended_at, Group.INTERNAL, "flag-off", ended, person=mark.ended_by.name, detail=mark.end_reason
            )  # fmt: skip


def _repairs(case: Case) -> Iterator[Entry]:
    for move in RectificationMove.objects.filter(item__case=case).select_related("item", "by"):
        title = _("Repair “%(defect)s”: %(move)s") % {"defect": move.item.defect, "move": move.get_kind_display()}
        if move.day and move.kind in DATED:
            title += f" {short_day(move.day)}"
        yield entry(move.at, Group.INTERNAL, "tool", title, person=move.by.name, detail=move.note)


def _transitions(case: Case) -> Iterator[Entry]:
    for move in CaseTransition.objects.filter(case=case).select_related("by"):
        closed = move.to_state == Case.State.CLOSED
        title = _("Paid, case closed") if closed else _("Case reopened") if move.from_state else _("Case opened")
        yield entry(
            move.at, Group.INTERNAL, "circle-check" if closed else "folder-open", title,
            colour="green" if closed else "", person=move.by.name if move.by else "",
        )  # fmt: skip


def _assignments(case: Case) -> Iterator[Entry]:
    for assignment in Assignment.objects.filter(case=case).select_related("team", "member", "assigned_by"):
        who = f"{assignment.team.name} {assignment.member.name}" if assignment.member else assignment.team.name
        title = _("Assigned to %(who)s") % {"who": who}
        yield entry(assignment.assigned_at, Group.INTERNAL, "user-share", title, person=assignment.assigned_by.name)


def _verifications(case: Case) -> Iterator[Entry]:
    latest = Verification.objects.filter(account=case.account_id).select_related("verified_by").order_by("-verified_at")
    for verification in latest[:LATEST_VERIFICATIONS]:
        title = _("Arrears verified, %(amount)s open") % {"amount": f"{verification.outstanding:,.2f}"}
        yield entry(
            verification.verified_at, Group.INTERNAL, "clipboard-check", title, person=verification.verified_by.name,
            detail=_("looked up in the charging system") if verification.looked_up else "",
        )  # fmt: skip


def _reviews(case: Case) -> Iterator[Entry]:
    for review in CaseReview.objects.filter(case=case).select_related("reviewed_by"):
        yield entry(
            review.reviewed_at, Group.INTERNAL, "file-check", _("File read before the first contact"),
            person=review.reviewed_by.name, detail=review.note,
        )  # fmt: skip


def _overrides(case: Case) -> Iterator[Entry]:
    for override in LimitOverride.objects.filter(case=case).select_related("granted_by"):
        said = {"channel": override.get_channel_display(), "day": short_day(override.day)}
        title = _("Limits lifted: %(channel)s on %(day)s") % said
        yield entry(
            override.granted_at, Group.INTERNAL, "lock-open", title,
            person=override.granted_by.name, detail=override.reason,
        )  # fmt: skip


def _claims(case: Case) -> Iterator[Entry]:
    checked = AuditEvent.objects.filter(
        action="claims.checked", object_type=Case._meta.label_lower, object_id=str(case.pk)
    )
    for event in checked.select_related("user"):
        yield entry(
            event.at, Group.INTERNAL, "receipt", _("Claim of payment checked"),
            person=event.user.name if event.user else "", detail=str(event.detail.get("note", "")),
        )  # fmt: skip
