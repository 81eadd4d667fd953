"""Apache Kafka's jars, as `jgo.lock.toml` beside this page locks them: each file by version and SHA-256.

jgo fetches exactly the locked files (no resolution at run time) into a cache that all stacks share. The repository is
jgo's default, or the mirror named in `MOTCUA_JAR_REPOSITORY`. `python -m deploy.local.jars` fetches what is missing.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import time
import tomllib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from deploy.faults import DeployError
from deploy.local.folder import cache_folder

LOCK = Path(__file__).with_name("jgo.lock.toml")
_ATTEMPTS = 4
_TOGETHER = 4


class JarsUnavailable(DeployError):
    """A locked jar cannot be had, or is not the one that was locked."""


@dataclass(frozen=True)
class Jar:
    """One locked file."""

    group: str
    artifact: str
    version: str
    classifier: str
    sha256: str

    @property
    def name(self) -> str:
        """The file's name in the cache."""
        return f"{self.group}-{self.artifact}-{self.version}{self.classifier and '-' + self.classifier}.jar"


def locked(lock: Path = LOCK) -> tuple[Jar, ...]:
    """Every jar of the lock file."""
    content = tomllib.loads(lock.read_text("utf-8"))
    return tuple(
        Jar(found["groupId"], found["artifactId"], found["version"], found.get("classifier", ""), found["sha256"])
        for found in content["dependencies"]
    )


def missing(cache: Path, jars: Iterable[Jar]) -> list[Jar]:
    """List the jars that the cache does not hold. Content was checked when a file came in."""
    return [jar for jar in jars if not (cache / "jars" / jar.name).exists()]


def class_path(cache: Path) -> str:
    """Name the class path of all locked jars, fetched first where missing. Raises JarsUnavailable."""
    jars = locked()
    wanted = missing(cache, jars)
    if wanted:
        fetch(cache, wanted)
    return os.pathsep.join(str(cache / "jars" / jar.name) for jar in jars)


def fetch(cache: Path, wanted: list[Jar], told: Callable[[int, int], None] = lambda _done, _total: None) -> None:
    """Fetch jars, a few at once; a partial file never stands under its final name. Raises JarsUnavailable."""
    drafts = cache / f"jars.{os.getpid()}"
    (cache / "jars").mkdir(parents=True, exist_ok=True)
    told(0, len(wanted))
    try:
        with ThreadPoolExecutor(_TOGETHER) as pool:
            for done, _ in enumerate(pool.map(lambda jar: fetch_one(cache, drafts, jar), wanted), 1):
                told(done, len(wanted))
    finally:
        shutil.rmtree(drafts, ignore_errors=True)


def fetch_one(cache: Path, drafts: Path, jar: Jar) -> None:
    """Fetch one jar into `drafts`, check it, and only then give it its name. Raises JarsUnavailable."""
    # imported here: a stack whose jars are all there does not pay for the download library
    from jgo.maven import MavenContext  # noqa: PLC0415

    mirror = os.environ.get("MOTCUA_JAR_REPOSITORY")
    context = MavenContext(repo_cache=drafts, remote_repos={"mirror": mirror} if mirror else None, timeout=60)
    artifact = context.project(jar.group, jar.artifact).at_version(jar.version).artifact(jar.classifier, "jar")
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            path = Path(artifact.resolve())
            break
        except Exception as error:  # jgo raises what requests raises, and RuntimeError
            if attempt == _ATTEMPTS:
                raise JarsUnavailable(f"{jar.name} could not be fetched: {error}") from error
            if artifact.cached_path is not None:
                artifact.cached_path.unlink(missing_ok=True)
            time.sleep(attempt)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != jar.sha256:
        raise JarsUnavailable(f"{jar.name} has SHA-256 {found}, locked is {jar.sha256}; nothing was installed")
    path.replace(cache / "jars" / jar.name)


def main() -> int:
    """Fetch what the cache lacks, with progress on stderr; exit 1 names the first jar that cannot be had."""
    cache = cache_folder()
    wanted = missing(cache, locked())
    if not wanted:
        return 0
    started = time.monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("jars", total=len(wanted))
        try:
            fetch(cache, wanted, lambda done, _total: progress.update(task, completed=done))
        except JarsUnavailable as error:
            sys.stderr.write(f"error: {error}\n")
            return 1
    size = sum((cache / "jars" / jar.name).stat().st_size for jar in wanted)
    seconds = time.monotonic() - started
    sys.stderr.write(f"{len(wanted)} jars, {size / 1e6:.0f} MB, fetched in {seconds:.0f} s\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
