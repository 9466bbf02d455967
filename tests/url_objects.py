"""What stands in the addresses: for each URL with more than a project code in it, how its object is made.

Whoever adds such a URL adds its builder here, under the URL's name:

    @arguments_of("arrears:import_detail")
    def an_import(place: Place) -> Arguments:
        return {"pk": create_import(project=place.project).pk}

A builder makes a row of `place.project` that everybody with the right may open. A row that belongs to no project is
`shared`: who holds the right anywhere may open it.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from django.core.files.base import ContentFile

from arrears.assessing import assess_accounts
from arrears.models import Import
from collection.assignment import propose
from company.files import store_file
from company.models import FilePurpose, Post, Project, ProjectAccess, Role, User
from company.notifying import notify
from notices.firms import save_firm
from notices.models import NoticeKind
from owners.models import Phone, ServiceContract
from tests.factories import (
    NOW,
    TODAY,
    create_account,
    create_approved_text,
    create_building,
    create_campaign,
    create_case,
    create_charge,
    create_fee_type,
    create_law_firm,
    create_made_batch,
    create_officer,
    create_owner,
    create_payment,
    create_phone,
    create_receipt,
    create_team,
    create_user,
)
from tests.field_factories import create_cash, create_field_case, create_request, create_visit, create_visit_photo
from tests.relief_factories import create_contract, create_late_fee_policy, create_plan, create_proof, create_relief

Arguments = dict[str, object]


@dataclass(frozen=True)
class Place:
    """Where the object is made, and for whom."""

    project: Project
    user: User


@dataclass(frozen=True)
class Rule:
    build: Callable[[Place], Arguments]
    shared: bool = False


RULES: dict[str, Rule] = {}


def arguments_of(*names: str, shared: bool = False) -> Callable[[Callable[[Place], Arguments]], Callable]:
    """Registers a builder for the URLs of these names."""

    def register(build: Callable[[Place], Arguments]) -> Callable[[Place], Arguments]:
        for name in names:
            if name in RULES:
                raise ValueError(f"{name} has a rule already")
            RULES[name] = Rule(build, shared)
        return build

    return register


# --- company --------------------------------------------------------------------------------------------------------


@arguments_of(
    "company:person",
    "company:person_role_add",
    "company:person_deactivate",
    "company:person_reactivate",
    "company:person_password",
)
def a_colleague(place: Place) -> Arguments:
    return {"pk": create_user(role=Role.OFFICER, project=place.project).pk}


@arguments_of("company:person_role_revoke")
def a_role(place: Place) -> Arguments:
    person = create_user(role=Role.OFFICER, project=place.project)
    return {"pk": person.pk, "access": ProjectAccess.objects.get(user=person).pk}


@arguments_of("company:project")
def a_project(place: Place) -> Arguments:
    return {"pk": place.project.pk}


@arguments_of("company:post", shared=True)
def a_post(place: Place) -> Arguments:
    return {"pk": Post.objects.get_or_create(name="管家")[0].pk}


@arguments_of("company:notification_read")
def a_notification(place: Place) -> Arguments:
    row, _written = notify(user=place.user, project=place.project, key=f"walk-{place.project.pk}", title="提醒")
    return {"pk": row.pk}


@arguments_of("company:file")
def a_file(place: Place) -> Arguments:
    stored = store_file(
        project=place.project,
        content=b"%PDF-1.7",
        name="a.pdf",
        content_type="application/pdf",
        purpose=FilePurpose.NOTICE,
        by=None,
    )
    return {"pk": stored.pk}


# --- notices --------------------------------------------------------------------------------------------------------


@arguments_of(
    "notices:batch_detail",
    "notices:batch_stop",
    "notices:batch_resume",
    "collection:batch_cancel",
    "collection:batch_void",
    "notices:batch_retry",
    "notices:batch_list",
)
def a_batch(place: Place) -> Arguments:
    return {"pk": create_made_batch(project=place.project).pk}


@arguments_of("notices:batch_file")
def a_batch_file(place: Place) -> Arguments:
    return {"pk": create_made_batch(project=place.project).pk, "which": "merged"}


@arguments_of("notices:notice_file", "collection:letter_correct")
def a_letter(place: Place) -> Arguments:
    return {"pk": create_made_batch(project=place.project).notices.get().pk}


@arguments_of("notices:template_detail", "notices:template_print", "notices:template_approve")
def a_text(place: Place) -> Arguments:
    return {"pk": create_approved_text(project=place.project).pk}


@arguments_of("notices:template_edit", "notices:template_check", "notices:template_pdf", shared=True)
def a_kind_of_letter(place: Place) -> Arguments:
    return {"kind": NoticeKind.LAWYER_LETTER}


@arguments_of("notices:firm_edit", "notices:firm_mandate")
def a_law_firm(place: Place) -> Arguments:
    firm = create_law_firm(project=place.project, mandated=False, name=f"律所{place.user.pk}")
    save_firm(firm, ContentFile(b"%PDF-1.7", name="mandate.pdf"), by=place.user)
    return {"pk": firm.pk}


@arguments_of("notices:account_papers", "notices:statement_issue", "notices:statement_copy")
def an_account_with_a_payment(place: Place) -> Arguments:
    return {"pk": create_payment(account=create_account(project=place.project)).account_id}


@arguments_of("notices:receipt")
def a_payment_to_receipt(place: Place) -> Arguments:
    return {"pk": create_payment(account=create_account(project=place.project)).pk}


@arguments_of("notices:paper_file")
def a_receipt(place: Place) -> Arguments:
    return {"pk": create_receipt(account=create_account(project=place.project), by=place.user).pk}


# --- owners ---------------------------------------------------------------------------------------------------------


@arguments_of("owners:reveal")
def a_phone(place: Place) -> Arguments:
    return {"kind": "phone", "pk": create_phone(owner=create_owner(project=place.project)).pk}


@arguments_of("owners:contract_edit")
def a_contract(place: Place) -> Arguments:
    starts_on = dt.date(2020, 1, 1)
    return {"pk": ServiceContract.objects.create(project=place.project, name="合同", starts_on=starts_on).pk}


@arguments_of("owners:building_remove")
def a_building(place: Place) -> Arguments:
    return {"pk": create_building(project=place.project, name="9栋").pk}


# --- arrears --------------------------------------------------------------------------------------------------------


@arguments_of(
    "arrears:account",
    "arrears:account_export",
    "arrears:account_verify",
    "arrears:payment_new",
    "arrears:refund_new",
    "arrears:charge_new",
)
def an_account(place: Place) -> Arguments:
    return {"pk": create_account(project=place.project).pk}


@arguments_of("arrears:fee_edit", "arrears:fee_remove")
def a_fee(place: Place) -> Arguments:
    return {"pk": create_fee_type(project=place.project).pk}


@arguments_of("arrears:account_late_fees", "arrears:account_assess")
def an_account_with_late_fees(place: Place) -> Arguments:
    return {"pk": create_account(project=place.project).pk}


@arguments_of("arrears:late_fee_reverse")
def a_late_fee(place: Place) -> Arguments:
    account = create_account(project=place.project)
    create_contract(project=place.project)
    create_late_fee_policy(fee_type=create_charge(account=account).fee_type)
    assess_accounts(place.project, [account.pk], as_of=TODAY, now=NOW, by=None)
    return {"pk": account.late_fees.get().pk}


@arguments_of("arrears:proof_new")
def an_account_to_prove(place: Place) -> Arguments:
    return {"pk": create_charge(account=create_account(project=place.project)).account_id}


@arguments_of("arrears:proof_file", "arrears:proof_reverse")
def a_proof(place: Place) -> Arguments:
    return {"pk": create_proof(charge=create_charge(account=create_account(project=place.project))).pk}


@arguments_of("arrears:unit_account")
def a_unit(place: Place) -> Arguments:
    return {"pk": create_account(project=place.project).unit_id}


@arguments_of("arrears:payment_reverse")
def a_payment(place: Place) -> Arguments:
    return {"pk": create_payment(account=create_account(project=place.project)).pk}


@arguments_of(
    "arrears:import_detail",
    "arrears:import_columns",
    "arrears:import_back",
    "arrears:import_units",
    "arrears:import_post",
    "arrears:import_cancel",
    "arrears:import_undo",
    "arrears:import_marked",
)
def an_import(place: Place) -> Arguments:
    state = Import.State.CHECKED
    return {"pk": Import.objects.create(project=place.project, kind="charges", state=state, file_name="a.xlsx").pk}


@arguments_of("arrears:charge_reverse")
def a_charge(place: Place) -> Arguments:
    return {"pk": create_charge(account=create_account(project=place.project)).pk}


# --- collection: campaign, teams, assignment ------------------------------------------------------------------------


@arguments_of("collection:campaign_detail", "collection:campaign_edit", "collection:campaign_state")
def a_campaign(place: Place) -> Arguments:
    return {"pk": create_campaign(project=place.project, name=f"集中催缴{place.user.pk}").pk}


@arguments_of("collection:team_leader", "collection:team_dissolve")
def a_team(place: Place) -> Arguments:
    return {"pk": create_team(project=place.project).pk}


@arguments_of("collection:team_member")
def a_member_of_a_team(place: Place) -> Arguments:
    member = create_officer(project=place.project)
    create_team(project=place.project, members=[member])
    return {"pk": member.pk}


@arguments_of("collection:assignment_confirm")
def a_draft(place: Place) -> Arguments:
    create_team(project=place.project, members=[place.user])
    return {"pk": propose(place.project, by=place.user, today=TODAY, now=NOW).pk}


@arguments_of("collection:assignment_card", "collection:assignment_move")
def a_card(place: Place) -> Arguments:
    """Of the viewer's own team, since department heads see no other."""
    team = create_team(project=place.project, members=[place.user])
    case = create_case(project=place.project)
    propose(place.project, by=place.user, today=TODAY, now=NOW)
    return {"team": team.pk, "building": case.account.unit.building_id}


