"""Who answers for which case: a proposal that is computed, changed by hand and confirmed once (C4)."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from django.db import connection, transaction
from django.db.models import Value
from django.db.models.functions import Greatest
from django.urls import reverse
from django.utils.translation import ngettext

from collection.balancing import Item, balance
from collection.difficulty import difficulties
from collection.models import Assignment, AssignmentProposal, Case, ProposedAssignment, Team
from collection.models.cases import CaseQuerySet
from collection.teams import answering_members
from company.audit import record
from company.models import Project, User
from company.notifying import notify

State = AssignmentProposal.State
# What a split needs of a case: thousands are read at once.
READ = (
    "overdue",
    "oldest_due_on",
    "reason",
    "team",
    "responsible",
    "account__unit__building",
    "account__unit__entrance",
)


class AssignmentError(Exception):
    """The act is refused, nothing was written; the subclass says why."""


class NoTeamsError(AssignmentError):
    """There is no active team to give cases to."""


class NotADraftError(AssignmentError):
    """Somebody confirmed or dropped the proposal before; ``proposal`` says who."""

    def __init__(self, proposal: AssignmentProposal) -> None:
        super().__init__(proposal.state)
        self.proposal = proposal


class ChangedMeanwhileError(AssignmentError):
    """The proposal is not as it was shown: somebody moved cases since."""


class TeamsChangedError(AssignmentError):
    """A team was dissolved or a member left it since the proposal was made; ``users`` and ``teams`` by id."""


class NothingThereError(AssignmentError):
    """The cases are not where the page showed them."""


@dataclass(frozen=True, slots=True)
class Handover:
    """One case, and who answers for it from now on."""

    case_id: int
    team_id: int
    member_id: int | None


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What a confirmation did: cases handed over, cases that stayed, and units whose case had closed meanwhile."""

    handed_over: int
    unchanged: int
    closed: list[str] = field(default_factory=list)


@transaction.atomic
def propose(project: Project, *, by: User, today: date, now: datetime, team: Team | None = None) -> AssignmentProposal:
    """A new draft over all open cases, in place of the present draft; over one team's cases where ``team`` is given.

    Raises NoTeamsError. Teams get alike loads, then the members of each.
    """
    take_turn(project)
    members = answering_members(project)
    if team:
        members = {team.pk: members[team.pk]} if team.pk in members else {}
    if not members:
        raise NoTeamsError
    cases = Case.objects.filter(project=project).open().in_round_order()
    items = read_placed(cases.filter(team=team) if team else cases, on=today)
    proposal = AssignmentProposal.objects.create(project=project, team=team, created_at=now, created_by=by)
    ProposedAssignment.objects.bulk_create(_entries(proposal, items, members), batch_size=2000)
    record(action="assignment.proposed", by=by, project=project, obj=proposal, cases=len(items))
    return proposal


def take_turn(project: Project) -> None:
    """One draft a project: of two people who propose the later one waits, and the present draft is dropped."""
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    AssignmentProposal.objects.filter(project=project, state=State.DRAFT).update(state=State.DROPPED)


class _Read(NamedTuple):
    """What a split needs of a case; thousands are read at once."""

    pk: int
    overdue: Decimal
    oldest_due_on: date | None
    reason: str
    team_id: int | None
    responsible_id: int | None
    building_id: int
    entrance: str


@dataclass(frozen=True, slots=True)
class Placed:
    """A case with its present member, and as an item among teams."""

    item: Item
    member_id: int | None

    def among_members(self, holder: int | None) -> Item:
        """The case as an item among members, with ``holder``."""
        return replace(self.item, holder=holder)


def read_placed(cases: CaseQuerySet, *, on: date) -> list[Placed]:
    """What a split needs of ``cases``, in their order; two queries."""
    rows = cases.values_list(
        "pk", "overdue", "oldest_due_on", "reason", "team", "responsible",
        "account__unit__building", "account__unit__entrance",
    )  # fmt: skip
    read = [_Read(*row) for row in rows]
    scores = difficulties(read, on=on)
    return [
        Placed(
            Item(case.pk, case.building_id, case.entrance, case.overdue, scores[case.pk].total, case.team_id),
            case.responsible_id,
        )
        for case in read
    ]


