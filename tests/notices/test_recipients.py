"""To whom letters go, which address they take, and what of it is frozen."""

import datetime as dt

import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError

from arrears.models import Account
from arrears.verification import verify
from notices.batch_preview import Terms
from notices.issuing import check_batch
from notices.models import Batch, Channel, NoticeKind, Recipient
from notices.postage import price_of
from owners.models import Address
from owners.personal_data import keyed_hash
from tests.factories import (
    NOW,
    TODAY,
    confirm_letters,
    create_charge,
    create_debtor,
    create_letter_project,
    create_owner,
    create_ownership,
    create_phone,
    create_unit,
    create_user,
)

Kind = Address.Kind
EMS = Terms(channel=Channel.EMS)
SITE = "广东省广州市天河区凤凰路88号凤凰城一期"
AWAY = "广东省佛山市南海区桂城街道1号 528200"


@pytest.fixture
def project(db):
    return create_letter_project(postal_address=SITE, postcode="510000", ems_price="20.00", post_price="6.20")


def give_address(account, text=AWAY, kind=Kind.SECOND, position=0, **fields):
    owner = account.ownership.owners.order_by("memberships__position")[position]
    return Address.objects.create(project=account.project, owner=owner, kind=kind, text=text, **fields)


def recipient(account):
    return Recipient.objects.get(notice__account=account)


class TestWhichAddress:
    def test_the_room_at_the_projects_address_where_no_other_is_on_file(self, project):
        account = create_debtor(project=project, code="3-2-1802", names=["陈建国", "王秀兰"])
        confirm_letters(project=project, accounts=[account], terms=EMS)
        to = recipient(account)
        assert (to.address_kind, to.address) == (Kind.ON_SITE, f"{SITE}{account.unit.address}")
        assert (to.name, to.postcode) == ("陈建国、王秀兰", "510000")

    def test_the_address_on_file_goes_before_the_room(self, project):
        account = create_debtor(project=project)
        give_address(account, f"{SITE}商业街1号铺", Kind.ON_SITE)
        confirm_letters(project=project, accounts=[account], terms=EMS)
        assert recipient(account).address == f"{SITE}商业街1号铺"

    def test_the_second_first_where_the_batch_says_so(self, project):
        away, home = create_debtor(project=project), create_debtor(project=project)
        give_address(away)
        confirm_letters(project=project, accounts=[away, home], terms=Terms(channel=Channel.POST, first=Kind.SECOND))
        assert (recipient(away).address, recipient(away).postcode) == (AWAY, "528200")
        assert recipient(home).address_kind == Kind.ON_SITE

    def test_one_letter_can_take_the_other_address(self, project):
        account, other = create_debtor(project=project), create_debtor(project=project)
        give_address(account)
        give_address(other)
        terms = Terms(channel=Channel.EMS, switched=frozenset({account.pk}))
        confirm_letters(project=project, accounts=[account, other], terms=terms)
        assert recipient(account).address_kind == Kind.SECOND
        assert recipient(other).address_kind == Kind.ON_SITE

    def test_an_address_that_mail_came_back_from_is_passed_over(self, project):
        account = create_debtor(project=project)
        give_address(account, kind=Kind.ON_SITE, returned_on=TODAY)
        give_address(account)
        confirm_letters(project=project, accounts=[account], terms=EMS)
        assert recipient(account).address_kind == Kind.SECOND

    def test_a_co_owner_stands_in_for_one_from_whom_mail_came_back(self, project):
        account = create_debtor(project=project, names=["陈建国", "王秀兰"])
        give_address(account, "退回的地址", returned_on=TODAY)
        give_address(account, AWAY, position=1)
        confirm_letters(project=project, accounts=[account], terms=Terms(channel=Channel.EMS, first=Kind.SECOND))
        assert recipient(account).address == AWAY

    def test_an_ended_address_is_none(self, project):
        account = create_debtor(project=project)
        give_address(account, ended_at=NOW)
        confirm_letters(project=project, accounts=[account], terms=Terms(channel=Channel.EMS, first=Kind.SECOND))
        assert recipient(account).address_kind == Kind.ON_SITE

    def test_by_hand_none_is_needed(self):
        project = create_letter_project()
        account = create_debtor(project=project)
        confirm_letters(project=project, accounts=[account])
        assert (recipient(account).name, recipient(account).address_kind) == ("李小博", "")

    test_by_hand_none_is_needed = pytest.mark.django_db(test_by_hand_none_is_needed)


