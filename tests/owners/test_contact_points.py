"""Phones, addresses and emergency contacts: changes keep history, one phone is the primary one."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction

from company.models import AuditEvent
from owners.contact_points import (
    PhoneNumberError,
    add_emergency_contact,
    add_phone,
    change_address,
    change_phone,
    end_phone,
    make_primary,
    mark_phone,
    normalise_phone,
)
from owners.models import Address, Owner, Phone
from tests.factories import NOW, TODAY, create_owner, create_phone, create_project

EARLIER, LATER = NOW - dt.timedelta(hours=1), NOW + dt.timedelta(hours=1)


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("13812342617", "13812342617"),
        ("+86 138-1234-2617", "13812342617"),
        ("0086 13812342617", "13812342617"),
        ("１３８１２３４２６１７", "13812342617"),
        ("0574-8712 3456", "057487123456"),
        ("8712345", "8712345"),
    ],
)
def test_numbers_are_kept_as_digits(text: str, digits: str) -> None:
    assert normalise_phone(text) == digits


@pytest.mark.parametrize("text", ["", "/", "无", "12345", "1234567890123456"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(PhoneNumberError):
        normalise_phone(text)


@pytest.fixture
def owner(db: None) -> Owner:
    return create_owner(project=create_project())


def live(owner: Owner) -> list[tuple[str, bool]]:
    phones = Phone.objects.filter(owner=owner, ended_at=None).order_by("pk")
    return [(phone.number, phone.is_primary) for phone in phones]


def test_the_first_number_is_the_primary_one(owner: Owner) -> None:
    add_phone(owner, "13812342617", by=None)
    add_phone(owner, "13912342618", by=None)
    assert live(owner) == [("13812342617", True), ("13912342618", False)]


def test_a_known_number_is_confirmed_not_doubled(owner: Owner) -> None:
    add_phone(owner, "13812342617", by=None, label="本人")
    add_phone(owner, "138 1234 2617", by=None, confirmed_on=TODAY)
    phone = Phone.objects.get()
    assert (phone.label, phone.confirmed_on) == ("本人", TODAY)


def test_a_changed_number_keeps_its_place_and_the_old_one_stays_as_history(owner: Owner) -> None:
    old = add_phone(owner, "13812342617", by=None, label="本人")
    add_phone(owner, "13912342618", by=None)
    new = change_phone(old, "13700000001", by=None, now=NOW)
    assert (new.label, new.is_primary) == ("本人", True)
    assert live(owner) == [("13912342618", False), ("13700000001", True)]
    old.refresh_from_db()
    assert (old.ended_at, old.number) == (NOW, "13812342617")
    assert change_phone(new, "13700000001", by=None, now=NOW) == new


def test_when_the_primary_number_ends_another_takes_over(owner: Owner) -> None:
    first, second = add_phone(owner, "13812342617", by=None), add_phone(owner, "13912342618", by=None)
    make_primary(second, by=None)
    assert live(owner) == [("13812342617", False), ("13912342618", True)]
    end_phone(second, by=None, now=NOW)
    assert live(owner) == [("13812342617", True)]
    end_phone(first, by=None, now=NOW)
    assert live(owner) == []


def test_what_is_learnt_of_a_number_is_noted(owner: Owner) -> None:
    phone = add_phone(owner, "13812342617", by=None)
    mark_phone(phone, by=None, said_at=NOW, state=Phone.State.WRONG_PERSON, do_not_contact=True)
    phone.refresh_from_db()
    assert (phone.state, phone.do_not_contact) == (Phone.State.WRONG_PERSON, True)


def test_what_was_learnt_later_stands_also_where_the_row_was_read_before(owner: Owner) -> None:
    phone = add_phone(owner, "13812342617", by=None)
    read_before = Phone.objects.get()
    mark_phone(phone, by=None, said_at=NOW, state=Phone.State.WRONG_PERSON)
    mark_phone(read_before, by=None, said_at=EARLIER, state=Phone.State.VALID)
    assert Phone.objects.get().state == Phone.State.WRONG_PERSON
    read_before = Phone.objects.get()
    mark_phone(phone, by=None, said_at=LATER, state=Phone.State.VALID)
    change_phone(read_before, "13700000001", by=None, now=LATER, said_at=NOW)
    assert live(owner) == [("13812342617", True), ("13700000001", False)]


def test_a_label_or_a_wish_says_nothing_of_whether_the_number_is_right(owner: Owner) -> None:
    phone = add_phone(owner, "13812342617", by=None)
    mark_phone(phone, by=None, said_at=NOW, label="本人", do_not_contact=True)
    mark_phone(phone, by=None, said_at=EARLIER, state=Phone.State.WRONG_PERSON)
    assert Phone.objects.get().state == Phone.State.WRONG_PERSON


def test_a_number_that_was_given_up_later_does_not_come_back(owner: Owner) -> None:
    end_phone(add_phone(owner, "13812342617", by=None), by=None, now=NOW)
    add_phone(owner, "13812342617", by=None, said_at=EARLIER)
    assert live(owner) == []
    add_phone(owner, "13812342617", by=None, said_at=LATER)
    assert live(owner) == [("13812342617", True)]


def test_a_number_counts_as_given_up_when_that_was_said(owner: Owner) -> None:
    phone = add_phone(owner, "13812342617", by=None)
    change_phone(phone, "13700000001", by=None, now=LATER, said_at=EARLIER)
    add_phone(owner, "13812342617", by=None, said_at=NOW)
    assert live(owner) == [("13700000001", True), ("13812342617", False)]


def test_an_address_that_was_taken_away_later_does_not_come_back(owner: Owner) -> None:
    kind = Address.Kind.SECOND
    change_address(owner, kind, "青石区云栖路1号", by=None, now=EARLIER)
    change_address(owner, kind, "", by=None, now=NOW)
    change_address(owner, kind, "青石区云栖路1号", by=None, now=LATER, said_at=EARLIER)
    assert not Address.objects.filter(ended_at=None).exists()
    change_address(owner, kind, "青石区云栖路1号", by=None, now=LATER)
    assert Address.objects.filter(ended_at=None).count() == 1


def test_an_address_is_replaced_and_its_history_kept(owner: Owner) -> None:
    first = change_address(owner, Address.Kind.SECOND, "江苏省南京市玄武区1号", by=None, now=NOW)
    assert change_address(owner, Address.Kind.SECOND, " 江苏省南京市玄武区1号 ", by=None, now=NOW) == first
    change_address(owner, Address.Kind.SECOND, "浙江省宁波市2号", by=None, now=NOW)
    change_address(owner, Address.Kind.SECOND, "", by=None, now=NOW)
    assert [a.ended_at for a in Address.objects.order_by("pk")] == [NOW, NOW]


def test_an_emergency_contact_may_have_no_number(owner: Owner) -> None:
    contact = add_emergency_contact(owner, name="王敏", relation="妻子", by=None)
    assert (contact.number, contact.number_hash) == ("", "")


def test_no_number_stands_in_the_audit_trail(owner: Owner) -> None:
    phone = add_phone(owner, "13812342617", by=None)
    change_phone(phone, "13700000001", by=None, now=NOW)
    for event in AuditEvent.objects.all():
        assert "1381234" not in str(event.detail)
        assert "1370000" not in str(event.detail)
    assert AuditEvent.objects.filter(action="owners.phone_added").count() == 2


def test_the_database_keeps_one_primary_and_one_of_each_number(owner: Owner) -> None:
    create_phone(owner=owner, is_primary=True)
    with pytest.raises(IntegrityError, match="one_primary_phone"), transaction.atomic():
        create_phone(owner=owner, number="13912342618", is_primary=True)
    with pytest.raises(IntegrityError, match="phone_once_per_owner"), transaction.atomic():
        create_phone(owner=owner)
    Phone.objects.update(ended_at=NOW)
    create_phone(owner=owner)


def test_the_database_keeps_one_live_address_of_a_kind(owner: Owner) -> None:
    change_address(owner, Address.Kind.ON_SITE, "1栋101", by=None, now=NOW)
    with pytest.raises(IntegrityError, match="one_live_address_per_kind"), transaction.atomic():
        Address.objects.create(project=owner.project, owner=owner, kind=Address.Kind.ON_SITE, text="2栋")


def test_an_owner_has_a_name(owner: Owner) -> None:
    with pytest.raises(IntegrityError, match="owner_has_name"), transaction.atomic():
        create_owner(project=owner.project, name="")
