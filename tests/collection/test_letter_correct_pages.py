"""The page that corrects a letter, and what a case shows of its letters."""

import pytest
from django.utils import timezone

from arrears.verification import verify
from company.models import Role
from notices.following import follow_ledger
from notices.models import Notice
from tests.collection.desk import Desk, said
from tests.factories import (
    create_approved_text,
    create_case,
    create_debtor,
    create_letter_project,
    create_payment,
)
from tests.field_factories import create_request
from tests.notice_factories import create_letter, create_letter_batch, send

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def office() -> Desk:
    return Desk(create_letter_project(), Role.NOTICE_ADMIN, name="苏若楠")


@pytest.fixture
def letter(office: Desk) -> Notice:
    account = create_debtor(project=office.project, months=2, verified=False)
    verify([account], by=office.user, now=timezone.now(), looked_up=True)
    batch = create_letter_batch(project=office.project, kind="lawyer_letter")
    create_approved_text(project=office.project)
    return create_letter(project=office.project, batch=batch, account=account)


def test_shows_old_and_new_and_makes_the_correction(office: Desk, letter: Notice) -> None:
    page = office.get("letter_correct", pk=letter.pk)
    assert page.context_data["entry"].facts.principal == letter.principal
    assert Notice.objects.count() == 1
    response = office.post("letter_correct", {"reason": "金额有误"}, pk=letter.pk)
    new = Notice.objects.get(corrects=letter)
    assert response["Location"].endswith(f"/batches/{new.batch_id}/")
    assert letter.number in said(response)


def test_asks_for_a_reason(office: Desk, letter: Notice) -> None:
    assert office.post("letter_correct", pk=letter.pk).status_code == 200
    assert Notice.objects.count() == 1


def test_says_why_there_can_be_none(office: Desk, letter: Notice) -> None:
    case = create_case(account=letter.account, today=timezone.localdate())
    create_request(case=case, at=timezone.now())
    assert "诉求未答复" in office.get("letter_correct", pk=letter.pk).text
    page = office.post("letter_correct", {"reason": "金额有误"}, pk=letter.pk)
    assert "未作任何改动" in said(page)
    letter.refresh_from_db()
    assert letter.state == Notice.State.ISSUED


def test_a_void_letter_is_not_corrected(office: Desk, letter: Notice) -> None:
    Notice.objects.update(state="void", void_reason="cancelled")
    assert "不能更正" in office.get("letter_correct", pk=letter.pk).text
    assert "不能再更正" in said(office.post("letter_correct", {"reason": "x"}, pk=letter.pk))


def test_a_foreign_letter_is_not_found(office: Desk) -> None:
    foreign = create_letter(project=create_letter_project())
    assert office.get("letter_correct", pk=foreign.pk).status_code == 404


def test_the_case_tells_that_a_sent_letter_is_settled_otherwise_and_what_took_its_place(
    office: Desk, letter: Notice
) -> None:
    case = create_case(account=letter.account, today=timezone.localdate())
    send(letter)
    create_payment(account=letter.account, amount="40.00")
    follow_ledger(now=timezone.now())
    assert "寄出后所列账目有变" in office.get("case", pk=case.pk).text
    verify([letter.account], by=office.user, now=timezone.now(), looked_up=True)
    office.post("letter_correct", {"reason": "已部分缴费"}, pk=letter.pk)
    text = office.get("case", pk=case.pk).text
    assert f"更正 {letter.number}" in text
    assert "已由更正函取代" in text
