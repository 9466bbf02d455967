from collection.models.assignments import Assignment, AssignmentProposal, ProposedAssignment
from collection.models.campaigns import Campaign, CampaignTarget, Milestone, Reminder, TargetClass
from collection.models.cases import ArrearsReason, Case, CaseTransition, ReasonChange, Stage, SubReason
from collection.models.contacts import ContactAttempt, LimitOverride, OwnerRequest, PromiseToPay
from collection.models.conventions import Attribution, Parking, RateConvention, RecoveryBase, Reductions
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
from collection.models.snapshots import RateSnapshot
from collection.models.teams import Team, TeamMember
from collection.models.visits import CashTaken, RoundChecklist, Visit, VisitPhoto

__all__ = [
    "ArrearsReason",
    "Assignment",
    "AssignmentProposal",
    "Attribution",
    "Campaign",
    "CampaignTarget",
    "Case",
    "CaseTransition",
    "CashTaken",
    "Combining",
    "Commendation",
    "ContactAttempt",
    "DailyFigure",
    "FiguresState",
    "IncentiveScheme",
    "LimitOverride",
    "Milestone",
    "Objection",
    "OwnerRequest",
    "Parking",
    "PromiseToPay",
    "ProposedAssignment",
    "RateConvention",
    "RateSnapshot",
    "ReasonChange",
    "RecoveryBase",
    "Reductions",
    "Reminder",
    "RoundChecklist",
    "Settlement",
    "SettlementExclusion",
    "SettlementLine",
    "Stage",
    "SubReason",
    "TargetClass",
    "Team",
    "TeamMember",
    "Visit",
    "VisitPhoto",
]
