"""Safety shut-offs: records of vacant units, with proof and a second person, and never a means of collection (C7)."""

import threading
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from collection.models import Measure
from company.models import AuditEvent, FilePurpose, Project, Role, User
from owners import shut_offs
from owners.models import Occupant, SafetyShutOff, Unit
from owners.shut_offs import (
    NotEntitledError,
    OccupiedError,
    OwnShutOffError,
    ShutOffExistsError,
    ShutOffMoveError,
    decide_shut_off,
    end_shut_off,
    withdraw_shut_off,
)
from tests.factories import NOW, TODAY, create_project, create_unit, create_user, give_role
from tests.field_factories import queries
from tests.shut_off_factories import create_shut_off

MANAGER, HEAD = frozenset({Role.PROJECT_MANAGER}), frozenset({Role.DEPARTMENT_HEAD})
State, EndGround, Service = SafetyShutOff.State, SafetyShutOff.EndGround, SafetyShutOff.Service

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]


@pytest.fixture
def media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def project() -> Project:
    return create_project(code="FHC1")


@pytest.fixture
def unit(project: Project) -> Unit:
    return create_unit(project=project, code="1-1-101", is_vacant=True)


@pytest.fixture
def manager(project: Project) -> User:
    return create_user(name="沈静宜", project=project, role=Role.PROJECT_MANAGER)


@pytest.fixture
def officer(project: Project) -> User:
    return create_user(name="王倩", project=project, role=Role.OFFICER)


def approve(row: SafetyShutOff, by: User, roles: frozenset[Role] = MANAGER) -> SafetyShutOff:
    return decide_shut_off(row.pk, approve=True, by=by, roles=roles, now=NOW)


class TestMoves:
    def test_only_the_manager_approves_and_never_their_own(self, unit: Unit, manager: User, officer: User) -> None:
        row = create_shut_off(unit=unit, by=officer)
        with pytest.raises(NotEntitledError):
            approve(row, create_user(), HEAD)
        own = create_shut_off(unit=unit, by=manager, service=Service.GAS)
        with pytest.raises(OwnShutOffError):
            approve(own, manager, MANAGER | HEAD)
        assert approve(row, manager).state == State.IN_FORCE
        with pytest.raises(ShutOffMoveError):
            approve(row, manager)
        assert AuditEvent.objects.filter(action="shut_off.approved", object_id=str(unit.pk)).exists()

    def test_where_somebody_lives_nothing_is_shut_off(self, unit: Unit, manager: User) -> None:
        waiting = create_shut_off(unit=unit)
        Occupant.objects.create(project=unit.project, unit=unit, name="租客")
        with pytest.raises(OccupiedError):
            approve(waiting, manager)
        with pytest.raises(OccupiedError):
            create_shut_off(unit=unit, service=Service.ELECTRICITY)

    def test_a_service_has_one_live_record(self, unit: Unit, manager: User, officer: User) -> None:
        row = create_shut_off(unit=unit, by=officer)
        with pytest.raises(ShutOffExistsError):
            create_shut_off(unit=unit)
        with pytest.raises(NotEntitledError):
            withdraw_shut_off(row.pk, by=manager)
        withdraw_shut_off(row.pk, by=officer)
        create_shut_off(unit=unit, approved=True)
        with pytest.raises(ShutOffExistsError):
            create_shut_off(unit=unit)

    def test_connecting_again_waits_for_nobody(self, unit: Unit, officer: User) -> None:
        row = create_shut_off(unit=unit, approved=True)
        with pytest.raises(NotEntitledError):
            end_shut_off(row.pk, EndGround.ASKED, by=officer, roles=frozenset({Role.FINANCE}), now=NOW)
        ended = end_shut_off(row.pk, EndGround.ASKED, by=officer, roles=frozenset({Role.OFFICER}), now=NOW)
        assert (ended.state, ended.ended_by) == (State.ENDED, officer)
        with pytest.raises(ShutOffMoveError):
            end_shut_off(row.pk, EndGround.ASKED, by=officer, roles=MANAGER, now=NOW)


