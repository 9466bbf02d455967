"""A production start without a needed variable stops with its name."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMPLETE = {
    "SECRET_KEY": "x" * 50,
    "FIELD_KEYS": "Zm9yLXRlc3RzLW9ubHktMzItYnl0ZXMtb2Yta2V5ISE=",
    "HASH_KEY": "y" * 32,
    "ALLOWED_HOSTS": "arrears.example",
    "DATABASE_URL": "postgresql://arrears_app:secret@db/arrears",
    "MIGRATION_DATABASE_URL": "postgresql://arrears_owner:secret@db/arrears",
    "REDIS_URL": "redis://:secret@broker:6379",
}
REPORT = (
    "from config import settings as s; "
    "print(s.SESSION_COOKIE_SECURE, s.DEBUG, s.APPLICATION_ROLE, s.STATIC_MANIFEST, s.SECURE_SSL_REDIRECT)"
)


def _read_settings(environment: dict[str, str], var: Path) -> subprocess.CompletedProcess[str]:
    path = {"PATH": os.environ["PATH"], "ARREARS_VAR": str(var)}
    command = [sys.executable, "-c", REPORT]
    return subprocess.run(command, cwd=ROOT, env=environment | path, capture_output=True, text=True)


def test_a_complete_environment_is_secure(tmp_path: Path) -> None:
    result = _read_settings(COMPLETE, tmp_path)
    assert result.stdout.split() == ["True", "False", "arrears_app", "True", "True"], result.stderr


@pytest.mark.parametrize("missing", sorted(set(COMPLETE) - {"DATABASE_URL"}))
def test_a_missing_variable_is_named(missing: str, tmp_path: Path) -> None:
    environment = {name: value for name, value in COMPLETE.items() if name != missing}
    result = _read_settings(environment, tmp_path)
    assert result.returncode != 0
    assert f"Set the environment variable {missing}:" in result.stderr
    assert not (tmp_path / "secrets.env").exists()


def test_without_a_server_keys_are_made_once_and_kept_private(tmp_path: Path) -> None:
    assert _read_settings({}, tmp_path).returncode == 0
    secrets = tmp_path / "secrets.env"
    first = secrets.read_text()
    assert _read_settings({}, tmp_path).returncode == 0
    assert secrets.read_text() == first
    assert secrets.stat().st_mode & 0o777 == 0o600
