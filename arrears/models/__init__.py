from arrears.models.accounts import Account, Verification
from arrears.models.charges import Charge, ChargeBalance
from arrears.models.fees import FeeSynonym, FeeType
from arrears.models.imports import ColumnMapping, Import, ImportIssue, StagedCharge, StagedUnit
from arrears.models.late_fees import LateFee, LateFeeBalance, LateFeePolicy
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
    "LateFee",
    "LateFeeBalance",
    "LateFeePolicy",
    "Payment",
    "PaymentBalance",
    "StagedCharge",
    "StagedUnit",
    "Verification",
]
