"""The rules of the code that a reader would otherwise have to watch over."""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.db import models

from company.catalogs import APPS
from company.freezing import freeze_of
from company.models import Project, User

ROOT: Path = settings.BASE_DIR
MODELS = [model for app in APPS for model in apps.get_app_config(app).get_models()]
SOURCES = sorted(
    path
    for folder in (*APPS, "config", "tests", "benchmarks")
    for path in (ROOT / folder).rglob("*.py")
    if "migrations" not in path.parts
)
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
PAGES = [path for path in TEMPLATES if "print" not in path.relative_to(ROOT / "templates").parts]

# Every model is one or the other. A frozen row is added and never changed, but for what may be set once.
FROZEN = {
    "collection.Evening",
    "collection.EveningReason",
    "collection.PackedLetter",
    "collection.ReceiptForm",
    "collection.VisitPack",
    "company.AuditEvent",
    "arrears.Verification",
    "collection.CaseReview",
    "arrears.Charge",
    "arrears.Payment",
    "arrears.Allocation",
    "arrears.LateFee",
    "arrears.LateFeePolicy",
    "arrears.Waiver",
    "arrears.LimitationProof",
    "arrears.ProvedCharge",
    "arrears.RegisterChange",
    "arrears.ReliefLine",
    "arrears.Instalment",
    "collection.CallBack",
    "collection.CallBackDraw",
    "collection.CaseTransition",
    "collection.Commendation",
    "collection.ConductComplaint",
    "collection.IncentiveScheme",
    "collection.ContactFile",
    "collection.LimitOverride",
    "collection.MessageText",
    "collection.Objection",
    "collection.RateConvention",
    "collection.PeriodReport",
    "collection.ReportReview",
    "collection.RateSnapshot",
    "collection.RectificationMove",
    "collection.ReasonChange",
    "collection.StepReached",
    "collection.SettlementExclusion",
    "collection.SettlementLine",
    "collection.VisitRevision",
    "notices.NoticeTransition",
    "notices.Paper",
    "notices.PublicNotice",
    "notices.Recipient",
    "notices.SignedScan",
    "notices.DeliveryTransition",
}
MUTABLE = {
    "collection.EveningHour",
    "collection.DailyFigure",
    "collection.FiguresState",
    "company.Project",
    "company.Phase",
    "company.Post",
    "company.User",
    "company.ProjectAccess",
    "company.Notification",
    "company.CalendarFeed",
    "company.StoredFile",
    "owners.Building",
    "owners.Unit",
    "owners.UnitAlias",
    "owners.Owner",
    "owners.Ownership",
    "owners.OwnershipMember",
    "owners.Occupant",
    "owners.Phone",
    "owners.Address",
    "owners.Email",
    "owners.PersonMerge",
    "owners.EmergencyContact",
    "owners.ExportConsent",
    "owners.ExportLimit",
    "owners.SafetyShutOff",
    "owners.ServiceContract",
    "arrears.Account",
    "arrears.ChargeBalance",
    "arrears.PaymentBalance",
    "arrears.LateFeeBalance",
    "arrears.LateFeeRun",
    "arrears.LimitationWarning",
    "arrears.Relief",
    "arrears.ReliefLimit",
    "arrears.InstalmentPlan",
    "arrears.FeeType",
    "arrears.FeeSynonym",
    "arrears.Import",
    "arrears.ImportIssue",
    "arrears.StagedCharge",
    "arrears.StagedOwner",
    "arrears.StagedPayment",
    "arrears.ListedAmount",
    "arrears.StagedUnit",
    "arrears.ColumnMapping",
    "notices.NumberSequence",
    "notices.NoticeTemplate",
    "notices.PrintImage",
    "notices.LawFirm",
    "notices.Batch",
    "notices.Notice",
    "notices.Delivery",
    "notices.TrackingList",
    "collection.Settlement",
    "collection.Campaign",
    "collection.CampaignTarget",
    "collection.Milestone",
    "collection.Reminder",
    "collection.Team",
    "collection.TeamArea",
    "collection.TeamMember",
    "collection.Case",
    "collection.AssignmentProposal",
    "collection.ProposedAssignment",
    "collection.Assignment",
    "collection.ContactAttempt",
    "collection.PromiseToPay",
    "collection.OwnerRequest",
    "collection.Visit",
    "collection.PhotoPlace",
    "collection.RawPhoto",
    "collection.VisitPhoto",
    "collection.VisitSignature",
    "collection.CashTaken",
    "collection.RoundChecklist",
    "collection.RosterShift",
    "collection.CaseMark",
    "collection.RectificationItem",
    "collection.ExclusionLimit",
    "collection.Playbook",
    "collection.PlaybookStep",
}
# A day ends in `_on`, or names the bound of a period; an instant in `_at`; a person in `_by`. Beside that only words
# that say it themselves.
DAY = re.compile(r"_(on|from|until|start|end)$|^(day|pay_by|as_of)$")
INSTANT = re.compile(r"(^|_)(at|until)$")
PERSON = re.compile(r"(^|_)by$|^(user|member|responsible|leader)$")


