from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from company.scoping import ProjectScoped


class TeamQuerySet(ProjectScoped["Team"]):
    def active(self) -> Self:
        return self.filter(is_active=True)


class Team(models.Model):
    project = models.ForeignKey("company.Project", models.PROTECT, related_name="teams")
    name = models.CharField(_("name"), max_length=40)
    leader = models.ForeignKey("company.User", models.PROTECT, null=True, blank=True, related_name="+")
    position = models.PositiveSmallIntegerField(default=0)
    is_active = models.BooleanField(default=True)

    objects = TeamQuerySet.as_manager()

    class Meta:
        ordering = ["project", "position", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], condition=Q(is_active=True), name="team_name_unique")
        ]

    def __str__(self) -> str:
        return self.name


class TeamMemberQuerySet(ProjectScoped["TeamMember"]):
    def present(self) -> Self:
        """Who belongs to a team now."""
        return self.filter(left_on=None)


class TeamMember(models.Model):
    team = models.ForeignKey(Team, models.CASCADE, related_name="members")
    project = models.ForeignKey("company.Project", models.PROTECT, related_name="+")
    user = models.ForeignKey("company.User", models.PROTECT, related_name="team_memberships")
    joined_on = models.DateField()
    left_on = models.DateField(null=True, blank=True)

    objects = TeamMemberQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "user"], condition=Q(left_on__isnull=True), name="one_team_a_person"
            )
        ]

    def __str__(self) -> str:
        return str(self.user)
