from functools import cache

import pytest

from notices.default_texts import default_text
from notices.fields import (
    Block,
    Role,
    UnfilledFieldError,
    check_text,
    empty_fields,
    fill,
    normalise,
    one_line,
    parse,
    refused_by_values,
    standing,
)
from notices.kinds import KINDS, PUBLIC_KINDS, TEXT_KINDS, WORDS_OF_DEMAND
from notices.models import NoticeKind, PublicKind
from notices.rendering import print_letters
from notices.samples import sample_data
from tests.notices.payloads import PRINTED, REFUSED
from tests.notices.pdf_text import text_of

RULES = KINDS[NoticeKind.LAWYER_LETTER]
DEFAULT = default_text(NoticeKind.LAWYER_LETTER)
ALL = list(TEXT_KINDS.values())
each_kind = pytest.mark.parametrize("rules", ALL, ids=lambda rules: rules.kind.value)


@each_kind
def test_default_texts_have_no_faults(rules):
    assert check_text(default_text(rules.kind), rules) == []


def test_there_are_about_a_hundred_payloads():
    assert len(REFUSED) + len(PRINTED) >= 100
    assert len(set(REFUSED + PRINTED)) == len(REFUSED) + len(PRINTED)


@each_kind
@pytest.mark.parametrize("payload", REFUSED)
def test_braces_that_name_no_field_are_refused_with_their_line(payload, rules):
    text = default_text(rules.kind)
    faults = check_text(f"{text}\n{payload}\n", rules)
    assert faults
    assert faults[0].line == text.count("\n") + 2


@each_kind
@pytest.mark.parametrize("payload", PRINTED)
def test_everything_else_is_printed_as_it_is(payload, rules):
    text = default_text(rules.kind)
    assert check_text(f"{text}\n{payload}\n", rules) == []
    block = parse(f"{text}\n{payload}\n")[-1]
    assert block == Block(Role.PARAGRAPH, payload)
    assert fill(block.text, {}) == payload


@pytest.mark.parametrize("payload", [*REFUSED, *PRINTED])
def test_a_value_is_never_read_again(payload):
    value = one_line(payload)
    assert fill("致：{业主}。", {"业主": value, "房号": "secret"}) == f"致：{value}。"


VALUE_OF = (
    dict.fromkeys(KINDS, "业主") | {NoticeKind.DOOR_SLIP: "服务中心地址"} | dict.fromkeys(PUBLIC_KINDS, "项目名称")
)
"""A field that the text of the kind prints."""


@cache
def letters_of(kind):
    """By payload a document with it as a value and, where a text may have it, as its last paragraph."""
    payloads, rules = [*REFUSED, *PRINTED], TEXT_KINDS[kind]
    text, name = default_text(kind), VALUE_OF[kind]
    texts = [text if payload in REFUSED else f"{text}\n{payload}\n" for payload in payloads]
    data = [sample_data(rules, **{name: one_line(payload)}) for payload in payloads]
    printed = print_letters(list(zip(texts, data, strict=True)), rules)
    return {payload: text_of(letter.pdf) for payload, letter in zip(payloads, printed, strict=True)}


@pytest.mark.parametrize(
    "rules",
    [RULES, *(pytest.param(rules, marks=pytest.mark.long) for rules in ALL if rules is not RULES)],
    ids=lambda rules: rules.kind.value,
)
@pytest.mark.parametrize("payload", [*REFUSED, *PRINTED])
def test_text_and_values_are_printed_sign_by_sign(payload, rules):
    shown, text = "".join(one_line(payload).split()), letters_of(rules.kind)[payload]
    around = AROUND[rules.kind]
    assert around.format(shown) in text
    if payload in PRINTED:
        assert text.count(shown) >= 2


AROUND = {
    NoticeKind.LAWYER_LETTER: "致：{}（凤凰城一期",
    NoticeKind.EMS_NOTICE: "{}：贵户凤凰城一期",
    NoticeKind.FEE_NOTICE: "{}凤凰城一期3栋2单元1802室：",
    NoticeKind.DOOR_SLIP: "地址：{}您也可以",
    PublicKind.ANNOUNCEMENT: "{}的各位业主、住户：",
    PublicKind.FEE_SHEET: "{}的各位业主：",
}
"""What stands before and behind the value."""


def test_values_cannot_make_headings_or_paragraphs():
    blocks = parse("致：{业主}\n\n正文")
    filled = [fill(block.text, {"业主": one_line("甲\n\n**一、假标题**")}) for block in blocks]
    assert filled == ["致：甲 **一、假标题**", "正文"]


def test_missing_required_fields_are_named():
    text = DEFAULT.replace("{缴费期限}", "十日内")
    (fault,) = check_text(text, RULES)
    assert fault.line is None
    assert "{缴费期限}" in str(fault)


