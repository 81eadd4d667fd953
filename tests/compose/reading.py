"""`docker-compose.yml` and `Dockerfile` as their own programs read them, without either."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
COMPOSE_FILE = ROOT / "docker-compose.yml"
DOCKERFILE = ROOT / "Dockerfile"
OURS = "motcua"
"""The name of our image."""

_VARIABLE = re.compile(r"\$\{(\w+):-([^}]*)\}")


def interpolated(value: Any) -> Any:
    """Every `${NAME:-default}` as it is where nothing is set, and every `$$` as the dollar that it stands for."""
    if isinstance(value, Mapping):
        return {key: interpolated(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [interpolated(inner) for inner in value]
    return _VARIABLE.sub(r"\2", value).replace("$$", "$") if isinstance(value, str) else value


def read_compose() -> dict[str, Any]:
    """The compose file with its anchors merged and its variables at their defaults; a copy for each caller."""
    found: dict[str, Any] = interpolated(_parsed_compose())
    return found


@cache
def _parsed_compose() -> Any:
    return YAML(typ="safe").load(COMPOSE_FILE)


@dataclass(frozen=True)
class Instruction:
    """One instruction of a Dockerfile: `name`, and its words without options such as `--mount=…`."""

    stage: int
    name: str
    words: tuple[str, ...]

    @property
    def text(self) -> str:
        return " ".join(self.words)


def read_dockerfile() -> list[Instruction]:
    """Every instruction of the Dockerfile, with the number of its stage."""
    lines = re.sub(r"^#.*\n", "", DOCKERFILE.read_text("utf-8"), flags=re.MULTILINE).replace("\\\n", " ")
    return list(_instructions(lines))


def _instructions(lines: str) -> Iterator[Instruction]:
    stage = -1
    for line in filter(None, map(str.strip, lines.splitlines())):
        name, *words = line.split()
        stage += name == "FROM"
        while words[0].startswith("--"):
            del words[0]
        yield Instruction(stage, name, tuple(words))


def variables_of(instructions: list[Instruction], stage: int) -> dict[str, str]:
    """The environment that a stage sets."""
    return dict(
        word.split("=", 1) for one in instructions if one.stage == stage and one.name == "ENV" for word in one.words
    )
