"""Who may set which reason, and that what it was is kept."""

import pytest
from django.db import IntegrityError, transaction

from collection.models import ArrearsReason, Case, ReasonChange, SubReason
from collection.reasons import MALICIOUS_ROLES, Reason, ReasonRefusedError, reasons_for, set_reason
from company.models import Role
from company.rights import RIGHTS, Right
from tests.factories import NOW, create_case, create_project, create_user

MALICIOUS = Reason(ArrearsReason.MALICIOUS)


@pytest.mark.parametrize("role", list(Role))
def test_what_each_role_may_set(role: Role) -> None:
    offered = reasons_for(frozenset({role}))
    assert bool(offered) == (role in RIGHTS[Right.SET_REASON])
    assert (MALICIOUS in offered) == (role in MALICIOUS_ROLES)


@pytest.mark.django_db
@pytest.mark.parametrize("role", [Role.OFFICER, Role.HOUSEKEEPER, Role.ASSISTANT, Role.FINANCE, Role.COMPANY_LEADER])
def test_malicious_is_refused_to_everybody_but_heads_and_managers(role: Role) -> None:
    case = create_case()
    with pytest.raises(ReasonRefusedError):
        set_reason([case], MALICIOUS, by=create_user(), roles=frozenset({role}), now=NOW)
    assert not ReasonChange.objects.exists()
    set_reason([case], MALICIOUS, by=create_user(), roles=frozenset({Role.DEPARTMENT_HEAD}), now=NOW)
    case.refresh_from_db()
    assert case.reason == ArrearsReason.MALICIOUS


@pytest.mark.django_db
def test_many_at_once_and_only_what_changes() -> None:
    project = create_project()
    by, roles = create_user(), frozenset({Role.HOUSEKEEPER})
    cases = [create_case(project=project) for _number in range(3)]
    vacant = Reason(ArrearsReason.OTHER, SubReason.VACANT)
    assert set_reason(cases[:1], vacant, by=by, roles=roles, now=NOW) == 1
    assert set_reason(cases, vacant, by=by, roles=roles, now=NOW) == 2
    assert [change.sub_reason for change in ReasonChange.objects.all()] == ["vacant"] * 3
    assert set_reason(cases, Reason(ArrearsReason.BURGLED), by=by, roles=roles, now=NOW) == 3
    assert set(Case.objects.values_list("reason", "sub_reason")) == {("burgled", "")}


@pytest.mark.parametrize("reason", reasons_for(frozenset({Role.PROJECT_MANAGER})), ids=lambda reason: reason.key)
def test_keys_lead_back(reason: Reason) -> None:
    assert Reason.from_key(reason.key) == reason
    assert reason.label


@pytest.mark.parametrize("key", ["", "rich", "burgled/vacant", "other/rich"])
def test_wrong_keys_are_refused(key: str) -> None:
    with pytest.raises(ValueError):
        Reason.from_key(key)


@pytest.mark.django_db
def test_the_database_knows_which_reason_has_sub_reasons() -> None:
    case = create_case()
    with pytest.raises(IntegrityError), transaction.atomic():
        Case.objects.filter(pk=case.pk).update(sub_reason=SubReason.VACANT)
