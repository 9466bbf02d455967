from notices.models.batches import Batch, Channel
from notices.models.deliveries import Delivery, DeliveryTransition
from notices.models.firms import LawFirm
from notices.models.notices import Notice, NoticeTransition, NumberSequence
from notices.models.papers import Paper, PaperKind
from notices.models.recipients import Recipient
from notices.models.scans import SignedScan
from notices.models.templates import NoticeKind, NoticeTemplate
from notices.models.tracking import TrackingList

__all__ = [
    "Batch",
    "Channel",
    "Delivery",
    "DeliveryTransition",
    "LawFirm",
    "Notice",
    "NoticeKind",
    "NoticeTemplate",
    "NoticeTransition",
    "NumberSequence",
    "Paper",
    "PaperKind",
    "Recipient",
    "SignedScan",
    "TrackingList",
]
