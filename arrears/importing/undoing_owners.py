"""A posted list of owners taken back as a whole: rows that it made are removed, columns that it changed are as before.

What depends on it, and so has to go first, each named: charges or payments posted since on a unit that it made or whose
owner it named; a sale or another change of the party; a contact, address or unit that somebody changed, ended or used
since, or added to what it made; a later list of owners that brought something to the same rows.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from django.db.models import Exists, ForeignKey, ManyToOneRel, Model, OuterRef, Q
from django.utils.translation import gettext as _

from arrears.importing.posting_owners import MODELS
from arrears.importing.states import State
from arrears.models import Account, Charge, Import, Payment, RegisterChange
from owners.columns import keys_that_differ, set_column
from owners.models import (
    Building,
    Owner,
    Ownership,
    OwnershipMember,
    Phone,
    Unit,
)
from owners.register_state import lock_register

Table = RegisterChange.Table
CONFIRMED = "confirmed_on"
LAST_FIRST: tuple[RegisterChange.Table, ...] = (
    *(Table.OCCUPANT, Table.EMERGENCY, Table.ADDRESS, Table.EMAIL, Table.PHONE),
    *(Table.MEMBER, Table.OWNERSHIP, Table.OWNER),
    *(Table.UNIT, Table.BUILDING),
)
"""The order in which rows are removed: nothing is left pointing at one that is gone."""
TOUCHED = {
    Table.PHONE: Q(ended_at__isnull=False) | Q(do_not_contact=True) | ~Q(state=Phone.State.VALID),
    Table.EMAIL: Q(ended_at__isnull=False) | Q(do_not_contact=True),
    Table.ADDRESS: Q(ended_at__isnull=False) | Q(returned_on__isnull=False),
    Table.EMERGENCY: Q(ended_at__isnull=False) | Q(do_not_contact=True),
    Table.OCCUPANT: Q(ends_on__isnull=False) | Q(pays_by_agreement=True),
}
"""What shows that somebody has worked with a row since."""


class Trace:
    """What a list has done to the register, by table."""

    def __init__(self, workbook: Import) -> None:
        self.workbook = workbook
        self.made: defaultdict[str, list[int]] = defaultdict(list)
        self.changed: defaultdict[tuple[str, str], dict[int, RegisterChange]] = defaultdict(dict)
        for change in workbook.register_changes.order_by("pk"):
            if change.column:
                self.changed[change.table, change.column][change.object_id] = change
            else:
                self.made[change.table].append(change.object_id)

    def rows_of(self, table: RegisterChange.Table) -> set[int]:
        """Rows that the list made, or of which it changed a column."""
        changed = (rows for (name, _column), rows in self.changed.items() if name == table)
        return set(self.made[table]).union(*changed)

    @property
    def named_parties(self) -> list[int]:
        """Parties whose members the list has named."""
        made = OwnershipMember.objects.filter(pk__in=self.made[Table.MEMBER])
        return list(made.values_list("ownership_id", flat=True).distinct())


def lock_trace(trace: Trace) -> None:
    """Hold the units that the list has touched, with their parties and owners."""
    made = Ownership.objects.filter(pk__in=trace.named_parties).values_list("unit_id", flat=True)
    lock_register({*made, *trace.rows_of(Table.UNIT)})
    owners = trace.rows_of(Table.OWNER)
    for table in (Table.PHONE, Table.EMAIL, Table.ADDRESS, Table.EMERGENCY):
        rows = MODELS[table]._default_manager.filter(pk__in=trace.rows_of(table))
        owners |= set(rows.values_list("owner_id", flat=True))
    list(Owner.objects.select_for_update(no_key=True).filter(pk__in=owners).order_by("pk").values_list("pk"))


def dependents(trace: Trace) -> Iterator[str]:
    """What was built on the list since, in words."""
    yield from _posted_since(trace)
    yield from _parties_changed(trace)
    yield from _rows_touched(trace)
    yield from _added_since(trace)
    yield from _used_above(trace)
    yield from _later_lists(trace)


def take_back(trace: Trace) -> dict[str, int]:
    """Remove what the list made and put back what it changed; returns how many rows of each table were removed.

    A unit that has an account stays, with its owner unknown: the ledger names it.
    """
    kept = set(Account.objects.filter(unit__in=trace.made[Table.UNIT]).values_list("unit_id", flat=True))
    kept_parties = set(Ownership.objects.filter(unit__in=kept).values_list("pk", flat=True))
    parties = trace.named_parties
    for table in (Table.OCCUPANT, Table.EMERGENCY, Table.ADDRESS, Table.EMAIL, Table.PHONE, Table.MEMBER):
        MODELS[table]._default_manager.filter(pk__in=trace.made[table]).delete()
    _put_back(trace)
    Ownership.objects.filter(pk__in=parties).update(party_name="")
    Owner.objects.filter(pk__in=trace.made[Table.OWNER]).delete()
    Ownership.objects.filter(pk__in=set(trace.made[Table.OWNERSHIP]) - kept_parties).delete()
    Unit.objects.filter(pk__in=set(trace.made[Table.UNIT]) - kept).delete()
    Building.objects.filter(pk__in=trace.made[Table.BUILDING], units__isnull=True).delete()
    return {table: len(trace.made[table]) for table in LAST_FIRST if trace.made[table]}


def _put_back(trace: Trace) -> None:
    order = sorted(trace.changed.items(), key=lambda item: item[0][1] == "is_primary")
    for (table, column), changes in order:
        model = MODELS[Table(table)]
        texts = {key: change.after for key, change in changes.items()}
        gone = keys_that_differ(model, column, texts) if column == CONFIRMED else set()
        before = {key: change.before for key, change in changes.items() if key not in gone}
        set_column(model, column, before)
        if column == "id_number_hash":
            Owner.objects.filter(pk__in=before).update(id_number="")


def _posted_since(trace: Trace) -> Iterator[str]:
    """Money on units that the list made, or whose owner it named."""
    mine = Q(unit__in=trace.made[Table.UNIT]) | Q(ownership__in=trace.named_parties)
    later = Account.objects.filter(mine, posted_at__gt=trace.workbook.posted_at)
    live = {"account": OuterRef("pk"), "reversed_by": None}
    charges = Charge.objects.filter(**live, kind=Charge.Kind.CHARGE)
    payments = Payment.objects.filter(**live).exclude(kind=Payment.Kind.REVERSAL)
    has_money = later.filter(Exists(charges) | Exists(payments))
    for unit in has_money.order_by("unit__sort_key").values_list("unit__code", flat=True):
        yield _("unit %(unit)s, charges or payments posted since") % {"unit": unit}


def _parties_changed(trace: Trace) -> Iterator[str]:
    """Units that were sold or whose co-owners were changed since."""
    mine, parties = set(trace.made[Table.MEMBER]), trace.named_parties
    members = OwnershipMember.objects.filter(ownership__in=parties)
    wrong = set(members.exclude(pk__in=mine).values_list("ownership_id", flat=True))
    gone = len(mine) - members.filter(pk__in=mine).count()
    ended = Ownership.objects.filter(Q(pk__in=wrong) | Q(pk__in=parties, period__endswith__isnull=False))
    for unit in ended.order_by("unit__sort_key").values_list("unit__code", flat=True):
        yield _("unit %(unit)s, its owners changed since") % {"unit": unit}
    if gone:
        yield _("%(count)s co-owners that somebody has taken off their unit since") % {"count": gone}


def _rows_touched(trace: Trace) -> Iterator[str]:
    """Contacts that somebody has ended or marked, and columns that somebody has changed again."""
    for table, touched in TOUCHED.items():
        rows = MODELS[table]._default_manager.filter(touched, pk__in=trace.made[table])
        if count := rows.count():
            yield _("%(what)s: %(count)s marked or ended since") % {"what": table.label, "count": count}
    for (name, column), changes in trace.changed.items():
        if column == CONFIRMED:
            continue
        texts = {key: change.after for key, change in changes.items()}
        if count := len(keys_that_differ(MODELS[Table(name)], column, texts)):
            yield _("%(what)s: %(count)s changed since") % {"what": Table(name).label, "count": count}


def _added_since(trace: Trace) -> Iterator[str]:
    """What was added to owners and units that the list made."""
    for table, of, made_of in (
        (Table.PHONE, "owner", Table.OWNER),
        (Table.EMAIL, "owner", Table.OWNER),
        (Table.ADDRESS, "owner", Table.OWNER),
        (Table.EMERGENCY, "owner", Table.OWNER),
        (Table.MEMBER, "owner", Table.OWNER),
        (Table.OCCUPANT, "unit", Table.UNIT),
    ):
        rows = MODELS[table]._default_manager.filter(**{f"{of}__in": trace.made[made_of]})
        if count := rows.exclude(pk__in=trace.made[table]).count():
            yield _("%(what)s: %(count)s added since") % {"what": table.label, "count": count}


def _used_above(trace: Trace) -> Iterator[str]:
    """Rows that anything else in the database points at, such as a recorded call to a number."""
    for table in (*TOUCHED, Table.OWNER, Table.UNIT):
        for model, column in _pointing_at(MODELS[table]):
            rows = model._default_manager.filter(**{f"{column}__in": trace.made[table]})
            if count := rows.count():
                yield _("%(what)s: %(count)s used since") % {"what": table.label, "count": count}


def _pointing_at(model: type[Model]) -> Iterable[tuple[type[Model], str]]:
    """Models outside the register and the ledger's accounts with a key of ``model``."""
    for relation in model._meta.get_fields(include_hidden=True):
        if isinstance(relation, ManyToOneRel) and _stands_apart(relation.related_model):
            yield relation.related_model, relation.field.name


def _stands_apart(model: type[Model]) -> bool:
    """Whether rows of ``model`` are neither of the register nor of an account, which keeps its unit anyway."""
    keys = [field for field in model._meta.get_fields() if isinstance(field, ForeignKey)]
    return model not in {*MODELS.values(), Account} and all(key.related_model is not Account for key in keys)


def _later_lists(trace: Trace) -> Iterator[str]:
    """Later lists that changed the same rows."""
    later = RegisterChange.objects.filter(
        workbook__project=trace.workbook.project_id, workbook__gt=trace.workbook.pk
    ).exclude(Q(column=CONFIRMED) | Q(workbook__state=State.UNDONE))
    same = Q()
    for table, keys in trace.made.items():
        same |= Q(table=table, object_id__in=keys)
    for (table, _column), changes in trace.changed.items():
        same |= Q(table=table, object_id__in=list(changes))
    names = later.filter(same).values_list("workbook__file_name", flat=True).distinct() if same else ()
    for name in names:
        yield _("list %(name)s, posted since") % {"name": name}
