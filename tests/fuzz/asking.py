"""Asks a running service whatever its OpenAPI document allows and forbids, as every kind of caller.

The service may answer as it likes, if the document says so: status, content type, headers and shape; and never with a
5xx (ADR 40); a 503 that says `Retry-After` is asked again, as clients do, and counted. Half of what schemathesis makes
is mixed with what the service knows: codes of its dossiers, acts that are owed, bodies that it takes; else nothing
would get past the first look.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from requests.adapters import HTTPAdapter
from schemathesis import checks
from schemathesis.generation import GenerationMode
from urllib3.util import Retry

HELD_TO = (
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
)
ADDRESS = "127.0.0.6"
"""Where it asks from: what one address may do (guess secrets, say) is taken from nobody else."""
PATIENCE_SECONDS = 30
ASKED_AGAIN = 3
"""How often at most, before a 503 that says `Retry-After` is an answer like any other."""


@dataclass(frozen=True)
class Known:
    """What a service knows.

    `tokens` of every kind of caller, and `right`: of whom an operation is for. `values` by the name of their parameter,
    or by operation and name. `examples` by operation: values by parameter that belong together, the body as `body`.
    """

    tokens: Sequence[str]
    right: Mapping[str, str]
    values: Mapping[str, Sequence[str]]
    examples: Mapping[str, Sequence[Mapping[str, Any]]]


@dataclass(frozen=True)
class Extent:
    """How many examples of each operation, and which."""

    examples: int
    seed: int = 1


@dataclass
class Heard:
    """What an operation answered: how often with which status, and how often it was asked again after a 503.

    `wrong` are the answers that no document allows, each with a command that asks again.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    asked_again: int = 0
    wrong: BaseExceptionGroup[BaseException] | None = None


def ask(url: str, document: dict[str, Any], known: Known, extent: Extent) -> dict[str, Heard]:
    """Ask every operation of a service; answers what each was heard to say."""
    promised = schemathesis.openapi.from_dict(document)
    promised.config.update(base_url=url)
    with patient_session() as session:
        return {each.label: _ask(each, known, extent, session) for each in _operations(promised)}


def document_of(url: str) -> dict[str, Any]:
    """Read the document that a service shows."""
    shown: dict[str, Any] = requests.get(f"{url}/openapi.json", timeout=PATIENCE_SECONDS).json()
    return shown


def _operations(document: Any) -> Iterator[Any]:
    return (each.ok() for each in document.get_all_operations())


class _Patience(Retry):
    """Ask again only where a service says when it will be able to answer."""

    RETRY_AFTER_STATUS_CODES = frozenset({503})


def again(response: requests.Response) -> int:
    """Say how often this was asked before it was answered."""
    return len(response.raw.retries.history)


def patient_session() -> requests.Session:
    """Open a session that asks again after a 503, where the service says when, and after nothing else."""

    class FromAddress(HTTPAdapter):
        def init_poolmanager(self, *arguments: Any, **more: Any) -> None:
            super().init_poolmanager(*arguments, **more, source_address=(ADDRESS, 0))

    session = requests.Session()
    session.trust_env = False
    # `total` must be a number: urllib3 heeds no Retry-After without one.
    patience = _Patience(
        total=ASKED_AGAIN, connect=0, read=0, other=0, status=ASKED_AGAIN, allowed_methods=None, raise_on_status=False
    )
    session.mount("http://", FromAddress(max_retries=patience))
    return session


def _ask(operation: Any, known: Known, extent: Extent, session: requests.Session) -> Heard:
    heard = Heard()

    def count(response: requests.Response, **_sent: Any) -> None:
        heard.statuses[response.status_code] += 1
        heard.asked_again += again(response)

    session.hooks["response"] = [count]

    @seed(extent.seed)
    @settings(
        max_examples=extent.examples,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=_cases(operation), mixed=_mixed(operation, known), token=_tokens(operation, known))
    def one(case: Any, mixed: Mapping[str, Any], token: str) -> None:
        _mix(case, mixed, token)
        response = case.call(session=session, timeout=PATIENCE_SECONDS, allow_redirects=False)
        case.validate_response(response, checks=list(HELD_TO))

    try:
        one()
    except BaseExceptionGroup as wrong:
        heard.wrong = wrong
    return heard


def _cases(operation: Any) -> st.SearchStrategy[Any]:
    return st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in GenerationMode))


def _tokens(operation: Any, known: Known) -> st.SearchStrategy[str]:
    anybodys = st.sampled_from(known.tokens)
    return st.just(known.right[operation.label]) | anybodys if operation.label in known.right else anybodys


def _mixed(operation: Any, known: Known) -> st.SearchStrategy[Mapping[str, Any]]:
    """Draw what the service knows of an operation's parameters and of its body: all of it, some, or nothing."""
    names = [parameter.name for parameter in operation.iter_parameters()]
    values = {name: known.values.get(f"{operation.label} {name}", known.values.get(name)) for name in names}
    drawn = {name: st.sampled_from(each) for name, each in values.items() if each}
    mixed = st.just({}) | st.fixed_dictionaries({}, optional=drawn)
    whole = known.examples.get(operation.label)
    return st.sampled_from(whole) | mixed if whole else mixed


def _mix(case: Any, mixed: Mapping[str, Any], token: str) -> None:
    if token:
        case.headers["Authorization"] = f"Bearer {token}"
    for name, value in mixed.items():
        if name == "body":
            case.body, case.media_type = value, "application/json"
            continue
        for place in (case.path_parameters, case.query, case.headers):
            if name in place:
                place[name] = value
