"""Cases follow the ledger: they open when principal is overdue, change with it, and close when none is left.

A case remembers the ``Account.version`` that it has seen and the day for which it was computed. Whatever lags behind
is worked off set-wise, so that a posting, a lost task and a night that passed are all the same to it. Stage and next
step are computed with it: each open case is looked at once a day at least.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from arrears.posting import lock_accounts
from collection import stages
from collection.models import Case, CaseTransition
from company.models import Project

REOPEN_DAYS = 90
ACCOUNTS_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class FollowResult:
    """How many cases were opened, closed, reopened, and changed in what is overdue."""

    opened: int = 0
    closed: int = 0
    reopened: int = 0
    changed: int = 0

    def __add__(self, other: "FollowResult") -> "FollowResult":
        return FollowResult(
            self.opened + other.opened,
            self.closed + other.closed,
            self.reopened + other.reopened,
            self.changed + other.changed,
        )


def follow_ledger(*, today: date, now: datetime, project: Project | None = None) -> FollowResult:
    """Bring the cases of ``project`` (of all projects) up to the ledger as it stands at the start of ``today``.

    Safe to run twice and at the same time as postings: each chunk locks its accounts, then their cases, and reads the
    ledger after that. What a case carries beside its money (team, promises, holds) stays as it is.
    """
    result = FollowResult()
    for account_ids in _chunks(_lagging_accounts(today, project)):
        with transaction.atomic():
            result += _follow_accounts(account_ids, today=today, now=now)
    return result


def _chunks(account_ids: list[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(account_ids), ACCOUNTS_AT_ONCE):
        yield account_ids[start : start + ACCOUNTS_AT_ONCE]


def _lagging_accounts(today: date, project: Project | None) -> list[int]:
    """Accounts whose open case is behind the ledger or the day, and those that owe without an open case."""
    of_case = "AND c.project_id = %(project)s" if project else ""
    of_charge = "AND b.project_id = %(project)s" if project else ""
    rows = _run(
        f"""
        SELECT c.account_id FROM collection_case c JOIN arrears_account a ON a.id = c.account_id
        WHERE c.state = 'open' AND c.followed_on <= %(today)s {of_case}
          AND (c.seen_version <> a.version OR c.followed_on < %(today)s)
        UNION
        SELECT b.account_id FROM arrears_chargebalance b
        WHERE b.is_live AND b.settled < b.amount AND b.due_on < %(today)s {of_charge}
          AND NOT EXISTS (SELECT FROM collection_case c WHERE c.account_id = b.account_id AND c.state = 'open')
        ORDER BY 1
        """,  # noqa: S608  two fixed conditions
        today=today,
        project=project.pk if project else None,
    )
    return [account_id for (account_id,) in rows]


def _follow_accounts(account_ids: Sequence[int], *, today: date, now: datetime) -> FollowResult:
    lock_accounts(account_ids)  # postings lock them first: while they are held, their ledger stands still
    _lock_cases(account_ids)
    of: dict[str, Any] = {"accounts": list(account_ids), "today": today, "now": now}
    result = FollowResult(
        closed=_close(**of),
        changed=_refresh(**of),
        reopened=_reopen(**of, since=today - timedelta(days=REOPEN_DAYS)),
        opened=_open(**of),
    )
    _refresh_steps(account_ids, now=now)
    return result


def _refresh_steps(account_ids: Sequence[int], *, now: datetime) -> None:
    """Stage and next step go by what is owed and for how long; those that closed have no next step any more."""
    has_step = Q(state=Case.State.OPEN) | ~Q(next_step="")
    stages.refresh(Case.objects.filter(has_step, account__in=account_ids), now=now)


def _lock_cases(account_ids: Sequence[int]) -> None:
    _run("SELECT id FROM collection_case WHERE account_id = ANY(%(ids)s) ORDER BY id FOR UPDATE", ids=list(account_ids))


# What each account owes overdue; an account without overdue principal has no row.
OWED = """
    owed AS (
        SELECT b.account_id, sum(b.amount - b.settled) AS overdue, min(b.due_on) AS oldest_due_on
        FROM arrears_chargebalance b
        WHERE b.account_id = ANY(%(accounts)s) AND b.is_live AND b.settled < b.amount AND b.due_on < %(today)s
        GROUP BY b.account_id
    )
