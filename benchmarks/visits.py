"""Visits sent by many phones at once, over a network that drops connections.

    ./run bench visits --phones 200 --visits 5000 --seconds 120

Each visit has a photo of its own of about 200 KB. Sends begin at their appointed instant whether earlier ones are
answered or not (open loop). A third of the connections is cut by the phone: half of those while it sends, half after
the server has everything and before the answer is read; then it sends again, until it has an answer. Response times
count from the appointed instant, or from the repeat's own; a cut connection has none.

Web processes and a worker of their own, as many of each as there are cores, on servers under ARREARS_VAR/bench, which
are removed at the end. The phones run on the same machine.
"""

import argparse
import asyncio
import io
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.reporting import Promise, Report
from benchmarks.servers import own_servers
from house.processes import giving_way

LIMIT_MS = 1000
UNITS_FOR_A_CASE, CHARGES_OF_A_UNIT = 5.2, 11  # every fifth unit stopped paying (benchmarks.company_at_scale)
PHOTO_BYTES = 200_000
PICTURES = 12
DROPPED = 1 / 3
GIVE_UP_AFTER = 120  # seconds after the last send
TOKEN = "b" * 32
PERSON = "phone-"
START_SECONDS = 60
WINDOW_SECONDS = 10


@dataclass(frozen=True)
class Phone:
    """A signed-in person with the cases of their round."""

    cookie: str
    cases: list[int]
    person: int


