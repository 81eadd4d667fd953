"""What may change in an HTTP interface without breaking a client: routes, answers and optional fields may be added.

Requests may only become wider, answers only richer. To remove, rename, retype, newly require or narrow is a new path
(`/v2/…`) beside the old one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Json = Mapping[str, Any]
LEAST = ("minLength", "minimum", "minItems", "exclusiveMinimum")
MOST = ("maxLength", "maximum", "maxItems", "exclusiveMaximum")
FORMS = ("pattern", "format", "const")
DEMANDS = (*FORMS, "multipleOf", "uniqueItems")


def breaking_changes(old: Json, new: Json) -> list[str]:
    """List what in a new OpenAPI document would break a client of the old one; empty when it only grew."""
    return list(dict.fromkeys(_Documents(old, new).changes()))


@dataclass(frozen=True)
class _Documents:
    """Two documents side by side."""

    old: Json
    new: Json

    def changes(self) -> Iterator[str]:
        for name, door in _doors(self.old).items():
            if _doors(self.new).get(name) != door:
                yield f"security scheme {name}: was changed or removed"
        for path, operations in self.old["paths"].items():
            for method, operation in operations.items():
                place = f"{method.upper()} {path}"
                after = self.new["paths"].get(path, {}).get(method)
                yield from self._operation(place, operation, after) if after else (f"{place}: was removed",)

    def _operation(self, place: str, old: Json, new: Json) -> Iterator[str]:
        before, after = old.get("security", [{}]), new.get("security", [{}])
        if not all(scheme in after for scheme in before):
            yield f"{place}: was open to {before}, is to {after}"
        if _only_refuses(old):
            return
        yield from self._parameters(place, _by_name(self.old, old), _by_name(self.new, new))
        yield from self._body(f"{place}, body", old.get("requestBody", {}), new.get("requestBody", {}))
        for status, answer in old["responses"].items():
            after = new["responses"].get(status)
            told = f"{place}, {status}"
            yield from self._answer(told, answer, after) if after else (f"{told}: was removed",)

    def _parameters(self, place: str, old: Mapping[str, Json], new: Mapping[str, Json]) -> Iterator[str]:
        yield from (f"{place}, {name}: was removed" for name in old.keys() - new.keys())
        for name, parameter in new.items():
            earlier = old.get(name, {})
            if parameter.get("required") and not earlier.get("required"):
                yield f"{place}, {name}: is newly required"
            if earlier:
                yield from self._schema(f"{place}, {name}", earlier["schema"], parameter["schema"], asked=True)

    def _body(self, place: str, old: Json, new: Json) -> Iterator[str]:
        if new.get("required") and not old.get("required"):
            yield f"{place}: is newly required"
        yield from self._contents(place, old, new, asked=True)

    def _answer(self, place: str, old: Json, new: Json) -> Iterator[str]:
        lost = old.get("headers", {}).keys() - new.get("headers", {}).keys()
        yield from (f"{place}, header {name}: was removed" for name in lost)
        yield from self._contents(place, old, new, asked=False)

    def _contents(self, place: str, old: Json, new: Json, *, asked: bool) -> Iterator[str]:
        for media_type, content in old.get("content", {}).items():
            after = new.get("content", {}).get(media_type)
            if after is None:
                yield f"{place}, {media_type}: was removed"
            else:
                yield from self._schema(place, content.get("schema", {}), after.get("schema", {}), asked=asked)

    def _schema(self, place: str, old: Json, new: Json, *, asked: bool) -> Iterator[str]:
        """Compare two schemas: whatever could be asked must still be taken, whatever is answered must be as before."""
        place = _component(old) or place
        before, after = list(_alternatives(self.old, old)), list(_alternatives(self.new, new))
        for each in before if asked else after:
            pairs = ((each, other) if asked else (other, each) for other in (after if asked else before))
            yield from min((list(self._shape(place, *pair, asked=asked)) for pair in pairs), key=len)

    def _shape(self, place: str, old: Json, new: Json, *, asked: bool) -> Iterator[str]:
        if old.get("type") != new.get("type"):
            yield f"{place}: was {old.get('type')}, is {new.get('type')}"
            return
        yield from (f"{place}: {change}" for change in (_narrowed(old, new) if asked else _reshaped(old, new)))
        yield from (f"{place}: no longer has {value!r}" for value in _lost_values(old, new))
        yield from self._fields(place, old, new, asked=asked)
        for part in ("items", "additionalProperties"):
            if isinstance(old.get(part), dict) and isinstance(new.get(part), dict):
                yield from self._schema(f"{place}, each", old[part], new[part], asked=asked)

    def _fields(self, place: str, old: Json, new: Json, *, asked: bool) -> Iterator[str]:
        for name, schema in old.get("properties", {}).items():
            after = new.get("properties", {}).get(name)
            field = f"{place}.{name}"
            yield from (
                self._schema(field, schema, after, asked=asked) if after is not None else (f"{field}: was removed",)
            )
        before, now = (set(each.get("required", ())) for each in (old, new))
        if asked:
            yield from (f"{place}.{name}: is newly required" for name in sorted(now - before))
        else:
            yield from (f"{place}.{name}: is no longer always there" for name in sorted(before - now))


def _only_refuses(operation: Json) -> bool:
    """Tell whether nobody could ever get what he asked for: whatever it asks from now on takes nothing from anybody."""
    return all(status >= "4" for status in operation["responses"])


def _doors(document: Json) -> Mapping[str, Json]:
    """Give the ways to prove who calls; what is said of them to people may change."""
    schemes = document.get("components", {}).get("securitySchemes", {})
    return {name: {word: scheme[word] for word in scheme if word != "description"} for name, scheme in schemes.items()}


def _narrowed(old: Json, new: Json) -> Iterator[str]:
    for words, tighter in ((LEAST, max), (MOST, min)):
        for word in words:
            bounds = [schema[word] for schema in (old, new) if word in schema]
            if word in new and (word not in old or (old[word] != new[word] and tighter(bounds) == new[word])):
                yield f"{word} was {old.get(word)}, is {new[word]}"
    yield from (
        f"{word} was {old.get(word)}, is {new[word]}"
        for word in DEMANDS
        if new.get(word, old.get(word)) != old.get(word)
    )
    if new.get("additionalProperties") is False and old.get("additionalProperties") is not False:
        yield "refuses fields that it does not know"


def _reshaped(old: Json, new: Json) -> Iterator[str]:
    yield from (
        f"{word} was {old[word]}, is {new.get(word)}" for word in FORMS if old.get(word, new.get(word)) != new.get(word)
    )


def _lost_values(old: Json, new: Json) -> list[Any]:
    """List the values of a closed list that are gone; a list that was open and is closed has lost all others."""
    if "enum" not in new:
        return []
    return [value for value in old.get("enum", ["any other value"]) if value not in new["enum"]]


def _by_name(document: Json, operation: Json) -> dict[str, Json]:
    found = [_resolved(document, each) for each in operation.get("parameters", [])]
    return {f"{each['in']} {each['name'].lower()}": each for each in found}


def _alternatives(document: Json, schema: Json) -> Iterator[Json]:
    """Yield what a schema may be, each without references."""
    schema = _resolved(document, schema)
    if not (found := [*schema.get("anyOf", ()), *schema.get("oneOf", ())]):
        yield schema
    for each in found:
        yield from _alternatives(document, each)


def _resolved(document: Json, part: Json) -> Json:
    while "$ref" in part:
        kind, name = part["$ref"].split("/")[-2:]
        part = document["components"][kind][name]
    return part


def _component(schema: Json) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]
