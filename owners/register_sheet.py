"""Units, owners and contacts as rows of a sheet, in the columns and the writing that an import reads again.

The headers are words of the sheets themselves, so they are Chinese in every language.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from django.db.models import QuerySet

from company.sheets import Cell
from owners.contact_cells import written_phone
from owners.models import Address, Email, EmergencyContact, Occupant, Owner, OwnershipMember, Phone, Unit
from owners.personal_data import mask_address, mask_email, mask_id_number, mask_name, mask_phone

HEADERS = (
    "房屋编号",
    "楼栋",
    "单元",
    "房号",
    "建筑面积",
    "用途",
    "是否空置",
    "业主姓名",
    "身份证号/信用代码",
    "联系电话",
    "紧急联系人",
    "现场地址",
    "第二通信地址",
    "电子邮箱",
    "租户",
)
USAGE_WORDS = {
    Unit.Usage.RESIDENTIAL: "住宅",
    Unit.Usage.COMMERCIAL: "商铺",
    Unit.Usage.PARKING: "车位",
    Unit.Usage.OTHER: "其他",
}
BETWEEN = "；"
SEPARATING = re.compile(r"[;；、,，/／|&:：()（）\s]+")


@dataclass(slots=True)
class _Person:
    owner: Owner
    phones: list[Phone] = field(default_factory=list)
    addresses: dict[str, str] = field(default_factory=dict)
    emails: list[str] = field(default_factory=list)
    emergency: list[EmergencyContact] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Masks:
    name: Callable[[str], str]
    number: Callable[[str], str]
    id_number: Callable[[str], str]
    address: Callable[[str], str]
    email: Callable[[str], str]


MASKED = _Masks(mask_name, mask_phone, mask_id_number, mask_address, mask_email)
CLEAR = _Masks(str, written_phone, str, str, str)


def people_in(units: "QuerySet[Unit]", *, on: date) -> int:
    """How many people's data an export of these units holds: owners and who lives there."""
    members = OwnershipMember.objects.filter(ownership__unit__in=units.values("pk"), ownership__period__contains=on)
    occupants = Occupant.objects.filter(unit__in=units.values("pk"), ends_on__isnull=True)
    return members.values("owner").distinct().count() + occupants.count()


def register_rows(units: "QuerySet[Unit]", *, on: date, in_clear: bool) -> Iterator[Sequence[Cell]]:
    """A row for each unit with its present owners; names, numbers and addresses masked unless ``in_clear``."""
    listed = list(units)
    people, occupants = _people(listed, on), _occupants(listed)
    masks = CLEAR if in_clear else MASKED
    for unit in listed:
        yield _row(unit, people[unit.pk], occupants[unit.pk], masks)


def _people(units: Sequence[Unit], on: date) -> defaultdict[int, list[_Person]]:
    """By unit the owners on that day, with what they can be reached by."""
    members = OwnershipMember.objects.filter(
        ownership__unit__in=[unit.pk for unit in units], ownership__period__contains=on
    )
    known: dict[int, _Person] = {}
    by_unit: defaultdict[int, list[_Person]] = defaultdict(list)
    for member in members.select_related("owner", "ownership").order_by("position", "pk"):
        person = known.setdefault(member.owner_id, _Person(member.owner))
        by_unit[member.ownership.unit_id].append(person)
    live = {"owner__in": list(known), "ended_at__isnull": True}
    for phone in Phone.objects.filter(**live).order_by("-is_primary", "pk"):
        known[phone.owner_id].phones.append(phone)
    for email in Email.objects.filter(**live).order_by("pk"):
        known[email.owner_id].emails.append(email.address)
    for address in Address.objects.filter(**live):
        known[address.owner_id].addresses[address.kind] = address.text
    for contact in EmergencyContact.objects.filter(**live).order_by("pk"):
        known[contact.owner_id].emergency.append(contact)
    return by_unit


def _occupants(units: Sequence[Unit]) -> defaultdict[int, list[Occupant]]:
    by_unit: defaultdict[int, list[Occupant]] = defaultdict(list)
    for occupant in Occupant.objects.filter(unit__in=[unit.pk for unit in units], ends_on__isnull=True).order_by("pk"):
        by_unit[occupant.unit_id].append(occupant)
    return by_unit


def _row(unit: Unit, people: Sequence[_Person], occupants: Sequence[Occupant], masks: _Masks) -> Sequence[Cell]:
    contacts = [contact for person in people for contact in person.emergency]
    return [
        unit.code,
        unit.building.name,
        unit.entrance,
        unit.room,
        unit.area,
        USAGE_WORDS[Unit.Usage(unit.usage)],
        "是" if unit.is_vacant else "否",
        "、".join(masks.name(person.owner.name) for person in people),
        BETWEEN.join(_id_numbers(people, masks)),
        BETWEEN.join(_phones(people, masks)),
        BETWEEN.join(_contact(contact.name, contact.relation, contact.number, masks) for contact in contacts),
        _address(people, Address.Kind.ON_SITE, masks),
        _address(people, Address.Kind.SECOND, masks),
        BETWEEN.join(masks.email(email) for person in people for email in person.emails),
        BETWEEN.join(_contact(occupant.name, "", occupant.phone, masks) for occupant in occupants),
    ]


def _id_numbers(people: Sequence[_Person], masks: _Masks) -> Iterator[str]:
    for person in people:
        if person.owner.id_number:
            number = masks.id_number(person.owner.id_number)
            yield f"{masks.name(person.owner.name)}：{number}" if len(people) > 1 else number


def _phones(people: Sequence[_Person], masks: _Masks) -> Iterator[str]:
    """Numbers without a label first: behind a label they would count as its own."""
    for person in people:
        for phone in sorted(person.phones, key=lambda phone: bool(_words(phone.label))):
            label, number = _words(phone.label), masks.number(phone.number) + _extension(phone.label)
            if len(people) > 1:
                name = masks.name(person.owner.name)
                yield f"{name}（{label}）：{number}" if label else f"{name}：{number}"
            else:
                yield f"{label}：{number}" if label else number


def _words(label: str) -> str:
    """The label without the extension and without signs that would divide it."""
    return " ".join(word for word in SEPARATING.split(label) if word and not word.startswith("转"))


def _extension(label: str) -> str:
    return next((word for word in SEPARATING.split(label) if re.fullmatch(r"转\d+", word)), "")


def _contact(name: str, relation: str, number: str, masks: _Masks) -> str:
    plain = SEPARATING.sub("", relation)
    return f"{masks.name(name)}{f'（{plain}）' if plain else ''}{masks.number(number) if number else ''}"


def _address(people: Sequence[_Person], kind: Address.Kind, masks: _Masks) -> str:
    """The first owner's; co-owners answer together."""
    return next((masks.address(person.addresses[kind]) for person in people if kind in person.addresses), "")
