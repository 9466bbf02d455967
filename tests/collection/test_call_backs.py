"""The weekly draw of contacts to call back: 5 % and one at least, once a week, repeatable from its seed."""

import datetime as dt
import itertools
import threading

import pytest
from django.conf import settings
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from collection import call_backs
from collection.call_backs import contacts_of_weeks, draw_call_backs, is_as_drawn, record_result, sample
from collection.conduct import OwnConductError, SettledAlreadyError
from collection.models import CallBack, CallBackDraw, Case, ContactAttempt
from company.models import Notification, Project, Role
from owners.models import Phone
from tests.collection.desk import Desk
from tests.collection.test_reminders import at_once
from tests.conduct_factories import create_call_back
from tests.factories import NOW, SHANGHAI, create_contact, create_project, create_promise, create_user
from tests.field_factories import create_field_case, create_field_worker
from tests.preparation import owner_connection

MET = ContactAttempt.Outcome.MET_OWNER
MONDAY = dt.date(2025, 11, 17)
AFTER = dt.datetime(2025, 11, 24, 2, 0, tzinfo=SHANGHAI)
IN_WEEK = dt.datetime(2025, 11, 19, 10, 0, tzinfo=SHANGHAI)
WEEK = dt.timedelta(days=7)


def week_of(number: int, *, at: dt.datetime = IN_WEEK, project: Project | None = None) -> Case:
    """A project with so many contacts recorded in the week."""
    project = project or create_project()
    case = create_field_case(project=project, by=create_field_worker(project=project))
    for _ in range(number):
        create_contact(case=case, outcome=MET, at=at)
    return case


