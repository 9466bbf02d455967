from owners.models.buildings import Building, Unit, UnitAlias
from owners.models.contact_points import Address, Email, EmergencyContact, Phone
from owners.models.contracts import ServiceContract
from owners.models.exports import ExportConsent, ExportLimit
from owners.models.parties import Occupant, Owner, Ownership, OwnershipMember, PersonMerge, SignsOfName
from owners.models.shut_offs import SafetyShutOff

__all__ = [
    "Address",
    "Building",
    "Email",
    "EmergencyContact",
    "ExportConsent",
    "ExportLimit",
    "Occupant",
    "Owner",
    "Ownership",
    "OwnershipMember",
    "PersonMerge",
    "Phone",
    "SafetyShutOff",
    "ServiceContract",
    "SignsOfName",
    "Unit",
    "UnitAlias",
]
