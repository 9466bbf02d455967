"""The sentences behind the codes of refusals, issues and evidence, in the reader's language."""

from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from arrears.importing.fields import HEADER_EXAMPLES, Field

Sentences = dict[str, str | Promise]

REFUSALS: Sentences = {
    "depended_on": _("Later money or rows depend on this import: %(rows)s. Reverse those first."),
    "empty": _("The file is empty: there is no row in it."),
    "program": _("This is a program, not a workbook. Choose an .xlsx, .xls, .ods or .csv file."),
    "not_a_workbook": _("This is not a workbook. Choose an .xlsx, .xls, .ods or .csv file."),
    "web_page": _("This is a web page with the ending of a workbook. Open it in Excel and save it as .xlsx."),
    "password": _("The workbook is protected by a password. Save it without one and upload it again."),
    "macros": _("The workbook contains macros. Save it as .xlsx without them and upload it again."),
    "damaged": _("The workbook is damaged or cut off and cannot be read. Save it anew in Excel and upload it again."),
    "unpacks_too_big": _("The workbook unpacks to more than can be read safely. Copy the rows into a new workbook."),
    "takes_too_long": _("The workbook takes too long to read. Copy the rows into a new workbook."),
    "too_many_rows": _("The workbook has more than %(limit)s rows. Divide it into several files."),
    "too_many_columns": _("A sheet has more than %(limit)s columns. Delete those that are not needed."),
    "too_big": _("The file is larger than %(limit)s MB. Divide it into several files."),
    "no_header": _("No header was found: no row names at least three known columns, such as %(examples)s."),
    "columns_missing": _(
        "There is no column for %(fields)s. If the file is of another kind, cancel and upload it as what it is."
    ),
    "columns_missing_in_sheet": _(
        "Sheet %(sheet)s: no column for %(fields)s. If the file is of another kind, cancel and upload it as what it is."
    ),
    "column_twice": _("There is more than one column for %(fields)s."),
    "column_twice_in_sheet": _("Sheet %(sheet)s: more than one column for %(fields)s."),
    "unknown_fee_of_column": _(
        "Column %(column)s “%(header)s”: the project has no fee called %(fee)s. Add it as a fee or as a word for one, "
        "or choose in the browser what the column holds."
    ),
    "no_fee_of_column": _("Column %(column)s “%(header)s”: choose the fee whose arrears stand there."),
    "no_as_of": _("The file does not say as of which day it lists arrears. Name the day."),
    "as_of_to_come": _("The list is as of %(day)s, which is still to come."),
    "older_list": _("The list is as of %(day)s, and one as of %(newer)s is posted already."),
    "file_gone": _("The uploaded file is no longer kept. Upload it again."),
    "no_such_file": _("There is no file %(path)s."),
    "no_project": _("There is no project %(project)s; --create-project starts one."),
    "code_will_not_do": _("%(project)s will not do as the code of a project: %(why)s"),
    "no_person": _("There is no person with the user name %(name)s."),
    "has_errors": _("%(rows)s rows have errors. Post the good rows only, or upload a corrected file."),
    "ledger_moved": _("The ledger changed while the file was being posted. Nothing was written; try again."),
}

