from arrears.models.accounts import Account, Verification
from arrears.models.charges import Charge, ChargeBalance
from arrears.models.fees import FeeSynonym, FeeType
from arrears.models.imports import (
    ColumnMapping,
    Import,
    ImportIssue,
    ListedAmount,
    RegisterChange,
    StagedCharge,
    StagedOwner,
    StagedPayment,
    StagedUnit,
)
from arrears.models.late_fees import LateFee, LateFeeBalance, LateFeePolicy, LateFeeRun
from arrears.models.limitation import LimitationProof, LimitationWarning, ProvedCharge
from arrears.models.payments import Allocation, Payment, PaymentBalance
from arrears.models.relief import Instalment, InstalmentPlan, Relief, ReliefLimit, ReliefLine, Waiver

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
    "Instalment",
    "InstalmentPlan",
    "LateFee",
    "LateFeeBalance",
    "LateFeePolicy",
    "LateFeeRun",
    "LimitationProof",
    "LimitationWarning",
    "ListedAmount",
    "Payment",
    "PaymentBalance",
    "ProvedCharge",
    "RegisterChange",
    "Relief",
    "ReliefLimit",
    "ReliefLine",
    "StagedCharge",
    "StagedOwner",
    "StagedPayment",
    "StagedUnit",
    "Verification",
    "Waiver",
]
