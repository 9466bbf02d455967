"""Limits: the property that no cleared contact ever passes one, by an oracle of its own, and each reason to refuse."""

import datetime as dt
from collections.abc import Sequence

import pytest
from django.db import IntegrityError, transaction
from hypothesis import example, given, settings
from hypothesis import strategies as st

from arrears.models import Account
from collection.limits import (
    COUNT_RULES,
    Clearance,
    CountRule,
    Limit,
    breaches,
    clearances,
    count_refusals,
    holds_of,
    hour_refusals,
)
from collection.models import Case, ContactAttempt, LimitOverride, OwnerRequest
from collection.people_contacted import PastContact
from company.models import Project
from owners.models import Owner, Phone
from tests.factories import (
    NOW,
    SHANGHAI,
    TODAY,
    create_case,
    create_contact,
    create_owner,
    create_ownership,
    create_project,
    create_promise,
    create_unit,
    create_user,
)
from tests.field_factories import create_cash, create_field_case, create_request, queries, verify_case

Channel, Outcome = ContactAttempt.Channel, ContactAttempt.Outcome
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
MINUTES = st.integers(0, 10 * 24 * 60).map(lambda minutes: dt.timedelta(minutes=minutes))
CHANNELS = st.sampled_from(list(Channel))


def at(hour: int, minute: int = 0, *, day: dt.date = TODAY) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(hour, minute), SHANGHAI)


def most_in_any_period(times: Sequence[dt.datetime], period: dt.timedelta) -> int:
    """The oracle: the fullest period that ends with one of the contacts."""
    return max((sum(1 for t in times if end - period < t <= end) for end in times), default=0)


class TestCounting:
    """Contacts that are made whenever they are cleared, in any order of channels and pauses, on two co-owned flats."""

    @given(st.lists(st.tuples(CHANNELS, MINUTES, st.booleans()), max_size=60))
    @example([(Channel.VISIT, dt.timedelta(days=1), False), (Channel.VISIT, dt.timedelta(days=1), True)])
    @settings(max_examples=100, deadline=None)
    def test_cleared_contacts_never_pass_a_limit(
        self, wishes: list[tuple[ContactAttempt.Channel, dt.timedelta, bool]]
    ) -> None:
        shared: list[PastContact] = []  # somebody owns both flats
        single: list[PastContact] = []  # somebody else only one of them
        now = NOW
        for channel, pause, both in wishes:
            now += pause
            people = [shared, single] if both else [shared]
            if not count_refusals(people, channel, now=now):
                for person in people:
                    person.append(PastContact(channel, now))
        for person in (shared, single):
            for rule in COUNT_RULES:
                times = [contact.at for contact in person if contact.channel in rule.channels]
                assert most_in_any_period(times, rule.period) <= rule.most, rule.limit

    @given(st.lists(st.tuples(CHANNELS, MINUTES), max_size=12), CHANNELS)
    @settings(max_examples=100, deadline=None)
    def test_a_refusal_is_needed_and_ends_when_it_says(
        self, past: list[tuple[ContactAttempt.Channel, dt.timedelta]], channel: ContactAttempt.Channel
    ) -> None:
        contacts = [PastContact(one, NOW - before) for one, before in past]
        for refusal in count_refusals([contacts], channel, now=NOW):
            rule = rule_of(refusal.limit)
            times = [contact.at for contact in contacts if contact.channel in rule.channels]
            assert most_in_any_period([*times, NOW], rule.period) > rule.most
            assert refusal.free_at is not None
            later = {one.limit for one in count_refusals([contacts], channel, now=refusal.free_at)}
            assert refusal.limit not in later
            just_before = count_refusals([contacts], channel, now=refusal.free_at - dt.timedelta(seconds=1))
            assert refusal.limit in {one.limit for one in just_before}

    def test_the_oracle_fails_without_the_limits(self) -> None:
        rule = rule_of(Limit.VISITS_A_DAY)
        assert most_in_any_period([NOW, NOW + HOUR], rule.period) > rule.most


def rule_of(limit: Limit) -> CountRule:
    return next(rule for rule in COUNT_RULES if rule.limit == limit)


class TestHours:
    @given(st.dates(dt.date(2025, 1, 1), dt.date(2026, 1, 1)), st.times())
    @settings(max_examples=100)
    def test_only_the_hours_of_the_project_are_free(self, day: dt.date, clock: dt.time) -> None:
        project = Project(contact_from=dt.time(9), contact_until=dt.time(20))
        now = dt.datetime.combine(day, clock, SHANGHAI)
        refusals = hour_refusals(project, now=now)
        assert bool(refusals) == (not 9 <= now.hour < 20)
        if refusals:
            assert refusals[0].free_at is not None
            assert refusals[0].free_at > now
            assert not hour_refusals(project, now=refusals[0].free_at)
            assert refusals[0].may_be_overridden == (8 <= now.hour < 22)

    def test_night_is_night_even_where_the_project_starts_at_eight(self) -> None:
        project = Project(contact_from=dt.time(8), contact_until=dt.time(22))
        assert [r.limit for r in hour_refusals(project, now=at(7, 59))] == [Limit.NIGHT]
        assert not hour_refusals(project, now=at(8))
        assert [r.limit for r in hour_refusals(project, now=at(22))] == [Limit.NIGHT]


