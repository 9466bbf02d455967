import io
import re
import socket
import subprocess
import sys
import threading
import zlib
from pathlib import Path

import pytest
from django.conf import settings
from PIL import Image

from notices import press as our_end
from notices.press import RENEW_ABOVE_KB, Press, PressError, PressTimeoutError

SECRET = "c0ffee-c0ffee-c0ffee"
PLAIN = '#let letter = json(bytes(sys.inputs.letter))\n#set text(font: "Noto Serif SC")\n#letter.text'


@pytest.fixture
def layouts(tmp_path, monkeypatch) -> Path:
    """Layouts of the test's own."""
    folder = tmp_path / "layouts"
    folder.mkdir()
    (folder / "plain.typ").write_text(PLAIN)
    monkeypatch.setattr(our_end, "LAYOUTS", folder)
    return folder


@pytest.fixture
def press(layouts):
    press = Press()
    yield press
    press.close()


@pytest.fixture
def listener():
    """A port on this machine and the list of what those who called it said."""
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
        yield server.getsockname()[1], calls
        over.set()
        thread.join()


@pytest.fixture
def through_the_listener(listener, monkeypatch):
    """Whatever a press fetches goes to the listener, as through a proxy. Returns what called it."""
    port, calls = listener
    start = subprocess.Popen

    def with_proxy(*arguments, env, **options):
        proxies = {f"{name}_PROXY": f"http://127.0.0.1:{port}" for name in ("HTTP", "HTTPS", "ALL")}
        return start(*arguments, env={**env, **proxies}, **options)

    monkeypatch.setattr(our_end.subprocess, "Popen", with_proxy)
    return calls


@pytest.fixture
def secret(layouts) -> Path:
    """A file that even lies beside the layouts, where Typst may read."""
    path = layouts / "secret.svg"
    path.write_text(f'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><desc>{SECRET}</desc></svg>')
    return path


# What a layout would do that had been tampered with: letters cannot, since they are data.
TAMPERED = {
    "package": '#import "@preview/example:0.1.0": add',
    "picture": '#image("secret.svg")',
    "text": '#read("secret.svg")',
    "data": '#xml("secret.svg")',
    "outside": '#read("../../../../../../../../etc/passwd")',
    "layout": '#include "secret.svg"',
    "program": '#plugin("secret.svg")',
    "bibliography": '#bibliography("secret.svg")',
    "attachment": '#pdf.attach("secret.svg")',
}

WITHOUT_LIMITS = """
import json, sys
from pathlib import Path
from notices import press_child
sys.stdout.buffer.write(press_child.Press(Path(sys.argv[1])).print(sys.argv[2], {})[0])
"""


def everything_in(pdf: bytes) -> bytes:
    streams = [pdf]
    for match in re.finditer(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL):
        try:
            streams.append(zlib.decompress(match[1]))
        except zlib.error:
            continue
    return b"".join(streams)


@pytest.mark.parametrize("way", TAMPERED)
def test_the_press_opens_neither_file_nor_connection(layouts, press, secret, through_the_listener, way):
    (layouts / "tampered.typ").write_text(TAMPERED[way])
    with pytest.raises(PressError):
        press.print("tampered.typ", [{}])
    assert through_the_listener == []
    assert printable(press) == 1


def without_limits(layouts, listener):
    port, _ = listener
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_LIMITS, layouts, "tampered.typ"],
        capture_output=True,
        check=False,
        cwd=settings.BASE_DIR,
        env={"HTTPS_PROXY": f"http://127.0.0.1:{port}", "LANG": "C.UTF-8", "HOME": str(layouts)},
    )


def test_control_without_its_limits_a_layout_calls_out(layouts, listener):
    (layouts / "tampered.typ").write_text(TAMPERED["package"])
    without_limits(layouts, listener)
    assert any(b"packages.typst.org" in call for call in listener[1])


@pytest.mark.parametrize("way", ["text", "attachment"])
def test_control_without_its_limits_a_layout_reads_files(layouts, secret, listener, way):
    (layouts / "tampered.typ").write_text(TAMPERED[way])
    assert without_limits(layouts, listener).stdout.startswith(b"%PDF")


