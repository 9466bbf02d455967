"""Folders and programs that every command needs."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = Path(os.environ.get("ARREARS_VENV") or ROOT / ".venv").absolute()
VAR = Path(os.environ.get("ARREARS_VAR") or ROOT / "var").absolute()
PYTHON = VENV / "bin" / "python"


class Refusal(Exception):
    """The command cannot go on; the text says why and what to do."""


def program(name: str) -> str:
    """A program of the virtual environment."""
    return str(VENV / "bin" / name)


def child_environment(**extra: str) -> dict[str, str]:
    """The environment of every process that ./run starts.

    Each program names its settings itself: pytest would read them before the tests have chosen their servers.
    """
    inherited = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    return {
        **inherited,
        "ARREARS_VAR": str(VAR),
        "ARREARS_LOCAL": os.environ.get("ARREARS_LOCAL", "true"),
        "PATH": f"{VENV / 'bin'}:{os.environ.get('PATH', '/usr/bin:/bin')}",
        "PYTHONUNBUFFERED": "1",
        **extra,
    }


def say(text: str) -> None:
    """A line for the person at the keyboard; standard output belongs to the command's result."""
    os.write(2, f"{text}\n".encode())
