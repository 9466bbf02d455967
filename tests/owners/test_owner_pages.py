"""The page of one owner: what is shown masked, who may change it, and that nothing is overwritten."""

import datetime as dt
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from company.models import AuditEvent, Project, Role
from owners.contact_points import add_emergency_contact, add_phone, change_address, mark_phone
from owners.emails import add_email
from owners.merging import merge_persons
from owners.models import Address, Email, EmergencyContact, Occupant, Owner, Ownership, Phone
from owners.personal_data import keyed_hash
from tests.factories import NOW, create_owner, create_ownership, create_project, create_unit, create_user

pytestmark = pytest.mark.django_db
NUMBER, OTHER = "13812342617", "13900001234"
ID_NUMBER = "330206198001011234"
KEEPERS = (Role.FINANCE, Role.PROJECT_MANAGER)
LOOKERS = (Role.NOTICE_ADMIN, Role.COMPANY_LEADER)
TEAM = (Role.OFFICER, Role.HOUSEKEEPER, Role.ASSISTANT, Role.DEPARTMENT_HEAD)


@pytest.fixture
def project() -> Project:
    return create_project(code="FHC1")


@pytest.fixture
def owner(project: Project) -> Owner:
    owner = create_owner(project=project, name="李小博", id_number=ID_NUMBER, id_number_hash=keyed_hash(ID_NUMBER))
    create_ownership(unit=create_unit(project=project, code="8-2-1203"), owners=[owner])
    return owner


@pytest.fixture
def finance(project: Project) -> Client:
    return signed_in(Role.FINANCE, project)


def signed_in(role: Role, project: Project) -> Client:
    client = Client()
    client.force_login(create_user(name="何琳", role=role, project=project))
    return client


def url(name: str, project: Project, **kwargs: Any) -> str:
    return reverse(f"owners:{name}", kwargs={"project_code": project.code, **kwargs})


def page(client: Client, owner: Owner) -> str:
    response = client.get(url("owner", owner.project, pk=owner.pk))
    assert response.status_code == 200
    return response.content.decode()


def history(owner: Owner) -> list[str]:
    events = AuditEvent.objects.filter(object_type="owners.owner", object_id=str(owner.pk))
    return list(events.order_by("pk").values_list("action", flat=True))


@pytest.mark.parametrize("role", [*KEEPERS, *LOOKERS])
def test_the_page_tells_everything_and_hides_what_is_personal(role: Role, owner: Owner, project: Project) -> None:
    add_phone(owner, NUMBER, by=None, label="手机")
    add_email(owner, "li.xiaobo@example.com", by=None)
    change_address(owner, Address.Kind.SECOND, "江苏省南京市1号", by=None, now=NOW)
    add_emergency_contact(owner, name="王敏", number=OTHER, relation="配偶", by=None)
    shown = page(signed_in(role, project), owner)
    for told in (
        "李*博",
        "8-2-1203",
        "138****2617",
        "手机",
        "l***@example.com",
        "江苏省***",
        "王*",
        "配偶",
        "3302**********1234",
    ):
        assert told in shown
    for hidden in ("李小博", NUMBER, "li.xiaobo", "南京市", "王敏", OTHER, ID_NUMBER):
        assert hidden not in shown
    assert (url("contact_new", project, pk=owner.pk, kind="phone") in shown) is (role in KEEPERS)


@pytest.mark.parametrize("role", TEAM)
def test_who_works_in_a_team_has_the_page_of_the_case_instead(role: Role, owner: Owner, project: Project) -> None:
    assert signed_in(role, project).get(url("owner", project, pk=owner.pk)).status_code == 404


@pytest.mark.parametrize("role", [*LOOKERS, *TEAM])
def test_only_finance_and_the_manager_change_what_is_known(role: Role, owner: Owner, project: Project) -> None:
    phone = add_phone(owner, NUMBER, by=None)
    client = signed_in(role, project)
    for address in (
        url("contact_new", project, pk=owner.pk, kind="phone"),
        url("contact_edit", project, kind="phone", pk=phone.pk),
        url("contact_end", project, kind="phone", pk=phone.pk),
        url("phone_primary", project, pk=phone.pk),
        url("owner_edit", project, pk=owner.pk),
        url("merge", project, pk=owner.pk),
    ):
        assert client.post(address, {"number": OTHER, "state": "valid"}).status_code == 403
    assert Phone.objects.get().ended_at is None


def test_a_bad_number_is_said_beside_the_field_and_nothing_is_lost(
    owner: Owner, project: Project, finance: Client
) -> None:
    address = url("contact_new", project, pk=owner.pk, kind="phone")
    response = finance.post(address, {"number": "12", "label": "工作", "state": "valid"})
    shown = response.content.decode()
    assert "电话号码是7至15位数字" in shown
    assert 'value="工作"' in shown
    assert not Phone.objects.exists()
    answer = finance.post(address, {"number": NUMBER, "state": "valid", "confirmed_on": "2099-01-01"})
    assert "confirmed_on" in answer.context["form"].errors
    assert not Phone.objects.exists()


