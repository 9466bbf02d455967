"""Promise 18: whatever way is taken, nothing is cleared outside the limits, and all that happens is kept and flagged.

Two flats of one owner; pages, number reveals, posted calls and messages, visits at once and visits that a phone sends
late. The oracle counts by itself, from the times alone.
"""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collection import contacts, limits
from collection.models import Case, ContactAttempt
from company.models import Project, User
from owners.models import Phone
from tests.collection.desk import Desk
from tests.factories import NOW, SHANGHAI, create_account, create_project, create_unit
from tests.field_factories import create_field_case, create_field_worker, verify_case

pytestmark = pytest.mark.django_db
DAY, MINUTE = dt.timedelta(days=1), dt.timedelta(minutes=1)
RULES = (({"visit"}, 1, DAY), ({"visit"}, 3, 7 * DAY), ({"call"}, 3, DAY),
         ({"visit", "call", "sms", "wechat", "email"}, 7, 7 * DAY))  # fmt: skip
FREE_HOURS = range(9, 20)


@dataclass
class Happened:
    """A contact as the test remembers it."""

    channel: str
    at: dt.datetime
    is_incoming: bool
    submission: uuid.UUID


@dataclass
class World:
    """Two flats of one owner, somebody who works on them, and a clock that the test turns."""

    cases: list[Case]
    desk: Desk
    now: dt.datetime = NOW
    happened: list[Happened] = field(default_factory=list)

    def times(self, channels: set[str]) -> list[dt.datetime]:
        return [one.at for one in self.happened if one.channel in channels and not one.is_incoming]

    def may_contact(self, channel: str) -> bool:
        """The oracle before the act: would one more now pass a limit?"""
        if self.now.astimezone(SHANGHAI).hour not in FREE_HOURS:
            return False
        return all(
            channel not in channels or sum(self.now - period < at <= self.now for at in self.times(channels)) < most
            for channels, most, period in RULES
        )

    def was_breach(self, one: Happened) -> bool:
        """The oracle after all acts: does a period with this contact in it hold too many?"""
        if one.is_incoming:
            return False
        if one.at.astimezone(SHANGHAI).hour not in FREE_HOURS:
            return True
        return any(
            one.channel in channels and _is_overfull(self.times(channels), one.at, most, period)
            for channels, most, period in RULES
        )


def _is_overfull(times: Sequence[dt.datetime], at: dt.datetime, most: int, period: dt.timedelta) -> bool:
    ends = [end for end in times if at <= end < at + period]
    return any(sum(end - period < other <= end for other in times) > most for end in ends)


@pytest.fixture
def project() -> Project:
    return create_project(verification_hours=24)


@pytest.fixture
def worker(project: Project) -> User:
    return create_field_worker(project=project)


@pytest.fixture
def world(project: Project, worker: User, monkeypatch: pytest.MonkeyPatch) -> World:
    first = create_field_case(project=project, by=worker)
    owner = first.account.ownership.owners.get()
    second = create_field_case(
        project=project, by=worker,
        account=create_account(unit=create_unit(project=project), names=(owner.name,)),
    )  # fmt: skip
    for case in (first, second):
        case.account.ownership.owners.update(id_number="330206198001011234", id_number_hash="a" * 64)
    made = World([first, second], Desk(project, user=worker))
    monkeypatch.setattr(timezone, "now", lambda: made.now)
    return made


def is_cleared_by_page(world: World, case: Case) -> bool:
    return world.desk.get("contact_new", pk=case.pk).context_data["clearance"].allowed


def is_revealed(world: World, case: Case) -> bool:
    phone = Phone.objects.get(owner__memberships__ownership__account=case.account)
    answer = world.desk.post("case_reveal", pk=case.pk, kind="phone", row=phone.pk)
    assert answer.status_code in {200, 403}
    return phone.number in answer.text


def is_cleared_by_door(world: World, case: Case) -> bool:
    return not world.desk.get("visit", pk=case.pk).context_data["why_not"]


def post_call(world: World, case: Case, channel: str, *, is_incoming: bool) -> None:
    one = Happened(channel, world.now, is_incoming, uuid.uuid4())
    sent = {
        "submission": str(one.submission), "channel": channel, "outcome": "no_answer", "payment": "not_discussed",
        "next_contact": "by_rule", "happened_at": f"{world.now.astimezone(SHANGHAI):%Y-%m-%dT%H:%M}",
        **({"is_incoming": "on"} if is_incoming else {}),
    }  # fmt: skip
    assert world.desk.post("contact_new", sent, pk=case.pk).status_code == 302
    world.happened.append(one)


