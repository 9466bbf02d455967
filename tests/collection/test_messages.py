"""Messages: approved texts, copied one to one within the limits, and the screenshot kept with the contact."""

import datetime as dt
import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone
from pytest_django import Settings

from collection.messages import (
    FIELDS,
    OwnTextError,
    TextFaultError,
    approve_text,
    default_texts,
    faults_of,
    message_for,
    write_text,
)
from collection.models import Case, ContactAttempt, ContactFile, MessageText
from company.models import Project, Role, User
from tests.collection.desk import Desk, said
from tests.factories import NOW, TODAY, create_contact, create_project, create_promise, create_user
from tests.field_factories import create_field_case, create_field_worker, photo

pytestmark = pytest.mark.django_db
Kind, Channel, Outcome = MessageText.Kind, ContactAttempt.Channel, ContactAttempt.Outcome
LATER, DAY = NOW + dt.timedelta(hours=2), dt.timedelta(days=1)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path) -> None:
    settings.MEDIA_ROOT = tmp_path
    monkeypatch.setattr(timezone, "now", lambda: LATER)


@pytest.fixture
def project() -> Project:
    return create_project(service_phone="020-88880000")


@pytest.fixture
def worker(project: Project) -> Desk:
    return Desk(project, user=create_field_worker(project=project))


@pytest.fixture
def case(project: Project, worker: Desk) -> Case:
    return create_field_case(project=project, by=worker.user)


@pytest.fixture
def texts(project: Project) -> dict[str, MessageText]:
    """The defaults, written by one and approved by another."""
    by, other = create_user(), create_user()
    written = {kind: write_text(project, kind, text, by=by, now=NOW) for kind, text in default_texts().items()}
    return {kind: approve_text(text.pk, by=other, now=NOW) for kind, text in written.items()}


class TestTexts:
    @pytest.mark.parametrize("kind", Kind)
    def test_the_defaults_are_sound(self, kind: MessageText.Kind) -> None:
        assert faults_of(kind, default_texts()[kind]) == []

    @pytest.mark.parametrize(
        "text",
        ["{业主}您好", "{联系电话}{身份证}", "{联系电话}{7*7}", "{联系电话}{{业主}}", "{联系电话}{业主.__class__}",
         "{联系电话} }", "再不缴列入黑名单{联系电话}", "发到业主群{联系电话}", "{联系电话}{承诺金额}"],
    )  # fmt: skip
    def test_what_computes_threatens_or_names_no_number_is_refused(self, project: Project, text: str) -> None:
        with pytest.raises(TextFaultError):
            write_text(project, Kind.FIRST, text, by=create_user(), now=NOW)
        assert not MessageText.objects.exists()

    def test_nobody_approves_their_own(self, project: Project) -> None:
        by = create_user()
        text = write_text(project, Kind.FIRST, "请回电{联系电话}", by=by, now=NOW)
        with pytest.raises(OwnTextError):
            approve_text(text.pk, by=by, now=NOW)
        with pytest.raises(IntegrityError, match="message_text_approved_by_another"), transaction.atomic():
            MessageText.objects.filter(pk=text.pk).update(approved_at=NOW, approved_by=by)

    @pytest.mark.parametrize("change", ["text = 'x'", "number = 9", "written_by_id = written_by_id"])
    def test_a_version_does_not_change(self, texts: dict[str, MessageText], change: str) -> None:
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic(), connection.cursor() as c:
            c.execute(f"UPDATE collection_messagetext SET {change}")

    def test_the_same_text_again_is_no_new_version(self, project: Project) -> None:
        by = create_user()
        for text in ("请回电{联系电话}", "请回电 {联系电话}", "请回电 {联系电话}"):
            write_text(project, Kind.FIRST, text, by=by, now=NOW)
        assert list(MessageText.objects.values_list("number", flat=True)) == [2, 1]

    def test_through_the_pages(self, project: Project, worker: Desk) -> None:
        clerk, manager = Desk(project, Role.NOTICE_ADMIN), Desk(project)
        assert worker.get("message_texts").status_code == 403
        assert "{业主}" in clerk.get("message_texts").text
        sent = {"kind": "first", "text": "请回电{电话}"}
        assert "{电话}" in clerk.post("message_texts", sent).text
        clerk.post("message_texts", sent | {"text": "请回电{联系电话}"})
        text = MessageText.objects.get()
        assert clerk.post("message_approve", pk=text.pk).status_code == 403
        assert "已批准" in said(manager.post("message_approve", pk=text.pk))
        text.refresh_from_db()
        assert (text.written_by, text.approved_by) == (clerk.user, manager.user)

    def test_an_overtaken_version_is_not_approved_any_more(self, project: Project) -> None:
        clerk, manager = Desk(project, Role.NOTICE_ADMIN), Desk(project)
        for text in ("请回电{联系电话}", "请联系{联系电话}"):
            clerk.post("message_texts", {"kind": "first", "text": text})
        older, newer = MessageText.objects.order_by("number")
        manager.post("message_approve", pk=newer.pk)
        assert "更新的版本" in said(manager.post("message_approve", pk=older.pk))
        older.refresh_from_db()
        assert older.approved_at is None

    def test_fields_of_a_promise_are_of_that_kind_only(self) -> None:
        assert set(FIELDS[Kind.PROMISE]) - set(FIELDS[Kind.FIRST]) == {"承诺日期", "承诺金额"}


