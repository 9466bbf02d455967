from django.db import models
from django.utils.translation import gettext_lazy as _


class Measure(models.TextChoices):
    """What is done to collect, and what counts as having done it (collection.stages says when)."""

    VERIFY = "verify", _("verify the arrears")
    REMIND = "remind", _("remind")
    CALL = "call", _("talk on the phone")
    TALK = "talk", _("talk in person")
    ANSWER = "answer", _("answer the owner's request")
    COORDINATE = "coordinate", _("follow the repair")
    PASS_ON = "pass_on", _("ask the emergency contact")
    VISIT = "visit", _("visit")
    SLIP = "slip", _("visit and leave a slip")
    EMS_NOTICE = "ems_notice", _("EMS notice")
    LAWYER_LETTER = "lawyer_letter", _("lawyer letter")
    LITIGATE = "litigate", _("mediation or suit")
    CHECK_CLAIM = "check_claim", _("check the owner's payment")
    CONFIRM_CASH = "confirm_cash", _("confirm money taken at the door")
    CUT_UTILITIES = "cut_utilities", _("cut off water or electricity")


class Doer(models.TextChoices):
    RESPONSIBLE = "responsible", _("responsible member")
    HEAD = "head", _("department head")
    HEAD_AND_HOUSEKEEPER = "head_and_housekeeper", _("department head and housekeeper")
    NOTICES = "notices", _("notice administrator")
    FINANCE = "finance", _("finance")
    MANAGER = "manager", _("project manager")


class Precondition(models.TextChoices):
    """What must have happened on the case before a step may be taken, beside the step before it."""

    REACHED = "reached", _("somebody of the household was spoken to")
    HEAD_TALKED = "head_talked", _("the department head has talked with the owner")
    VISITED = "visited", _("somebody was at the door")
    WRITTEN = "written", _("a reminder went out in writing")
    ANSWERED = "answered", _("the owner's request was answered")
