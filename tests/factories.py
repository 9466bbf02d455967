"""Rows for tests: plain functions with keyword arguments and sensible defaults, one section an app."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from django.db.backends.postgresql.psycopg_any import DateRange

from arrears.models import Account, Charge, FeeType, Payment
from arrears.posting import post_charge, post_payment
from arrears.verification import verify
from collection.following import follow_ledger
from collection.models import (
    Campaign,
    CampaignTarget,
    Case,
    CaseReview,
    ContactAttempt,
    IncentiveScheme,
    Milestone,
    Objection,
    PromiseToPay,
    RateConvention,
    Settlement,
    TargetClass,
    Team,
    TeamMember,
)
from company.files import store_file
from company.models import FilePurpose, Project, ProjectAccess, Role, StoredFile, User
from notices.default_texts import default_text, usual_paper
from notices.issuing import confirm_batch
from notices.models import Batch, LawFirm, Notice, NoticeKind, NoticeTemplate, Paper
from notices.papers import issue_receipt
from owners.models import Building, Owner, Ownership, OwnershipMember, Phone, ServiceContract, Unit
from owners.personal_data import keyed_hash

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = dt.datetime(2025, 11, 23, 9, 0, tzinfo=SHANGHAI)
TODAY = NOW.date()
PASSWORD = "Phoenix-2025-desk"

_numbers = count(1)

# --- company --------------------------------------------------------------------------------------------------------


def create_project(*, code: str = "", name: str = "凤凰城一期", **fields: Any) -> Project:
    return Project.objects.create(code=code or f"P{next(_numbers)}", name=name, **fields)


def create_user(*, name: str = "邹敏", project: Project | None = None, role: Role | None = None, **fields: Any) -> User:
    """A person who may sign in with PASSWORD, with one role where `role` is given."""
    username = fields.pop("username", f"user{next(_numbers)}")
    user = User.objects.create_user(username, password=fields.pop("password", PASSWORD), name=name, **fields)
    if role:
        give_role(user=user, role=role, project=project)
    return user


def give_role(*, user: User, role: Role, project: Project | None) -> ProjectAccess:
    return ProjectAccess.objects.create(user=user, project=project, role=role)


# --- owners ---------------------------------------------------------------------------------------------------------


def create_building(*, project: Project, name: str = "1") -> Building:
    return Building.objects.get_or_create(project=project, name=name, defaults={"sort_key": name.zfill(6)})[0]


def create_unit(*, project: Project, code: str = "", **fields: Any) -> Unit:
    """A unit with the canonical ``code`` building-entrance-room."""
    code = code or f"1-1-{next(_numbers):04d}"
    building, _, rest = code.partition("-")
    entrance, _, room = rest.rpartition("-")
    fields = {"entrance": entrance, "room": room, **fields}
    fields.setdefault("building", create_building(project=project, name=building))
    key = "-".join(part.zfill(6) for part in code.split("-"))
    return Unit.objects.create(project=project, code=code, sort_key=key, **fields)


def create_owner(*, project: Project, name: str = "李小博", **fields: Any) -> Owner:
    return Owner.objects.create(project=project, name=name, **fields)


def create_phone(*, owner: Owner, number: str = "13812342617", **fields: Any) -> Phone:
    return Phone.objects.create(
        project_id=owner.project_id,
        owner=owner,
        number=number,
        number_hash=keyed_hash(number),
        last4=number[-4:],
        **fields,
    )


def create_ownership(
    *,
    unit: Unit,
    owners: Sequence[Owner] = (),
    since: dt.date | None = None,
    until: dt.date | None = None,
) -> Ownership:
    ownership = Ownership.objects.create(
        project_id=unit.project_id,
        unit=unit,
        period=DateRange(since, until, "[)"),
        party_name="、".join(owner.name for owner in owners),
    )
    OwnershipMember.objects.bulk_create(
        OwnershipMember(ownership=ownership, owner=owner, position=position) for position, owner in enumerate(owners)
    )
    return ownership


# --- arrears --------------------------------------------------------------------------------------------------------


def create_fee_type(
    *, project: Project, name: str = "物业费", nature: FeeType.Nature = FeeType.Nature.PROPERTY, **fields: Any
) -> FeeType:
    return FeeType.objects.get_or_create(project=project, name=name, defaults={"nature": nature, **fields})[0]


def create_account(
    *, project: Project | None = None, unit: Unit | None = None, names: Sequence[str] = ("李小博",), code: str = ""
) -> Account:
    """A unit's account with owners of these names; everything above it is made where it is missing."""
    unit = unit or create_unit(project=project or create_project(), code=code)
    owners = [create_owner(project=unit.project, name=name) for name in names]
    ownership = create_ownership(unit=unit, owners=owners)
    return Account.objects.create(project_id=unit.project_id, unit=unit, ownership=ownership)


