"""The visit pack: who is on the list, numbers without gaps, one print a number, receipt forms accounted for (V2)."""

import datetime as dt
from collections.abc import Callable

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.utils import timezone

from collection.models import ArrearsReason, Case, PackedLetter, ReceiptForm, VisitPack
from collection.pack_pages import file_of
from collection.visit_packs import (
    Again,
    CopyHandedOutError,
    FormsSettledError,
    NobodyToVisitError,
    OwnFormsError,
    PackOvertakenError,
    PrintedAgainError,
    UnverifiedRoundError,
    form_lines,
    hand_out,
    make_pack,
    settle_forms,
)
from company.models import AuditEvent, Project, Role, User
from notices.following import follow_ledger
from notices.models import Channel, Notice, NoticeKind
from tests.collection.desk import Desk, said
from tests.collection.overlapping import overlapping
from tests.factories import NOW, create_case, create_payment, create_project, create_user
from tests.field_factories import create_cash, create_field_case, create_field_worker, create_request, queries
from tests.notice_factories import create_letter, create_letter_batch
from tests.notices.pdf_text import pages_of, text_of
from tests.pack_factories import create_pack

Outcome = ReceiptForm.Outcome
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def project(db: None) -> Project:
    return create_project(company_name="凤凰城物业服务有限公司")


@pytest.fixture
def member(project: Project) -> User:
    return create_field_worker(project=project)


@pytest.fixture
def finance(project: Project) -> User:
    return create_user(name="何琳", project=project, role=Role.FINANCE)


def made(project: Project, member: User, *, forms: int = 0, now: dt.datetime = NOW) -> VisitPack:
    return make_pack(project, member, forms=forms, by=member, now=now)


def letter_for(case: Case, *, kind: NoticeKind = NoticeKind.FEE_NOTICE, channel: Channel = Channel.BY_HAND) -> Notice:
    batch = create_letter_batch(project=case.project, kind=kind, channel=channel)
    return create_letter(project=case.project, account=case.account, batch=batch)


@pytest.mark.django_db
class TestList:
    def test_holds_who_is_to_be_visited_and_nobody_else(self, project: Project, member: User) -> None:
        waiting = create_field_case(project=project, by=member, code="1-1-0101")
        held = create_field_case(project=project, by=member, code="1-1-0102")
        create_request(case=held)
        create_field_case(project=project, by=create_field_worker(project=project), code="1-1-0103")
        assert [line[0] for line in made(project, member).data["lines"]] == [waiting.account.unit.code]

    def test_masks_names_and_never_prints_a_refusal_without_cause(self, project: Project, member: User) -> None:
        create_field_case(project=project, by=member, reason=ArrearsReason.MALICIOUS)
        text = text_of(file_of(made(project, member)).file.read())
        assert "上门清单" in text
        assert "李*博" in text
        for private in ("李小博", "13812342617", "2617", "无正当理由拒缴"):
            assert private not in text

    def test_is_refused_while_a_case_is_not_verified(self, project: Project, member: User) -> None:
        create_field_case(project=project, by=member)
        create_case(project=project, responsible=member)
        with pytest.raises(UnverifiedRoundError):
            made(project, member)
        assert not VisitPack.objects.exists()

    def test_is_refused_where_nobody_is_to_be_visited(self, project: Project, member: User) -> None:
        with pytest.raises(NobodyToVisitError):
            made(project, member)

    def test_a_long_one_goes_over_pages(self, project: Project, member: User) -> None:
        for _ in range(44):
            create_field_case(project=project, by=member)
        pack = made(project, member)
        pages = pages_of(file_of(pack).file.read())
        assert len(pages) == pack.pages == 2
        assert all(pack.number in page for page in pages)
        assert "44户" in "".join(pages[-1].split())


