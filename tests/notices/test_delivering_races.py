"""Two people at one letter at the same moment; each test has its control without the account's lock."""

import threading
import time

import pytest
from django.db import IntegrityError

from arrears.models import LimitationProof
from notices import delivering, dispatching
from notices.delivering import Proof, Receipt
from notices.dispatching import Order, dispatch
from notices.models import Delivery, Notice
from notices.waybills import WaybillRefusedError, enter_number
from tests.arrears.test_races import at_once
from tests.factories import NOW, TODAY, create_payment, create_project, create_user
from tests.notice_factories import create_file, create_letter, send

pytestmark = pytest.mark.django_db(transaction=True)
CLIENTS = 4


@pytest.fixture(autouse=True)
def _settings(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    settings.LEDGER_FOLLOWERS = []


@pytest.fixture
def project():
    return create_project(code="FHC1")


@pytest.fixture
def clerk():
    return create_user(name="贺兰")


def slowly(monkeypatch, module, name):
    """Time passes before ``module.name`` acts, as it does on a busy server."""
    act = getattr(module, name)

    def slow(*args, **kwargs):
        time.sleep(0.1)
        return act(*args, **kwargs)

    monkeypatch.setattr(module, name, slow)


def without_locks(monkeypatch, module):
    monkeypatch.setattr(module, "lock_accounts", lambda ids: list(ids))
    rows = Delivery.objects.all().__class__
    monkeypatch.setattr(rows, "select_for_update", lambda self, **_: self)


class TestDelivered:
    @pytest.fixture
    def ready(self, project, clerk, monkeypatch):
        """By hand, with the signed receipt: only the day is missing."""
        (delivery,) = send(create_letter(project=project), channel=Delivery.Channel.BY_HAND)
        file = create_file(project=project)
        delivering.attach(project, [delivery.pk], Proof.DELIVERY, file, by=clerk, now=NOW)
        slowly(monkeypatch, delivering, "record_proof")
        return delivery

    def deliver(self, ready, clerk):
        def act(_):
            receipt = Receipt(TODAY, Delivery.Receiver.SELF)
            delivering.receive(ready.project, [ready.pk], receipt, by=clerk, now=NOW)

        return at_once(act, clients=CLIENTS)

    def test_at_once_there_is_one_proof(self, ready, clerk):
        assert self.deliver(ready, clerk) == []
        assert LimitationProof.objects.count() == 1

    def test_control_without_the_lock_there_are_several(self, ready, clerk, monkeypatch):
        without_locks(monkeypatch, delivering)
        self.deliver(ready, clerk)
        assert LimitationProof.objects.count() > 1


class TestDispatched:
    def dispatch(self, notice, clerk):
        def act(_):
            dispatch(notice.project, [notice.pk], Order(Delivery.Channel.EMS, TODAY), by=clerk, now=NOW)

        return at_once(act, clients=CLIENTS)

    def test_at_once_a_letter_is_sent_once(self, project, clerk, monkeypatch):
        notice = create_letter(project=project)
        slowly(monkeypatch, dispatching, "_create")
        assert self.dispatch(notice, clerk) == []
        assert Delivery.objects.count() == 1

    def test_control_without_the_lock_only_the_constraint_holds(self, project, clerk, monkeypatch):
        notice = create_letter(project=project)
        slowly(monkeypatch, dispatching, "_create")
        monkeypatch.setattr(dispatching, "lock_accounts", lambda ids: list(ids))
        failures = self.dispatch(notice, clerk)
        assert failures
        assert all(isinstance(failure, IntegrityError) for failure in failures)
        assert Delivery.objects.count() == 1

    def race_with_payment(self, project, clerk, monkeypatch, *, pays_before):
        """A payment that comes while the dispatch stands before ``pays_before``."""
        notice = create_letter(project=project)
        act, reached, paid = getattr(dispatching, pays_before), threading.Event(), threading.Event()

        def after_the_payment(*args, **kwargs):
            reached.set()
            assert paid.wait(timeout=20)
            return act(*args, **kwargs)

        monkeypatch.setattr(dispatching, pays_before, after_the_payment)

        def client(number):
            if number:
                assert reached.wait(timeout=20)
                create_payment(account=notice.account)
                paid.set()
            else:
                dispatch(project, [notice.pk], Order(Delivery.Channel.EMS, TODAY), by=clerk, now=NOW)

        assert at_once(client, clients=2) == []
        notice.refresh_from_db()
        return notice, Delivery.objects.filter(notice=notice).first()

    def test_a_payment_that_came_first_voids_the_letter(self, project, clerk, monkeypatch):
        notice, sent = self.race_with_payment(project, clerk, monkeypatch, pays_before="lock_accounts")
        assert (notice.state, sent) == (Notice.State.VOID, None)

    def test_control_without_the_lock_a_payment_after_the_reading_is_missed(self, project, clerk, monkeypatch):
        monkeypatch.setattr(dispatching, "lock_accounts", lambda ids: list(ids))
        notice, sent = self.race_with_payment(project, clerk, monkeypatch, pays_before="_send")
        assert notice.state == Notice.State.DISPATCHED
        assert sent


class TestNumbers:
    def test_one_number_for_two_letters_at_once_goes_to_one(self, project, clerk):
        deliveries = send(create_letter(project=project), create_letter(project=project))

        def act(client):
            enter_number(project, deliveries[client].pk, "1099001234216", by=clerk, now=NOW)

        failures = at_once(act, clients=2)
        assert [type(failure) for failure in failures] == [WaybillRefusedError]
        assert Delivery.objects.filter(tracking_number="1099001234216").count() == 1
