"""Lists of waybills as post offices and counter clerks print them (N4)."""

import datetime as dt
import io
from pathlib import Path

import openpyxl
import pytest
import python_calamine
from django.core.files.base import ContentFile

from notices.models import Delivery, DeliveryTransition, Recipient, TrackingList
from notices.tracking_lists import ListMovedError, ListRefusedError, post_list, preview_list, upload_list
from notices.tracking_matching import Verdict
from notices.waybills import enter_number
from owners.models import Address
from tests.arrears.hostile import READ, REFUSED
from tests.arrears.test_races import at_once
from tests.arrears.workbooks import xlsx
from tests.factories import NOW, TODAY, create_account, create_debtor, create_project, create_user
from tests.notice_factories import create_letter, create_letter_batch, send

SAMPLE = Path(__file__).parents[1] / "data" / "EMS运单号.xlsx"
HEAD = ["序号", "收件人", "收件地址", "邮件号", "内件品名", "寄件日期"]
LATER = NOW + dt.timedelta(days=5)
A, B, C = "1060908832231", "1019440483931", "1068136433331"
State = Delivery.State


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    settings.LEDGER_FOLLOWERS = []


@pytest.fixture
def project(db):
    return create_project(code="FHC1")


@pytest.fixture
def clerk(db):
    return create_user(name="贺兰")


@pytest.fixture
def desk(project, clerk):
    return Desk(project, clerk)


class Desk:
    def __init__(self, project, clerk):
        self.project, self.clerk = project, clerk

    def letter(self, code, *names, **fields):
        account = create_debtor(project=self.project, code=code, names=names or ("朱明玥",), months=1)
        (delivery,) = send(create_letter(project=self.project, account=account, **fields))
        return delivery

    def upload(self, content, name="运单.xlsx"):
        return upload_list(self.project, ContentFile(content, name=name), by=self.clerk, now=LATER)

    def look(self, content, name="运单.xlsx"):
        return preview_list(self.upload(content, name), today=LATER.date())

    def post(self, content, name="运单.xlsx", *, good_rows_only=False):
        tracking = self.upload(content, name)
        seal = preview_list(tracking, today=LATER.date()).seal
        return post_list(tracking, seal=seal, good_rows_only=good_rows_only, by=self.clerk, now=LATER)


def sheet(*rows, head=HEAD, above=()):
    return xlsx(*rows, header=head, above=above)


def item(number, name="朱明玥", address="1栋1单元502室", contents="物业费催缴函", day=TODAY):
    return [1, name, address, number, contents, day]


def numbers():
    return sorted(Delivery.objects.exclude(tracking_number="").values_list("tracking_number", flat=True))


def problem(line):
    return line.problem.column, line.problem.reason


class TestTheSample:
    @pytest.fixture
    def addressed(self, desk):
        """Letters to everybody whom the sample names."""
        book = python_calamine.CalamineWorkbook.from_path(str(SAMPLE))
        rows = book.get_sheet_by_index(0).to_python()[1:]
        batch = create_letter_batch(project=desk.project)
        letters = []
        for row in rows:
            account = create_debtor(project=desk.project, code=code_of(row[2]), names=[row[1]], months=1)
            letters.append(create_letter(project=desk.project, account=account, batch=batch))
        send(*letters)
        return rows

    def test_every_row_finds_its_letter_by_room_and_recipient(self, desk, addressed):
        entered = desk.post(SAMPLE.read_bytes(), SAMPLE.name)
        assert entered.numbers == 20
        by_unit = {
            d.notice.account.unit.code: d.tracking_number
            for d in Delivery.objects.select_related("notice__account__unit")
        }
        assert by_unit == {code_of(row[2]): row[3] for row in addressed}
        assert Delivery.objects.filter(numbered_by=desk.clerk, numbered_at=LATER).count() == 20
        assert DeliveryTransition.objects.filter(event="numbered").count() == 20

    def test_the_same_file_again_changes_nothing(self, desk, addressed):
        desk.post(SAMPLE.read_bytes())
        before = list(Delivery.objects.order_by("pk").values())
        preview = desk.look(SAMPLE.read_bytes())
        assert (preview.known, len(preview.new), len(preview.bad)) == (20, 0, 0)
        assert desk.post(SAMPLE.read_bytes()).numbers == 0
        assert list(Delivery.objects.order_by("pk").values()) == before

    def test_looking_writes_nothing(self, desk, addressed):
        preview = desk.look(SAMPLE.read_bytes())
        assert len(preview.new) == 20
        assert numbers() == []

    @pytest.mark.django_db(transaction=True)
    def test_two_people_post_the_same_list_at_once(self, desk, addressed):
        tracking = desk.upload(SAMPLE.read_bytes())
        seal = preview_list(tracking, today=LATER.date()).seal

        def act(_):
            post_list(tracking, seal=seal, good_rows_only=False, by=desk.clerk, now=LATER)

        assert [type(failure) for failure in at_once(act, clients=3)] == [ListMovedError] * 2
        assert DeliveryTransition.objects.filter(event="numbered").count() == 20


