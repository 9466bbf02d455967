"""`import_ledger`: one line of JSON, sums to the cent, and nothing written where a row is wrong and nobody agreed."""

import json
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from arrears.models import Charge, FeeType, Import, Payment
from company.models import Project
from owners.models import Unit
from tests.arrears.workbooks import BAD, DATA, LONG, PAYMENTS, WIDE, WIDE_XLSX, create_estate, row, xlsx
from tests.factories import create_unit, create_user

pytestmark = pytest.mark.django_db
EXPECTED = json.loads((DATA / "expected.json").read_text(encoding="utf-8"))
KEYS = ["rows", "posted", "skipped_total_rows", "errors", "sums", "seconds"]


def run(file: Path, *options: str, project: str = "S1", kind: str = "charges") -> tuple[int, dict[str, Any]]:
    """Exit status and the JSON object, which is the one line on standard output."""
    out, status = StringIO(), 0
    try:
        call_command("import_ledger", kind, str(file), "--project", project, "--json", *options, stdout=out,
                     stderr=StringIO())  # fmt: skip
    except SystemExit as exit_:
        status = int(exit_.code or 0)
    except CommandError as error:
        status = error.returncode
    (line,) = out.getvalue().splitlines()
    return status, json.loads(line)


def test_the_long_sample_into_a_new_project_and_once_more() -> None:
    expected = EXPECTED[LONG]
    status, found = run(DATA / LONG, "--create-project", "--create-units")
    assert (status, list(found)) == (0, KEYS)
    assert (found["rows"], found["posted"], found["skipped_total_rows"]) == (2616, 2616, expected["total_rows"])
    assert found["sums"] == {name: expected[name] for name in ("due", "paid", "outstanding")}
    assert found["errors"] == []
    assert found["seconds"] > 0
    charges, payments = Charge.objects.count(), Payment.objects.count()
    status, again = run(DATA / LONG, "--create-units")
    assert (status, again["posted"]) == (0, 0)
    assert (Charge.objects.count(), Payment.objects.count()) == (charges, payments)


def test_a_new_project_has_the_fee_catalogue_and_nothing_else() -> None:
    run(DATA / LONG, "--create-project")
    assert not Project.objects.exists(), "the units are missing, so that nothing is written, the project neither"
    run(DATA / LONG, "--create-project", "--valid-rows")
    assert FeeType.objects.filter(project__code="S1").exists()
    assert not Unit.objects.exists()


def test_mistakes_end_in_status_1_with_nothing_written_and_each_named() -> None:
    create_unit(project=create_estate(code="S1"), code="1-1-101")
    status, found = run(DATA / BAD)
    assert (status, found["posted"]) == (1, 0)
    assert {error["row"] for error in found["errors"]} == set(range(3, 22))
    assert all(error["sheet"] == "坏数据" and error["column"] and error["reason"] for error in found["errors"])
    by_row = {error["row"]: error for error in found["errors"]}
    assert (by_row[11]["column"], by_row[11]["value"]) == ("K", "#REF!")
    assert (by_row[3]["column"], by_row[3]["value"]) == ("K", "壹佰元")
    assert not Charge.objects.exists()
    assert not Import.objects.exists()


def test_good_rows_only_end_in_status_0() -> None:
    create_unit(project=create_estate(code="S1"), code="1-1-101")
    status, found = run(DATA / BAD, "--valid-rows")
    assert (status, found["rows"], found["posted"]) == (0, 20, 1)
    assert found["sums"] == {"due": "280.00", "paid": "0.00", "outstanding": "280.00"}
    assert Charge.objects.get().amount == Decimal("280.00")
    assert Import.objects.get().bad_rows == 19
    assert run(DATA / BAD, "--valid-rows")[1]["posted"] == 0


def test_printed_late_fees_stand_beside_the_sums(tmp_path: Path) -> None:
    create_estate(code="S1")
    file = tmp_path / "a.xlsx"
    header = ["房屋", "收费项目", "账期", "应收金额", "违约金"]
    file.write_bytes(xlsx(["1-1-101", "物业费", "2025-03", 100, 3.21], header=header))
    _status, found = run(file, "--create-units")
    assert found["sums"] == {"due": "100.00", "paid": "0.00", "outstanding": "100.00", "printed_late_fee": "3.21"}


def test_who_imports_is_recorded_with_the_rows(tmp_path: Path) -> None:
    create_estate(code="S1")
    file, by = tmp_path / "a.xlsx", create_user(username="zoumin")
    file.write_bytes(xlsx(row("101")))
    run(file, "--create-units", "--by", "zoumin")
    assert Charge.objects.get().posted_by == by