ISSUES: Sentences = {
    "control_characters": _("%(header)s: contains control characters, such as a tab or a line break"),
    "phone_lost_digits": _("%(header)s: Excel has turned the phone number into %(value)s and lost its digits"),
    "amount_in_words": _("%(header)s: an amount in words; write it in figures"),
    "not_an_amount": _("%(header)s: not an amount"),
    "negative": _(
        "%(header)s: the amount is negative. Where it lowers an earlier charge, reverse that one in the ledger and "
        "enter the right amount, or waive the difference; where it is money paid ahead, record it as a payment"
    ),
    "amount_too_large": _("%(header)s: the amount is larger than %(limit)s"),
    "three_decimals": _("%(header)s: the amount has more than two decimals"),
    "no_amount": _("%(header)s: no amount"),
    "formula_error": _("%(header)s: the formula gives an error, the cell has no value"),
    "formula_without_value": _("%(header)s: the formula has no value; open the file in Excel and save it"),
    "impossible_day": _("%(header)s: this day does not exist"),
    "not_a_day": _("%(header)s: not a date"),
    "no_day": _("%(header)s: no date"),
    "open_ended": _("%(header)s: an open-ended period; write its last day"),
    "end_before_start": _("%(header)s: the period ends before it starts"),
    "day_too_early": _("%(header)s: the date is before %(earliest)s"),
    "day_too_late": _("%(header)s: the date is after %(latest)s, more than two years ahead"),
    "after_the_list": _("%(header)s: an amount for a time after %(as_of)s, as of which the list speaks"),
    "no_room": _("%(header)s: no room"),
    "no_building": _("%(header)s: no building is named beside room %(room)s"),
    "unknown_unit": _("%(header)s: there is no unit %(unit)s"),
    "slip_in_unit": _("%(header)s: there is no unit %(unit)s; is it %(likely)s, with a digit for the letter?"),
    "too_long": _("%(header)s: longer than %(limit)s characters"),
    "no_fee": _("%(header)s: no fee"),
    "unknown_fee": _("%(header)s: the project has no fee called %(fee)s"),
    "paid_more_than_due": _("%(header)s: %(settled)s received or waived is more than the %(due)s due"),
    "arrears_differ": _("%(header)s: due less received is %(computed)s, the sheet says %(value)s"),
    "twice": _("the same stands in row %(row)s already"),
    "twice_in_sheet": _("the same stands in row %(row)s of sheet %(sheet)s already"),
    "conflict": _("%(header)s: the ledger has this charge with %(posted)s; reverse it there if this one is right"),
    "number_used": _("%(header)s: this number stands on another charge in the ledger"),
    "received_less": _("%(header)s: less than the %(posted)s that earlier files said was received"),
    "charged_otherwise": _("this fee is charged for this period with %(posted)s, under another number or none"),
    "another_estate": _("The sheet names another estate"),
    "carried": _("%(header)s: empty, taken from the row above"),
    "given": _("no column for %(field)s; the sheet's name or title says %(text)s, taken for all its rows"),
    "owner_differs": _("%(unit)s: the owner differs from the register"),
    "paid_back": _(
        "%(header)s: money paid back or cancelled. Reverse the payment in the ledger, or record a refund on the unit's "
        "account, and leave this row out"
    ),
    "cancels": _("%(header)s: money paid back; it cancels row %(row)s, and neither is posted"),
    "void": _("%(header)s: %(value)s, not posted"),
    "day_to_come": _("%(header)s: the day is after %(today)s, money cannot have been received yet"),
    "number_lost_digits": _("%(header)s: Excel has turned the number into %(value)s and lost its last digits"),
    "serial_conflict": _("%(header)s: the ledger has this number with %(posted)s; reverse it if this one is right"),
    "serial_on_another_unit": _("%(header)s: the ledger has this number on another unit, with %(posted)s"),
    "in_list": _(
        "%(header)s: the arrears list as of %(as_of)s knows this payment already; %(left)s of it is more than the list "
        "showed as settled, so it is held back"
    ),
    "received_differs": _(
        "%(header)s: the ledger has %(settled)s settled; imported payments count first, only what they do not explain "
        "is taken from this column"
    ),
    "ahead": _("%(header)s: more is paid than unit %(unit)s owes; %(amount)s will stand as credit"),
    "row_sum_differs": _("%(header)s: the printed sum %(printed)s differs from the columns, which add up to %(ours)s"),
    "settled_since": _("%(header)s: %(amount)s less than the ledger, but later payments have settled it already"),
    "relieved_here": _("%(header)s: %(amount)s more than the ledger, as was waived here; it is not charged again"),
    "credit_in_list": _("%(header)s: the charge is larger by the credit of %(amount)s that the account had"),
    "is_credit": _("%(header)s: a negative balance of %(amount)s; posted as credit only where you agree"),
    "not_a_phone": _(
        "%(header)s: %(part)s is no phone number. A mobile has 11 digits, a landline area code and 7 or 8 digits; "
        "correct it, or leave the cell empty"
    ),
    "not_an_id_number": _(
        "%(header)s: %(part)s is no ID number (18 or 15 characters), credit code (18) or passport; correct it, or "
        "leave the cell empty"
    ),
    "not_an_email": _("%(header)s: not an e-mail address; correct it, or leave the cell empty"),
    "masked_value": _(
        "%(header)s: the value is masked with *. Export with personal data, or leave the column out of the import"
    ),
    "not_an_area": _("%(header)s: not an area in square metres; write a number such as 89.50"),
    "not_yes_or_no": _("%(header)s: cannot be understood; write %(yes)s where the unit is vacant, else %(no)s"),
    "contact_of_nobody": _("%(header)s: no owner is named in this row, and the register knows none of this unit"),
    "check_digit": _("%(header)s: the check digit of the ID number is wrong; imported as it stands"),
    "note_on_name": _("%(header)s: the note “%(note)s” beside the name is not imported"),
    "unknown_usage": _("%(header)s: “%(usage)s” is no usage that is known here; the usage stays as it is"),
    "more_id_numbers": _("%(header)s: more ID numbers than owners; those beyond are not imported"),
    "owner_below": _("taken for a co-owner of unit %(unit)s, which stands in a row above"),
    "contact_below": _("taken for further contacts of the owner of unit %(unit)s in the row above"),
    "building_above": _("the building is taken from the row above: unit %(unit)s"),
    "id_differs": _("%(unit)s: the register has another ID number of this owner, which stays"),
    "unit_changes": _("%(header)s: the register says %(known)s; with the posting it says %(now)s"),
    "address_replaced": _("%(header)s: takes the place of another address, which stays in the history"),
    "second_address": _("%(header)s: the list gives this owner another address further up; this one is not imported"),
    "email_ended": _("%(header)s: somebody has taken this address away from the owner; it is not added again"),
    "phone_ended": _(
        "%(header)s: somebody has taken the number ending in %(last4)s away from this owner; it is not added again"
    ),
    "total_differs": _("%(header)s: the printed total %(printed)s differs from the sum of the rows %(ours)s by %(by)s"),
}

