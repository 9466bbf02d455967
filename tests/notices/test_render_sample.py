import pytest
from django.core.management import CommandError, call_command

from tests.notices.pdf_text import pages_of, text_of


@pytest.mark.parametrize(("kind", "title"), [("lawyer_letter", "律师函"), ("receipt", "收据"), ("statement", "对账单")])
@pytest.mark.parametrize("rows", [1, 60])
def test_each_kind_can_be_looked_at(tmp_path, kind, title, rows):
    path = tmp_path / "sample.pdf"
    call_command("render_sample", kind, out=path, rows=rows, owner="䶮頔翀", unit="第12栋3单元0000室", stderr=None)
    text = text_of(path.read_bytes())
    assert title in text
    assert "䶮頔翀" in text
    assert "第12栋3单元0000室" in text
    assert (len(pages_of(path.read_bytes())) > 3) == (rows == 60 and kind != "statement")


def test_a_name_that_cannot_be_printed_is_refused(tmp_path):
    with pytest.raises(CommandError, match="𠮷"):
        call_command("render_sample", "receipt", out=tmp_path / "sample.pdf", owner="𠮷文")
