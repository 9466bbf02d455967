import datetime as dt
import threading
from contextlib import contextmanager
from decimal import Decimal

import psycopg
import pytest
from django.db import IntegrityError, connection, connections, transaction
from django.db.utils import InternalError, OperationalError

from arrears.models import Account
from arrears.posting import post_payment
from notices import issuing
from notices.batch_preview import Terms
from notices.issuing import BatchRefusedError, NothingToSendError, check_batch, confirm_batch
from notices.leaving_out import Held, Reason
from notices.letter_data import content_sha256
from notices.models import Batch, Channel, LawFirm, Notice, NoticeKind, NoticeTemplate
from owners.models import Address
from tests import factories
from tests.factories import NOW, TODAY, confirm_letters, create_debtor, create_letter_project

KIND = NoticeKind.LAWYER_LETTER


def preview(project, accounts, **fields):
    fields = {"occasion": "2025-11", "now": NOW} | fields
    return check_batch(project, [account.pk for account in accounts], KIND, **fields)


def give_address(account, text, kind=Address.Kind.SECOND, **fields):
    owner = account.ownership.owners.get()
    return Address.objects.create(project=account.project, owner=owner, kind=kind, text=text, **fields)


def reasons(preview):
    return {out.unit_code: out.reason for out in preview.left_out}


@pytest.fixture
def project(db):
    return create_letter_project(code="FHC1")


class TestWhoIsInTheBatch:
    def test_overdue_and_verified_accounts_are_in_by_round_order(self, project):
        later = create_debtor(project=project, code="10-1-0302", months=2)
        first = create_debtor(project=project, code="9-1-0101")
        found = preview(project, [later, first])
        assert found.faults == []
        assert [entry.facts.unit_code for entry in found.included] == ["9-1-0101", "10-1-0302"]
        assert found.principal == Decimal("300.00")
        assert found.chosen == 2

    def test_each_reason_to_leave_out(self, project):
        create_debtor(project=project, code="1-1-0102", names=["张三"])
        out = Account.objects.get(unit__code="1-1-0102")
        confirm_letters(project=project, accounts=[out])  # by hand: nobody has an address yet
        paid = create_debtor(project=project, code="1-1-0101")
        post_payment(account_id=paid.pk, amount=Decimal(100), received_on=TODAY, now=NOW)
        held = create_debtor(project=project, code="1-1-0103")
        unknown = create_debtor(project=project, code="1-1-0104", names=[])
        early = create_debtor(project=project, code="1-1-0105", months=0, verified=False)
        factories.create_charge(account=early, basis={"start_unknown": True})
        stale = create_debtor(project=project, code="1-1-0106", verified=False)
        rare = create_debtor(project=project, code="1-1-0107", names=["𠮷文"])
        away = create_debtor(project=project, code="1-1-0108")
        returned = create_debtor(project=project, code="1-1-0109")
        gone, late = (create_debtor(project=project, code=f"1-1-011{n}") for n in range(2))
        for account in (rare, gone, late):
            give_address(account, "广东省广州市天河区龙口西路1号")
        give_address(returned, "广东省广州市天河区龙口西路2号", returned_on=TODAY)
        accounts = [paid, out, held, unknown, early, stale, rare, away, returned, gone, late]
        checked = frozenset(account.pk for account in accounts) - {late.pk}
        found = preview(
            project, accounts, held=lambda _: {held.pk: Held("诉求", "诉求未答复")},
            terms=Terms(channel=Channel.EMS, taken_out=frozenset({gone.pk}), checked=checked),
        )  # fmt: skip
        assert found.included == []
        assert reasons(found) == {
            "1-1-0101": Reason.PAID,
            "1-1-0102": Reason.ALREADY_OUT,
            "1-1-0103": Reason.HELD,
            "1-1-0104": Reason.NO_OWNER,
            "1-1-0105": Reason.UNKNOWN_START,
            "1-1-0106": Reason.NOT_VERIFIED,
            "1-1-0107": Reason.MISSING_GLYPH,
            "1-1-0108": Reason.NO_ADDRESS,
            "1-1-0109": Reason.ADDRESS_RETURNED,
            "1-1-0110": Reason.TAKEN_OUT,
            "1-1-0111": Reason.NOT_CHECKED,
        }
        details = {out.unit_code: out.detail for out in found.left_out}
        assert details["1-1-0102"] == "凤一律函〔2025〕第0001号"
        assert details["1-1-0103"] == "诉求未答复"
        assert details["1-1-0107"] == "𠮷"
        assert list(found.left_out_by_reason()) == list(Reason)

    def test_a_charge_due_today_is_not_demanded(self, project):
        account = create_debtor(project=project, months=0, verified=False)
        factories.create_charge(account=account, due_on=TODAY)
        assert reasons(preview(project, [account])) == {account.unit.code: Reason.PAID}

    def test_a_posting_after_the_verification_ends_it(self, project):
        account = create_debtor(project=project)
        factories.create_charge(account=account, month=dt.date(2025, 6, 1))
        assert reasons(preview(project, [account])) == {account.unit.code: Reason.NOT_VERIFIED}

    def test_accounts_of_another_project_are_not_looked_at(self, project):
        foreign = create_debtor(project=create_letter_project())
        assert preview(project, [foreign]).chosen == 0

    def test_the_preview_costs_a_fixed_number_of_queries(self, project, django_assert_num_queries):
        terms = Terms(channel=Channel.EMS)

        def debtors(number):
            accounts = [create_debtor(project=project) for _ in range(number)]
            for account in accounts:
                give_address(account, "广东省广州市天河区龙口西路1号")
            return accounts

        few = debtors(3)
        with django_assert_num_queries(11):
            preview(project, few, terms=terms)
        many = few + debtors(27)
        with django_assert_num_queries(11):
            assert len(preview(project, many, terms=terms).included) == 30