WARNINGS: dict[str, tuple[str | Promise, str | Promise]] = {
    "charged_otherwise": (
        _("Charged already under another number or none"),
        _("By its number it is a second charge; posted, the owner owes both"),
    ),
    "another_estate": (_("The sheet names another estate"), _("Check that this is the right file")),
    "cancels": (
        _("Money paid back cancels a payment of this file"),
        _("Neither is posted; compare the first pair"),
    ),
    "void": (_("Void entries"), _("They are not posted")),
    "given": (
        _("Taken from the sheet's name or title"),
        _("For all its rows; choose a column where one says otherwise"),
    ),
    "carried": (
        _("Empty cells are taken from the row above"),
        _("The sheet prints unit and owner once for several rows; look at the first of them"),
    ),
    "owner_differs": (_("The owner differs from the register"), _("A hint only; ownership is not changed")),
    "total_differs": (_("A printed total differs from its rows"), _("Compared above")),
    "row_sum_differs": (_("A printed sum differs from its row"), _("Nothing is left out for that")),
    "received_differs": (
        _("Received differs from the ledger"),
        _("Imported payments count first; the column only for what they do not explain"),
    ),
    "in_list": (_("Payments that an arrears list knows"), _("Held back unless you agree below")),
    "settled_since": (_("Lower in the list, paid since"), _("Later payments have settled it; nothing is posted")),
    "ahead": (_("More paid than is owed"), _("Stands as credit and settles later charges by itself")),
    "relieved_here": (
        _("Higher in the list by what was waived here"),
        _("Not charged again; tell the charging system of the waiver"),
    ),
    "credit_in_list": (_("Credit of before is used"), _("The list has counted it, so the charge is larger by it")),
    "is_credit": (_("Negative balances are credit"), _("Posted only where you agree below")),
    "check_digit": (_("Check digit of the ID number is wrong"), _("Imported as it stands; look at the document")),
    "note_on_name": (_("A note beside the name"), _("The name is imported, the note is not")),
    "unknown_usage": (_("Usage not known"), _("The usage of these units stays as it is")),
    "more_id_numbers": (_("More ID numbers than owners"), _("Those beyond are not imported")),
    "owner_below": (_("Co-owners in rows of their own"), _("They belong to the unit above")),
    "contact_below": (_("Further contacts in rows of their own"), _("They belong to the owner above")),
    "building_above": (_("Building taken from the row above"), _("As merged cells mean it")),
    "id_differs": (_("ID number differs from the register"), _("The register's stays")),
    "unit_changes": (_("Area, usage or vacancy changes"), _("The register then says what the list says")),
    "address_replaced": (_("Address replaces another"), _("The old one stays in the history")),
    "second_address": (_("Two addresses of one owner"), _("The first one is imported")),
    "email_ended": (_("E-mail was taken away by hand"), _("Not added again; add it by hand if it holds")),
    "phone_ended": (_("Number was taken away by hand"), _("Not added again; add it by hand if it holds")),
}
"""Short names of warnings, and what they mean for the import."""

