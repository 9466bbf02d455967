"""Where each role starts, and what stands in its navigation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from company.models import Role

if TYPE_CHECKING:
    from company.models import Project


@dataclass(frozen=True)
class Entry:
    """A line of the navigation. `icon` is the name of a Tabler icon."""

    label: str | Promise
    url_name: str
    icon: str
    of_project: bool = True
    apart: bool = False  # stands below the line


@dataclass(frozen=True)
class Link:
    """An entry with its address, for one person on one page."""

    label: str | Promise
    url: str
    icon: str
    apart: bool
    current: bool


DASHBOARD = Entry(_("Collection dashboard"), "collection:dashboard", "layout-dashboard")
CAMPAIGN = Entry(_("Campaign"), "collection:campaign", "flag")
CALENDAR = Entry(_("Calendar"), "collection:calendar", "calendar-month")
MARKS = Entry(_("Exclusions"), "collection:marks", "circle-minus", apart=True)
PLAYBOOK = Entry(_("Playbook"), "collection:playbook", "stairs-up", apart=True)
CONDUCT = Entry(_("Conduct and call-backs"), "collection:conduct", "message-2-question", apart=True)
MESSAGES = Entry(_("Texts of messages"), "collection:message_texts", "brand-wechat", apart=True)
ASSIGNMENT = Entry(_("Teams and assignment"), "collection:assignment", "columns")
CASES = Entry(_("Cases"), "collection:cases", "home-dollar")
LEDGER = Entry(_("Arrears ledger"), "arrears:ledger", "table")
UNITS = Entry(_("Units and owners"), "owners:units", "building")
BATCHES = Entry(_("Batches"), "notices:batches", "stack-2")
TEMPLATES = Entry(_("Templates"), "notices:templates", "template")
PUBLIC_NOTICES = Entry(_("Public notices"), "notices:public", "speakerphone")
RELIEF = Entry(_("Relief and instalments"), "collection:relief", "discount")
LIMITATION = Entry(_("Limitation dates"), "arrears:limitation", "hourglass")
LATE_FEES = Entry(_("Late fees"), "arrears:late_fees", "percentage")
ROUND = Entry(_("Today's round"), "collection:round", "walk")
QUEUE = Entry(_("To be sent"), "collection:queue", "cloud-upload")
WORKLIST = Entry(_("Due today"), "collection:worklist", "checklist")
MY_CASES = Entry(_("My cases"), "collection:cases", "home-dollar")
RATES = Entry(_("Rates"), "collection:rates", "chart-bar")
RESULTS = Entry(_("Results and incentives"), "collection:incentives", "award")
MY_RESULTS = Entry(_("My results"), "collection:incentives", "award")
TERMS = Entry(_("Fees and rules"), "arrears:fees", "settings", apart=True)
FIRST_DAY = Entry(_("Setting up"), "arrears:start", "list-check", of_project=False, apart=True)
PEOPLE = Entry(_("People and rights"), "company:people", "users", of_project=False)

DAILY = Entry(_("Daily sheet"), "collection:daily", "clipboard-list", apart=True)
EVENING = Entry(_("Evening"), "collection:evening", "sunset", apart=True)
REPORTS = Entry(_("Reports"), "collection:reports", "report", apart=True)
EXPORTS = Entry(_("Large exports"), "owners:exports", "table-export", apart=True)
SHUT_OFFS = Entry(_("Safety shut-offs"), "owners:shut_offs", "plug-connected-x", apart=True)

FIELD_ENTRIES = (ROUND, WORKLIST, MY_CASES, QUEUE, MY_RESULTS, CALENDAR, DAILY, SHUT_OFFS)

# The order is the order of homes: who holds several roles starts at the first.
ENTRIES: dict[Role, tuple[Entry, ...]] = {
    Role.PROJECT_MANAGER: (
        DASHBOARD,
        CAMPAIGN,
        CALENDAR,
        ASSIGNMENT,
        RATES,
        RESULTS,
        CASES,
        LEDGER,
        UNITS,
        LIMITATION,
        RELIEF,
        BATCHES,
        DAILY,
        EVENING,
        REPORTS,
        PLAYBOOK,
        MARKS,
        CONDUCT,
        MESSAGES,
        SHUT_OFFS,
        EXPORTS,
        Entry(_("Late fees"), "arrears:late_fees", "percentage", apart=True),
        Entry(_("Templates"), "notices:templates", "template", apart=True),
        Entry(_("Public notices"), "notices:public", "speakerphone", apart=True),
        Entry(_("People and rights"), "company:people", "users", of_project=False, apart=True),
        TERMS,
        FIRST_DAY,
    ),
    Role.FINANCE: (
        Entry(_("Finance desk"), "arrears:home", "layout-dashboard"),
        Entry(_("Imports"), "arrears:imports", "file-import"),
        LEDGER,
        UNITS,
        Entry(_("Payments"), "arrears:payments", "cash"),
        Entry(_("Money from the door"), "collection:cash", "cash-banknote"),
        Entry(_("Statements and receipts"), "notices:papers", "receipt"),
        RELIEF,
        LATE_FEES,
        LIMITATION,
        CASES,
        REPORTS,
        EXPORTS,
        TERMS,
        FIRST_DAY,
    ),
    Role.NOTICE_ADMIN: (
        Entry(_("Notice desk"), "collection:notice_desk", "layout-dashboard"),
        BATCHES,
        TEMPLATES,
        Entry(_("Register of letters"), "notices:register", "mail"),
        Entry("EMS", "notices:ems", "truck-delivery"),
        Entry(_("Law firms and mandates"), "notices:firms", "gavel"),
        PUBLIC_NOTICES,
        MESSAGES,
        CASES,
        LEDGER,
        UNITS,
        EXPORTS,
    ),
    Role.DEPARTMENT_HEAD: (
        Entry(_("Team dashboard"), "collection:dashboard", "layout-dashboard"),
        WORKLIST,
        Entry(_("Team's cases"), "collection:cases", "home-dollar"),
        ROUND,
        QUEUE,
        RELIEF,
        CALENDAR,
        ASSIGNMENT,
        PLAYBOOK,
        MARKS,
        RATES,
        MY_RESULTS,
        DAILY,
        EVENING,
        SHUT_OFFS,
    ),
    Role.OFFICER: FIELD_ENTRIES,
    Role.HOUSEKEEPER: FIELD_ENTRIES,
    Role.ASSISTANT: FIELD_ENTRIES,
    Role.COMPANY_LEADER: (
        Entry(_("All projects"), "collection:projects", "building-community", of_project=False),
        DASHBOARD,
        RATES,
        RESULTS,
        CASES,
        LEDGER,
        UNITS,
        EVENING,
        REPORTS,
        MARKS,
        CONDUCT,
        SHUT_OFFS,
        EXPORTS,
    ),
    Role.SYSTEM_ADMIN: (
        PEOPLE,
        Entry(_("Projects"), "company:projects", "building-community", of_project=False),
        Entry(_("Posts"), "company:posts", "id-badge-2", of_project=False),
        EXPORTS,
        TERMS,
        FIRST_DAY,
    ),
}


def home_url(roles: Iterable[Role], project: Project | None) -> str | None:
    """Where a holder of `roles` starts in `project`; None where there is nothing for them."""
    return next((url for entry, url in _addressed(roles, project)), None)


def links(roles: Iterable[Role], project: Project | None, path: str) -> list[Link]:
    """The navigation of a holder of `roles` in `project`, with the entry that `path` belongs to marked."""
    addressed = list(_addressed(roles, project))
    matching = [url for _entry, url in addressed if path.startswith(url)]
    current = max(matching, key=len, default=None)
    return [Link(entry.label, url, entry.icon, entry.apart, current=url == current) for entry, url in addressed]


def _addressed(roles: Iterable[Role], project: Project | None) -> Iterator[tuple[Entry, str]]:
    held = frozenset(roles)
    seen: set[str] = set()
    entries = (entry for role, of_role in ENTRIES.items() if role in held for entry in of_role)
    for entry in sorted(entries, key=lambda entry: entry.apart):
        url = _address(entry, project)
        if url and entry.url_name not in seen:
            seen.add(entry.url_name)
            yield entry, url


def _address(entry: Entry, project: Project | None) -> str | None:
    if entry.of_project and project is None:
        return None
    kwargs = {"project_code": project.code} if entry.of_project and project else None
    try:
        return reverse(entry.url_name, kwargs=kwargs)
    except NoReverseMatch:  # tests/company/test_navigation.py fails on such an entry
        return None
