"""Receipts and statements: one each, numbered without gaps, frozen (A3, A9)."""

import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction

from arrears.assessing import assess_late_fees
from arrears.models import Payment
from arrears.posting import reverse_payment
from company.models import AuditEvent, Project
from notices import papers
from notices.models import NumberSequence, Paper
from notices.paper_layout import receipt_pages, statement_pages
from notices.papers import (
    EmptyPeriodError,
    NoCompanyError,
    NoReceiptError,
    UnprintableError,
    file_of,
    issue_receipt,
    issue_statement,
)
from tests.factories import (
    NOW,
    TODAY,
    create_account,
    create_charge,
    create_fee_type,
    create_payment,
    create_project,
    create_receipt,
    create_user,
)
from tests.notices.pdf_text import pages_of, text_of
from tests.relief_factories import create_contract, create_late_fee_policy

COMPANY = "凤凰城物业服务有限公司"


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    settings.LEDGER_FOLLOWERS = []


@pytest.fixture
def account(db):
    return account_of_a_company()


def account_of_a_company(**fields):
    project = create_project(company_name=COMPANY, service_phone="020-88880000")
    return create_account(project=project, code="3-2-1802", names=["陈建国", "王秀兰"], **fields)


def receipt(payment, **fields):
    return issue_receipt(payment.pk, by=create_user(name="何琳"), now=fields.pop("now", NOW))


def statement(account, *, since=None, until=TODAY):
    return issue_statement(account.pk, since=since, until=until, by=create_user(name="何琳"), now=NOW)


class TestReceipt:
    def test_it_says_what_the_payment_settles(self, account):
        water = create_fee_type(project=account.project, name="水费", is_on_behalf=True)
        for month in range(1, 4):
            create_charge(account=account, month=dt.date(2025, month, 1), amount="328.60")
        create_charge(account=account, month=dt.date(2025, 9, 1), amount="92.16", fee_type=water)
        create_charge(account=account, month=dt.date(2025, 10, 1), amount="500.00")
        payment = create_payment(account=account, amount="1077.96", method="card", serial_no="8831-2207")
        paper = receipt(payment)
        assert paper.number == "RC2025000001"
        text = text_of(file_of(paper).file.read())
        for words in (
            "收据", "No.RC2025000001", "交款人：陈建国、王秀兰", "房号：凤凰城一期32单元1802室", "日期：2025年11月23日",
            "物业费2025年1月至3月985.80", "水费2025年9月92.16代收代付", "合计(大写)壹仟零柒拾柒元玖角陆分1,077.96",
            "流水号8831-2207", "到期未缴：500.00元", f"收款单位（盖章）：{COMPANY}",
        ):  # fmt: skip
            assert words in text, words
        assert text.count("以下空白") == 2

    def test_money_paid_ahead_is_named(self, account):
        create_charge(account=account, amount="60.00")
        lines = receipt(create_payment(account=account)).data["lines"]
        assert [(line["fee"], line["amount"]) for line in lines] == [("物业费", "60.00"), ("预存款", "40.00")]

    def test_late_fees_that_were_paid_are_named_and_are_no_credit(self, account):
        create_contract(project=account.project)
        charge = create_charge(account=account, month=dt.date(2025, 1, 1), amount="1000.00")
        create_late_fee_policy(fee_type=charge.fee_type)
        done = assess_late_fees(account.project, as_of=TODAY, now=NOW, by=None)
        payment = create_payment(account=account, amount=Decimal(1010) + done.amount)
        lines = receipt(payment).data["lines"]
        assert done.amount > 0
        assert [(line["fee"], line["period"], line["amount"]) for line in lines] == [
            ("物业费", "2025年1月", "1000.00"),
            ("违约金（物业费）", "2025年1月", str(done.amount)),
            ("预存款", "", "10.00"),
        ]

    def test_a_payment_has_one_receipt(self, account):
        payment = create_payment(account=account)
        first = receipt(payment)
        assert receipt(payment, now=NOW + dt.timedelta(days=400)) == first
        assert Paper.objects.count() == 1
        assert AuditEvent.objects.filter(action="papers.receipt_issued").count() == 1

    def test_a_reversal_voids_it_and_its_number_is_never_used_again(self, account):
        payment = create_payment(account=account)
        paper = receipt(payment)
        assert not paper.is_void
        reverse_payment(payment.pk, today=TODAY, now=NOW, by=None)
        assert Paper.objects.get(pk=paper.pk).is_void
        again = receipt(create_payment(account=account))
        assert (again.sequence, again.is_void) == (paper.sequence + 1, False)

    def test_reversed_refused_or_foreign_money_gets_none(self, account):
        charge = create_charge(account=account)
        payment = create_payment(account=account)
        reversal = reverse_payment(payment.pk, today=TODAY, now=NOW, by=None)
        settled = create_payment(
            account=account, kind=Payment.Kind.SETTLED_OUTSIDE, designated={charge.pk: Decimal(100)}
        )
        for row in (payment, reversal, settled):
            with pytest.raises(NoReceiptError):
                receipt(row)
        assert not NumberSequence.objects.exists()

    def test_without_a_company_none_is_issued_and_no_number_is_lost(self, account):
        payment = create_payment(account=account)
        Project.objects.update(company_name=" ")
        with pytest.raises(NoCompanyError):
            receipt(payment)
        Project.objects.update(company_name=COMPANY)
        assert receipt(payment).sequence == 1

    def test_characters_beyond_the_fonts_are_named(self, db):
        account = create_account(project=create_project(company_name=COMPANY), names=["𠮷文"])
        with pytest.raises(UnprintableError, match="𠮷"):
            receipt(create_payment(account=account))

    def test_each_year_and_project_counts_for_itself(self, account):
        other = account_of_a_company()
        assert [receipt(create_payment(account=a)).number for a in (account, other, account)] == [
            "RC2025000001",
            "RC2025000001",
            "RC2025000002",
        ]
        late = receipt(create_payment(account=account), now=NOW + dt.timedelta(days=60))
        assert late.number == "RC2026000001"


