import datetime as dt

import pytest
from django.db import IntegrityError, transaction
from django.db.utils import InternalError

from arrears.models import LimitationProof
from company.models import AuditEvent
from notices.dispatching import DispatchRefusedError, Obstacle, Order, dispatch, send_again, take_back
from notices.kinds import KINDS
from notices.labels import Addressee, label_content
from notices.models import Batch, Delivery, DeliveryTransition, Notice, NoticeKind, Recipient, SignedScan
from notices.scan_archives import ScanRefusedError
from notices.signing import withdraw_scan
from owners.contact_points import change_address
from owners.models import Address
from tests.factories import NOW, TODAY, create_debtor, create_payment, create_project, create_user
from tests.notice_factories import create_file, create_letter, create_letter_batch, create_scan, send

Channel, State = Delivery.Channel, Delivery.State
TOMORROW = TODAY + dt.timedelta(days=1)
DEMANDS = [NoticeKind.EMS_NOTICE, NoticeKind.FEE_NOTICE, NoticeKind.LAWYER_LETTER]
REFUSED = (IntegrityError, InternalError)


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def project(db):
    return create_project(code="FHC1")


@pytest.fixture
def clerk(db):
    return create_user(name="贺兰")


def try_to_send(notice, channel=Channel.EMS, *, on=TODAY, by):
    return dispatch(notice.project, [notice.pk], Order(channel, on), by=by, now=NOW)