class TestWhatAWholeBatchNeeds:
    def test_an_approved_text(self, project):
        account = create_debtor(project=project)
        NoticeTemplate.objects.update(state=NoticeTemplate.State.RETIRED)
        with pytest.raises(BatchRefusedError) as refused:
            confirm_letters(project=project, accounts=[account])
        assert len(refused.value.faults) == 1

    @pytest.mark.parametrize(
        "change", [{"mandate": None}, {"mandated_until": TODAY - dt.timedelta(days=1)}], ids=["none", "expired"]
    )
    def test_a_valid_mandate(self, project, change):
        account = create_debtor(project=project)
        firm = LawFirm.objects.get()
        LawFirm.objects.update(**change)
        firm.refresh_from_db()
        for chosen in (None, firm):
            with pytest.raises(BatchRefusedError):
                confirm_letters(project=project, accounts=[account], law_firm=chosen)
        assert not Notice.objects.exists()

    def test_a_mandate_of_this_project(self, project):
        account = create_debtor(project=project)
        foreign = LawFirm.objects.get(project=create_letter_project())
        with pytest.raises(BatchRefusedError):
            confirm_letters(project=project, accounts=[account], law_firm=foreign)

    def test_fifteen_days(self, project):
        account = create_debtor(project=project)
        with pytest.raises(BatchRefusedError):
            confirm_letters(project=project, accounts=[account], deadline_on=TODAY + dt.timedelta(days=14))
        batch = confirm_letters(project=project, accounts=[account], deadline_on=TODAY + dt.timedelta(days=15))
        assert batch.deadline_on == TODAY + dt.timedelta(days=15)

    def test_the_project_data_that_the_text_uses(self, project):
        account = create_debtor(project=project)
        project.payment_methods = ""
        found = preview(project, [account])
        assert len(found.faults) == 1
        assert "{缴费方式}" in found.faults[0]

    def test_an_occasion(self, project):
        assert preview(project, [create_debtor(project=project)], occasion=" ").faults

    def test_somebody_to_write_to(self, project):
        account = create_debtor(project=project, verified=False)
        with pytest.raises(NothingToSendError) as nothing:
            confirm_letters(project=project, accounts=[account])
        assert [out.reason for out in nothing.value.left_out] == [Reason.NOT_VERIFIED]
        assert not Batch.objects.exists()


