from notices.models.batches import Batch, Channel
from notices.models.firms import LawFirm
from notices.models.notices import Notice, NoticeTransition, NumberSequence
from notices.models.papers import Paper, PaperKind
from notices.models.recipients import Recipient
from notices.models.templates import NoticeKind, NoticeTemplate

__all__ = [
    "Batch",
    "Channel",
    "LawFirm",
    "Notice",
    "NoticeKind",
    "NoticeTemplate",
    "NoticeTransition",
    "NumberSequence",
    "Paper",
    "PaperKind",
    "Recipient",
]
