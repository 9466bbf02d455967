"""Document numbers without gaps: counted by project, kind and year."""

from company.models import Project
from notices.models import NumberSequence


def take_numbers(project: Project, kind: str, year: int, count: int = 1) -> int:
    """The first of ``count`` numbers in a row. The sequence stays locked until the caller's transaction ends.

    A transaction that is rolled back gives its numbers back. Lock accounts before, never after.
    """
    NumberSequence.objects.get_or_create(project=project, kind=kind, year=year)
    sequence = NumberSequence.objects.select_for_update().get(project=project, kind=kind, year=year)
    first = sequence.last + 1
    sequence.last += count
    sequence.save(update_fields=["last"])
    return first