class TestWhatIsFixed:
    def test_numbers_follow_the_round_without_gaps_over_batches(self, project):
        accounts = [create_debtor(project=project, code=f"{n}-1-0101") for n in (10, 9, 2)]
        confirm_letters(project=project, accounts=accounts)
        more = [create_debtor(project=project, code=f"{n}-1-0101") for n in (4, 3)]
        batch = confirm_letters(project=project, accounts=more)
        assert batch.sequence == 2
        rows = Notice.objects.order_by("sequence").values_list("account__unit__code", "number", "position")
        assert list(rows) == [
            ("2-1-0101", "凤一律函〔2025〕第0001号", 1),
            ("9-1-0101", "凤一律函〔2025〕第0002号", 2),
            ("10-1-0101", "凤一律函〔2025〕第0003号", 3),
            ("3-1-0101", "凤一律函〔2025〕第0004号", 1),
            ("4-1-0101", "凤一律函〔2025〕第0005号", 2),
        ]

    def test_projects_and_years_count_for_themselves(self, project):
        other = create_letter_project(short_name="")
        confirm_letters(project=project, accounts=[create_debtor(project=project)])
        confirm_letters(project=other, accounts=[create_debtor(project=other)])
        later = NOW.replace(year=2026, month=1, day=2)
        account = create_debtor(project=project, verified=False)
        issuing_now = later + dt.timedelta(hours=1)
        factories.verify([account], by=factories.create_user(), now=later, looked_up=True)
        confirm_letters(project=project, accounts=[account], now=issuing_now)
        numbers = list(Notice.objects.order_by("pk").values_list("number", flat=True))
        assert numbers == [
            "凤一律函〔2025〕第0001号",
            f"{other.code}律函〔2025〕第0001号",
            "凤一律函〔2026〕第0001号",
        ]

    def test_the_letter_carries_its_data_and_their_hash(self, project):
        account = create_debtor(project=project, code="3-2-1802", months=3, names=["陈建国", "王秀兰"])
        post_payment(account_id=account.pk, amount=Decimal(60), received_on=TODAY, now=NOW)
        account.refresh_from_db()
        factories.verify([account], by=factories.create_user(), now=NOW, looked_up=True)
        batch = confirm_letters(project=project, accounts=[account])
        notice = Notice.objects.get()
        fields = notice.data["fields"]
        assert fields["业主"] == "陈建国、王秀兰"
        assert fields["房号"] == account.unit.address
        assert fields["欠费期间"] == "2025年1月至3月"
        assert fields["欠费合计"] == "240.00"
        assert fields["欠费合计大写"] == "贰佰肆拾元整"
        assert fields["缴费期限"] == "2025年12月14日"
        assert fields["数据截止日"] == "2025年11月23日"
        assert notice.principal == Decimal("240.00")
        assert [row["settled"] for row in notice.data["charges"]] == ["60.00", "0.00", "0.00"]
        assert notice.charge_ids == [row["id"] for row in notice.data["charges"]]
        assert notice.content_sha256 == content_sha256(batch.template.body, notice.data)
        assert batch.left_out == []
        assert [t.to_state for t in notice.transitions.all()] == ["queued"]

    @pytest.mark.django_db
    def test_ways_to_pay_end_without_a_stop_since_the_sentence_goes_on(self):
        project = create_letter_project(payment_methods="服务中心前台刷卡；\n公众号“生活缴费”。\n")
        confirm_letters(project=project, accounts=[create_debtor(project=project)])
        assert Notice.objects.get().data["fields"]["缴费方式"] == "服务中心前台刷卡； 公众号“生活缴费”"

    @pytest.mark.parametrize("change", [{"number": "x"}, {"data": {}}, {"principal": 1}, {"sequence": 9}])
    def test_the_database_refuses_to_change_what_is_fixed(self, project, change):
        confirm_letters(project=project, accounts=[create_debtor(project=project)])
        with pytest.raises((InternalError, IntegrityError, OperationalError)), transaction.atomic():
            Notice.objects.update(**change)

    def test_the_database_refuses_to_delete_a_letter(self, project):
        confirm_letters(project=project, accounts=[create_debtor(project=project)])
        with connection.cursor() as cursor, pytest.raises(Exception, match="kept"), transaction.atomic():
            cursor.execute("DELETE FROM notices_notice")

    def test_an_approved_text_cannot_change(self, project):
        with pytest.raises(Exception, match="cannot change"), transaction.atomic():
            NoticeTemplate.objects.update(body="anders")


