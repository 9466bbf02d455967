"""`import_ledger owners`: the sample, once and once more."""

import json

import pytest

from owners.models import Owner, Phone, Unit
from tests.arrears.test_import_command import DATA, run

pytestmark = pytest.mark.django_db
OWNERS = "业主资料.xlsx"
EXPECTED = json.loads((DATA / "expected.json").read_text(encoding="utf-8"))[OWNERS]


def test_the_sample_into_a_new_project_and_once_more() -> None:
    status, found = run(DATA / OWNERS, "--create-project", "--create-units", kind="owners")
    assert (status, found["errors"]) == (0, [])
    assert (found["rows"], found["posted"]) == (EXPECTED["rows"], EXPECTED["rows"])
    assert found["sums"] == {"owners": EXPECTED["owners"], "phones": EXPECTED["phones"]}
    assert (Unit.objects.count(), Owner.objects.count(), Phone.objects.count()) == (216, 247, 269)
    again = run(DATA / OWNERS, "--create-units", kind="owners")[1]
    assert (again["posted"], again["errors"]) == (0, [])
    assert (Unit.objects.count(), Owner.objects.count(), Phone.objects.count()) == (216, 247, 269)
