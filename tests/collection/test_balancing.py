"""A split loses and doubles no case, keeps buildings together, and stays within the limits."""

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collection.balancing import LOAD_LIMIT, PART_LIMIT, Item, balance, split_buildings


def item(case_id: int, *, building: int = 1, amount: str = "1000", difficulty: str = "5", **fields: object) -> Item:
    return Item(
        case_id=case_id,
        building=building,
        entrance=str(fields.get("entrance", "1")),
        amount=Decimal(amount),
        difficulty=Decimal(difficulty),
        holder=fields.get("holder"),
    )


def parts(items: Sequence[Item], holders: Sequence[int]) -> dict[int, tuple[Decimal, Decimal, Decimal]]:
    """Number, amount and difficulty of each case as a part of one holder's mean, computed another way."""
    amounts = sum(i.amount for i in items) or Decimal(1)
    points = sum(i.difficulty for i in items) or Decimal(1)
    count = len(holders)
    return {
        i.case_id: (Decimal(count) / len(items), count * i.amount / amounts, count * i.difficulty / points)
        for i in items
    }


def weighted(number: Decimal, amount: Decimal, difficulty: Decimal) -> Decimal:
    return Decimal("0.3") * number + Decimal("0.4") * amount + Decimal("0.3") * difficulty


def loads(items: Sequence[Item], holders: Sequence[int], split: Mapping[int, int]) -> list[tuple[Decimal, ...]]:
    """Weighted load, number and amount of each holder, each over the mean."""
    of, result = parts(items, holders), []
    for holder in holders:
        mine = [of[i.case_id] for i in items if split[i.case_id] == holder]
        number, amount, difficulty = (sum((part[n] for part in mine), Decimal(0)) for n in range(3))
        result.append((weighted(number, amount, difficulty), number, amount))
    return result


@st.composite
def many_cases(draw: st.DrawFn, *, amounts: st.SearchStrategy[int], least: int = 1, most: int = 120) -> list[Item]:
    holders = st.one_of(st.none(), st.integers(0, 5))
    rows = st.tuples(st.integers(1, 6), st.integers(1, 3), amounts, st.integers(0, 20), holders)
    return [
        item(n, building=b, entrance=e, amount=str(a), difficulty=str(Decimal(d) / 2), holder=h)
        for n, (b, e, a, d, h) in enumerate(draw(st.lists(rows, min_size=least, max_size=most)), start=1)
    ]


@settings(max_examples=60, deadline=None)
@given(many_cases(amounts=st.integers(1, 300_000)), st.integers(1, 7))
def test_no_case_is_lost_or_doubled_and_no_load_passes_what_single_cases_allow(items: list[Item], count: int) -> None:
    holders = list(range(count))
    split = balance(items, holders)
    assert sorted(split) == [i.case_id for i in items]
    assert set(split.values()) <= set(holders)
    assert balance(items, holders) == split
    heaviest = max(weighted(*part) for part in parts(items, holders).values())
    allowed = max(LOAD_LIMIT, 1 + heaviest)
    assert max(load for load, _n, _a in loads(items, holders, split)) <= allowed + Decimal("0.000001")


@settings(max_examples=30, deadline=None)
@given(many_cases(amounts=st.integers(2_000, 6_000), least=150, most=250), st.integers(2, 4))
def test_limits_hold_where_no_case_is_large(items: list[Item], count: int) -> None:
    holders = list(range(count))
    for load, number, amount in loads(items, holders, balance(items, holders)):
        assert load <= LOAD_LIMIT
        assert number <= PART_LIMIT
        assert amount <= PART_LIMIT


def test_buildings_of_equal_weight_stay_whole() -> None:
    items = [item(n, building=n // 10) for n in range(80)]
    split = balance(items, [7, 8, 9, 10])
    assert split_buildings((i.building, split[i.case_id]) for i in items) == set()
    assert Counter(split.values()) == dict.fromkeys([7, 8, 9, 10], 20)


def test_a_building_that_is_too_large_is_split_by_entrance() -> None:
    items = [item(n, building=1, entrance=str(n // 20)) for n in range(40)]
    items += [item(n, building=2) for n in range(40, 60)]
    split = balance(items, [1, 2, 3])
    assert split_buildings((i.building, split[i.case_id]) for i in items) == {1}
    assert len({(i.entrance, split[i.case_id]) for i in items if i.building == 1}) == 2


def test_a_balanced_split_is_left_alone() -> None:
    items = [item(n, building=n // 10, holder=n // 20) for n in range(60)]
    assert balance(items, [0, 1, 2]) == {i.case_id: i.holder for i in items}


def test_new_cases_join_their_building() -> None:
    items = [item(n, building=n // 50, holder=n // 50 if n % 50 else None) for n in range(100)]
    assert balance(items, [0, 1]) == {i.case_id: i.building for i in items}


def test_who_left_holds_nothing() -> None:
    items = [item(n, building=n, holder=99) for n in range(20)]
    assert Counter(balance(items, [1, 2]).values()) == {1: 10, 2: 10}


def test_nobody_to_give_cases_to() -> None:
    with pytest.raises(ValueError, match="nobody"):
        balance([item(1)], [])


def test_cases_without_amount_or_difficulty() -> None:
    items = [item(n, building=n, amount="0", difficulty="0") for n in range(10)]
    assert Counter(balance(items, [1, 2]).values()) == {1: 5, 2: 5}


def test_no_cases() -> None:
    assert balance([], [1, 2]) == {}


def test_5000_cases_to_20_teams_take_two_seconds() -> None:
    items = [
        item(n, building=n % 97, entrance=n % 3, amount=str(500 + n * 7919 % 9000), difficulty=str(n * 31 % 20 / 2))
        for n in range(5000)
    ]
    start = process_time()
    balance(items, list(range(20)))
    assert process_time() - start <= 2
