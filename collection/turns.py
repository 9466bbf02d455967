"""Whose turn the next step of a case is, and with which buttons that person takes it."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from collection.dossier import Dossier
from collection.models import Case, ContactAttempt, Doer, Measure
from company.models import Role, User
from company.rights import HEAD, MANAGER, Right

Channel = ContactAttempt.Channel
BY_PHONE = frozenset({Measure.REMIND, Measure.CALL, Measure.PASS_ON, Measure.TALK})
AT_THE_DOOR = frozenset({Measure.VISIT, Measure.SLIP, Measure.TALK})
LETTERS = frozenset({Measure.EMS_NOTICE, Measure.LAWYER_LETTER})
FOR_FINANCE = frozenset({Measure.CHECK_CLAIM, Measure.CONFIRM_CASH})


@dataclass(frozen=True, slots=True)
class Button:
    """An act that the viewer may do; ``is_step``: it is what the next step asks for."""

    label: str | Promise
    url: str
    is_step: bool = False
    by_post: bool = False


def is_turn_of(doer: Doer, case: Case, *, user: User, roles: frozenset[Role]) -> bool:
    """Whether the next step is this person's to do."""
    match doer:
        case Doer.RESPONSIBLE:
            return case.responsible_id == user.pk
        case Doer.HEAD:
            return bool(roles & (HEAD | MANAGER))
        case Doer.HEAD_AND_HOUSEKEEPER:
            return bool(roles & (HEAD | MANAGER)) or case.responsible_id == user.pk
        case Doer.NOTICES:
            return Role.NOTICE_ADMIN in roles
        case Doer.FINANCE:
            return Role.FINANCE in roles
    return bool(roles & MANAGER)


def buttons(dossier: Dossier, *, rights: frozenset[Right], may_log: bool) -> list[Button]:
    """What the viewer may do on the case now, the next step's own acts first. Contacts that may not be made are not
    offered as a step; logging one that happened always is."""
    found = [*_step_buttons(dossier, rights, may_log=may_log), *(_logging(dossier) if may_log else [])]
    return sorted(found, key=lambda button: not button.is_step)


def _step_buttons(dossier: Dossier, rights: frozenset[Right], *, may_log: bool) -> Iterator[Button]:
    case, measure = dossier.case, dossier.standing.step.measure if dossier.standing else None
    waiting = [request for request in dossier.requests if request.answered_at is None]
    if measure == Measure.VERIFY and dossier.verification is None and rights & {Right.LOG_CONTACTS, Right.POST_MONEY}:
        yield Button(_("Verify"), _url("case_verify", case), is_step=True, by_post=True)
    if measure == Measure.ANSWER and may_log and waiting:
        yield Button(_("Record the answer"), _url("request", case, pk=waiting[-1].pk), is_step=True)
    elif measure == Measure.ANSWER and may_log:
        yield Button(_("Record the request"), _url("request_new", case), is_step=True)
    if measure == Measure.COORDINATE and may_log:
        yield Button(_("Record a defect"), _url("repair_new", case), is_step=not dossier.repairs)
    if measure in LETTERS and Right.ISSUE_NOTICES in rights:
        url = reverse("collection:letters_new", args=[case.project.code])
        yield Button(_("Start the letter"), f"{url}?{urlencode({'cases': case.pk})}", is_step=True)
    if measure in FOR_FINANCE and Right.CONFIRM_CASH in rights:
        yield Button(_("To the money desk"), reverse("collection:cash", args=[case.project.code]), is_step=True)


def _logging(dossier: Dossier) -> Iterator[Button]:
    case, measure = dossier.case, dossier.standing.step.measure if dossier.standing else None
    free = {channel for channel, clearance in dossier.clearances.items() if clearance.allowed}
    call = measure in BY_PHONE and Channel.CALL in free
    visit = measure in AT_THE_DOOR and Channel.VISIT in free
    yield Button(_("Log a visit"), _url("visit", case), is_step=visit)
    yield Button(_("Log a call"), _url("contact_new", case), is_step=call and not visit)


def _url(name: str, case: Case, *, pk: int | None = None) -> str:
    return reverse(f"collection:{name}", kwargs={"project_code": case.project.code, "pk": pk or case.pk})
