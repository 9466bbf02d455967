"""A campaign under way: teams, an assignment confirmed at its start, then day by day what was done and paid since."""

from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from uuid import UUID
from zoneinfo import ZoneInfo

from arrears.models import Account, Payment
from arrears.posting import post_payment, reverse_payment
from arrears.verification import verify
from collection.assignment import confirm, propose
from collection.campaigns import CampaignPlan, PlannedMilestone, change_state, save_campaign
from collection.contacts import ContactReport, write_consequences, write_contact
from collection.demo import letters, sendings
from collection.demo.estate import Estate
from collection.demo.people import Staff
from collection.demo.plan import DemoPlan
from collection.demo.stories import Act, Answers, Contact, Finds, Pays, Who, tell
from collection.following import follow_ledger
from collection.marks import BeyondShareError, approve_mark, propose_mark
from collection.models import (
    Campaign,
    Case,
    CaseMark,
    CaseReview,
    CashTaken,
    ContactAttempt,
    Milestone,
    OwnerRequest,
    Visit,
)
from collection.playbooks import activate, start_draft
from collection.promises import Promised, judge_promises
from collection.rate_conventions import BASE_TARGETS
from collection.reasons import write_reason
from collection.requests import answer_request
from collection.same_person import other_cases
from collection.stages import refresh_all
from collection.teams import create_team
from collection.visit_parts import write_parts
from collection.visits import VisitReport
from company.models import FilePurpose, Project, Role, User
from notices.models import Batch
from owners.models import EmergencyContact, Phone

SHANGHAI = ZoneInfo("Asia/Shanghai")
CENT = Decimal("0.01")
BY_NUMBER = frozenset({ContactAttempt.Channel.CALL, ContactAttempt.Channel.WECHAT, ContactAttempt.Channel.SMS})
MILESTONE_DAYS = {
    Milestone.Kind.TEMPLATE_READY: 14,
    Milestone.Kind.LETTERS_SENT: 34,
    Milestone.Kind.LITIGATION_PREPARED: 49,
}
WAITS_FROM_DAY = 20
MARKS = (
    (CaseMark.Kind.HISTORICAL, "交房时外墙渗水，开发商至今未修，街道已介入", 6),
    (CaseMark.Kind.SPECIAL, "业主去世，继承未办妥，社区出具证明", 11),
    (CaseMark.Kind.HISTORICAL, "前期物业移交前的欠费，合同主体有争议", 20),
)
QUARTERS = "一二三四"
LUCK_OF_TEAMS = (0.95, 0.85, 0.35, 0.7)  # one team lags behind
BOUNCED_PAYMENTS, BOUNCED_ON_DAY = 6, 19
TEXT_READY_ON_DAY, LETTERS_ON_DAY, FIRST_LETTERS = 10, 18, 14


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), SHANGHAI)


