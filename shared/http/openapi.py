"""The OpenAPI document of a service, completed: what every operation may answer beside its success, from one table.

A route says what only it can answer (`responses=`); what follows from its having a body, a key, a version or a secured
door stands here once. `tests/fuzz` holds the running services to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel, Field

from shared.http.languages import Words
from shared.http.problems import MEDIA_TYPE

Json = dict[str, Any]
REF = "#/components/schemas/"
_VALIDATION_ERROR = "HTTPValidationError"
"""FastAPI's own answer to invalid input, which ours takes the place of."""


class FaultOfInput(BaseModel):
    """One fault of the input: where (JSON pointer, RFC 6901), which kind, and what was expected there."""

    pointer: str
    code: str
    message: str


class ProblemDocument(BaseModel):
    """A refusal (RFC 9457). `code` is stable; `title` is in the caller's language; nothing of the input is shown."""

    type: str = Field(examples=["/problems/not_found"])
    title: str
    status: int
    code: str
    trace_id: str = Field(pattern="^[0-9a-f]{32}$")
    detail: str = ""
    errors: list[FaultOfInput] = []
    state: int | None = Field(None, description="Of a refused act: the state that the dossier is in.")
    possible: list[str] = Field([], description="Of a refused act: the acts that the caller can do there now.")


HEADERS: Mapping[str, Json] = {
    "Trace-Id": {
        "description": "The trace under which the request stands in the logs (W3C Trace Context).",
        "schema": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
    },
    "Retry-After": {
        "description": "After how many seconds another try makes sense (RFC 9110, 10.2.3).",
        "schema": {"type": "integer", "minimum": 1},
    },
    "WWW-Authenticate": {
        "description": "How to prove who calls (RFC 9110, 11.6.1).",
        "schema": {"type": "string", "pattern": "^Bearer"},
    },
    "ETag": {
        "description": "The version, to be sent back in If-Match.",
        "schema": {"type": "string", "pattern": '^"[0-9]{1,18}"$'},
    },
    "Location": {"description": "Where it can be read.", "schema": {"type": "string"}},
    "Idempotency-Replayed": {
        "description": "The answer is the stored one of an earlier request under the same key.",
        "schema": {"type": "string", "enum": ["true"]},
    },
}
PARAMETERS: Mapping[str, Json] = {
    "traceparent": {
        "name": "traceparent",
        "in": "header",
        "description": "The caller's trace (W3C Trace Context), which goes on here.",
        "schema": {"type": "string"},
    },
    "Accept-Language": {
        "name": "Accept-Language",
        "in": "header",
        "description": "`vi`, or `en` where it is preferred.",
        "schema": {"type": "string", "examples": ["vi", "en"]},
    },
    "idempotency-key": {
        "name": "Idempotency-Key",
        "in": "header",
        "required": True,
        "description": "Another for each request; the same when a request is repeated.",
        "schema": {"type": "string", "pattern": "^[!-~]{1,200}$"},
    },
    "if-match": {
        "name": "If-Match",
        "in": "header",
        "required": True,
        "description": "The ETag that the caller has seen.",
        "schema": {"type": "string", "pattern": '^"[0-9]{1,18}"$'},
    },
}
OF_EVERY_REQUEST = ("traceparent", "Accept-Language")


def _always(_operation: Json) -> bool:
    return True


def _secured(operation: Json) -> bool:
    return "security" in operation


def _has_body(operation: Json) -> bool:
    return "requestBody" in operation


def _has(place: str, name: str = "") -> Callable[[Json], bool]:
    def has(operation: Json) -> bool:
        given = operation.get("parameters", ())
        return any(each["in"] == place and name in ("", each["name"].lower()) for each in given)

    return has


def _has_input(operation: Json) -> bool:
    return _has_body(operation) or any(each["in"] != "header" for each in operation.get("parameters", ()))


@dataclass(frozen=True)
class Refusal:
    """A status that operations of some kind may answer with a problem document."""

    status: HTTPStatus
    of: Callable[[Json], bool]
    says: str
    headers: tuple[str, ...] = ()


