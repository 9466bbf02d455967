"""Work of the imports. What is to be done stands in the rows; each task may run twice or be killed at any line."""

import logging
from collections.abc import Callable

from celery import shared_task
from django.utils import timezone

from arrears import assessing, plans
from arrears.importing import steps
from arrears.importing.marking import mark_errors
from arrears.importing.reading import Refusal
from arrears.importing.states import MoveError, State, work_left
from arrears.importing.waking import TASKS, wake

logger = logging.getLogger(__name__)


@shared_task(name=TASKS[State.UPLOADED])
def read_import(import_id: int) -> None:
    """Find the columns of an uploaded workbook."""
    now = timezone.now()
    _overtaken_at_worst(import_id, lambda: steps.read_import(import_id, today=timezone.localdate(now), now=now))


@shared_task(name=TASKS[State.CONFIRMED])
def check_import(import_id: int) -> None:
    """Check and stage the rows of a workbook whose columns are confirmed, and mark the bad ones in a copy of it."""
    now = timezone.now()
    _overtaken_at_worst(import_id, lambda: steps.check_import(import_id, today=timezone.localdate(now), now=now))
    try:
        mark_errors(import_id)
    except Refusal as refusal:  # the list of errors on the page does without the copy
        logger.warning("Import %s: no marked copy, %s.", import_id, refusal.code)


@shared_task(name=TASKS[State.APPROVED])
def post_import(import_id: int) -> None:
    """Post the staged rows of an approved workbook."""
    _overtaken_at_worst(import_id, lambda: steps.post_import(import_id, now=timezone.now()))


@shared_task(name=TASKS[State.UNDO_ASKED])
def undo_import(import_id: int) -> None:
    """Take a posted workbook back."""
    _overtaken_at_worst(import_id, lambda: steps.undo(import_id, now=timezone.now()))


@shared_task(name="arrears.sweep_imports")
def sweep_imports() -> None:
    """Find imports that nobody was woken for, and those whose worker died."""
    for import_id, waiting in work_left(now=timezone.now()):
        wake(import_id, waiting)


def _overtaken_at_worst(import_id: int, step: Callable[[], None]) -> None:
    """Run a step; one that was cancelled or taken over meanwhile has written nothing."""
    try:
        step()
    except MoveError as overtaken:
        logger.info("Import %s is %s by now; the step wrote nothing.", import_id, overtaken.state)


@shared_task(name="arrears.assess_project")
def assess_project(run_id: int) -> None:
    """Assess the late fees of a whole project."""
    assessing.work_run(run_id, now=timezone.now())


@shared_task(name="arrears.sweep_late_fee_runs")
def sweep_late_fee_runs() -> None:
    """Find assessments that nobody was woken for, and those whose worker died."""
    for run_id in assessing.runs_left(now=timezone.now()):
        assessing.wake_run(run_id)


@shared_task(name="arrears.judge_plans")
def judge_plans() -> None:
    """Instalment plans: kept, partly kept or broken by what was paid."""
    now = timezone.now()
    plans.judge_plans(today=timezone.localdate(now), now=now)
