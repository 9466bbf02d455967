from collection.models.areas import TeamArea
from collection.models.assignments import Assignment, AssignmentProposal, ProposedAssignment
from collection.models.campaigns import Campaign, CampaignTarget, Milestone, Reminder, TargetClass
from collection.models.cases import ArrearsReason, Case, CaseTransition, ReasonChange, Stage, SubReason
from collection.models.conduct import CallBack, CallBackDraw, ConductComplaint
from collection.models.contacts import ContactAttempt, LimitOverride, OwnerRequest, PromiseToPay
from collection.models.conventions import Attribution, Parking, QuotaBy, RateConvention, RecoveryBase, Reductions
from collection.models.evenings import Evening, EveningHour, EveningReason
from collection.models.figures import DailyFigure, FiguresState
from collection.models.incentives import (
    Combining,
    Commendation,
    IncentiveScheme,
    Objection,
    Settlement,
    SettlementExclusion,
    SettlementLine,
)
from collection.models.marks import CaseMark, ExclusionLimit
from collection.models.measures import Doer, Measure, Precondition
from collection.models.messages import ContactFile, MessageText
from collection.models.packs import PackedLetter, ReceiptForm, VisitPack
from collection.models.playbooks import Playbook, PlaybookStep, StepReached
from collection.models.rectification import RectificationItem, RectificationMove
from collection.models.reports import PeriodReport, ReportReview
from collection.models.reviews import CaseReview
from collection.models.rosters import RosterShift
from collection.models.snapshots import RateSnapshot
from collection.models.teams import Team, TeamMember
from collection.models.visits import (
    CashTaken,
    PhotoPlace,
    RawPhoto,
    RoundChecklist,
    Visit,
    VisitPhoto,
    VisitRevision,
    VisitSignature,
)

__all__ = [
    "ArrearsReason",
    "Assignment",
    "AssignmentProposal",
    "Attribution",
    "CallBack",
    "CallBackDraw",
    "Campaign",
    "CampaignTarget",
    "Case",
    "CaseMark",
    "CaseReview",
    "CaseTransition",
    "CashTaken",
    "Combining",
    "Commendation",
    "ConductComplaint",
    "ContactAttempt",
    "ContactFile",
    "DailyFigure",
    "Doer",
    "Evening",
    "EveningHour",
    "EveningReason",
    "ExclusionLimit",
    "FiguresState",
    "IncentiveScheme",
    "LimitOverride",
    "Measure",
    "MessageText",
    "Milestone",
    "Objection",
    "OwnerRequest",
    "PackedLetter",
    "Parking",
    "PeriodReport",
    "PhotoPlace",
    "Playbook",
    "PlaybookStep",
    "Precondition",
    "PromiseToPay",
    "ProposedAssignment",
    "QuotaBy",
    "RateConvention",
    "RateSnapshot",
    "RawPhoto",
    "ReasonChange",
    "ReceiptForm",
    "RecoveryBase",
    "RectificationItem",
    "RectificationMove",
    "Reductions",
    "Reminder",
    "ReportReview",
    "RosterShift",
    "RoundChecklist",
    "Settlement",
    "SettlementExclusion",
    "SettlementLine",
    "Stage",
    "StepReached",
    "SubReason",
    "TargetClass",
    "Team",
    "TeamArea",
    "TeamMember",
    "Visit",
    "VisitPack",
    "VisitPhoto",
    "VisitRevision",
    "VisitSignature",
]
