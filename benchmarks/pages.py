"""How long every page of every role takes, in the project of a large company, and how many queries it asks.

    ./run bench pages --projects 300 --units 900000 --charges 10000000

Each role starts at its home and follows the links that the pages show it, two of each kind; a page is the whole answer
to its address, in process. Works on servers of its own under ARREARS_VAR/bench, which it removes at the end.
"""

import argparse
import resource
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urldefrag, urlsplit

from benchmarks.reporting import Promise, Report
from benchmarks.servers import own_servers

LIMIT_MS = 300
OF_A_KIND = 2  # addresses of one route that are followed
TIMES = 3  # each page is asked for; the first answer reads program and templates and is not counted
SLOWEST_SHOWN = 12
NOT_FOLLOWED = ("logout", "set_language", "switch")


@dataclass(frozen=True)
class Visit:
    """One page as one role saw it; ``milliseconds`` of each time, ``queries`` of the last."""

    role: str
    route: str
    path: str
    milliseconds: list[float]
    queries: int


class Links(HTMLParser):
    """The addresses of a page: links, and the parts that it loads by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.found += [value for name in ("href", "hx-get") if (value := given.get(name)) and tag != "link"]


def main(arguments: Sequence[str]) -> int:
    """Run the benchmark; returns the exit status."""
    parser = argparse.ArgumentParser(prog="./run bench pages", description=__doc__)
    parser.add_argument("--projects", type=int, default=300, help="number of projects")
    parser.add_argument("--units", type=int, default=900_000, help="units in all projects")
    parser.add_argument("--charges", type=int, default=10_000_000, help="charges of all units")
    options = parser.parse_args(arguments)
    with own_servers():
        from benchmarks.company_at_scale import Size, write_company
        from company.models import User

        size = Size(options.projects, options.units, options.charges)
        write_company(size, by=User.objects.create_user("bench", name="张工").pk)
        return measure(size.units)


def measure(size: int) -> int:
    """Walk the pages as each role and print what they took."""
    from django.utils import timezone

    from collection.daily_figures import follow_ledger

    follow_ledger(now=timezone.now())
    people = _people()
    report = Report("pages", size)
    started = time.perf_counter()
    visits = [visit for role, user in people.items() for visit in _walk(role, user)]
    times = sorted(ms for visit in visits for ms in visit.milliseconds)
    worst = max(_p95(visit.milliseconds) for visit in visits)
    report.seconds = time.perf_counter() - started
    report.peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    report.promises = [
        Promise("all pages, p95 (ms)", f"≤ {LIMIT_MS}", _p95(times)),
        Promise("slowest page (ms)", f"≤ {LIMIT_MS}", worst),
    ]
    report.details = {
        "pages": dict(Counter(visit.role for visit in visits)),
        "median_ms": round(statistics.median(times)),
        "slowest": [
            {"role": v.role, "route": v.route, "path": v.path, "ms": round(_p95(v.milliseconds)), "queries": v.queries}
            for v in sorted(visits, key=lambda v: -_p95(v.milliseconds))[:SLOWEST_SHOWN]
        ],
    }
    return report.print()


def _p95(values: Sequence[float]) -> float:
    return sorted(values)[max(0, round(len(values) * 0.95) - 1)]


def _people() -> dict[str, Any]:
    """Somebody of every role in the first project; field staff and the head in its first team, with cases of theirs."""
    from collection.models import Assignment, Case, Team, TeamMember
    from company.models import Project, ProjectAccess, Role, User

    project = Project.objects.order_by("pk").first()
    team = Team.objects.filter(project=project).order_by("pk").first()
    people = {}
    for role in Role:
        user = User.objects.create_user(f"bench-{role.value}", name=str(role.label))
        where = None if role in Role.COMPANY_WIDE else project
        ProjectAccess.objects.create(user=user, project=where, role=role)
        if role in Role.FIELD_STAFF | {Role.DEPARTMENT_HEAD}:
            TeamMember.objects.create(team=team, project=project, user=user, joined_on="2025-11-01")
            own = Case.objects.filter(team=team, responsible=None).order_by("pk")[:40]
            mine = list(own.values_list("pk", flat=True))
            Case.objects.filter(pk__in=mine).update(responsible=user)
            Assignment.objects.filter(case__in=mine).update(member=user)
        people[role.value] = user
    return people


def _walk(role: str, user: Any) -> Iterator[Visit]:
    """Every page that can be reached by links from the home of ``user``."""
    from django.test import Client
    from django.urls import Resolver404, resolve

    client = Client()
    client.force_login(user)
    waiting, seen, of_kind = ["/"], set[str](), Counter[str]()
    while waiting:
        path = waiting.pop(0)
        try:
            match = resolve(urlsplit(path).path)
        except Resolver404:
            continue
        if path in seen or of_kind[match.view_name] >= OF_A_KIND or match.url_name in NOT_FOLLOWED:
            continue
        seen.add(path)
        of_kind[match.view_name] += 1
        visit, body = _ask(client, role, match.view_name, path)
        if visit is None:
            continue
        yield visit
        links = Links()
        links.feed(body)
        here = [urldefrag(link).url for link in links.found]
        waiting += [link for link in here if link.startswith("/") and not link.startswith(("/static/", "/admin/"))]


def _ask(client: Any, role: str, route: str, path: str) -> tuple[Visit | None, str]:
    from django.db import connection, reset_queries
    from django.test.utils import CaptureQueriesContext

    taken, body, asked = [], "", 0
    for _number in range(TIMES):
        reset_queries()  # Django keeps a limited number of them
        with CaptureQueriesContext(connection) as queries:
            started = time.perf_counter()
            answer = client.get(path, follow=True)
            if "text/html" not in answer.get("Content-Type", ""):
                return None, ""
            body = answer.content.decode()
            taken.append((time.perf_counter() - started) * 1000)
        asked = len(queries)
    if answer.status_code != 200:
        raise SystemExit(f"{role}: {path} answers {answer.status_code}")
    return Visit(role, route, path, taken[1:], asked), body


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
