"""Print the Python of this machine that the project runs on: the caller's `python3`, or a clearly faster build of it.

Builds of one version differ by a third in speed: with or without profile-guided optimisation, with the interpreter in
the executable or in a shared library. What a build says of its configuration does not tell, so each does the same piece
of work (docs/adr/0036). Needs the standard library alone: it runs before .venv is made.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

CLEARLY = 0.9
"""Another Python is taken only where it needs less than this share of the time of the caller's."""
ROUNDS = 3
"""The candidates take turns, so that other work of the machine hits them alike; the shortest time of each counts."""

TIMED_WORK = """
import asyncio, ensurepip, sys, time, venv

class Item:
    def __init__(self, number, text):
        self.number, self.text = number, text

    def size(self):
        return len(self.text) + self.number

async def size_of(item):
    return item.size()

async def work():
    return sum([await size_of(Item(number, f"{number}")) for number in range(30_000)])

def seconds():
    begun = time.thread_time()
    asyncio.run(work())
    return time.thread_time() - begun

print(min(seconds() for _ in range(5)), *sys.version_info[:2])
"""


def installed() -> Iterator[str]:
    """Every `python3` of the search path, the caller's first, and of the system's folders, each build once."""
    seen = set()
    for folder in [*os.get_exec_path(), "/usr/local/bin", "/usr/bin"]:
        path = shutil.which("python3", path=folder)
        if path and (build := os.path.realpath(path)) not in seen:
            seen.add(build)
            yield path


def measured(python: str) -> tuple[float, list[str]] | None:
    """Seconds and version of one Python; None for one that does not run or cannot make virtual environments."""
    command = [python, "-I", "-c", TIMED_WORK]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - the caller's own Python
    if answer.returncode:
        return None
    seconds, *version = answer.stdout.split()
    return float(seconds), version


def fastest() -> str:
    """The path to take; the caller's own where that cannot be measured: what it lacks is said by who tries it."""
    callers, *others = installed()
    figures = measured(callers)
    if figures is None or not others:
        return callers
    version = figures[1]
    shortest = dict.fromkeys([callers, *others], float("inf"))
    for _ in range(ROUNDS):
        for python in shortest:
            figures = measured(python)
            if figures and figures[1] == version:
                shortest[python] = min(shortest[python], figures[0])
    best = min(shortest, key=shortest.__getitem__)
    return best if shortest[best] < shortest[callers] * CLEARLY else callers


if __name__ == "__main__":
    sys.stdout.write(fastest())
