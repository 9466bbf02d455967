import json
import re
import socket
import subprocess
import sys
import threading
import zlib
from pathlib import Path

import pytest
from django.conf import settings

from notices.fonts import write_configuration
from notices.press import RENEW_ABOVE_KB, Press, PressError, PressTimeoutError, _style

SECRET = "c0ffee-c0ffee-c0ffee"


@pytest.fixture
def press():
    press = Press()
    yield press
    press.close()


@pytest.fixture
def listener():
    """An address on this machine and the list of those who called it."""
    calls = []
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.settimeout(0.2)
        over = threading.Event()

        def answer():
            while not over.is_set():
                try:
                    connection, _ = server.accept()
                except TimeoutError:
                    continue
                with connection:
                    calls.append(connection.recv(200))
                    connection.sendall(b"HTTP/1.0 302 Found\r\nLocation: file:///etc/passwd\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", calls
        over.set()
        thread.join()


@pytest.fixture
def secret(tmp_path) -> Path:
    path = tmp_path / "secret.svg"
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="300" height="30"><text y="20">{SECRET}</text></svg>'
    )
    return path


def hostile(address: str, secret: Path) -> str:
    file = secret.as_uri()
    return f"""<html><head>
      <link rel="stylesheet" href="{address}/a.css"><link rel="attachment" href="{file}">
      <link rel="attachment" href="{address}/attached">
      <style>@import url({address}/b.css); @import url({file});
        @font-face {{ font-family: x; src: url({address}/c.woff) }}
        p {{ font-family: x; background: url({address}/d.png) }}
        body {{ background-image: url({file}) }} li {{ list-style-image: url({address}/e.png) }}</style></head>
      <body><article id="letter-0"><p>text</p><ul><li>item</li></ul>
      <img src="{address}/f.png"><img src="{file}"><img src="//{address[7:]}/g.png"><img src="secret.svg">
      <object data="{file}"></object><embed src="{file}"><iframe src="{address}/h"></iframe>
      <svg><image href="{address}/i.png"/><image href="{file}"/><use href="{file}#x"/></svg>
      <a rel="attachment" href="{file}">attached</a><a href="{address}/link">link</a>
      <img src="ftp://127.0.0.1/x"><img src="jar:{file}!/x"><img src="FILE:{secret}">
      </article></body></html>"""


def everything_in(pdf: bytes) -> bytes:
    streams = [pdf]
    for match in re.finditer(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL):
        try:
            streams.append(zlib.decompress(match[1]))
        except zlib.error:
            continue
    return b"".join(streams)


CONTROL = """
import json, sys
from notices import press_child
from weasyprint.urls import URLFetcher

press_child.NothingButData = URLFetcher
styles, html = json.load(sys.stdin)
pdf, _ = press_child.Press(styles).print(html, ["print"], ["letter-0"], ["x"])[0]
sys.stdout.buffer.write(pdf)
"""


def test_the_press_fetches_nothing_from_network_or_disk(press, listener, secret):
    address, calls = listener
    (letter,) = press.print(hostile(address, secret), anchors=["letter-0"], titles=["x"], draft=True)
    assert letter.pages == 1
    assert calls == []
    assert SECRET.encode() not in everything_in(letter.pdf)
    assert b"EmbeddedFile" not in everything_in(letter.pdf)


def test_with_the_usual_fetcher_the_same_page_calls_out(listener, secret):
    address, calls = listener
    subprocess.run(
        [sys.executable, "-c", CONTROL],
        input=json.dumps([{"print": _style("print")}, hostile(address, secret)]).encode(),
        capture_output=True,
        check=True,
        cwd=settings.BASE_DIR,
        env={"FONTCONFIG_FILE": str(write_configuration(settings.VAR_DIR / "fonts")), "LANG": "C.UTF-8"},
    )
    assert calls


def page(text="text"):
    return f'<html><body><article id="letter-0"><p>{text}</p></article></body></html>'


def printable(press):
    return press.print(page(), anchors=["letter-0"], titles=["x"], draft=False)[0].pages


def test_a_page_that_takes_too_long_ends_the_press_and_the_next_job_finds_a_new_one(press):
    assert printable(press) == 1
    with pytest.raises(PressTimeoutError):
        press.print(
            page("<table><tr><td>甲</table>" * 40_000), anchors=["letter-0"], titles=["x"], draft=False, seconds=2
        )
    assert printable(press) == 1


def test_a_press_that_was_killed_is_an_error_and_is_replaced(press):
    assert printable(press) == 1
    press._process.kill()
    press._process.wait()
    assert printable(press) == 1
    broken = press._process
    killer = threading.Timer(0.3, broken.kill)
    killer.start()
    with pytest.raises(PressError):
        press.print(page("甲<br>" * 200_000), anchors=["letter-0"], titles=["x"], draft=False)
    killer.join()
    assert printable(press) == 1


def test_pages_that_do_not_fit_their_letters_are_an_error(press):
    with pytest.raises(PressError):
        press.print(page(), anchors=["letter-0", "letter-1"], titles=["x", "y"], draft=False)
    assert printable(press) == 1


def test_the_press_has_limits_and_sees_no_secrets(press, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", SECRET)
    assert printable(press) == 1
    process = Path(f"/proc/{press._process.pid}")
    if not process.exists():
        pytest.skip("needs /proc")
    limits = (process / "limits").read_text()
    assert re.search(r"Max data size\s+734003200", limits)
    assert re.search(r"Max core file size\s+0\s", limits)
    assert SECRET.encode() not in (process / "environ").read_bytes()


def test_the_memory_of_who_started_the_press_is_not_counted_as_its_own(press):
    ballast = bytearray(b"x" * (RENEW_ABOVE_KB << 10))
    assert printable(press) == 1
    assert press.peak_kb < RENEW_ABOVE_KB < len(ballast)
    assert press._process is not None
