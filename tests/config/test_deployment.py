"""The production files agree with the settings. The containers themselves are not started here."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]


def test_every_lasting_service_is_watched_and_restarted(services: dict[str, Any]) -> None:
    lasting = {name: service for name, service in services.items() if name != "migrate"}
    assert set(lasting) == {"web", "worker", "beat", "postgres", "valkey", "proxy"}
    assert all(service["restart"] == "unless-stopped" and service["healthcheck"] for service in lasting.values())


def test_no_container_runs_as_root(services: dict[str, Any]) -> None:
    for name, service in services.items():
        build = service.get("build")
        if build is None:
            assert service["user"] not in {"root", "0"}, name
            continue
        file = ROOT / "Dockerfile" if build == "." else ROOT / build["context"] / build["dockerfile"]
        user = re.findall(r"^USER (\S+)$", file.read_text(encoding="utf-8"), re.MULTILINE)[-1]
        assert user not in {"root", "0"}, name


def test_every_secret_comes_from_the_environment_and_is_listed() -> None:
    listed = set(re.findall(r"^(\w+)=", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE))
    compose = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    assert set(re.findall(r"\$\{(\w+):\?", compose)) <= listed
    assert {"SECRET_KEY", "FIELD_KEYS", "HASH_KEY", "ALLOWED_HOSTS"} <= listed
    assert not re.search(r"(PASSWORD|SECRET_KEY|FIELD_KEYS|HASH_KEY): (?!\$\{)", compose)
