"""Where settings come from: the environment, or, for the embedded services, values generated once under ARREARS_VAR."""

import os
import secrets
from pathlib import Path

import environ
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()


def var_dir() -> Path:
    """The folder that holds everything written at run time."""
    return Path(os.environ.get("ARREARS_VAR") or BASE_DIR / "var").absolute()


def embedded() -> bool:
    """True when PostgreSQL is started by the house itself, because no server is configured."""
    return not os.environ.get("DATABASE_URL")


def on_this_machine() -> bool:
    """True where everything runs for one person at one machine (`./run`), also against servers named by URLs."""
    return embedded() or env.bool("ARREARS_LOCAL", False)


def required(name: str, *, should_be: str) -> str:
    """The variable's value; from ``secrets.env`` under ARREARS_VAR on one machine. Raises ImproperlyConfigured."""
    value = os.environ.get(name) or (generated_secrets().get(name, "") if on_this_machine() else "")
    if not value:
        raise ImproperlyConfigured(f"Set the environment variable {name}: {should_be}.")
    return value


def required_where_served(name: str, *, should_be: str, local_default: str) -> str:
    """Like ``required``, with a default where everything runs on this machine."""
    return os.environ.get(name) or (local_default if on_this_machine() else required(name, should_be=should_be))


def generated_secrets() -> dict[str, str]:
    """Secrets of this ARREARS_VAR, written once and readable by their owner only."""
    path = var_dir() / "secrets.env"
    if not path.exists():
        _write_once(path)
    return dict(line.split("=", 1) for line in path.read_text(encoding="utf-8").splitlines() if "=" in line)


def _write_once(path: Path) -> None:
    values = {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "FIELD_KEYS": Fernet.generate_key().decode(),
        "HASH_KEY": secrets.token_urlsafe(32),
    }
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.writelines(f"{name}={value}\n" for name, value in values.items())
    try:
        os.link(draft, path)  # two processes at once: the first one's keys stay
    except FileExistsError:
        pass
    finally:
        draft.unlink()
