import pytest

from notices.default_texts import default_text
from notices.fields import Block, Role, UnfilledFieldError, check_text, fill, normalise, one_line, parse
from notices.kinds import KINDS
from notices.models import NoticeKind
from notices.rendering import print_letters
from notices.samples import sample_data
from tests.notices.payloads import PRINTED, REFUSED
from tests.notices.pdf_text import text_of

RULES = KINDS[NoticeKind.LAWYER_LETTER]
DEFAULT = default_text(NoticeKind.LAWYER_LETTER)


def test_default_text_has_no_faults():
    assert check_text(DEFAULT, RULES) == []


def test_there_are_about_a_hundred_payloads():
    assert len(REFUSED) + len(PRINTED) >= 100
    assert len(set(REFUSED + PRINTED)) == len(REFUSED) + len(PRINTED)


@pytest.mark.parametrize("payload", REFUSED)
def test_braces_that_name_no_field_are_refused_with_their_line(payload):
    faults = check_text(f"{DEFAULT}\n{payload}\n", RULES)
    assert faults
    assert faults[0].line == DEFAULT.count("\n") + 2


@pytest.mark.parametrize("payload", PRINTED)
def test_everything_else_is_printed_as_it_is(payload):
    assert check_text(f"{DEFAULT}\n{payload}\n", RULES) == []
    block = parse(f"{DEFAULT}\n{payload}\n")[-1]
    assert block == Block(Role.PARAGRAPH, payload)
    assert fill(block.text, {}) == payload


@pytest.mark.parametrize("payload", [*REFUSED, *PRINTED])
def test_a_value_is_never_read_again(payload):
    value = one_line(payload)
    assert fill("致：{业主}。", {"业主": value, "房号": "secret"}) == f"致：{value}。"


@pytest.fixture(scope="module")
def letters():
    """For each payload a letter with it as the owner's name and, where a text may have it, as its last paragraph."""
    texts = [DEFAULT if payload in REFUSED else f"{DEFAULT}\n{payload}\n" for payload in [*REFUSED, *PRINTED]]
    owners = [one_line(payload) for payload in [*REFUSED, *PRINTED]]
    letters = [(text, sample_data(RULES, 业主=owner)) for text, owner in zip(texts, owners, strict=True)]
    return dict(zip([*REFUSED, *PRINTED], map(text_of, (p.pdf for p in print_letters(letters, RULES))), strict=True))


@pytest.mark.parametrize("payload", [*REFUSED, *PRINTED])
def test_text_and_values_are_printed_sign_by_sign(letters, payload):
    shown = "".join(one_line(payload).split())
    assert f"致：{shown}（凤凰城一期" in letters[payload]
    if payload in PRINTED:
        assert f"特此函告。{shown}某某律师事务所（盖章）" in letters[payload]


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