def create_charge(
    *,
    account: Account,
    amount: str | Decimal = "100.00",
    month: dt.date = dt.date(2025, 1, 1),
    fee_type: FeeType | None = None,
    due_on: dt.date | None = None,
    now: dt.datetime = NOW,
    **fields: Any,
) -> Charge:
    """A posted charge for the month that begins at ``month``, due on its last day unless told."""
    last = (month.replace(day=28) + dt.timedelta(days=4)).replace(day=1) - dt.timedelta(days=1)
    return post_charge(
        account_id=account.pk,
        fee_type=fee_type or create_fee_type(project=account.project),
        period_start=month,
        period_end=last,
        due_on=due_on or last,
        amount=Decimal(amount),
        now=now,
        **fields,
    )


def create_payment(
    *,
    account: Account,
    amount: str | Decimal = "100.00",
    received_on: dt.date = TODAY,
    now: dt.datetime = NOW,
    **fields: Any,
) -> Payment:
    """A posted payment, allocated as the ledger does."""
    return post_payment(account_id=account.pk, amount=Decimal(amount), received_on=received_on, now=now, **fields)


# --- notices --------------------------------------------------------------------------------------------------------


def create_letter_project(**fields: Any) -> Project:
    """A project that has all that lawyers' letters need: contract, firm with mandate, approved text."""
    values = {
        "short_name": "凤一",
        "company_name": "凤凰城物业服务有限公司",
        "service_address": "凤凰城一期1栋首层物业服务中心",
        "service_phone": "020-88880000",
        "service_hours": "每日 8:30-18:00",
        "contact_name": "周敏",
        "payment_methods": "“凤凰城物业”微信公众号“生活缴费”",
    }
    project = create_project(**values | fields)
    ServiceContract.objects.create(project=project, name="凤凰城一期前期物业服务合同", starts_on=dt.date(2020, 1, 1))
    create_law_firm(project=project)
    create_approved_text(project=project)
    return project


def create_approved_text(*, project: Project, kind: NoticeKind = NoticeKind.LAWYER_LETTER) -> NoticeTemplate:
    """The text of lawyers' letters that is in force in the project."""
    in_force = NoticeTemplate.objects.filter(project=project, kind=kind, state=NoticeTemplate.State.APPROVED).first()
    return in_force or NoticeTemplate.objects.create(
        project=project,
        kind=kind,
        version=1,
        body=default_text(kind),
        paper=usual_paper(kind),
        state=NoticeTemplate.State.APPROVED,
        approved_at=NOW,
        approved_by=create_user(name="沈静宜"),
    )


def create_law_firm(*, project: Project, name: str = "某某律师事务所", mandated: bool = True) -> LawFirm:
    mandate = None
    if mandated:
        mandate = StoredFile.objects.create(
            project=project, sha256="0" * 64, name=f"{name}.pdf", content_type="application/pdf", size=1,
            purpose=FilePurpose.MANDATE, file="files/mandate",
        )  # fmt: skip
    return LawFirm.objects.create(
        project=project, name=name, lawyer="林某某", lawyer_phone="020-66660000", mandate=mandate
    )


