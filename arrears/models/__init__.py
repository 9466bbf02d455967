from arrears.models.accounts import Account, Verification
from arrears.models.charges import Charge, ChargeBalance
from arrears.models.fees import FeeSynonym, FeeType
from arrears.models.imports import (
    ColumnMapping,
    Import,
    ImportIssue,
    ListedAmount,
    StagedCharge,
    StagedPayment,
    StagedUnit,
)
from arrears.models.payments import Allocation, Payment, PaymentBalance

__all__ = [
    "Account",
    "Allocation",
    "Charge",
    "ChargeBalance",
    "ColumnMapping",
    "FeeSynonym",
    "FeeType",
    "Import",
    "ImportIssue",
    "ListedAmount",
    "Payment",
    "PaymentBalance",
    "StagedCharge",
    "StagedPayment",
    "StagedUnit",
    "Verification",
]