def test_another_number_ends_the_old_row_and_the_history_says_by_whom(
    owner: Owner, project: Project, finance: Client
) -> None:
    phone = add_phone(owner, NUMBER, by=None, label="手机")
    given = {"number": "139 0000 1234", "label": "工作", "state": "unreachable", "confirmed_on": "2025-11-01"}
    finance.post(url("contact_edit", project, kind="phone", pk=phone.pk), given)
    phone.refresh_from_db()
    new = Phone.objects.get(owner=owner, ended_at=None)
    assert phone.ended_at
    assert (phone.number, new.number, new.is_primary) == (NUMBER, OTHER, True)
    assert (new.label, new.state, new.confirmed_on) == ("工作", "unreachable", dt.date(2025, 11, 1))
    shown = page(finance, owner)
    assert "<s>138****2617</s>" in shown.replace("\n", "")
    assert "何琳" in shown
    assert "电话停用" in shown
    assert {"owners.phone_ended", "owners.phone_added", "owners.phone_marked"} <= set(history(owner))


def test_a_number_on_file_that_is_entered_anew_is_the_latest_word(
    owner: Owner, project: Project, finance: Client
) -> None:
    phone = add_phone(owner, NUMBER, by=None)
    finance.post(url("contact_new", project, pk=owner.pk, kind="phone"), {"number": NUMBER, "state": "valid"})
    an_hour_ago = timezone.now() - dt.timedelta(hours=1)
    mark_phone(phone, by=None, said_at=an_hour_ago, state=Phone.State.WRONG_PERSON)
    assert Phone.objects.get().state == Phone.State.VALID


def test_an_empty_number_keeps_the_one_on_file(owner: Owner, project: Project, finance: Client) -> None:
    phone = add_phone(owner, NUMBER, by=None, label="手机")
    address = url("contact_edit", project, kind="phone", pk=phone.pk)
    assert NUMBER not in finance.get(address).content.decode()
    finance.post(address, {"number": "", "label": "手机", "state": "wrong_person", "do_not_contact": "on"})
    phone.refresh_from_db()
    assert (phone.number, phone.state, phone.do_not_contact, phone.ended_at) == (NUMBER, "wrong_person", True, None)
    assert history(owner)[-1] == "owners.phone_marked"


def test_saving_what_stands_writes_no_history(owner: Owner, project: Project, finance: Client) -> None:
    phone = add_phone(owner, NUMBER, by=None, label="手机")
    before = history(owner)
    finance.post(url("contact_edit", project, kind="phone", pk=phone.pk), {"label": "手机", "state": "valid"})
    assert history(owner) == before


def test_one_number_is_dialled_first(owner: Owner, project: Project, finance: Client) -> None:
    first, second = add_phone(owner, NUMBER, by=None), add_phone(owner, OTHER, by=None)
    finance.post(url("phone_primary", project, pk=second.pk))
    assert list(Phone.objects.filter(is_primary=True)) == [second]
    finance.post(url("contact_end", project, kind="phone", pk=second.pk))
    assert list(Phone.objects.filter(is_primary=True)) == [first]
    assert finance.post(url("contact_end", project, kind="phone", pk=second.pk)).status_code == 404


def test_an_email_is_kept_encrypted_once_and_ends(owner: Owner, project: Project, finance: Client) -> None:
    new = url("contact_new", project, pk=owner.pk, kind="email")
    assert "address" in finance.post(new, {"address": "no mail"}).context["form"].errors
    for text in ("Li@example.com", "li@example.com "):
        finance.post(new, {"address": text, "label": "工作"})
    email = Email.objects.get()
    finance.post(url("contact_edit", project, kind="email", pk=email.pk), {"address": "bo@example.com"})
    assert [row.ended_at is None for row in Email.objects.order_by("pk")] == [False, True]
    finance.post(url("contact_end", project, kind="email", pk=Email.objects.get(ended_at=None).pk))
    assert not Email.objects.filter(ended_at=None).exists()
    assert history(owner)[-4:] == [
        "owners.email_added",
        "owners.email_ended",
        "owners.email_added",
        "owners.email_ended",
    ]


def test_the_database_refuses_one_email_twice(owner: Owner) -> None:
    same = {"project": owner.project, "owner": owner, "address": "a@example.com", "address_hash": "a" * 64}
    Email.objects.create(**same)
    with pytest.raises(IntegrityError), transaction.atomic():
        Email.objects.create(**same)
    Email.objects.update(ended_at=NOW)
    Email.objects.create(**same)


