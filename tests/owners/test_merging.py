"""Two rows that are one person: found, merged, taken apart; ledger rows stay where they are."""

import time

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from arrears.models import Account, ChargeBalance
from company.models import AuditEvent, Project, Role, User
from owners import merging
from owners.contact_points import add_phone, change_address, mark_phone
from owners.emails import add_email
from owners.merging import MergeRefusedError, merge_persons, split_persons
from owners.models import Address, Owner, OwnershipMember, PersonMerge, Phone
from owners.personal_data import keyed_hash
from owners.persons import SAME_ID, SAME_PHONE, like, probable_duplicates
from tests.arrears.test_races import at_once
from tests.factories import (
    NOW,
    create_account,
    create_charge,
    create_owner,
    create_project,
    create_user,
)

ID_NUMBER = "330206198001011234"
NUMBER, OTHER = "13812342617", "13900001234"


@pytest.fixture
def project(db: None) -> Project:
    return create_project()


@pytest.fixture
def by(db: None) -> User:
    return create_user()


def owner_of(account: Account) -> Owner:
    return account.ownership.owners.get()


@pytest.fixture
def pair(project: Project) -> tuple[Owner, Owner]:
    """The same person on file for two units, each of which owes."""
    accounts = [create_account(project=project, code=code, names=["李小博"]) for code in ("1-1-101", "1-1-102")]
    for account in accounts:
        create_charge(account=account)
    kept, merged = map(owner_of, accounts)
    return kept, merged


def reason(kept: Owner, merged: Owner, by: User) -> str:
    with pytest.raises(MergeRefusedError) as refused:
        merge_persons(kept, merged, by=by, now=NOW)
    return refused.value.reason


def test_what_belongs_to_the_person_goes_to_one_row_and_no_ledger_row_moves(
    pair: tuple[Owner, Owner], by: User
) -> None:
    kept, merged = pair
    before = list(ChargeBalance.objects.order_by("pk").values()), list(Account.objects.order_by("pk").values())
    add_phone(kept, NUMBER, by=None)
    barred = add_phone(merged, NUMBER, by=None)
    mark_phone(barred, by=None, said_at=NOW, do_not_contact=True)
    add_phone(merged, OTHER, by=None)
    add_email(merged, "li@example.com", by=None)
    change_address(kept, Address.Kind.SECOND, "南京市1号", by=None, now=NOW)
    change_address(merged, Address.Kind.SECOND, "苏州市2号", by=None, now=NOW)
    merge_persons(kept, merged, by=by, now=NOW)
    assert kept.memberships.count() == 2
    live = {phone.number: phone.do_not_contact for phone in kept.phones.filter(ended_at=None)}
    assert live == {NUMBER: True, OTHER: False}
    assert kept.phones.filter(is_primary=True).count() == 1
    assert kept.addresses.get(ended_at=None).text == "南京市1号"
    assert kept.emails.count() == 1
    assert Owner.objects.get(pk=merged.pk).merged_into == kept
    assert before == (
        list(ChargeBalance.objects.order_by("pk").values()),
        list(Account.objects.order_by("pk").values()),
    )
    assert AuditEvent.objects.filter(action="owners.merged").count() == 2


def test_a_merge_is_taken_back_whole(pair: tuple[Owner, Owner], by: User) -> None:
    kept, merged = pair
    add_phone(kept, NUMBER, by=None)
    add_phone(merged, NUMBER, by=None)
    add_phone(merged, OTHER, by=None, is_primary=True)
    change_address(kept, Address.Kind.SECOND, "南京市1号", by=None, now=NOW)
    change_address(merged, Address.Kind.SECOND, "苏州市2号", by=None, now=NOW)
    Owner.objects.filter(pk=merged.pk).update(id_number=ID_NUMBER, id_number_hash=keyed_hash(ID_NUMBER))
    rows = [
        list(model.objects.order_by("pk").values_list("pk", "owner", *extra))
        for model, extra in ((Phone, ["ended_at", "is_primary"]), (Address, ["ended_at"]), (OwnershipMember, []))
    ]
    merge = merge_persons(kept, merged, by=by, now=NOW)
    assert Owner.objects.get(pk=kept.pk).id_number == ID_NUMBER
    since = add_phone(kept, "13700000000", by=None)
    split_persons(merge, by=by, now=NOW)
    since.refresh_from_db()
    assert since.owner == kept
    since.delete()
    after = [
        list(model.objects.order_by("pk").values_list("pk", "owner", *extra))
        for model, extra in ((Phone, ["ended_at", "is_primary"]), (Address, ["ended_at"]), (OwnershipMember, []))
    ]
    assert after == rows
    assert Owner.objects.get(pk=kept.pk).id_number == ""
    assert Owner.objects.get(pk=merged.pk).merged_into is None
    with pytest.raises(MergeRefusedError):
        split_persons(merge, by=by, now=NOW)
    merge_persons(kept, merged, by=by, now=NOW)  # and may be merged anew


def test_a_chain_of_merges_is_taken_back_from_its_end(pair: tuple[Owner, Owner], project: Project, by: User) -> None:
    kept, merged = pair
    third = create_owner(project=project)
    first = merge_persons(kept, merged, by=by, now=NOW)
    second = merge_persons(third, Owner.objects.get(pk=kept.pk), by=by, now=NOW)
    with pytest.raises(MergeRefusedError):
        split_persons(first, by=by, now=NOW)
    split_persons(second, by=by, now=NOW)
    split_persons(first, by=by, now=NOW)
    assert [owner.memberships.count() for owner in (kept, merged, third)] == [1, 1, 0]


