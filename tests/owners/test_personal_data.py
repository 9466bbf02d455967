"""Personal data are encrypted at rest, found by keyed hashes, and masked on the screen (promise 17)."""

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import FieldError
from django.db import connection
from pytest_django import Settings

from owners.contact_points import add_emergency_contact, add_phone, change_address
from owners.models import Address, Occupant, Owner, Phone
from owners.personal_data import (
    decrypt,
    encrypt,
    keyed_hash,
    mask_address,
    mask_id_number,
    mask_name,
    mask_party,
    mask_phone,
)
from tests.factories import NOW, create_owner, create_project, create_unit

PHONE, ID_NUMBER, ADDRESS = "13812342617", "330206198001011234", "江苏省南京市玄武区中山路1号"


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("张三", "张*"),
        ("李小博", "李*博"),
        ("欧阳浩赟", "欧**赟"),
        ("周氏餐饮有限公司", "周氏餐饮有限公司"),
        ("𠮷", "𠮷"),
        ("买买提·吐尔逊", "买*****逊"),
    ],
)
def test_names_are_masked(name: str, masked: str) -> None:
    assert mask_name(name) == masked


def test_each_of_several_is_masked() -> None:
    assert mask_party("李小博、王敏") == "李*博、王*"


def test_numbers_and_addresses_are_masked() -> None:
    assert mask_phone(PHONE) == "138****2617"
    assert mask_phone("8712345") == "****2345"
    assert mask_phone("123") == "***"
    assert mask_id_number(ID_NUMBER) == "3302**********1234"
    assert mask_id_number("12345678") == "********"
    assert mask_address(ADDRESS) == "江苏省***"


def test_what_is_encrypted_can_be_read_and_differs_each_time() -> None:
    assert decrypt(encrypt(PHONE)) == PHONE
    assert encrypt(PHONE) != encrypt(PHONE)
    assert encrypt("") == ""


def test_a_new_first_key_still_reads_what_the_old_one_wrote(settings: Settings) -> None:
    token = encrypt(PHONE)
    settings.FIELD_KEYS = [Fernet.generate_key().decode(), *settings.FIELD_KEYS]
    assert decrypt(token) == PHONE
    assert decrypt(encrypt(PHONE)) == PHONE


def test_hashes_need_the_key(settings: Settings) -> None:
    before = keyed_hash(PHONE)
    assert before == keyed_hash(PHONE)
    settings.HASH_KEY = "another"
    assert keyed_hash(PHONE) != before
    assert keyed_hash("") == ""


@pytest.mark.django_db
def test_no_clear_text_stands_in_any_table() -> None:
    """Every column of every table of the application is read as text and searched for the canaries."""
    project = create_project()
    owner = create_owner(project=project, id_number=ID_NUMBER, id_number_hash=keyed_hash(ID_NUMBER))
    add_phone(owner, PHONE, by=None)
    change_address(owner, Address.Kind.SECOND, ADDRESS, by=None, now=NOW)
    add_emergency_contact(owner, name="王敏", number=PHONE, by=None)
    Occupant.objects.create(project=project, unit=create_unit(project=project), name="租客", phone=PHONE)
    rows = _everything()
    assert len(rows) > 5
    for canary in (PHONE, ID_NUMBER, ADDRESS):
        assert not [row for row in rows if canary in row]
    found = Owner.objects.get(pk=owner.pk)
    assert (found.id_number, Phone.objects.get().number, Address.objects.get().text) == (ID_NUMBER, PHONE, ADDRESS)


def _everything() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> %s", ["django_migrations"]
        )
        rows: list[str] = []
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            rows += [row for (row,) in cursor.fetchall()]
    return rows


@pytest.mark.django_db
def test_an_encrypted_column_is_not_searched_by_its_text() -> None:
    owner = create_owner(project=create_project())
    add_phone(owner, PHONE, by=None)
    assert not Phone.objects.filter(number=PHONE).exists(), "each token differs: look up by number_hash"
    assert Phone.objects.filter(number_hash=keyed_hash(PHONE)).exists()
    with pytest.raises(FieldError):
        Phone.objects.filter(clear_number=PHONE)