def test_an_address_is_replaced_and_marked_when_mail_came_back(owner: Owner, project: Project, finance: Client) -> None:
    new = url("contact_new", project, pk=owner.pk, kind="address")
    finance.post(new, {"kind": "second", "text": "江苏省南京市1号"})
    finance.post(new, {"kind": "second", "text": "江苏省苏州市2号"})
    address = Address.objects.get(ended_at=None)
    assert address.text == "江苏省苏州市2号"
    assert Address.objects.count() == 2
    writer = signed_in(Role.NOTICE_ADMIN, project)
    mark = url("address_returned", project, pk=address.pk)
    assert mark in page(writer, owner)
    writer.post(mark)
    address.refresh_from_db()
    assert address.returned_on
    assert "退信" in page(finance, owner)
    writer.post(mark)
    assert not Address.objects.filter(returned_on__isnull=False).exists()
    assert history(owner).count("owners.mail_returned") == 2


def test_an_emergency_contact_changes_with_history(owner: Owner, project: Project, finance: Client) -> None:
    new = url("contact_new", project, pk=owner.pk, kind="emergency")
    for _ in range(2):  # sent twice it is one
        finance.post(new, {"name": "王敏", "relation": "配偶", "number": OTHER})
    contact = EmergencyContact.objects.get()
    edit = url("contact_edit", project, kind="emergency", pk=contact.pk)
    finance.post(edit, {"name": "王敏", "relation": "姐姐", "number": "", "do_not_contact": "on"})
    now = EmergencyContact.objects.get(ended_at=None)
    assert (now.relation, now.number, now.do_not_contact) == ("姐姐", OTHER, True)
    assert EmergencyContact.objects.count() == 2


def test_a_name_is_corrected_and_the_party_follows(owner: Owner, project: Project, finance: Client) -> None:
    finance.post(url("owner_edit", project, pk=owner.pk), {"name": "李晓博", "kind": "person", "id_number": ""})
    owner.refresh_from_db()
    assert (owner.name, owner.pinyin_initials, owner.id_number) == ("李晓博", "lxb", ID_NUMBER)
    assert Ownership.objects.get().party_name == "李晓博"
    finance.post(
        url("owner_edit", project, pk=owner.pk), {"name": "李晓博", "kind": "person", "id_number": "11010119900307123x"}
    )
    owner.refresh_from_db()
    assert owner.id_number_hash == keyed_hash("11010119900307123X")
    assert ID_NUMBER not in str(list(AuditEvent.objects.values_list("detail", flat=True)))


def test_an_occupant_with_the_agreement_who_pays(owner: Owner, project: Project, finance: Client) -> None:
    unit = owner.ownerships.get().unit
    given = {
        "name": "赵租客",
        "phone": OTHER,
        "pays_by_agreement": "on",
        "agreement": "租期内物业费由租客交",
        "starts_on": "2025-01-01",
    }
    for _ in range(2):  # sent twice it is one
        finance.post(url("occupant_new", project, pk=unit.pk), given)
    occupant = Occupant.objects.get()
    for shown in (page(finance, owner), finance.get(url("unit", project, pk=unit.pk)).content.decode()):
        assert "租期内物业费由租客交" in shown
        assert "139****1234" in shown
        assert "赵租客" not in shown
    edit = url("occupant_edit", project, pk=occupant.pk)
    assert "ends_on" in finance.post(edit, {**given, "ends_on": "2024-01-01"}).context["form"].errors
    finance.post(edit, {**given, "phone": "", "ends_on": "2025-06-30"})
    occupant.refresh_from_db()
    assert (occupant.phone, occupant.ends_on) == (OTHER, dt.date(2025, 6, 30))
    assert "租期内物业费由租客交" not in page(finance, owner)
    assert AuditEvent.objects.filter(action="owners.occupant_changed").exists()


def test_a_merged_row_leads_to_the_one_that_stands_for_it(owner: Owner, project: Project, finance: Client) -> None:
    twin = create_owner(project=project, name="李小博")
    merge_persons(owner, twin, by=create_user(), now=NOW)
    response = finance.get(url("owner", project, pk=twin.pk))
    assert response["Location"] == url("owner", project, pk=owner.pk)
    add_phone(twin, NUMBER, by=None)
    assert Phone.objects.get().owner == owner


@pytest.mark.parametrize("size", [3, 30])
def test_the_page_costs_a_fixed_number_of_queries(
    size: int, owner: Owner, project: Project, finance: Client, django_assert_max_num_queries
) -> None:
    for n in range(size):
        create_ownership(unit=create_unit(project=project), owners=[owner, create_owner(project=project, name="王敏")])
        add_phone(owner, f"1380000{n:04d}", by=None)
    with django_assert_max_num_queries(24):
        page(finance, owner)
