"""What the layouts of notices print, kind by kind."""

import io

import pikepdf
import pytest

from notices.default_texts import default_text
from notices.fee_table import fee_table
from notices.fields import fill, parse, standing
from notices.kinds import KINDS, TEXT_KINDS, WORDS_OF_DEMAND
from notices.labels import label_content, print_labels
from notices.models import Channel, NoticeKind, PublicKind, SlipPaper
from notices.rendering import print_letters, unprintable
from notices.samples import sample_addressee, sample_data, sample_pictures
from tests.notices.pdf_text import pages_of, text_of

EMS, FEES, SLIP = (KINDS[kind] for kind in (NoticeKind.EMS_NOTICE, NoticeKind.FEE_NOTICE, NoticeKind.DOOR_SLIP))
OWN = [rules for rules in TEXT_KINDS.values() if not rules.needs_mandate]
each_own = pytest.mark.parametrize("rules", OWN, ids=lambda rules: rules.kind.value)


def printed(rules, *letters, pictures=None):
    body = default_text(rules.kind)
    return print_letters([(body, data) for data in letters], rules, pictures=pictures)


def pictures_in(pdf):
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        found = [dict(page.Resources.get("/XObject", {})) for page in opened.pages]
        return [image.Width for images in found for image in images.values() if image.Subtype == "/Image"]


@each_own
def test_a_notice_of_the_company_is_no_draft_and_the_same_each_time(rules):
    data = sample_data(rules)
    first, second = printed(rules, data, data)
    assert "草稿" not in text_of(first.pdf)
    assert first.pdf == second.pdf


@each_own
def test_rare_characters_are_printed_and_missing_ones_named_before(rules):
    assert unprintable(default_text(rules.kind), sample_data(rules, 项目名称="䶮頔翀")) == ""
    assert unprintable(default_text(rules.kind), sample_data(rules, 项目名称="𠮷")) == "𠮷"


class TestEms:
    def test_letter_and_ledger_with_what_the_contract_calls_the_late_fee(self):
        data = sample_data(EMS, rows=60, has_late_fee=True, 违约金名称="滞纳金")
        (letter,) = printed(EMS, data)
        text = text_of(letter.pdf)
        assert "逾期滞纳金为人民币156.30元" in text
        assert "本表不含滞纳金" in text
        assert "违约金" not in text
        assert "本金合计人民币7,900.00元" in text
        assert "承前页" in text

    def test_without_a_clause_no_late_fee_is_spoken_of(self):
        (letter,) = printed(EMS, sample_data(EMS, 违约金名称=""))
        assert "违约金" not in text_of(letter.pdf)

    def test_a_correction_names_what_it_replaces(self):
        (letter,) = printed(EMS, sample_data(EMS) | {"corrects": "凤一函〔2025〕第0099号"})
        assert "本函更正并取代凤一函〔2025〕第0099号。" in text_of(letter.pdf)

    def test_the_signature_never_stands_alone_on_a_page(self):
        body = default_text(EMS.kind)
        for lines in range(14):
            text = body + "\n" + "\n".join(["补充一段。"] * lines)
            (letter,) = print_letters([(text, sample_data(EMS, rows=1))], EMS)
            (signed,) = [page for page in pages_of(letter.pdf) if "（盖章）" in page]
            assert "补充一段" in signed or "地址：" in signed, lines


class TestFeeNotice:
    @pytest.mark.parametrize("long", [False, True])
    def test_the_receipt_is_below_the_table_and_no_page_is_left_over(self, long):
        fields = {"缴费方式": "服务中心前台刷卡；银行转账至某某物业服务有限公司，附言写明房号" * 3} if long else {}
        body = default_text(FEES.kind)
        for rows in (1, 4, 5, 6, 7, 8, 9, 12, 20, 36, 37, 38, 60):
            data = sample_data(FEES, rows=rows, **fields)
            text = [fill(b.text, data["fields"]) for b in standing(parse(body), data["sections"])]
            (letter,) = printed(FEES, data)
            assert letter.pages == len(fee_table(data["charges"], text)["pages"]), rows
            assert "回执" in "".join(pages_of(letter.pdf)[-1].split())
            assert "费项" in pages_of(letter.pdf)[-1]

    def test_what_each_charge_was_computed_from_and_both_codes(self):
        (letter,) = printed(FEES, sample_data(FEES, rows=1))
        text = text_of(letter.pdf)
        assert "2.65元×124.00㎡" in text
        assert text.count("FN2025000123") == 2
        assert "已收(元)" not in text

    def test_partly_paid_charges_show_what_was_received(self):
        (letter,) = printed(FEES, sample_data(FEES, rows=5))
        text = text_of(letter.pdf)
        assert "328.6060.00268.60" in text
        assert "合计1,643.0060.001,583.00" in text

    def test_the_code_for_paying_is_drawn_or_a_picture(self):
        data = sample_data(FEES)
        assert "扫码缴费" not in text_of(printed(FEES, data)[0].pdf)
        data["images"] = {"payment_link": "https://pay.example.com/1"}
        assert "扫码缴费" in text_of(printed(FEES, data)[0].pdf)
        assert pictures_in(printed(FEES, data)[0].pdf) == []
        images, files = sample_pictures(EMS)
        data["images"] = {"payment": images["seal"]}
        assert pictures_in(printed(FEES, data, pictures=files)[0].pdf) == [500]