@pytest.mark.usefixtures("texts")
class TestWhichMessage:
    def kind_of(self, case: Case) -> str:
        offered = message_for(case, now=LATER)
        return offered.message.kind if offered.message else offered.why_none

    def test_the_first_names_unit_amount_and_number_but_no_whole_name(self, case: Case) -> None:
        message = message_for(case, now=LATER).message
        assert message.kind == Kind.FIRST
        assert "李业主您好" in message.text
        assert "李小博" not in message.text
        for word in (case.account.unit.address, "100.00元", "020-88880000"):
            assert word in message.text
        assert "{" not in message.text

    @pytest.mark.parametrize(("days", "kind"), [(8, Kind.SECOND), (3, "")])
    def test_the_second_follows_by_a_week(self, case: Case, days: int, kind: str) -> None:
        create_contact(case=case, outcome=Outcome.NO_ANSWER, channel=Channel.WECHAT, at=LATER - days * DAY)
        assert self.kind_of(case) == (kind or "最近发过消息，2025-11-27 起可再发。")

    def test_what_the_owner_sent_is_no_message_of_ours(self, case: Case) -> None:
        create_contact(
            case=case, outcome=Outcome.MET_OWNER, channel=Channel.WECHAT, at=NOW, is_incoming=True
        )  # fmt: skip
        assert self.kind_of(case) == Kind.FIRST

    def test_a_promise_is_recalled(self, case: Case) -> None:
        create_promise(case=case, pay_by=TODAY + DAY, amount="60.00", at=NOW)
        assert "60.00元" in message_for(case, now=LATER).message.text

    def test_nothing_is_offered_that_is_not_approved_or_not_known(self, case: Case, project: Project) -> None:
        by: User = create_user()
        write_text(project, Kind.FIRST, "改口{联系电话}", by=by, now=NOW)
        assert "改口" not in message_for(case, now=LATER).message.text
        Project.objects.filter(pk=project.pk).update(service_phone="")
        case.project.refresh_from_db()
        assert "{联系电话}" in message_for(case, now=LATER).why_none


class TestOnThePages:
    def test_without_an_approved_text_none_is_offered(self, case: Case, worker: Desk) -> None:
        page = worker.get("contact_new", pk=case.pk).text
        assert "data-copy" not in page
        assert "没有批准的文本" in page

    def test_to_be_copied_within_the_limits_only(
        self, case: Case, worker: Desk, texts: dict[str, MessageText], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        quick = worker.url("contact_quick", pk=case.pk)

        def pages() -> list[str]:
            return [
                worker.get("contact_new", pk=case.pk).text,
                worker.client.get(quick, headers={"HX-Request": "true"}).text,
            ]  # fmt: skip

        assert all("data-copy" in page and "李业主您好" in page for page in pages())
        monkeypatch.setattr(timezone, "now", lambda: LATER.replace(hour=21))
        assert not any("data-copy" in page or "李业主您好" in page for page in pages())

    def test_three_calls_leave_the_message(self, case: Case, worker: Desk, texts: dict[str, MessageText]) -> None:
        for _ in range(3):
            create_contact(case=case, outcome=Outcome.NO_ANSWER, at=NOW)
        page = worker.get("contact_new", pk=case.pk)
        assert (page.context_data["clearance"].allowed, page.context_data["may_send"]) == (False, True)
        assert "data-copy" in page.text

    def test_the_screenshot_is_kept_with_the_contact(self, case: Case, worker: Desk, project: Project) -> None:
        shot = SimpleUploadedFile("shot.png", photo(width=60, height=40), "image/png")
        form = {
            "submission": str(uuid.uuid4()), "channel": "wechat", "outcome": "met_owner", "payment": "not_discussed",
            "next_contact": "by_rule", "happened_at": "2025-11-23T10:40", "screenshots": [shot],
        }  # fmt: skip
        assert worker.post("contact_new", form, pk=case.pk).status_code == 302
        kept = ContactFile.objects.get()
        assert (kept.contact.channel, kept.file.content_type) == ("wechat", "image/jpeg")
        url = worker.url("contact_file", pk=kept.pk)
        assert url in worker.get("case", pk=case.pk).text
        answer = worker.client.get(url)
        assert (answer.status_code, answer["Cache-Control"]) == (200, "private, no-store")
        stranger = Desk(project, user=create_field_worker(project=project, name="林嘉豪"))
        assert stranger.client.get(url).status_code == 404

    @pytest.mark.parametrize("content", [b"%PDF-1.7", b"", b"GIF89a"])
    def test_what_is_no_picture_is_refused_and_nothing_lost(self, case: Case, worker: Desk, content: bytes) -> None:
        form = {
            "submission": str(uuid.uuid4()), "channel": "wechat", "outcome": "met_owner", "payment": "not_discussed",
            "next_contact": "by_rule", "happened_at": "2025-11-23T10:40", "note": "已发账单",
            "screenshots": [SimpleUploadedFile("shot.png", content, "image/png")],
        }  # fmt: skip
        answer = worker.post("contact_new", form, pk=case.pk)
        assert answer.context_data["form"].errors.keys() == {"screenshots"}
        assert "已发账单" in answer.text
        assert not ContactAttempt.objects.exists()

    def test_what_an_owner_sends_counts_for_no_limit(self, case: Case, worker: Desk) -> None:
        for _ in range(9):
            form = {
                "submission": str(uuid.uuid4()), "channel": "wechat", "outcome": "met_owner", "is_incoming": "on",
                "payment": "not_discussed", "next_contact": "by_rule", "happened_at": "2025-11-23T10:40",
            }  # fmt: skip
            worker.post("contact_new", form, pk=case.pk)
        assert not ContactAttempt.objects.exclude(breach="").exists()
        assert worker.get("contact_new", pk=case.pk).context_data["clearance"].allowed
