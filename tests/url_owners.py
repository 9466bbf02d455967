"""What stands in the addresses of owners, units and merges; see tests/url_objects.py."""

import uuid

from owners.export_consent import PersonalExport, ask_for_consent
from owners.merging import merge_persons
from owners.models import Address, Occupant
from tests.factories import NOW, create_owner, create_ownership, create_phone, create_unit
from tests.shut_off_factories import create_shut_off
from tests.url_objects import Arguments, Place, arguments_of


@arguments_of("owners:owner", "owners:owner_edit", "owners:merge")
def an_owner(place: Place) -> Arguments:
    return {"pk": create_owner(project=place.project).pk}


@arguments_of("owners:contact_new")
def a_kind_of_contact(place: Place) -> Arguments:
    return {"pk": create_owner(project=place.project).pk, "kind": "phone"}


@arguments_of("owners:contact_edit", "owners:contact_end")
def a_contact(place: Place) -> Arguments:
    return {"kind": "phone", "pk": create_phone(owner=create_owner(project=place.project)).pk}


@arguments_of("owners:phone_primary")
def a_number(place: Place) -> Arguments:
    return {"pk": create_phone(owner=create_owner(project=place.project)).pk}


@arguments_of("owners:address_returned")
def an_address(place: Place) -> Arguments:
    owner = create_owner(project=place.project)
    return {"pk": Address.objects.create(project=place.project, owner=owner, kind="second", text="南京市1号").pk}


@arguments_of("owners:unit", "owners:occupant_new", "arrears:unit_sale")
def a_flat(place: Place) -> Arguments:
    return {"pk": create_unit(project=place.project).pk}


@arguments_of("owners:occupant_edit")
def an_occupant(place: Place) -> Arguments:
    unit = create_unit(project=place.project)
    return {"pk": Occupant.objects.create(project=place.project, unit=unit, name="租客").pk}


@arguments_of("owners:party_edit", "arrears:sale_undo")
def a_party(place: Place) -> Arguments:
    unit = create_unit(project=place.project)
    return {"pk": create_ownership(unit=unit, owners=[create_owner(project=place.project)]).pk}


@arguments_of("owners:member_remove")
def a_co_owner(place: Place) -> Arguments:
    owner = create_owner(project=place.project)
    return {"pk": create_ownership(unit=create_unit(project=place.project), owners=[owner]).pk, "member": owner.pk}


@arguments_of("owners:merge_undo")
def a_merge(place: Place) -> Arguments:
    kept, merged = (create_owner(project=place.project) for _ in range(2))
    return {"pk": merge_persons(kept, merged, by=place.user, now=NOW).pk}


@arguments_of("owners:shut_off_decide", "owners:shut_off_proof")
def a_shut_off(place: Place) -> Arguments:
    """Proposed by the viewer, who may read its proof."""
    return {"pk": create_shut_off(unit=create_unit(project=place.project), by=place.user).pk}


@arguments_of("owners:export_decide")
def a_request_to_export(place: Place) -> Arguments:
    """The viewer's own, so that whoever exports sees it."""
    wanted = PersonalExport("owners-register", "房屋与业主", f"/p/{place.project.code}/units/export/", 900)
    asked = ask_for_consent(place.project, wanted, "核对", by=place.user, now=NOW, submission=uuid.uuid4())
    return {"pk": asked.pk}
