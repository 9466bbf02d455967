import pytest
from django.core.management import CommandError, call_command

from tests.notices.pdf_text import pages_of, text_of

TITLES = {
    "lawyer_letter": "律师函",
    "ems_notice": "物业费用催缴函",
    "fee_notice": "收费通知单",
    "receipt": "收据",
    "statement": "对账单",
}
WITHOUT_OWNER = {"announcement": "关于交纳物业费用的通知", "fee_sheet": "物业费用说明", "door_slip": "留言"}


@pytest.mark.parametrize("kind", TITLES)
@pytest.mark.parametrize("rows", [1, 60])
def test_each_kind_can_be_looked_at(tmp_path, kind, rows):
    path = tmp_path / "sample.pdf"
    call_command("render_sample", kind, out=path, rows=rows, owner="䶮頔翀", unit="第12栋3单元0000室", stderr=None)
    text = text_of(path.read_bytes())
    assert TITLES[kind] in text
    assert "䶮頔翀" in text
    assert "第12栋3单元0000室" in text
    longest = {"statement": 4, "fee_notice": 3, "ems_notice": 3, "lawyer_letter": 4}.get(kind, 10)
    assert len(pages_of(path.read_bytes())) <= longest


@pytest.mark.parametrize("kind", WITHOUT_OWNER)
@pytest.mark.parametrize("pictures", [False, True])
def test_kinds_that_name_nobody(tmp_path, kind, pictures):
    path = tmp_path / "sample.pdf"
    call_command("render_sample", kind, out=path, owner="䶮頔翀", pictures=pictures, stderr=None)
    assert WITHOUT_OWNER[kind] in text_of(path.read_bytes())
    assert "䶮頔翀" not in text_of(path.read_bytes())


@pytest.mark.parametrize(("size", "pages"), [("a6", 1), ("a5", 1), ("folded", 2)])
def test_the_sizes_of_a_slip(tmp_path, size, pages):
    path = tmp_path / "sample.pdf"
    call_command("render_sample", "door_slip", out=path, size=size, stderr=None)
    assert len(pages_of(path.read_bytes())) == pages


@pytest.mark.parametrize("kind", ["ems_label", "post_label"])
def test_labels(tmp_path, kind):
    path = tmp_path / "sample.pdf"
    call_command("render_sample", kind, out=path, owner="䶮頔翀", unit="南京市1号", stderr=None)
    text = text_of(path.read_bytes())
    assert "收件人䶮頔翀南京市1号" in text
    assert ("内件品名" in text) == (kind == "ems_label")


def test_a_name_that_cannot_be_printed_is_refused(tmp_path):
    with pytest.raises(CommandError, match="𠮷"):
        call_command("render_sample", "receipt", out=tmp_path / "sample.pdf", owner="𠮷文")