"""


def _close(**of: Any) -> int:
    return _count(
        f"""
        WITH {OWED}, closed AS (
            UPDATE collection_case c
            SET state = 'closed', closed_on = %(today)s, overdue = 0, oldest_due_on = NULL,
                seen_version = a.version, followed_on = %(today)s
            FROM arrears_account a
            WHERE a.id = c.account_id AND c.account_id = ANY(%(accounts)s) AND c.state = 'open'
              AND NOT EXISTS (SELECT FROM owed o WHERE o.account_id = c.account_id)
            RETURNING c.id, c.seen_version
        )
        INSERT INTO collection_casetransition (case_id, from_state, to_state, at, account_version)
        SELECT id, 'open', 'closed', %(now)s, seen_version FROM closed ORDER BY id
        """,  # noqa: S608
        **of,
    )


def _refresh(**of: Any) -> int:
    """Writes what is overdue on open cases; counts those where it differs from before."""
    ((changed,),) = _run(
        f"""
        WITH {OWED}, before AS (
            SELECT id, overdue FROM collection_case WHERE account_id = ANY(%(accounts)s) AND state = 'open'
        ), written AS (
            UPDATE collection_case c
            SET overdue = o.overdue, oldest_due_on = o.oldest_due_on, seen_version = a.version, followed_on = %(today)s
            FROM owed o JOIN arrears_account a ON a.id = o.account_id
            WHERE c.account_id = o.account_id AND c.state = 'open'
            RETURNING c.id, c.overdue
        )
        SELECT count(*) FROM written JOIN before USING (id) WHERE written.overdue <> before.overdue
        """,  # noqa: S608
        **of,
    )
    return int(changed)


def _reopen(**of: Any) -> int:
    """The last case of an account that owes again, if it was closed since the given day."""
    return _count(
        f"""
        WITH {OWED}, latest AS (
            SELECT DISTINCT ON (c.account_id) c.id, c.account_id, c.state, c.closed_on
            FROM collection_case c JOIN owed USING (account_id)
            ORDER BY c.account_id, (c.state = 'open') DESC, c.closed_on DESC, c.id DESC
        ), reopened AS (
            UPDATE collection_case c
            SET state = 'open', closed_on = NULL, overdue = o.overdue, oldest_due_on = o.oldest_due_on,
                seen_version = a.version, followed_on = %(today)s
            FROM latest l JOIN owed o USING (account_id) JOIN arrears_account a ON a.id = l.account_id
            WHERE c.id = l.id AND l.state = 'closed' AND l.closed_on >= %(since)s
            RETURNING c.id, c.seen_version
        )
        INSERT INTO collection_casetransition (case_id, from_state, to_state, at, account_version)
        SELECT id, 'closed', 'open', %(now)s, seen_version FROM reopened ORDER BY id
        """,  # noqa: S608
        **of,
    )


def _open(*, accounts: list[int], today: date, now: datetime) -> int:
    rows = _run(
        f"""
        WITH {OWED}
        SELECT a.project_id, a.id, a.version, o.overdue, o.oldest_due_on
        FROM owed o JOIN arrears_account a ON a.id = o.account_id
        WHERE NOT EXISTS (SELECT FROM collection_case c WHERE c.account_id = a.id AND c.state = 'open')
        ORDER BY a.id
        """,  # noqa: S608
        accounts=accounts,
        today=today,
    )
    cases = Case.objects.bulk_create(
        Case(
            project_id=project_id,
            account_id=account_id,
            opened_on=today,
            seen_version=version,
            overdue=overdue,
            oldest_due_on=oldest_due_on,
            followed_on=today,
        )
        for project_id, account_id, version, overdue, oldest_due_on in rows
    )
    CaseTransition.objects.bulk_create(
        CaseTransition(case=case, to_state=Case.State.OPEN, at=now, account_version=case.seen_version) for case in cases
    )
    return len(cases)


def _run(sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())


def _count(sql: str, **parameters: Any) -> int:
    """Rows that the statement wrote."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return int(cursor.rowcount)