@pytest.mark.django_db
class TestLetters:
    def test_those_that_go_by_hand_stand_in_the_pack(self, project: Project, member: User) -> None:
        first, second = (create_field_case(project=project, by=member, code=f"1-1-010{n}") for n in (1, 2))
        by_hand = letter_for(second)
        letter_for(first, channel=Channel.EMS)
        pack = made(project, member)
        assert [packed.notice for packed in pack.letters.all()] == [by_hand]
        assert file_of(pack).size
        assert VisitPack.objects.get().pages == 1 + (by_hand.pages or 0)

    def test_slips_share_a_sheet(self, project: Project, member: User) -> None:
        for _ in range(3):
            case = create_field_case(project=project, by=member)
            letter_for(case, kind=NoticeKind.DOOR_SLIP, channel=Channel.DOOR)
        pack = made(project, member)
        file_of(pack)
        assert pack.letters.count() == 3

    def test_of_a_case_that_is_not_visited_they_stay(self, project: Project, member: User) -> None:
        create_field_case(project=project, by=member)
        held = create_field_case(project=project, by=member)
        create_request(case=held)
        letter_for(held)
        assert not made(project, member).letters.exists()


@pytest.mark.django_db
class TestNumbers:
    def test_have_no_gaps_and_each_form_has_its_own(self, project: Project, member: User) -> None:
        create_field_case(project=project, by=member)
        packs = [made(project, member, forms=number) for number in (2, 0, 3)]
        assert [pack.number for pack in packs] == ["VP2025000001", "VP2025000002", "VP2025000003"]
        numbers = ReceiptForm.objects.order_by("pk").values_list("number", flat=True)
        assert list(numbers) == [f"RF202500000{n}" for n in range(1, 6)]
        text = text_of(file_of(packs[2]).file.read())
        for number in ("RF2025000003", "RF2025000004", "RF2025000005"):
            assert text.count(number) >= 2
        assert AuditEvent.objects.filter(action="packs.made").count() == 3

    def test_are_counted_by_project(self, project: Project, member: User) -> None:
        other = create_project()
        packs = [create_pack(project=at, member=create_field_worker(project=at)) for at in (project, other)]
        assert {pack.number for pack in packs} == {"VP2025000001"}

    def test_a_refused_pack_takes_none(self, project: Project, member: User) -> None:
        with pytest.raises(NobodyToVisitError):
            made(project, member)
        create_field_case(project=project, by=member)
        assert made(project, member).sequence == 1


@pytest.mark.django_db
class TestPrinting:
    @pytest.fixture
    def pack(self, project: Project, member: User) -> VisitPack:
        return create_pack(project=project, member=member)

    def test_the_same_file_each_time(self, pack: VisitPack) -> None:
        assert file_of(pack).pk == file_of(VisitPack.objects.get()).pk

    def test_a_copy_is_handed_out_once(self, pack: VisitPack, member: User) -> None:
        hand_out(pack.pk, by=member, now=NOW)
        hand_out(pack.pk, by=member, now=NOW + 14 * MINUTE)
        with pytest.raises(CopyHandedOutError):
            hand_out(pack.pk, by=member, now=NOW + 16 * MINUTE)
        assert VisitPack.objects.get().handed_out_at == NOW
        assert AuditEvent.objects.filter(action="packs.handed_out").count() == 1

    def test_of_another_day_it_is_not_handed_out(self, pack: VisitPack, member: User) -> None:
        with pytest.raises(PackOvertakenError):
            hand_out(pack.pk, by=member, now=NOW + dt.timedelta(days=1))
        assert VisitPack.objects.get().handed_out_at is None

    def test_with_a_letter_that_was_voided_meanwhile_it_is_not_handed_out(self, project: Project, member: User) -> None:
        letter = letter_for(create_field_case(project=project, by=member))
        pack = made(project, member)
        create_payment(account=letter.account, amount="1.00", received_on=NOW.date())
        follow_ledger(now=NOW)
        assert Notice.objects.get(pk=letter.pk).state == Notice.State.VOID
        with pytest.raises(PackOvertakenError):
            hand_out(pack.pk, by=member, now=NOW)

    def test_printed_again_it_is_another_that_names_the_first(self, pack: VisitPack, member: User) -> None:
        again = make_pack(pack.project, member, forms=0, by=member, now=NOW, again=Again(pack, "卡纸"))
        assert (again.sequence, again.reprint_of) == (2, pack)
        assert f"替代{pack.number}" in text_of(file_of(again).file.read())
        hand_out(again.pk, by=member, now=NOW)
        with pytest.raises(CopyHandedOutError):  # though it was never opened: it is void
            hand_out(pack.pk, by=member, now=NOW)
        with pytest.raises(PrintedAgainError):
            make_pack(pack.project, member, forms=0, by=member, now=NOW, again=Again(pack, "再印"))
        assert VisitPack.objects.count() == 2


