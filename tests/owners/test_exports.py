"""Exports with the personal data of many: nothing leaves without a second person, and then once (D4, promise 17)."""

import datetime as dt
import threading
import uuid
from collections.abc import Callable

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import QuerySet
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from company.models import AuditEvent, Notification, Project, Role, User
from owners import export_consent
from owners.export_consent import (
    ConsentMoveError,
    ConsentOverError,
    MorePeopleError,
    NotEntitledError,
    OtherExportError,
    OwnExportError,
    PersonalExport,
    ask_for_consent,
    decide_on_export,
    limit_of,
    set_limit,
    use_consent,
    withdraw_request,
)
from owners.models import ExportConsent, ExportLimit
from tests.factories import (
    NOW,
    create_case,
    create_owner,
    create_ownership,
    create_project,
    create_unit,
    create_user,
    give_role,
)
from tests.field_factories import queries

HOUR = dt.timedelta(hours=1)
MANAGER, FINANCE, LEADER = (frozenset({r}) for r in (Role.PROJECT_MANAGER, Role.FINANCE, Role.COMPANY_LEADER))
State = ExportConsent.State
WANTED = PersonalExport(
    "owners-register", "房屋与业主", "/p/FHC1/units/export/", 3, "building=1", {"personal": "clear"}
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return create_project(code="FHC1")


@pytest.fixture
def clerk(project: Project) -> User:
    return create_user(name="何琳", project=project, role=Role.FINANCE)


@pytest.fixture
def manager(project: Project) -> User:
    return create_user(name="沈静宜", project=project, role=Role.PROJECT_MANAGER)


def ask(project: Project, by: User, export: PersonalExport = WANTED) -> ExportConsent:
    return ask_for_consent(project, export, "年审核对", by=by, now=NOW, submission=uuid.uuid4())


def consent(asked: ExportConsent, by: User, roles: frozenset[Role] = MANAGER) -> ExportConsent:
    return decide_on_export(asked.pk, consent=True, by=by, roles=roles, now=NOW)


def use(asked: ExportConsent, by: User, export: PersonalExport = WANTED, *, now: dt.datetime = NOW + HOUR) -> None:
    use_consent(asked.pk, export, project=asked.project, by=by, now=now)


class TestConsent:
    def test_who_may_consent_is_told_and_so_is_who_asked(self, project: Project, clerk: User, manager: User) -> None:
        leader = create_user(name="顾伟", project=None, role=Role.COMPANY_LEADER)
        asked = ask(project, clerk)
        assert set(Notification.objects.values_list("user", flat=True)) == {manager.pk, leader.pk}
        consent(asked, manager)
        assert Notification.objects.filter(user=clerk, key=f"export/{asked.pk}/decided").exists()
        use(asked, clerk)
        actions = set(AuditEvent.objects.values_list("action", flat=True))
        assert {"export.asked", "export.consented", "export.made"} <= actions

    def test_nobody_consents_to_their_own(self, project: Project, clerk: User) -> None:
        with pytest.raises(OwnExportError):
            consent(ask(project, clerk), clerk, MANAGER | FINANCE | LEADER)

    @pytest.mark.parametrize(
        "role", sorted(set(Role) - {Role.PROJECT_MANAGER, Role.FINANCE, Role.COMPANY_LEADER})
    )  # fmt: skip
    def test_others_are_not_asked(self, project: Project, clerk: User, role: Role) -> None:
        with pytest.raises(NotEntitledError):
            consent(ask(project, clerk), create_user(), frozenset({role}))

    def test_it_is_used_once(self, project: Project, clerk: User, manager: User) -> None:
        asked = ask(project, clerk)
        with pytest.raises(ConsentMoveError):
            use(asked, clerk)  # not decided yet
        consent(asked, manager)
        use(asked, clerk)
        with pytest.raises(ConsentMoveError):
            use(asked, clerk)

    def test_it_is_for_this_export_of_this_person(self, project: Project, clerk: User, manager: User) -> None:
        asked = consent(ask(project, clerk), manager)
        others = [
            PersonalExport(WANTED.kind, "", WANTED.path, 3, "", {"personal": "clear"}),
            PersonalExport("arrears-ledger", "", WANTED.path, 3, WANTED.query, WANTED.data),
            PersonalExport(WANTED.kind, "", "/p/OTHER/units/export/", 3, WANTED.query, WANTED.data),
        ]
        for other in others:
            with pytest.raises(OtherExportError):
                use(asked, clerk, other)
        with pytest.raises(OtherExportError):
            use(asked, manager)
        asked.project = create_project(code="OTHER")
        with pytest.raises(OtherExportError):
            use(asked, clerk)

    def test_its_time_ends_and_it_covers_no_more_people(self, project: Project, clerk: User, manager: User) -> None:
        asked = consent(ask(project, clerk), manager)
        with pytest.raises(ConsentOverError):
            use(asked, clerk, now=NOW + 25 * HOUR)
        with pytest.raises(MorePeopleError):
            use(asked, clerk, PersonalExport(WANTED.kind, "", WANTED.path, 4, WANTED.query, WANTED.data))

    def test_a_refusal_and_a_withdrawal_end_it(self, project: Project, clerk: User, manager: User) -> None:
        refused = ask(project, clerk)
        decide_on_export(refused.pk, consent=False, by=manager, roles=MANAGER, now=NOW, note="用脱敏表即可")
        withdrawn = ask(project, clerk)
        with pytest.raises(NotEntitledError):
            withdraw_request(withdrawn.pk, by=manager)
        withdraw_request(withdrawn.pk, by=clerk)
        for asked in (refused, withdrawn):
            with pytest.raises(ConsentMoveError):
                consent(asked, manager)
            with pytest.raises(ConsentMoveError):
                use(asked, clerk)

    def test_sent_twice_it_is_one(self, project: Project, clerk: User) -> None:
        submission = uuid.uuid4()
        rows = [ask_for_consent(project, WANTED, "x", by=clerk, now=NOW, submission=submission) for _n in "ab"]
        assert rows[0] == rows[1]

    def test_the_limit_is_the_projects(self, project: Project, manager: User, settings: Settings) -> None:
        assert limit_of(project) == settings.PERSONAL_EXPORT_LIMIT
        with pytest.raises(NotEntitledError):
            set_limit(project, 9999, by=manager, roles=MANAGER, now=NOW)
        set_limit(project, 20, by=create_user(), roles=LEADER, now=NOW)
        assert limit_of(project) == 20


class TestTheDatabase:
    @pytest.mark.parametrize(
        ("change", "constraint"),
        [
            ({"state": "consented"}, "export_decision_has_who_and_when|export_consent_ends"),
            ({"decided_at": NOW}, "export_decision_has_who_and_when"),
            ({"usable_until": NOW}, "export_consent_ends"),
            ({"used_at": NOW}, "export_used_says_when"),
            ({"people": 9999}, "kept"),
            ({"query": ""}, "kept"),
        ],
        ids=str,
    )
    def test_half_a_decision_is_refused(
        self, project: Project, clerk: User, change: dict[str, object], constraint: str
    ) -> None:
        asked = ask(project, clerk)
        with pytest.raises(DatabaseError, match=constraint), transaction.atomic():
            ExportConsent.objects.filter(pk=asked.pk).update(**change)

    def test_it_refuses_consent_to_ones_own(self, project: Project, clerk: User) -> None:
        asked = ask(project, clerk)
        with pytest.raises(DatabaseError, match="export_consented_by_another"), transaction.atomic():
            ExportConsent.objects.filter(pk=asked.pk).update(
                state="consented", decided_by=clerk, decided_at=NOW, usable_until=NOW + HOUR
            )

    def test_what_was_decided_and_used_stays_so(self, project: Project, clerk: User, manager: User) -> None:
        asked = consent(ask(project, clerk), manager)
        rows = ExportConsent.objects.filter(pk=asked.pk)
        attacks: list[Callable[[], object]] = [
            lambda: rows.update(usable_until=NOW + 999 * HOUR),
            lambda: rows.update(decided_by=create_user()),
            lambda: rows.update(state="used", used_at=NOW + 999 * HOUR),
            lambda: rows._raw_delete("default"),
        ]
        for attack in attacks:
            with pytest.raises(DatabaseError, match=r"once|kept|permission denied"), transaction.atomic():
                attack()
        use(asked, clerk)
        with pytest.raises(DatabaseError, match="once"), transaction.atomic():
            rows.update(state="consented", used_at=None)

    @pytest.mark.parametrize("people", [0, 100_001])
    def test_an_odd_limit_is_refused(self, project: Project, manager: User, people: int) -> None:
        with pytest.raises(DatabaseError, match="export_limit_in_range"), transaction.atomic():
            ExportLimit.objects.create(project=project, people=people, changed_at=NOW, changed_by=manager)


class Desk:
    def __init__(self, user: User) -> None:
        self.user, self.client = user, Client()
        self.client.force_login(user)

    def url(self, name: str, **kwargs: object) -> str:
        return reverse(name, kwargs={"project_code": "FHC1", **kwargs})

    def get(self, name: str) -> HttpResponse:
        return self.client.get(self.url(name))

    def post(self, name: str, data: dict[str, object] | None = None, query: str = "", **kwargs: object) -> HttpResponse:
        return self.client.post(self.url(name, **kwargs) + query, data or {})


def is_workbook(response: HttpResponse) -> bool:
    return "spreadsheet" in response["Content-Type"]


class TestPages:
    @pytest.fixture(autouse=True)
    def two_owners(self, project: Project, settings: Settings) -> None:
        settings.PERSONAL_EXPORT_LIMIT = 1
        owners = [create_owner(project=project, name=name) for name in ("张三", "李小四")]
        create_ownership(unit=create_unit(project=project, code="1-1-101"), owners=owners)

    def asked_for(self, response: HttpResponse) -> dict[str, object]:
        form = response.context["form"]
        return {name: form[name].value() for name in ("submission", "export")}

    def test_from_the_refused_export_to_the_file(self, project: Project, clerk: User, manager: User) -> None:
        desk, boss = Desk(clerk), Desk(manager)
        first = desk.post("owners:units_export", {"personal": "clear"}, "?usage=residential")
        assert not is_workbook(first)
        assert "需要第二人同意" in first.content.decode()
        assert desk.post("owners:export_ask", self.asked_for(first)).status_code == 200  # says not what for
        desk.post("owners:export_ask", self.asked_for(first) | {"reason": "年审核对"})
        asked = ExportConsent.objects.get()
        assert "年审核对" in boss.get("owners:exports").content.decode()
        boss.post("owners:export_decide", {"act": "consent"}, pk=asked.pk)
        again = {"personal": "clear", "consent": asked.pk}
        page = desk.get("owners:exports").content.decode()
        assert f'action="{asked.path}?usage=residential"' in page
        assert f'name="consent" value="{asked.pk}"' in page
        assert not is_workbook(desk.post("owners:units_export", again))  # another filter
        assert not is_workbook(boss.post("owners:units_export", again, "?usage=residential"))  # another person
        assert is_workbook(desk.post("owners:units_export", again, "?usage=residential"))
        assert not is_workbook(desk.post("owners:units_export", again, "?usage=residential"))  # once
        assert AuditEvent.objects.filter(action="owners.register_exported").count() == 1

    def test_a_changed_request_is_not_taken(self, project: Project, clerk: User) -> None:
        desk = Desk(clerk)
        asked = self.asked_for(desk.post("owners:units_export", {"personal": "clear"}))
        desk.post("owners:export_ask", asked | {"export": f"{asked['export']}x", "reason": "x"})
        desk.post("owners:export_ask", {"export": "", "reason": "x", "submission": str(uuid.uuid4())})
        assert not ExportConsent.objects.exists()

    def test_who_asked_gets_no_button_and_no_way_to_consent(self, project: Project, clerk: User) -> None:
        give_role(user=clerk, role=Role.PROJECT_MANAGER, project=project)
        asked, desk = ask(project, clerk), Desk(clerk)
        assert 'value="consent"' not in desk.get("owners:exports").content.decode()
        desk.post("owners:export_decide", {"act": "consent"}, pk=asked.pk)
        asked.refresh_from_db()
        assert asked.state == State.WAITING

    def test_refusing_wants_a_reason(self, project: Project, clerk: User, manager: User) -> None:
        asked = ask(project, clerk)
        Desk(manager).post("owners:export_decide", {"act": "refuse"}, pk=asked.pk)
        asked.refresh_from_db()
        assert asked.state == State.WAITING

    def test_a_person_whose_right_was_withdrawn_downloads_nothing(
        self, project: Project, clerk: User, manager: User
    ) -> None:
        desk = Desk(clerk)
        data = self.asked_for(desk.post("owners:units_export", {"personal": "clear"}))
        desk.post("owners:export_ask", data | {"reason": "x"})
        asked = consent(ExportConsent.objects.get(), manager)
        clerk.accesses.update(revoked_at=timezone.now())
        assert desk.post("owners:units_export", {"personal": "clear", "consent": asked.pk}).status_code == 404

    def test_the_ledger_with_names_asks_too_and_masked_does_not(self, project: Project, clerk: User) -> None:
        for code in ("1-1-201", "1-1-202"):
            create_case(project=project, code=code)
        desk = Desk(clerk)
        assert not is_workbook(desk.post("arrears:ledger_export", {"names": "full"}))
        assert is_workbook(desk.post("arrears:ledger_export"))

    def test_the_limit_on_its_page(self, project: Project, manager: User) -> None:
        leader = Desk(create_user(name="顾伟", project=None, role=Role.COMPANY_LEADER))
        assert Desk(manager).post("owners:export_limit", {"people": "50"}).status_code == 403
        leader.post("owners:export_limit", {"people": "0"})
        assert limit_of(project) == 1
        leader.post("owners:export_limit", {"people": "50"})
        assert limit_of(project) == 50

    def test_the_list_takes_as_many_queries_for_many_as_for_few(
        self, project: Project, clerk: User, manager: User
    ) -> None:
        desk = Desk(manager)
        desk.get("owners:exports")
        counted = []
        for number in (3, 27):
            for _n in range(number):
                ask(project, clerk)
                consent(ask(project, clerk), manager)
            with queries() as captured:
                desk.get("owners:exports")
            counted.append(len(captured))
        assert counted[0] == counted[1]


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def at_once(self, asked: ExportConsent, by: User) -> list[object]:
        """The same download twice at the same moment; the first holds its transaction open for a while."""
        results: list[object] = [None, None]
        started, commit = threading.Event(), threading.Event()

        def press(index: int) -> None:
            try:
                with transaction.atomic():
                    use(asked, by)
                    started.set()
                    if index == 0:
                        commit.wait(5)
                    results[index] = "made"
            except (ConsentMoveError, DatabaseError) as error:
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
        return results

    @pytest.fixture
    def asked(self) -> ExportConsent:
        project = create_project(code="FHC1")
        return consent(ask(project, create_user(name="何琳")), create_user(name="沈静宜"))

    def test_of_two_downloads_one_is_made(self, asked: ExportConsent) -> None:
        first, second = self.at_once(asked, asked.requested_by)
        assert first == "made"
        assert isinstance(second, ConsentMoveError)
        assert AuditEvent.objects.filter(action="export.made").count() == 1

    def test_control_without_the_claim_both_are_made(
        self, asked: ExportConsent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def looks_only(pk: int, now: dt.datetime) -> None:
            rows: QuerySet[ExportConsent] = ExportConsent.objects.filter(pk=pk, state=State.CONSENTED)
            if not rows.exists():
                raise ConsentMoveError

        monkeypatch.setattr(export_consent, "_claim", looks_only)
        assert self.at_once(asked, asked.requested_by) == ["made", "made"]
