from notices.comparing import Change, compare


def told(before, after):
    return [(line.change.value, line.text) for line in compare(before, after)]


def test_the_same_text_has_no_changes():
    assert {line.change for line in compare("甲\n\n乙", "甲\n乙")} == {Change.SAME}


def test_changed_lines_stand_one_below_the_other_with_what_differs_marked():
    same, gone, new = compare("致：\n请于十日内缴清。", "致：\n请于三十日内缴清。")
    assert (same.change, gone.change, new.change) == (Change.SAME, Change.GONE, Change.NEW)
    assert [piece.text for piece in new.pieces if piece.is_changed] == ["三"]
    assert [piece.text for piece in gone.pieces if piece.is_changed] == []
    assert new.text == "请于三十日内缴清。"


def test_lines_added_and_taken_out():
    assert told("甲\n乙\n丙", "甲\n丙\n丁") == [("same", "甲"), ("gone", "乙"), ("same", "丙"), ("new", "丁")]


def test_both_texts_can_be_put_together_again():
    before, after = "甲一\n乙二\n丙三\n丁四", "甲1\n丙三\n戊\n己\n丁四x"
    lines = compare(before, after)
    assert "\n".join(line.text for line in lines if line.change != Change.NEW) == before
    assert "\n".join(line.text for line in lines if line.change != Change.GONE) == after
