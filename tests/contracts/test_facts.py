"""The facts on the wire: schemas are committed, stored examples still read, breaking changes fail."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from deploy.schemas import FOLDER, write_schemas
from shared.contracts.evolution import breaking_changes, json_schema
from shared.contracts.facts import FACTS
from shared.contracts.topics import TOPICS

EXAMPLES = Path(__file__).parent / "examples"
PUBLISHED = Path(__file__).parent / "published.txt"
"""One line for each field and each value of a closed list that was ever published: lines are added, never removed."""


def published_lines(name: str, schema: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"{name} = {json.dumps(value)}" for value in schema.get("enum", ()))
    for field, shape in schema.get("properties", {}).items():
        kept = {key: value for key, value in shape.items() if key not in {"title", "description", "default"}}
        always = "always" if field in schema["required"] else "perhaps"
        yield f"{name}.{field}: {always} {json.dumps(kept, sort_keys=True)}"
    for each, definition in schema.get("$defs", {}).items():
        yield from published_lines(f"{name}/{each}", definition)


def test_what_was_ever_published_is_still_published() -> None:
    """The committed schemas alone can be deleted and written anew; this list is written by hand."""
    now = {line for fact_type, model in FACTS.items() for line in published_lines(fact_type, json_schema(model))}
    once = set(PUBLISHED.read_text("utf-8").splitlines())
    assert sorted(once - now) == [], "a breaking change: publish a new type (….v2) instead"
    assert sorted(now - once) == [], f"add these lines to {PUBLISHED.name}"


def test_every_fact_has_its_committed_schema_and_no_schema_is_left_over() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == set(FACTS)


@pytest.mark.parametrize("fact_type", FACTS)
def test_the_committed_schema_is_the_one_of_the_code(fact_type: str) -> None:
    committed = json.loads((FOLDER / f"{fact_type}.json").read_text("utf-8"))
    assert committed == json_schema(FACTS[fact_type]), "run `python -m deploy.schemas` and commit what it writes"


@pytest.mark.parametrize("fact_type", FACTS)
def test_a_stored_example_still_reads(fact_type: str) -> None:
    body = json.loads((EXAMPLES / f"{fact_type}.json").read_text("utf-8"))
    Draft202012Validator(json_schema(FACTS[fact_type])).validate(body)
    fact = FACTS[fact_type].model_validate(body)
    assert FACTS[fact_type].model_validate_json(fact.model_dump_json()) == fact
    assert FACTS[fact_type].model_validate({**body, "added_later": 1}) == fact


@pytest.mark.parametrize("fact_type", FACTS)
def test_a_fact_without_one_of_its_fields_is_refused(fact_type: str) -> None:
    body = json.loads((EXAMPLES / f"{fact_type}.json").read_text("utf-8"))
    for field in body:
        with pytest.raises(ValidationError):
            FACTS[fact_type].model_validate({key: value for key, value in body.items() if key != field})


def test_every_fact_travels_on_one_topic_and_has_one_writer() -> None:
    written = [
        (model, topic.name, service)
        for topic in TOPICS
        for service, models in topic.writers.items()
        for model in models
    ]
    assert sorted(model.TYPE for model, _, _ in written) == sorted(FACTS)


def test_removing_retyping_requiring_and_narrowing_are_breaking_and_adding_is_not() -> None:
    old = json_schema(FACTS["vn.motcua.dossier.result_handed_over.v1"])
    removed, retyped, required, narrowed, added = (copy.deepcopy(old) for _ in range(5))
    del removed["properties"]["receiver"]
    retyped["properties"]["step_no"]["type"] = "string"
    required["required"].append("added")
    narrowed["$defs"]["Handover"]["enum"].remove("post")
    added["properties"]["added"] = {"type": "string", "default": ""}
    assert [bool(breaking_changes(old, new)) for new in (removed, retyped, required, narrowed)] == [True] * 4
    assert breaking_changes(old, added) == []


def test_the_writer_of_schemas_refuses_a_breaking_change(tmp_path: Path) -> None:
    fact_type = "vn.motcua.dossier.accepted.v1"
    old = json_schema(FACTS[fact_type])
    old["properties"]["gone"] = {"type": "string"}
    path = tmp_path / f"{fact_type}.json"
    path.write_text(json.dumps(old), "utf-8")
    assert write_schemas(tmp_path) == [f"{fact_type}: gone: was removed"]
    assert json.loads(path.read_text("utf-8")) == old
