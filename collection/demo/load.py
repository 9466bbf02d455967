"""Loads the whole demonstration: its rows in one transaction, so that there are all of them or none, then letters."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.db import connections, transaction

from collection.demo import conduct, duties, estate, letters, people, repairs, results, shut_offs, work
from collection.demo.ledger import write_ledger
from collection.demo.people import SignIn
from collection.demo.plan import DemoPlan
from collection.demo.work import Work
from collection.reports import make_reports
from collection.stages import refresh_all
from company.models import Project

SECOND_LETTERS = 24
"""Some of those who come to legal means still wait for a letter."""
SIGN_INS_FILE = "demo_signins.txt"


class NotEmptyError(Exception):
    """The database holds projects already; the demonstration is for an empty one."""


@dataclass(frozen=True, slots=True)
class Loaded:
    sign_ins: list[SignIn]
    units: int
    accounts: int


def load(demo: DemoPlan, *, say: Callable[[str], None] = lambda line: None) -> Loaded:
    """Write both estates as ``demo`` plans them. Raises NotEmptyError where any project exists."""
    loaded, works = _load_rows(demo, say)
    _count_rows()
    for each in works:
        work.mark_cases(each)
        results.settle_first_fortnight(each)
        results.praise_effort(each)
    work.finish_letters(works, demo)
    make_reports(now=demo.now)
    return loaded


def _count_rows() -> None:
    """Until the database has counted them it takes full tables for empty ones, and reading rates takes minutes."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("ANALYZE")


@transaction.atomic
def _load_rows(demo: DemoPlan, say: Callable[[str], None]) -> tuple[Loaded, list[Work]]:
    if Project.objects.exists():
        raise NotEmptyError
    staff = people.People(demo)
    sign_ins = staff.company()
    units = accounts = 0
    works = []
    for number, plan in enumerate(demo.projects):
        project = estate.create_project(plan)
        team = staff.of_project(plan, project)
        if number == 0:
            sign_ins += people.sign_ins(team)
        built = estate.build(project, plan, demo)
        say(f"{plan.name}: {plan.units} units, {len(built.holdings)} accounts")
        write_ledger(built, demo, by=team.finance)
        works.append(work.start(built, demo, team))
        conduct.prepare_messages(works[-1])
        units, accounts = units + plan.units, accounts + len(built.holdings)
    work.play(works, demo)
    conduct.call_back(works, demo)
    for each in works:
        work.decide(each)
        conduct.complain(each)
        duties.fill_roster(each)
        duties.draw_yesterday_together(each, demo)
        work.verify_open(each.estate, each.staff, now=demo.now)
        project, manager = each.estate.project, each.staff.manager
        repairs.record_defects(project, by=manager, rng=each.rng, now=demo.now)
        shut_offs.record(project, manager=manager, head=each.staff.team(0)[0], rng=each.rng, today=demo.today)
    refresh_all(now=demo.now)
    first = works[0]
    letters.issue(
        first.estate.project, by=first.staff.notice_admin, now=demo.now, today=demo.today, most=SECOND_LETTERS
    )
    return Loaded(sign_ins, units, accounts), works


def write_sign_ins(sign_ins: Sequence[SignIn], folder: Path) -> Path:
    """One line a role: ``role<TAB>login<TAB>password``; readable for the owner of the folder only."""
    path = folder / SIGN_INS_FILE
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.writelines(f"{line.role.value}\t{line.login}\t{line.password}\n" for line in sign_ins)
    return path
