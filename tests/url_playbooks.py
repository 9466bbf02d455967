"""What stands in the addresses of playbooks, marks and repairs."""

from collection.models import PeriodReport
from collection.playbooks import propose_plan, start_draft
from collection.rectification import mark_done, sign_off
from collection.reports import figures_of, period_of
from tests.factories import NOW, TODAY
from tests.field_factories import create_field_case
from tests.mark_factories import create_mark, create_proof
from tests.repair_factories import create_repair
from tests.url_objects import Arguments, Place, arguments_of


@arguments_of(
    "collection:playbook_detail", "collection:playbook_activate", "collection:playbook_drop", "collection:playbook_end"
)
def a_draft_of_the_playbook(place: Place) -> Arguments:
    return {"pk": start_draft(place.project, by=place.user, now=NOW).pk}


@arguments_of("collection:playbook_ladder")
def a_ladder_of_the_own_plan_of_a_case(place: Place) -> Arguments:
    case = create_field_case(project=place.project, by=place.user)
    return {"pk": propose_plan(case, by=place.user, now=NOW).pk, "reason": "own"}


@arguments_of("collection:mark_new")
def a_case_to_mark(place: Place) -> Arguments:
    return {"pk": create_field_case(project=place.project, by=place.user).pk}


@arguments_of("collection:mark_decide", "collection:mark_proof")
def a_mark(place: Place) -> Arguments:
    return {"pk": create_mark(case=create_field_case(project=place.project, by=place.user)).pk}


@arguments_of("collection:repair_new")
def a_case_with_a_dispute(place: Place) -> Arguments:
    return {"pk": create_field_case(project=place.project, by=place.user).pk}


@arguments_of("collection:repair", "collection:repair_sign_off")
def a_repair_that_was_signed_off(place: Place) -> Arguments:
    case = create_field_case(project=place.project, by=place.user)
    item = create_repair(case=case)
    mark_done(item.pk, TODAY, by=place.user, now=NOW)
    return {"pk": sign_off(item.pk, TODAY, proof=create_proof(case=case), by=place.user, now=NOW).pk}


@arguments_of("collection:report", "collection:report_export", "collection:report_review")
def a_weekly_report(place: Place) -> Arguments:
    period = period_of(PeriodReport.Kind.WEEK, TODAY)
    report, _made = PeriodReport.objects.get_or_create(
        project=place.project, kind=period.kind, starts_on=period.starts_on,
        defaults={"ends_on": period.ends_on, "figures": figures_of(place.project, period), "made_at": NOW},
    )  # fmt: skip
    return {"pk": report.pk}


@arguments_of("collection:fixed_export", shared=True)
def a_list_to_pass_on(place: Place) -> Arguments:
    """Named by a word, not by a row."""
    return {"name": "reasons"}
