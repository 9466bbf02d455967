"""Two rows of owners that are one person become one, and apart again (O7).

The row that is merged hands over what belongs to the person: shares in units and contact points. It stays as history
and points to the row that stands for it. Accounts and ledger rows are not touched: what a unit owes stays with the
unit's account, and no money crosses from one account to another.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import models, transaction

from company.audit import record
from company.models import User
from owners.models import Address, Email, EmergencyContact, Owner, Ownership, OwnershipMember, PersonMerge, Phone
from owners.ownerships import lock_parties_of, refresh_party_names


class MergeRefusedError(ValueError):
    """The two cannot be made one; ``reason`` is one of the constants of this class."""

    SAME_ROW = "same_row"
    MERGED_BEFORE = "merged_before"
    OTHER_ID_NUMBER = "other_id_number"
    CO_OWNERS = "co_owners"
    MERGED_SINCE = "merged_since"
    TAKEN_BACK = "taken_back"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def check_merge(kept: Owner, merged: Owner) -> None:
    """Raises MergeRefusedError where the two cannot be one person. Both rows belong to one project (ValueError)."""
    if kept.project_id != merged.project_id:
        raise ValueError("owners of two projects")
    if kept.pk == merged.pk:
        raise MergeRefusedError(MergeRefusedError.SAME_ROW)
    if kept.merged_into_id or merged.merged_into_id:
        raise MergeRefusedError(MergeRefusedError.MERGED_BEFORE)
    if kept.id_number_hash and merged.id_number_hash and kept.id_number_hash != merged.id_number_hash:
        raise MergeRefusedError(MergeRefusedError.OTHER_ID_NUMBER)
    shared = OwnershipMember.objects.filter(owner=kept).values("ownership")
    if OwnershipMember.objects.filter(owner=merged, ownership__in=shared).exists():
        raise MergeRefusedError(MergeRefusedError.CO_OWNERS)


@transaction.atomic
def merge_persons(kept: Owner, merged: Owner, *, by: User, now: datetime) -> PersonMerge:
    """From now on ``kept`` stands for both. Raises MergeRefusedError; a second merge of the same rows is refused.

    A number or address that both have is ended on the merged side; what says that somebody must not be contacted
    is kept.
    """
    kept, merged = _locked(kept.pk, merged.pk)
    check_merge(kept, merged)
    moved: dict[str, Any] = {"ended": _end_doubles(kept, merged, now), "primary_phone": _primary_of(merged)}
    if Phone.objects.filter(owner=kept, is_primary=True, ended_at=None).exists():
        Phone.objects.filter(owner=merged).update(is_primary=False)
    for name, model in _BELONGINGS.items():
        mine = model._default_manager.filter(owner=merged)
        moved[name] = list(mine.values_list("pk", flat=True))
        mine.update(owner=kept)
    moved["id_number"] = _hand_over_id_number(kept, merged)
    merged.merged_into = kept
    merged.save(update_fields=["merged_into"])
    _refresh(moved["memberships"])
    merge = PersonMerge.objects.create(project_id=kept.project_id, kept=kept, merged=merged, moved=moved, at=now, by=by)
    for owner in (kept, merged):
        record(action="owners.merged", by=by, project=kept.project, obj=owner, kept=kept.pk, merged=merged.pk)
    return merge


@transaction.atomic
def split_persons(merge: PersonMerge, *, by: User, now: datetime) -> None:
    """Take a merge back: whatever came with the merged row and is still there goes back to it.

    What was added since stays with the row that was kept. Raises MergeRefusedError where it was taken back already,
    or where the kept row was itself merged since: that one is to be taken back first.
    """
    kept, merged = _locked(merge.kept_id, merge.merged_id)
    merge = PersonMerge.objects.select_for_update().get(pk=merge.pk)
    if merge.undone_at:
        raise MergeRefusedError(MergeRefusedError.TAKEN_BACK)
    if kept.merged_into_id:
        raise MergeRefusedError(MergeRefusedError.MERGED_SINCE)
    for name, model in _BELONGINGS.items():
        model._default_manager.filter(owner=kept, pk__in=merge.moved[name]).update(owner=merged)
    for name, ids in merge.moved["ended"].items():
        _BELONGINGS[name]._default_manager.filter(owner=merged, pk__in=ids).update(ended_at=None)
    _give_back_primary(kept, merged, merge.moved["primary_phone"])
    if merge.moved["id_number"] and kept.id_number_hash == merged.id_number_hash:
        kept.id_number = kept.id_number_hash = ""
        kept.save(update_fields=["id_number", "id_number_hash"])
    merged.merged_into = None
    merged.save(update_fields=["merged_into"])
    merge.undone_at, merge.undone_by = now, by
    merge.save(update_fields=["undone_at", "undone_by"])
    _refresh(merge.moved["memberships"])
    for owner in (kept, merged):
        record(action="owners.split", by=by, project=kept.project, obj=owner, kept=kept.pk, merged=merged.pk)


_BELONGINGS: dict[str, type[models.Model]] = {
    "memberships": OwnershipMember,
    "phones": Phone,
    "emails": Email,
    "addresses": Address,
    "emergency": EmergencyContact,
}


def _locked(kept: int, merged: int) -> tuple[Owner, Owner]:
    """Both rows, locked in one order and after their parties, so that nobody waits for another in a ring."""
    lock_parties_of(kept, merged)
    rows = {owner.pk: owner for owner in Owner.objects.select_for_update().filter(pk__in=[kept, merged]).order_by("pk")}
    return rows[kept], rows[merged]


def _end_doubles(kept: Owner, merged: Owner, now: datetime) -> dict[str, list[int]]:
    """End live rows of ``merged`` that ``kept`` has too; returns their ids by kind."""
    live: dict[str, Any] = {"ended_at": None}
    phones = Phone.objects.filter(owner=merged, **live)
    doubles = phones.filter(number_hash__in=Phone.objects.filter(owner=kept, **live).values("number_hash"))
    barred = doubles.filter(do_not_contact=True).values("number_hash")
    Phone.objects.filter(owner=kept, number_hash__in=list(barred.values_list("number_hash", flat=True)), **live).update(
        do_not_contact=True
    )
    emails = Email.objects.filter(
        owner=merged, address_hash__in=Email.objects.filter(owner=kept, **live).values("address_hash"), **live
    )
    addresses = Address.objects.filter(
        owner=merged, kind__in=Address.objects.filter(owner=kept, **live).values("kind"), **live
    )
    ended = {}
    querysets: dict[str, Any] = {"phones": doubles, "emails": emails, "addresses": addresses}
    for name, rows in querysets.items():
        ended[name] = list(rows.values_list("pk", flat=True))
        _BELONGINGS[name]._default_manager.filter(pk__in=ended[name]).update(ended_at=now)
    return ended


def _primary_of(owner: Owner) -> int | None:
    return Phone.objects.filter(owner=owner, is_primary=True, ended_at=None).values_list("pk", flat=True).first()


def _give_back_primary(kept: Owner, merged: Owner, primary: int | None) -> None:
    """Each of the two has one number to dial first again, if it has any."""
    for owner, wanted in ((merged, primary), (kept, None)):
        live = Phone.objects.filter(owner=owner, ended_at=None)
        if not live.filter(is_primary=True).exists():
            chosen = live.filter(pk=wanted or 0).first() or live.order_by("pk").first()
            Phone.objects.filter(pk=chosen.pk if chosen else 0).update(is_primary=True)


def _hand_over_id_number(kept: Owner, merged: Owner) -> bool:
    if kept.id_number or not merged.id_number:
        return False
    kept.id_number, kept.id_number_hash = merged.id_number, merged.id_number_hash
    kept.save(update_fields=["id_number", "id_number_hash"])
    return True


def _refresh(membership_ids: Collection[int]) -> None:
    refresh_party_names(Ownership.objects.filter(members__in=membership_ids).distinct())
