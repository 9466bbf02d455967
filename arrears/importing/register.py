"""What a project knows already, in the forms in which sheets are compared with it."""

from dataclasses import dataclass, field

from arrears.catalogue import fee_key, fees_by_word
from arrears.importing.fields import VOCABULARIES, Vocabulary
from arrears.models import ColumnMapping, FeeType
from company.models import Project
from owners.models import Ownership, Unit, UnitAlias
from owners.unit_codes import normalise, without_slips


@dataclass(slots=True)
class Register:
    """Units by code and alias, fees by word, owners by unit, loaded once for an import.

    ``columns``: the fields by column that somebody confirmed earlier, by the fingerprint of the header.
    """

    unit_ids: dict[str, int] = field(default_factory=dict)
    fees: dict[str, FeeType] = field(default_factory=dict)
    owners: dict[int, str] = field(default_factory=dict)
    estate_names: frozenset[str] = frozenset()
    columns: dict[str, dict[str, str]] = field(default_factory=dict)
    kind: str = "charges"

    @property
    def vocabulary(self) -> Vocabulary:
        """What the columns of a list of this kind can hold."""
        return VOCABULARIES[self.kind]

    def unit_id(self, *written: str) -> int | None:
        """The unit that one of these texts names, by its code or an alias."""
        return next((self.unit_ids[code] for text in written if (code := normalise(text)) in self.unit_ids), None)

    def suggestion(self, code: str) -> str:
        """The known code that was probably meant, where a letter stands for a digit; else empty."""
        likely = without_slips(code)
        return likely if likely != code and likely in self.unit_ids else ""

    def fee(self, word: str) -> FeeType | None:
        return self.fees.get(fee_key(word))

    def fee_id(self, word: str) -> int | None:
        """The key of the fee that a word means."""
        fee = self.fee(word)
        return fee.pk if fee else None

    def within_estate(self, text: str) -> str:
        """A unit as written without the estate's own name before it: ``凤凰城-1栋-2单元-1001``."""
        first, _dash, rest = normalise(text).partition("-")
        return rest if "-" in rest and first in self.estate_names else text

    def is_another_estate(self, name: str) -> bool:
        """Whether a sheet's estate is none of this project's names; False while the project has no name of its own."""
        return bool(self.estate_names) and normalise(name) not in self.estate_names


def load_register(project: Project, kind: str) -> Register:
    """Everything a list of this kind is compared with. A handful of queries, whatever the size of the list."""
    unit_ids = {
        **dict(UnitAlias.objects.filter(project=project).values_list("alias", "unit_id")),
        **dict(Unit.objects.filter(project=project).values_list("code", "pk")),
    }
    parties = Ownership.objects.filter(project=project).order_by("period").values_list("unit_id", "party_name")
    named = project.name != project.code
    return Register(
        unit_ids=unit_ids,
        fees=fees_by_word(project),
        owners={unit_id: party for unit_id, party in parties if party},
        columns=dict(ColumnMapping.objects.filter(project=project, kind=kind).values_list("fingerprint", "columns")),
        estate_names=_estate_names(project.name, project.short_name, project.code) if named else frozenset(),
        kind=kind,
    )


def _estate_names(*names: str) -> frozenset[str]:
    return frozenset(normalise(name) for name in names if name)