def cleared(case: Case, channel: ContactAttempt.Channel = Channel.VISIT, *, now: dt.datetime = NOW) -> Clearance:
    case.refresh_from_db()
    return clearances([case], channel, now=now)[case.pk]


def refused(case: Case, channel: ContactAttempt.Channel = Channel.VISIT, *, now: dt.datetime = NOW) -> set[Limit]:
    return {refusal.limit for refusal in cleared(case, channel, now=now).reasons}


@pytest.fixture
def project() -> Project:
    return create_project()


@pytest.fixture
def case(project: Project) -> Case:
    return create_field_case(project=project)


@pytest.mark.django_db
class TestClearances:
    def test_a_verified_case_is_free_in_the_morning(self, case: Case) -> None:
        for channel in Channel:
            assert cleared(case, channel).allowed

    def test_a_case_that_is_not_verified_asks_for_it(self, project: Project) -> None:
        clearance = cleared(create_case(project=project))
        assert [reason.limit for reason in clearance.reasons] == [Limit.NOT_VERIFIED]
        assert not clearance.may_be_overridden

    def test_one_visit_a_day_and_three_a_week(self, case: Case) -> None:
        create_contact(case=case, channel=Channel.VISIT, outcome=Outcome.NO_ANSWER, at=NOW - DAY + HOUR)
        assert refused(case) == {Limit.VISITS_A_DAY}
        assert not refused(case, Channel.CALL)
        for days in (2, 3):
            create_contact(case=case, channel=Channel.VISIT, outcome=Outcome.NO_ANSWER, at=NOW - days * DAY)
        assert refused(case) == {Limit.VISITS_A_DAY, Limit.VISITS_A_WEEK}

    def test_incoming_contacts_do_not_count(self, case: Case) -> None:
        for _number in range(8):
            create_contact(case=case, outcome=Outcome.MET_OWNER, at=NOW - HOUR, is_incoming=True)
        assert not refused(case, Channel.CALL)

    def test_contacts_of_a_person_count_on_all_their_flats(self, project: Project) -> None:
        first, second, third = cases_of_shared_owners(project)
        create_contact(case=first, channel=Channel.VISIT, outcome=Outcome.MET_OWNER, at=NOW - HOUR)
        assert refused(first) == refused(second) == {Limit.VISITS_A_DAY}
        assert not refused(third), "its owner is a co-owner of the second flat, where nobody was"

    def test_a_promise_holds_through_its_day(self, case: Case) -> None:
        create_promise(case=case, pay_by=TODAY, at=NOW - 3 * DAY)
        assert refused(case) == {Limit.PROMISE}
        refusal = cleared(case).reasons[0]
        assert refusal.free_at == at(0, day=TODAY + DAY)
        assert Limit.PROMISE not in refused(case, now=NOW + DAY)

    def test_a_request_holds_until_it_is_answered(self, case: Case) -> None:
        request = create_request(case=case, at=NOW - DAY)
        assert refused(case, Channel.CALL) == {Limit.REQUEST}
        OwnerRequest.objects.filter(pk=request.pk).update(
            answer="已修好", answered_at=NOW - HOUR, answered_by=create_user()
        )
        assert not refused(case, Channel.CALL)

    def test_no_visit_before_the_agreed_date(self, case: Case) -> None:
        answered = {"answer": "约好了", "answered_at": NOW - HOUR, "answered_by": create_user()}
        create_request(case=case, at=NOW - DAY, agreed_on=TODAY + 2 * DAY, **answered)
        assert refused(case) == {Limit.AGREED_DATE}
        assert not refused(case, Channel.CALL)
        verify_case(case, at=NOW + 2 * DAY)
        assert not refused(case, now=NOW + 2 * DAY)

    def test_claims_and_cash_hold_until_finance_has_looked(self, case: Case) -> None:
        create_cash(case=case, at=NOW - 2 * DAY)
        Case.objects.filter(pk=case.pk).update(claims_paid=True)
        clearance = cleared(case)
        assert {reason.limit for reason in clearance.reasons} == {Limit.CLAIMS_PAID, Limit.CASH_PENDING}
        assert not clearance.may_be_overridden

    @pytest.mark.parametrize("change", [{"state": Phone.State.WRONG_PERSON}, {"do_not_contact": True}])
    def test_numbers_that_may_not_be_used(self, case: Case, change: dict) -> None:
        Phone.objects.update(**change)
        assert refused(case, Channel.CALL) == {Limit.NO_NUMBER}
        assert not refused(case, Channel.VISIT)

    def test_the_manager_lifts_limits_for_a_day_but_not_the_night(self, case: Case) -> None:
        create_request(case=case, at=NOW - DAY)
        override(case, day=TODAY)
        clearance = cleared(case)
        assert clearance.allowed
        assert [refusal.limit for refusal in clearance.lifted] == [Limit.REQUEST]
        assert refused(case, now=at(23)) == {Limit.NIGHT}
        assert Limit.REQUEST in refused(case, now=NOW + DAY)
        assert refused(case, Channel.CALL) == {Limit.REQUEST}

    def test_letters_are_kept_back_by_holds_only(self, case: Case, project: Project) -> None:
        create_contact(case=case, channel=Channel.VISIT, outcome=Outcome.MET_OWNER, at=NOW - HOUR)
        free = create_case(project=project)
        create_request(case=case, at=NOW - HOUR)
        held = holds_of([case, free], now=NOW)
        assert [refusal.limit for refusal in held[case.pk]] == [Limit.REQUEST]
        assert free.pk not in held

    def test_cases_of_several_projects_are_refused(self, case: Case) -> None:
        with pytest.raises(ValueError, match="several projects"):
            clearances([case, create_case()], Channel.VISIT, now=NOW)

    def test_the_number_of_queries_is_fixed(self, project: Project) -> None:
        cases = [create_case(project=project) for _number in range(30)]
        for case in cases:
            create_contact(case=case, outcome=Outcome.NO_ANSWER, at=NOW - HOUR)
        counts = []
        for few in (Case.objects.filter(pk__in=[case.pk for case in cases[:3]]), Case.objects.all()):
            with queries() as captured:
                assert clearances(few, Channel.CALL, now=NOW)
            counts.append(len(captured))
        assert counts[0] == counts[1] <= 15