@pytest.mark.parametrize(
    ("name", "content", "options", "reason"),
    [
        ("gone.xlsx", None, [], "没有文件"),
        ("empty.xlsx", b"", [], "文件是空的"),
        ("program.xlsx", b"MZ" + b"\0" * 600, [], "这是程序"),
        ("locked.xlsx", (DATA / "有密码.xlsx").read_bytes(), [], "密码保护"),
        ("no header.xlsx", xlsx(["甲", "乙", "丙"], header=None), [], "没有找到表头"),
        ("wide.xls", (DATA / WIDE).read_bytes(), [], "缺少这些列"),
        ("a.xlsx", xlsx(row()), ["--by", "nobody"], "没有用户名为 nobody"),
    ],
)
def test_a_file_that_will_not_do_is_refused_in_one_sentence(
    name: str, content: bytes | None, options: list[str], reason: str, tmp_path: Path
) -> None:
    create_estate(code="S1")
    if content is not None:
        (tmp_path / name).write_bytes(content)
    status, found = run(tmp_path / name, "--create-units", *options)
    assert (status, found["rows"], found["posted"]) == (1, 0, 0)
    (error,) = found["errors"]
    assert reason in error["reason"]
    assert (error["sheet"], error["row"]) == ("", None)
    assert not Import.objects.exists()


@pytest.mark.parametrize(("code", "options"), [("S1", []), ("S 1/..", ["--create-project"])])
def test_an_unknown_or_impossible_project_is_refused(code: str, options: list[str], tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_bytes(xlsx(row()))
    status, found = run(tmp_path / "a.xlsx", *options, project=code)
    assert status == 1
    assert code in found["errors"][0]["reason"]
    assert not Project.objects.exists()


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, settings: Settings) -> None:
    settings.IMPORT_MAX_MB = 1
    create_estate(code="S1")
    with (tmp_path / "large.xlsx").open("wb") as file:
        file.truncate((1 << 20) + 1)
    assert "1 MB" in run(tmp_path / "large.xlsx")[1]["errors"][0]["reason"]


def test_payments_after_charges_and_once_more() -> None:
    run(DATA / LONG, "--create-project", "--create-units")
    status, found = run(DATA / PAYMENTS, "--create-units", kind="payments")
    assert (status, found["rows"], found["posted"], found["skipped_total_rows"]) == (0, 60, 60, 1)
    assert found["sums"] == {"amount": EXPECTED[PAYMENTS]["amount"]}
    again = run(DATA / PAYMENTS, "--create-units", kind="payments")[1]
    assert (again["posted"], again["errors"]) == (0, [])
    call_command("check_ledger", stdout=StringIO(), stderr=StringIO())


def test_the_list_of_old_and_new_excel_is_the_same_ledger() -> None:
    expected, ledgers = EXPECTED[WIDE], []
    for name, project in ((WIDE, "S1"), (WIDE_XLSX, "S2")):
        status, found = run(DATA / name, "--create-project", "--create-units", project=project, kind="arrears_list")
        assert (status, found["errors"], found["as_of"]) == (0, [], expected["as_of"])
        assert found["units_with_arrears"] == expected["units_with_arrears"]
        assert found["sums"] == {
            "outstanding": expected["principal"],
            "printed_late_fee": expected["printed_late_fee"],
        }
        assert run(DATA / name, project=project, kind="arrears_list")[1]["posted"] == 0
        rows = Charge.objects.filter(project__code=project)
        columns = ("unit__code", "fee_type__name", "period_start", "period_end", "due_on", "amount")
        ledgers.append(sorted(rows.values_list(*columns)))
    assert ledgers[0] == ledgers[1]
    call_command("check_ledger", stdout=StringIO(), stderr=StringIO())


def test_a_list_without_a_day_and_one_with_an_unknown_fee_are_refused(tmp_path: Path) -> None:
    create_estate(code="S1")
    file = tmp_path / "a.xlsx"
    file.write_bytes(xlsx(["1-1-101", "林秀国", 5], header=["房号", "业主", "前期物业费"]))
    assert "截止日" in run(file, "--create-units", kind="arrears_list")[1]["errors"][0]["reason"]
    status, found = run(file, "--create-units", "--as-of", "2025-11-20", kind="arrears_list")
    assert (status, found["posted"]) == (0, 1)
    file.write_bytes(xlsx(["1-1-101", "林秀国", 5], header=["房号", "业主", "前期电梯费"]))
    status, found = run(file, "--as-of", "2025-11-20", kind="arrears_list")
    assert (status, found["sums"]["outstanding"]) == (1, "0.00")
    assert "电梯费" in found["errors"][0]["reason"]