class TestFrozen:
    def test_the_file_is_made_once_from_what_was_frozen(self, account):
        paper = create_receipt(account=account)
        stored = file_of(paper)
        assert (paper.file_sha256, paper.pages) == (stored.sha256, 1)
        assert file_of(Paper.objects.get(pk=paper.pk)) == stored

    @pytest.mark.parametrize("change", [{"number": "RC1"}, {"data": {}}, {"amount": 1}, {"payment": None}])
    def test_nothing_of_it_can_be_changed(self, account, change):
        paper = create_receipt(account=account)
        with pytest.raises(DatabaseError), transaction.atomic():
            Paper.objects.filter(pk=paper.pk).update(**change)
        with pytest.raises(DatabaseError), transaction.atomic():
            Paper.objects.filter(pk=paper.pk).delete()

    def test_the_file_is_set_once_only(self, account):
        paper = create_receipt(account=account)
        file_of(paper)
        with pytest.raises(DatabaseError), transaction.atomic():
            Paper.objects.filter(pk=paper.pk).update(file_sha256="0" * 64)

    def test_a_second_receipt_of_a_payment_is_refused_by_the_database(self, account):
        paper = create_receipt(account=account)
        paper.pk, paper.sequence, paper.number = None, 9, "RC2025000009"
        with pytest.raises(DatabaseError), transaction.atomic():
            paper.save(force_insert=True)


