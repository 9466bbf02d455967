from django.db import models

from collection.models.cases import CaseScoped
from company.freezing import freeze


class CaseReview(models.Model):
    """That somebody read the file of a case before anybody contacts the owner (A8): kept, never changed."""

    case = models.ForeignKey("collection.Case", models.PROTECT, related_name="reviews")
    note = models.CharField(max_length=400, blank=True)
    reviewed_at = models.DateTimeField()
    reviewed_by = models.ForeignKey("company.User", models.PROTECT, related_name="+")

    objects = CaseScoped.as_manager()

    class Meta:
        ordering = ["pk"]
        triggers = freeze()
