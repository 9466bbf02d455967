"""What a benchmark prints: one JSON object on one line, last on standard output."""

import json
import os
import platform
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Promise:
    """A figure that the product promises; ``target`` as "≥ 6" or "≤ 500"."""

    name: str
    target: str
    value: float

    @property
    def holds(self) -> bool:
        sign, limit = self.target.split()
        return self.value >= float(limit) if sign == "≥" else self.value <= float(limit)

    def as_data(self) -> dict[str, Any]:
        return {"name": self.name, "target": self.target, "value": round(self.value, 2), "holds": self.holds}


@dataclass
class Report:
    """The result of one run."""

    bench: str
    size: int
    seconds: float = 0.0
    peak_mb: float = 0.0
    ratios: dict[str, float] = field(default_factory=dict)
    promises: list[Promise] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)

    def print(self) -> int:
        """Print the object; returns the exit status: 1 when a promise does not hold."""
        found = {
            "bench": self.bench,
            "size": self.size,
            "machine": machine(),
            "seconds": round(self.seconds, 2),
            "peak_mb": round(self.peak_mb),
            "ratios": {name: round(value, 2) for name, value in self.ratios.items()},
            "promises": [promise.as_data() for promise in self.promises],
            **self.details,
        }
        sys.stdout.write(json.dumps(found, ensure_ascii=False) + "\n")
        return 0 if all(promise.holds for promise in self.promises) else 1


def machine() -> str:
    """Cores, memory and Python of this machine."""
    memory = 0
    if Path("/proc/meminfo").exists():
        memory = int(Path("/proc/meminfo").read_text(encoding="ascii").split()[1]) >> 20
    return f"{os.cpu_count()} cores, {memory} GB, {platform.machine()}, Python {platform.python_version()}"