def short(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def label(model: type[models.Model]) -> str:
    return model._meta.label


@pytest.mark.parametrize("model", MODELS, ids=label)
class TestModels:
    def test_is_listed_as_frozen_or_mutable(self, model: type[models.Model]) -> None:
        assert (label(model) in FROZEN) != (label(model) in MUTABLE)

    def test_is_frozen_where_it_is_listed_so(self, model: type[models.Model]) -> None:
        assert (freeze_of(model) is not None) == (label(model) in FROZEN)

    def test_with_a_project_it_can_be_scoped(self, model: type[models.Model]) -> None:
        if any(field.related_model is Project for field in model._meta.get_fields()):
            assert hasattr(model._default_manager.none(), "visible_to")

    def test_dates_instants_and_people_are_named_so(self, model: type[models.Model]) -> None:
        inherited = {field.name for field in User.__mro__[1]._meta.get_fields()}
        for field in model._meta.concrete_fields:
            name = field.name
            if model is User and name in inherited:
                continue
            if isinstance(field, models.DateTimeField):
                assert INSTANT.search(name), name
            elif isinstance(field, models.DateField):
                assert DAY.search(name), name
            elif field.related_model is User:
                assert PERSON.search(name), name


def test_no_list_names_a_model_that_is_gone() -> None:
    assert not (FROZEN | MUTABLE) - {label(model) for model in MODELS}


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def untyped(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    named = [argument for argument in arguments if argument.arg not in {"self", "cls"}]
    return function.returns is None or any(argument.annotation is None for argument in named)


@pytest.fixture(scope="module")
def trees() -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES}


class TestSources:
    def test_public_functions_are_typed(self, trees: dict[Path, ast.Module]) -> None:
        ours = {path: tree for path, tree in trees.items() if not path.is_relative_to(ROOT / "tests")}
        assert not [
            f"{short(path)}:{f.name}"
            for path, tree in ours.items()
            for f in functions(tree)
            if not f.name.startswith("_") and untyped(f)
        ]

    def test_functions_and_files_are_short(self, trees: dict[Path, ast.Module]) -> None:
        assert not [
            f"{short(path)}:{f.name}"
            for path, tree in trees.items()
            for f in functions(tree)
            if (f.end_lineno or 0) - f.lineno >= 60
        ]
        assert not [short(path) for path in SOURCES if path.read_text(encoding="utf-8").count("\n") > 400]

    def test_files_are_named_after_the_domain(self) -> None:
        drawers = {"utils", "util", "helpers", "common", "misc"}
        assert not [short(path) for path in SOURCES if drawers & set(path.relative_to(ROOT).with_suffix("").parts)]


def with_any(pattern: str, paths: Iterable[Path]) -> list[str]:
    """The files in which it stands."""
    return [short(path) for path in paths if re.search(pattern, path.read_text(encoding="utf-8"))]


class TestTemplates:
    @pytest.mark.parametrize(
        "pattern",
        [
            r"<[^>]*\sstyle=",
            r"<[^>]*\son[a-z]+=",
            r"<script(?![^>]*\b(src|type=\"application/json\"))",
            r"javascript:",
        ],
    )
    def test_nothing_inline_that_the_policy_forbids(self, pattern: str) -> None:
        assert not with_any(pattern, PAGES)

    def test_nothing_is_loaded_from_elsewhere(self) -> None:
        assert not with_any(r"(src|href|action)=[\"']?(https?:)?//", PAGES)


def test_scripts_compute_no_code() -> None:
    scripts = sorted((ROOT / "static" / "js").rglob("*.js"))
    assert not with_any(r"\beval\(|new Function\(|\.innerHTML\s*=|document\.write|\.style\.cssText", scripts)
    assert not with_any("https://", scripts)
