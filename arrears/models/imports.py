from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from arrears.models.scoping import LedgerScoped
from company.freezing import freeze, keep
from company.scoping import ProjectScoped
from owners.models import Unit
from owners.personal_data import EncryptedTextField


class Import(models.Model):
    """One uploaded workbook on its way into the ledger: read → columns confirmed → checked → posted.

    The row is the work order: a worker claims it by a guarded update (arrears.importing.steps), and the sweep of each
    minute finds what a killed worker left.
    """

    class Kind(models.TextChoices):
        CHARGES = "charges", _("charges")
        PAYMENTS = "payments", _("payments")
        ARREARS_LIST = "arrears_list", _("arrears list")
        OWNERS = "owners", _("owners and contacts")

    class State(models.TextChoices):
        UPLOADED = "uploaded", _("waiting to be read")
        READING = "reading", _("being read")
        COLUMNS = "columns", _("columns to confirm")
        CONFIRMED = "confirmed", _("waiting to be checked")
        CHECKING = "checking", _("being checked")
        CHECKED = "checked", _("checked, not posted")
        APPROVED = "approved", _("waiting to be posted")
        POSTING = "posting", _("being posted")
        POSTED = "posted", _("posted")
        UNDO_ASKED = "undo_asked", _("waiting to be undone")
        UNDOING = "undoing", _("being undone")
        REFUSED = "refused", _("refused")
        CANCELLED = "cancelled", _("cancelled")
        UNDONE = "undone", _("undone")

    COMING_STATES = (State.UPLOADED, State.CONFIRMED, State.APPROVED)
    WAITING_STATES = (*COMING_STATES, State.UNDO_ASKED)
    UNDER_CHECK_STATES = (State.READING, State.CHECKING, State.POSTING)
    WORKING_STATES = (*UNDER_CHECK_STATES, State.UNDOING)
    ASKING_STATES = (State.COLUMNS, State.CHECKED)
    NOTHING_POSTED_STATES = (*ASKING_STATES, *COMING_STATES, State.REFUSED, State.CANCELLED)
    OPEN_STATES = COMING_STATES + UNDER_CHECK_STATES + ASKING_STATES
    IN_LEDGER_STATES = (State.POSTED, State.UNDO_ASKED, State.UNDOING)

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="imports")
    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.UPLOADED)
    file = models.ForeignKey("company.StoredFile", models.PROTECT, null=True, blank=True, related_name="+")
    file_name = models.CharField(_("file"), max_length=255)
    file_sha256 = models.CharField(max_length=64)
    marked_file = models.ForeignKey(
        "company.StoredFile", models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    layout = models.JSONField(default=dict, help_text=_("Sheets, header rows and the columns as recognised."))
    findings = models.JSONField(default=dict, help_text=_("What the check found beside errors: totals, new units."))
    create_units = models.BooleanField(_("create missing units"), default=False)
    good_rows_only = models.BooleanField(_("posts the good rows only"), default=False)
    as_of = models.DateField(_("as of"), null=True, blank=True)
    options = models.JSONField(default=dict, help_text=_("What a person decided about the file beside its columns."))
    rows = models.PositiveIntegerField(_("data rows"), default=0)
    good_rows = models.PositiveIntegerField(default=0)
    bad_rows = models.PositiveIntegerField(default=0)
    skipped_total_rows = models.PositiveIntegerField(default=0)
    known_rows = models.PositiveIntegerField(_("already in the ledger"), default=0)
    posted_rows = models.PositiveIntegerField(default=0)
    due = models.DecimalField(max_digits=16, decimal_places=2, default=0)
    paid = models.DecimalField(max_digits=16, decimal_places=2, default=0)
    outstanding = models.DecimalField(max_digits=16, decimal_places=2, default=0)
    printed_late_fee = models.DecimalField(max_digits=16, decimal_places=2, default=0)
    refusal = models.CharField(max_length=40, blank=True, help_text=_("Code of the sentence that says why."))
    refusal_params = models.JSONField(default=dict)
    claimed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    posted_at = models.DateTimeField(null=True, blank=True)
    posted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")

    objects = LedgerScoped.as_manager()

    class Meta:
        ordering = ["-pk"]
        triggers = keep("project")
        constraints = [
            models.CheckConstraint(condition=~Q(state="refused") | ~Q(refusal=""), name="refused_import_says_why"),
            models.CheckConstraint(
                condition=~Q(state="posted") | Q(posted_at__isnull=False), name="posted_import_says_when"
            ),
            models.CheckConstraint(
                condition=~Q(state="undone") | Q(undone_at__isnull=False), name="undone_import_says_when"
            ),
        ]
        indexes = [
            models.Index(
                fields=["state"],
                condition=Q(
                    state__in=[
                        *("uploaded", "reading", "confirmed", "checking", "approved", "posting"),
                        *("undo_asked", "undoing"),
                    ]
                ),
                name="import_work_left",
            )
        ]

    def __str__(self) -> str:
        return self.file_name


class ImportIssue(models.Model):
    """One thing wrong or notable in a workbook, at its place. ``params`` fill the message of ``code``."""

    class Severity(models.TextChoices):
        ERROR = "error", _("error")
        WARNING = "warning", _("warning")

    workbook = models.ForeignKey(Import, models.CASCADE, related_name="issues", db_column="import_id")
    severity = models.CharField(max_length=8, choices=Severity, default=Severity.ERROR)
    sheet = models.CharField(max_length=60, blank=True)
    row = models.PositiveIntegerField(null=True, blank=True)
    column = models.CharField(max_length=60, blank=True)
    value = models.CharField(max_length=200, blank=True)
    code = models.CharField(max_length=40)
    params = models.JSONField(default=dict)

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["workbook", "severity", "row"], name="issue_place")]

    def __str__(self) -> str:
        return f"{self.sheet}!{self.column}{self.row}: {self.code}"


