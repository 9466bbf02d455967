"""Changes that the application's role may not make, made by the role that owns the tables."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db import connections

GUARDED = (
    "arrears_charge",
    "arrears_payment",
    "arrears_allocation",
    "arrears_verification",
    "arrears_latefee",
    "arrears_waiver",
    "arrears_chargebalance",
    "arrears_paymentbalance",
)


@contextmanager
def as_owner(*, without_triggers: bool = False) -> Iterator[psycopg.Connection]:
    """A connection of the owner's role that commits at the end, without the triggers that guard the ledger if asked."""
    parameters = connections["owner"].get_connection_params()
    parameters = {key: parameters[key] for key in ("dbname", "user", "password", "host", "port") if parameters.get(key)}
    with psycopg.connect(**parameters) as owner:
        state = "DISABLE" if without_triggers else "ENABLE"
        for table in GUARDED:
            owner.execute(f"ALTER TABLE {table} {state} TRIGGER USER")
        yield owner
        owner.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in GUARDED:
            owner.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
