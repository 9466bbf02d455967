"""The texts that a new project starts with."""

from pathlib import Path

from company.models import Project
from notices.kinds import KINDS
from notices.models import NoticeKind, NoticeTemplate

FOLDER = Path(__file__).parent / "texts"


def default_text(kind: NoticeKind) -> str:
    """The default text of a kind of notice."""
    return (FOLDER / f"{kind}.txt").read_text(encoding="utf-8")


def install_default_templates(project: Project) -> list[NoticeTemplate]:
    """Give ``project`` a draft of each kind of notice for which it has no text yet; returns the new ones."""
    present = set(NoticeTemplate.objects.filter(project=project).values_list("kind", flat=True))
    return [
        NoticeTemplate.objects.create(project=project, kind=kind, version=1, body=default_text(kind))
        for kind in KINDS
        if kind not in present
    ]