class TestDispatch:
    @pytest.mark.parametrize("channel", [Channel.EMS, Channel.BY_HAND, Channel.POST])
    def test_a_demand_goes_by_any_channel_but_the_door(self, project, clerk, channel):
        notice = create_letter(project=project)
        (delivery,) = try_to_send(notice, channel, by=clerk).sent
        notice.refresh_from_db()
        assert notice.state == Notice.State.DISPATCHED
        assert (delivery.channel, delivery.dispatched_on, delivery.dispatched_by) == (channel, TODAY, clerk)
        assert [(t.from_state, t.to_state) for t in delivery.transitions.all()] == [("", "dispatched")]
        assert notice.transitions.last().to_state == "dispatched"
        assert AuditEvent.objects.filter(action="notices.dispatched", user=clerk).exists()

    def test_the_contents_line_of_a_lawyers_letter_is_that_of_its_label(self, project):
        letter = create_letter(project=project, kind=NoticeKind.LAWYER_LETTER)
        (delivery,) = send(letter)
        label = label_content(Addressee("陈建国", "1栋101"), [letter.data], KINDS[NoticeKind(letter.kind)], Channel.EMS)
        assert [delivery.contents] == label["contents"] == [f"律师函 {letter.number}"]

    def test_the_contents_line_of_ems_names_the_document_and_no_debt(self, project, clerk):
        notice = create_letter(project=project)
        (delivery,) = try_to_send(notice, by=clerk).sent
        assert delivery.contents == f"物业费用催缴函 {notice.number}"
        (by_post,) = try_to_send(create_letter(project=project), Channel.POST, by=clerk).sent
        assert by_post.contents == ""

    @pytest.mark.parametrize("contents", ["欠费催缴函", "催缴函 3883.20", "催缴函 ¥100", "催缴函 388 元"])
    def test_a_contents_line_that_tells_of_the_debt_is_refused(self, project, clerk, contents):
        notice = create_letter(project=project)
        with pytest.raises(DispatchRefusedError):
            dispatch(project, [notice.pk], Order(Channel.EMS, TODAY, contents=contents), by=clerk, now=NOW)
        (delivery,) = send(notice)
        with pytest.raises(IntegrityError), transaction.atomic():
            Delivery.objects.filter(pk=delivery.pk).update(contents=contents)

    def test_a_letter_whose_charges_changed_is_void_instead_of_sent_and_the_others_go(self, project, clerk):
        batch = create_letter_batch(project=project)
        paid, owing = (create_letter(project=project, batch=batch) for _ in range(2))
        create_payment(account=paid.account, amount="100.00")
        done = dispatch(project, [paid.pk, owing.pk], Order(Channel.EMS, TODAY), by=clerk, now=NOW)
        assert done.kept_back == [(paid, Obstacle.CHANGED)]
        assert [delivery.notice_id for delivery in done.sent] == [owing.pk]
        paid.refresh_from_db()
        assert (paid.state, paid.void_reason) == ("void", "ledger_changed")
        assert Batch.objects.get(pk=batch.pk).state == Batch.State.RENDERING  # its files are put together anew

    def test_slips_go_on_the_door_and_demands_never(self, project, clerk):
        slip = create_letter(project=project, kind=NoticeKind.DOOR_SLIP)
        assert try_to_send(slip, Channel.EMS, by=clerk).kept_back == [(slip, Obstacle.ONLY_DOOR)]
        assert try_to_send(slip, Channel.DOOR, by=clerk).sent
        for kind in DEMANDS:
            demand = create_letter(project=project, kind=kind)
            assert try_to_send(demand, Channel.DOOR, by=clerk).kept_back == [(demand, Obstacle.NOT_ON_DOOR)]

    def test_not_after_today_and_not_before_the_letter_is_dated(self, project, clerk):
        notice = create_letter(project=project)
        with pytest.raises(DispatchRefusedError):
            try_to_send(notice, on=TOMORROW, by=clerk)
        yesterday = TODAY - dt.timedelta(days=1)
        assert try_to_send(notice, on=yesterday, by=clerk).kept_back == [(notice, Obstacle.BEFORE_ISSUE)]

    @pytest.mark.parametrize("state", [s for s in Notice.State if s != Notice.State.ISSUED])
    def test_only_a_made_letter_goes(self, project, clerk, state):
        notice = create_letter(project=project)
        if state == Notice.State.DISPATCHED:
            send(notice)
        else:
            more = {
                "void": {"void_reason": "cancelled"},
                "failed": {"failure": "crashed"},
                "rendering": {"claimed_at": NOW},
            }
            Notice.objects.filter(pk=notice.pk).update(state=state, **more.get(state, {}))
        before = Delivery.objects.count()
        assert try_to_send(notice, by=clerk).kept_back == [(notice, Obstacle.NOT_MADE)]
        assert Delivery.objects.count() == before

    def test_a_letter_of_another_project_is_not_touched(self, project, clerk):
        foreign = create_letter(project=create_project())
        assert not dispatch(project, [foreign.pk], Order(Channel.EMS, TODAY), by=clerk, now=NOW).sent
        foreign.refresh_from_db()
        assert foreign.state == Notice.State.ISSUED

    def test_taking_back_puts_the_letter_into_the_house_and_the_ledger_voids_it_then(self, project, clerk):
        notice = create_letter(project=project)
        (delivery,) = send(notice)
        take_back(delivery, by=clerk, now=NOW, reason="点错")
        notice.refresh_from_db()
        delivery.refresh_from_db()
        assert (notice.state, delivery.state) == ("issued", "withdrawn")
        create_payment(account=notice.account)
        assert try_to_send(notice, by=clerk).kept_back == [(notice, Obstacle.CHANGED)]

    def test_it_goes_where_the_batch_has_chosen_unless_told_otherwise(self, project, clerk):
        first, second = create_letter(project=project), create_letter(project=project)
        for notice in (first, second):
            Recipient.objects.create(notice=notice, address_kind="second", name="x", address="y", envelope=1)
        assert try_to_send(first, by=clerk).sent[0].address_kind == "second"
        order = Order(Channel.EMS, TODAY, {second.pk: Address.Kind.ON_SITE})
        assert dispatch(project, [second.pk], order, by=clerk, now=NOW).sent[0].address_kind == "on_site"

    def test_a_corrected_letter_stays_sent(self, project, clerk):
        notice = create_letter(project=project)
        (delivery,) = send(notice)
        Notice.objects.filter(pk=notice.pk).update(superseded=True)
        with pytest.raises(DispatchRefusedError):
            take_back(Delivery.objects.get(pk=delivery.pk), by=clerk, now=NOW, reason="点错")

    @pytest.mark.parametrize("proof", ["posting_proof", "delivery_proof", "return_proof"])
    def test_with_a_proof_it_is_not_taken_back(self, project, clerk, proof):
        (delivery,) = send(create_letter(project=project))
        Delivery.objects.filter(pk=delivery.pk).update(**{proof: create_file(project=project)})
        with pytest.raises(DispatchRefusedError):
            take_back(delivery, by=clerk, now=NOW, reason="点错")

    def test_with_a_number_it_is_not_taken_back(self, project, clerk):
        (delivery,) = send(create_letter(project=project))
        Delivery.objects.filter(pk=delivery.pk).update(tracking_number="1099001234216", numbered_at=NOW)
        with pytest.raises(DispatchRefusedError):
            take_back(delivery, by=clerk, now=NOW, reason="点错")