def code_of(address):
    return address.replace("栋", "-").replace("单元", "-").removesuffix("室").replace("商铺", "商铺-")


class TestLayouts:
    @pytest.mark.parametrize(
        "word", ["运单号", "邮件号", "快递单号", "EMS单号", "邮件号码", "EMS 运单号", "运单号码（13位）", "物流单号"]
    )
    def test_the_number_column_has_many_names(self, desk, word):
        desk.letter("1-1-502")
        head = ["序号", "姓名", "地址", word]
        desk.post(sheet([1, "朱明玥", "1栋1单元502室", A], head=head))
        assert numbers() == [A]

    @pytest.mark.parametrize(
        ("head", "row"),
        [
            (["房号", "业主", "快递单号"], ["1-1-502", "朱明玥", A]),
            (["收方姓名", "收方地址", "运单编号"], ["朱明玥", "广东省广州市天河路88号凤凰城1栋1单元502室", A]),
            (
                ["寄件人", "收件人姓名", "收件人详细地址", "邮件编号"],
                ["物业公司", "朱明玥", "凤凰城一期1幢1单元502", A],
            ),
            (["房间号", "EMS邮件号"], ["1栋1单元502室", A]),
        ],
    )
    def test_the_letter_is_found_whatever_the_columns_are_called(self, desk, head, row):
        desk.letter("1-1-502")
        desk.post(sheet(row, head=head))
        assert numbers() == [A]

    def test_below_title_rows_with_totals_blank_rows_and_a_second_header(self, desk):
        desk.letter("1-1-502")
        desk.letter("3-2-101", "徐霞頔")
        above = [["凤凰城一期EMS交寄清单"], ["制表：张工", "", "", "2025-11-23"], []]
        rows = [item(A), [], HEAD, item(B, "徐霞頔", "3栋2单元101室"), ["合计", "", "", "2件"]]
        preview = desk.look(sheet(*rows, above=above))
        assert [line.verdict for line in preview.lines] == [Verdict.NEW] * 2
        assert preview.skipped == 2
        assert [line.row.row for line in preview.lines] == [5, 8]

    @pytest.mark.parametrize(
        "written", [float(A), f" {A[:4]} {A[4:8]} {A[8:]} ", f"'{A}", f"{A}.0", "１０６０９０８８３２２３１"]
    )
    def test_numbers_come_as_floats_with_gaps_and_in_full_width(self, desk, written):
        desk.letter("1-1-502")
        desk.post(sheet(item(written)))
        assert numbers() == [A]

    def test_a_number_that_excel_has_rounded_is_refused_by_its_cell(self, desk):
        desk.letter("1-1-502")
        (line,) = desk.look(sheet(item("1.06091E+12"))).bad
        assert line.problem.column == "D"
        assert "1.06091E+12" in line.problem.value

    def test_the_sender_beside_the_recipient_under_two_heads(self, desk):
        desk.letter("1-1-502")
        above = [["序号", "寄件信息", "", "收件信息", "", "邮件信息"]]
        head = ["", "姓名", "地址", "姓名", "地址", "邮件号码"]
        desk.post(sheet([1, "凤凰城物业", "1栋1单元101室", "朱明玥", "1栋1单元502室", A], head=head, above=above))
        assert numbers() == [A]

    def test_merged_head_cells_and_days(self, desk):
        desk.letter("1-1-502")
        desk.letter("3-2-101", "徐霞頔")
        book = openpyxl.Workbook()
        page = book.active
        page.append(["序号", "收件信息", None, "邮件号", "寄件日期"])
        page.append([None, "收件人", "地址", None, None])
        page.append([1, "朱明玥", "1栋1单元502室", A, TODAY])
        page.append([2, "徐霞頔", "3栋2单元101室", B, None])
        for cells in ("A1:A2", "B1:C1", "D1:D2", "E1:E2", "E3:E4"):
            page.merge_cells(cells)
        content = io.BytesIO()
        book.save(content)
        desk.post(content.getvalue())
        assert numbers() == sorted([A, B])

    @pytest.mark.parametrize("encoding", ["gb18030", "utf-8-sig"])
    def test_text_files(self, desk, encoding):
        desk.letter("1-1-502")
        text = f"收件人,收件地址,邮件号\r\n朱明玥,1栋1单元502室,{A}\r\n"
        desk.post(text.encode(encoding), "运单.csv")
        assert numbers() == [A]

    def test_a_nameless_column_of_numbers_is_found_by_its_content(self, desk):
        desk.letter("1-1-502")
        desk.post(sheet(["朱明玥", "1栋1单元502室", A], head=["收件人", "收件地址", "条形码内容"]))
        assert numbers() == [A]

    def test_a_sheet_without_numbers_is_refused_with_what_to_do(self, desk):
        with pytest.raises(ListRefusedError, match="运单号"):
            desk.upload(sheet(["朱明玥", "1栋1单元502室"], head=["收件人", "收件地址"]))

    @pytest.mark.parametrize("name", [*REFUSED, *READ])
    def test_hostile_files_are_refused(self, desk, name):
        make = REFUSED[name][0] if name in REFUSED else READ[name]
        with pytest.raises(ListRefusedError):
            desk.upload(make())
        assert not TrackingList.objects.exists()