class TestDoorSlips:
    @pytest.mark.parametrize("paper", [SlipPaper.A6, SlipPaper.A5])
    def test_nothing_tells_who_or_how_much(self, paper):
        data = sample_data(SLIP, paper=paper)
        (slip,) = printed(SLIP, data)
        text = text_of(slip.pdf)
        assert slip.pages == 1
        told = ("业主", "房号", "欠费期间", "欠费合计", "缴费期限", "缴费方式")
        assert not [name for name in told if data["fields"][name] in text]
        assert not [word for word in WORDS_OF_DEMAND if word in text]
        assert "DS2025000123" in text

    @pytest.mark.parametrize(("paper", "size"), [("a6", (105, 148.5)), ("a5", (210, 148.5)), ("folded", (210, 297))])
    def test_sizes(self, paper, size):
        (slip,) = printed(SLIP, sample_data(SLIP, paper=paper))
        with pikepdf.open(io.BytesIO(slip.pdf)) as pdf:
            found = [float(side) / 72 * 25.4 for side in pdf.pages[0].mediabox[2:]]
        assert found == pytest.approx(size, abs=0.1)

    def test_folded_it_tells_only_inside(self):
        (slip,) = printed(SLIP, sample_data(SLIP, paper=SlipPaper.FOLDED, rows=60))
        outside, inside = ("".join(page.split()) for page in pages_of(slip.pdf))
        assert "陈建国" not in outside
        assert "7,900" not in outside
        assert not [word for word in WORDS_OF_DEMAND if word in outside]
        assert "陈建国、王秀兰" in inside
        assert "水费(代收)" in inside
        assert "合计7,900.00" in inside

    def test_a_name_that_is_not_printed_keeps_no_slip_back(self):
        body = default_text(SLIP.kind)
        assert unprintable(body, sample_data(SLIP, 业主="𠮷文")) == ""
        assert unprintable(body, sample_data(SLIP, 业主="𠮷文", paper="folded")) == "𠮷"
        assert unprintable(body, sample_data(SLIP, 项目名称="𠮷园")) == "𠮷"

    def test_without_a_value_there_is_room_to_write(self):
        (slip,) = printed(SLIP, sample_data(SLIP, 员工姓名="", 上门时间=""))
        assert "工作人员＿＿＿＿＿＿于＿＿月＿＿日" in text_of(slip.pdf)


@pytest.mark.parametrize("kind", list(PublicKind))
def test_documents_for_all_fit_on_a_page_and_name_nobody(kind):
    rules = TEXT_KINDS[kind]
    images, files = sample_pictures(rules)
    (sheet,) = printed(rules, sample_data(rules) | {"images": images}, pictures=files)
    assert sheet.pages == 1
    assert not {"业主", "房号"} & rules.field_names


class TestPictures:
    def test_letterhead_seal_and_signature_are_placed(self):
        images, files = sample_pictures(EMS)
        (letter,) = printed(EMS, sample_data(EMS) | {"images": images}, pictures=files)
        assert sorted(pictures_in(letter.pdf)) == [400, 500, 1300]
        assert "凤凰城物业服务有限公司\nEN" not in pages_of(letter.pdf)[0]

    def test_never_on_a_lawyers_letter(self):
        rules = KINDS[NoticeKind.LAWYER_LETTER]
        images, files = sample_pictures(EMS)
        (letter,) = printed(rules, sample_data(rules) | {"images": images}, pictures=files)
        assert not rules.images
        assert pictures_in(letter.pdf) == []


class TestLabels:
    def label(self, channel=Channel.EMS, letters=1, **fields):
        data = [sample_data(EMS, 函号=f"凤一函〔2025〕第{n:04d}号") for n in range(1, letters + 1)]
        ((label,),) = print_labels([label_content(sample_addressee(**fields), data, EMS, channel)])
        return label

    def test_contents_line_names_the_document_and_no_amount(self):
        text = text_of(self.label().pdf)
        assert "内件品名物业费用催缴函凤一函〔2025〕第0001号" in text
        assert "陈建国、王秀兰" in text
        assert "13800000000" in text
        assert "3,883.20" not in text
        assert "欠" not in text

    def test_an_envelope_names_all_that_lies_in_it(self):
        text = text_of(self.label(letters=3).pdf)
        assert "第0001号物业费用催缴函凤一函〔2025〕第0002号物业费用催缴函凤一函〔2025〕第0003号" in text

    def test_for_other_post_addresses_alone(self):
        text = text_of(self.label(Channel.POST).pdf)
        assert "收件人" in text
        assert "内件品名" not in text
        assert "催缴" not in text

    def test_long_names_and_addresses_stay_on_the_label(self):
        name = "江苏某某置业发展（集团）有限公司南京第二分公司䶮頔翀"
        address = "凤凰城国际社区一期北区商业街地下二层机动车停车库人防工程区域第12栋3单元0000"
        label = self.label(name=name, address=address, letters=4)
        assert label.pages == 1
        assert name in text_of(label.pdf)
        assert address in text_of(label.pdf)


@pytest.mark.parametrize("kind", [NoticeKind.EMS_NOTICE, NoticeKind.LAWYER_LETTER])
def test_whatever_the_length_of_the_text_no_page_holds_the_enclosure_alone(kind):
    rules = KINDS[kind]
    texts = [default_text(kind) + "\n本函一式两份。" * lines for lines in range(14)]
    data = sample_data(rules)
    letters = print_letters([(text, data) for text in texts], rules)
    for letter in letters:
        with_it = [page for page in pages_of(letter.pdf) if "附：欠费明细表" in "".join(page.split())]
        assert len(with_it) == 1
        assert data["fields"]["出函日期"] in "".join(with_it[0].split())