def test_what_cannot_be_one_person_is_refused(pair: tuple[Owner, Owner], project: Project, by: User) -> None:
    kept, merged = pair
    assert reason(kept, kept, by) == MergeRefusedError.SAME_ROW
    for owner, number in ((kept, ID_NUMBER), (merged, "110101199003071234")):
        Owner.objects.filter(pk=owner.pk).update(id_number=number, id_number_hash=keyed_hash(number))
    assert reason(kept, merged, by) == MergeRefusedError.OTHER_ID_NUMBER
    couple = create_account(project=project, names=["张三", "张三三"]).ownership.owners.order_by("pk")
    assert reason(couple[0], couple[1], by) == MergeRefusedError.CO_OWNERS
    with pytest.raises(ValueError, match="two projects"):
        merge_persons(kept, create_owner(project=create_project()), by=by, now=NOW)
    assert not PersonMerge.objects.exists()


def test_names_of_parties_follow_the_row_that_stands(pair: tuple[Owner, Owner], by: User) -> None:
    kept, merged = pair
    Owner.objects.filter(pk=kept.pk).update(name="李晓博")
    merge = merge_persons(kept, merged, by=by, now=NOW)
    party = merged_party = OwnershipMember.objects.filter(owner=kept).order_by("-pk").first().ownership
    assert party.party_name == "李晓博"
    split_persons(merge, by=by, now=NOW)
    merged_party.refresh_from_db()
    assert merged_party.party_name == "李小博"


def test_probable_duplicates_are_proposed_with_the_reason(project: Project, django_assert_max_num_queries) -> None:
    by_id = [
        create_owner(project=project, name=name, id_number=ID_NUMBER, id_number_hash="a" * 64)
        for name in ("李小博", "李晓博")
    ]
    by_phone = [create_owner(project=project, name="王敏") for _ in range(2)]
    for owner in by_phone:
        add_phone(owner, NUMBER, by=None)
    add_phone(create_owner(project=project, name="张三"), NUMBER, by=None)
    add_phone(create_owner(project=create_project(), name="王敏"), NUMBER, by=None)
    with django_assert_max_num_queries(4):
        found = probable_duplicates(project)
    assert [(likeness.owners, likeness.reason) for likeness in found] == [(by_id, SAME_ID), (by_phone, SAME_PHONE)]
    assert like(by_phone[0]) == [(by_phone[1], SAME_PHONE)]
    assert like(by_id[1]) == [(by_id[0], SAME_ID)]


def test_the_database_refuses_a_second_merge_of_a_row(pair: tuple[Owner, Owner], project: Project, by: User) -> None:
    kept, merged = pair
    rows = {"project": project, "merged": merged, "by": by, "at": NOW}
    PersonMerge.objects.create(kept=kept, **rows)
    for attack in (
        lambda: PersonMerge.objects.create(kept=create_owner(project=project), **rows),
        lambda: PersonMerge.objects.create(kept=kept, **{**rows, "merged": kept}),
        lambda: PersonMerge.objects.update(undone_at=NOW),
        lambda: Owner.objects.filter(pk=kept.pk).update(merged_into=kept),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            attack()


def test_merging_through_the_pages(pair: tuple[Owner, Owner], project: Project) -> None:
    kept, merged = pair
    for owner in pair:
        add_phone(owner, NUMBER, by=None)
    client = Client()
    client.force_login(create_user(role=Role.PROJECT_MANAGER, project=project))
    here = {"project_code": project.code}
    proposals = client.get(reverse("owners:duplicates", kwargs=here)).content.decode()
    assert "1-1-102" in proposals
    assert "李小博" not in proposals
    url = reverse("owners:merge", kwargs={**here, "pk": kept.pk})
    picked = client.post(url, {"name": "李小博", "last4": "2617"}).content.decode()
    assert f"?with={merged.pk}" in picked
    assert "last4" in client.post(url, {"name": "李小博", "last4": "0000"}).context["form"].errors
    assert '<form method="post"' in picked, "a name with four digits stands in no address"
    shown = client.get(url, {"with": merged.pk}).content.decode()
    assert "1-1-101" in shown
    assert "1-1-102" in shown
    assert not PersonMerge.objects.exists()
    client.post(url, {"with": merged.pk})
    merge = PersonMerge.objects.get()
    assert (merge.kept, merge.merged) == (kept, merged)
    client.post(url, {"with": merged.pk})  # sent twice: one merge
    assert PersonMerge.objects.count() == 1
    client.post(reverse("owners:merge_undo", kwargs={**here, "pk": merge.pk}))
    assert PersonMerge.objects.get().undone_at


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("locked", [True, False], ids=["locked", "control"])
def test_two_who_merge_at_once_make_one_merge(locked: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second one is told so. Control: without the lock only the constraint of the database stops it."""
    project, by = create_project(), create_user()
    kept, merged = (create_owner(project=project) for _ in range(2))
    check = merging.check_merge

    def slow(*owners: Owner) -> None:
        check(*owners)
        time.sleep(0.1)

    monkeypatch.setattr(merging, "check_merge", slow)
    if not locked:
        monkeypatch.setattr(merging, "_locked", lambda *pks: tuple(Owner.objects.get(pk=pk) for pk in pks))
    failures = at_once(lambda _n: merge_persons(kept, merged, by=by, now=NOW), clients=2)
    assert PersonMerge.objects.count() == 1
    assert [type(failure) for failure in failures] == [MergeRefusedError if locked else IntegrityError]
