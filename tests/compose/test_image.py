"""The Dockerfile copies what there is, pins what it installs, and leaves neither root nor a compiler in the image."""

from __future__ import annotations

import sys
import tomllib

import pytest

from tests.compose.reading import ROOT, Instruction, read_dockerfile

INSTRUCTIONS = read_dockerfile()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def of(stage: int, name: str) -> list[Instruction]:
    return [one for one in INSTRUCTIONS if (one.stage, one.name) == (stage, name)]


def sent_to_the_builder() -> set[str]:
    """What `.dockerignore` lets through: it refuses everything and names the exceptions."""
    refused, *lines = [
        line for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if not line.startswith("#")
    ]
    assert refused == "*"
    return {line.removeprefix("!") for line in lines if line.startswith("!")}


def test_what_is_copied_is_there_and_is_sent() -> None:
    copied = [source for one in of(0, "COPY") for source in one.words[:-1]]
    assert [source for source in copied if not (ROOT / source).exists()] == []
    assert sorted(copied) == sorted(sent_to_the_builder())


def test_both_stages_stand_on_one_image_of_the_python_that_the_tests_run_on() -> None:
    bases = {one.words[0] for one in INSTRUCTIONS if one.name == "FROM"}
    assert bases == {f"python:{sys.version_info.major}.{sys.version_info.minor}-slim-trixie"}


def test_what_is_installed_is_pinned() -> None:
    by_pip = [one.text for one in of(0, "RUN") if one.words[0] == "pip"]
    assert by_pip == [f"pip install uv{PROJECT['tool']['uv']['required-version']}"]
    by_uv = [one.words for one in of(0, "RUN") if one.words[0] != "pip"]
    assert len(by_uv) == 2
    for words in by_uv:
        assert words[:6] == ("uv", "sync", "--locked", "--no-dev", "--extra", "sinks")
    assert "sinks" in PROJECT["project"]["optional-dependencies"]


@pytest.mark.parametrize("word", ["apt-get", "pip", "uv", "gcc", "curl", "wget"])
def test_nothing_is_installed_into_the_image_that_runs(word: str) -> None:
    assert [one.text for one in of(1, "RUN") if word in one.words] == []
    assert [one.words[-1] for one in of(1, "COPY")] == ["/opt/motcua"]


def test_it_runs_as_nobody_of_importance() -> None:
    (user,) = of(1, "USER")
    uid, _, gid = user.text.partition(":")
    assert int(uid) == int(gid) >= 10_000
    after = INSTRUCTIONS[INSTRUCTIONS.index(user) :]
    assert {one.name for one in after} <= {"USER", "WORKDIR", "CMD"}
