"""The assignment board: what a proposal gives to each team or member, how loads compare, and what changes."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property

from django.utils.translation import gettext as _

from collection.balancing import AMOUNT_WEIGHT, DIFFICULTY_WEIGHT, LOAD_LIMIT, NUMBER_WEIGHT, PART_LIMIT
from collection.models import AssignmentProposal, PromiseToPay, Team, TeamMember
from company.models import User

ZERO = Decimal(0)
MEAN_AT = 76  # percent of a bar's length at which the mean stands


@dataclass(frozen=True, slots=True)
class Entry:
    """One proposed case with what the board needs of it."""

    case_id: int
    unit_code: str
    building_id: int
    building: str
    entrance: str
    amount: Decimal
    difficulty: Decimal
    team_id: int
    member_id: int | None
    present_team_id: int | None
    present_member_id: int | None
    is_open: bool

    @property
    def changes_hands(self) -> bool:
        return (self.team_id, self.member_id) != (self.present_team_id, self.present_member_id)


@dataclass(frozen=True, slots=True)
class Load:
    """What one team or member gets, and each part over the mean of all (1 where there is nothing to share)."""

    number: int
    amount: Decimal
    difficulty: Decimal
    number_ratio: Decimal
    amount_ratio: Decimal
    difficulty_ratio: Decimal

    @property
    def weighted(self) -> Decimal:
        return (
            NUMBER_WEIGHT * self.number_ratio
            + AMOUNT_WEIGHT * self.amount_ratio
            + DIFFICULTY_WEIGHT * self.difficulty_ratio
        )

    @property
    def is_within_limits(self) -> bool:
        return self.weighted <= LOAD_LIMIT and self.number_ratio <= PART_LIMIT and self.amount_ratio <= PART_LIMIT

    @property
    def number_bar(self) -> Decimal:
        return self.number_ratio * MEAN_AT

    @property
    def amount_bar(self) -> Decimal:
        return self.amount_ratio * MEAN_AT

    @property
    def difficulty_bar(self) -> Decimal:
        return self.difficulty_ratio * MEAN_AT


@dataclass(frozen=True, slots=True)
class Card:
    """Cases of a building, or of one entrance of it, that are moved together."""

    building_id: int
    label: str
    entrance: str | None  # None: all of the building
    number: int
    amount: Decimal
    difficulty: Decimal
    is_part: bool  # other cases of the same entrance are elsewhere
    origin: str  # from whom it comes; empty where it stays
    moved: int  # how many of its cases change hands


@dataclass(slots=True)
class Column:
    """A team, or one of its members; ``holder_id`` is None for cases without a member."""

    holder_id: int | None
    name: str
    leader: str
    posts: list[tuple[str, int]]
    load: Load
    cards: list[Card] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Change:
    """Cases that go from one holder to another."""

    label: str
    number: int
    amount: Decimal
    source: str  # empty: nobody yet
    target: str
    splits: bool


class Board:
    """A draft as one looks at it: all teams, or with ``team`` the members of that team."""

    mean_at = MEAN_AT
    load_limit, part_limit = LOAD_LIMIT, PART_LIMIT
    weights = {"number": NUMBER_WEIGHT, "amount": AMOUNT_WEIGHT, "difficulty": DIFFICULTY_WEIGHT}

    def __init__(self, proposal: AssignmentProposal, *, team: Team | None = None) -> None:
        self.proposal, self.team = proposal, team
        entries = read_entries(proposal)
        self.entries = [entry for entry in entries if team is None or entry.team_id == team.pk]

    @cached_property
    def teams(self) -> list[Team]:
        """Teams that the draft is about, in their order."""
        teams = Team.objects.filter(project=self.proposal.project_id).active().select_related("leader")
        return [team for team in teams if self.proposal.team_id in {None, team.pk}]

    @cached_property
    def columns(self) -> list[Column]:
        held: dict[int | None, list[Entry]] = defaultdict(list)
        for entry in self.entries:
            held[self._holder(entry)].append(entry)
        heads = self._team_columns() if self.team is None else self._member_columns(self.team, unheld=None in held)
        loads = loads_of([held[head.holder_id] for head in heads])
        for head, load in zip(heads, loads, strict=True):
            head.load = load
            head.cards = self._cards(held[head.holder_id])
        return heads

    @property
    def number(self) -> int:
        return len(self.entries)

    @cached_property
    def amount(self) -> Decimal:
        return sum((entry.amount for entry in self.entries), ZERO)

    @cached_property
    def moved_by_hand(self) -> int:
        return self.proposal.entries.filter(moved_by_hand=True).count()

    @cached_property
    def handed_over(self) -> int:
        """Cases that another member will answer for."""
        return sum(entry.changes_hands and entry.is_open for entry in self.entries)

    @cached_property
    def closed(self) -> list[str]:
        """Units whose case was closed since the draft was made; a confirmation leaves them out."""
        return [entry.unit_code for entry in self.entries if not entry.is_open]

    @cached_property
    def within_limits(self) -> bool:
        return all(column.load.is_within_limits for column in self.columns)

    @cached_property
    def split_buildings(self) -> dict[int, str]:
        """Buildings with cases in more than one column, by id."""
        places: dict[int, set[int | None]] = defaultdict(set)
        for entry in self.entries:
            places[entry.building_id].add(self._holder(entry))
        names = {entry.building_id: entry.building for entry in self.entries}
        return {building: names[building] for building, holders in places.items() if len(holders) > 1}

    @cached_property
    def changes(self) -> list[Change]:
        """What goes from whom to whom: by building where it was held, summed up where nobody held it."""
        groups: dict[tuple[int | None, int | None, int | None], list[Entry]] = defaultdict(list)
        for entry in self.entries:
            source, target = self._present(entry), self._holder(entry)
            if source != target:
                groups[source, target, entry.building_id if source is not None else None].append(entry)
        return [
            Change(
                label=self._label(entries) if building is not None else _("New cases"),
                number=len(entries),
                amount=sum((entry.amount for entry in entries), ZERO),
                source=self._names.get(source, _("another team")) if source is not None else "",
                target=self._names.get(target, _("without a member")) if target is not None else "",
                splits=building in self.split_buildings,
            )
            for (source, target, building), entries in groups.items()
        ]

    @cached_property
    def promised(self) -> list[str]:
        """Units with a promise that is not due yet and whose member changes: to be talked over before."""
        moving = {e.case_id: e.unit_code for e in self.entries if e.changes_hands and e.present_member_id is not None}
        waiting = PromiseToPay.objects.filter(case__in=moving, state=PromiseToPay.State.WAITING)
        return sorted({moving[case_id] for case_id in waiting.values_list("case_id", flat=True)})

    @cached_property
    def _names(self) -> dict[int | None, str]:
        if self.team is None:
            return {team.pk: team.name for team in Team.objects.filter(project=self.proposal.project_id)}
        ids = {entry.member_id for entry in self.entries} | {entry.present_member_id for entry in self.entries}
        return dict(User.objects.filter(pk__in=ids - {None}).values_list("pk", "name"))

    def _holder(self, entry: Entry) -> int | None:
        return entry.team_id if self.team is None else entry.member_id

    def _present(self, entry: Entry) -> int | None:
        return entry.present_team_id if self.team is None else entry.present_member_id

    def _team_columns(self) -> list[Column]:
        posts = _posts_of(self.teams)
        return [
            Column(team.pk, team.name, team.leader.name if team.leader else "", posts[team.pk], NOTHING)
            for team in self.teams
        ]

    def _member_columns(self, team: Team, *, unheld: bool) -> list[Column]:
        members = TeamMember.objects.present().filter(team=team).select_related("user__post")
        members = members.exclude(user=self.proposal.member_id)  # who hands over is none of those it is split over
        columns = [
            Column(m.user_id, m.user.name, "", [(m.user.post.name, 1)] if m.user.post else [], NOTHING) for m in members
        ]
        known = {column.holder_id for column in columns}
        gone = {entry.member_id for entry in self.entries if entry.member_id is not None} - known
        columns += [Column(pk, self._names[pk], "", [], NOTHING) for pk in sorted(gone)]
        return columns + ([Column(None, _("without a member"), "", [], NOTHING)] if unheld else [])

    def _cards(self, entries: Sequence[Entry]) -> list[Card]:
        """Buildings in walking order; one that is split between columns, or partly moved, by entrance."""
        groups: dict[tuple[int, str | None], list[Entry]] = defaultdict(list)
        for entry in entries:
            whole = entry.building_id not in self.split_buildings
            groups[entry.building_id, None if whole else entry.entrance].append(entry)
        return [self._card(entrance, members) for (_building, entrance), members in groups.items()]

    def _card(self, entrance: str | None, entries: Sequence[Entry]) -> Card:
        first = entries[0]
        coming = [entry for entry in entries if self._present(entry) != self._holder(entry)]
        return Card(
            building_id=first.building_id,
            label=first.building if entrance is None else place_label(first.building, [entrance]),
            entrance=entrance,
            number=len(entries),
            amount=sum((entry.amount for entry in entries), ZERO),
            difficulty=sum((entry.difficulty for entry in entries), ZERO),
            is_part=entrance is not None and len(entries) < self._entrance_sizes[first.building_id, entrance],
            origin=self._origin(coming, len(entries)),
            moved=len(coming),
        )

    @cached_property
    def _entrance_sizes(self) -> Counter[tuple[int, str]]:
        return Counter((entry.building_id, entry.entrance) for entry in self.entries)

    def _origin(self, coming: Sequence[Entry], size: int) -> str:
        if not coming:
            return ""
        sources = {self._present(entry) for entry in coming}
        if len(coming) < size or len(sources) > 1:
            return _("%(number)s from elsewhere") % {"number": len(coming)}
        source = sources.pop()
        if source is None:
            return _("not assigned before")
        return _("was %(holder)s") % {"holder": self._names.get(source, _("another team"))}

    def _label(self, entries: Sequence[Entry]) -> str:
        if entries[0].building_id not in self.split_buildings:
            return entries[0].building
        return place_label(entries[0].building, sorted({entry.entrance for entry in entries}))


NOTHING = Load(0, ZERO, ZERO, ZERO, ZERO, ZERO)


def read_entries(proposal: AssignmentProposal) -> list[Entry]:
    """All entries of the draft in walking order, with one query."""
    rows = proposal.entries.order_by("case__account__unit__sort_key", "case_id").values_list(
        "case_id", "case__account__unit__code", "case__account__unit__building_id",
        "case__account__unit__building__name", "case__account__unit__entrance", "amount", "difficulty",
        "team_id", "member_id", "case__team_id", "case__responsible_id", "case__state",
    )  # fmt: skip
    return [Entry(*row[:-1], is_open=row[-1] == "open") for row in rows]


def loads_of(shares: Sequence[Sequence[Entry]]) -> list[Load]:
    """The load of each share, compared with the mean of all."""
    numbers = [len(entries) for entries in shares]
    amounts = [sum((entry.amount for entry in entries), ZERO) for entries in shares]
    points = [sum((entry.difficulty for entry in entries), ZERO) for entries in shares]
    return [
        Load(*parts)
        for parts in zip(
            numbers, amounts, points, _ratios(map(Decimal, numbers)), _ratios(amounts), _ratios(points), strict=True
        )
    ]


def _ratios(values: Iterable[Decimal]) -> list[Decimal]:
    """Each over the mean of all."""
    listed = list(values)
    total = sum(listed, ZERO)
    return [value * len(listed) / total if total else ZERO for value in listed]


def place_label(building: str, entrances: Sequence[str]) -> str:
    """``8栋 1、2单元``; the building alone where it has no entrances."""
    named = [entrance for entrance in entrances if entrance]
    return f"{building} {'、'.join(named)}单元" if named else building


def _posts_of(teams: Sequence[Team]) -> dict[int, list[tuple[str, int]]]:
    """How many of each post a team has, by team id."""
    counts: dict[int, Counter[str]] = {team.pk: Counter() for team in teams}
    members = TeamMember.objects.present().filter(team__in=counts).order_by("user__post__position", "pk")
    for team_id, post in members.values_list("team_id", "user__post__name"):
        counts[team_id][post or _("without a post")] += 1
    return {team_id: list(counter.items()) for team_id, counter in counts.items()}
