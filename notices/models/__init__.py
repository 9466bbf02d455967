from notices.models.batches import Batch, Channel
from notices.models.deliveries import Delivery, DeliveryTransition
from notices.models.firms import LawFirm
from notices.models.images import ImagePurpose, PrintImage
from notices.models.notices import Notice, NoticeTransition, NumberSequence
from notices.models.papers import Paper, PaperKind
from notices.models.public import PublicNotice
from notices.models.recipients import Recipient
from notices.models.scans import SignedScan
from notices.models.templates import NoticeKind, NoticeTemplate, PublicKind, SlipPaper
from notices.models.tracking import TrackingList

__all__ = [
    "Batch",
    "Channel",
    "Delivery",
    "DeliveryTransition",
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
    "SignedScan",
    "SlipPaper",
    "TrackingList",
]