class TestLawyersLetters:
    """Promise 21: none leaves as final without the firm's mandate and its signed scan."""

    def test_unsigned_it_stays(self, project, clerk):
        notice = create_letter(project=project, kind=NoticeKind.LAWYER_LETTER)
        assert try_to_send(notice, by=clerk).kept_back == [(notice, Obstacle.UNSIGNED)]
        create_scan(notice=notice)
        assert try_to_send(notice, by=clerk).sent

    def test_without_a_mandate_on_that_day_it_stays(self, project, clerk):
        notice = create_letter(project=project, kind=NoticeKind.LAWYER_LETTER)
        create_scan(notice=notice)
        firm = notice.batch.law_firm
        firm.mandated_until = TODAY - dt.timedelta(days=1)
        firm.save()
        assert try_to_send(notice, by=clerk).kept_back == [(notice, Obstacle.NO_MANDATE)]

    def test_a_withdrawn_scan_is_no_signature(self, project, clerk):
        notice = create_letter(project=project, kind=NoticeKind.LAWYER_LETTER)
        withdraw_scan(create_scan(notice=notice), by=clerk, now=NOW, reason="扫错")
        assert try_to_send(notice, by=clerk).kept_back == [(notice, Obstacle.UNSIGNED)]

    @pytest.mark.parametrize("lacks", ["scan", "mandate", "term", "withdrawn"])
    def test_the_database_refuses_it_too(self, project, clerk, lacks):
        notice = create_letter(project=project, kind=NoticeKind.LAWYER_LETTER)
        firm = notice.batch.law_firm
        if lacks != "scan":
            scan = create_scan(notice=notice)
        if lacks == "mandate":
            firm.mandate = None
        if lacks == "term":
            firm.mandated_until = TODAY - dt.timedelta(days=1)
        if lacks == "withdrawn":
            withdraw_scan(scan, by=clerk, now=NOW, reason="扫错")
        firm.save()
        with pytest.raises(REFUSED, match="scan signed by a firm"), transaction.atomic():
            raw_delivery(notice, clerk)

    def test_the_database_takes_it_with_both(self, project, clerk):
        notice = create_letter(project=project, kind=NoticeKind.LAWYER_LETTER)
        create_scan(notice=notice)
        raw_delivery(notice, clerk)

    @pytest.mark.parametrize("kind", list(NoticeKind))
    def test_no_letter_is_sent_without_a_delivery(self, project, kind):
        notice = create_letter(project=project, kind=kind)
        with pytest.raises(REFUSED, match="delivery only"), transaction.atomic():
            Notice.objects.filter(pk=notice.pk).update(state="dispatched")

    def test_the_scan_of_a_sent_letter_stays(self, project, clerk):
        notice = create_letter(project=project, kind=NoticeKind.LAWYER_LETTER)
        send(notice)
        scan = notice.scans.get()
        with pytest.raises(ScanRefusedError):
            withdraw_scan(scan, by=clerk, now=NOW, reason="扫错")
        with pytest.raises(REFUSED), transaction.atomic():
            SignedScan.objects.filter(pk=scan.pk).update(withdrawn_at=NOW, withdrawn_by=clerk)