class StagedUnit(models.Model):
    """A unit that a checked workbook names and the register lacks; made when the import is posted."""

    workbook = models.ForeignKey(Import, models.CASCADE, related_name="staged_units", db_column="import_id")
    code = models.CharField(max_length=80)
    building = models.CharField(max_length=40)
    entrance = models.CharField(max_length=20, blank=True)
    room = models.CharField(max_length=40)
    usage = models.CharField(max_length=12, choices=Unit.Usage)
    area = models.DecimalField(max_digits=9, decimal_places=2, null=True, blank=True)
    owners = models.CharField(max_length=400, blank=True, help_text=_("Names as printed, several joined by 、"))

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workbook", "code"], name="staged_unit_once")]

    def __str__(self) -> str:
        return self.code


class StagedCharge(models.Model):
    """A checked row that waits to be posted; written by COPY, posted by INSERT … SELECT, then removed.

    ``unit_id`` is empty for a unit that is made when the import is posted. A row that spans years is staged by month.
    """

    workbook = models.ForeignKey(Import, models.CASCADE, related_name="staged", db_column="import_id", db_index=False)
    sheet = models.CharField(max_length=60)
    row = models.PositiveIntegerField()
    unit_id = models.BigIntegerField(null=True)
    unit_code = models.CharField(max_length=80)
    fee_type_id = models.BigIntegerField()
    period_start = models.DateField()
    period_end = models.DateField()
    due_on = models.DateField()
    amount = models.DecimalField(max_digits=12, decimal_places=2, help_text=_("Due less waived."))
    waived = models.DecimalField(max_digits=12, decimal_places=2)
    received = models.DecimalField(
        max_digits=12, decimal_places=2, null=True, help_text=_("Empty: the sheet does not say.")
    )
    external_id = models.CharField(max_length=80, blank=True)

    class Meta:
        indexes = [models.Index(fields=["workbook", "row"], name="staged_of_import")]

    def __str__(self) -> str:
        return f"{self.sheet}!{self.row}"


class StagedPayment(models.Model):
    """A checked payment that waits to be posted; written by COPY, posted by INSERT … SELECT, then removed."""

    workbook = models.ForeignKey(
        Import, models.CASCADE, related_name="staged_payments", db_column="import_id", db_index=False
    )
    sheet = models.CharField(max_length=60)
    row = models.PositiveIntegerField()
    unit_id = models.BigIntegerField(null=True)
    unit_code = models.CharField(max_length=80)
    fee_type_id = models.BigIntegerField(null=True)
    received_on = models.DateField()
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    method = models.CharField(max_length=8, blank=True)
    serial_no = models.CharField(max_length=80, blank=True)
    receipt_no = models.CharField(max_length=40, blank=True)
    note = models.CharField(max_length=400, blank=True)

    class Meta:
        indexes = [models.Index(fields=["workbook", "row"], name="staged_payments_of_import")]

    def __str__(self) -> str:
        return f"{self.sheet}!{self.row}"


