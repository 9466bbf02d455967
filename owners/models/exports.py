from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from pgtrigger import Before, Row, Update

from company.freezing import FirmTrigger, keep
from company.scoping import ProjectScoped

DECIDED = Q(state__in=["consented", "refused", "used"])


class ConsentIsUsedOnce(FirmTrigger):
    """What was decided stays decided, and a consent that was used is used up."""

    when = Before
    operation = Update
    level = Row

    def get_func(self, model: type[models.Model]) -> str:
        return """
            IF OLD.state = 'waiting' OR NEW IS NOT DISTINCT FROM OLD THEN
                RETURN NEW;
            END IF;
            IF OLD.state = 'consented' AND NEW.state = 'used' AND NEW.used_at <= OLD.usable_until
                AND (NEW.decided_by_id, NEW.decided_at, NEW.usable_until, NEW.decision_note)
                    IS NOT DISTINCT FROM (OLD.decided_by_id, OLD.decided_at, OLD.usable_until, OLD.decision_note) THEN
                RETURN NEW;
            END IF;
            RAISE EXCEPTION 'a consent is decided and used once' USING ERRCODE = 'restrict_violation';
        """


class ExportLimit(models.Model):
    """From how many people on an export with personal data needs a second person's consent, as the project set it."""

    project = models.OneToOneField("company.Project", models.PROTECT, primary_key=True, related_name="export_limit")
    people = models.PositiveIntegerField(_("people in one export without a second person"))
    changed_at = models.DateTimeField()
    changed_by = models.ForeignKey("company.User", models.PROTECT, related_name="+")

    objects = ProjectScoped["ExportLimit"].as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(people__gte=1, people__lte=100_000), name="export_limit_in_range")
        ]

    def __str__(self) -> str:
        return f"{self.people}"


class ExportConsent(models.Model):
    """One export with the personal data of many: asked for, consented to by another, made once within a day (D4)."""

    class State(models.TextChoices):
        WAITING = "waiting", pgettext_lazy("consent", "waits for a second person")
        CONSENTED = "consented", pgettext_lazy("consent", "may be exported once")
        REFUSED = "refused", pgettext_lazy("consent", "refused")
        WITHDRAWN = "withdrawn", pgettext_lazy("consent", "withdrawn")
        USED = "used", pgettext_lazy("consent", "exported")

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="+")
    kind = models.SlugField(max_length=40)
    title = models.CharField(_("what is exported"), max_length=120)
    path = models.CharField(max_length=200, help_text=_("Where the export is made, with its filter and form."))
    query = models.TextField(blank=True)
    data = models.JSONField(default=dict)
    people = models.PositiveIntegerField(_("people"))
    reason = models.CharField(_("what it is needed for"), max_length=400)
    state = models.CharField(_("state"), max_length=9, choices=State, default=State.WAITING)
    requested_at = models.DateTimeField()
    requested_by = models.ForeignKey("company.User", models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey("company.User", models.PROTECT, null=True, blank=True, related_name="+")
    decision_note = models.CharField(_("note on the decision"), max_length=400, blank=True)
    usable_until = models.DateTimeField(null=True, blank=True)
    used_at = models.DateTimeField(null=True, blank=True)
    submission = models.UUIDField(unique=True)

    objects = ProjectScoped["ExportConsent"].as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(condition=~Q(reason="") & Q(people__gte=1), name="export_consent_says_what_for"),
            models.CheckConstraint(
                condition=Q(decided_by=None) | ~Q(decided_by=F("requested_by")), name="export_consented_by_another"
            ),
            models.CheckConstraint(
                condition=(DECIDED & Q(decided_by__isnull=False, decided_at__isnull=False))
                | (~DECIDED & Q(decided_by=None, decided_at=None)),
                name="export_decision_has_who_and_when",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["consented", "used"], usable_until__gt=F("decided_at"))
                | (~Q(state__in=["consented", "used"]) & Q(usable_until=None)),
                name="export_consent_ends",
            ),
            models.CheckConstraint(
                condition=Q(state="used", used_at__isnull=False) | (~Q(state="used") & Q(used_at=None)),
                name="export_used_says_when",
            ),
        ]
        triggers = [
            *keep(
                "project", "kind", "title", "path", "query", "data", "people", "reason", "requested_at",
                "requested_by", "submission",
            ),
            ConsentIsUsedOnce(name="used_once"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.title