@pytest.mark.django_db
class TestForms:
    @pytest.fixture
    def pack(self, project: Project, member: User) -> VisitPack:
        return create_pack(project=project, member=member, forms=3)

    def forms(self, pack: VisitPack) -> list[ReceiptForm]:
        return list(pack.forms.all())

    def test_used_is_what_money_stands_on(self, pack: VisitPack, member: User) -> None:
        used = self.forms(pack)[1]
        cash = create_cash(case=Case.objects.get(), taken_by=member, receipt_no=used.number)
        assert [line.cash for line in form_lines([pack])[pack.pk]] == [None, cash, None]
        assert [line.is_out for line in form_lines([pack])[pack.pk]] == [True, False, True]

    def test_the_end_is_noted_once_by_somebody_else(self, pack: VisitPack, member: User, finance: User) -> None:
        first, second, _third = (form.pk for form in self.forms(pack))
        with pytest.raises(OwnFormsError):
            settle_forms(pack, [first], Outcome.RETURNED, "", by=member, now=NOW)
        assert settle_forms(pack, [first, second], Outcome.RETURNED, "", by=finance, now=NOW) == 2
        assert settle_forms(pack, [first, second], Outcome.RETURNED, "", by=finance, now=NOW) == 0
        with pytest.raises(FormsSettledError):
            settle_forms(pack, [second], Outcome.LOST, "掉了", by=finance, now=NOW)
        assert [line.is_out for line in form_lines([pack])[pack.pk]] == [False, False, True]

    def test_a_used_one_cannot_come_back(self, pack: VisitPack, member: User, finance: User) -> None:
        used, other, _third = self.forms(pack)
        create_cash(case=Case.objects.get(), taken_by=member, receipt_no=used.number)
        with pytest.raises(FormsSettledError):
            settle_forms(pack, [used.pk, other.pk], Outcome.RETURNED, "", by=finance, now=NOW)
        assert not ReceiptForm.objects.filter(outcome__isnull=False).exists()

    def test_money_on_one_that_came_back_is_shown(self, pack: VisitPack, member: User, finance: User) -> None:
        form = self.forms(pack)[0]
        settle_forms(pack, [form.pk], Outcome.RETURNED, "", by=finance, now=NOW)
        create_cash(case=Case.objects.get(), taken_by=member, receipt_no=form.number)
        assert form_lines([pack])[pack.pk][0].contradicts
        page = Desk(pack.project, user=finance).get("pack", pk=pack.pk)
        assert "已登记交回，但" in page.text

    def test_costs_the_same_for_few_and_for_many(self, project: Project, pack: VisitPack, member: User) -> None:
        def cost() -> int:
            with queries() as asked:
                form_lines(list(VisitPack.objects.all()))
            return len(asked)

        few = cost()
        for _ in range(9):
            made(project, member, forms=3)
        assert cost() == few


