"""The label of one sending: of a letter that is sent again, mostly to the other address."""

import pytest
from django.test import Client
from django.urls import reverse

from company.models import AuditEvent, Role
from notices.dispatching import Order, send_again
from notices.models import Delivery, Recipient
from owners.models import Address
from tests.factories import NOW, TODAY, create_project, create_user
from tests.notice_factories import create_letter, send
from tests.notices.pdf_text import text_of


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def project(db):
    return create_project(code="FHC1")


@pytest.fixture
def letter(project):
    letter = create_letter(project=project, names=["陈建国"])
    Recipient.objects.create(
        notice=letter, address_kind="on_site", name="陈建国", address="广州市某某区1号", phone="13800000000",
        postcode="510000", envelope=1,
    )  # fmt: skip
    return letter


def asked(project, delivery):
    client = Client()
    client.force_login(create_user(name="贺兰", role=Role.NOTICE_ADMIN, project=project))
    return client.get(reverse("notices:delivery_label", args=["FHC1", delivery.pk]), follow=True)


def test_the_address_that_was_fixed_at_confirmation(project, letter):
    (delivery,) = send(letter)
    text = text_of(asked(project, delivery).content)
    assert "陈建国广州市某某区1号电话：13800000000邮编：510000" in text
    assert f"物业费用催缴函{letter.number}" in text
    assert AuditEvent.objects.filter(action="notices.label_printed", object_id=str(letter.pk)).exists()


def test_the_other_address_comes_from_the_register(project, letter):
    owner = letter.account.ownership.owners.get()
    Address.objects.create(project=project, owner=owner, kind="second", text="南京市鼓楼区2号 210000")
    (delivery,) = send(letter)
    Delivery.objects.update(address_kind="second")
    text = text_of(asked(project, delivery).content)
    assert "南京市鼓楼区2号" in text
    assert "邮编：210000" in text
    assert "某某区1号" not in text


def test_sent_again_to_the_same_address_it_is_read_from_the_register(project, letter):
    (delivery,) = send(letter)
    Delivery.objects.update(state="returned", returned_on=TODAY, return_reason="unknown")
    owner = letter.account.ownership.owners.get()
    Address.objects.create(project=project, owner=owner, kind="on_site", text="广州市某某区3号")
    again = send_again(delivery, Order(Delivery.Channel.EMS, TODAY), by=create_user(), now=NOW)
    text = text_of(asked(project, again).content)
    assert "某某区3号" in text
    assert "某某区1号" not in text


def test_an_address_that_nobody_has_or_that_cannot_be_printed_is_said(project, letter):
    (delivery,) = send(letter)
    Delivery.objects.update(address_kind="second")
    assert "业主档案中没有这个地址" in asked(project, delivery).content.decode()
    owner = letter.account.ownership.owners.get()
    Address.objects.create(project=project, owner=owner, kind="second", text="𠮷林市2号")
    assert "𠮷" in asked(project, delivery).content.decode()


def test_what_is_handed_over_needs_no_label(project, letter):
    (delivery,) = send(letter, channel=Delivery.Channel.BY_HAND)
    assert asked(project, delivery).status_code == 404
