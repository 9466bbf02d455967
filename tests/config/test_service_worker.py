"""The worker that opens the application without a network, and the manifest by which a phone installs it."""

import json
import re

import pytest
from django.test import Client
from django.urls import reverse

from config import service_worker
from config.environment import BASE_DIR
from config.service_worker import WORKBOX, build, kept_files

SCRIPTS = BASE_DIR / "static" / "js"
IMPORTED = re.compile(r'(?:from|import) ?\(?"\.{1,2}/([\w./-]+)"')


@pytest.fixture
def worker() -> str:
    answer = Client().get(reverse("service_worker"))
    assert answer.status_code == 200
    return answer.content.decode()


def told(worker: str) -> dict:
    found: dict = json.loads(worker.removeprefix("self.DESK = ").split(";\n")[0])
    return found


class TestWorker:
    def test_it_answers_at_the_root_for_everything_and_is_asked_for_anew(self) -> None:
        answer = Client().get(reverse("service_worker"))
        assert answer.wsgi_request.path == "/service-worker.js"
        assert answer["Content-Type"].startswith("text/javascript")
        assert answer["Cache-Control"] == "no-cache"
        assert answer["Service-Worker-Allowed"] == "/"
        assert "script-src 'self'" in answer["Content-Security-Policy"]

    def test_all_that_it_keeps_is_there(self, worker: str) -> None:
        client = Client()
        desk = told(worker)
        scripts = json.loads(worker.split("importScripts(...")[1].split(");")[0])
        for url in [*(file["url"] for file in desk["files"]), *desk["workbox"].values(), *scripts]:
            assert client.get(url).status_code == 200, url

    def test_it_keeps_what_the_scripts_import(self) -> None:
        kept, looked_at = set(kept_files()), set[str]()
        ahead = ["desk.js", "phone.js", "phone_pages.js", "theme.js", "visit.js"]
        while ahead:
            script = ahead.pop()
            looked_at.add(script)
            for name in IMPORTED.findall((SCRIPTS / script).read_text()):
                assert {f"js/{name}", name} & kept, f"{script} imports {name}"
                ahead += [name] if name not in looked_at and (SCRIPTS / name).exists() else []
        assert "visit_photos.js" in looked_at

    def test_the_parts_of_workbox_that_it_names_are_all_that_it_loads(self) -> None:
        text = (SCRIPTS / "service_worker.js").read_text()
        used = set(re.findall(r"const \{ ([\w, ]+) \} = workbox", text)[0].split(", "))
        assert used <= set(WORKBOX)

    def test_another_file_is_another_build(self, monkeypatch: pytest.MonkeyPatch) -> None:
        before = build()
        monkeypatch.setattr(service_worker, "kept_files", lambda: [*kept_files(), "vendor/echarts/echarts.common.js"])
        monkeypatch.setattr(service_worker, "_hash", lambda name: "0")
        assert build() != before


@pytest.mark.django_db
class TestManifest:
    def test_it_can_be_installed(self) -> None:
        answer = Client().get(reverse("manifest"))
        assert answer["Content-Type"] == "application/manifest+json"
        manifest = answer.json()
        assert (manifest["start_url"], manifest["display"], manifest["name"]) == ("/", "standalone", "催费台")
        assert {icon["sizes"] for icon in manifest["icons"]} == {"192x192", "512x512"}
        assert all(Client().get(icon["src"]).status_code == 200 for icon in manifest["icons"])

    def test_pages_name_it(self) -> None:
        assert f'<link rel="manifest" href="{reverse("manifest")}">' in Client().get(reverse("account_login")).text
