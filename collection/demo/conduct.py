"""Texts of messages in force, the weekly draws of call-backs with some results, and complaints about conduct."""

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from collection.call_backs import draw_call_backs, record_result
from collection.conduct import Complained, answer_complaint, record_complaint
from collection.demo.plan import DemoPlan
from collection.demo.work import Work, at
from collection.messages import approve_text, default_texts, write_text
from collection.models import CallBack, ConductComplaint, ContactAttempt

RESULTS = (
    (CallBack.Result.AS_RECORDED, "业主说来人客气，讲得清楚"),
    (CallBack.Result.NOT_REACHED, ""),
    (CallBack.Result.DIFFERENT, "业主说没有接到过电话，需核对号码"),
)
COMPLAINTS = (
    ("说话声音大，邻居都听见了", "已与当事人谈话并回电致歉，今后进门后再谈费用。"),
    ("中午休息时打电话，语气不耐烦", ""),
)
LEFT_TO_CALL = 3


def prepare_messages(work: Work) -> None:
    """On the first day: written by the notice administrator, approved by the manager."""
    first = work.campaign.starts_on
    for kind, text in default_texts().items():
        written = write_text(work.estate.project, kind, text, by=work.staff.notice_admin, now=at(first, 9))
        approve_text(written.pk, by=work.staff.manager, now=at(first, 10))


def call_back(works: Iterable[Work], demo: DemoPlan) -> None:
    """Each Monday the week before is drawn; the day after all were called but the last few of the last week."""
    rng = demo.rng("call-backs")
    days = (demo.campaign_start + timedelta(days=offset) for offset in range((demo.today - demo.campaign_start).days))
    for monday in (day for day in days if day.weekday() == 0):
        draw_call_backs(now=at(monday, 2), new_seed=lambda: f"{rng.getrandbits(128):032x}")
    for work in works:
        manager = work.staff.manager
        drawn = CallBack.objects.filter(project=work.estate.project).exclude(member=manager).select_related("draw")
        waiting = list(drawn.order_by("draw__week_start", "pk"))
        for number, one in enumerate(waiting[:-LEFT_TO_CALL]):
            result, note = RESULTS[number % len(RESULTS)]
            called_at = at(one.draw.week_start + timedelta(days=8), 14, number * 7 % 60)
            record_result(one.pk, result, note, by=manager, now=called_at)


def complain(work: Work) -> None:
    """Two owners complained: one was answered, one waits."""
    project, manager = work.estate.project, work.staff.manager
    spoken = ContactAttempt.objects.filter(project=project, outcome=ContactAttempt.Outcome.MET_OWNER, is_incoming=False)
    latest = spoken.exclude(recorded_by=manager).select_related("project", "case__account__unit")
    for contact, (text, answer) in zip(latest.order_by("-happened_at", "-pk"), COMPLAINTS, strict=False):
        when = contact.recorded_at + timedelta(minutes=40)
        told = Complained(ConductComplaint.Complainant.OWNER, text, when)
        complaint = record_complaint(
            contact, told, by=work.staff.finance, now=when, submission=UUID(int=work.rng.getrandbits(128), version=4)
        )
        if answer:
            answer_complaint(complaint.pk, answer, by=manager, now=when + timedelta(hours=3))
