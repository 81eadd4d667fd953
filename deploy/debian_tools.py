"""Brings what tests and benchmarks need of Debian into var/tools/debian; the system stays as it is.

`python -m deploy.debian_tools`: packages and the libraries that the machine lacks are downloaded with its own apt,
unpacked with dpkg-deb, and never installed. Where the machine's lists of packages are empty or too old, lists of our
own are fetched. A program that is on the search path already is left alone. Exit 0 whatever happens: who needs a
program or a library asks `find` or `find_library`, and says what is missing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.faults import DeployError

PROGRAMS: Mapping[str, str] = {
    "prometheus": "prometheus",
    "promtool": "prometheus",
    "amtool": "prometheus-alertmanager",
    "wrk": "wrk",
}
"""Program → its package."""
FAKETIME = "faketime/libfaketime.so.1"
LIBRARIES: Mapping[str, str] = {FAKETIME: "libfaketime"}
"""Library that a program is started with → its package."""
PACKAGES = sorted({*PROGRAMS.values(), *LIBRARIES.values()})
PLACE = Path(__file__).parents[1] / "var" / "tools" / "debian"
REMEDY = f"make tools, or as root: apt-get install {' '.join(PACKAGES)}"
SYSTEM = Path("/")
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where apt and dpkg find what they call: the caller's search path may be nearly empty."""


class NotBrought(DeployError):
    """The programs could not be brought; the message says why."""


def find(program: str, place: Path = PLACE) -> Path | None:
    """Where a program is: on the search path, else what was unpacked; None when it is nowhere."""
    found = shutil.which(program) or shutil.which(program, path=str(place / "bin"))
    return Path(found) if found else None


def find_library(library: str, place: Path = PLACE) -> Path | None:
    """Where a library is: among the system's, else what was unpacked; None when it is nowhere."""
    return next((path for top in (SYSTEM, place) for path in top.glob(f"usr/lib/*-linux-*/{library}")), None)


def missing(place: Path = PLACE) -> list[str]:
    """Name the programs and libraries that are nowhere."""
    lacking = [program for program in PROGRAMS if find(program, place) is None]
    return lacking + [library for library in LIBRARIES if find_library(library, place) is None]


def bring(place: Path = PLACE) -> None:
    """Download and unpack whatever `PROGRAMS` and `LIBRARIES` name, and make programs callable. Raises NotBrought."""
    shutil.rmtree(place, ignore_errors=True)
    for folder in ("bin", "packages", "lists/partial", "cache/archives/partial"):
        (place / folder).mkdir(parents=True)
    try:
        _download(place, ())
    except NotBrought:
        # No lists on this machine, or so old that what they name is gone: fetch our own.
        ours = ("-o", f"Dir::State::Lists={place / 'lists'}", "-o", f"Dir::Cache={place / 'cache'}")
        _run("apt-get", *ours, "update", "--quiet", cwd=place)
        _download(place, ours)
    for package in (place / "packages").glob("*.deb"):
        _run("dpkg-deb", "--extract", str(package), str(place), cwd=place)
    for program in PROGRAMS:
        _make_callable(place, program)
    for folder in {path.name for path in place.iterdir()} - {"bin", "usr"}:
        shutil.rmtree(place / folder)


def _download(place: Path, options: Sequence[str]) -> None:
    # What apt would install names each library that this machine lacks; data and services are not needed.
    told = _run("apt-get", *options, "install", "--print-uris", "--no-install-recommends", "-qq", *PACKAGES, cwd=place)
    names = {line.split()[1].split("_")[0] for line in told.splitlines() if line.startswith("'")}
    libraries = {name for name in names if name.startswith("lib") and not name.startswith("libjs-")}
    _run("apt-get", *options, "download", "-qq", *sorted({*PACKAGES} | libraries), cwd=place / "packages")


def _make_callable(place: Path, program: str) -> None:
    """Write bin/<program>, which runs the unpacked one with the unpacked libraries before the machine's own."""
    libraries = "".join(f"{folder}:" for folder in sorted((place / "usr" / "lib").glob("*-linux-*")))
    script = place / "bin" / program
    script.write_text(
        f"#!/bin/sh\nexport LD_LIBRARY_PATH='{libraries}'\"${{LD_LIBRARY_PATH:-/usr/lib}}\"\n"
        f"exec '{place / 'usr' / 'bin' / program}' \"$@\"\n"
    )
    script.chmod(0o755)


def _run(program: str, *words: str, cwd: Path) -> str:
    """Run a program of the system; what it printed. Raises NotBrought with its last words."""
    path = shutil.which(program, path=SYSTEM_PATH)
    if path is None:
        raise NotBrought(f"{program} is not on this machine")
    environment = {**os.environ, "PATH": SYSTEM_PATH, "LC_ALL": "C"}
    done = subprocess.run(  # noqa: S603 - the system's own, no shell
        [path, *words], cwd=cwd, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
    )
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"exit {done.returncode}"]
        raise NotBrought(f"{program}: {said[-1]}")
    return done.stdout


def main() -> int:
    """Bring what is missing; say what to do where that fails."""
    if lacking := missing():
        sys.stderr.write(f"{', '.join(lacking)}: unpacking Debian's packages into {PLACE}\n")
        try:
            bring()
        except NotBrought as error:
            sys.stderr.write(f"{error}\nWithout them their tests are skipped (where CI=true: fail): {REMEDY}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