class TestApartFromCollection:
    def test_no_column_leads_to_a_case_an_owner_or_money(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                """
                SELECT confrelid::regclass::text FROM pg_constraint
                WHERE contype = 'f' AND conrelid = 'owners_safetyshutoff'::regclass
                """
            )
            leads_to = {table for (table,) in cursor.fetchall()}
        assert leads_to == {"company_project", "company_user", "company_storedfile", "owners_unit"}
        columns = {field.column for field in SafetyShutOff._meta.concrete_fields}
        told = ("case", "step", "pay", "charge", "account", "owner", "amount", "debt")
        assert not [column for column in columns if any(word in column for word in told)]

    def test_nothing_of_collection_leads_to_it(self) -> None:
        pointing = [
            model._meta.label
            for model in apps.get_models()
            for field in model._meta.get_fields()
            if field.is_relation and field.concrete and field.related_model is SafetyShutOff
        ]
        assert pointing == []
        assert "shut" not in " ".join(Measure.values)

    def test_paying_is_no_ground_to_connect_again(self, unit: Unit, manager: User) -> None:
        row = create_shut_off(unit=unit, approved=True)
        with pytest.raises(IntegrityError, match="ended_shut_off_says_who_when_and_why"), transaction.atomic():
            SafetyShutOff.objects.filter(pk=row.pk).update(
                state="ended", ended_at=NOW, ended_by=manager, end_ground="paid"
            )


class TestTheDatabase:
    @pytest.mark.parametrize(
        ("change", "constraint"),
        [
            ({"state": "in_force"}, "shut_off_decision_has_who_and_when"),
            ({"decided_at": NOW}, "shut_off_decision_has_who_and_when"),
            ({"end_ground": "asked"}, "ended_shut_off_says_who_when_and_why"),
            ({"state": "ended", "decided_at": NOW}, "shut_off_decision|ended_shut_off"),
            ({"description": "别的"}, "kept"),
            ({"ground": "consent"}, "kept"),
        ],
        ids=str,
    )
    def test_half_a_decision_is_refused(self, unit: Unit, change: dict[str, object], constraint: str) -> None:
        row = create_shut_off(unit=unit)
        with pytest.raises(DatabaseError, match=constraint), transaction.atomic():
            SafetyShutOff.objects.filter(pk=row.pk).update(**change)

    def test_who_proposed_cannot_be_written_as_who_approved(self, unit: Unit, officer: User) -> None:
        row = create_shut_off(unit=unit, by=officer)
        with pytest.raises(IntegrityError, match="shut_off_decided_by_another"), transaction.atomic():
            SafetyShutOff.objects.filter(pk=row.pk).update(state="in_force", decided_by=officer, decided_at=NOW)

    def test_a_second_live_one_is_refused(self, unit: Unit, officer: User) -> None:
        row = create_shut_off(unit=unit, by=officer)
        row.pk, row.submission = None, uuid.uuid4()
        with pytest.raises(IntegrityError, match="one_live_shut_off_of_a_service"), transaction.atomic():
            row.save()

    def test_what_was_proposed_is_kept(self, project: Project, unit: Unit) -> None:
        rows = SafetyShutOff.objects.filter(pk=create_shut_off(unit=unit).pk)
        attacks: list[Callable[[], object]] = [
            lambda: rows.update(unit=create_unit(project=project)),
            lambda: rows._raw_delete("default"),
        ]
        for attack in attacks:
            with pytest.raises(DatabaseError, match=r"kept|permission denied"), transaction.atomic():
                attack()


class Desk:
    def __init__(self, user: User) -> None:
        self.user, self.client = user, Client()
        self.client.force_login(user)

    def url(self, name: str, **kwargs: object) -> str:
        return reverse(f"owners:{name}", kwargs={"project_code": "FHC1", **kwargs})

    def get(self, name: str, **kwargs: object) -> HttpResponse:
        return self.client.get(self.url(name, **kwargs))

    def post(self, name: str, data: dict[str, object], **kwargs: object) -> HttpResponse:
        return self.client.post(self.url(name, **kwargs), data)


def typed(**changes: object) -> dict[str, object]:
    return {
        "submission": str(uuid.uuid4()), "unit": "1栋1单元101室", "service": "water", "ground": "danger",
        "description": "水管爆裂", "found_vacant_on": TODAY.isoformat(),
        "proof": SimpleUploadedFile("现场.pdf", b"%PDF-1.7 photo"),
    } | changes  # fmt: skip


