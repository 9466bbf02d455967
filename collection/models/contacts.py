from datetime import date, timedelta
from typing import Self

import pgtrigger
from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from collection.models.cases import CaseScoped
from company.freezing import FirmTrigger, freeze

# By it the parts of a contact are known to be one with it.
WHOLE_ID = Coalesce("part_of", "pk", output_field=models.BigIntegerField())


class ContactQuerySet(CaseScoped["ContactAttempt"]):
    def wholes(self) -> Self:
        """Each contact once, at the case at whose door or number it was; what counts contacts asks for these."""
        return self.filter(part_of=None)


class PartsFollow(FirmTrigger):
    """The parts of a contact are what it is, on other cases of its project; none has parts of its own.

    It looks when the transaction ends, since a correction writes the contact first and its parts after it.
    """

    when = pgtrigger.After
    level = pgtrigger.Row
    timing = pgtrigger.Deferred

    def __init__(self, operation: pgtrigger.Operation, *, condition: pgtrigger.Q | None = None) -> None:
        super().__init__(name=f"parts_follow_{operation}".lower(), operation=operation, condition=condition)

    def get_func(self, model: type[models.Model]) -> str:
        same = ("project_id", "channel", "is_incoming", "outcome", "happened_at", "recorded_at", "recorded_by_id")
        part, whole = (", ".join(f"{row}.{column}" for column in same) for row in ("part", "whole"))
        return f"""
            PERFORM FROM collection_contactattempt c WHERE c.id = NEW.part_of_id FOR SHARE;
            IF EXISTS (SELECT FROM collection_contactattempt part
                       JOIN collection_contactattempt whole ON whole.id = part.part_of_id
                       JOIN collection_case c ON c.id = part.case_id
                       WHERE (part.id = NEW.id OR part.part_of_id = NEW.id)
                       AND (({part}) IS DISTINCT FROM ({whole})
                            OR part.case_id = whole.case_id OR c.project_id <> whole.project_id
                            OR whole.part_of_id IS NOT NULL)) THEN
                RAISE EXCEPTION 'a part is what its contact is, on another case of the project, and has no parts'
                    USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NULL;
        """  # noqa: S608  columns of this file


class ContactAttempt(models.Model):
    """One contact that happened, by any channel, with its outcome. What happened is always recorded.

    ``happened_at`` is the phone's or the person's word, ``recorded_at`` the server's clock. One visit that served
    several units of a person has a part on each of the other cases: these see it, and it counts once.
    """

    class Channel(models.TextChoices):
        VISIT = "visit", _("visit")
        CALL = "call", _("phone call")
        SMS = "sms", _("SMS")
        WECHAT = "wechat", _("WeChat")
        EMAIL = "email", _("e-mail")

    class Outcome(models.TextChoices):
        MET_OWNER = "met_owner", _("met the owner")
        MET_OTHER = "met_other", _("family or tenant")
        NO_ANSWER = "no_answer", _("nobody answered")
        REFUSED = "refused", _("would not talk")
        POSTPONED = "postponed", _("asked for another time")
        VACANT = "vacant", _("flat is vacant")
        WRONG_PERSON = "wrong_person", _("not the owner's number")
        PASSED_ON = "passed_on", _("asked to pass it on")

        def word_for(self, channel: str) -> str:
            """How it is called on a channel: on the phone nobody opens a door."""
            if self.value != "no_answer" or channel == ContactAttempt.Channel.VISIT:
                return str(self.label)
            return gettext("did not pick up") if channel == ContactAttempt.Channel.CALL else gettext("did not reply")

    class Payment(models.TextChoices):
        """What was said about paying."""

        PROMISED = "promised", _("promised a date")
        CLAIMS_PAID = "claims_paid", _("says it is paid")
        WILL_NOT_PAY = "will_not_pay", _("will not pay")
        NOT_DISCUSSED = "not_discussed", _("fees not discussed")

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="+")
    case = models.ForeignKey("collection.Case", models.PROTECT, related_name="contacts")
    channel = models.CharField(_("channel"), max_length=8, choices=Channel)
    is_incoming = models.BooleanField(_("by the owner"), default=False, help_text=_("Counts for no limit."))
    phone = models.ForeignKey("owners.Phone", models.SET_NULL, null=True, blank=True, related_name="+")
    emergency_contact = models.ForeignKey(
        "owners.EmergencyContact", models.SET_NULL, null=True, blank=True, related_name="+"
    )
    outcome = models.CharField(_("outcome"), max_length=12, choices=Outcome)
    payment = models.CharField(_("paying"), max_length=14, choices=Payment, default=Payment.NOT_DISCUSSED)
    happened_at = models.DateTimeField(_("when"))
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey("company.User", models.PROTECT, related_name="+")
    note = models.TextField(_("note"), blank=True, max_length=2000)
    breach = models.CharField(
        _("limits that were passed"),
        max_length=200,
        blank=True,
        help_text=_("Names of limits with commas between them. Recorded all the same, and flagged."),
    )
    submission = models.UUIDField(
        null=True, blank=True, unique=True, help_text=_("The form that sent it: sent again it is one contact.")
    )

    part_of = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="parts",
        help_text=_("The visit that served this case too. What was said stands there."),
    )  # fmt: skip

    objects = ContactQuerySet.as_manager()

    class Meta:
        ordering = ["-happened_at"]
        triggers = [
            PartsFollow(pgtrigger.Insert, condition=pgtrigger.Q(new__part_of__isnull=False)),
            PartsFollow(pgtrigger.Update),
        ]
        indexes = [models.Index(fields=["case", "-happened_at"], name="contact_of_case")]
        constraints = [
            models.UniqueConstraint(fields=["part_of", "case"], name="one_part_a_case"),
            models.CheckConstraint(
                condition=Q(part_of=None)
                | Q(channel="visit", payment="not_discussed", note="", breach="", submission=None)
                & Q(phone=None, emergency_contact=None),
                name="part_says_nothing_itself",
            ),
        ]

    @property
    def whole(self) -> "ContactAttempt":
        """The contact itself, whichever of its cases this row stands on."""
        return self.part_of or self


