"""Splitting cases between teams, or between the members of a team, so that the loads are alike. Arithmetic alone.

Buildings are placed whole, the heaviest first; then a local search moves and swaps buildings. As long as a limit is
passed, buildings are broken into entrances, these into halves, and so on down to single cases. Nothing is random.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

NUMBER_WEIGHT, AMOUNT_WEIGHT, DIFFICULTY_WEIGHT = Decimal("0.3"), Decimal("0.4"), Decimal("0.3")
LOAD_LIMIT = Decimal("1.02")  # weighted load ÷ mean
PART_LIMIT = Decimal("1.05")  # number and amount ÷ mean
LEAST_LOAD = 0.95  # below it a building may be split to fill up a team

EXCESS_COST = 10.0  # of passing a limit by the whole mean
BREACH_COST = 0.2  # of passing a limit at all
SPLIT_COST = 0.002  # of a building held in one place more
HANDOVER_COST = 1.0  # of the mean load changing hands
MARGIN = 1e-9
MOST_LOAD, MOST_PART = float(LOAD_LIMIT) - MARGIN, float(PART_LIMIT) - MARGIN
ENOUGH_STEPS = 2_000


@dataclass(frozen=True, slots=True)
class Item:
    """One case to be placed. ``holder`` has it now."""

    case_id: int
    building: int
    entrance: str
    amount: Decimal
    difficulty: Decimal
    holder: int | None = None


class Vector(NamedTuple):
    """Weighted load, number and amount, each as a part of the mean of one holder."""

    load: float
    number: float
    amount: float

    def plus(self, other: "Vector") -> "Vector":
        return Vector(self[0] + other[0], self[1] + other[1], self[2] + other[2])

    def minus(self, other: "Vector") -> "Vector":
        return Vector(self[0] - other[0], self[1] - other[1], self[2] - other[2])


ZERO = Vector(0.0, 0.0, 0.0)
Members = list[tuple[Item, Vector]]


@dataclass(slots=True, eq=False)
class Piece:
    """Cases of one building that are moved together."""

    building: int
    items: Members
    at: int  # index of the holder
    size: Vector = field(init=False)
    held: dict[int, float] = field(init=False)

    def __post_init__(self) -> None:
        self.size, self.held = ZERO, defaultdict(float)
        for item, vector in self.items:
            self.size = self.size.plus(vector)
            if item.holder is not None:
                self.held[item.holder] += vector.load


def balance(items: Sequence[Item], holders: Sequence[int], *, standing: Sequence[Item] = ()) -> dict[int, int]:
    """The holder of each case by case id. Every case gets exactly one; the same input gives the same answer.

    ``items`` come in walking order, so that a part of an entrance is a run of neighbouring flats. ``standing`` cases
    stay with their holder, one of ``holders``; they count in the loads and draw their building's cases.
    """
    if not holders:
        raise ValueError("nobody to give the cases to")
    index = {holder: at for at, holder in enumerate(holders)}
    sized = list(_sizes([*items, *standing], len(holders)))
    stays = _Standing(len(holders))
    for item, size in sized[len(items) :]:
        stays.add(item.building, index[item.holder or 0], size)
    search = _Search(holders, _whole_buildings(sized[: len(items)], index, stays), stays)
    search.improve(everywhere=True)
    cut = _by_entrance
    while search.excess() > 0 and search.break_up(cut):
        search.improve()
        cut = _in_halves
    search.only_load = True  # the weighted score comes before its parts where both cannot be had
    search.improve()
    return {item.case_id: holders[piece.at] for piece in search.pieces for item, _size in piece.items}


def _by_entrance(items: Members) -> list[Members]:
    entrances: dict[str, Members] = defaultdict(list)
    for item, size in items:
        entrances[item.entrance].append((item, size))
    return list(entrances.values())


def _in_halves(items: Members) -> list[Members]:
    middle = (len(items) + 1) // 2
    return [half for half in (items[:middle], items[middle:]) if half]


def _sizes(items: Sequence[Item], holders: int) -> Iterator[tuple[Item, Vector]]:
    total_amount = float(sum(item.amount for item in items))
    total_difficulty = float(sum(item.difficulty for item in items))
    number = holders / len(items) if items else 0.0
    for item in items:
        amount = holders * float(item.amount) / total_amount if total_amount else number
        difficulty = holders * float(item.difficulty) / total_difficulty if total_difficulty else number
        load = float(NUMBER_WEIGHT) * number + float(AMOUNT_WEIGHT) * amount + float(DIFFICULTY_WEIGHT) * difficulty
        yield item, Vector(load, number, amount)


class _Standing:
    """What holders have and keep: their loads, and how many cases of each building."""

    def __init__(self, holders: int) -> None:
        self.loads = [ZERO] * holders
        self.places: dict[int, Counter[int]] = defaultdict(Counter)

    def add(self, building: int, at: int, size: Vector) -> None:
        self.loads[at] = self.loads[at].plus(size)
        self.places[building][at] += 1


def _whole_buildings(sized: Members, index: dict[int, int], standing: _Standing) -> list[Piece]:
    """Where the search starts: what is held stays, new cases join their building, new buildings fill the gaps."""
    of_building: dict[int, Members] = defaultdict(list)
    for item, size in sized:
        at = index.get(item.holder) if item.holder is not None else None
        held = Item(item.case_id, item.building, item.entrance, item.amount, item.difficulty, at)
        of_building[item.building].append((held, size))
    placed: list[Piece] = []
    unplaced: list[Piece] = []
    for building, members in of_building.items():
        held_by = Counter(item.holder for item, _size in members if item.holder is not None)
        most = (held_by + standing.places[building]).most_common(1)
        if not most:
            unplaced.append(Piece(building, members, 0))
            continue
        at_holder: dict[int, Members] = defaultdict(list)
        for item, size in members:
            at_holder[item.holder if item.holder is not None else int(most[0][0] or 0)].append((item, size))
        placed.extend(Piece(building, some, at) for at, some in at_holder.items())
    _fill_gaps(placed, unplaced, [load.load for load in standing.loads])
    return placed


def _fill_gaps(placed: list[Piece], unplaced: list[Piece], loads: list[float]) -> None:
    for piece in placed:
        loads[piece.at] += piece.size.load
    for piece in sorted(unplaced, key=lambda piece: (-piece.size.load, piece.building)):
        piece.at = min(range(len(loads)), key=lambda at: (loads[at], at))
        loads[piece.at] += piece.size.load
        placed.append(piece)


class _Step(NamedTuple):
    gain: float
    piece: Piece
    to: int
    back: Piece | None  # comes back in exchange


class _Search:
    """Pieces and where they are; takes the best step that helps until none does."""

    def __init__(self, holders: Sequence[int], pieces: list[Piece], standing: _Standing) -> None:
        self.only_load = False
        self.standing = standing
        self.count = len(holders)
        self.pieces = pieces
        self.loads = list(standing.loads)
        for piece in pieces:
            self.loads[piece.at] = self.loads[piece.at].plus(piece.size)
        self._regroup(pieces)

    def _regroup(self, pieces: list[Piece]) -> None:
        self.pieces = pieces
        self.at: list[list[Piece]] = [[] for _ in range(self.count)]
        self.places = defaultdict(Counter, {b: Counter(at) for b, at in self.standing.places.items()})
        for piece in pieces:
            self.at[piece.at].append(piece)
            self.places[piece.building][piece.at] += 1

    def break_up(self, cut: Callable[[Members], list[Members]]) -> bool:
        """Cut every piece; False where all of them are single cases already."""
        if all(len(piece.items) == 1 for piece in self.pieces):
            return False
        self._regroup([Piece(piece.building, part, piece.at) for piece in self.pieces for part in cut(piece.items)])
        return True

    def excess(self) -> float:
        """By how much limits are passed in all."""
        return sum(self._excess(*load) for load in self.loads)

    def _excess(self, weighted: float, number: float, amount: float) -> float:
        excess = weighted - MOST_LOAD if weighted > MOST_LOAD else max(0.0, LEAST_LOAD - weighted)
        if self.only_load:
            return excess
        if number > MOST_PART:
            excess += number - MOST_PART
        return excess + amount - MOST_PART if amount > MOST_PART else excess

    def _cost(self, weighted: float, number: float, amount: float) -> float:
        excess = self._excess(weighted, number, amount)
        return (EXCESS_COST * excess + BREACH_COST if excess else 0.0) + (weighted - 1) ** 2

    def _cost_after(self, source: Vector, target: Vector, moved: Vector, back: Vector = ZERO) -> float:
        """What both cost when one gives ``moved`` to the other and takes ``back``; plain numbers, since tried often."""
        weighted, number, amount = moved[0] - back[0], moved[1] - back[1], moved[2] - back[2]
        less = self._cost(source[0] - weighted, source[1] - number, source[2] - amount)
        return less + self._cost(target[0] + weighted, target[1] + number, target[2] + amount)

    def improve(self, *, everywhere: bool = False) -> None:
        """Take steps while limits are passed; ``everywhere`` also while loads become more alike."""
        for _ in range(ENOUGH_STEPS):
            if not everywhere and self.excess() <= 0:
                return
            wanting = (at for at in range(self.count) if everywhere or self._excess(*self.loads[at]) > 0)
            order = sorted(wanting, key=lambda at: (-self._cost(*self.loads[at]), at))
            step = next(filter(None, map(self._best_step, order)), None)
            if step is None:
                return
            self._take(step)

    def _best_step(self, at: int) -> _Step | None:
        """The step with the greatest gain that takes from, gives to or exchanges with the holder."""
        return self._best(self._moves(at)) or self._best(self._swaps(at))

    def _best(self, steps: Iterator[_Step]) -> _Step | None:
        best: _Step | None = None
        for step in steps:
            if best is None or step.gain > best.gain + MARGIN:
                best = step
        return best

    def _moves(self, at: int) -> Iterator[_Step]:
        here = self._cost(*self.loads[at])
        for other in range(self.count):
            if other == at:
                continue
            before = here + self._cost(*self.loads[other])
            source, target = (at, other) if self.loads[at].load > self.loads[other].load else (other, at)
            for piece in self.at[source]:
                after = self._cost_after(self.loads[source], self.loads[target], piece.size)
                gain = before - after - self._friction(piece, target)
                if gain > MARGIN:
                    yield _Step(gain, piece, target, None)

    def _swaps(self, at: int) -> Iterator[_Step]:
        for other in range(self.count):
            if other == at:
                continue
            here, there = self.loads[at], self.loads[other]
            before = self._cost(*here) + self._cost(*there)
            wanted = (here.load - there.load) / 2
            partners = sorted(self.at[other], key=lambda piece: piece.size.load)
            sizes = [piece.size.load for piece in partners]
            for piece in self.at[at]:
                near = bisect_left(sizes, piece.size.load - wanted)
                for back in partners[max(0, near - 2) : near + 2]:
                    after = self._cost_after(here, there, piece.size, back.size)
                    friction = self._handover(piece, other) + self._handover(back, at)
                    if piece.building != back.building:
                        friction += self._more_places(piece, other) + self._more_places(back, at)
                    if before - after - friction > MARGIN:
                        yield _Step(before - after - friction, piece, other, back)

    def _friction(self, piece: Piece, to: int) -> float:
        """What a move costs by itself; negative where it heals."""
        return self._handover(piece, to) + self._more_places(piece, to)

    def _handover(self, piece: Piece, to: int) -> float:
        return HANDOVER_COST * (piece.held.get(piece.at, 0.0) - piece.held.get(to, 0.0))

    def _more_places(self, piece: Piece, to: int) -> float:
        places = self.places[piece.building]
        return SPLIT_COST * ((places[to] == 0) - (places[piece.at] == 1))

    def _take(self, step: _Step) -> None:
        source = step.piece.at
        self._put(step.piece, step.to)
        if step.back:
            self._put(step.back, source)

    def _put(self, piece: Piece, to: int) -> None:
        self.loads[piece.at] = self.loads[piece.at].minus(piece.size)
        self.loads[to] = self.loads[to].plus(piece.size)
        self.at[piece.at].remove(piece)
        self.at[to].append(piece)
        places = self.places[piece.building]
        places[piece.at] -= 1
        places[to] += 1
        piece.at = to


def split_buildings(places: Iterable[tuple[int, int]]) -> set[int]:
    """Buildings with more than one holder, of pairs of building and holder."""
    holders: dict[int, set[int]] = defaultdict(set)
    for building, holder in places:
        holders[building].add(holder)
    return {building for building, several in holders.items() if len(several) > 1}