@pytest.mark.django_db
class TestPages:
    @pytest.fixture(autouse=True)
    def clock(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(timezone, "now", lambda: NOW)

    def test_made_printed_and_accounted_for(self, project: Project, member: User, finance: User) -> None:
        create_field_case(project=project, by=member)
        desk = Desk(project, user=member)
        assert desk.url("pack_new") in desk.get("round").text
        desk.post("pack_new", {"receipts": "2"})
        pack = VisitPack.objects.get()
        answer = desk.post("pack_file", pk=pack.pk)
        assert b"".join(answer).startswith(b"%PDF")
        assert "attachment" in answer["Content-Disposition"]
        office = Desk(project, user=finance)
        assert pack.number in office.get("packs").text
        ids = [form.pk for form in pack.forms.all()]
        office.post("pack_forms", {"form": ids, "outcome": "returned", "note": ""}, pk=pack.pk)
        assert set(ReceiptForm.objects.values_list("outcome", flat=True)) == {"returned"}
        assert "0" in office.get("pack", pk=pack.pk).text

    def test_another_does_not_open_it(self, project: Project, member: User) -> None:
        pack = create_pack(project=project, member=member)
        assert Desk(project).post("pack_file", pk=pack.pk).status_code == 403
        other = create_field_worker(project=project, name="赵一")
        assert Desk(project, user=other).get("pack", pk=pack.pk).status_code == 404

    def test_a_head_sees_those_of_the_team(self, project: Project, member: User) -> None:
        pack = create_pack(project=project, member=member)
        head = create_user(name="周启明", project=project, role=Role.DEPARTMENT_HEAD)
        assert Desk(project, user=head).get("pack", pk=pack.pk).status_code == 404
        team = member.team_memberships.get().team
        team.members.create(project=project, user=head, joined_on=NOW.date())
        assert Desk(project, user=head).get("pack", pk=pack.pk).status_code == 200

    @pytest.mark.parametrize(
        ("data", "words"),
        [({"receipts": "41"}, "0 到 40"), ({"receipts": "x"}, "0 到 40"), ({"receipts": "2"}, "没有要上门")],
    )
    def test_what_cannot_be_is_said(self, project: Project, member: User, data: dict, words: str) -> None:
        assert words in said(Desk(project, user=member).post("pack_new", data))
        assert not VisitPack.objects.exists()

    def test_lost_needs_a_word(self, project: Project, member: User, finance: User) -> None:
        pack = create_pack(project=project, member=member)
        form = pack.forms.first()
        desk = Desk(project, user=finance)
        answer = desk.post("pack_forms", {"form": [form.pk], "outcome": "lost", "note": ""}, pk=pack.pk)
        assert "如何遗失" in said(answer)
        assert not ReceiptForm.objects.filter(outcome__isnull=False).exists()


CHANGES: list[Callable[[VisitPack, User], object]] = [
    lambda pack, _by: VisitPack.objects.update(day=dt.date(2025, 1, 1)),
    lambda pack, _by: pack.delete(),
    lambda pack, _by: ReceiptForm.objects.update(number="RF1"),
    lambda pack, _by: ReceiptForm.objects.update(outcome=Outcome.RETURNED),
    lambda pack, by: ReceiptForm.objects.update(outcome=Outcome.LOST, note="", settled_at=NOW, settled_by=by),
    lambda pack, _by: ReceiptForm.objects.update(
        outcome=Outcome.RETURNED, note="", settled_at=NOW, settled_by=pack.member
    ),
    lambda pack, _by: VisitPack.objects.create(
        project=pack.project, member=pack.member, day=pack.day, year=pack.year, sequence=pack.sequence, number="VP",
        data={}, made_at=NOW, made_by=pack.member,
    ),
    lambda pack, _by: VisitPack.objects.create(
        project=pack.project, member=pack.member, day=pack.day, year=pack.year, sequence=99, number="VP",
        data={}, made_at=NOW, made_by=pack.member, reprint_of=pack,
    ),
    lambda pack, _by: ReceiptForm.objects.create(
        project=pack.project, pack=pack, member=pack.member, year=pack.year, sequence=1, number="RF"
    ),
    lambda pack, _by: (PackedLetter.objects.all().delete() and None) or pack.forms.all().delete(),
]  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("change", range(len(CHANGES)))
def test_the_database_refuses(project: Project, member: User, finance: User, change: int) -> None:
    pack = create_pack(project=project, member=member)
    with pytest.raises((IntegrityError, DatabaseError)), transaction.atomic():
        CHANGES[change](pack, finance)


@pytest.mark.django_db(transaction=True)
class TestTwoAtOnce:
    def run(self) -> list[object]:
        project = create_project()
        member = create_field_worker(project=project)
        create_field_case(project=project, by=member)
        return overlapping(*[lambda: made(project, member, forms=2)] * 2)

    def test_get_numbers_one_after_the_other(self) -> None:
        assert [pack.sequence for pack in self.run()] == [1, 2]  # type: ignore[attr-defined]
        assert list(ReceiptForm.objects.order_by("pk").values_list("sequence", flat=True)) == [1, 2, 3, 4]

    def test_control_without_the_lock_the_second_fails(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The unique key holds, but the number of the second is taken: that is what the lock is for."""
        monkeypatch.setattr("collection.visit_packs.take_numbers", lambda *_args: VisitPack.objects.count() + 1)
        first, second = self.run()
        assert isinstance(first, VisitPack)
        assert isinstance(second, IntegrityError)