class TestSample:
    @given(st.sets(st.integers(1, 10**9), min_size=1, max_size=300), st.text(min_size=1, max_size=32))
    def test_is_a_twentieth_rounded_up_of_those_that_are_there(self, ids: set[int], seed: str) -> None:
        drawn = sample(ids, seed)
        assert set(drawn) <= ids
        assert len(drawn) == max(1, -(-len(ids) // 20))
        assert sample(sorted(ids, reverse=True), seed) == drawn

    def test_each_contact_is_drawn_about_as_often(self) -> None:
        drawn = list(itertools.chain.from_iterable(sample(range(40), f"seed {n}") for n in range(2000)))
        assert all(60 <= drawn.count(one) <= 140 for one in range(40))


@pytest.mark.django_db
class TestDraw:
    def test_once_a_week_and_told(self) -> None:
        case = week_of(30)
        manager = create_user(project=case.project, role=Role.PROJECT_MANAGER)
        assert [draw_call_backs(now=AFTER), draw_call_backs(now=AFTER)] == [1, 0]
        draw = CallBackDraw.objects.get()
        assert (draw.week_start, draw.population, draw.call_backs.count()) == (MONDAY, 30, 2)
        assert list(Notification.objects.values_list("user", flat=True)) == [manager.pk]

    def test_one_at_least(self) -> None:
        week_of(1)
        draw_call_backs(now=AFTER)
        assert CallBack.objects.count() == 1

    @pytest.mark.parametrize("now", [IN_WEEK, dt.datetime(2025, 11, 24, 0, 30, tzinfo=SHANGHAI)])
    def test_not_before_the_week_is_over_and_settled(self, now: dt.datetime) -> None:
        week_of(1)
        assert draw_call_backs(now=now) == 0

    def test_what_a_phone_sends_late_belongs_to_the_week_in_which_it_arrives(self) -> None:
        case = week_of(0)
        create_contact(case=case, outcome=MET, at=IN_WEEK, recorded_at=IN_WEEK + WEEK)
        assert draw_call_backs(now=AFTER) == 0
        assert draw_call_backs(now=AFTER + WEEK) == 1

    def test_weeks_without_a_beat_are_made_up_for(self) -> None:
        project = create_project()
        for back in range(6):
            week_of(1, at=IN_WEEK - WEEK * back, project=project)
        assert draw_call_backs(now=AFTER) == 4

    def test_each_project_has_its_own_and_a_closed_one_none(self) -> None:
        week_of(1)
        week_of(1)
        closed = week_of(1).project
        closed.is_active = False
        closed.save()
        assert draw_call_backs(now=AFTER) == 2

    def test_the_clock_going_back_and_forth_draws_nothing_twice(self) -> None:
        week_of(5)
        for now in (AFTER, AFTER - WEEK, AFTER, AFTER + WEEK, AFTER):
            draw_call_backs(now=now)
        assert CallBackDraw.objects.count() == CallBack.objects.count() == 1

    def test_can_be_drawn_again_and_checked(self) -> None:
        case = week_of(45)
        draw_call_backs(now=AFTER, new_seed=lambda: "a seed")
        draw = CallBackDraw.objects.get()
        drawn = list(draw.call_backs.values_list("contact", flat=True))
        held = contacts_of_weeks(case.project, [MONDAY])[MONDAY]
        assert drawn == sample(held, "a seed")
        assert is_as_drawn(draw, held, drawn)
        assert not is_as_drawn(draw, held, drawn[:-1])
        assert not is_as_drawn(draw, held[:-1], drawn)
        create_contact(case=case, outcome=MET, at=IN_WEEK)
        assert not is_as_drawn(draw, contacts_of_weeks(case.project, [MONDAY])[MONDAY], drawn)


@pytest.mark.django_db(transaction=True)
class TestTwoBeats:
    def draw_twice(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Both have found the week undrawn before either draws it."""
        met, found = threading.Barrier(2), call_backs._undrawn

        def undrawn(week: dt.date) -> list[Project]:
            projects = found(week)
            if week == MONDAY:
                met.wait(10)
            return projects

        monkeypatch.setattr(call_backs, "_undrawn", undrawn)
        at_once(*[lambda: draw_call_backs(now=AFTER)] * 2)

    def test_draw_a_week_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        week_of(3)
        self.draw_twice(monkeypatch)
        assert CallBackDraw.objects.count() == CallBack.objects.count() == 1

    def test_control_without_the_key_they_draw_it_twice(self, monkeypatch: pytest.MonkeyPatch) -> None:
        week_of(3)
        table, name = "collection_callbackdraw", "one_draw_a_week"
        with owner_connection() as owner:
            owner.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        written = threading.Barrier(2)  # both have written their draw before either commits
        monkeypatch.setattr(call_backs, "sample", lambda ids, seed: (written.wait(10), sample(ids, seed))[1])
        try:
            self.draw_twice(monkeypatch)
            assert CallBackDraw.objects.count() == CallBack.objects.count() == 2
        finally:
            with owner_connection() as owner:
                owner.execute(f"TRUNCATE {table} CASCADE")
                owner.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} UNIQUE (project_id, week_start)")


@pytest.mark.django_db
class TestResult:
    @pytest.fixture(autouse=True)
    def clock(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(timezone, "now", lambda: NOW)

    @pytest.fixture
    def case(self) -> Case:
        return week_of(0)

    @pytest.fixture
    def manager(self, case: Case) -> Desk:
        return Desk(case.project)

    def test_is_written_once(self, case: Case, manager: Desk) -> None:
        drawn = create_call_back(case=case)
        assert manager.url("call_back", pk=drawn.pk) in manager.get("conduct").text
        manager.post("call_back", {"result": "as_recorded", "note": ""}, pk=drawn.pk)
        manager.post("call_back", {"result": "rude", "note": "改口"}, pk=drawn.pk)
        drawn.refresh_from_db()
        assert (drawn.result, drawn.note, drawn.called_by, drawn.called_at) == ("as_recorded", "", manager.user, NOW)
        with pytest.raises(SettledAlreadyError):
            record_result(drawn.pk, CallBack.Result.RUDE, "x", by=manager.user, now=NOW)

    @pytest.mark.parametrize("sent", [{"result": ""}, {"result": "different"}, {"result": "rude", "note": " "}])
    def test_a_difference_is_put_into_words(self, case: Case, manager: Desk, sent: dict[str, str]) -> None:
        drawn = create_call_back(case=case)
        assert manager.post("call_back", sent, pk=drawn.pk).context_data["form"].errors
        drawn.refresh_from_db()
        assert drawn.called_at is None

    def test_not_of_ones_own_contact(self, case: Case, manager: Desk) -> None:
        contact = create_contact(case=case, outcome=MET, recorded_by=manager.user)
        drawn = create_call_back(case=case, contact=contact)
        assert manager.get("call_back", pk=drawn.pk).status_code == 404
        assert manager.url("call_back", pk=drawn.pk) not in manager.get("conduct").text
        with pytest.raises(OwnConductError):
            record_result(drawn.pk, CallBack.Result.AS_RECORDED, "", by=manager.user, now=NOW)

    def test_the_number_is_shown_in_the_hours_while_the_call_waits(
        self, case: Case, manager: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        phone = Phone.objects.get()
        create_promise(case=case, pay_by=NOW.date() + dt.timedelta(days=3))
        drawn = create_call_back(case=case)

        def ask() -> str:
            url = manager.url("case_reveal", pk=case.pk, kind="phone", row=phone.pk)
            return str(manager.client.post(url, {"why": "call_back"}).text)

        assert 'value="call_back"' in manager.get("call_back", pk=drawn.pk).text
        assert phone.number in ask()
        monkeypatch.setattr(timezone, "now", lambda: NOW.replace(hour=21))
        assert phone.number not in ask()
        monkeypatch.setattr(timezone, "now", lambda: NOW)
        record_result(drawn.pk, CallBack.Result.AS_RECORDED, "", by=manager.user, now=NOW)
        assert phone.number not in ask()

    def test_the_page_says_whether_a_draw_comes_out_the_same(self, case: Case, manager: Desk) -> None:
        create_contact(case=case, outcome=MET, at=IN_WEEK)
        draw_call_backs(now=AFTER)
        assert [same for _draw, _number, same in manager.get("conduct").context_data["draws"]] == [True]
        create_contact(case=case, outcome=MET, at=IN_WEEK)
        assert [same for _draw, _number, same in manager.get("conduct").context_data["draws"]] == [False]


def test_the_beat_knows_it() -> None:
    assert settings.CELERY_BEAT_SCHEDULE["collection.draw_call_backs"]["task"] == "collection.draw_call_backs"