def _entries(
    proposal: AssignmentProposal, placed: Sequence[Placed], members: Mapping[int, Sequence[int]]
) -> Iterable[ProposedAssignment]:
    team_of = balance([case.item for case in placed], list(members))
    in_team: dict[int, list[Item]] = defaultdict(list)
    for case in placed:
        in_team[team_of[case.item.case_id]].append(case.among_members(case.member_id))
    for team_id, items in in_team.items():
        member_of = balance(items, members[team_id]) if members[team_id] else {}
        for item in items:
            yield ProposedAssignment(
                proposal=proposal,
                case_id=item.case_id,
                team_id=team_id,
                member_id=member_of.get(item.case_id),
                amount=item.amount,
                difficulty=item.difficulty,
            )


@transaction.atomic
def move(
    proposal_id: int,
    *,
    case_ids: Collection[int],
    source: int,
    team_id: int,
    member_id: int | None = None,
) -> AssignmentProposal:
    """Put cases of team ``source`` into another team, or to another member, of the draft.

    Without ``member_id`` they go to the member of that team who then has least. Raises NotADraftError,
    TeamsChangedError, and NothingThereError where some of the cases are not with ``source`` any more.
    """
    proposal = _lock(proposal_id)
    members = {
        team: [member for member in ids if member != proposal.member_id]  # who hands over takes nothing back
        for team, ids in answering_members(proposal.project).items()
    }
    is_elsewhere = proposal.team_id is not None and team_id != proposal.team_id
    if is_elsewhere or team_id not in members or (member_id is not None and member_id not in members[team_id]):
        raise TeamsChangedError
    entries = proposal.entries.filter(case__in=case_ids, team=source)
    if not case_ids or entries.count() != len(case_ids):
        raise NothingThereError
    member_id = member_id or _least_loaded(proposal, members[team_id])
    entries.update(team=team_id, member=member_id, moved_by_hand=True)
    proposal.revision += 1
    proposal.save(update_fields=["revision"])
    return proposal


def _least_loaded(proposal: AssignmentProposal, members: Sequence[int]) -> int | None:
    held = dict.fromkeys(members, Decimal(0))
    for member_id, amount, points in proposal.entries.filter(member__in=members).values_list(
        "member_id", "amount", "difficulty"
    ):
        held[member_id] += amount + 1000 * points  # of the order of a usual case, whatever its parts
    return min(members, key=lambda member: (held[member], member), default=None)


@transaction.atomic
def drop(proposal_id: int, *, by: User) -> None:
    """Give the draft up. Raises NotADraftError."""
    proposal = _lock(proposal_id)
    proposal.state = State.DROPPED
    proposal.save(update_fields=["state"])
    record(action="assignment.dropped", by=by, project=proposal.project, obj=proposal)


@transaction.atomic
def confirm(proposal_id: int, *, revision: int, by: User, today: date, now: datetime) -> Confirmation:
    """Carry the draft out as it was shown at ``revision``: history of assignments, team and member of each case.

    A case that closed meanwhile keeps its last assignment. Raises NotADraftError when somebody was faster,
    ChangedMeanwhileError when cases were moved since, TeamsChangedError when a team or member is gone.
    """
    proposal = _lock(proposal_id)
    if proposal.revision != revision:
        raise ChangedMeanwhileError
    _check_teams(proposal)
    cases = Case.objects.filter(pk__in=proposal.entries.values("case")).order_by("pk").select_for_update(of=("self",))
    open_ids = {case.pk: (case.team_id, case.responsible_id) for case in cases if case.state == Case.State.OPEN}
    changed = [
        Handover(case_id, team_id, member_id)
        for case_id, team_id, member_id in proposal.entries.values_list("case_id", "team_id", "member_id")
        if case_id in open_ids and open_ids[case_id] != (team_id, member_id)
    ]
    _hand_over(changed, project=proposal.project, proposal=proposal, by=by, today=today, now=now)
    closed = proposal.entries.exclude(case__in=open_ids).values_list("case__account__unit__code", flat=True)
    result = Confirmation(len(changed), len(open_ids) - len(changed), sorted(closed))
    proposal.state, proposal.confirmed_by, proposal.confirmed_at = State.CONFIRMED, by, now
    proposal.save(update_fields=["state", "confirmed_by", "confirmed_at"])
    record(
        action="assignment.confirmed", by=by, project=proposal.project, obj=proposal,
        handed_over=result.handed_over, unchanged=result.unchanged, closed=result.closed,
    )  # fmt: skip
    return result


