from notices.models.batches import Batch, Channel
from notices.models.firms import LawFirm
from notices.models.images import ImagePurpose, PrintImage
from notices.models.notices import Notice, NoticeTransition, NumberSequence
from notices.models.papers import Paper, PaperKind
from notices.models.public import PublicNotice
from notices.models.recipients import Recipient
from notices.models.templates import NoticeKind, NoticeTemplate, PublicKind, SlipPaper

__all__ = [
    "Batch",
    "Channel",
    "ImagePurpose",
    "LawFirm",
    "Notice",
    "NoticeKind",
    "NoticeTemplate",
    "NoticeTransition",
    "NumberSequence",
    "Paper",
    "PaperKind",
    "PrintImage",
    "PublicKind",
    "PublicNotice",
    "Recipient",
    "SlipPaper",
]