@dataclass(slots=True)
class Work:
    """One project's campaign while its days are played through."""

    estate: Estate
    demo: DemoPlan
    staff: Staff
    campaign: Campaign
    rng: Random
    acts: dict[int, list[tuple[int, Act]]] = field(default_factory=lambda: defaultdict(list))  # by day: case, act
    cases: dict[int, Case] = field(default_factory=dict)
    first_letters: Batch | None = None

    def play(self, day: int) -> None:
        """Everything that happens on a day of the campaign, 0 being its first."""
        on = self.campaign.starts_on + timedelta(days=day)
        self._read_cases([case_id for case_id, _act in self.acts[day]])
        for case_id, act in self.acts[day]:
            case = self.cases.get(case_id)
            if case is None:  # paid meanwhile
                continue
            moment = at(on, self.rng.choice([9, 10, 11, 14, 15, 16, 17, 18, 19]), self.rng.randint(0, 59))
            match act:
                case Contact():
                    self._contact(case, act, moment)
                case Finds():
                    write_reason(
                        [case], act.reason, by=self._who(case, act.who), now=moment, note=act.note, refresh=False
                    )
                case Answers():
                    self._answer(case, act, moment)
                case Pays():
                    self._pay(case, act, on)
        if day == BOUNCED_ON_DAY:
            self._bounce(on)
        if day == TEXT_READY_ON_DAY:
            letters.prepare(
                self.estate.project,
                writer=self.staff.notice_admin,
                approver=self.staff.manager,
                now=at(on, 15),
                today=on,
            )
        if day == LETTERS_ON_DAY:
            self._first_letters(on)
        tomorrow = on + timedelta(days=1)
        follow_ledger(today=tomorrow, now=at(tomorrow, 6, 30), project=self.estate.project)

    def _read_cases(self, case_ids: list[int]) -> None:
        found = Case.objects.filter(pk__in=case_ids).open()
        self.cases = {
            case.pk: case for case in found.select_related("project", "account", "responsible", "team__leader")
        }

    def _who(self, case: Case, who: Who) -> User:
        leader = case.team.leader if case.team else None
        person = leader if who is Who.HEAD else case.responsible
        return person or self.staff.manager

    def _contact(self, case: Case, act: Contact, moment: datetime) -> None:
        by = self._who(case, act.who)
        now = moment + timedelta(minutes=self.rng.randint(1, 40))
        pay_by = moment.date() + timedelta(days=act.pays_in_days) if act.pays_in_days is not None else None
        report = ContactReport(
            channel=act.channel,
            outcome=act.outcome,
            happened_at=moment,
            payment=act.said,
            note=act.note,
            phone_id=self._number(Phone, case) if act.channel in BY_NUMBER else None,
            emergency_contact_id=(
                self._number(EmergencyContact, case) if act.outcome == ContactAttempt.Outcome.PASSED_ON else None
            ),
            promised=Promised(pay_by, (case.overdue * act.part).quantize(CENT)) if pay_by else None,
            requested=act.request,
        )
        also = self._served_too(case) if act.channel == ContactAttempt.Channel.VISIT else []
        contact = write_contact(case, report, by=by, now=now, also=also)
        if act.channel == ContactAttempt.Channel.VISIT:
            self._visit(contact, report, act, case, also)
        write_consequences(case, contact, report, by=by, roles=frozenset(Role), now=now)
        write_parts(contact, also, next_contact_on=None, now=now)

    def _number(self, of: type[Phone | EmergencyContact], case: Case) -> int | None:
        """A number of one of the owners; a phone's may be used, the primary one first."""
        live = {"owner__ownerships__account": case.account_id, "ended_at": None}
        if of is EmergencyContact:
            return EmergencyContact.objects.filter(**live).order_by("pk").values_list("pk", flat=True).first()
        usable = Phone.objects.filter(**live, do_not_contact=False).exclude(state=Phone.State.WRONG_PERSON)
        return usable.order_by("-is_primary", "pk").values_list("pk", flat=True).first()

    def _served_too(self, case: Case) -> list[Case]:
        """What the person owes for other units, a parking space mostly, where the same member answers for it."""
        return other_cases(case, visible=Case.objects.filter(responsible=case.responsible_id))

    def _visit(
        self, contact: ContactAttempt, report: ContactReport, act: Contact, case: Case, also: list[Case]
    ) -> None:  # fmt: skip
        client_id = UUID(int=self.rng.getrandbits(128), version=4)
        served = tuple(sorted(other.pk for other in also))
        told = VisitReport(client_id=client_id, contact=report, slip_posted=act.slip, also=served)
        visit = Visit.objects.create(
            project_id=case.project_id,
            contact=contact,
            client_id=client_id,
            content_sha256=told.content_sha256(),
            slip_posted=act.slip,
        )
        if act.takes_cash:
            CashTaken.objects.create(
                project_id=case.project_id,
                visit=visit,
                amount=case.overdue,
                method=CashTaken.Method.WECHAT,
                receipt_no=f"S{contact.pk:06d}",
                taken_by=contact.recorded_by,
            )

    def _answer(self, case: Case, act: Answers, moment: datetime) -> None:
        request = OwnerRequest.objects.filter(case=case, answered_at__isnull=True).order_by("-pk").first()
        if request:
            agreed_on = moment.date() + timedelta(days=act.agreed_in_days)
            answer_request(request.pk, act.text, by=self._who(case, Who.HEAD), now=moment, agreed_on=agreed_on)

    def _pay(self, case: Case, act: Pays, on: date) -> None:
        post_payment(
            account_id=case.account_id,
            amount=(case.overdue * act.share).quantize(CENT),
            received_on=on,
            now=at(on, 20, 30),
            by=self.staff.finance,
            method=self.rng.choice([Payment.Method.WECHAT, Payment.Method.BANK, Payment.Method.ALIPAY]),
            serial_no=f"{self.estate.project.code.upper()}{on:%m%d}C{case.pk:06d}",
        )

    def _first_letters(self, on: date) -> None:
        refresh_all(now=at(on, 9))
        verify_open(self.estate, self.staff, now=at(on, 9, 30))
        by, now = self.staff.notice_admin, at(on, 10)
        self.first_letters = letters.issue(self.estate.project, by=by, now=now, today=on, most=FIRST_LETTERS)

    def _bounce(self, on: date) -> None:
        """Transfers of last month that the bank sends back: new cases, which nobody answers for yet."""
        month = self.campaign.starts_on - timedelta(days=1)
        paid = Payment.objects.filter(
            project=self.estate.project,
            method=Payment.Method.BANK,
            received_on__range=(month.replace(day=1), month),
            reversed_by__isnull=True,
            kind=Payment.Kind.RECEIVED,
        ).exclude(account__cases__isnull=False)
        for payment in paid.order_by("pk")[:BOUNCED_PAYMENTS]:
            reverse_payment(payment.pk, today=on, now=at(on, 11), by=self.staff.finance)


