"""The demonstration's shifts, thin at weekends and not yet drawn up for the end; and yesterday's evening."""

from collections import defaultdict
from datetime import date, datetime, time, timedelta

from collection.demo.plan import DemoPlan
from collection.demo.work import Work, at
from collection.evenings import consolidate
from collection.roster import Hours, days_between, put_on_duty
from collection.workdays import day_kind
from company.models import User

MORNING, EVENING, SHORT_DAY = Hours(time(9), time(14)), Hours(time(14), time(20)), Hours(time(9), time(18))
NOT_DRAWN_UP = timedelta(days=12)


def fill_roster(work: Work) -> None:
    """Two a working day, one at weekends and holidays until 18:00; the last days of the campaign are open."""
    campaign, manager = work.campaign, work.staff.manager
    teams = [work.staff.team(index) for index in range(len(work.estate.plan.teams))]
    shifts: dict[tuple[User, Hours], list[date]] = defaultdict(list)
    for number, day in enumerate(days_between(campaign.starts_on, campaign.ends_on - NOT_DRAWN_UP)):
        team = teams[number % len(teams)]
        people = team[number // len(teams) % len(team) :] + team  # each of the team in turn
        if day_kind(day).is_off:
            shifts[people[0], SHORT_DAY].append(day)
        else:
            shifts[people[0], MORNING].append(day)
            shifts[people[1], EVENING].append(day)
    drawn_up_at: datetime = at(campaign.starts_on, 9, 50)
    for (person, hours), days in shifts.items():
        put_on_duty(campaign, person, days, hours, by=manager, now=drawn_up_at)


def draw_yesterday_together(work: Work, demo: DemoPlan) -> None:
    """Yesterday's evening is there to be read; today's comes at its hour."""
    consolidate(work.estate.project, now=at(demo.today - timedelta(days=1), 18, 5))
