"""The parts of a print file are there to save work: with them, without them and with broken ones it says the same."""

import datetime as dt

import pytest
from django.core.files.storage import default_storage

from arrears.posting import post_payment
from notices import bundling, making, print_parts
from notices.following import follow_ledger
from notices.models import Batch
from tests.factories import NOW, TODAY, confirm_letters, create_debtor, create_letter_project
from tests.notices.pdf_text import text_of

SOON = NOW + dt.timedelta(minutes=1)


@pytest.fixture
def batch(db, settings, tmp_path, monkeypatch):
    """Five letters, made by two at once, in parts of two."""
    settings.MEDIA_ROOT = tmp_path
    monkeypatch.setattr(making, "CHUNK", 2)
    monkeypatch.setattr(print_parts, "LETTERS", 2)
    project = create_letter_project()
    accounts = [create_debtor(project=project, code=f"{n}-1-0101") for n in range(1, 6)]
    return confirm_letters(project=project, accounts=accounts)


def make(batch, *, with_parts=True):
    while claim := making.claim_chunk(batch.pk, now=SOON):
        issued = making.settle_claim(claim, making.print_claim(claim), now=SOON)
        if with_parts:
            print_parts.prepare_parts(claim.batch, issued)


def kept(batch):
    folder = f"parts/{batch.project.code}/{batch.pk}"
    return [f"{folder}/{name}" for name in default_storage.listdir(folder)[1]]


def print_file(batch):
    assert bundling.bundle(batch.pk, clock=lambda: SOON)
    return Batch.objects.get(pk=batch.pk).merged_file.file.read()


def numbers_in(pdf, batch):
    text = text_of(pdf)
    places = {number: text.find(f"函号：{number}") for number in batch.notices.values_list("number", flat=True)}
    return sorted((number for number, place in places.items() if place >= 0), key=places.__getitem__)


def test_each_part_holds_its_letters_and_goes_when_the_print_file_is_there(batch, monkeypatch):
    make(batch)
    assert len(kept(batch)) == 3
    monkeypatch.setattr(print_parts, "_put_together", None)  # nothing is left to put together
    assert numbers_in(print_file(batch), batch) == [notice.number for notice in batch.notices.order_by("position")]
    assert kept(batch) == []


def test_without_parts_the_print_file_is_the_same(batch, monkeypatch):
    make(batch, with_parts=False)
    without = print_file(batch)
    Batch.objects.filter(pk=batch.pk).update(state=Batch.State.RENDERING, finished_at=None, merged_file=None)
    print_parts.prepare_parts(batch, list(batch.notices.select_related("file").order_by("position")))
    monkeypatch.setattr(print_parts, "_put_together", None)
    assert print_file(batch) == without


@pytest.mark.parametrize("broken", [b"", b"half of it", None], ids=["empty", "short", "cut off"])
def test_a_part_that_was_left_half_written_is_put_together_again(batch, broken):
    make(batch)
    for path in kept(batch):
        with default_storage.open(path, "rb") as file:
            content = file.read()
        with default_storage.open(path, "wb") as file:
            file.write(content[: len(content) // 2] if broken is None else broken)
    assert len(numbers_in(print_file(batch), batch)) == 5


def test_a_letter_that_became_void_is_in_no_print_file_though_it_is_in_a_part(batch):
    make(batch)
    paid = batch.notices.get(position=3)
    post_payment(account_id=paid.account_id, amount=paid.principal, received_on=TODAY, now=SOON)
    follow_ledger(now=SOON)
    in_force = [notice.number for notice in batch.notices.order_by("position").in_force()]
    assert len(in_force) == 4
    assert numbers_in(print_file(batch), batch) == in_force


def test_the_sweep_removes_what_was_left_of_a_finished_batch(batch, monkeypatch):
    make(batch)
    monkeypatch.setattr(print_parts, "forget_parts", lambda batch: None)  # as if killed before
    print_file(batch)
    monkeypatch.undo()
    assert kept(batch)
    print_parts.forget_those_of_finished(now=SOON + dt.timedelta(hours=1))
    assert kept(batch) == []


def test_the_sweep_leaves_the_parts_of_a_batch_that_is_being_made(batch):
    make(batch)
    print_parts.forget_those_of_finished(now=SOON)
    assert len(kept(batch)) == 3