class PromiseToPay(models.Model):
    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        KEPT = "kept", _("kept")
        PARTLY = "partly", _("partly kept")
        BROKEN = "broken", _("broken")
        REPLACED = "replaced", _("replaced by another")

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="+")
    case = models.ForeignKey("collection.Case", models.PROTECT, related_name="promises")
    contact = models.OneToOneField(ContactAttempt, models.PROTECT, related_name="promise")
    pay_by = models.DateField(_("pays by"))
    amount = models.DecimalField(_("amount"), max_digits=12, decimal_places=2)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.WAITING)
    judged_on = models.DateField(null=True, blank=True)
    paid = models.DecimalField(
        _("paid by then"), max_digits=14, decimal_places=2, default=0, help_text=_("As known when it was judged.")
    )

    objects = CaseScoped["PromiseToPay"].as_manager()

    class Meta:
        ordering = ["-pay_by"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="promise_amount_positive"),
            models.CheckConstraint(
                condition=Q(state="waiting", judged_on__isnull=True)
                | (~Q(state="waiting") & Q(judged_on__isnull=False)),
                name="judged_promise_says_when",
            ),
            models.CheckConstraint(condition=Q(paid__gte=0), name="promise_paid_not_negative"),
        ]
        indexes = [models.Index(fields=["pay_by"], condition=Q(state="waiting"), name="promise_waiting")]


class OwnerRequest(models.Model):
    """What an owner asks for or complains about. While it is unanswered the case is not pressed."""

    ANSWER_WITHIN = timedelta(days=3)

    class Kind(models.TextChoices):
        REQUEST = "request", _("request")
        OPINION = "opinion", _("opinion")
        SUGGESTION = "suggestion", _("suggestion")
        COMPLAINT = "complaint", _("complaint")
        REPAIR = "repair", _("repair")

    class Department(models.TextChoices):
        ENGINEERING = "engineering", _("engineering")
        SECURITY = "security", _("security")
        ENVIRONMENT = "environment", _("environment")
        SERVICE = "service", _("customer service")
        FINANCE = "finance", _("finance")

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="+")
    case = models.ForeignKey("collection.Case", models.PROTECT, related_name="requests")
    contact = models.ForeignKey(ContactAttempt, models.PROTECT, null=True, blank=True, related_name="requests")
    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    text = models.TextField(_("text"), max_length=2000)
    department = models.CharField(_("department"), max_length=12, choices=Department, default=Department.SERVICE)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey("company.User", models.PROTECT, related_name="+")
    agreed_on = models.DateField(
        _("agreed date"), null=True, blank=True, help_text=_("Of the repair or the next look; no visit before it.")
    )
    answer = models.TextField(_("answer"), blank=True, max_length=2000)
    answered_at = models.DateTimeField(null=True, blank=True)
    answered_by = models.ForeignKey("company.User", models.PROTECT, null=True, blank=True, related_name="+")
    submission = models.UUIDField(
        null=True, blank=True, unique=True, help_text=_("The form that sent it: sent again it is one request.")
    )

    objects = CaseScoped["OwnerRequest"].as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(answered_at__isnull=True, answered_by__isnull=True, answer="")
                | (Q(answered_at__isnull=False, answered_by__isnull=False) & ~Q(answer="")),
                name="answer_says_who_and_when",
            )
        ]
        indexes = [models.Index(fields=["case"], condition=Q(answered_at__isnull=True), name="request_unanswered")]

    @property
    def answer_due_on(self) -> date:
        return timezone.localdate(self.created_at + self.ANSWER_WITHIN)


class LimitOverride(models.Model):
    """The project manager's leave to pass limits on one case, by one channel, for one day, with the reason."""

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="+")
    case = models.ForeignKey("collection.Case", models.PROTECT, related_name="overrides")
    channel = models.CharField(_("channel"), max_length=8, choices=ContactAttempt.Channel)
    day = models.DateField(_("day"))
    reason = models.CharField(_("reason"), max_length=400)
    granted_by = models.ForeignKey("company.User", models.PROTECT, related_name="+")
    granted_at = models.DateTimeField()

    objects = CaseScoped["LimitOverride"].as_manager()

    class Meta:
        ordering = ["-pk"]
        triggers = freeze()
        constraints = [
            models.UniqueConstraint(fields=["case", "channel", "day"], name="one_override_a_day"),
            models.CheckConstraint(condition=~Q(reason=""), name="override_says_why"),
        ]
