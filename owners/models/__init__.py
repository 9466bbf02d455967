from owners.models.buildings import Building, Unit, UnitAlias
from owners.models.contact_points import Address, EmergencyContact, Phone
from owners.models.contracts import ServiceContract
from owners.models.parties import Occupant, Owner, Ownership, OwnershipMember

__all__ = [
    "Address",
    "Building",
    "EmergencyContact",
    "Occupant",
    "Owner",
    "Ownership",
    "OwnershipMember",
    "Phone",
    "ServiceContract",
    "Unit",
    "UnitAlias",
]