# --- collection: cases, visits, cash --------------------------------------------------------------------------------


@arguments_of(
    "collection:case",
    "collection:case_late_fees",
    "collection:case_plan",
    "collection:case_verify",
    "collection:case_review",
    "collection:case_reason",
    "collection:visit",
    "collection:contact_new",
    "collection:contact_quick",
    "collection:request_new",
    "collection:limit_override",
    "collection:limit_ask",
    "collection:claim_settle",
)
def a_case(place: Place) -> Arguments:
    """The viewer's own, since field staff see their team's and log on their own only."""
    return {"pk": create_field_case(project=place.project, by=place.user, claims_paid=True).pk}


@arguments_of("collection:plan_new")
def an_account_to_relieve(place: Place) -> Arguments:
    """Of the viewer's own case: field staff propose on no other."""
    return {"pk": create_field_case(project=place.project, by=place.user).account_id}


@arguments_of("collection:relief_new")
def a_kind_of_relief(place: Place) -> Arguments:
    return {**an_account_to_relieve(place), "kind": "principal"}


@arguments_of("collection:relief_decide", "collection:relief_proof")
def a_proposal(place: Place) -> Arguments:
    case = create_field_case(project=place.project, by=place.user)
    proof = store_file(
        project=place.project, content=b"%PDF-1.7", name=f"{case.pk}.pdf", content_type="application/pdf",
        purpose=FilePurpose.DELIVERY_PROOF, by=None,
    )  # fmt: skip
    return {"pk": create_relief(account=case.account, proof=proof).pk}


