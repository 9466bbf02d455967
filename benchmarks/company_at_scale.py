"""A large company, written set-wise by the database itself: projects, units, owners, two years of charges, cases.

Django must be set up before this is imported, on embedded servers: their superuser switches the triggers off while the
rows are written, or ten million of them would take an hour. Everything follows from row numbers; the same sizes give
the same rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg

from config import embedded
from config.environment import var_dir

TODAY = date(2025, 12, 20)
UNITS_OF_A_BUILDING = 60
TEAMS_OF_A_PROJECT = 8


@dataclass(frozen=True)
class Size:
    """How much; units and charges over all projects."""

    projects: int = 300
    units: int = 900_000
    charges: int = 10_000_000

    @property
    def units_of_a_project(self) -> int:
        return self.units // self.projects

    def parameters(self, *, by: int) -> dict[str, Any]:
        """Of the statements; ``by`` is the id of the person who did it all."""
        return {
            "by": by,
            "projects": self.projects,
            "units": self.units_of_a_project,
            "all_units": self.units_of_a_project * self.projects,
            "buildings": -(-self.units_of_a_project // UNITS_OF_A_BUILDING),
            "in_building": UNITS_OF_A_BUILDING,
            "teams": TEAMS_OF_A_PROJECT,
            "each": self.charges // self.units,
            "some_more": self.charges % self.units,
            "today": TODAY,
        }


def write_company(size: Size, *, by: int) -> None:
    """Fill empty tables and let the database count them. ``by`` is the id of a person to name in the rows."""
    settings = embedded.database(var_dir(), role="postgres")
    address = {"host": settings["HOST"], "dbname": settings["NAME"], "user": settings["USER"]}
    with psycopg.connect(**address, autocommit=True) as superuser:
        superuser.execute(
            "SET session_replication_role = replica; SET synchronous_commit = off; SET work_mem = '256MB'"
        )
        for statement in STATEMENTS:
            superuser.execute(statement, size.parameters(by=by))
        for table in _tables(STATEMENTS):
            superuser.execute(f"VACUUM (ANALYZE) {table}")
            if not table.endswith("balance"):  # its rows have the number of what they are about
                superuser.execute(SEQUENCE.format(table=table))


def _tables(statements: Sequence[str]) -> list[str]:
    return [statement.split("INSERT INTO ")[1].split()[0] for statement in statements]


SEQUENCE = "SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}"

# Unit n of the company is the n-th row of each table about units: its building, owner, ownership and account have its
# number. Every fifth unit stopped paying in the second year; the others pay within two months.
STATEMENTS = [
    """
    INSERT INTO company_project (id, code, name, short_name, company_name, service_address, service_phone,
        service_hours, contact_name, payment_methods, postal_address, postcode, verification_hours, contact_from,
        contact_until, is_active)
    SELECT p, 'P' || lpad(p::text, 4, '0'), '小区' || p, '区' || p, '物业服务有限公司', '1栋首层', '020-88880000', '',
        '', '', '', '', 24, '09:00', '20:00', true
    FROM generate_series(1, %(projects)s) p
    """,
    """
    INSERT INTO owners_building (id, project_id, name, sort_key)
    SELECT (p - 1) * %(buildings)s + b, p, b || '栋', lpad(b::text, 6, '0')
    FROM generate_series(1, %(projects)s) p, generate_series(1, %(buildings)s) b
    """,
    """
    INSERT INTO owners_unit (id, project_id, building_id, entrance, floor, room, code, usage, area, is_vacant, sort_key)
    SELECT (p - 1) * %(units)s + u, p, (p - 1) * %(buildings)s + b + 1, '1', u %% 30 + 1, lpad(u::text, 5, '0'),
        (b + 1) || '-1-' || lpad(u::text, 5, '0'), CASE WHEN u %% 20 = 0 THEN 'commercial' ELSE 'residential' END, 90,
        false, lpad((b + 1)::text, 6, '0') || lpad(u::text, 6, '0')
    FROM generate_series(1, %(projects)s) p, generate_series(1, %(units)s) u,
        LATERAL (SELECT (u - 1) / %(in_building)s AS b) at
    """,
    """
    INSERT INTO owners_owner (id, project_id, kind, name, pinyin_initials, id_number, id_number_hash)
    SELECT n, (n - 1) / %(units)s + 1, 'person', '业主' || n, 'yz', '', ''
    FROM generate_series(1, %(all_units)s) n
    """,
    """
    INSERT INTO owners_ownership (id, project_id, unit_id, period, party_name)
    SELECT n, (n - 1) / %(units)s + 1, n, daterange(NULL, NULL), '业主' || n FROM generate_series(1, %(all_units)s) n
    """,
    """
    INSERT INTO owners_ownershipmember (id, ownership_id, owner_id, position, share)
    SELECT n, n, n, 0, '' FROM generate_series(1, %(all_units)s) n
    """,
    """
    INSERT INTO arrears_account (id, project_id, unit_id, ownership_id, version)
    SELECT n, (n - 1) / %(units)s + 1, n, n, 1 FROM generate_series(1, %(all_units)s) n
    """,
    """
    INSERT INTO arrears_feetype (id, project_id, name, nature, is_on_behalf, billing, billing_months, due_day, position)
    SELECT (p - 1) * 2 + f, p, CASE f WHEN 1 THEN '物业服务费' ELSE '水费' END,
        CASE f WHEN 1 THEN 'property' ELSE 'water' END, f = 2, 'advance', CASE f WHEN 1 THEN 3 ELSE 6 END, 10, f
    FROM generate_series(1, %(projects)s) p, generate_series(1, 2) f
    """,
    """
    INSERT INTO arrears_charge (id, project_id, account_id, unit_id, fee_type_id, kind, period_start, period_end,
        due_on, effective_on, amount, external_id, source_sheet, posted_at)
    SELECT row_number() OVER (ORDER BY n, j), project, n, n, (project - 1) * 2 + fee, 'charge', start,
        (start + months * interval '1 month' - interval '1 day')::date, start + 9, start + 9,
        CASE fee WHEN 1 THEN 600 + n %% 400 ELSE 60 + n %% 90 END, '', '', start
    FROM generate_series(1, %(all_units)s) n,
        LATERAL generate_series(1, %(each)s + CASE WHEN n <= %(some_more)s THEN 1 ELSE 0 END) j,
        LATERAL (SELECT (n - 1) / %(units)s + 1 AS project, CASE WHEN j <= 8 THEN 1 ELSE 2 END AS fee,
                        CASE WHEN j <= 8 THEN 3 ELSE 6 END AS months) a,
        LATERAL (SELECT ('2024-01-01'::date + CASE WHEN j <= 8 THEN j - 1 ELSE j - 9 END * months
                         * interval '1 month')::date AS start) b
    """,
    """
    INSERT INTO arrears_payment (id, project_id, account_id, kind, amount, received_on, method, serial_no, receipt_no,
        note, source_sheet, posted_at)
    SELECT n * 2 + year - 2024, min(c.project_id), n, 'received', sum(c.amount), make_date(year, 12, 1), 'wechat', '',
        '', '', '', make_date(year, 12, 1)
    FROM arrears_charge c, LATERAL (SELECT c.account_id AS n, extract(year FROM c.due_on)::int AS year) a
    WHERE n %% 5 > 0 OR year = 2024
    GROUP BY n, year
    """,
    """
    INSERT INTO arrears_allocation (id, project_id, account_id, payment_id, charge_id, kind, amount, effective_on,
        posted_at)
    SELECT c.id, c.project_id, n, n * 2 + year - 2024, c.id, 'allocation', c.amount, c.due_on + (n %% 60)::int,
        c.due_on + (n %% 60)::int
    FROM arrears_charge c, LATERAL (SELECT c.account_id AS n, extract(year FROM c.due_on)::int AS year) a
    WHERE n %% 5 > 0 OR year = 2024
    """,
    """
    INSERT INTO arrears_chargebalance (charge_id, project_id, account_id, due_on, amount, settled, is_live)
    SELECT c.id, c.project_id, c.account_id, c.due_on, c.amount,
        CASE WHEN c.account_id %% 5 > 0 OR c.due_on < '2025-01-01' THEN c.amount ELSE 0 END, true
    FROM arrears_charge c
    """,
    """
    INSERT INTO arrears_paymentbalance (payment_id, project_id, account_id, amount, allocated)
    SELECT id, project_id, account_id, amount, amount FROM arrears_payment
    """,
    """
    INSERT INTO collection_team (id, project_id, name, position, is_active)
    SELECT (p - 1) * %(teams)s + t, p, '第' || t || '组', t, true
    FROM generate_series(1, %(projects)s) p, generate_series(1, %(teams)s) t
    """,
    """
    INSERT INTO collection_campaign (id, project_id, name, state, starts_on, ends_on, classes, contradiction_reason,
        created_at)
    SELECT p, p, '四季度集中催缴', 'running', '2025-11-01', '2025-12-31', '{}', '', '2025-10-20'
    FROM generate_series(1, %(projects)s) p
    """,
    """
    INSERT INTO collection_campaigntarget (id, campaign_id, target_class, rate)
    SELECT (p - 1) * 3 + t, p, (ARRAY['residential_property', 'commercial_property', 'utilities'])[t],
        CASE t WHEN 1 THEN 90 ELSE 100 END
    FROM generate_series(1, %(projects)s) p, generate_series(1, 3) t
    """,
    """
    INSERT INTO collection_case (id, project_id, account_id, state, opened_on, seen_version, overdue, oldest_due_on,
        followed_on, reason, sub_reason, stage, team_id, next_step, next_measure, claims_paid)
    SELECT account_id, min(project_id), account_id, 'open', '2025-02-01', 1, sum(amount - settled), min(due_on),
        %(today)s, 'unknown', '', (ARRAY['information', 'reminder', 'talk', 'plan', 'visit', 'legal'])
        [account_id / 5 %% 6 + 1], (min(project_id) - 1) * %(teams)s + account_id / 5 %% %(teams)s + 1, '', '', false
    FROM arrears_chargebalance
    WHERE settled < amount AND due_on < %(today)s
    GROUP BY account_id
    """,
    """
    INSERT INTO collection_assignment (id, project_id, case_id, team_id, starts_on, assigned_at, assigned_by_id)
    SELECT id, project_id, id, team_id, '2025-11-01', '2025-11-01', %(by)s FROM collection_case
    """,
    """
    INSERT INTO collection_contactattempt (id, project_id, case_id, channel, is_incoming, outcome, payment, happened_at,
        recorded_at, recorded_by_id, note, breach)
    SELECT c.id * 3 + k, c.project_id, c.id, (ARRAY['call', 'visit', 'wechat'])[k + 1], false,
        (ARRAY['no_answer', 'met_owner', 'met_other'])[k + 1],
        CASE WHEN k = 1 THEN 'promised' ELSE 'not_discussed' END, at, at, %(by)s, '', ''
    FROM collection_case c, generate_series(0, 2) k,
        LATERAL (SELECT %(today)s::timestamp - (20 - k * 5 + c.id %% 5) * interval '1 day' AS at) a
    """,
    """
    INSERT INTO collection_promisetopay (id, project_id, case_id, contact_id, pay_by, amount, state, judged_on, paid)
    SELECT id, project_id, id, id * 3 + 1, %(today)s::date - 3 + (id %% 9)::int, 500,
        CASE WHEN id %% 9 < 3 THEN 'broken' ELSE 'waiting' END,
        CASE WHEN id %% 9 < 3 THEN %(today)s::date END, 0
    FROM collection_case WHERE id %% 3 = 0
    """,
    """
    INSERT INTO collection_ownerrequest (id, project_id, case_id, contact_id, kind, text, department, created_at,
        created_by_id, answer, answered_at, answered_by_id)
    SELECT id, project_id, id, id * 3 + 1, 'repair', '客厅墙面渗水，要求维修。', 'engineering',
        %(today)s::timestamp - (id %% 11) * interval '1 day', %(by)s, CASE WHEN id %% 2 = 0 THEN '已修。' ELSE '' END,
        CASE WHEN id %% 2 = 0 THEN %(today)s::timestamp END, CASE WHEN id %% 2 = 0 THEN %(by)s END
    FROM collection_case WHERE id %% 7 = 0
    """,
]
