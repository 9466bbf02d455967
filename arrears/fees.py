"""Changing the fee catalogue: names, synonyms, billing rules. Charges that stand keep their due days."""

from collections.abc import Sequence

from django.db import transaction
from django.db.models import Max

from arrears.catalogue import fee_key
from arrears.models import Charge, FeeSynonym, FeeType
from company.audit import record
from company.models import AuditEvent, Project, User

CREATED, EDITED, REMOVED = "arrears.fee_created", "arrears.fee_edited", "arrears.fee_removed"
CONFIRMED = "arrears.fees_confirmed"


def is_catalogue_confirmed(project: Project) -> bool:
    """Whether somebody changed the fees of ``project`` or said that they are right as they stand."""
    acts = (CREATED, EDITED, REMOVED, CONFIRMED)
    return AuditEvent.objects.filter(project=project, action__in=acts).exists()


class FeeWordTakenError(Exception):
    """A name or synonym belongs to another fee: ``word`` is taken by ``fee``."""

    def __init__(self, word: str, fee: FeeType) -> None:
        super().__init__(word)
        self.word = word
        self.fee = fee


class FeeInUseError(Exception):
    """The fee has charges or late-fee policies and stays."""


@transaction.atomic
def save_fee(fee: FeeType, words: Sequence[str], *, changed: list[str], by: User) -> FeeType:
    """Save a fee with its synonyms; a former name stays a synonym, so that old sheets are still understood.

    Writes the audit trail. Raises FeeWordTakenError.
    """
    Project.objects.select_for_update(no_key=True).get(pk=fee.project_id)
    former = FeeType.objects.filter(pk=fee.pk).values_list("name", flat=True).first()
    keys = {fee_key(word): word for word in (*words, *([former] if former else []))}
    keys.pop("", None)
    keys.pop(fee_key(fee.name), None)
    _refuse_taken(fee, {fee_key(fee.name): fee.name, **keys})
    if former is None:
        last: int | None = FeeType.objects.filter(project=fee.project_id).aggregate(last=Max("position"))["last"]
        fee.position = (last or 0) + 1
    fee.save()
    FeeSynonym.objects.filter(fee_type=fee).exclude(word__in=keys).delete()
    known = set(FeeSynonym.objects.filter(fee_type=fee).values_list("word", flat=True))
    FeeSynonym.objects.bulk_create(
        FeeSynonym(project_id=fee.project_id, fee_type=fee, word=key) for key in keys if key not in known
    )
    record(
        action=EDITED if former else CREATED, by=by, project=fee.project, obj=fee, name=fee.name, fields=changed
    )  # fmt: skip
    return fee


@transaction.atomic
def remove_fee(fee: FeeType, *, by: User) -> None:
    """Take a fee out of the catalogue. Writes the audit trail. Raises FeeInUseError."""
    Project.objects.select_for_update(no_key=True).get(pk=fee.project_id)
    if Charge.objects.filter(project=fee.project_id, fee_type=fee).exists() or fee.late_fee_policies.exists():
        raise FeeInUseError(fee)
    record(action=REMOVED, by=by, project=fee.project, name=fee.name)
    fee.delete()


def _refuse_taken(fee: FeeType, words: dict[str, str]) -> None:
    for other in FeeType.objects.filter(project=fee.project_id).exclude(pk=fee.pk).prefetch_related("synonyms"):
        theirs = {fee_key(other.name), *(synonym.word for synonym in other.synonyms.all())}
        if word := next((word for key, word in words.items() if key in theirs), None):
            raise FeeWordTakenError(word, other)