@arguments_of("collection:plan_decide")
def a_plan(place: Place) -> Arguments:
    return {"pk": create_plan(account=create_field_case(project=place.project, by=place.user).account).pk}


@arguments_of("collection:case_reveal")
def a_phone_of_a_case(place: Place) -> Arguments:
    case = create_field_case(project=place.project, by=place.user)
    phone = Phone.objects.get(owner__memberships__ownership__account=case.account)
    return {"pk": case.pk, "kind": "phone", "row": phone.pk}


@arguments_of("collection:request")
def a_request(place: Place) -> Arguments:
    return {"pk": create_request(case=create_field_case(project=place.project, by=place.user)).pk}


@arguments_of("collection:visit_recorded")
def a_visit(place: Place) -> Arguments:
    """Recorded by the viewer: nobody else is told on that page."""
    case = create_field_case(project=place.project, by=place.user)
    return {"client_id": create_visit(case=case, recorded_by=place.user).client_id}


@arguments_of("collection:visit_photo")
def a_photo_of_a_visit(place: Place) -> Arguments:
    visit = create_visit(case=create_field_case(project=place.project, by=place.user))
    return {"pk": create_visit_photo(visit=visit).pk}


@arguments_of("collection:cash_confirm", "collection:cash_refuse")
def money_taken(place: Place) -> Arguments:
    """By somebody else: nobody decides on what they took themselves."""
    return {"pk": create_cash(case=create_field_case(project=place.project, by=place.user)).pk}
