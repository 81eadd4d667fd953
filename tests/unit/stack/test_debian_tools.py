"""Debian's programs are brought without touching the system, whatever the machine lacks; else the remedy is said."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from deploy import debian_tools
from deploy.debian_tools import FAKETIME, PROGRAMS, REMEDY, NotBrought, bring, find, find_library, main, missing
from tests.tools import tool

APT = """#!/bin/sh
echo "$@" >> {log}
case "$*" in
  *"Dir::State::Lists={place}/lists "*) ;;
  *) [ -n "{lists}" ] || {{ echo "E: Unable to locate package" >&2; exit 100; }} ;;
esac
case "$*" in
  *--print-uris*)
    echo "'mirror:/libssl3_3.deb' libssl3_3.0%3a1_amd64.deb 1 SHA256:0"
    echo "'mirror:/libjs-jquery_3.deb' libjs-jquery_3_all.deb 1 SHA256:0"
    echo "'mirror:/adduser_3.deb' adduser_3_all.deb 1 SHA256:0" ;;
  *download*) : > all.deb ;;
esac
"""
DPKG = """#!/bin/sh
mkdir -p "$3/usr/bin" "$3/usr/lib/x86_64-linux-gnu/faketime"
: > "$3/usr/lib/x86_64-linux-gnu/{library}"
for program in {programs}; do
  echo 'echo "$0 $@ with $LD_LIBRARY_PATH"' > "$3/usr/bin/$program"
  chmod +x "$3/usr/bin/$program"
done
"""


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without any of the programs and libraries."""
    monkeypatch.setattr(debian_tools, "SYSTEM_PATH", f"{tmp_path / 'system'}:/usr/bin:/bin")
    monkeypatch.setattr(debian_tools, "SYSTEM", tmp_path / "root")
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    (tmp_path / "system").mkdir()


def machine(folder: Path, place: Path, *, lists: str) -> Path:
    """Give the machine an apt, with lists of packages or without; answers where it notes what it is asked."""
    log = folder / "asked"
    stubs = {
        "apt-get": APT.format(log=log, place=place, lists=lists),
        "dpkg-deb": DPKG.format(programs=" ".join(PROGRAMS), library=FAKETIME),
    }
    for name, text in stubs.items():
        (folder / "system" / name).write_text(text)
        (folder / "system" / name).chmod(0o755)
    return log


@pytest.mark.parametrize("lists", ["", "there"])
def test_what_the_machine_lacks_is_unpacked_and_runs_with_its_libraries(tmp_path: Path, lists: str) -> None:
    place = tmp_path / "tools"
    asked = machine(tmp_path, place, lists=lists)
    bring(place)
    assert missing(place) == []
    assert find_library(FAKETIME, place) == place / "usr/lib/x86_64-linux-gnu" / FAKETIME
    said = subprocess.run([find("wrk", place), "-c", "2"], check=True, capture_output=True, text=True).stdout
    assert said.startswith(f"{place}/usr/bin/wrk -c 2 with {place}/usr/lib/x86_64-linux-gnu:")
    *_, last = asked.read_text().splitlines()
    assert last.endswith("download -qq libfaketime libssl3 prometheus prometheus-alertmanager wrk")
    assert ("update" in asked.read_text()) is not bool(lists)
    assert {path.name for path in place.iterdir()} == {"bin", "usr"}


def test_without_apt_the_remedy_is_said_and_all_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(debian_tools, "SYSTEM_PATH", str(tmp_path / "nothing"))
    with pytest.raises(NotBrought, match="apt-get is not on this machine"):
        bring(tmp_path / "tools")
    monkeypatch.setattr(debian_tools, "bring", lambda: bring(tmp_path / "tools"))
    monkeypatch.setattr(debian_tools, "missing", lambda: ["wrk"])
    assert main() == 0
    assert REMEDY in capsys.readouterr().err


def test_what_is_on_the_search_path_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "wrk").write_text("#!/bin/sh\n")
    (tmp_path / "wrk").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find("wrk", tmp_path / "tools") == tmp_path / "wrk"
    assert missing(tmp_path / "tools") == ["prometheus", "promtool", "amtool", FAKETIME]


@pytest.mark.parametrize(("ci", "end"), [("true", pytest.fail.Exception), ("", pytest.skip.Exception)])
def test_a_test_that_needs_one_fails_in_ci_and_is_else_skipped_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch, ci: str, end: type[BaseException]
) -> None:
    monkeypatch.setenv("CI", ci)
    with pytest.raises(end, match="apt-get install libfaketime prometheus prometheus-alertmanager wrk"):
        tool("no such program")
