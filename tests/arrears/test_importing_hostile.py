"""Malformed and hostile workbooks: refused for one reason with nothing written, in little memory (promise 8)."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings as configured
from pytest_django import Settings

from arrears.importing import reading
from arrears.models import Charge, ColumnMapping, Import, ImportIssue, StagedCharge
from company.models import Project
from owners.models import Unit
from tests.arrears.hostile import READ, REFUSED
from tests.arrears.workbooks import create_estate, read

pytestmark = pytest.mark.django_db
MOST_KB = 512 << 10
MEASURED = """
import resource, subprocess, sys
subprocess.run([sys.executable, "-I", sys.argv[1]], stdin=sys.stdin, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


@pytest.fixture(autouse=True)
def _media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def project() -> Project:
    return create_estate()


def peak_kb_of_reading(path: Path) -> int:
    """Of the reader alone, under the limits of the configuration: started from here it would count what tests hold."""
    order = {
        "do": "read",
        "path": str(path),
        "rows": configured.IMPORT_MAX_ROWS,
        "memory_mb": configured.IMPORT_READER_MB,
        "seconds": configured.IMPORT_READER_SECONDS,
        "unpacked_mb": configured.IMPORT_MAX_UNPACKED_MB,
    }
    command = [sys.executable, "-c", MEASURED, str(reading.READER)]
    return int(subprocess.run(command, input=json.dumps(order).encode(), capture_output=True, check=True).stdout)


def nothing_is_written() -> bool:
    return not any(model.objects.exists() for model in (Charge, Unit, StagedCharge, ImportIssue, ColumnMapping))


def test_the_reader_is_limited_as_promised() -> None:
    assert configured.IMPORT_READER_SECONDS <= 10
    assert configured.IMPORT_READER_MB <= 512


@pytest.mark.parametrize("what", REFUSED)
def test_a_hostile_file_is_refused_for_one_reason_and_writes_nothing(
    what: str, project: Project, tmp_path: Path
) -> None:
    make, reasons = REFUSED[what]
    content = make()
    workbook = read(project, content)
    assert workbook.state == Import.State.REFUSED, workbook.layout
    assert workbook.refusal in reasons
    assert nothing_is_written()
    path = tmp_path / "hostile"
    path.write_bytes(content)
    assert peak_kb_of_reading(path) < MOST_KB


@pytest.mark.parametrize("what", READ)
def test_what_is_harmless_in_the_end_costs_little_and_tells_nothing(
    what: str, project: Project, tmp_path: Path
) -> None:
    content = READ[what]()
    workbook = read(project, content)
    assert workbook.state in (Import.State.COLUMNS, Import.State.REFUSED)
    assert Path("/etc/hostname").read_text().strip() not in str(workbook.layout)
    assert len(str(workbook.layout)) < 20_000
    assert nothing_is_written()
    path = tmp_path / "harmless"
    path.write_bytes(content)
    assert peak_kb_of_reading(path) < MOST_KB
