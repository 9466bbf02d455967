from collections.abc import Iterable
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from collection.models.teams import TeamMember
from company.freezing import freeze
from company.models import Role, User
from company.rights import FIELD, HEAD
from company.scoping import ProjectScoped

MOST_FORMS = 40


class VisitPackQuerySet(ProjectScoped["VisitPack"]):
    def shown_to(self, user: User, roles: Iterable[Role]) -> Self:
        """Field staff their own, heads those of their team, the others all of the project."""
        held = frozenset(roles)
        if held - FIELD - HEAD:
            return self
        mine = Q(member=user.pk)
        if held & HEAD:
            teams = TeamMember.objects.present().filter(user=user.pk).values("team")
            mine |= Q(member__in=TeamMember.objects.present().filter(team__in=teams).values("user"))
        return self.filter(mine)


class VisitPack(models.Model):
    """One printed copy of what a person takes along on a round. Another copy is another pack with another number.

    Its file is made once from ``data``; ``handed_out_at`` says when it was first opened to be printed.
    """

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="+")
    member = models.ForeignKey("company.User", models.PROTECT, related_name="+")
    day = models.DateField()
    year = models.PositiveSmallIntegerField()
    sequence = models.PositiveIntegerField()
    number = models.CharField(_("number"), max_length=40)
    reprint_of = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="reprints")
    reprint_reason = models.CharField(_("why it is printed again"), max_length=200, blank=True)
    data = models.JSONField(help_text=_("Everything that the list says, as text."))
    made_at = models.DateTimeField()
    made_by = models.ForeignKey("company.User", models.PROTECT, related_name="+")
    file = models.ForeignKey("company.StoredFile", models.PROTECT, null=True, blank=True, related_name="+")
    pages = models.PositiveSmallIntegerField(null=True, blank=True)
    handed_out_at = models.DateTimeField(null=True, blank=True)

    objects = VisitPackQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        triggers = freeze(once=("file", "pages", "handed_out_at"))
        constraints = [
            models.UniqueConstraint(fields=["project", "year", "sequence"], name="visit_pack_number_unique"),
            models.UniqueConstraint(fields=["reprint_of"], name="visit_pack_reprinted_once"),
            models.CheckConstraint(
                condition=Q(reprint_of=None, reprint_reason="") | (Q(reprint_of__isnull=False) & ~Q(reprint_reason="")),
                name="reprint_says_why",
            ),
        ]

    def __str__(self) -> str:
        return self.number


class PackedLetter(models.Model):
    """A notice that stands in a pack, to be handed over at the door."""

    pack = models.ForeignKey(VisitPack, models.PROTECT, related_name="letters")
    notice = models.ForeignKey("notices.Notice", models.PROTECT, related_name="+")

    class Meta:
        ordering = ["pk"]
        triggers = freeze()
        constraints = [models.UniqueConstraint(fields=["pack", "notice"], name="letter_once_in_a_pack")]


class ReceiptForm(models.Model):
    """A blank numbered receipt that goes along with a pack. It is used, or its end is noted once, by somebody else.

    Used are those whose number stands on money taken (CashTaken).
    """

    class Outcome(models.TextChoices):
        RETURNED = "returned", pgettext_lazy("receipt form", "handed back unused")
        SPOILED = "spoiled", pgettext_lazy("receipt form", "spoiled, handed back")
        LOST = "lost", pgettext_lazy("receipt form", "lost")

    project = models.ForeignKey("company.Project", models.PROTECT, related_name="+")
    pack = models.ForeignKey(VisitPack, models.PROTECT, related_name="forms")
    member = models.ForeignKey("company.User", models.PROTECT, related_name="+", help_text=_("Who took it along."))
    year = models.PositiveSmallIntegerField()
    sequence = models.PositiveIntegerField()
    number = models.CharField(_("number"), max_length=40)
    outcome = models.CharField(max_length=8, choices=Outcome, null=True, blank=True)
    note = models.CharField(_("note"), max_length=200, null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_by = models.ForeignKey("company.User", models.PROTECT, null=True, blank=True, related_name="+")

    objects = ProjectScoped.as_manager()

    class Meta:
        ordering = ["pk"]
        triggers = freeze(once=("outcome", "note", "settled_at", "settled_by"))
        constraints = [
            models.UniqueConstraint(fields=["project", "year", "sequence"], name="receipt_form_number_unique"),
            models.UniqueConstraint(fields=["project", "number"], name="receipt_form_found_by_number"),
            models.CheckConstraint(
                condition=Q(outcome=None, note=None, settled_at=None, settled_by=None)
                | Q(outcome__isnull=False, note__isnull=False, settled_at__isnull=False, settled_by__isnull=False),
                name="receipt_form_end_says_who_and_when",
            ),
            models.CheckConstraint(
                condition=~Q(settled_by=F("member")) | Q(settled_by=None), name="receipt_form_end_noted_by_another"
            ),
            models.CheckConstraint(
                condition=~Q(outcome="lost", note="") | Q(outcome=None), name="lost_receipt_form_says_how"
            ),
        ]

    def __str__(self) -> str:
        return self.number
