from typing import Self, TypeVar

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from pgtrigger import Before, Insert, Row

from company.freezing import FirmTrigger, freeze
from company.models import User
from company.rights import RIGHTS, Right, projects_with_roles
from company.scoping import ProjectScoped

HeldRow = TypeVar("HeldRow", bound=models.Model)


class AboutWhoRecordedIt(FirmTrigger):
    """``member`` is who recorded the contact: from that person it is hidden, and that person never settles it."""

    name = "about_who_recorded_it"
    when = Before
    operation = Insert
    level = Row

    def get_func(self, model: type[models.Model]) -> str:
        return f"""
            IF NOT EXISTS (
                SELECT FROM collection_contactattempt c
                WHERE c.id = NEW.contact_id AND c.recorded_by_id = NEW.member_id AND c.project_id = NEW.project_id
            ) THEN
                RAISE EXCEPTION '{model._meta.db_table}: member did not record this contact'
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        """


class ConductQuerySet(ProjectScoped[HeldRow]):
    """What is said of a member's conduct: for who answers for it, and never for the member."""

    def visible_to(self, user: User | AnonymousUser) -> Self:
        projects = projects_with_roles(user, RIGHTS[Right.ANSWER_CONDUCT])
        return self.filter(project__in=projects).exclude(member=user.pk)


class ConductComplaint(models.Model):
    """What somebody holds against the conduct at a contact; answered once, by another than ``member``."""

    class Complainant(models.TextChoices):
        OWNER = "owner", _("owner")
        FAMILY = "family", _("family or tenant")
        NEIGHBOUR = "neighbour", _("neighbour")
        COLLEAGUE = "colleague", _("colleague")

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="+")
    contact = models.ForeignKey("collection.ContactAttempt", models.PROTECT, related_name="complaints")
    member = models.ForeignKey("company.User", models.PROTECT, related_name="+")
    complainant = models.CharField(_("by whom"), max_length=10, choices=Complainant)
    text = models.CharField(_("what"), max_length=2000)
    complained_at = models.DateTimeField(_("when"))
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey("company.User", models.PROTECT, related_name="+")
    submission = models.UUIDField(unique=True, help_text=_("The form that sent it: sent again it is one complaint."))
    answer = models.CharField(_("answer"), max_length=2000, null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    answered_by = models.ForeignKey("company.User", models.PROTECT, null=True, blank=True, related_name="+")

    objects = ConductQuerySet["ConductComplaint"].as_manager()

    class Meta:
        ordering = ["-complained_at", "-pk"]
        triggers = [*freeze(once=("answer", "answered_at", "answered_by")), AboutWhoRecordedIt()]
        constraints = [
            models.CheckConstraint(condition=~Q(text=""), name="conduct_complaint_says_something"),
            models.CheckConstraint(
                condition=Q(complained_at__lte=F("recorded_at")), name="conduct_complaint_before_it_is_recorded"
            ),
            models.CheckConstraint(
                condition=Q(answer__isnull=True, answered_at__isnull=True, answered_by__isnull=True)
                | Q(answer__isnull=False, answered_at__isnull=False, answered_by__isnull=False) & ~Q(answer=""),
                name="conduct_answer_whole",
            ),
            models.CheckConstraint(
                condition=Q(answered_by__isnull=True) | ~Q(answered_by=F("member")),
                name="conduct_answered_by_another",
            ),
        ]
        indexes = [
            models.Index(fields=["project"], condition=Q(answered_at__isnull=True), name="conduct_unanswered"),
        ]

    def __str__(self) -> str:
        return f"{self.pk}"


class CallBackDraw(models.Model):
    """The draw of a week's contacts for call-backs. With ``seed`` anybody can draw again and compare.

    The week is that in which contacts were recorded, by the server's clock: it is complete when it is over, and a
    visit that a phone sends late belongs to the week in which it arrives.
    """

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="+")
    week_start = models.DateField(_("week from"))
    seed = models.CharField(max_length=64)
    population = models.PositiveIntegerField(help_text=_("Contacts recorded in the week."))
    drawn_at = models.DateTimeField()

    objects = ProjectScoped["CallBackDraw"].as_manager()

    class Meta:
        ordering = ["-week_start"]
        triggers = freeze()
        constraints = [
            models.UniqueConstraint(fields=["project", "week_start"], name="one_draw_a_week"),
            models.CheckConstraint(condition=Q(week_start__iso_week_day=1), name="draw_week_starts_on_monday"),
            models.CheckConstraint(condition=Q(population__gt=0) & ~Q(seed=""), name="draw_has_seed_and_population"),
        ]

    def __str__(self) -> str:
        return f"{self.week_start}"


class CallBack(models.Model):
    """One contact that was drawn: the owner is called by another than ``member``, and the result is kept."""

    class Result(models.TextChoices):
        AS_RECORDED = "as_recorded", _("as recorded, polite")
        DIFFERENT = "different", _("differs from the record")
        RUDE = "rude", _("conduct is criticised")
        NOT_REACHED = "not_reached", _("nobody reached")
        NOT_WANTED = "not_wanted", _("does not want to be asked")

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="+")
    draw = models.ForeignKey(CallBackDraw, models.PROTECT, related_name="call_backs")
    contact = models.ForeignKey("collection.ContactAttempt", models.PROTECT, related_name="call_backs")
    member = models.ForeignKey("company.User", models.PROTECT, related_name="+")
    result = models.CharField(_("result"), max_length=12, choices=Result, null=True, blank=True)
    note = models.CharField(_("note"), max_length=1000, null=True, blank=True)
    called_at = models.DateTimeField(null=True, blank=True)
    called_by = models.ForeignKey("company.User", models.PROTECT, null=True, blank=True, related_name="+")

    objects = ConductQuerySet["CallBack"].as_manager()

    class Meta:
        ordering = ["pk"]
        triggers = [*freeze(once=("result", "note", "called_at", "called_by")), AboutWhoRecordedIt()]
        constraints = [
            models.UniqueConstraint(fields=["draw", "contact"], name="drawn_once_a_week"),
            models.CheckConstraint(
                condition=Q(result__isnull=True, note__isnull=True, called_at__isnull=True, called_by__isnull=True)
                | Q(result__isnull=False, note__isnull=False, called_at__isnull=False, called_by__isnull=False),
                name="call_back_result_whole",
            ),
            models.CheckConstraint(
                condition=~Q(result__in=["different", "rude"]) | ~Q(note=""), name="call_back_says_what_differs"
            ),
            models.CheckConstraint(
                condition=Q(called_by__isnull=True) | ~Q(called_by=F("member")), name="call_back_by_another"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk}"