def test_a_field_without_value_is_an_error():
    with pytest.raises(UnfilledFieldError):
        fill("{业主}", {})


def test_text_of_headings_alone_and_too_long_text_are_refused():
    assert check_text("**一、**", RULES)
    assert [fault.line for fault in check_text("甲" * 20_001, RULES)] == [None]


def test_blocks_of_the_default_text():
    blocks = parse(DEFAULT)
    assert blocks[0].role is Role.SALUTATION
    assert [b.text for b in blocks if b.role is Role.HEADING] == [
        "一、委托人提供的事实",
        "二、法律依据",
        "三、函告事项",
    ]


def test_stored_text_has_one_form():
    assert normalise("\r\n甲  \r乙\t\n\n") == "甲\n乙\n"


class TestOptionalLines:
    TEXT = f"{DEFAULT}\n{{如有违约金}}违约金为{{违约金}}元。\n"

    def test_they_are_printed_only_where_the_mark_holds(self):
        blocks = parse("致：{业主}\n{如有代收} 代收。\n{如为共有}**共有**\n正文。")
        assert [block.text for block in standing(blocks, ["如有代收"])] == ["致：{业主}", "代收。", "正文。"]
        assert [block.role for block in standing(blocks, ["如为共有"])] == ["salutation", "heading", "paragraph"]

    def test_what_says_the_late_fee_stands_in_such_a_line_only(self):
        assert check_text(self.TEXT, RULES) == []
        (fault,) = check_text(self.TEXT.replace("{如有违约金}违约金为", "违约金为"), RULES)
        assert "{如有违约金}" in str(fault)
        (fault,) = check_text(self.TEXT.replace("{如有违约金}违约金为", "{如有代收}违约金为"), RULES)
        assert "{如有违约金}" in str(fault)

    @pytest.mark.parametrize("line", ["正文{如有代收}。", "{如有代收}{如为共有}正文。", "**{如有代收}**"])
    def test_a_mark_stands_at_the_beginning_of_a_line_once(self, line):
        (fault,) = check_text(f"{DEFAULT}\n{line}\n", RULES)
        assert fault.line == DEFAULT.count("\n") + 2

    def test_neither_salutation_nor_required_fields_can_be_optional(self):
        assert check_text("{如有代收}" + DEFAULT, RULES)
        text = DEFAULT.replace("1. 请贵方于{缴费期限}", "{如有代收}1. 请贵方于{缴费期限}")
        assert any("{缴费期限}" in str(fault) for fault in check_text(text, RULES))

    def test_a_kind_without_such_lines_knows_no_marks(self):
        rules = KINDS[NoticeKind.DOOR_SLIP]
        assert check_text(f"{default_text(rules.kind)}\n{{如有代收}}正文。\n", rules)


class TestDoorSlips:
    RULES = KINDS[NoticeKind.DOOR_SLIP]
    TEXT = default_text(NoticeKind.DOOR_SLIP)

    @pytest.mark.parametrize("word", WORDS_OF_DEMAND)
    def test_no_word_of_debt_or_demand_is_saved(self, word):
        for typed in (word, " ".join(word)):
            (fault,) = check_text(f"{self.TEXT}\n您有{typed}一事。\n", self.RULES)
            assert word in str(fault)

    @pytest.mark.parametrize("name", ["业主", "欠费合计", "欠费合计大写", "欠费期间", "缴费期限", "房号", "数据截止日"])
    def test_no_field_names_owner_amount_or_period(self, name):
        assert check_text(f"{self.TEXT}\n{{{name}}}\n", self.RULES)

    def test_values_of_the_project_count_too(self):
        values = {"联系电话": "020-1（催缴组）", "物业公司": "某某物业", "项目名称": "欠债村", "缴费方式": "催"}
        assert refused_by_values(self.TEXT, values, self.RULES) == ["欠", "催", "债", "缴"]

    def test_whom_and_when_are_left_to_be_written_by_hand(self):
        values = {field.name: "x" for field in self.RULES.fields} | {"员工姓名": "", "上门时间": ""}
        assert empty_fields(self.TEXT, values, self.RULES) == []
        assert empty_fields(self.TEXT, values | {"联系电话": ""}, self.RULES) == ["联系电话"]


def test_a_clause_that_the_contract_lacks_asks_for_no_value():
    rules = KINDS[NoticeKind.EMS_NOTICE]
    values = {field.name: "x" for field in rules.fields} | {"合同名称": "", "违约金名称": ""}
    text = default_text(rules.kind)
    assert empty_fields(text, values, rules) == []
    assert empty_fields(text, values | {"违约金名称": "滞纳金"}, rules) == ["合同名称"]
    assert empty_fields(text, values | {"物业公司": ""}, rules) == ["物业公司"]  # the layout prints it
