import datetime as dt
import io
import zipfile
from decimal import Decimal

import pikepdf
import pytest

from arrears.posting import post_payment, reverse_payment
from company.models import Notification, StoredFile
from notices import bundling, making
from notices.batches import BatchMovedError, cancel_rest, resume_batch, retry_failed, stop_batch
from notices.following import follow_ledger
from notices.models import Batch, Notice
from notices.press import PressError, PressTimeoutError, Printed
from notices.states import ALLOWED, move
from tests.factories import NOW, TODAY, confirm_letters, create_debtor, create_letter_project, create_user
from tests.notice_factories import send
from tests.notices.pdf_text import text_of

SOON = NOW + dt.timedelta(minutes=1)
State = Notice.State


@pytest.fixture
def project(db, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return create_letter_project()


@pytest.fixture
def blank(monkeypatch):
    """Printing without the press: one blank page a letter."""

    def print_letters(letters, rules, *, draft=True, pictures=None):
        printed = []
        for _, data in letters:
            pdf, content = pikepdf.new(), io.BytesIO()
            pdf.add_blank_page()
            pdf.docinfo["/Title"] = data["fields"]["函号"]
            pdf.save(content, deterministic_id=True)
            printed.append(Printed(content.getvalue(), 1))
        return printed

    monkeypatch.setattr(making, "print_letters", print_letters)


def confirmed(project, letters=3, **fields):
    accounts = [create_debtor(project=project, code=f"{n}-1-0101") for n in range(1, letters + 1)]
    return confirm_letters(project=project, accounts=accounts, **fields)


def make_all(batch, now=SOON):
    while claim := making.claim_chunk(batch.pk, now=now):
        making.settle_claim(claim, making.print_claim(claim), now=now)
    return bundling.bundle(batch.pk, clock=lambda: now)


def states(batch):
    return list(batch.notices.order_by("position").values_list("state", flat=True))


class TestMaking:
    def test_a_batch_from_queue_to_files(self, project):
        batch = confirmed(project)
        assert make_all(batch)
        batch.refresh_from_db()
        assert batch.state == Batch.State.READY
        assert batch.finished_at == SOON
        for notice in batch.notices.select_related("file"):
            assert notice.state == State.ISSUED
            assert notice.issued_at == SOON
            assert notice.pages == 3
            pdf = notice.file.file.read()
            assert notice.file_sha256 == notice.file.sha256
            assert notice.number in text_of(pdf)
            moves = [(t.from_state, t.to_state) for t in notice.transitions.all()]
            assert moves == [("", "queued"), ("queued", "rendering"), ("rendering", "issued")]
        merged = text_of(batch.merged_file.file.read())
        places = [merged.index(f"函号：{number}") for number in batch.notices.values_list("number", flat=True)]
        assert places == sorted(places)
        assert Notification.objects.filter(user=batch.confirmed_by).count() == 1

    def test_the_archive_lists_the_sums_of_its_files(self, project, blank):
        batch = confirmed(project)
        make_all(batch)
        batch.refresh_from_db()
        with zipfile.ZipFile(batch.zip_file.file) as archive:
            sums = dict(line.split("  ") for line in archive.read("SHA256SUMS.txt").decode().splitlines())
            assert sorted(sums.values()) == sorted(set(archive.namelist()) - {"SHA256SUMS.txt"})
        assert list(sums) == list(batch.notices.order_by("position").values_list("file_sha256", flat=True))

    def test_fonts_stand_once_in_the_merged_file(self, project):
        batch = confirmed(project, letters=6)
        make_all(batch)
        batch.refresh_from_db()
        assert batch.merged_file.size < 2 * batch.notices.first().file.size

    def test_letters_are_claimed_once(self, project):
        batch = confirmed(project)
        claim = making.claim_chunk(batch.pk, now=SOON)
        assert [notice.position for notice in claim.notices] == [1, 2, 3]
        assert making.claim_chunk(batch.pk, now=SOON) is None
        assert not bundling.bundle(batch.pk, clock=lambda: SOON)

    def test_a_chunk_has_a_limit(self, project, blank, monkeypatch):
        monkeypatch.setattr(making, "CHUNK", 2)
        batch = confirmed(project, letters=5)
        sizes = []
        while claim := making.claim_chunk(batch.pk, now=SOON):
            sizes.append(len(claim.notices))
            making.settle_claim(claim, making.print_claim(claim), now=SOON)
        assert sizes == [2, 2, 1]

    def test_the_same_letter_printed_twice_is_kept_once(self, project, blank):
        batch = confirmed(project, letters=1)
        claim = making.claim_chunk(batch.pk, now=SOON)
        making.print_claim(claim)
        making.settle_claim(claim, making.print_claim(claim), now=SOON)
        assert StoredFile.objects.filter(purpose="notice").count() == 1


class TestFailures:
    def test_a_missing_character_fails_its_letter_alone(self, project, blank, monkeypatch):
        batch = confirmed(project)
        second = batch.notices.get(position=2).number
        monkeypatch.setattr(making, "unprintable", lambda _, data: "𠮷" if data["fields"]["函号"] == second else "")
        make_all(batch)
        assert states(batch) == ["issued", "failed", "issued"]
        failed = batch.notices.get(position=2)
        assert (failed.failure, failed.failure_detail) == (Notice.Failure.MISSING_GLYPH, "𠮷")
        batch.refresh_from_db()
        assert batch.state == Batch.State.READY

    @pytest.mark.parametrize(
        ("error", "failure"), [(PressError("x"), Notice.Failure.CRASHED), (PressTimeoutError("45 s"), "too_long")]
    )
    def test_one_bad_letter_does_not_hold_up_the_others(self, project, blank, monkeypatch, error, failure):
        batch = confirmed(project)
        bad, good_print = batch.notices.get(position=2).number, making.print_letters

        def print_letters(letters, rules, *, pictures):
            if any(data["fields"]["函号"] == bad for _, data in letters):
                raise error
            return good_print(letters, rules, pictures=pictures)

        monkeypatch.setattr(making, "print_letters", print_letters)
        make_all(batch)
        assert states(batch) == ["issued", "failed", "issued"]
        assert batch.notices.get(position=2).failure == failure
        assert batch.notices.get(position=2).attempts == 3

    def test_failed_letters_can_be_tried_again(self, project, blank, monkeypatch):
        batch = confirmed(project)
        with monkeypatch.context() as broken:
            broken.setattr(making, "unprintable", lambda *_: "𠮷")
            make_all(batch)
        assert states(batch) == ["failed"] * 3
        batch.refresh_from_db()
        assert batch.merged_file is None
        assert retry_failed(batch, by=create_user(), now=SOON) == 3
        assert make_all(batch)
        assert states(batch) == ["issued"] * 3
        batch.refresh_from_db()
        assert batch.merged_file is not None


class TestDeadWorkers:
    def test_stale_claims_go_back_to_the_queue_and_late_workers_change_nothing(self, project, blank):
        batch = confirmed(project)
        dead = making.claim_chunk(batch.pk, now=SOON)
        assert making.release_stale_claims(now=SOON + making.STALE_AFTER) == 0
        late = SOON + making.STALE_AFTER + dt.timedelta(seconds=1)
        assert making.release_stale_claims(now=late) == 3
        claim = making.claim_chunk(batch.pk, now=late)
        making.settle_claim(dead, making.print_claim(dead), now=late)
        assert set(states(batch)) == {"rendering"}
        making.settle_claim(claim, making.print_claim(claim), now=late)
        assert make_all(batch, now=late)
        assert states(batch) == ["issued"] * 3

    def test_a_letter_interrupted_too_often_fails(self, project, blank):
        batch = confirmed(project, letters=1)
        now = SOON
        for _ in range(making.ATTEMPTS_INTERRUPTED):
            assert making.claim_chunk(batch.pk, now=now)
            now += making.STALE_AFTER * 2
            making.release_stale_claims(now=now)
        assert states(batch) == ["failed"]
        assert batch.notices.get().failure == Notice.Failure.INTERRUPTED

    def test_bundling_left_by_a_dead_worker_is_taken_over(self, project, blank):
        batch = confirmed(project)
        claim = making.claim_chunk(batch.pk, now=SOON)
        making.settle_claim(claim, making.print_claim(claim), now=SOON)
        Batch.objects.update(bundling_at=SOON)
        assert not bundling.bundle(batch.pk, clock=lambda: SOON + dt.timedelta(minutes=1))
        assert bundling.bundle(batch.pk, clock=lambda: SOON + dt.timedelta(minutes=2))

    def test_a_worker_whose_bundling_was_taken_over_changes_nothing(self, project, blank, monkeypatch):
        batch = confirmed(project)
        zip_file = bundling._zip_file

        def zip_file_after_a_pause(*args):
            monkeypatch.setattr(bundling, "_zip_file", zip_file)
            assert bundling.bundle(batch.pk, clock=lambda: SOON + dt.timedelta(minutes=2))
            return zip_file(*args)

        monkeypatch.setattr(bundling, "_zip_file", zip_file_after_a_pause)
        assert not make_all(batch)
        batch.refresh_from_db()
        assert batch.finished_at == SOON + dt.timedelta(minutes=2)

    def test_a_file_cut_short_by_a_kill_is_written_again(self, project, blank):
        batch = confirmed(project, letters=1)
        claim = making.claim_chunk(batch.pk, now=SOON)
        (stored, _) = making.print_claim(claim).files[claim.notices[0].pk]
        with stored.file.storage.open(stored.file.name, "wb") as file:
            file.write(b"%PDF")
        making.settle_claim(claim, making.print_claim(claim), now=SOON)
        with pikepdf.open(batch.notices.get().file.file) as pdf:
            assert len(pdf.pages) == 1


class TestStopping:
    def test_stop_go_on(self, project, blank):
        batch = confirmed(project)
        by = create_user()
        stop_batch(batch, by=by)
        assert making.claim_chunk(batch.pk, now=SOON) is None
        assert not bundling.bundle(batch.pk, clock=lambda: SOON)
        with pytest.raises(BatchMovedError):
            stop_batch(batch, by=by)
        resume_batch(batch, by=by)
        assert make_all(batch)

    def test_stopped_while_the_last_letters_were_under_way_it_is_finished_all_the_same(self, project, blank):
        batch = confirmed(project)
        claim = making.claim_chunk(batch.pk, now=SOON)
        stop_batch(batch, by=create_user())
        assert not bundling.bundle(batch.pk, clock=lambda: SOON)
        making.settle_claim(claim, making.print_claim(claim), now=SOON)
        assert bundling.bundle(batch.pk, clock=lambda: SOON)
        batch.refresh_from_db()
        assert (batch.state, bool(batch.merged_file)) == ("ready", True)

    def test_giving_up_the_rest_keeps_their_numbers(self, project, blank, monkeypatch):
        monkeypatch.setattr(making, "CHUNK", 2)
        batch = confirmed(project)
        claim = making.claim_chunk(batch.pk, now=SOON)
        by = create_user()
        stop_batch(batch, by=by)
        making.settle_claim(claim, making.print_claim(claim), now=SOON)
        assert cancel_rest(batch, by=by, now=SOON) == 1
        assert make_all(batch)
        assert states(batch) == ["issued", "issued", "void"]
        assert batch.notices.get(position=3).void_reason == Notice.VoidReason.CANCELLED
        with pytest.raises(BatchMovedError):
            cancel_rest(batch, by=by, now=SOON)


def pay(notice, amount=10):
    return post_payment(account_id=notice.account_id, amount=Decimal(amount), received_on=TODAY, now=SOON)


class TestPayingStopsTheChase:
    def test_a_payment_before_the_letter_is_made_voids_it(self, project, blank):
        batch = confirmed(project)
        pay(batch.notices.get(position=1))
        claim = making.claim_chunk(batch.pk, now=SOON)
        outcome = making.print_claim(claim)
        pay(batch.notices.get(position=2))
        making.settle_claim(claim, outcome, now=SOON)
        assert states(batch) == ["void", "void", "issued"]
        void = batch.notices.get(position=1)
        assert void.void_reason == Notice.VoidReason.LEDGER_CHANGED
        assert void.number

    def test_control_without_the_look_at_the_ledger_the_letter_goes_out(self, project, blank, monkeypatch):
        monkeypatch.setattr(making, "void_changed", lambda *_, **__: set())
        batch = confirmed(project)
        pay(batch.notices.get(position=1))
        make_all(batch)
        assert states(batch) == ["issued"] * 3

    def test_a_posting_that_leaves_the_listed_charges_alone_does_not(self, project, blank):
        batch = confirmed(project)
        notice = batch.notices.get(position=1)
        reverse_payment(pay(notice).pk, today=TODAY, now=SOON, by=None)
        assert follow_ledger(now=SOON) == 0
        notice.refresh_from_db()
        assert notice.seen_version == notice.account.version
        assert make_all(batch)
        assert states(batch) == ["issued"] * 3

    def test_until_dispatch_a_payment_voids_a_letter_and_the_files_are_made_anew(self, project, blank):
        batch = confirmed(project)
        make_all(batch)
        batch.refresh_from_db()
        before = batch.merged_file_id
        pay(batch.notices.get(position=2))
        assert follow_ledger(now=SOON) == 1
        assert follow_ledger(now=SOON) == 0
        batch.refresh_from_db()
        assert (batch.state, batch.merged_file) == (Batch.State.RENDERING, None)
        assert make_all(batch)
        batch.refresh_from_db()
        assert batch.merged_file_id != before
        with pikepdf.open(batch.merged_file.file) as pdf:
            assert len(pdf.pages) == 2

    def test_after_dispatch_the_letter_stands(self, project, blank):
        batch = confirmed(project)
        make_all(batch)
        send(*batch.notices.all(), now=SOON)
        pay(batch.notices.get(position=1))
        assert follow_ledger(now=SOON) == 0
        assert states(batch) == ["dispatched"] * 3

    def test_a_letter_voided_while_the_files_are_made_does_not_get_into_them(self, project, blank, monkeypatch):
        batch = confirmed(project)
        merged_file = bundling._merged_file

        def merged_file_with_a_payment(*args):
            pay(batch.notices.get(position=1))
            follow_ledger(now=SOON)
            return merged_file(*args)

        with monkeypatch.context() as meanwhile:
            meanwhile.setattr(bundling, "_merged_file", merged_file_with_a_payment)
            assert not make_all(batch)
        assert make_all(batch)
        batch.refresh_from_db()
        with pikepdf.open(batch.merged_file.file) as pdf:
            assert len(pdf.pages) == 2


class TestStates:
    CHANGES = {
        State.RENDERING: {"claimed_at": SOON},
        State.FAILED: {"failure": "crashed"},
        State.VOID: {"void_reason": "cancelled"},
    }
    PATHS = {
        State.QUEUED: [],
        State.RENDERING: [State.RENDERING],
        State.FAILED: [State.RENDERING, State.FAILED],
        State.ISSUED: [State.RENDERING, State.ISSUED],
        State.DISPATCHED: [State.RENDERING, State.ISSUED, State.DISPATCHED],
        State.VOID: [State.VOID],
    }

    def step(self, batch, state):
        if state == State.ISSUED and batch.notices.get().state == State.RENDERING:
            claim = making.Claim(batch, list(batch.notices.all()), SOON)
            making.settle_claim(claim, making.print_claim(claim), now=SOON)
            return list(batch.notices.filter(state=State.ISSUED))
        if state == State.DISPATCHED and batch.notices.get().state == State.ISSUED:
            return send(*batch.notices.all(), now=SOON)
        return move(batch.notices.all(), state, now=SOON, **self.CHANGES.get(state, {}))

    @pytest.mark.parametrize("source", State)
    def test_only_allowed_moves_happen(self, project, blank, source):
        for target in State:
            batch = confirm_letters(project=project, accounts=[create_debtor(project=project)])
            for state in self.PATHS[source]:
                assert self.step(batch, state)
            moved = self.step(batch, target)
            assert bool(moved) == (target in ALLOWED[source]), target
            assert batch.notices.get().state == (target if moved else source)
