import pytest

from notices.tracking_numbers import TrackingNumberError, parse_tracking_number, s10_check_digit


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("1099001234216", "1099001234216"),
        (" 1099 0012 3421 6 ", "1099001234216"),
        ("１０９９００１２３４２１６", "1099001234216"),
        ("1099001234216.0", "1099001234216"),
        ("ee 123 456 785 cn", "EE123456785CN"),
        ("RR473124829IN", "RR473124829IN"),
        ("XA12345678931", "XA12345678931"),
    ],
)
def test_numbers_as_they_are_written(written, number):
    assert parse_tracking_number(written) == number


@pytest.mark.parametrize(
    "written",
    ["", "109900123421", "10990012342161", "1.099E+12", "EE123456784CN", "EN2025000456", "物业", "1099001234216A"],
)
def test_what_is_none(written):
    with pytest.raises(TrackingNumberError):
        parse_tracking_number(written)


def test_one_wrong_digit_of_an_international_number_is_found():
    serial = "47312482"
    check = s10_check_digit(serial)
    for place in range(8):
        for digit in "0123456789":
            other = serial[:place] + digit + serial[place + 1 :]
            if other != serial:
                assert s10_check_digit(other) != check


@pytest.mark.parametrize(("serial", "digit"), [("47312482", 9), ("12345678", 5), ("00000000", 5)])
def test_the_check_digit(serial, digit):
    assert s10_check_digit(serial) == digit
