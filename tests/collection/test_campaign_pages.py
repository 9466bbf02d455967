"""Pages of the campaign: what people see when it works, and when it does not."""

from collections.abc import Callable

import pytest

from collection.assignment import propose
from collection.models import Campaign
from company.models import Project, Role
from tests.collection.desk import Desk, said
from tests.factories import NOW, TODAY, create_campaign, create_case, create_officer, create_project, create_team

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return create_project()


@pytest.fixture
def desk(project: Project) -> Desk:
    return Desk(project)


DATES = {
    "name": "2025年四季度集中催缴", "starts_on": "2025-11-01", "ends_on": "2025-12-31",
    "target_residential_property": "90", "due_template_ready": "2025-11-15", "due_letters_sent": "2025-12-05",
    "due_litigation_prepared": "2025-12-20",
}  # fmt: skip


class TestCampaign:
    def test_planned_started_and_closed(self, desk: Desk) -> None:
        assert "还没有集中催缴" in desk.get("campaign").text
        response = desk.post("campaign_new", DATES)
        campaign = Campaign.objects.get()
        assert response["Location"] == desk.url("campaign_detail", pk=campaign.pk)
        for to in ("running", "closed"):
            desk.post("campaign_state", {"to": to}, pk=campaign.pk)
            campaign.refresh_from_db()
            assert campaign.state == to
        assert "律师函全部发出" in desk.get("campaign").text

    def test_contradicting_dates_are_pointed_out_and_what_was_typed_stays(self, desk: Desk) -> None:
        wrong = DATES | {"due_template_ready": "2025-12-06"}
        page = desk.post("campaign_new", wrong).text
        assert "晚于需要它的律师函" in page
        assert 'value="2025-12-06"' in page
        assert not Campaign.objects.exists()
        desk.post("campaign_new", wrong | {"contradiction_reason": "律所要求"})
        assert Campaign.objects.get().contradiction_reason == "律所要求"

    @pytest.mark.parametrize(
        "wrong",
        [{"ends_on": "2025-11-01"}, {"ends_on": "31.12.2025"}, {"ends_on": "9999-12-31"},
         {"starts_on": "0001-01-05"}, {"target_residential_property": ""}, {"target_residential_property": "101"},
         {"period_from": "2025-02-01", "period_until": "2025-01-31"}],
    )  # fmt: skip
    def test_bad_input_is_refused(self, desk: Desk, wrong: dict[str, str]) -> None:
        response = desk.post("campaign_new", DATES | wrong)
        assert response.status_code == 200
        assert response.context_data["form"].errors
        assert not Campaign.objects.exists()

    def test_a_second_running_one_is_refused(self, desk: Desk) -> None:
        create_campaign(project=desk.project)
        planned = create_campaign(project=desk.project, state=Campaign.State.PLANNED)
        assert "另有集中催缴进行中" in said(desk.post("campaign_state", {"to": "running"}, pk=planned.pk))

    def test_a_leader_reads_only(self, project: Project) -> None:
        create_campaign(project=project)
        leader = Desk(project, Role.COMPANY_LEADER)
        page = leader.get("campaign").text
        assert "2025年四季度集中催缴" in page
        assert leader.url("campaign_new") not in page


@pytest.mark.parametrize("page", ["campaign", "teams", "assignment", "letters_new"])
def test_a_list_costs_the_same_queries_for_more_rows(page: str, django_assert_max_num_queries: Callable) -> None:
    def cost(number: int) -> int:
        project = create_project()
        desk = Desk(project)
        create_campaign(project=project)
        for _ in range(number):
            create_team(project=project, members=[create_officer(project=project)])
            create_case(project=project)
        propose(project, by=desk.user, today=TODAY, now=NOW)
        desk.get(page)
        with django_assert_max_num_queries(60) as counted:
            desk.get(page)
        return len(counted)

    assert cost(3) == cost(30)
