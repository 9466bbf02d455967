"""From an empty system to the first import: which steps of a project are done, and what each still lacks.

Nothing is kept of it: each step is read from the rows that it makes, so that it can be left, done elsewhere and come
back to.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from django.db.models import Count, Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from arrears.catalogue import USUAL_FEES
from arrears.fees import is_catalogue_confirmed
from arrears.models import FeeType, Import
from company.models import Project, ProjectAccess, Role
from owners.contracts import contract_on
from owners.models import Building, Unit

PRINTED_FIELDS = ("company_name", "short_name", "service_phone", "service_address", "payment_methods")
NEEDED_ROLES = (Role.PROJECT_MANAGER, Role.FINANCE)
USEFUL_ROLES = (Role.NOTICE_ADMIN, Role.DEPARTMENT_HEAD)
FIELD_ROLES = (Role.OFFICER, Role.HOUSEKEEPER, Role.ASSISTANT)


class StepState(StrEnum):
    DONE = "done"
    USABLE = "usable"  # works as it is, but should be looked at
    MISSING = "missing"


class StepKey(StrEnum):
    PROJECT = "project"
    CONTRACT = "contract"
    FEES = "fees"
    BUILDINGS = "buildings"
    STAFF = "staff"
    IMPORT = "import"


@dataclass(frozen=True, slots=True)
class Step:
    """``facts`` say what is there, ``lacks`` what is missing, both in words."""

    key: StepKey
    state: StepState
    facts: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()

    @property
    def is_done(self) -> bool:
        return self.state is StepState.DONE


def steps(project: Project, *, today: date) -> list[Step]:
    """The steps of ``project`` in their order; a fixed number of queries."""
    return [
        _project_step(project),
        _contract_step(project, today),
        _fees_step(project),
        _buildings_step(project),
        _staff_step(project),
        _import_step(project),
    ]


def _state(lacks: Iterable[str]) -> StepState:
    return StepState.USABLE if any(lacks) else StepState.DONE


def _project_step(project: Project) -> Step:
    lacks = tuple(
        str(Project._meta.get_field(name).verbose_name)  # type: ignore[union-attr]
        for name in PRINTED_FIELDS
        if not str(getattr(project, name)).strip()
    )
    return Step(StepKey.PROJECT, _state(lacks), (f"{project.name} {project.code}",), lacks)


def _contract_step(project: Project, today: date) -> Step:
    contract = contract_on(project, today)
    if contract is None:
        return Step(StepKey.CONTRACT, StepState.MISSING, (), (_("name and start of the contract"),))
    late_fee = (
        _("late fee by its clause (%(word)s)") % {"word": contract.late_fee_word}
        if contract.late_fee_clause
        else _("no late-fee clause: no late fee is shown")
    )
    lacks = [] if contract.scan_id else [_("scan of the contract")]
    if not contract.prices:
        lacks.append(_("prices"))
    return Step(StepKey.CONTRACT, _state(lacks), (contract.name, late_fee), tuple(lacks))


def _fees_step(project: Project) -> Step:
    fees = list(FeeType.objects.filter(project=project))
    count = len(fees) or len(USUAL_FEES)
    number = ngettext("%(count)d fee", "%(count)d fees", count) % {"count": count}
    if is_catalogue_confirmed(project) or any(fee.due_day for fee in fees):
        return Step(StepKey.FEES, StepState.DONE, (number,))
    lacks = (_("your own names and due days"),)
    return Step(
        StepKey.FEES, StepState.USABLE, (number, _("the usual ones, due on the last day of their period")), lacks
    )


def _buildings_step(project: Project) -> Step:
    buildings = Building.objects.filter(project=project).count()
    units = Unit.objects.filter(project=project).count()
    if not buildings:
        return Step(StepKey.BUILDINGS, StepState.USABLE, (_("none yet: the first import makes them"),))
    facts = [ngettext("%(count)d building", "%(count)d buildings", buildings) % {"count": buildings}]
    if units:
        facts.append(ngettext("%(count)d unit", "%(count)d units", units) % {"count": units})
    return Step(StepKey.BUILDINGS, StepState.DONE, tuple(facts))


def _staff_step(project: Project) -> Step:
    live = ProjectAccess.objects.live().filter(Q(project=project) | Q(project=None), user__is_active=True)
    held = dict(live.values_list("role").annotate(Count("user", distinct=True)))
    facts = tuple(f"{Role(role).label} {held[role]}" for role in Role if held.get(role))
    needed = [str(role.label) for role in NEEDED_ROLES if not held.get(role)]
    useful = [str(role.label) for role in USEFUL_ROLES if not held.get(role)]
    if not any(held.get(role) for role in FIELD_ROLES):
        useful.append("/".join(str(role.label) for role in FIELD_ROLES))
    state = StepState.MISSING if needed else _state(useful)
    return Step(StepKey.STAFF, state, facts, tuple(needed + useful))


def _import_step(project: Project) -> Step:
    found = Import.objects.filter(project=project).aggregate(
        posted=Count("pk", filter=Q(state=Import.State.POSTED)), all=Count("pk")
    )
    if found["posted"]:
        text = ngettext("%(count)d sheet is posted", "%(count)d sheets are posted", found["posted"])
        return Step(StepKey.IMPORT, StepState.DONE, (text % {"count": found["posted"]},))
    facts = (_("a sheet is on its way: go on with it"),) if found["all"] else ()
    return Step(StepKey.IMPORT, StepState.MISSING, facts)