@transaction.atomic
def reassign(
    case_ids: Collection[int],
    *,
    team: Team,
    member: User | None,
    by: User,
    today: date,
    now: datetime,
) -> int:
    """Give open cases of the team's project to ``member`` of ``team``; returns how many changed hands.

    A draft that covers them follows, so that confirming it later does not take back what was decided here. Raises
    TeamsChangedError where the team is dissolved or the person may not answer for its cases.
    """
    members = answering_members(team.project)
    if team.pk not in members or (member and member.pk not in members[team.pk]):
        raise TeamsChangedError
    draft = AssignmentProposal.objects.select_for_update().filter(project=team.project_id, state=State.DRAFT).first()
    cases = Case.objects.filter(project=team.project_id, pk__in=case_ids).open()
    member_id = member.pk if member else None
    changed = [
        Handover(case.pk, team.pk, member_id)
        for case in cases.order_by("pk").select_for_update(of=("self",))
        if (case.team_id, case.responsible_id) != (team.pk, member_id)
    ]
    _hand_over(changed, project=team.project, proposal=None, by=by, today=today, now=now)
    if draft:
        _follow(draft, changed, team_id=team.pk, member_id=member_id)
    if changed:
        record(
            action="assignment.reassigned", by=by, project=team.project, obj=team,
            cases=[handover.case_id for handover in changed], member=member_id,
        )  # fmt: skip
    return len(changed)


def _follow(draft: AssignmentProposal, changed: Sequence[Handover], *, team_id: int, member_id: int | None) -> None:
    """Put the draft's entries where the cases have gone; those that left the team that it is about leave it."""
    entries = draft.entries.filter(case__in=[handover.case_id for handover in changed])
    if draft.team_id in {None, team_id}:
        followed = entries.update(team=team_id, member=member_id, moved_by_hand=True)
    else:
        followed = entries.delete()[0]
    if followed:
        draft.revision += 1
        draft.save(update_fields=["revision"])


def _lock(proposal_id: int) -> AssignmentProposal:
    """The draft under lock, so that of two people one goes first. Raises NotADraftError for the other."""
    proposal = AssignmentProposal.objects.select_for_update(of=("self",)).select_related("project").get(pk=proposal_id)
    if proposal.state != State.DRAFT:
        raise NotADraftError(proposal)
    return proposal


def _check_teams(proposal: AssignmentProposal) -> None:
    members = answering_members(proposal.project)
    for team_id, member_id in proposal.entries.values_list("team_id", "member_id").distinct().order_by():
        if team_id not in members or (member_id is not None and member_id not in members[team_id]):
            raise TeamsChangedError


def _hand_over(
    changed: Sequence[Handover],
    *,
    project: Project,
    proposal: AssignmentProposal | None,
    by: User,
    today: date,
    now: datetime,
) -> None:
    """End the present assignments and begin new ones from ``today``. Callers hold the cases' locks."""
    ids = [handover.case_id for handover in changed]
    Assignment.objects.filter(case__in=ids, ends_on=None).update(ends_on=Greatest("starts_on", Value(today)))
    Assignment.objects.bulk_create(
        (
            Assignment(
                project=project,
                case_id=handover.case_id,
                team_id=handover.team_id,
                member_id=handover.member_id,
                starts_on=today,
                proposal=proposal,
                assigned_at=now,
                assigned_by=by,
            )
            for handover in changed
        ),
        batch_size=2000,
    )
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE collection_case SET team_id = v.team, responsible_id = v.member
            FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS v (id, team, member)
            WHERE collection_case.id = v.id
            """,
            [ids, [handover.team_id for handover in changed], [handover.member_id for handover in changed]],
        )
    _tell_members(changed, project=project, by=by, now=now)


def _tell_members(changed: Sequence[Handover], *, project: Project, by: User, now: datetime) -> None:
    numbers = Counter(handover.member_id for handover in changed if handover.member_id not in {None, by.pk})
    url = reverse("company:enter", kwargs={"project_code": project.code}) if numbers else ""
    for member in User.objects.active().filter(pk__in=numbers).order_by("pk"):
        number = numbers[member.pk]
        title = ngettext("You now answer for %(number)s more case", "You now answer for %(number)s more cases", number)
        notify(
            user=member, project=project, key=f"assignment:{now.isoformat()}", title=title % {"number": number}, url=url
        )  # fmt: skip