REFUSALS = (
    Refusal(HTTPStatus.BAD_REQUEST, _always, "It is no HTTP, no JSON, or lacks a header."),
    Refusal(HTTPStatus.UNAUTHORIZED, _secured, "No token, or none that is believed.", ("WWW-Authenticate",)),
    Refusal(HTTPStatus.FORBIDDEN, _secured, "This caller may not do that."),
    Refusal(HTTPStatus.NOT_FOUND, _has("path"), "There is nothing of that name that the caller may see."),
    Refusal(HTTPStatus.REQUEST_TIMEOUT, _always, "The request did not come whole in time."),
    Refusal(HTTPStatus.CONFLICT, _has("header", "idempotency-key"), "What stands there does not allow it."),
    Refusal(HTTPStatus.PRECONDITION_FAILED, _has("header", "if-match"), "It has changed since.", ("ETag",)),
    Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _always, "The body is too large."),
    Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, _has_body, "The body is not said to be JSON."),
    Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, _has_input, "The input is not valid; `errors` has each fault."),
    Refusal(HTTPStatus.PRECONDITION_REQUIRED, _has("header", "if-match"), "If-Match is missing."),
    Refusal(HTTPStatus.TOO_MANY_REQUESTS, _always, "The client comes too often.", ("Retry-After",)),
    Refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, _always, "The head is too large."),
    Refusal(HTTPStatus.SERVICE_UNAVAILABLE, _always, "Not now: try again.", ("Retry-After",)),
)
SUCCESSES: Mapping[str, Callable[[Json], bool]] = {
    "Idempotency-Replayed": _has("header", "idempotency-key"),
    "ETag": _has("header", "if-match"),
}
"""Headers of a success, beside those that the route names itself."""


def header(*names: str) -> Json:
    """Say in a route's `responses=` which headers its answer has."""
    return {"headers": {name: {"$ref": f"#/components/headers/{name}"} for name in names}}


def describe(app: FastAPI) -> None:
    """Let the application show its completed document; call it when all routes are there."""
    generate = app.openapi

    def openapi() -> Json:
        if app.openapi_schema is None:
            app.openapi_schema = complete(generate(), app.state.titles)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def complete(document: Json, titles: Mapping[str, Words]) -> Json:
    """Add to a document of FastAPI's what this module's tables say."""
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for generated in (_VALIDATION_ERROR, "ValidationError"):
        schemas.pop(generated, None)
    schemas["Problem"] = ProblemDocument.model_json_schema()
    schemas["Problem"]["properties"]["code"]["enum"] = sorted(titles)
    for operation in _operations(document):
        _complete(operation)
    components["headers"] = dict(HEADERS)
    components["parameters"] = {name: PARAMETERS[name] for name in OF_EVERY_REQUEST}
    _hoist(document, schemas)
    return document


def _operations(document: Json) -> Iterator[Json]:
    for path in document["paths"].values():
        yield from path.values()


def _complete(operation: Json) -> None:
    answers = operation["responses"]
    if _VALIDATION_ERROR in str(answers.get("422", "")):
        answers.pop("422")
    for refusal in REFUSALS:
        if refusal.of(operation):
            answers.setdefault(str(refusal.status.value), _answer(refusal))
    for status, answer in answers.items():
        if status >= "4":
            answer.setdefault("content", {MEDIA_TYPE: {"schema": {"$ref": REF + "Problem"}}})
        named = [name for name, of in SUCCESSES.items() if status < "3" and of(operation)]
        answer["headers"] = {**answer.get("headers", {}), **header("Trace-Id", *named)["headers"]}
    given = [PARAMETERS.get(each["name"].lower(), each) for each in operation.get("parameters", ())]
    everywhere = [{"$ref": f"#/components/parameters/{name}"} for name in OF_EVERY_REQUEST]
    operation["parameters"] = [*given, *everywhere]
    operation["responses"] = dict(sorted(answers.items()))


def _answer(refusal: Refusal) -> Json:
    return {"description": refusal.says, **header(*refusal.headers)}


def _hoist(part: Any, schemas: Json) -> None:
    """Move what a schema defines for itself (`$defs`) to where the whole document finds it."""
    if isinstance(part, list):
        for each in part:
            _hoist(each, schemas)
    if not isinstance(part, dict):
        return
    for name, definition in part.pop("$defs", {}).items():
        _hoist(definition, schemas)
        schemas.setdefault(name, definition)
    if str(part.get("$ref", "")).startswith("#/$defs/"):
        part["$ref"] = REF + part["$ref"].rpartition("/")[2]
    for each in list(part.values()):
        _hoist(each, schemas)