class TestSendingAgain:
    @pytest.fixture
    def returned(self, project):
        (delivery,) = send(create_letter(project=project))
        Delivery.objects.filter(pk=delivery.pk).update(state="returned", returned_on=TODAY, return_reason="unknown")
        return Delivery.objects.get(pk=delivery.pk)

    def test_to_the_other_address(self, returned, clerk):
        order = Order(Channel.EMS, TODAY, {returned.notice_id: Address.Kind.SECOND})
        with pytest.raises(DispatchRefusedError):
            send_again(returned, order, by=clerk, now=NOW)  # nobody has a second address
        owner = returned.notice.account.ownership.members.get().owner
        change_address(owner, Address.Kind.SECOND, "南京市中山路1号", by=None, now=NOW)
        again = send_again(returned, order, by=clerk, now=NOW)
        assert (again.address_kind, again.state, again.tracking_number) == ("second", "dispatched", "")
        assert returned.notice.deliveries.count() == 2

    def test_not_once_a_correction_has_taken_its_place(self, returned, clerk):
        Notice.objects.filter(pk=returned.notice_id).update(superseded=True)
        with pytest.raises(DispatchRefusedError):
            send_again(returned, Order(Channel.EMS, TODAY), by=clerk, now=NOW)

    def test_not_once_the_ledger_has_changed(self, returned, clerk):
        create_payment(account=returned.notice.account)
        with pytest.raises(DispatchRefusedError):
            send_again(returned, Order(Channel.EMS, TODAY), by=clerk, now=NOW)

    def test_not_twice_at_a_time(self, returned, clerk):
        send_again(returned, Order(Channel.EMS, TODAY), by=clerk, now=NOW)
        with pytest.raises(DispatchRefusedError):
            send_again(returned, Order(Channel.EMS, TODAY), by=clerk, now=NOW)

    def test_the_database_knows_one_sending_at_a_time(self, project, clerk):
        (delivery,) = send(create_letter(project=project))
        with pytest.raises(IntegrityError, match="one_sending_at_a_time"), transaction.atomic():
            raw_delivery(delivery.notice, clerk)


class TestWhatTheDatabaseKeeps:
    def test_channel_and_kind_fit(self, project, clerk):
        slip = create_letter(project=project, kind=NoticeKind.DOOR_SLIP)
        demand = create_letter(project=project)
        for notice, channel in ((slip, Channel.EMS), (demand, Channel.DOOR)):
            with pytest.raises(REFUSED, match="channel"), transaction.atomic():
                raw_delivery(notice, clerk, channel=channel)

    def test_a_delivery_belongs_to_its_letters_project(self, project, clerk):
        with pytest.raises(REFUSED), transaction.atomic():
            raw_delivery(create_letter(project=project), clerk, project=create_project())

    @pytest.mark.parametrize(
        "change",
        [{"channel": "post"}, {"dispatched_on": TODAY - dt.timedelta(days=9)}, {"recorded_at": NOW.replace(hour=1)}],
    )
    def test_what_was_sent_when_is_fixed(self, project, change):
        (delivery,) = send(create_letter(project=project))
        with pytest.raises(REFUSED, match="sending cannot change"), transaction.atomic():
            Delivery.objects.filter(pk=delivery.pk).update(**change)

    def test_rows_are_kept_and_history_is_frozen(self, project):
        (delivery,) = send(create_letter(project=project))
        for attack in (
            lambda: Delivery.objects.filter(pk=delivery.pk).delete(),
            lambda: DeliveryTransition.objects.all()._raw_delete("default"),
            lambda: DeliveryTransition.objects.update(note="x"),
        ):
            with (
                pytest.raises(Exception, match=r"kept|append-only|permission denied|Cannot delete"),
                transaction.atomic(),
            ):
                attack()

    def test_a_withdrawn_sending_stays_so(self, project, clerk):
        (delivery,) = send(create_letter(project=project))
        take_back(delivery, by=clerk, now=NOW, reason="点错")
        with pytest.raises(REFUSED, match="withdrawal cannot change"), transaction.atomic():
            Delivery.objects.filter(pk=delivery.pk).update(state="in_transit")

    def test_nothing_of_a_dispatch_touches_the_limitation_clock(self, project):
        send(create_letter(project=project))
        assert not LimitationProof.objects.exists()
        assert create_debtor(project=project)


def raw_delivery(notice, by, *, channel=Channel.EMS, project=None):
    return Delivery.objects.create(
        project=project or notice.project, notice=notice, channel=channel, dispatched_on=TODAY, dispatched_by=by,
        recorded_at=NOW, state_on=TODAY,
    )  # fmt: skip
