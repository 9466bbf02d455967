import datetime as dt

import pytest
from django.db import DatabaseError, transaction

from notices.kinds import PUBLIC_KINDS
from notices.models import ImagePurpose, PublicKind, PublicNotice
from notices.publishing import PublicRefusedError, public_file, publish
from tests.document_factories import (
    COMPANY,
    approve_default_text,
    create_public_notice,
    pay_link_in_use,
    picture_in_use,
)
from tests.factories import NOW, TODAY, create_project, create_user
from tests.notices.pdf_text import text_of

LATER = TODAY + dt.timedelta(days=21)


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def project(db):
    project = create_project(code="FHC1", **COMPANY)
    approve_default_text(project, PublicKind.ANNOUNCEMENT)
    return project


def announce(project, **fields):
    given = {"deadline_on": LATER, "by": create_user(name="贺兰"), "now": NOW} | fields
    return publish(project, PublicKind.ANNOUNCEMENT, **given)


def test_numbers_count_up_and_the_file_is_made_once(project):
    first, second = announce(project), announce(project)
    assert [first.number, second.number] == ["凤一告〔2025〕第0001号", "凤一告〔2025〕第0002号"]
    stored = public_file(first)
    with stored.file.open("rb") as file:
        text = text_of(file.read())
    assert "关于交纳物业费用的通知" in text
    assert "2025年12月" in text
    assert public_file(PublicNotice.objects.get(pk=first.pk)) == stored


def test_a_later_text_or_picture_changes_nothing_that_was_issued(project):
    notice = announce(project)
    picture_in_use(project, ImagePurpose.SEAL)
    pay_link_in_use(project)
    project.service_phone = "020-99999999"
    project.save()
    with public_file(notice).file.open("rb") as file:
        text = text_of(file.read())
    assert "020-88880000" in text
    assert "扫码" not in text
    later = announce(project)
    assert set(later.data["images"]) == {"seal", "payment_link"}
    with public_file(later).file.open("rb") as file:
        assert "扫码交费" in text_of(file.read())


@pytest.mark.parametrize("deadline_on", [None, TODAY, TODAY + dt.timedelta(days=14)])
def test_a_deadline_too_soon_takes_no_number(project, deadline_on):
    with pytest.raises(PublicRefusedError):
        announce(project, deadline_on=deadline_on)
    assert announce(project).sequence == 1


def test_without_an_approved_text_or_the_data_it_uses_nothing_is_issued(project):
    by = create_user()
    with pytest.raises(PublicRefusedError):
        publish(project, PublicKind.FEE_SHEET, deadline_on=None, by=by, now=NOW)
    approve_default_text(project, PublicKind.FEE_SHEET)
    with pytest.raises(PublicRefusedError) as refused:
        publish(project, PublicKind.FEE_SHEET, deadline_on=None, by=by, now=NOW)
    assert "{收费标准}" in str(refused.value)
    project.company_name = ""
    project.save()
    with pytest.raises(PublicRefusedError):
        announce(project)


def test_a_character_that_cannot_be_printed_is_named(project):
    project.contact_name = "𠮷"
    project.save()
    with pytest.raises(PublicRefusedError, match="𠮷"):
        announce(project)


@pytest.mark.parametrize("changes", [{"number": "x"}, {"data": {}}, {"file_sha256": "x"}, {"template": None}])
def test_the_database_refuses_to_change_it(project, changes):
    public_file(create_public_notice(project=project))
    with pytest.raises(DatabaseError), transaction.atomic():
        PublicNotice.objects.update(**changes)
    with pytest.raises(DatabaseError), transaction.atomic():
        PublicNotice.objects.all().delete()


def test_no_kind_has_a_field_of_an_account():
    of_accounts = {"业主", "房号", "欠费期间", "数据截止日", "欠费合计", "欠费合计大写", "违约金"}
    assert not [kind for kind, rules in PUBLIC_KINDS.items() if rules.field_names & of_accounts]