@dataclass
class Tally:
    """What the phones saw."""

    begun_at: float
    times_ms: list[float] = field(default_factory=list)
    by_window: dict[int, list[float]] = field(default_factory=dict)
    answers: dict[str, int] = field(default_factory=dict)
    dropped: int = 0
    sends: int = 0
    unanswered: list[str] = field(default_factory=list)

    def answered(self, state: str, *, at: float, seconds: float) -> None:
        self.times_ms.append(seconds * 1000)
        self.by_window.setdefault(int(at - self.begun_at) // WINDOW_SECONDS, []).append(seconds * 1000)
        self.answers[state] = self.answers.get(state, 0) + 1


def main(arguments: Sequence[str]) -> int:
    """Run the benchmark; returns the exit status."""
    parser = argparse.ArgumentParser(prog="./run bench visits", description=__doc__)
    parser.add_argument("--phones", type=int, default=200)
    parser.add_argument("--visits", type=int, default=5000)
    parser.add_argument("--seconds", type=int, default=120, help="over which the visits are sent")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    with own_servers():
        phones = _phones(options.phones, options.visits)
        with _web_and_worker() as port:
            return measure(options, phones, port)


def measure(options: argparse.Namespace, phones: Sequence[Phone], port: int) -> int:
    """Let the phones send, wait until every photo is made, count what is there and print it."""
    pictures = [_picture(number) for number in range(PICTURES)]
    visits = [(phone, case, str(uuid.uuid4())) for phone in phones for case in phone.cases][: options.visits]
    random.Random(options.seed).shuffle(visits)
    report = Report("visits", options.visits)
    started = time.perf_counter()
    tally = asyncio.run(_send_all(visits, pictures, options, port))
    report.seconds = time.perf_counter() - started
    photos_seconds = _wait_for_photos(started + report.seconds)
    kept = _kept({client_id for _phone, _case, client_id in visits})
    times = sorted(tally.times_ms)
    report.promises = [
        Promise("visits lost", "≤ 0", kept["lost"]),
        Promise("visits doubled", "≤ 0", kept["doubled"]),
        Promise("visits whose photo is lost", "≤ 0", kept["photos_lost"]),
        Promise("answer, p95 (ms)", f"≤ {LIMIT_MS}", _percentile(times, 0.95)),
    ]
    report.details = {
        **kept,
        "p50": round(_percentile(times, 0.5)),
        "p95": round(_percentile(times, 0.95)),
        "slowest": round(times[-1]),
        "mean": round(statistics.mean(times)),
        f"p95_each_{WINDOW_SECONDS}_seconds": [
            round(_percentile(sorted(tally.by_window[window]), 0.95)) for window in sorted(tally.by_window)
        ],
        "sends": tally.sends,
        "dropped": tally.dropped,
        "answers": tally.answers,
        "unanswered": len(tally.unanswered),
        "photo_kb": round(statistics.mean(map(len, pictures)) / 1000),
        "photos_made_seconds_after_last": round(photos_seconds, 1),
    }
    return report.print()


def _percentile(ordered: Sequence[float], part: float) -> float:
    return ordered[max(0, round(len(ordered) * part) - 1)]


def _phones(number: int, visits: int) -> list[Phone]:
    """A large project, so many people in its teams, and the cases divided among them."""
    from benchmarks.company_at_scale import Size, write_company
    from collection.models import Case, Team, TeamMember
    from company.models import Project, ProjectAccess, Role, User

    units = int(visits * UNITS_FOR_A_CASE)
    write_company(Size(1, units, units * CHARGES_OF_A_UNIT), by=User.objects.create_user("bench", name="张工").pk)
    project = Project.objects.get()
    teams = list(Team.objects.filter(project=project).order_by("pk"))
    cases = list(Case.objects.filter(project=project).order_by("pk").values_list("pk", flat=True)[:visits])
    if len(cases) < visits:
        raise SystemExit(f"{len(cases)} cases for {visits} visits")
    found = []
    for position in range(number):
        user = User.objects.create_user(f"{PERSON}{position}", name=f"管家{position}")
        ProjectAccess.objects.create(user=user, project=project, role=Role.HOUSEKEEPER)
        TeamMember.objects.create(
            team=teams[position % len(teams)], project=project, user=user, joined_on="2025-11-01"
        )  # fmt: skip
        own = cases[position::number]
        Case.objects.filter(pk__in=own).update(responsible=user)
        found.append(Phone(_session(user), own, user.pk))
    return found


def _session(user: Any) -> str:
    from django.conf import settings
    from django.test import Client

    client = Client()
    client.force_login(user)
    cookie: str = client.cookies[settings.SESSION_COOKIE_NAME].value
    return f"{settings.SESSION_COOKIE_NAME}={cookie}; {settings.CSRF_COOKIE_NAME}={TOKEN}"


@contextmanager
def _web_and_worker() -> Iterator[int]:
    """The web processes and the worker of a machine of this size; yields their port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    programs, cores = Path(sys.executable).parent, str(os.cpu_count() or 2)
    environment = {**os.environ, "STATIC_MANIFEST": "false"}
    commands = [
        [str(programs / "granian"), "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port), "--workers",
         cores, "--blocking-threads", "8", "--no-ws", "--log-level", "error", "config.wsgi:application"],
        giving_way([str(programs / "celery"), "-A", "config", "worker", "--concurrency", cores, "--loglevel", "ERROR"]),
        [str(programs / "celery"), "-A", "config", "beat", "--pidfile=", "--loglevel", "ERROR"],
    ]  # fmt: skip
    processes = [
        subprocess.Popen(command, env=environment, stdout=sys.stderr, stderr=subprocess.DEVNULL, start_new_session=True)
        for command in commands
    ]
    try:
        _wait_until_it_answers(port)
        yield port
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(START_SECONDS)


def _wait_until_it_answers(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as connection:
                connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
                if connection.recv(16).startswith(b"HTTP/1.1"):
                    return
        except OSError:
            time.sleep(0.2)
    raise SystemExit("The web process does not answer.")


def _picture(number: int) -> bytes:
    """A photo as the phone sends it: 1,600 px, about 200 KB, with the place written into it."""
    from PIL import Image

    generator = random.Random(number)
    noise = Image.frombytes("RGB", (200, 150), generator.randbytes(200 * 150 * 3))
    image = noise.resize((1600, 1200), Image.Resampling.BICUBIC)
    exif = Image.Exif()
    exif.get_ifd(0x8825)[1] = "N"
    content = b""
    for quality in range(95, 20, -5):
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality, exif=exif)
        content = buffer.getvalue()
        if len(content) <= PHOTO_BYTES * 1.1:
            break
    return content


def _own_photo(picture: bytes, client_id: str) -> bytes:
    """The picture with a remark in its head, so that no two visits send the same file."""
    remark = client_id.encode()
    return picture[:2] + b"\xff\xfe" + (len(remark) + 2).to_bytes(2, "big") + remark + picture[2:]


async def _send_all(
    visits: Sequence[tuple[Phone, int, str]], pictures: Sequence[bytes], options: argparse.Namespace, port: int
) -> Tally:
    loop = asyncio.get_running_loop()
    begin = loop.time() + 1
    tally, chances = Tally(begin), random.Random(options.seed)
    gap = options.seconds / len(visits)
    last = begin + options.seconds + GIVE_UP_AFTER
    tasks = []
    for position, (phone, case, client_id) in enumerate(visits):
        at = begin + position * gap
        await asyncio.sleep(max(0, at - loop.time()))
        message = _message(phone, case, client_id, pictures[position % len(pictures)], port)
        tasks.append(asyncio.create_task(_until_answered(message, client_id, at, last, tally, chances, port)))
    await asyncio.gather(*tasks)
    return tally


async def _until_answered(
    message: bytes, client_id: str, at: float, last: float, tally: Tally, chances: random.Random, port: int
) -> None:
    loop = asyncio.get_running_loop()
    while loop.time() < last:
        tally.sends += 1
        is_cut, is_cut_early = chances.random() < DROPPED, chances.random() < 0.5
        sent = int(len(message) * chances.random()) if is_cut and is_cut_early else len(message)
        try:
            answer = await asyncio.wait_for(_exchange(message[:sent], port, is_cut=is_cut), 60)
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            answer = None
        if answer:
            tally.answered(answer, at=at, seconds=loop.time() - at)
            return
        tally.dropped += 1
        await asyncio.sleep(chances.uniform(0.5, 3))
        at = loop.time()
    tally.unanswered.append(client_id)


async def _exchange(message: bytes, port: int, *, is_cut: bool) -> str | None:
    """Send; the state that is answered, or None where the connection is cut before it is read."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(message)
        await writer.drain()
        if is_cut:
            await asyncio.sleep(0.01)
            writer.transport.abort()
            return None
        whole = await reader.read()
    finally:
        writer.close()
    head, _blank, body = whole.partition(b"\r\n\r\n")
    status = head.split(b" ", 2)[1].decode() if head.count(b" ") > 1 else "nothing"
    if status != "200":
        raise OSError(status)
    return str(json.loads(body)["state"])


def _message(phone: Phone, case: int, client_id: str, picture: bytes, port: int) -> bytes:
    """The request of one visit, to its last byte."""
    visit = {
        "client_id": client_id, "revision": 1, "case": case, "happened_at": time.strftime("%Y-%m-%dT%H:%M"),
        "outcome": "met_owner", "payment": "will_not_pay", "next_contact": "by_rule", "note": "说明了欠费情况",
        "responsible_id": phone.person,
    }  # fmt: skip
    boundary = uuid.uuid4().hex
    parts = [("version", "1"), ("person", str(phone.person)), ("visit", json.dumps(visit))]
    body = b"".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in parts
    )
    body += (
        f'--{boundary}\r\nContent-Disposition: form-data; name="photos"; filename="door.jpg"\r\n'
        "Content-Type: image/jpeg\r\n\r\n"
    ).encode() + _own_photo(picture, client_id)
    body += f"\r\n--{boundary}--\r\n".encode()
    head = (
        f"POST /p/P0001/visits/sync/ HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: {phone.cookie}\r\n"
        f"X-CSRFToken: {TOKEN}\r\nContent-Type: multipart/form-data; boundary={boundary}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    ).encode()
    return head + body


def _wait_for_photos(since: float) -> float:
    """How many seconds after ``since`` the worker had made all photos."""
    from collection.models import RawPhoto

    while RawPhoto.objects.exists() and time.perf_counter() - since < GIVE_UP_AFTER * 3:
        time.sleep(0.5)
    return time.perf_counter() - since


def _kept(sent: set[str]) -> dict[str, int]:
    """What the database holds of the visits that were sent."""
    from django.db.models import Count

    from collection.models import ContactAttempt, Visit

    found = Visit.objects.annotate(number=Count("photos", distinct=True))
    by_id = {str(client_id): number for client_id, number in found.values_list("client_id", "number")}
    contacts = ContactAttempt.objects.filter(recorded_by__username__startswith=PERSON).count()
    return {
        "lost": len(sent - by_id.keys()),
        "doubled": contacts - len(by_id) + sum(max(number - 1, 0) for number in by_id.values()),
        "photos_lost": sum(number == 0 for number in by_id.values()),
    }


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
