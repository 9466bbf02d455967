"""Letters at the door (N4, N5): own cases and teams only, with the signed receipt or the photo."""

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from PIL import Image

from arrears.models import LimitationProof
from collection.timeline import timeline
from company.models import Role
from notices.delivering import Receipt
from notices.handing_over import HandOver, HandOverRefusedError, hand_over
from notices.models import Delivery, Notice, NoticeKind
from tests.factories import (
    NOW,
    TODAY,
    create_debtor,
    create_officer,
    create_payment,
    create_project,
    create_user,
    give_role,
)
from tests.field_factories import create_field_case
from tests.notice_factories import create_file, create_letter, send


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def project(db):
    return create_project(code="FHC1")


@pytest.fixture
def officer(project):
    return create_officer(project=project, role=Role.HOUSEKEEPER)


@pytest.fixture
def case(project, officer):
    return create_field_case(project=project, by=officer)


def signed_in(user):
    client = Client()
    client.force_login(user)
    return client


def address(case, letter):
    return reverse("collection:letter_hand_over", args=["FHC1", case.pk, letter.pk])


def photo():
    content = io.BytesIO()
    Image.new("RGB", (40, 30)).save(content, "JPEG")
    return SimpleUploadedFile("receipt.jpg", content.getvalue(), content_type="image/jpeg")


def handed(**fields):
    return {"receiver": "self", "name": "李小博", "on": TODAY.isoformat(), "proof": photo()} | fields


def test_handed_over_with_its_receipt_it_is_delivered(case, officer):
    letter = create_letter(project=case.project, account=case.account)
    client = signed_in(officer)
    assert "递交函件" in client.get(address(case, letter)).content.decode()
    client.post(address(case, letter), handed())
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.channel, delivery.receiver_name) == ("delivered", "by_hand", "李小博")
    assert LimitationProof.objects.get().reached_on == TODAY
    assert [entry.status for entry in timeline(case) if "当面" in entry.title] == ["已送达", "已签收", "已交寄"]
    client.post(address(case, letter), handed())  # pressed again
    assert Delivery.objects.count() == LimitationProof.objects.count() == 1


def test_a_slip_needs_its_photo_and_delivers_nothing(case, officer):
    slip = create_letter(project=case.project, account=case.account, kind=NoticeKind.DOOR_SLIP)
    client = signed_in(officer)
    response = client.post(address(case, slip), {"on": TODAY.isoformat()})
    assert response.status_code == 200
    assert not Delivery.objects.exists()
    client.post(address(case, slip), {"on": TODAY.isoformat(), "proof": photo()})
    assert Delivery.objects.get().state == "posted"
    assert not LimitationProof.objects.exists()


@pytest.mark.parametrize("lacks", ["name", "proof", "receiver"])
def test_nothing_is_recorded_without(case, officer, lacks):
    letter = create_letter(project=case.project, account=case.account)
    fields = handed()
    del fields[lacks]
    assert signed_in(officer).post(address(case, letter), fields).status_code == 200
    assert not Delivery.objects.exists()


def test_a_front_desk_is_no_choice(case, officer):
    letter = create_letter(project=case.project, account=case.account)
    signed_in(officer).post(address(case, letter), handed(receiver="front_desk"))
    assert not Delivery.objects.exists()


def test_an_unsigned_lawyers_letter_stays(case, officer):
    letter = create_letter(project=case.project, account=case.account, kind=NoticeKind.LAWYER_LETTER)
    assert "草稿" in signed_in(officer).get(address(case, letter)).content.decode()
    signed_in(officer).post(address(case, letter), handed())
    assert not Delivery.objects.exists()


def test_a_letter_that_the_owner_has_paid_is_void_and_said_so(case, officer):
    letter = create_letter(project=case.project, account=case.account)
    create_payment(account=case.account, amount="50.00")
    html = signed_in(officer).post(address(case, letter), handed()).content.decode()
    assert "账目有变" in html
    assert Notice.objects.get(pk=letter.pk).state == "void"


def test_under_way_by_ems_it_is_not_handed_over_too(case, officer):
    letter = create_letter(project=case.project, account=case.account)
    send(letter)
    act = HandOver(Receipt(TODAY, Delivery.Receiver.SELF, "李小博"), create_file(project=case.project))
    with pytest.raises(HandOverRefusedError):
        hand_over(letter, act, by=officer, now=NOW)


def test_returned_by_ems_it_is(case, officer):
    letter = create_letter(project=case.project, account=case.account)
    (delivery,) = send(letter)
    Delivery.objects.filter(pk=delivery.pk).update(state="returned", returned_on=TODAY, return_reason="unknown")
    signed_in(officer).post(address(case, letter), handed())
    assert letter.deliveries.get(channel="by_hand").state == "delivered"


class TestWho:
    def test_a_colleague_of_the_team_sees_the_case_but_does_not_hand_over(self, case, officer, project):
        letter = create_letter(project=case.project, account=case.account)
        colleague = create_officer(project=project)
        case.team.members.create(project=project, user=colleague, joined_on=TODAY)
        assert signed_in(colleague).post(address(case, letter), handed()).status_code == 403
        assert not Delivery.objects.exists()

    def test_a_letter_of_another_account_is_not_found(self, case, officer):
        other = create_letter(project=case.project, account=create_debtor(project=case.project))
        assert signed_in(officer).get(address(case, other)).status_code == 404

    @pytest.mark.parametrize(
        ("role", "status"), [(Role.NOTICE_ADMIN, 200), (Role.PROJECT_MANAGER, 200), (Role.FINANCE, 403)]
    )
    def test_desks(self, case, project, role, status):
        letter = create_letter(project=case.project, account=case.account)
        user = create_user()
        give_role(user=user, role=role, project=project)
        assert signed_in(user).get(address(case, letter)).status_code == status