class TestTheLabel:
    def test_names_a_company_in_full_and_a_phone_that_may_be_called(self, project):
        account = create_debtor(project=project, names=["凤凰城一品鲜餐饮管理有限公司"])
        owner = account.ownership.owners.get()
        create_phone(owner=owner, number="13800000001", do_not_contact=True, is_primary=True)
        create_phone(owner=owner, number="13800000002", state="wrong_person")
        create_phone(owner=owner, number="13800000003")
        confirm_letters(project=project, accounts=[account], terms=EMS)
        assert (recipient(account).name, recipient(account).phone) == ("凤凰城一品鲜餐饮管理有限公司", "13800000003")

    def test_is_encrypted_in_the_database(self, project):
        account = create_debtor(project=project)
        give_address(account)
        create_phone(owner=account.ownership.owners.get(), number="13812342617")
        confirm_letters(project=project, accounts=[account], terms=Terms(channel=Channel.EMS, first=Kind.SECOND))
        with connection.cursor() as cursor:
            cursor.execute("SELECT row_to_json(r)::text FROM notices_recipient r")
            stored = cursor.fetchone()[0]
        assert "13812342617" not in stored
        assert "佛山" not in stored
        assert "李小博" not in stored
        assert keyed_hash("13812342617") not in stored

    def test_stays_as_it_was_confirmed(self, project):
        account = create_debtor(project=project)
        confirm_letters(project=project, accounts=[account], terms=EMS)
        give_address(account, kind=Kind.ON_SITE, text="新地址")
        assert recipient(account).address.startswith(SITE)
        for change in (
            lambda: Recipient.objects.update(address_kind=Kind.SECOND), lambda: Recipient.objects.all().delete()
        ):  # fmt: skip
            with pytest.raises(DatabaseError), transaction.atomic():
                change()

    def test_a_character_that_cannot_be_printed_leaves_its_letter_out(self, project):
        account = create_debtor(project=project)
        give_address(account, "广东省𠮷祥街1号", Kind.ON_SITE)
        found = check_batch(project, [account.pk], NoticeKind.LAWYER_LETTER, "x", NOW, terms=EMS)
        assert [(out.reason, out.detail) for out in found.left_out] == [("missing_glyph", "𠮷")]
        by_hand = check_batch(project, [account.pk], NoticeKind.LAWYER_LETTER, "x", NOW)
        assert len(by_hand.included) == 1


def accounts_of_one_person(project, *codes):
    owner = create_owner(project=project, name="李小博")
    accounts = []
    for code in codes:
        unit = create_unit(project=project, code=code)
        ownership = create_ownership(unit=unit, owners=[owner])
        account = Account.objects.create(project=project, unit=unit, ownership=ownership)
        create_charge(account=account)
        account.refresh_from_db()
        verify([account], by=create_user(), now=NOW - dt.timedelta(hours=1), looked_up=True)
        accounts.append(account)
    return accounts


class TestEnvelopes:
    def test_each_letter_has_its_own_unless_they_are_to_be_shared(self, project):
        accounts = accounts_of_one_person(project, "1-1-0101", "2-1-0101")
        found = check_batch(
            project, [a.pk for a in accounts], NoticeKind.LAWYER_LETTER, "x", NOW, terms=Terms(channel=Channel.POST)
        )
        assert found.envelopes == 2

    def test_letters_of_one_person_share_one_and_its_address(self, project):
        mine = accounts_of_one_person(project, "1-1-0101", "2-1-0101")
        other = create_debtor(project=project, code="1-2-0101")
        terms = Terms(channel=Channel.POST, one_envelope=True)
        batch = confirm_letters(project=project, accounts=[*mine, other], terms=terms)
        rows = list(Recipient.objects.order_by("notice__position").values_list("envelope", flat=True))
        assert rows == [1, 2, 1]
        assert recipient(mine[1]).address == recipient(mine[0]).address
        assert batch.notices.count() == 3

    def test_another_address_is_another_envelope(self, project):
        mine = accounts_of_one_person(project, "1-1-0101", "2-1-0101")
        give_address(mine[0])
        terms = Terms(channel=Channel.POST, one_envelope=True, switched=frozenset({mine[1].pk}))
        found = check_batch(project, [a.pk for a in mine], NoticeKind.LAWYER_LETTER, "x", NOW, terms=terms)
        assert found.envelopes == 2

    def test_a_namesake_is_another_person(self, project):
        accounts = [create_debtor(project=project) for _ in range(2)]
        terms = Terms(channel=Channel.POST, one_envelope=True)
        found = check_batch(project, [a.pk for a in accounts], NoticeKind.LAWYER_LETTER, "x", NOW, terms=terms)
        assert found.envelopes == 2

    def test_by_ems_each_letter_has_a_waybill_of_its_own(self, project):
        mine = accounts_of_one_person(project, "1-1-0101", "2-1-0101")
        terms = Terms(channel=Channel.EMS, one_envelope=True)
        found = check_batch(project, [a.pk for a in mine], NoticeKind.LAWYER_LETTER, "x", NOW, terms=terms)
        assert found.envelopes == 2


class TestOrder:
    def test_by_address_the_second_ones_follow_like_beside_like(self, project):
        accounts = {
            code: create_debtor(project=project, code=code) for code in ("1-1-01", "2-1-01", "3-1-01", "4-1-01")
        }
        give_address(accounts["1-1-01"], "乙地")
        give_address(accounts["2-1-01"], "甲地")
        give_address(accounts["4-1-01"], "乙地")
        by_address = Terms(channel=Channel.EMS, first=Kind.SECOND, in_order=Batch.Order.ADDRESS)
        batch = confirm_letters(project=project, accounts=list(accounts.values()), terms=by_address)
        order = list(batch.notices.order_by("position").values_list("account__unit__code", flat=True))
        assert order == ["3-1-01", "1-1-01", "4-1-01", "2-1-01"]

    def test_in_round_order_the_address_does_not_matter(self, project):
        first, second = (create_debtor(project=project, code=f"{n}-1-01") for n in (1, 2))
        give_address(first)
        batch = confirm_letters(project=project, accounts=[second, first], terms=Terms(Channel.EMS, Kind.SECOND))
        assert list(batch.notices.order_by("position").values_list("account", flat=True)) == [first.pk, second.pk]


def test_postage_is_known_for_what_goes_by_post(project):
    project.refresh_from_db()
    assert [str(price_of(project, channel)) for channel in Channel] == ["20.00", "None", "6.20", "None"]
