from notices.models.batches import Batch
from notices.models.firms import LawFirm
from notices.models.notices import Notice, NoticeTransition, NumberSequence
from notices.models.papers import Paper, PaperKind
from notices.models.templates import NoticeKind, NoticeTemplate

__all__ = [
    "Batch",
    "LawFirm",
    "Notice",
    "NoticeKind",
    "NoticeTemplate",
    "NoticeTransition",
    "NumberSequence",
    "Paper",
    "PaperKind",
]
