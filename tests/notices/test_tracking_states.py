"""What status sheets of the post tell of items: never that one is delivered."""

import pytest

from notices.models import Delivery, DeliveryTransition
from notices.tracking_matching import Verdict
from tests.factories import TODAY, create_project, create_user
from tests.notice_factories import create_file
from tests.notices.test_tracking_lists import A, Desk, sheet

State = Delivery.State


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def desk(db):
    return Desk(create_project(code="FHC1"), create_user(name="贺兰"))


class TestStates:
    HEAD = ("收件人", "收件地址", "邮件号", "邮件状态", "签收日期", "签收人")

    def told(self, desk, *cells, post=True):
        delivery = desk.letter("1-1-502")
        content = sheet(["朱明玥", "1栋1单元502室", A, *cells], head=list(self.HEAD))
        entered = desk.post(content) if post else desk.look(content)
        delivery.refresh_from_db()
        return delivery, entered

    def test_signed_for_is_not_delivered(self, desk):
        delivery, entered = self.told(desk, "已签收", TODAY, "本人")
        assert (delivery.state, delivery.receiver, delivery.received_on) == ("signed", "self", TODAY)
        assert entered.delivered == 0

    def test_with_the_evidence_on_file_it_is(self, desk):
        delivery = desk.letter("1-1-502")
        Delivery.objects.update(
            posting_proof=create_file(project=desk.project), delivery_proof=create_file(project=desk.project)
        )
        entered = desk.post(sheet(["朱明玥", "1栋1单元502室", A, "妥投", TODAY, "本人签收"], head=list(self.HEAD)))
        delivery.refresh_from_db()
        assert (delivery.state, entered.delivered) == ("delivered", 1)

    @pytest.mark.parametrize(
        ("state", "by", "receiver"),
        [("已签收", "物业前台代收", "front_desk"), ("已妥投", "丰巢柜", "locker"), ("已签收", "他人代收", "other"),
         ("已签收", "家人", "family"), ("已签收", "", "")],
    )  # fmt: skip
    def test_who_signed(self, desk, state, by, receiver):
        delivery, _entered = self.told(desk, state, TODAY, by)
        assert (delivery.state, delivery.receiver) == ("signed", receiver)

    @pytest.mark.parametrize(
        ("words", "reason"), [("退回：查无此人", "unknown"), ("拒收退回", "refused"), ("逾期未领退回", "unclaimed")]
    )
    def test_returned(self, desk, words, reason):
        delivery, _entered = self.told(desk, words, TODAY, "")
        assert (delivery.state, delivery.return_reason) == ("returned", reason)

    def test_without_a_day_the_number_is_entered_and_the_state_is_not(self, desk):
        _delivery, preview = self.told(desk, "已签收", "", "", post=False)
        (line,) = preview.lines
        assert line.news is None
        assert line.remarks
        assert line.verdict is Verdict.NEW

    def test_the_same_sheet_again_changes_nothing(self, desk):
        self.told(desk, "已签收", TODAY, "本人")
        content = sheet(["朱明玥", "1栋1单元502室", A, "已签收", TODAY, "本人"], head=list(self.HEAD))
        before = DeliveryTransition.objects.count()
        assert desk.look(content).known == 1
        assert desk.post(content).states == 0
        assert DeliveryTransition.objects.count() == before

    def test_not_signed_for_yet_is_no_signature(self, desk):
        delivery, _entered = self.told(desk, "2025-11-23 派送中，未签收", "", "")
        assert delivery.state == State.IN_TRANSIT