def start(estate: Estate, demo: DemoPlan, staff: Staff) -> Work:
    """Cases as they stood on the first day, a running campaign with milestones, and every case with a team."""
    first, project = demo.campaign_start, estate.project
    morning = at(first, 8, 30)
    follow_ledger(today=first, now=morning, project=project)
    campaign = _campaign(estate, demo, staff)
    for index, name in enumerate(estate.plan.teams):
        members = staff.team(index)
        create_team(project=project, name=name, members=members, leader=members[0], by=staff.manager, today=first)
    verify_open(estate, staff, now=morning)
    proposal = propose(project, by=staff.manager, today=first, now=morning)
    confirm(proposal.pk, revision=proposal.revision, by=staff.manager, today=first, now=at(first, 9))
    work = Work(estate, demo, staff, campaign, demo.rng("work", estate.plan.code))
    luck = dict(
        zip(campaign.project.teams.order_by("position").values_list("pk", flat=True), LUCK_OF_TEAMS, strict=False)
    )
    _read_files(project, now=at(first, 9, 15))
    cases = Case.objects.filter(project=project).open().in_round_order()
    for case in cases.select_related("account__unit", "account__ownership"):
        rng = demo.rng("story", estate.plan.code, case.account.unit.code, case.account.ownership.period.lower)
        for day, act in tell(rng, luck=luck.get(case.team_id or 0, 1.0)):
            work.acts[day].append((case.pk, act))
    return work


def _read_files(project: Project, *, now: datetime) -> None:
    """Everybody reads the files of their cases before the first contact."""
    cases = Case.objects.filter(project=project, responsible__isnull=False).open()
    CaseReview.objects.bulk_create(
        CaseReview(case=case, reviewed_at=now, reviewed_by_id=case.responsible_id or 0) for case in cases
    )


def play(works: list[Work], demo: DemoPlan) -> None:
    """All days from the start of the campaign to yesterday, in every project; each morning promises are judged."""
    for day in range((demo.today - demo.campaign_start).days):
        for work in works:
            work.play(day)
        tomorrow = demo.campaign_start + timedelta(days=day + 1)
        judge_promises(today=tomorrow, now=at(tomorrow, 6, 40))


def finish_letters(works: list[Work], demo: DemoPlan) -> None:
    """Files of the first batches, half of which went to the post; files are made outside of any transaction."""
    for work in works:
        if work.first_letters:
            on = demo.campaign_start + timedelta(days=LETTERS_ON_DAY)
            letters.make(work.first_letters, now=at(on, 10, 5))
            sendings.send_most(work.first_letters, by=work.staff.notice_admin, now=at(on + timedelta(days=1), 16))


def decide(work: Work) -> None:
    """What the project manager decided before the work began: the playbook."""
    project, manager, first = work.estate.project, work.staff.manager, work.campaign.starts_on
    draft = start_draft(project, by=manager, now=at(first, 9, 30))
    activate(draft.pk, revision=draft.revision, by=manager, now=at(first, 9, 40), note="首次集中催缴，沿用初始步骤")


def mark_cases(work: Work) -> None:
    """Exclusions that were approved, and one that still waits. They read the rates: the tables have to be counted."""
    project, manager, first = work.estate.project, work.staff.manager, work.campaign.starts_on
    old = (
        Case.objects.filter(project=project, responsible__isnull=False, opened_on=first)
        .open()
        .order_by("overdue", "pk")
    )
    for case, (kind, reason, days) in zip(old.select_related("project", "responsible"), MARKS, strict=False):
        day = first + timedelta(days=days)
        proof = letters.scan(project, f"{case.pk}证明.pdf", FilePurpose.DELIVERY_PROOF, by=manager)
        mark = propose_mark(
            case, kind, reason, proof=proof, by=case.responsible or manager, now=at(day, 10),
            submission=UUID(int=work.rng.getrandbits(128), version=4),
        )  # fmt: skip
        if days < WAITS_FROM_DAY:
            with suppress(BeyondShareError):  # in a very small estate it waits for the company leader
                approve_mark(mark.pk, by=manager, roles=frozenset({Role.PROJECT_MANAGER}), now=at(day, 17), today=day)


def verify_open(estate: Estate, staff: Staff, *, now: datetime) -> None:
    """Look every account with an open case up in the charging system."""
    accounts = Account.objects.filter(cases__in=Case.objects.filter(project=estate.project).open())
    verify(list(accounts.select_related("project")), by=staff.manager, now=now, looked_up=True)


def _campaign(estate: Estate, demo: DemoPlan, staff: Staff) -> Campaign:
    start_on = demo.campaign_start
    plan = CampaignPlan(
        name=f"{start_on.year}年{QUARTERS[(start_on.month - 1) // 3]}季度集中催缴",
        starts_on=start_on,
        ends_on=demo.campaign_end,
        targets=BASE_TARGETS,
        milestones={
            kind: PlannedMilestone(start_on + timedelta(days=days), staff.notice_admin)
            for kind, days in MILESTONE_DAYS.items()
        },
    )
    campaign = save_campaign(estate.project, plan, by=staff.manager)
    return change_state(campaign, Campaign.State.RUNNING, by=staff.manager)
