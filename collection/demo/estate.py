"""Buildings, units, owners and how to reach them, written set-wise. Returns what the ledger is computed from."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from django.db.backends.postgresql.psycopg_any import DateRange
from pypinyin import Style, lazy_pinyin

from arrears.catalogue import start_catalogue
from arrears.models import Account, FeeType, LateFeePolicy
from collection.demo import names
from collection.demo.plan import ENTRANCES, FLATS_PER_ENTRANCE, DemoPlan, ProjectPlan
from company.models import Phase, Project
from owners.models import (
    Address,
    Building,
    EmergencyContact,
    Occupant,
    Owner,
    Ownership,
    OwnershipMember,
    Phone,
    ServiceContract,
    Unit,
)
from owners.personal_data import keyed_hash
from owners.unit_codes import building_name, canonical_code, sort_key

CHUNK = 2000
FLAT_AREAS = ("76.50", "89.20", "89.50", "101.36", "118.42", "128.90", "142.75")
DEVELOPER = "云州凤凰置业有限公司"
SHOP_STREET, GARAGE = "商业街", "地下车库"
LATE_FEE_RATE = Decimal("0.0005")
LATE_FEE_CLAUSE = "业主逾期缴纳物业费的，自逾期之日起按日以欠缴金额的万分之五支付违约金。"


@dataclass(slots=True)
class Party:
    """Whoever owns a unit together, before it is written."""

    owners: list[Owner]
    since: date | None = None
    until: date | None = None

    @property
    def kind(self) -> Owner.Kind | None:
        """None while nobody knows who owns the unit."""
        return Owner.Kind(self.owners[0].kind) if self.owners else None

    @property
    def name(self) -> str:
        return "、".join(owner.name for owner in self.owners)


@dataclass(frozen=True, slots=True)
class Holding:
    """One account: what is owned, by what kind of owner, in which period."""

    account: Account
    unit: Unit
    kind: Owner.Kind | None
    since: date | None
    until: date | None


@dataclass(slots=True)
class Estate:
    project: Project
    plan: ProjectPlan
    holdings: list[Holding] = field(default_factory=list)


def create_project(plan: ProjectPlan) -> Project:
    """The project with its fee catalogue."""
    project = Project.objects.create(
        code=plan.code,
        name=plan.name,
        short_name=plan.short_name,
        company_name="云州安和物业服务有限公司",
        service_address=f"{plan.street}物业服务中心",
        service_phone="0599-1550066",
        service_hours="每日 8:30–20:00",
        contact_name="客户服务部",
        postal_address=f"{plan.street}{plan.name}",
        postcode="353000",
        ems_price=Decimal("20.00"),
        post_price=Decimal("6.20"),
        payment_methods=(
            "物业服务中心前台（现金、刷卡、扫码）；"
            "银行转账至云州安和物业服务有限公司，云州银行临江支行，账号 9900 0155 0066 001，附言写明房号；"
            "微信公众号“安和物业”的“生活缴费”。"
        ),
    )
    start_catalogue(project)
    return project


def build(project: Project, plan: ProjectPlan, demo: DemoPlan) -> Estate:
    """Everything of the project up to its accounts, and its service contract."""
    builder = _Builder(project, plan, demo)
    builder.contract()
    units = builder.units()
    return Estate(project, plan, builder.holdings(units))


class _Builder:
    def __init__(self, project: Project, plan: ProjectPlan, demo: DemoPlan) -> None:
        self.project, self.plan, self.demo = project, plan, demo
        self.rng = demo.rng("estate", plan.code)
        self.first_day = demo.month_starts()[0]
        self.spare: list[Owner] = []

    def contract(self) -> None:
        ServiceContract.objects.create(
            project=self.project,
            name=f"{self.plan.name}前期物业服务合同",
            signed_on=date(self.first_day.year - 4, 3, 18),
            starts_on=date(self.first_day.year - 4, 4, 1),
            late_fee_word="违约金",
            late_fee_clause=LATE_FEE_CLAUSE,
            has_service_address_clause=True,
        )
        LateFeePolicy.objects.bulk_create(
            LateFeePolicy(
                project=self.project, fee_type=fee, daily_rate=LATE_FEE_RATE, valid_from=self.first_day,
                created_at=self.demo.now,
            )
            for fee in FeeType.objects.filter(project=self.project, nature=FeeType.Nature.PROPERTY)
        )  # fmt: skip

    # --- units ------------------------------------------------------------------------------------------------------

    def units(self) -> list[Unit]:
        phases = Phase.objects.bulk_create(
            Phase(project=self.project, name=name, position=position) for position, name in enumerate(self.plan.phases)
        )
        flats = list(self._flat_places())
        keys = list(dict.fromkeys(building for building, _entrance, _room in flats))
        buildings = {
            key: self._building(building_name(key), phases[index * len(phases) // len(keys)])
            for index, key in enumerate(keys)
        }
        buildings |= {name: self._building(name, phases[0]) for name in (SHOP_STREET, GARAGE)}
        Building.objects.bulk_create(buildings.values())
        units = [self._flat(buildings[key], entrance, room) for key, entrance, room in flats]
        units += [self._shop(buildings[SHOP_STREET], number) for number in range(1, self.plan.shops + 1)]
        units += [self._parking(buildings[GARAGE], number) for number in range(1, self.plan.parking + 1)]
        return Unit.objects.bulk_create(units, batch_size=CHUNK)

    def _building(self, name: str, phase: Phase) -> Building:
        return Building(project=self.project, phase=phase, name=name, sort_key=sort_key(canonical_code(name, "", "0")))

    def _flat_places(self) -> Iterator[tuple[str, str, str]]:
        for index in range(self.plan.flats):
            entrance, place = divmod(index, FLATS_PER_ENTRANCE)
            building, entrance = divmod(entrance, ENTRANCES)
            yield str(building + 1), str(entrance + 1), f"{place // 2 + 1}{place % 2 + 1:02d}"

    def _flat(self, building: Building, entrance: str, room: str) -> Unit:
        area = Decimal(self.rng.choice(FLAT_AREAS))
        return self._unit(building, room, Unit.Usage.RESIDENTIAL, area, entrance=entrance, floor=int(room[:-2]))

    def _shop(self, building: Building, number: int) -> Unit:
        area = Decimal(self.rng.randint(280, 1650)) / 10
        return self._unit(building, f"A{number:02d}", Unit.Usage.COMMERCIAL, area, floor=1)

    def _parking(self, building: Building, number: int) -> Unit:
        return self._unit(building, f"B{number:03d}", Unit.Usage.PARKING, None)

    def _unit(
        self,
        building: Building,
        room: str,
        usage: Unit.Usage,
        area: Decimal | None,
        *,
        entrance: str = "",
        floor: int | None = None,
    ) -> Unit:
        code = canonical_code(building.name, entrance, room)
        return Unit(
            project=self.project,
            building=building,
            entrance=entrance,
            floor=floor,
            room=room,
            code=code,
            usage=usage,
            area=area,
            sort_key=sort_key(code),
            is_vacant=usage == Unit.Usage.RESIDENTIAL and self.rng.random() < 0.04,
        )

    # --- owners -----------------------------------------------------------------------------------------------------

    def holdings(self, units: list[Unit]) -> list[Holding]:
        self.developer = Owner(project=self.project, kind=Owner.Kind.DEVELOPER, name=DEVELOPER)
        parties = [(unit, party) for unit in units for party in self._parties_of(unit)]
        owners = list({id(owner): owner for _unit, party in parties for owner in party.owners}.values())
        for owner in owners:
            owner.pinyin_initials = "".join(lazy_pinyin(owner.name, style=Style.FIRST_LETTER))[:120]
        Owner.objects.bulk_create(owners, batch_size=CHUNK)
        self._reachable(owners, parties)
        accounts = self._accounts(parties)
        return [
            Holding(account, unit, party.kind, party.since, party.until)
            for account, (unit, party) in zip(accounts, parties, strict=True)
        ]

    def _parties_of(self, unit: Unit) -> list[Party]:
        """The present owners, and those before a sale in a few flats."""
        if unit.usage == Unit.Usage.COMMERCIAL:
            return [Party([self._shop_owner()])]
        if unit.usage == Unit.Usage.PARKING:
            return [Party([self.rng.choice(self.spare) if self.spare else self._person()])]
        chance = self.rng.random()
        if chance < 0.02:
            return [Party([self.developer])]
        if chance < 0.028:
            return [Party([])]  # not known yet
        if chance < 0.045:
            sold = self.first_day + timedelta(days=self.rng.randint(150, max(151, 28 * self.demo.months)))
            return [Party(self._residents(), until=sold), Party(self._residents(), since=sold)]
        return [Party(self._residents())]

    def _residents(self) -> list[Owner]:
        residents = [self._person()]
        if self.rng.random() < 0.16:
            residents.append(self._person())
        if self.rng.random() < 0.3:
            self.spare.append(residents[0])
        return residents

    def _shop_owner(self) -> Owner:
        if self.rng.random() < 0.45:
            name = names.company_name(self.rng)
            return Owner(project=self.project, kind=Owner.Kind.ORGANISATION, name=name)
        return self._person()

    def _person(self) -> Owner:
        owner = Owner(project=self.project, name=names.person_name(self.rng))
        if self.rng.random() < 0.3:
            owner.id_number = names.id_number(self.rng)
            owner.id_number_hash = keyed_hash(owner.id_number)
        return owner

    def _accounts(self, parties: list[tuple[Unit, Party]]) -> list[Account]:
        ownerships = Ownership.objects.bulk_create(
            (
                Ownership(
                    project=self.project,
                    unit=unit,
                    period=DateRange(party.since, party.until, "[)"),
                    party_name=party.name,
                )
                for unit, party in parties
            ),
            batch_size=CHUNK,
        )
        OwnershipMember.objects.bulk_create(
            (
                OwnershipMember(ownership=ownership, owner=owner, position=position)
                for ownership, (_unit, party) in zip(ownerships, parties, strict=True)
                for position, owner in enumerate(party.owners)
            ),
            batch_size=CHUNK,
        )
        return Account.objects.bulk_create(
            (Account(project=self.project, unit=ownership.unit, ownership=ownership) for ownership in ownerships),
            batch_size=CHUNK,
        )

    # --- how to reach them ------------------------------------------------------------------------------------------

    def _reachable(self, owners: list[Owner], parties: list[tuple[Unit, Party]]) -> None:
        rng = self.demo.rng("contacts", self.plan.code)
        home = {id(owner): unit for unit, party in reversed(parties) for owner in party.owners}
        Phone.objects.bulk_create((phone for owner in owners for phone in _phones(owner, rng, self.demo)), CHUNK)
        Address.objects.bulk_create(
            (address for owner in owners for address in self._addresses(owner, home[id(owner)], rng)), CHUNK
        )
        people = [owner for owner in owners if owner.kind == Owner.Kind.PERSON]
        EmergencyContact.objects.bulk_create((_relative(o, rng) for o in people if rng.random() < 0.35), CHUNK)
        lived_in = [unit for unit, party in parties if party.owners and unit.usage == Unit.Usage.RESIDENTIAL]
        Occupant.objects.bulk_create((self._tenant(unit, rng) for unit in lived_in if rng.random() < 0.06), CHUNK)

    def _addresses(self, owner: Owner, unit: Unit, rng: Random) -> Iterator[Address]:
        of: dict[str, object] = {"project": self.project, "owner": owner}
        if owner.kind != Owner.Kind.DEVELOPER and unit.usage != Unit.Usage.PARKING:
            yield Address(**of, kind=Address.Kind.ON_SITE, text=f"{self.plan.street}{self.plan.name}{unit.address}")
        if owner.kind == Owner.Kind.DEVELOPER or rng.random() < 0.22:
            yield Address(**of, kind=Address.Kind.SECOND, text=names.address_elsewhere(rng))

    def _tenant(self, unit: Unit, rng: Random) -> Occupant:
        number = names.mobile(rng)
        pays = rng.random() < 0.5
        return Occupant(
            project=self.project,
            unit=unit,
            name=names.person_name(rng),
            phone=number,
            phone_last4=number[-4:],
            pays_by_agreement=pays,
            agreement="租赁合同约定物业费由承租人缴纳" if pays else "",
            starts_on=self.demo.today - timedelta(days=rng.randint(60, 700)),
        )


def _phones(owner: Owner, rng: Random, demo: DemoPlan) -> Iterator[Phone]:
    """None for a few, two for some; now and then a number that no longer reaches the owner."""
    if rng.random() < 0.04 and owner.kind == Owner.Kind.PERSON:
        return
    state = rng.choices(list(Phone.State), weights=(90, 7, 3))[0]
    confirmed = demo.today - timedelta(days=rng.randint(20, 900)) if state == Phone.State.VALID else None
    yield _phone(owner, names.mobile(rng), "手机", is_primary=True, state=state, confirmed_on=confirmed)
    if rng.random() < 0.18:
        yield _phone(owner, names.landline(rng), "座机", is_primary=False)


def _phone(owner: Owner, number: str, label: str, **fields: object) -> Phone:
    return Phone(
        project_id=owner.project_id,
        owner=owner,
        number=number,
        number_hash=keyed_hash(number),
        last4=number[-4:],
        label=label,
        **fields,
    )


def _relative(owner: Owner, rng: Random) -> EmergencyContact:
    number = names.mobile(rng)
    return EmergencyContact(
        project_id=owner.project_id,
        owner=owner,
        name=names.person_name(rng),
        relation=rng.choice(names.RELATIONS),
        number=number,
        number_hash=keyed_hash(number),
        last4=number[-4:],
    )
