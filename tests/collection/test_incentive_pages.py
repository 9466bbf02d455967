"""Pages of results, settlements, the scheme and the commendation board."""

import pytest

from collection.models import Commendation, Objection, Settlement
from tests.collection.desk import Desk, said
from tests.collection.settled import D, Estate, make_estate, scheme_values

pytestmark = pytest.mark.django_db


@pytest.fixture
def estate() -> Estate:
    return make_estate()


class TestPages:
    def test_from_preview_to_approval(self, estate: Estate) -> None:
        manager, leader = Desk(estate.project, user=estate.manager), Desk(estate.project, user=estate.leader)
        page = manager.get("incentives", "?on=2025-11-22").text
        assert "折算基数 4,000.00 × 400.00 ÷ 1,200.00 = 1,333.33" in page
        assert "已冻结" in said(manager.post("settlement_propose", {"on": "2025-11-22"}))
        settlement = Settlement.objects.get()
        assert "不能审批自己" in said(manager.post("settlement_decide", {"act": "approve"}, pk=settlement.pk))
        assert "已批准" in said(leader.post("settlement_decide", {"act": "approve"}, pk=settlement.pk))
        assert "已有结算" in said(manager.post("settlement_propose", {"on": "2025-11-22"}))
        assert manager.get("settlement_export", pk=settlement.pk)["Content-Disposition"].endswith(".xlsx")

    def test_an_officer_sees_their_own_and_objects(self, estate: Estate) -> None:
        settlement = estate.propose()
        desk = Desk(estate.project, user=estate.members[1])
        for page in (desk.get("incentives", "?on=2025-11-22"), desk.get("settlement", pk=settlement.pk)):
            assert "赵敏" in page.text
            assert "王倩" not in page.text
        assert "异议已记录" in said(desk.post("objection_new", {"text": "调户未计"}, pk=settlement.pk))
        other = Desk(estate.project, user=estate.members[0])
        assert "调户未计" not in other.get("settlement", pk=settlement.pk).text
        assert other.post("settlement_decide", {"act": "approve"}, pk=settlement.pk).status_code == 403
        manager = Desk(estate.project, user=estate.manager)
        assert "已答复" in said(manager.post("objection_answer", {"text": "已核"}, pk=Objection.objects.get().pk))
        assert "已核" in desk.get("settlement", pk=settlement.pk).text

    def test_the_scheme_is_changed_with_history(self, estate: Estate) -> None:
        desk = Desk(estate.project, user=estate.manager)
        given = {**scheme_values(), "rewards_full": "on", "deduction": "4", "seen": "0"}
        assert "已保存" in said(desk.post("scheme", given))
        assert "每点 4%" in desk.get("scheme").text
        assert "他人改动" in desk.post("scheme", {**given, "deduction": "3"}).text
        assert "0 到 100" in desk.post("scheme", {**given, "seen": "1", "deduction": "300"}).text

    def test_help_with_a_payment_is_credited_once(self, estate: Estate) -> None:
        desk = Desk(estate.project, user=estate.manager)
        room = estate.cases[0].account.unit.code
        given = {"member": estate.members[1].pk, "text": "带路上门", "room": room}
        assert "已上榜" in said(desk.post("commendations", given))
        assert Commendation.objects.get().payment.amount == D(300)
        assert "已登记过" in desk.post("commendations", given).text
        assert "没有该房号" in desk.post("commendations", {**given, "room": "99-9-9999"}).text
