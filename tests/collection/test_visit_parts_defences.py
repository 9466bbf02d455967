"""Parts of a visit: what the database refuses, and two members who record for the same units at once."""

import datetime as dt
import threading
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import DatabaseError, OperationalError, connection, transaction

from collection import visits
from collection.models import Case, ContactAttempt, Visit
from company.models import Project, User
from tests.arrears.spoiling import as_owner
from tests.collection.units_of_one import cases_of_one_person
from tests.collection.visits_told import send, told
from tests.factories import NOW, create_contact, create_project, create_user
from tests.field_factories import create_field_case, create_field_worker

Channel, Outcome, Payment = ContactAttempt.Channel, ContactAttempt.Outcome, ContactAttempt.Payment
DAY = dt.timedelta(days=1)


@pytest.fixture
def project(db: None) -> Project:
    return create_project()


@pytest.fixture
def worker(project: Project) -> User:
    return create_field_worker(project=project)


@pytest.fixture
def cases(project: Project, worker: User) -> list[Case]:
    return cases_of_one_person(project, worker, worker, worker)


class TestDatabaseHolds:
    """What no code may do; each attack names what the database says, since another reason would prove nothing."""

    FOLLOW, NOTHING, ONCE = "a part is what its contact is", "part_says_nothing_itself", "one_part_a_case"

    @pytest.fixture
    def visit(self, worker: User, cases: list[Case]) -> Visit:
        return send(cases[0], told(cases[0], [cases[1]]), worker)

    def refused(self, act: Callable[[], object], by: str) -> None:
        def to_the_end() -> None:
            act()
            connection.cursor().execute("SET CONSTRAINTS ALL IMMEDIATE")  # as at the end of the transaction

        with pytest.raises(DatabaseError, match=by), transaction.atomic():
            to_the_end()

    def test_the_fixture_makes_what_is_taken(self, visit: Visit, cases: list[Case]) -> None:
        create_part(visit, cases[2])
        connection.cursor().execute("SET CONSTRAINTS ALL IMMEDIATE")

    @pytest.mark.parametrize(
        "fields",
        [
            {"outcome": Outcome.NO_ANSWER},
            {"at": NOW - DAY},
            {"recorded_at": NOW - DAY},
            {"recorded_by": None},
        ],
    )
    def test_a_part_is_of_its_kind_and_moment(self, visit: Visit, cases: list[Case], fields: dict[str, Any]) -> None:
        fields = {name: value or create_user(name="孙立") for name, value in fields.items()}
        self.refused(lambda: create_part(visit, cases[2], **fields), self.FOLLOW)

    @pytest.mark.parametrize("change", [{"outcome": "no_answer"}, {"happened_at": NOW - DAY}, {"is_incoming": True}])
    @pytest.mark.parametrize("of_the_part", [True, False])
    def test_neither_moves_without_the_other(self, visit: Visit, change: dict[str, Any], of_the_part: bool) -> None:
        rows = ContactAttempt.objects.filter(pk=visit.contact.parts.get().pk if of_the_part else visit.contact.pk)
        self.refused(lambda: rows.update(**change), self.FOLLOW)

    def test_a_part_belongs_to_the_project(self, visit: Visit) -> None:
        foreign = create_field_case(project=create_project(name="别处"))
        self.refused(lambda: create_part(visit, foreign), self.FOLLOW)
        self.refused(
            lambda: ContactAttempt.objects.filter(part_of=visit.contact).update(case=foreign), self.FOLLOW
        )  # fmt: skip
        part = ContactAttempt.objects.filter(part_of=visit.contact)
        self.refused(lambda: part.update(project=foreign.project), self.FOLLOW)

    def test_no_part_of_itself_or_of_a_part(self, visit: Visit, cases: list[Case]) -> None:
        part = visit.contact.parts.get()
        self.refused(lambda: ContactAttempt.objects.filter(pk=part.pk).update(part_of=part), self.FOLLOW)
        self.refused(lambda: create_part(visit, cases[2], part_of=part), self.FOLLOW)
        above = create_part(visit, cases[2], part_of=None)
        self.refused(lambda: ContactAttempt.objects.filter(pk=visit.contact.pk).update(part_of=above), self.FOLLOW)

    def test_no_part_on_the_case_itself_and_one_on_another(self, visit: Visit, cases: list[Case]) -> None:
        self.refused(lambda: create_part(visit, cases[0]), self.FOLLOW)
        self.refused(lambda: create_part(visit, cases[1]), self.ONCE)

    @pytest.mark.parametrize(
        "fields",
        [
            {"breach": "visits_a_day"},
            {"submission": uuid.uuid4()},
            {"payment": Payment.PROMISED},
            {"note": "在家"},
            {"channel": Channel.CALL},
        ],
    )
    def test_a_part_says_nothing_itself(self, visit: Visit, cases: list[Case], fields: dict[str, Any]) -> None:
        self.refused(lambda: create_part(visit, cases[2], **fields), self.NOTHING)

    def test_no_visit_goes_and_leaves_its_parts(self, visit: Visit, cases: list[Case]) -> None:
        whole = create_part(visit, cases[2], part_of=None)
        ContactAttempt.objects.filter(part_of=visit.contact).update(part_of=whole)
        self.refused(lambda: ContactAttempt.objects.filter(pk=whole.pk)._raw_delete("default"), "part_of_id")