def create_debtor(
    *, project: Project, code: str = "", months: int = 1, verified: bool = True, names: Sequence[str] = ("李小博",)
) -> Account:
    """An account with so many months of 100.00 overdue, verified an hour before NOW."""
    account = create_account(project=project, code=code, names=names)
    for month in range(1, months + 1):
        create_charge(account=account, month=dt.date(2025, month, 1))
    account.refresh_from_db()
    if verified:
        verify([account], by=create_user(), now=NOW - dt.timedelta(hours=1), looked_up=True)
    return account


def confirm_letters(
    *, project: Project, accounts: Sequence[Account], by: User | None = None, occasion: str = "2025-11", **fields: Any
) -> Batch:
    """A confirmed batch of lawyers' letters."""
    fields.setdefault("now", NOW)
    ids = [account.pk for account in accounts]
    return confirm_batch(project, ids, NoticeKind.LAWYER_LETTER, occasion, by=by or create_user(name="贺兰"), **fields)


def create_receipt(*, account: Account, by: User | None = None, now: dt.datetime = NOW) -> Paper:
    """The receipt of a payment of 100.00 on ``account``."""
    Project.objects.filter(pk=account.project_id).update(company_name="凤凰城物业服务有限公司")
    payment = create_payment(account=account)
    return issue_receipt(payment.pk, by=by or create_user(name="何琳"), now=now)


# --- collection -----------------------------------------------------------------------------------------------------


def create_case(
    *,
    account: Account | None = None,
    project: Project | None = None,
    code: str = "",
    amount: str | Decimal = "100.00",
    due_on: dt.date = dt.date(2025, 10, 31),
    today: dt.date = TODAY,
    reviewed: bool = True,
    **fields: Any,
) -> Case:
    """The open case of an account, opened by following the ledger; ``fields`` are set on it afterwards."""
    account = account or create_account(project=project, code=code)
    if not account.charges.exists():
        create_charge(account=account, amount=amount, due_on=due_on)
    follow_ledger(today=today, now=NOW, project=account.project)
    Case.objects.filter(account=account, state=Case.State.OPEN).update(**fields)
    case = Case.objects.get(account=account, state=Case.State.OPEN)
    if reviewed:
        CaseReview.objects.create(case=case, reviewed_at=NOW, reviewed_by=_reader())
    return case


def _reader() -> User:
    """Who has read all files: one person, so that tests count the others."""
    return User.objects.get_or_create(username="reader", defaults={"name": "阅卷人", "is_active": False})[0]


def create_settlement(*, project: Project, closes_on: dt.date = dt.date(2025, 11, 20), **fields: Any) -> Settlement:
    """A proposal without any figures; those that are computed come from propose_settlement."""
    campaign = fields.pop("campaign", None) or create_campaign(
        project=project, name=f"集中催缴{project.campaigns.count()}", state=Campaign.State.CLOSED
    )
    by = fields.pop("proposed_by", None) or create_user(name="提案人")
    scheme = IncentiveScheme.objects.filter(project=project).first() or IncentiveScheme.objects.create(
        project=project, number=1, changed_at=NOW, changed_by=by
    )
    return Settlement.objects.create(
        project=project, campaign=campaign, closes_on=closes_on, scheme=scheme, proposed_at=NOW, proposed_by=by,
        **fields,
    )  # fmt: skip


def create_objection(*, settlement: Settlement, text: str = "人员调动未计", by: User | None = None) -> Objection:
    return Objection.objects.create(
        settlement=settlement, text=text, raised_at=NOW, raised_by=by or create_user(name="异议人")
    )


def create_convention(*, project: Project, number: int = 1, **fields: Any) -> RateConvention:
    return RateConvention.objects.create(
        project=project, number=number, changed_at=NOW, changed_by=create_user(), **fields
    )