def printable(press, text="text"):
    return press.print("plain.typ", [{"text": text}])[0].pages


def test_a_letter_that_takes_too_long_ends_the_press_and_the_next_job_finds_a_new_one(press):
    assert printable(press) == 1
    with pytest.raises(PressTimeoutError):
        press.print("plain.typ", [{"text": "甲乙丙丁 " * 400_000}], seconds=1)
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
        press.print("plain.typ", [{"text": "甲乙丙丁 " * 400_000}])
    killer.join()
    assert printable(press) == 1


def test_a_letter_that_is_too_large_ends_the_press_only(press):
    with pytest.raises(PressError):
        press.print("plain.typ", [{"text": "甲乙丙丁 " * 4_000_000}])
    assert printable(press) == 1


def test_a_letter_that_lacks_something_is_an_error(press):
    with pytest.raises(PressError, match="text"):
        press.print("plain.typ", [{"text": "text"}, {"words": ""}])
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
    assert re.search(r"Max open files\s+3\s+3\s", limits)
    assert SECRET.encode() not in (process / "environ").read_bytes()


def test_the_memory_of_who_started_the_press_is_not_counted_as_its_own(press):
    ballast = bytearray(b"x" * (RENEW_ABOVE_KB << 10))
    assert printable(press) == 1
    assert press.peak_kb < RENEW_ABOVE_KB < len(ballast)
    assert press._process is not None


PICTURE = '#let letter = json(bytes(sys.inputs.letter))\n#import "lib.typ": picture\n#picture(letter.name, width: 9mm)'
LIB = '#let picture(name, ..size) = image(bytes(json("pictures/" + name + ".json")), format: "png", ..size)'
HOSTILE_SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">'
    '<image href="http://127.0.0.1:{port}/a.png" width="9" height="9"/>'
    '<image href="file:///etc/passwd" width="9" height="9"/><image href="secret.svg" width="9" height="9"/></svg>'
)


def png(size=(9, 9)):
    buffer = io.BytesIO()
    Image.new("RGB", size, "red").save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def with_pictures(layouts):
    """The layouts of the test place a picture as ours do."""
    assert LIB in (settings.BASE_DIR / "templates/print/lib.typ").read_text()
    (layouts / "picture.typ").write_text(PICTURE)
    (layouts / "lib.typ").write_text(LIB)


@pytest.mark.usefixtures("with_pictures")
class TestPictures:
    def test_a_png_comes_with_the_job(self, press):
        (printed,) = press.print("picture.typ", [{"name": "seal"}], pictures={"seal": png()})
        assert b"/Image" in printed.pdf

    def test_a_picture_that_did_not_come_is_an_error(self, press):
        with pytest.raises(PressError):
            press.print("picture.typ", [{"name": "seal"}])
        with pytest.raises(PressError):
            press.print("picture.typ", [{"name": "../../../../../etc/passwd"}], pictures={"seal": png()})
        assert printable(press) == 1

    def test_a_drawing_is_refused_whatever_it_is_called(self, press, secret, through_the_listener, listener):
        port, calls = listener
        for drawing in (HOSTILE_SVG.format(port=port).encode(), b"\x89PNG\r\n\x1a\n" + HOSTILE_SVG.encode()):
            with pytest.raises(PressError):
                press.print("picture.typ", [{"name": "seal"}], pictures={"seal": drawing})
        assert calls == through_the_listener == []
        assert printable(press) == 1

    @pytest.mark.long
    def test_a_picture_too_large_to_unpack_ends_the_press_only(self, press):
        with pytest.raises(PressError):
            press.print("picture.typ", [{"name": "seal"}], pictures={"seal": png((30_000, 30_000))})
        assert printable(press) == 1

    def test_one_job_does_not_see_the_pictures_of_another(self, press):
        assert press.print("picture.typ", [{"name": "seal"}], pictures={"seal": png()})
        with pytest.raises(PressError):
            press.print("picture.typ", [{"name": "seal"}])
