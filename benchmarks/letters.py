"""Letters a second: our workers against LibreOffice on the same letters.

    ./run bench letters --count 1000

Works on servers of its own under ARREARS_VAR/bench, which it removes at the end. A letter is counted when it is
issued and stands in the merged file and in the archive; LibreOffice only converts.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from benchmarks.servers import own_servers

CHARGES, AMOUNT = 12, Decimal("328.60")
CONTRACT_SINCE = date(2025, 1, 1)
WORKER_TIMEOUT = 1800


def main(arguments: Sequence[str]) -> int:
    """Run the benchmark; returns the exit status."""
    parser = argparse.ArgumentParser(prog="./run bench letters", description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="number of letters")
    parser.add_argument("--work", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.work:
        return _work(options.work)
    with own_servers():
        return _measure(options.count)


def _measure(count: int) -> int:
    from benchmarks.peers import libreoffice
    from benchmarks.reporting import Promise, Report

    started = time.perf_counter()
    report = Report("letters", count)
    try:
        libreoffice.install()
    except libreoffice.NotInstallableError as error:
        report.details["error"] = f"LibreOffice: {error}"
        report.print()
        return 1
    account_ids = _accounts(count)
    one, two = (_ours(account_ids, workers) for workers in (1, 2))
    theirs = _theirs(two["batch"])
    report.seconds = time.perf_counter() - started
    report.peak_mb = max(one["peak_mb"], two["peak_mb"])
    report.ratios = {
        "two workers / LibreOffice": two["rate"] / theirs["rate"],
        "one worker / LibreOffice": one["rate"] / theirs["rate"],
        "two workers / one": two["rate"] / one["rate"],
    }
    report.promises = [
        Promise("letters a second, two workers / LibreOffice", "≥ 6", report.ratios["two workers / LibreOffice"]),
        Promise("letters a second, two workers / one", "≥ 1.8", report.ratios["two workers / one"]),
        Promise("memory of a worker (MB)", "≤ 500", report.peak_mb),
        Promise("size of a letter (KB)", "≤ 300", two["bytes"] / count / 1000),
    ]
    report.details = {
        "letters_per_second": {
            "one worker": round(one["rate"], 2), "two workers": round(two["rate"], 2),
            "libreoffice": round(theirs["rate"], 2),
        },
        "ms_per_letter_and_core": round(1000 / one["rate"], 1),
        "pages_per_letter": two["pages"] / count,
        "libreoffice_pages_per_letter": theirs["pages"] / count,
        "bytes_per_letter": two["bytes"] // count,
        "merged_bytes": two["merged_bytes"],
    }  # fmt: skip
    return report.print()


def _accounts(count: int) -> list[int]:
    """So many households with twelve overdue charges each, verified; written set-wise."""
    from django.utils import timezone

    from arrears.verification import verify
    from benchmarks.households import create_households
    from company.models import User

    accounts = create_households(_project(), [AMOUNT] * count, months=CHARGES)
    verify(accounts, by=User.objects.get(), now=timezone.now(), looked_up=True)
    return [account.pk for account in accounts]


def _project() -> Any:
    from django.core.files.base import ContentFile
    from django.utils import timezone

    from company.models import Project, User
    from notices.default_texts import install_default_templates
    from notices.editing import approve_text
    from notices.firms import save_firm
    from notices.models import LawFirm
    from owners.models import ServiceContract

    by = User.objects.create_user("bench", name="bench")
    project = Project.objects.create(
        code="BENCH", name="凤凰城一期", short_name="凤一", company_name="凤凰城物业服务有限公司", contact_name="周敏",
        service_address="凤凰城一期1栋首层物业服务中心", service_phone="020-88880000",
        payment_methods="“凤凰城物业”微信公众号“生活缴费”，或服务中心前台刷卡",
    )  # fmt: skip
    ServiceContract.objects.create(project=project, name="凤凰城一期前期物业服务合同", starts_on=CONTRACT_SINCE)
    firm = LawFirm(project=project, name="某某律师事务所", lawyer="林某某", lawyer_phone="020-66660000")
    save_firm(firm, ContentFile(b"%PDF-1.7", name="mandate.pdf"), by=by)
    for template in install_default_templates(project):
        approve_text(template, by=by, now=timezone.now())
    return project


def _ours(account_ids: list[int], workers: int) -> dict[str, Any]:
    """Confirm a batch and let so many worker processes make it; they are warm when the clock starts."""
    from django.utils import timezone

    from company.models import Project, User
    from notices.issuing import confirm_batch
    from notices.models import Batch, NoticeKind

    batch = confirm_batch(
        Project.objects.get(),
        account_ids,
        NoticeKind.LAWYER_LETTER,
        f"{workers}",
        timezone.now(),
        by=User.objects.get(),
    )
    command = [sys.executable, "-m", "benchmarks.letters", "--work", str(batch.pk)]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(workers)]
    for process in processes:
        process.stdout.readline()  # type: ignore[union-attr]  # it is ready
    started = time.perf_counter()
    for process in processes:
        process.stdin.write(b"go\n")  # type: ignore[union-attr]
        process.stdin.flush()  # type: ignore[union-attr]
    answers = [process.communicate(timeout=WORKER_TIMEOUT)[0] for process in processes]
    seconds = time.perf_counter() - started
    batch = Batch.objects.select_related("merged_file", "zip_file").get(pk=batch.pk)
    issued = batch.notices.filter(state="issued")
    if batch.state != Batch.State.READY or issued.count() != len(account_ids):
        raise SystemExit(f"{issued.count()} of {len(account_ids)} letters were issued")
    sizes = issued.values_list("file__size", "pages")
    return {
        "batch": batch,
        "rate": len(account_ids) / seconds,
        "peak_mb": max(json.loads(answer)["peak_mb"] for answer in answers),
        "bytes": sum(size for size, _ in sizes),
        "pages": sum(pages for _, pages in sizes),
        "merged_bytes": batch.merged_file.size if batch.merged_file else 0,
    }


def _work(batch_id: int) -> int:
    """A worker: warm up, wait for the word, make letters until none is left, say how much memory it took."""
    import django
    from django.urls import get_resolver

    django.setup()
    from notices import tasks
    from notices.default_texts import default_text
    from notices.kinds import KINDS
    from notices.models import Batch, NoticeKind
    from notices.press import press
    from notices.rendering import print_letters
    from notices.samples import sample_data

    rules = KINDS[NoticeKind.LAWYER_LETTER]
    print_letters([(default_text(rules.kind), sample_data(rules))], rules)
    _ = get_resolver().url_patterns  # what a worker has read since its first task
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    while Batch.objects.get(pk=batch_id).state == Batch.State.RENDERING:
        tasks.render_batch(batch_id)
        time.sleep(0.02)
    own_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sys.stdout.write(json.dumps({"peak_mb": (own_kb + press().peak_kb) / 1024}))
    press().close()
    return 0


def _theirs(batch: Any) -> dict[str, Any]:
    """The same letters from docx, converted in one call."""
    import pikepdf

    from benchmarks.peers import libreoffice
    from config.environment import var_dir

    folder = var_dir() / "docx"
    folder.mkdir()
    letters = batch.notices.order_by("position").values_list("position", "data")
    for position, data in letters:
        libreoffice.write_docx(folder / f"{position:06d}.docx", batch.template.body, data)
    seconds, files = libreoffice.convert(folder, timeout=WORKER_TIMEOUT)
    if len(files) != len(letters):
        raise SystemExit(f"LibreOffice made {len(files)} of {len(letters)} files")
    pages = 0
    for path in files:
        with pikepdf.open(path) as pdf:
            pages += len(pdf.pages)
    return {"rate": len(files) / seconds, "pages": pages}


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
