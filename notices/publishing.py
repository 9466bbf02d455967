"""Announcements and sheets for all: given a number once, frozen, and printed from what was frozen."""

from datetime import date, datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from company.audit import record
from company.files import store_file
from company.models import FilePurpose, Project, StoredFile, User
from notices.fields import Fault, check_text, empty_fields, in_braces
from notices.images import images_in_use, pictures_of
from notices.kinds import PUBLIC_KINDS, KindRules
from notices.letter_data import content_sha256, public_data, shared_fields
from notices.models import NoticeTemplate, PublicKind, PublicNotice
from notices.numbering import take_numbers
from notices.rendering import picture_names, print_letters, unprintable


class PublicRefusedError(Exception):
    """Nothing was issued; ``faults`` say what is missing."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def approved_text(project: Project, kind: PublicKind) -> NoticeTemplate | None:
    """The text in force."""
    return NoticeTemplate.objects.filter(project=project, kind=kind, state=NoticeTemplate.State.APPROVED).first()


@transaction.atomic
def publish(project: Project, kind: PublicKind, *, deadline_on: date | None, by: User, now: datetime) -> PublicNotice:
    """Issue the text in force with the next number. Writes the audit trail.

    An announcement has a deadline. Raises PublicRefusedError.
    """
    rules, issue_on, template = PUBLIC_KINDS[kind], timezone.localdate(now), approved_text(project, kind)
    if template is None:
        raise PublicRefusedError([_("No text of this kind is approved yet.")])
    shared = shared_fields(project, None, issue_on=issue_on, deadline_on=deadline_on)
    if faults := [*_faults(template.body, shared, rules), *_deadline_faults(rules, issue_on, deadline_on)]:
        raise PublicRefusedError(faults)
    sequence = take_numbers(project, kind, issue_on.year)
    word = project.short_name or project.code
    data = public_data(
        shared,
        number=rules.number(project_word=word, year=issue_on.year, sequence=sequence),
        scan_code=rules.scan_code(year=issue_on.year, sequence=sequence),
        images=images_in_use(project, rules),
    )
    notice = PublicNotice.objects.create(
        project=project,
        kind=kind,
        template=template,
        year=issue_on.year,
        sequence=sequence,
        number=data["fields"]["函号"],
        issue_on=issue_on,
        deadline_on=deadline_on,
        data=data,
        content_sha256=content_sha256(template.body, data),
        issued_at=now,
        issued_by=by,
    )
    record(action="notices.published", by=by, project=project, obj=notice, number=notice.number)
    return notice


def _faults(body: str, shared: dict[str, str], rules: KindRules) -> list[str]:
    faults = [str(fault) for fault in check_text(body, rules)]
    known = [field for field in rules.fields if field.name in shared]
    if empty := empty_fields(body, shared, rules, among=known):
        names = in_braces(empty)
        faults.append(_("The text uses fields that the project's data leave empty: %(names)s.") % {"names": names})
    if missing := unprintable(body, {"fields": shared}):
        faults.append(str(Fault(None, _("The font cannot print: %(signs)s") % {"signs": missing})))
    return faults


def _deadline_faults(rules: KindRules, issue_on: date, deadline_on: date | None) -> list[str]:
    if not rules.deadline_days or (deadline_on and deadline_on >= issue_on + timedelta(days=rules.deadline_days)):
        return []
    return [_("The deadline must be at least %(days)s days after issue.") % {"days": rules.deadline_days}]


def public_file(notice: PublicNotice) -> StoredFile:
    """The PDF of ``notice``, printed from its frozen data when it is first asked for; every later call is that file.

    Not for use inside a transaction. Raises notices.press.PressError.
    """
    if notice.file is not None:
        return notice.file
    rules = PUBLIC_KINDS[PublicKind(notice.kind)]
    pictures = pictures_of(notice.project, picture_names([notice.data]))
    (printed,) = print_letters([(notice.template.body, notice.data)], rules, pictures=pictures)
    stored = store_file(
        project=notice.project,
        content=printed.pdf,
        name=f"{rules.title} {notice.number}.pdf",
        content_type="application/pdf",
        purpose=FilePurpose.NOTICE,
        by=notice.issued_by,
    )
    rows = PublicNotice.objects.filter(pk=notice.pk, file=None)
    rows.update(file=stored, file_sha256=stored.sha256, pages=printed.pages)
    notice.refresh_from_db(fields=["file", "file_sha256", "pages"])
    return notice.file or stored