EVIDENCE: Sentences = {
    "synonym": _("known word"),
    "contains": _("contains the known word %(word)s"),
    "values_differ": _("known word, but only %(fitting)s%% of the values fit; please confirm"),
    "looks_like_phone": _("by content: %(fitting)s of %(of)s look like phone numbers"),
    "looks_like_phones": _("by content: %(fitting)s of %(of)s look like phone numbers"),
    "looks_like_id_numbers": _("by content: %(fitting)s of %(of)s look like ID numbers"),
    "looks_like_fee": _("by content: %(fitting)s of %(of)s are fees of the project"),
    "looks_like_unit": _("by content: %(fitting)s of %(of)s look like units"),
    "looks_like_received_on": _("by content: %(fitting)s of %(of)s look like days"),
    "looks_like_method": _("by content: %(fitting)s of %(of)s look like ways to pay"),
    "fee_column": _("names a fee"),
    "sum_of_row": _("the sum of the fees beside it"),
    "named_period": _("names a year or month"),
    "unknown_fee_column": _("the project has no fee called %(fee)s; please choose"),
    "looks_like_period": _("by content: %(fitting)s of %(of)s look like dates or months"),
    "taken": _("column %(column)s holds this already"),
    "remembered": _("chosen in an earlier import"),
    "chosen": _("chosen by hand"),
    "nothing_fits": _("no field fits"),
}


def refusal_text(code: str, params: Mapping[str, Any]) -> str:
    """Why a file as a whole was refused, in one sentence or two."""
    shown = {"examples": HEADER_EXAMPLES, **params}
    if "fields" in shown:
        shown["fields"] = "、".join(str(Field(name).label) for name in shown["fields"])
    if shown.get("sheet") and f"{code}_in_sheet" in REFUSALS:
        code = f"{code}_in_sheet"
    return str(REFUSALS[code]) % shown


def issue_text(code: str, params: Mapping[str, Any], *, sheet: str = "", value: str = "") -> str:
    """What is wrong with a cell."""
    if code == "twice" and params.get("sheet", sheet) != sheet:
        code = "twice_in_sheet"
    if "field" in params:
        params = {**params, "field": Field(params["field"]).label}
    return str(ISSUES[code]) % {"header": gettext("cell"), **params, "value": value}


def evidence_text(code: str, params: Mapping[str, Any]) -> str:
    """Why a column was taken for what it is."""
    return str(EVIDENCE[code]) % dict(params)
