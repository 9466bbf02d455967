"""The texts that a new project starts with."""

from pathlib import Path

from company.models import Project
from notices.kinds import TEXT_KINDS, TextKind
from notices.models import NoticeKind, NoticeTemplate, SlipPaper

FOLDER = Path(__file__).parent / "texts"


def default_text(kind: TextKind) -> str:
    """The default text of a kind of document."""
    return (FOLDER / f"{kind}.txt").read_text(encoding="utf-8")


def install_default_templates(project: Project) -> list[NoticeTemplate]:
    """Give ``project`` a draft of each kind of notice for which it has no text yet; returns the new ones."""
    present = set(NoticeTemplate.objects.filter(project=project).values_list("kind", flat=True))
    return [
        NoticeTemplate.objects.create(
            project=project, kind=kind, version=1, body=default_text(kind), paper=usual_paper(kind)
        )
        for kind in TEXT_KINDS
        if kind not in present
    ]


def usual_paper(kind: TextKind) -> str:
    """On what a kind is printed unless somebody chooses; empty for A4."""
    return SlipPaper.A6 if kind == NoticeKind.DOOR_SLIP else ""
