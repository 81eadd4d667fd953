"""What may change in a published fact: fields may be added with a default, nothing else.

Readers ignore fields that they do not know, so an addition is safe. To remove, retype or newly require a field, or to
narrow a closed list, is a new type (`….v2`) published beside the old one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from shared.contracts.facts import Fact

Schema = Mapping[str, Any]


def schema_uri(fact_type: str) -> str:
    """Name the schema of a type: absolute, as `dataschema` of CloudEvents 1.0 must be, and no promise of a server."""
    return f"urn:motcua:schema:{fact_type}"


def json_schema(model: type[Fact]) -> dict[str, Any]:
    """JSON Schema 2020-12 of a fact's body as readers must expect it."""
    schema = model.model_json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": schema_uri(model.TYPE), **schema}


def breaking_changes(old: Schema, new: Schema) -> list[str]:
    """Everything in `new` that would break a reader or a stored fact of `old`; empty when the change is additive."""
    return [*_object_changes("", old, new), *_definition_changes(old, new)]


def _definition_changes(old: Schema, new: Schema) -> Iterator[str]:
    for name, definition in old.get("$defs", {}).items():
        after = new.get("$defs", {}).get(name)
        if after is None:
            continue  # a reference to it that changed is reported where it stands
        removed = [value for value in definition.get("enum", []) if value not in after.get("enum", [])]
        if removed:
            yield f"{name}: values {removed} were removed"
        yield from _object_changes(f"{name}.", definition, after)


def _object_changes(prefix: str, old: Schema, new: Schema) -> Iterator[str]:
    for field, definition in old.get("properties", {}).items():
        after = new.get("properties", {}).get(field)
        if after is None:
            yield f"{prefix}{field}: was removed"
        elif _shape(definition) != _shape(after):
            yield f"{prefix}{field}: was {_shape(definition)}, is {_shape(after)}"
    for field in new.get("required", []):
        if field not in old.get("required", []):
            yield f"{prefix}{field}: is newly required"
    for field in old.get("required", []):
        if field not in new.get("required", []):
            yield f"{prefix}{field}: is no longer always there"


def _shape(definition: Schema) -> dict[str, Any]:
    words = ("title", "description", "default", "examples")
    return {key: value for key, value in definition.items() if key not in words}
