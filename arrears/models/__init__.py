from arrears.models.accounts import Account, Verification
from arrears.models.charges import Charge, ChargeBalance
from arrears.models.fees import FeeSynonym, FeeType
from arrears.models.imports import ColumnMapping, Import, ImportIssue, StagedCharge, StagedUnit
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
    "Payment",
    "PaymentBalance",
    "StagedCharge",
    "StagedUnit",
    "Verification",
]