class TestMatching:
    def test_the_document_number_in_the_contents_goes_before_the_address(self, desk):
        first, second = desk.letter("1-1-502"), desk.letter("1-1-503")
        desk.post(sheet(item(A, contents=f"物业费用催缴函 {second.notice.number}")))
        second.refresh_from_db()
        assert second.tracking_number == A
        assert first.tracking_number == ""

    @pytest.mark.parametrize("write", [
        lambda n: f"凤一物通[2025]{n:04d}号", lambda n: f"物业费用催缴函（2025）第{n}号", lambda n: f"EN2025{n:06d}",
    ])  # fmt: skip
    def test_however_it_is_written(self, desk, write):
        delivery = desk.letter("1-1-502")
        desk.post(sheet(item(A, name="", address="", contents=write(delivery.notice.sequence))))
        assert numbers() == [A]

    def test_two_letters_to_one_room_are_ambiguous(self, desk):
        account = create_debtor(project=desk.project, code="1-1-502", names=["朱明玥"])
        send(create_letter(project=desk.project, account=account), create_letter(project=desk.project, account=account))
        (line,) = desk.look(sheet(item(A))).bad
        assert problem(line)[0] == "C"
        assert line.problem.reason.count("号") >= 2

    def test_another_recipient_is_an_error_and_a_co_owner_is_not(self, desk):
        desk.letter("1-1-502", "陈建国", "王秀兰")
        (line,) = desk.look(sheet(item(A, "张三"))).bad
        assert line.problem.column == "B"
        assert line.problem.value == "张*"
        assert not desk.look(sheet(item(A, "王秀兰"))).bad

    def test_unknown_room_and_unknown_document(self, desk):
        desk.letter("1-1-502")
        create_account(project=desk.project, code="9-9-999")
        rows = [item(A, address="9栋9单元999室"), item(B, address="火星路1号", name="马斯克"),
                item(C, contents="催缴函〔2025〕第9999号")]  # fmt: skip
        assert [line.problem.column for line in desk.look(sheet(*rows)).bad] == ["C", "B", "E"]

    def test_a_letter_to_a_second_address_is_found_by_its_recipient_and_said_so(self, desk):
        delivery = desk.letter("1-1-502")
        Delivery.objects.filter(pk=delivery.pk).update(address_kind=Address.Kind.SECOND)
        (line,) = desk.look(sheet(item(A, address="江苏省南京市中山路1号"))).lines
        assert line.verdict is Verdict.NEW
        assert line.remarks

    def test_a_letter_to_a_second_address_is_found_by_that_address_whatever_room_it_ends_with(self, desk):
        delivery = desk.letter("9-1-101")
        desk.letter("1-1-502", "张三")
        Recipient.objects.create(
            notice=delivery.notice,
            address_kind="second",
            name="朱明玥",
            address="南京市中山路8号翠苑1栋1单元502室",
            envelope=1,
        )
        (line,) = desk.look(sheet(item(A, address="南京市 中山路８号翠苑1栋1单元502室"))).lines
        assert (line.verdict, line.delivery.pk, line.remarks) == (Verdict.NEW, delivery.pk, ())

    @pytest.mark.parametrize(("name", "verdict"), [("朱*玥", Verdict.NEW), ("朱**", Verdict.NEW), ("张*", Verdict.BAD)])
    def test_names_with_stars_as_carriers_print_them(self, desk, name, verdict):
        desk.letter("1-1-502")
        (line,) = desk.look(sheet(item(A, name))).lines
        assert line.verdict is verdict

    def test_a_letter_numbered_otherwise_and_a_number_used_elsewhere(self, desk):
        first, _second = desk.letter("1-1-502"), desk.letter("3-2-101", "徐霞頔")
        enter_number(desk.project, first.pk, C, by=desk.clerk, now=NOW)
        rows = [item(A), item(C, "徐霞頔", "3栋2单元101室")]
        bad = desk.look(sheet(*rows)).bad
        assert [line.problem.column for line in bad] == ["D", "D"]
        assert all(first.notice.number in line.problem.reason for line in bad)

    def test_the_second_of_two_equal_numbers_or_letters_is_the_error(self, desk):
        desk.letter("1-1-502")
        desk.letter("3-2-101", "徐霞頔")
        rows = [item(A), item(A, "徐霞頔", "3栋2单元101室"), item(B)]
        preview = desk.look(sheet(*rows))
        assert [line.verdict for line in preview.lines] == [Verdict.NEW, Verdict.BAD, Verdict.BAD]

    def test_mistyped_numbers(self, desk):
        desk.letter("1-1-502")
        rows = [item("109900123421"), item("EE123456789CN"), item("abc"), item("")]
        assert [line.problem.column for line in desk.look(sheet(*rows)).bad] == ["D"] * 4

    def test_good_rows_alone_only_if_said(self, desk):
        desk.letter("1-1-502")
        content = sheet(item(A), item("123", "徐霞頔"))
        with pytest.raises(ListRefusedError):
            desk.post(content)
        assert numbers() == []
        assert desk.post(content, good_rows_only=True).numbers == 1

    def test_what_changed_after_the_look_is_looked_at_again(self, desk):
        delivery = desk.letter("1-1-502")
        tracking = desk.upload(sheet(item(A)))
        seal = preview_list(tracking, today=LATER.date()).seal
        enter_number(desk.project, delivery.pk, B, by=desk.clerk, now=LATER)
        with pytest.raises(ListMovedError):
            post_list(tracking, seal=seal, good_rows_only=True, by=desk.clerk, now=LATER)
        assert numbers() == [B]
        assert TrackingList.objects.get(pk=tracking.pk).state == TrackingList.State.UPLOADED

    def test_letters_of_another_project_are_not_found(self, desk):
        other = Desk(create_project(), desk.clerk)
        other.letter("1-1-502")
        assert desk.look(sheet(item(A))).bad

    def test_a_large_list_costs_a_fixed_number_of_queries(self, desk, django_assert_max_num_queries):
        def upload(count):
            rows = []
            for _n in range(count):
                number = Delivery.objects.count() + 1
                desk.letter(f"7-1-{number}", f"业主{number}")
                rows.append(item(f"10{number:011d}", f"业主{number}", f"7栋1单元{number}室"))
            return desk.upload(sheet(*rows))

        few, many = upload(3), upload(30)
        with django_assert_max_num_queries(100) as first:
            seal = preview_list(few, today=LATER.date()).seal
            post_list(few, seal=seal, good_rows_only=False, by=desk.clerk, now=LATER)
        with django_assert_max_num_queries(len(first)):
            seal = preview_list(many, today=LATER.date()).seal
            post_list(many, seal=seal, good_rows_only=False, by=desk.clerk, now=LATER)
        assert len(numbers()) == 33