class TestPages:
    def test_from_proposal_to_end(self, unit: Unit, manager: User, officer: User) -> None:
        field, desk = Desk(officer), Desk(manager)
        assert field.post("shut_off_new", typed()).status_code == 302
        row = SafetyShutOff.objects.get()
        assert (row.unit, row.proof.purpose) == (unit, FilePurpose.SHUT_OFF_PROOF)
        page = desk.get("shut_offs").content.decode()
        assert all(word in page for word in ("1-1-101", "水管爆裂", "批准"))
        desk.post("shut_off_decide", {"act": "approve"}, pk=row.pk)
        row.refresh_from_db()
        assert row.state == State.IN_FORCE
        field.post("shut_off_decide", {"act": "end"}, pk=row.pk)  # without a ground
        row.refresh_from_db()
        assert row.state == State.IN_FORCE
        field.post("shut_off_decide", {"act": "end", "end_ground": "repaired", "note": "已修"}, pk=row.pk)
        row.refresh_from_db()
        assert (row.state, row.end_note) == (State.ENDED, "已修")
        assert "1-1-101" in desk.get("unit", pk=unit.pk).content.decode()

    @pytest.mark.parametrize(
        "changes",
        [
            {"unit": "9-9-999"}, {"service": "lift"}, {"ground": "arrears"}, {"description": " "}, {"proof": ""},
            {"found_vacant_on": "2999-01-01"}, {"proof": SimpleUploadedFile("a.exe", b"MZ")},
        ],
        ids=str,
    )  # fmt: skip
    def test_what_cannot_be_proposed(self, unit: Unit, officer: User, changes: dict[str, object]) -> None:
        assert Desk(officer).post("shut_off_new", typed(**changes)).status_code == 200
        assert not SafetyShutOff.objects.exists()

    def test_sent_twice_it_is_one(self, unit: Unit, officer: User) -> None:
        data = typed()
        for _n in "ab":
            data["proof"] = SimpleUploadedFile("现场.pdf", b"%PDF-1.7 photo")
            Desk(officer).post("shut_off_new", data)
        assert SafetyShutOff.objects.count() == 1

    def test_who_proposed_gets_no_button_to_approve(self, project: Project, unit: Unit, officer: User) -> None:
        give_role(user=officer, role=Role.PROJECT_MANAGER, project=project)
        desk = Desk(officer)
        row = create_shut_off(unit=unit, by=officer)
        assert 'value="approve"' not in desk.get("shut_offs").content.decode()
        desk.post("shut_off_decide", {"act": "approve"}, pk=row.pk)
        row.refresh_from_db()
        assert row.state == State.PROPOSED

    def test_the_proof_is_for_who_proposed_and_who_decides(self, project: Project, unit: Unit, manager: User,
                                                           officer: User) -> None:  # fmt: skip
        row = create_shut_off(unit=unit, by=officer)
        assert Desk(officer).get("shut_off_proof", pk=row.pk).getvalue() == b"%PDF-1.7"
        assert Desk(manager).get("shut_off_proof", pk=row.pk).status_code == 200
        other = create_user(name="李四", project=project, role=Role.HOUSEKEEPER)
        assert Desk(other).get("shut_off_proof", pk=row.pk).status_code == 403

    def test_the_list_takes_as_many_queries_for_many_as_for_few(self, project: Project, manager: User) -> None:
        desk = Desk(manager)
        desk.get("shut_offs")
        counted = []
        for number in (3, 27):
            for _n in range(number):
                create_shut_off(unit=create_unit(project=project))
            with queries() as captured:
                desk.get("shut_offs")
            counted.append(len(captured))
        assert counted[0] == counted[1]


@pytest.mark.django_db(transaction=True)
class TestTwoManagers:
    def decide_at_once(self) -> tuple[SafetyShutOff, list[object]]:
        """One approves and one refuses at the same moment; the first holds its transaction open for a while."""
        row = create_shut_off(unit=create_unit(project=create_project(code="FHC1")))
        people = [create_user(name="沈静宜"), create_user(name="韩志远")]
        results: list[object] = [None, None]
        started, commit = threading.Event(), threading.Event()

        def press(index: int) -> None:
            try:
                with transaction.atomic():
                    decide_shut_off(row.pk, approve=index == 0, by=people[index], roles=MANAGER, now=NOW)
                    started.set()
                    if index == 0:
                        commit.wait(5)
                results[index] = "decided"
            except ShutOffMoveError as error:
                results[index] = error
            connection.close()

        threads = [threading.Thread(target=press, args=[index]) for index in (0, 1)]
        threads[0].start()
        started.wait(5)
        threads[1].start()
        threads[1].join(0.5)
        commit.set()
        for thread in threads:
            thread.join()
        row.refresh_from_db()
        return row, results

    def test_one_decision_counts(self) -> None:
        row, (first, second) = self.decide_at_once()
        assert (row.state, first) == (State.IN_FORCE, "decided")
        assert isinstance(second, ShutOffMoveError)

    def test_control_without_the_lock_the_second_overwrites_the_first(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(
            shut_offs, "_lock", lambda pk, state: SafetyShutOff.objects.select_related("unit", "project").get(pk=pk)
        )
        row, results = self.decide_at_once()
        assert results == ["decided", "decided"]
        assert row.state == State.REFUSED
