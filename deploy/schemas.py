"""Writes the JSON Schema of every fact; refuses a change that would break a reader.

Run as `python -m deploy.schemas` after a fact has changed and commit what it wrote.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from shared.contracts.evolution import breaking_changes, json_schema
from shared.contracts.facts import FACTS

FOLDER = Path(__file__).parents[1] / "shared" / "contracts" / "schemas"


def write_schemas(folder: Path) -> list[str]:
    """Write what is new or grew additively; return every breaking change, for which nothing is written."""
    problems: list[str] = []
    for fact_type, model in FACTS.items():
        path = folder / f"{fact_type}.json"
        schema = json_schema(model)
        found = breaking_changes(json.loads(path.read_text("utf-8")), schema) if path.exists() else []
        problems += [f"{fact_type}: {change}" for change in found]
        if not found:
            path.write_text(json.dumps(schema, indent=2, ensure_ascii=False, sort_keys=True) + "\n", "utf-8")
    return problems


def main() -> int:
    """Exit 1 and name every breaking change; the remedy is a new type beside the old one."""
    problems = write_schemas(FOLDER)
    for problem in problems:
        sys.stderr.write(f"breaking change: {problem}; publish a new type (….v2) instead\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