def create_part(visit: Visit, case: Case, **fields: Any) -> ContactAttempt:
    whole = visit.contact
    same = {
        "part_of": whole, "channel": whole.channel, "outcome": whole.outcome, "at": whole.happened_at,
        "recorded_at": whole.recorded_at, "recorded_by": whole.recorded_by,
    }  # fmt: skip
    return create_contact(case=case, **{**same, **fields})


@pytest.mark.django_db(transaction=True)
class TestAPartWhileItsContactChanges:
    """The check of each looks before the other has committed."""

    def at_once(self) -> tuple[set[str], list[str]]:
        """The outcomes that stand on the contact and its part then, and what the database refused."""
        refused: list[str] = []
        project = create_project()
        worker = create_field_worker(project=project)
        first, second = cases_of_one_person(project, worker, worker)
        visit = send(first, told(first), worker)

        def change() -> None:
            try:
                ContactAttempt.objects.filter(pk=visit.contact.pk).update(outcome=Outcome.NO_ANSWER)
            except DatabaseError as error:
                refused.append(str(error).split(",")[0])
            finally:
                connection.close()

        other = threading.Thread(target=change)
        with transaction.atomic():
            create_part(visit, second)
            connection.cursor().execute("SET CONSTRAINTS ALL IMMEDIATE")
            other.start()
            other.join(0.5)
        other.join(10)
        return set(ContactAttempt.objects.values_list("outcome", flat=True)), refused

    def test_it_waits_and_is_refused(self) -> None:
        assert self.at_once() == ({Outcome.MET_OWNER}, [TestDatabaseHolds.FOLLOW])

    def test_control_without_the_share_lock_they_differ(self) -> None:
        with as_owner() as owner:
            functions = owner.execute(
                "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname LIKE 'pgtrigger_parts_follow_%'"
            ).fetchall()
            assert len(functions) == 2
            for (function,) in functions:
                owner.execute(function.replace("FOR SHARE", ""))
        try:
            assert self.at_once() == ({Outcome.MET_OWNER, Outcome.NO_ANSWER}, [])
        finally:
            with as_owner() as owner:
                for (function,) in functions:
                    owner.execute(function)


@pytest.mark.django_db(transaction=True)
class TestRaces:
    """Two members at once, for A and B and for B and A: both visits are kept, and the second knows of the first."""

    def visit_at_once(self) -> list[str]:
        """The limits that the visits passed, of those that were recorded."""
        project = create_project()
        workers = [create_field_worker(project=project, name=name) for name in ("王倩", "孙立")]
        cases = cases_of_one_person(project, *workers)
        start = threading.Barrier(2)

        def visit(case: Case, other: Case, by: User) -> None:
            start.wait(10)
            try:
                send(case, told(case, [other]), by)
            finally:
                connection.close()

        first, second = cases
        with ThreadPoolExecutor(2) as pool:
            done = [pool.submit(visit, first, second, workers[0]), pool.submit(visit, second, first, workers[1])]
        errors = [error for future in done if (error := future.exception())]
        assert all(isinstance(error, OperationalError) for error in errors), errors
        return sorted(ContactAttempt.objects.wholes().values_list("breach", flat=True))

    def test_both_are_recorded(self) -> None:
        assert self.visit_at_once() == ["", "visits_a_day"]
        assert ContactAttempt.objects.exclude(part_of=None).count() == 2

    def test_control_locked_in_the_order_told_they_block_each_other(self, monkeypatch: pytest.MonkeyPatch) -> None:
        have_one = threading.Barrier(2)

        def as_told(case: Case, before: None, also: Iterable[int]) -> tuple[Case, list[Case]]:
            rows = Case.objects.select_for_update(of=("self",)).select_related("project", "account")
            first = rows.get(pk=case.pk)
            have_one.wait(10)
            return first, [rows.get(pk=pk) for pk in also]

        monkeypatch.setattr(visits, "lock_visited", as_told)
        assert self.visit_at_once() == [""], "the database gave one of them up"