def override(case: Case, *, day: dt.date, reason: str = "业主约今晚面谈", at: dt.datetime = NOW) -> LimitOverride:
    return LimitOverride.objects.create(
        project=case.project, case=case, channel=Channel.VISIT, day=day, reason=reason,
        granted_by=create_user(), granted_at=at,
    )  # fmt: skip


def cases_of_shared_owners(project: Project) -> tuple[Case, Case, Case]:
    """Li owns the first and, with Wang, the second; Wang the third. Li stands twice in the files, by ID number."""
    li, li_again = (create_owner(project=project, name="李小博", id_number_hash="a" * 64) for _ in range(2))
    wang = create_owner(project=project, name="王敏")
    parties: list[list[Owner]] = [[li], [li_again, wang], [wang]]
    cases = []
    for owners in parties:
        unit = create_unit(project=project)
        ownership = create_ownership(unit=unit, owners=owners)
        account = Account.objects.create(project=project, unit=unit, ownership=ownership)
        cases.append(create_case(account=account))
        verify_case(cases[-1])
    return cases[0], cases[1], cases[2]


@pytest.mark.django_db
class TestBreaches:
    def visit(self, case: Case, moment: dt.datetime) -> ContactAttempt:
        return create_contact(case=case, channel=Channel.VISIT, outcome=Outcome.MET_OWNER, at=moment)

    def test_an_ordinary_visit_is_none(self, case: Case) -> None:
        assert breaches(self.visit(case, NOW)) == []

    def test_the_second_visit_of_a_day_is_one_in_whatever_order_they_arrive(self, case: Case) -> None:
        later = self.visit(case, at(11))
        assert breaches(later) == []
        earlier_sent_late = self.visit(case, at(10))
        assert breaches(earlier_sent_late) == [Limit.VISITS_A_DAY]

    def test_hours_and_holds_are_judged_at_its_own_moment(self, case: Case) -> None:
        create_request(case=case, at=NOW - DAY)
        assert set(breaches(self.visit(case, at(21)))) == {Limit.HOURS, Limit.REQUEST}
        assert breaches(self.visit(case, NOW - 3 * DAY)) == []

    def test_leave_of_the_manager_makes_it_none_but_not_at_night(self, case: Case) -> None:
        create_request(case=case, at=NOW - DAY)
        override(case, day=TODAY)
        assert breaches(self.visit(case, NOW)) == []
        assert breaches(self.visit(case, at(23))) == [Limit.NIGHT]

    def test_leave_that_was_given_afterwards_does_not_mend_it(self, case: Case) -> None:
        create_request(case=case, at=NOW - DAY)
        override(case, day=TODAY, at=NOW + HOUR)
        assert breaches(self.visit(case, NOW)) == [Limit.REQUEST]
        assert cleared(case, now=NOW + HOUR).allowed

    def test_an_owner_who_comes_by_is_none(self, case: Case) -> None:
        contact = create_contact(case=case, outcome=Outcome.MET_OWNER, at=at(21), is_incoming=True)
        assert breaches(contact) == []


@pytest.mark.django_db
class TestOverridesInTheDatabase:
    def test_one_a_day_and_with_a_reason(self, case: Case) -> None:
        override(case, day=TODAY)
        for again in ({"day": TODAY}, {"day": TODAY + DAY, "reason": ""}):
            with pytest.raises(IntegrityError), transaction.atomic():
                override(case, **again)
