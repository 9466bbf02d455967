"""Letters that are begun from the list of cases."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from arrears.models import Verification
from arrears.verification import verify
from collection.models import Case, OwnerRequest, Stage
from collection.stages import standings
from company.models import Role
from notices.models import Batch, Notice, Recipient
from owners.models import Address
from tests.collection.desk import Desk, said
from tests.factories import (
    create_case,
    create_debtor,
    create_letter_project,
    create_officer,
    create_payment,
    create_project,
)
from tests.field_factories import create_request, queries

pytestmark = pytest.mark.django_db


class TestLetters:
    @pytest.fixture
    def office(self) -> Desk:
        return Desk(create_letter_project(), Role.NOTICE_ADMIN, name="苏若楠")

    def debtor(self, office: Desk, **fields: object) -> Case:
        account = create_debtor(project=office.project, months=2, verified=False)
        verify([account], by=office.user, now=timezone.now(), looked_up=True)
        return create_case(account=account, today=timezone.localdate(), **fields)

    def order(self, **fields: object) -> dict[str, object]:
        deadline = timezone.localdate() + dt.timedelta(days=21)
        return {
            "kind": "lawyer_letter", "occasion": "2025-11", "deadline_on": deadline.isoformat(), "act": "check",
            "channel": "by_hand",
        } | fields  # fmt: skip

    def test_chosen_checked_and_confirmed(self, office: Desk) -> None:
        cases = [self.debtor(office, stage=Stage.LEGAL) for _ in range(2)]
        self.debtor(office)
        page = office.get("letters_new", "?stage=legal")
        assert page.context_data["number"] == 2
        checked = office.post("letters_new", self.order(stage="legal"))
        assert len(checked.context_data["preview"].included) == 2
        assert not Batch.objects.exists()
        ids = checked.context_data["case_ids"]
        response = office.post("letters_new", self.order(cases=ids, act="confirm"))
        batch = Batch.objects.get()
        assert response["Location"] == f"/p/{office.project.code}/notices/batches/{batch.pk}/"
        assert set(batch.notices.values_list("account", flat=True)) == {case.account_id for case in cases}

    def test_choosing_again_keeps_what_was_chosen_and_written(self, office: Desk) -> None:
        self.debtor(office, stage=Stage.LEGAL)
        self.debtor(office)
        deadline = (timezone.localdate() + dt.timedelta(days=3)).isoformat()
        checked = office.post("letters_new", self.order(stage="legal", occasion="年末催缴", deadline_on=deadline))
        again = checked.context_data["again"]
        assert f"?{again.replace('&', '&amp;')}" in checked.text
        page = office.get("letters_new", f"?{again}")
        assert page.context_data["number"] == 1
        assert 'value="年末催缴"' in page.text
        assert f'value="{deadline}"' in page.text
        assert office.get("letters_new", "?deadline_on=2025-13-45").status_code == 200

    def test_confirming_twice_issues_once(self, office: Desk) -> None:
        case = self.debtor(office)
        order = self.order(cases=str(case.pk), act="confirm")
        office.post("letters_new", order)
        assert "没有可发的欠费户" in office.post("letters_new", order).text
        assert Notice.objects.count() == 1

    def test_more_cases_than_one_batch_takes_are_said_when_they_are_chosen(
        self, office: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("collection.views.letters.MOST_CASES", 1)
        for _ in range(2):
            self.debtor(office, stage=Stage.LEGAL)
        for page in (office.get("letters_new", "?stage=legal"), office.post("letters_new", self.order(stage="legal"))):
            assert "more than the 1 of one batch" in said(page) or "每批上限1户" in said(page)
            assert "preview" not in page.context_data

    @pytest.mark.parametrize("amount", ["sNaN", "NaN", "Infinity", "x"])
    def test_a_forged_amount_is_no_error_page(self, office: Desk, amount: str) -> None:
        case = self.debtor(office, stage=Stage.LEGAL)
        forged = self.order(cases=str(case.pk), act="confirm", checked=f"{case.account_id}:{amount}")
        assert office.post("letters_new", forged).status_code == 200
        assert not Batch.objects.exists()

    def test_held_cases_are_left_out_with_the_reason(self, office: Desk) -> None:
        asking, claiming, free = (self.debtor(office) for _ in range(3))
        OwnerRequest.objects.create(
            project=office.project, case=asking, kind="repair", text="渗水", created_at=timezone.now(),
            created_by=office.user,
        )  # fmt: skip
        Case.objects.filter(pk=claiming.pk).update(claims_paid=True)
        ids = ",".join(str(case.pk) for case in (asking, claiming, free))
        preview = office.post("letters_new", self.order(cases=ids)).context_data["preview"]
        assert [entry.facts.account_id for entry in preview.included] == [free.account_id]
        held = {out.account_id: out.detail for out in preview.left_out}
        assert held.keys() == {asking.account_id, claiming.account_id}
        assert all(held.values())
        office.post("letters_new", self.order(cases=ids, act="confirm"))
        assert [notice.account_id for notice in Notice.objects.all()] == [free.account_id]

    def test_who_is_not_verified_can_be_verified_on_the_spot(self, office: Desk) -> None:
        account = create_debtor(project=office.project, verified=False)
        case = create_case(account=account, today=timezone.localdate())
        order = self.order(cases=str(case.pk))
        assert not office.post("letters_new", order).context_data["preview"].included
        again = office.post("letters_new", order | {"act": "verify", "looked_up": "1"})
        assert len(again.context_data["preview"].included) == 1

    def test_verifying_against_old_payment_data_is_refused(self, office: Desk) -> None:
        account = create_debtor(project=office.project, verified=False)
        case = create_case(account=account, today=timezone.localdate())
        page = office.post("letters_new", self.order(cases=str(case.pk), act="verify"))
        assert "收款数据太旧" in page.text
        assert not Verification.objects.exists()

    def test_who_has_paid_is_not_verified_but_left_out(self, office: Desk) -> None:
        paid, owing = self.debtor(office), self.debtor(office)
        create_payment(account=paid.account, amount=str(paid.overdue))
        order = self.order(cases=f"{paid.pk},{owing.pk}", act="verify", looked_up="1")
        page = office.post("letters_new", order)
        assert [entry.facts.account_id for entry in page.context_data["preview"].included] == [owing.account_id]
        assert "已核实0户" in page.text.replace(" ", "")
        paid.refresh_from_db()
        assert paid.state == Case.State.CLOSED

    def test_boxes_ticked_in_a_list_choose(self, office: Desk) -> None:
        cases = [self.debtor(office) for _ in range(3)]
        page = office.get("letters_new", f"?case={cases[0].pk}&case={cases[2].pk}")
        assert page.context_data["number"] == 2

    def test_another_projects_cases_are_not_found(self, office: Desk) -> None:
        foreign = create_case()
        page = office.post("letters_new", self.order(cases=str(foreign.pk), act="confirm"))
        assert page.context_data["number"] == 0
        assert not Batch.objects.exists()

    @pytest.mark.parametrize("cases", ["1,x", "9" * 20, "-1"])
    def test_a_list_that_cannot_be_read(self, office: Desk, cases: str) -> None:
        assert "读不出来" in office.get("letters_new", f"?cases={cases}").text

    def test_what_is_missing_is_said(self) -> None:
        office = Desk(create_project(), Role.NOTICE_ADMIN)
        case = create_case(project=office.project)
        checked = office.post("letters_new", self.order(cases=str(case.pk)))
        assert checked.context_data["preview"].faults
        assert office.post("letters_new", self.order(cases=str(case.pk), act="confirm")).status_code == 200
        assert not Batch.objects.exists()


class TestTheListThatIsChecked:
    """Taken out, sent to the other address, sorted and paged by buttons; nothing is written before the confirmation."""

    @pytest.fixture
    def office(self) -> Desk:
        return Desk(create_letter_project(postal_address=SITE, ems_price="20.00"), Role.NOTICE_ADMIN, name="苏若楠")

    def debtors(self, office: Desk, number: int, **fields: Any) -> list[Case]:
        return [create_letter_case(office, code=f"{n}-1-0101", **fields) for n in range(1, number + 1)]

    def order(self, cases: list[Case], **fields: object) -> dict[str, object]:
        ids = ",".join(str(case.pk) for case in cases)
        return {"kind": "lawyer_letter", "occasion": "2025-11", "channel": "ems", "act": "check", "cases": ids} | fields

    def test_take_out_and_in_again(self, office: Desk) -> None:
        first, second = self.debtors(office, 2)
        order = self.order([first, second])
        page = office.post("letters_new", order | {"take_out": first.account_id})
        check = page.context_data["check"]
        assert [line.account_id for line in check.page] == [second.account_id]
        assert [(group.reason, [line.unit for line in group.lines]) for group in check.groups] == [
            ("taken_out", ["1-1-0101"])
        ]
        marks = page.context_data["marks"]
        again = office.post("letters_new", order | marks | {"take_in": first.account_id})
        assert len(again.context_data["preview"].included) == 2
        office.post("letters_new", order | marks | {"act": "confirm"})
        assert [notice.account_id for notice in Notice.objects.all()] == [second.account_id]
        assert Batch.objects.get().left_out[0]["reason"] == "taken_out"

    def test_one_letter_goes_to_the_other_address(self, office: Desk) -> None:
        (case,) = self.debtors(office, 1)
        owner = case.account.ownership.owners.get()
        Address.objects.create(project=office.project, owner=owner, kind="second", text="广东省佛山市桂城1号")
        page = office.post("letters_new", self.order([case], switch=case.account_id))
        assert [line.address_kind for line in page.context_data["check"].page] == ["second"]
        assert "佛山" not in page.text
        office.post("letters_new", self.order([case]) | page.context_data["marks"] | {"act": "confirm"})
        assert Recipient.objects.get().address == "广东省佛山市桂城1号"

    def test_is_sorted_and_paged(self, office: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("collection.letter_check.ON_PAGE", 2)
        cases = [create_letter_case(office, code=f"{n}-1-0101", months=n) for n in (2, 3, 1)]
        page = office.post("letters_new", self.order(cases, sort="-principal"))
        assert [line.unit for line in page.context_data["check"].page] == ["3-1-0101", "2-1-0101"]
        rest = office.post("letters_new", self.order(cases, sort="-principal", page="2"))
        assert [line.unit for line in rest.context_data["check"].page] == ["1-1-0101"]

    def test_says_what_the_postage_will_be(self, office: Desk) -> None:
        page = office.post("letters_new", self.order(self.debtors(office, 3)))
        assert page.context_data["check"].estimate.total == Decimal("60.00")
        assert "3 × 20.00" in page.text

    def test_letters_by_ems_share_no_envelope(self, office: Desk) -> None:
        cases = self.debtors(office, 1)
        page = office.post("letters_new", self.order(cases, one_envelope="on"))
        assert page.context_data["letter"].errors.keys() == {"one_envelope"}
        by_post = office.post("letters_new", self.order(cases, one_envelope="on", channel="post"))
        assert by_post.context_data["preview"].terms.shares_envelopes

    def test_without_an_address_it_says_where_one_is_entered(self) -> None:
        office = Desk(create_letter_project(), Role.PROJECT_MANAGER)
        case = create_letter_case(office)
        page = office.post("letters_new", self.order([case]))
        assert page.context_data["check"].groups[0].reason == "no_address"
        assert f"/p/{office.project.code}/postage/" in page.text
        owner = case.account.ownership.owners.get()
        assert f"/p/{office.project.code}/owners/{owner.pk}/" in page.text

    def test_doors_lead_to_the_request_that_waits_for_its_answer(self, office: Desk) -> None:
        (case,) = self.debtors(office, 1)
        request = create_request(case=case, at=timezone.now())
        manager = Desk(office.project, Role.PROJECT_MANAGER)
        assert f"/requests/{request.pk}/" in manager.post("letters_new", self.order([case])).text
        assert f"/requests/{request.pk}/" not in office.post("letters_new", self.order([case])).text

    def test_what_changed_since_the_check_is_told(self, office: Desk) -> None:
        paid, owing, late = self.debtors(office, 3)
        create_request(case=late, at=timezone.now())
        order = self.order([paid, owing, late])
        checked = office.post("letters_new", order).context_data["check"].checked
        create_payment(account=paid.account, amount=str(paid.overdue))
        OwnerRequest.objects.update(answered_at=timezone.now(), answered_by=office.user, answer="已修")
        confirmed = office.post("letters_new", order | {"act": "confirm", "checked": checked})
        assert [notice.account_id for notice in Notice.objects.all()] == [owing.account_id]
        assert "1-1-0101" in said(confirmed)
        assert "3-1-0101" in said(confirmed)

    @pytest.mark.parametrize("checked", ["x", "1:x", "1:2,:3"])
    def test_a_list_that_cannot_be_read_issues_nothing(self, office: Desk, checked: str) -> None:
        order = self.order(self.debtors(office, 1), act="confirm", checked=checked)
        assert "读不出来" in office.post("letters_new", order).text
        assert not Batch.objects.exists()

    def test_costs_a_fixed_number_of_queries(self, office: Desk) -> None:
        few, many = self.debtors(office, 3), [create_letter_case(office, code=f"9-1-{n:04d}") for n in range(30)]
        office.post("letters_new", self.order(few))  # the session is written once
        with queries() as for_few:
            office.post("letters_new", self.order(few))
        with queries() as for_many:
            office.post("letters_new", self.order(many))
        assert len(for_many) == len(for_few)


class TestChoosing:
    @pytest.fixture
    def office(self) -> Desk:
        return Desk(create_letter_project(), Role.NOTICE_ADMIN, name="苏若楠")

    def test_by_the_step_that_the_playbook_asks_for(self, office: Desk) -> None:
        today = timezone.localdate()
        day = dt.timedelta(days=1)
        for step, on in (
            ("lawyer_letter", today - day), ("lawyer_letter", today), ("lawyer_letter", today + day),
            ("ems_notice", today), ("slip", today), ("remind", today), ("visit", today),
        ):  # fmt: skip
            create_letter_case(office, next_step=step, next_step_on=on)
        numbers = {
            query: office.get("letters_new", f"?{query}").context_data["number"]
            for query in (
                "", "kind=lawyer_letter&step=next", "kind=lawyer_letter&step=due", "kind=lawyer_letter&step=late",
                "kind=ems_notice&step=due", "kind=door_slip&step=due", "kind=fee_notice&step=due",
            )
        }  # fmt: skip
        assert list(numbers.values()) == [7, 3, 2, 1, 1, 1, 1]

    def test_by_member_building_and_accounts(self, office: Desk) -> None:
        member = create_officer(project=office.project)
        first = create_letter_case(office, code="1-1-0101", responsible=member)
        second = create_letter_case(office, code="2-1-0101")
        building = second.account.unit.building_id
        for query, case in (
            (f"member={member.pk}", first), (f"building={building}", second), (f"accounts={second.account_id}", second)
        ):  # fmt: skip
            page = office.get("letters_new", f"?{query}")
            assert page.context_data["number"] == 1, query
            checked = office.post("letters_new", dict(pair.split("=") for pair in query.split("&")) | ORDER)
            assert [line.case_id for line in checked.context_data["check"].page] == [case.pk]

    def test_a_slip_names_nobody_and_sets_no_deadline(self, office: Desk) -> None:
        page = office.get("letters_new", "?kind=door_slip")
        assert list(page.context_data["letter"].fields) == ["channel", "occasion", "in_order"]
        assert [value for value, _ in page.context_data["letter"].fields["channel"].choices] == ["door"]

    def test_after_the_letter_the_case_asks_for_the_next_step_and_for_it_again_when_the_batch_is_cancelled(
        self, office: Desk
    ) -> None:
        case = create_letter_case(office)
        Case.objects.update(reason="malicious")
        before = standing_step(case)
        office.post("letters_new", ORDER | {"cases": case.pk, "act": "confirm"})
        batch = Batch.objects.get()
        case.refresh_from_db()
        assert case.next_step == standing_step(case)
        response = office.client.post(office.url("batch_void", pk=batch.pk), {"reason": "写错事由"})
        assert response.status_code == 302
        case.refresh_from_db()
        assert case.next_step == before

    def test_a_batch_is_cancelled_for_a_reason_only(self, office: Desk) -> None:
        office.post("letters_new", ORDER | {"cases": create_letter_case(office).pk, "act": "confirm"})
        batch = Batch.objects.get()
        assert "撤销原因" in said(office.client.post(office.url("batch_void", pk=batch.pk)))
        assert Batch.objects.get().state == Batch.State.RENDERING
        page = office.client.post(office.url("batch_void", pk=batch.pk), {"reason": "写错事由"}, follow=True)
        assert "写错事由" in page.text
        assert "已撤销" in page.text


ORDER: dict[str, object] = {"kind": "lawyer_letter", "occasion": "2025-11", "channel": "by_hand", "act": "check"}
SITE = "广东省广州市天河区凤凰路88号凤凰城一期"


def standing_step(case: Case) -> str:
    return standings([Case.objects.select_related("project", "account").get(pk=case.pk)], now=timezone.now())[
        case.pk
    ].step.key


def create_letter_case(office: Desk, *, code: str = "", months: int = 2, **fields: Any) -> Case:
    """A case that may get a letter now."""
    account = create_debtor(project=office.project, code=code, months=months, verified=False)
    verify([account], by=office.user, now=timezone.now(), looked_up=True)
    return create_case(account=account, today=timezone.localdate(), **fields)