class TestOneLetterPerOccasion:
    def test_a_second_confirmation_finds_nobody(self, project):
        account = create_debtor(project=project)
        confirm_letters(project=project, accounts=[account])
        with pytest.raises(NothingToSendError):
            confirm_letters(project=project, accounts=[account])
        assert Notice.objects.count() == 1

    def test_another_occasion_and_a_void_letter_allow_another(self, project):
        account = create_debtor(project=project)
        confirm_letters(project=project, accounts=[account])
        confirm_letters(project=project, accounts=[account], occasion="2026-05")
        Notice.objects.update(state="void", void_reason="cancelled")
        confirm_letters(project=project, accounts=[account])
        assert list(Notice.objects.order_by("pk").values_list("sequence", flat=True)) == [1, 2, 3]

    def test_the_database_refuses_a_second_letter(self, project):
        account = create_debtor(project=project)
        confirm_letters(project=project, accounts=[account])
        letter = Notice.objects.get()
        letter.pk, letter.sequence = None, 2
        with pytest.raises(IntegrityError, match="one_letter_per_occasion"), transaction.atomic():
            letter.save(force_insert=True)


def race(project, accounts, times=4):
    """Confirm the same batch so many times at once; returns what came out of each."""
    results, start = [], threading.Barrier(times)
    by = factories.create_user()

    def confirm():
        try:
            start.wait()
            confirm_batch(project, [a.pk for a in accounts], KIND, "2025-11", NOW, by=by)
            results.append("confirmed")
        except (NothingToSendError, IntegrityError) as error:
            results.append(type(error).__name__)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=confirm) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.django_db(transaction=True)
class TestRace:
    def test_confirmed_four_times_at_once_there_is_one_letter_each(self):
        project = create_letter_project()
        accounts = [create_debtor(project=project) for _ in range(5)]
        assert sorted(race(project, accounts)) == ["NothingToSendError"] * 3 + ["confirmed"]
        assert sorted(Notice.objects.values_list("sequence", flat=True)) == [1, 2, 3, 4, 5]

    def test_control_without_locks_and_constraint_letters_are_doubled(self, monkeypatch):
        project = create_letter_project()
        accounts = [create_debtor(project=project) for _ in range(5)]
        meeting = threading.Barrier(4)
        take_numbers = issuing._take_numbers

        def take_numbers_together(*args):
            meeting.wait(timeout=20)  # all four have looked, none has written
            return take_numbers(*args)

        monkeypatch.setattr(issuing, "lock_accounts", lambda ids: list(Account.objects.filter(pk__in=ids)))
        monkeypatch.setattr(issuing, "_take_numbers", take_numbers_together)
        definition = _drop_constraint()
        try:
            race(project, accounts)
            assert Notice.objects.count() == 20
        finally:
            _restore_constraint(definition)


@contextmanager
def as_owner():
    """A connection of the role that owns the tables."""
    parameters = connections["owner"].get_connection_params()
    wanted = ("dbname", "user", "password", "host", "port")
    with psycopg.connect(**{key: parameters[key] for key in wanted if parameters.get(key)}) as owner:
        yield owner


def _drop_constraint():
    with as_owner() as owner:
        row = owner.execute("SELECT indexdef FROM pg_indexes WHERE indexname = 'one_letter_per_occasion'").fetchone()
        owner.execute("DROP INDEX one_letter_per_occasion")
    return row[0]


def _restore_constraint(definition):
    with as_owner() as owner:
        owner.execute("TRUNCATE notices_notice CASCADE")
        owner.execute(definition)