def create_team(
    *, project: Project, name: str = "", members: Sequence[User] = (), leader: User | None = None, **fields: Any
) -> Team:
    team = Team.objects.create(project=project, name=name or f"{next(_numbers)}组", leader=leader, **fields)
    TeamMember.objects.bulk_create(
        TeamMember(team=team, project=project, user=user, joined_on=TODAY) for user in members
    )
    return team


def create_officer(*, project: Project, name: str = "王倩", role: Role = Role.OFFICER) -> User:
    return create_user(name=name, project=project, role=role)


def create_contact(
    *, case: Case, outcome: ContactAttempt.Outcome, at: dt.datetime = NOW, **fields: Any
) -> ContactAttempt:
    """A contact that happened; a phone call unless told."""
    fields = {"channel": ContactAttempt.Channel.CALL, "recorded_at": at, **fields}
    fields.setdefault("recorded_by", case.responsible or create_user())
    return ContactAttempt.objects.create(
        project_id=case.project_id, case=case, outcome=outcome, happened_at=at, **fields
    )


def create_promise(
    *, case: Case, pay_by: dt.date = TODAY, amount: str | Decimal = "100.00", at: dt.datetime = NOW, **fields: Any
) -> PromiseToPay:
    contact = create_contact(case=case, outcome=ContactAttempt.Outcome.MET_OWNER, at=at)
    return PromiseToPay.objects.create(
        project_id=case.project_id, case=case, contact=contact, pay_by=pay_by, amount=Decimal(amount), **fields
    )


def create_campaign(
    *,
    project: Project,
    name: str = "2025年四季度集中催缴",
    starts_on: dt.date = dt.date(2025, 11, 1),
    ends_on: dt.date = dt.date(2025, 12, 31),
    milestones: dict[Milestone.Kind, dt.date] | None = None,
    **fields: Any,
) -> Campaign:
    """A running campaign with the usual targets."""
    fields.setdefault("state", Campaign.State.RUNNING)
    campaign = Campaign.objects.create(project=project, name=name, starts_on=starts_on, ends_on=ends_on, **fields)
    rates = {TargetClass.RESIDENTIAL_PROPERTY: 90, TargetClass.COMMERCIAL_PROPERTY: 100, TargetClass.UTILITIES: 100}
    CampaignTarget.objects.bulk_create(
        CampaignTarget(campaign=campaign, target_class=target_class, rate=rate) for target_class, rate in rates.items()
    )
    Milestone.objects.bulk_create(
        Milestone(campaign=campaign, kind=kind, due_on=due_on) for kind, due_on in (milestones or {}).items()
    )
    return campaign


def create_made_batch(*, project: Project) -> Batch:
    """A batch of one letter with its files, without the work of printing them."""
    by = create_user(name="贺兰")
    batch = Batch.objects.create(
        project=project, kind=NoticeKind.LAWYER_LETTER, sequence=next(_numbers), occasion="2025-11",
        template=create_approved_text(project=project), data_until=TODAY, issue_on=TODAY,
        deadline_on=TODAY + dt.timedelta(days=21), confirmed_at=NOW, confirmed_by=by,
    )  # fmt: skip
    stored = store_file(
        project=project, content=b"%PDF-1.7", name="letter.pdf", content_type="application/pdf",
        purpose=FilePurpose.NOTICE, by=by,
    )  # fmt: skip
    account = create_account(project=project)
    Notice.objects.create(
        project=project, batch=batch, account=account, kind=batch.kind, occasion=batch.occasion, year=2025,
        sequence=batch.sequence, number=f"凤一律函〔2025〕第{batch.sequence:04d}号", position=1,
        data={"fields": {"业主": "李小博"}, "charges": [], "scan_code": ""}, principal=Decimal(100), charge_ids=[],
        content_sha256="0" * 64, seen_version=0, state=Notice.State.ISSUED, file=stored, file_sha256=stored.sha256,
        pages=1, issued_at=NOW,
    )  # fmt: skip
    batch.state, batch.finished_at, batch.merged_file, batch.zip_file = Batch.State.READY, NOW, stored, stored
    batch.save()
    return batch