def post_visit(world: World, case: Case, late: dt.timedelta) -> None:
    one = Happened("visit", world.now - late, is_incoming=False, submission=uuid.uuid4())
    sent = {
        "client_id": str(one.submission), "responsible_id": str(case.responsible_id), "outcome": "no_answer",
        "payment": "not_discussed", "next_contact": "by_rule", "request_kind": "",
        "happened_at": f"{one.at.astimezone(SHANGHAI):%Y-%m-%dT%H:%M}",
    }  # fmt: skip
    assert world.desk.post("visit", sent, pk=case.pk).status_code == 302
    world.happened.append(one)


ACTS = st.lists(
    st.tuples(
        st.sampled_from(["call", "sms", "wechat", "visit", "visit_late", "called_by"]),
        st.integers(0, 1),
        st.integers(0, 30 * 60).map(lambda minutes: minutes * MINUTE),
        st.integers(1, 48 * 60).map(lambda minutes: minutes * MINUTE),
    ),
    min_size=4, max_size=12,
)  # fmt: skip


def play(world: World, acts: Sequence[tuple[str, int, dt.timedelta, dt.timedelta]]) -> None:
    """Ask each way first, then let it happen whatever was answered; at last compare all records with the oracle."""
    for way, flat, pause, late in acts:
        world.now += pause
        case = world.cases[flat]
        for one in world.cases:
            verify_case(one, at=world.now)
        assert is_cleared_by_page(world, case) == world.may_contact("call")
        assert is_revealed(world, case) == world.may_contact("call")
        assert is_cleared_by_door(world, case) == world.may_contact("visit")
        if way.startswith("visit"):
            post_visit(world, case, late if way == "visit_late" else dt.timedelta())
        else:
            post_call(world, case, "call" if way == "called_by" else way, is_incoming=way == "called_by")
    _compare(world)


def _compare(world: World) -> None:
    kept = {
        contact.submission or contact.visit.client_id: contact
        for contact in ContactAttempt.objects.select_related("visit")
    }
    assert len(kept) == len(world.happened)
    # A contact is flagged by what was known when it was recorded; what comes in late flags itself.
    for index, one in enumerate(world.happened):
        contact = kept[one.submission]
        assert (contact.channel, contact.happened_at, contact.recorded_at >= one.at) == (one.channel, one.at, True)
        known = World(world.cases, world.desk, world.now, world.happened[: index + 1])
        assert bool(contact.breach) == known.was_breach(one), contact.breach


class TestNoWayAround:
    @given(acts=ACTS)
    @settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_nothing_is_cleared_outside_and_all_is_kept_and_flagged(
        self, world: World, acts: list[tuple[str, int, dt.timedelta, dt.timedelta]]
    ) -> None:
        with afresh(world):
            play(world, acts)

    MANY_CALLS = [("call", number % 2, 20 * MINUTE, MINUTE) for number in range(5)]

    def test_five_calls_in_a_row(self, world: World) -> None:
        play(world, self.MANY_CALLS)
        assert [bool(c.breach) for c in ContactAttempt.objects.order_by("pk")] == [False] * 3 + [True] * 2

    def test_control_without_the_counts_it_fails(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "count_refusals", lambda *_args, **_kwargs: [])
        with pytest.raises(AssertionError):
            play(world, self.MANY_CALLS)

    def test_control_without_the_hours_it_fails(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "hour_refusals", lambda *_args, **_kwargs: [])
        with pytest.raises(AssertionError):
            play(world, [("call", 0, 13 * 60 * MINUTE, MINUTE)])

    def test_control_without_the_flags_it_fails(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(contacts, "breaches", lambda _contact, also: [])
        with pytest.raises(AssertionError):
            play(world, self.MANY_CALLS)


class afresh:  # noqa: N801  reads like contextlib's own
    """Each example starts from the same rows and the same hour."""

    def __init__(self, world: World) -> None:
        self.world, self.atomic = world, transaction.atomic()

    def __enter__(self) -> None:
        self.atomic.__enter__()
        self.world.now, self.world.happened = NOW, []

    def __exit__(self, *error: object) -> None:
        transaction.set_rollback(True)
        self.atomic.__exit__(*error)


def test_the_oracle_sees_too_many() -> None:
    assert _is_overfull([NOW, NOW + MINUTE], NOW, 1, DAY)
    assert not _is_overfull([NOW, NOW + DAY], NOW, 1, DAY)