class TestStatement:
    def test_it_tells_the_balance_day_by_day(self, account):
        create_charge(account=account, month=dt.date(2024, 12, 1), amount="657.20")
        create_charge(account=account, month=dt.date(2025, 1, 1), amount="328.60")
        payment = create_payment(account=account, amount="600.00", received_on=dt.date(2025, 2, 14), method="wechat")
        number = receipt(payment).number
        paper = statement(account, since=dt.date(2025, 1, 1))
        assert (paper.number, paper.amount) == ("ST2025000001", Decimal("385.80"))
        text = text_of(file_of(paper).file.read())
        for words in (
            "对账单", "业主：陈建国、王秀兰", "对账期间：2025年1月1日至2025年11月23日", "期初余额657.20",
            "2025-01-31物业费2025年1月328.60985.80", f"2025-02-14{number}收款(微信)600.00385.80",
            "本期合计及期末余额328.60600.00385.80", "期末未付余额人民币385.80元（大写：叁佰捌拾伍元捌角整）",
            "电话020-88880000", "ST2025000001第1页共1页",
        ):  # fmt: skip
            assert words in text, words

    def test_the_same_statement_twice_is_one(self, account):
        create_charge(account=account)
        first = statement(account)
        assert statement(account) == first
        create_payment(account=account, amount="1.00")
        assert statement(account).sequence == 2

    def test_money_paid_ahead_is_called_so(self, account):
        create_payment(account=account, amount="80.00")
        text = text_of(file_of(statement(account)).file.read())
        assert "期末预存余额人民币80.00元（大写：捌拾元整）" in text

    @pytest.mark.parametrize(("since", "until"), [(TODAY, dt.date(2025, 1, 1)), (None, dt.date(2026, 1, 1))])
    def test_days_that_cannot_be_are_refused(self, account, since, until):
        with pytest.raises(EmptyPeriodError):
            statement(account, since=since, until=until)

    def test_several_pages_carry_their_sums_and_count_themselves(self, account):
        for number in range(70):
            create_charge(account=account, month=dt.date(2019 + number // 12, number % 12 + 1, 1), amount="10.00")
        sheets = pages_of(file_of(statement(account)).file.read())
        assert len(sheets) == 3
        assert ["过次页" in sheet for sheet in sheets] == [True, True, False]
        assert ["承前页" in sheet for sheet in sheets] == [False, True, True]
        assert all(f"第{n}页共3页" in "".join(sheet.split()) for n, sheet in enumerate(sheets, start=1))
        assert "700.00" in sheets[2]
        assert COMPANY in sheets[2]


class TestPages:
    @pytest.mark.parametrize("count", [0, 1, 19, 20, 26, 27, 28, 60, 93, 200])
    def test_each_line_stands_once_and_the_last_page_has_room_for_the_end(self, count):
        line = {"day": "2025-01-10", "number": "", "text": "物业费 2025年1月", "charged": "1.00", "received": "0.00"}
        lines = [{**line, "balance": f"{n + 1}.00"} for n in range(count)]
        sheets = statement_pages({"fields": {}, "opening": "0.00", "lines": lines})
        rows = [row for sheet in sheets for row in sheet.rows if "承前页" not in row.texts]
        assert len(rows) == count + 1
        assert sum(row.height for row in sheets[-1].rows) + 2 + 8 <= (28 if len(sheets) == 1 else 34) + 1
        assert f"{count}.00" in sheets[-1].foot.texts

    def test_a_receipt_of_many_fees_takes_several_sheets(self):
        lines = [{"fee": f"费{n}", "period": "2025年1月", "amount": "1.00", "remark": ""} for n in range(14)]
        sheets = receipt_pages({"fields": {"大写": "壹拾肆元整", "金额": "14.00"}, "lines": lines})
        assert [len(sheet.rows) for sheet in sheets] == [6, 6, 3]
        assert ["接下张" in sheet.foot.texts[0] for sheet in sheets] == [True, True, False]
        assert "以下空白" in sheets[-1].rows[-1].texts[0]


def at_once(act, arguments):
    """Runs ``act`` in as many threads; returns what they raised."""
    start, failures = threading.Barrier(len(arguments)), []

    def client(argument):
        try:
            start.wait(timeout=30)
            act(argument)
        except Exception as failure:
            failures.append(failure)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(arguments)) as pool:
        list(pool.map(client, arguments))
    return failures


@pytest.mark.django_db(transaction=True)
class TestRace:
    CLIENTS = 6

    @pytest.fixture
    def payments(self):
        project = create_project(company_name=COMPANY)
        return [create_payment(account=create_account(project=project)).pk for _ in range(self.CLIENTS)]

    def issue(self, payments):
        by = create_user(name="何琳")
        return at_once(lambda pk: issue_receipt(pk, by=by, now=NOW), payments)

    def test_receipts_at_once_are_numbered_without_gap(self, payments):
        assert self.issue(payments) == []
        assert sorted(Paper.objects.values_list("sequence", flat=True)) == [1, 2, 3, 4, 5, 6]

    def test_control_without_the_lock_on_the_sequence_numbers_meet(self, payments, monkeypatch):
        meeting = threading.Barrier(self.CLIENTS)

        def unlocked(project, kind, year, count=1):
            NumberSequence.objects.get_or_create(project=project, kind=kind, year=year)
            last = NumberSequence.objects.get(project=project, kind=kind, year=year).last
            meeting.wait(timeout=20)
            NumberSequence.objects.filter(project=project, kind=kind, year=year).update(last=last + count)
            return last + 1

        NumberSequence.objects.create(project=Project.objects.get(), kind="receipt", year=NOW.year)
        monkeypatch.setattr(papers, "take_numbers", unlocked)
        assert len(self.issue(payments)) == self.CLIENTS - 1

    def test_one_payment_at_once_gets_one_receipt(self, payments):
        assert self.issue(payments[:1] * 5) == []
        assert Paper.objects.get().sequence == NumberSequence.objects.get().last == 1

    def test_control_without_the_lock_on_the_account_only_the_database_refuses(self, payments, monkeypatch):
        meeting = threading.Barrier(5)
        real = papers.receipt_data

        def together(*args, **kwargs):
            meeting.wait(timeout=20)  # all have looked, none has written
            return real(*args, **kwargs)

        monkeypatch.setattr(papers, "lock_account", lambda pk: None)
        monkeypatch.setattr(papers, "receipt_data", together)
        assert len(self.issue(payments[:1] * 5)) == 4
        assert Paper.objects.count() == 1
