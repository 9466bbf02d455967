"""Visit packs for tests."""

from collection.models import VisitPack
from collection.visit_packs import make_pack
from company.models import Project, User
from tests.factories import NOW
from tests.field_factories import create_field_case


def create_pack(*, project: Project, member: User, forms: int = 2) -> VisitPack:
    """A pack of a round with one case at least."""
    create_field_case(project=project, by=member)
    return make_pack(project, member, forms=forms, by=member, now=NOW)