class ListedAmount(models.Model):
    """What an arrears list prints for a unit and a fee, also where that is nothing; kept once the list is posted.

    So it is known what the list says and which units and fees it speaks of. ``window`` tells which charges the amount
    is compared with; ``is_dated``: the sheet prints the period. A negative amount is credit.
    """

    class Window(models.TextChoices):
        CURRENT = "current", _("current arrears")
        EARLIER = "earlier", _("earlier arrears")
        THIS_YEAR = "this_year", _("arrears of this year")
        PRIOR_YEARS = "prior_years", _("arrears of prior years")
        WHOLE = "whole", _("all arrears")

    workbook = models.ForeignKey(Import, models.CASCADE, related_name="listed", db_column="import_id", db_index=False)
    sheet = models.CharField(max_length=60)
    row = models.PositiveIntegerField()
    column = models.CharField(max_length=3)
    unit_id = models.BigIntegerField(null=True)
    unit_code = models.CharField(max_length=80)
    fee_type_id = models.BigIntegerField()
    window = models.CharField(max_length=12, choices=Window)
    period_start = models.DateField()
    period_end = models.DateField()
    is_dated = models.BooleanField()
    amount = models.DecimalField(max_digits=12, decimal_places=2)

    class Meta:
        indexes = [
            models.Index(fields=["workbook", "row"], name="listed_of_import"),
            models.Index(fields=["unit_id", "fee_type_id"], name="listed_of_unit"),
        ]

    def __str__(self) -> str:
        return f"{self.sheet}!{self.column}{self.row}"


class StagedOwner(models.Model):
    """A person on a unit as a checked list of owners names them; written by COPY, merged by posting, then removed.

    A row that names several co-owners is staged once for each. ``contacts`` holds ID number, phones and addresses as
    JSON, encrypted.
    """

    workbook = models.ForeignKey(
        Import, models.CASCADE, related_name="staged_owners", db_column="import_id", db_index=False
    )
    sheet = models.CharField(max_length=60)
    row = models.PositiveIntegerField()
    unit_id = models.BigIntegerField(null=True)
    unit_code = models.CharField(max_length=80)
    name = models.CharField(max_length=120, blank=True)
    contacts = EncryptedTextField()
    area = models.DecimalField(max_digits=9, decimal_places=2, null=True)
    usage = models.CharField(max_length=12, choices=Unit.Usage, blank=True)
    is_vacant = models.BooleanField(null=True)

    class Meta:
        indexes = [models.Index(fields=["workbook", "row"], name="staged_owners_of_import")]

    def __str__(self) -> str:
        return f"{self.sheet}!{self.row}"


class RegisterChange(models.Model):
    """One row of the register that a posted list of owners made, or one column of it that it changed.

    Undoing the import goes by these rows and leaves them as the trace of what it did. ``column`` is empty for a row
    that was made; of ID numbers ``before`` and ``after`` hold the keyed hash.
    """

    class Table(models.TextChoices):
        BUILDING = "building", _("building")
        UNIT = "unit", _("unit")
        OWNERSHIP = "ownership", _("ownership")
        MEMBER = "member", _("co-owner")
        OWNER = "owner", pgettext_lazy("register", "owner")
        PHONE = "phone", _("phone")
        EMAIL = "email", _("e-mail")
        ADDRESS = "address", _("address")
        EMERGENCY = "emergency", _("emergency contact")
        OCCUPANT = "occupant", _("occupant")

    workbook = models.ForeignKey(Import, models.PROTECT, related_name="register_changes", db_column="import_id")
    sheet = models.CharField(max_length=60)
    row = models.PositiveIntegerField()
    table = models.CharField(max_length=10, choices=Table)
    object_id = models.BigIntegerField()
    column = models.CharField(max_length=20, blank=True)
    before = models.TextField(null=True)
    after = models.TextField(null=True)

    class Meta:
        indexes = [models.Index(fields=["table", "object_id"], name="register_change_of")]
        triggers = freeze()

    def __str__(self) -> str:
        return f"{self.table} {self.object_id} {self.column}".strip()


class ColumnMapping(models.Model):
    """The columns that somebody confirmed for sheets with these headers, to be offered next time."""

    project = models.ForeignKey("company.Project", models.CASCADE, related_name="+")
    kind = models.CharField(max_length=12, choices=Import.Kind)
    fingerprint = models.CharField(max_length=64, help_text=_("SHA-256 of the normalised header texts."))
    columns = models.JSONField()
    confirmed_at = models.DateTimeField()
    confirmed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")

    objects = ProjectScoped.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "kind", "fingerprint"], name="mapping_once_per_shape")
        ]
