"""Letters that are begun from the list of cases."""

import datetime as dt

import pytest
from django.utils import timezone

from arrears.models import Verification
from arrears.verification import verify
from collection.models import Case, OwnerRequest, Stage
from company.models import Role
from notices.models import Batch, Notice
from tests.collection.desk import Desk
from tests.factories import create_case, create_debtor, create_letter_project, create_payment, create_project

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
