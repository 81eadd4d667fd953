"""The HTTP interface that clients were promised: committed documents, and no change that would break a client."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from deploy.compatibility import breaking_changes
from deploy.local.services import SERVICES
from deploy.openapi import FOLDER, applications, write_documents

Json = dict[str, Any]
HAND_IN = "/v1/dossiers"
OUTSIDE_THE_DOCUMENT: Mapping[tuple[str, str], str] = {
    **{(service, "/openapi.json"): "the document itself" for service in SERVICES},
    **{(service, "/docs"): "the document for people" for service in SERVICES},
    **{(service, "/docs/assets"): "files of that page" for service in SERVICES},
    ("metrics", "/"): "the public board: what GET /v1/reports/district answers, as a page",
    ("metrics", "/look/{name}"): "two files of the board's look, from a list",
}
"""What is served beyond the documents from which the trials of rights are made, and why it shows no dossier."""


def committed(service: str) -> Json:
    document: Json = json.loads((FOLDER / f"{service}.json").read_text("utf-8"))
    return document


@pytest.fixture(scope="module")
async def built() -> dict[str, FastAPI]:
    return await applications()


@pytest.fixture(scope="module")
def made(built: dict[str, FastAPI]) -> dict[str, Json]:
    return {service: application.openapi() for service, application in built.items()}


def served(application: FastAPI) -> set[str]:
    return {str(route.path) for route in iter_route_contexts(application.routes)}


def test_nothing_is_served_beyond_the_documents_but_what_is_named_here(built: dict[str, FastAPI]) -> None:
    found = {(service, path) for service, application in built.items() for path in served(application)}
    described = {(service, path) for service, application in built.items() for path in application.openapi()["paths"]}
    assert found - described == OUTSIDE_THE_DOCUMENT.keys()
    assert described <= found


def test_a_route_that_hides_from_the_document_is_found() -> None:
    hidden = FastAPI()
    hidden.add_api_route("/v1/everything", lambda: None, include_in_schema=False)
    outer = FastAPI()
    outer.include_router(hidden.router, prefix="/hidden")
    assert "/hidden/v1/everything" in served(outer)
    assert "/hidden/v1/everything" not in outer.openapi()["paths"]


@pytest.mark.parametrize("service", SERVICES)
async def test_no_client_of_the_committed_document_is_broken(made: dict[str, Json], service: str) -> None:
    assert breaking_changes(committed(service), made[service]) == [], "serve a new path (/v2/…) beside it instead"
    assert committed(service) == made[service], "run `python -m deploy.openapi` and commit what it writes"


def test_no_document_is_left_over() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == set(SERVICES)


@pytest.mark.parametrize("service", SERVICES)
async def test_every_operation_says_what_it_may_answer(made: dict[str, Json], service: str) -> None:
    document = made[service]
    for path, operations in document["paths"].items():
        for operation in operations.values():
            answers = operation["responses"]
            assert {"400", "408", "413", "429", "431", "503"} <= answers.keys(), path
            assert ("security" in operation) == ("401" in answers), path
            for status, answer in answers.items():
                assert "Trace-Id" in answer["headers"], (path, status)
                assert answer["content"], (path, status)
    assert "HTTPValidationError" not in json.dumps(document)
    assert "$defs" not in json.dumps(document)


def removed_route(intake: Json) -> None:
    del intake["paths"][HAND_IN]


def removed_field(intake: Json) -> None:
    del intake["components"]["schemas"]["AcceptedDossier"]["properties"]["fee_vnd"]


def renamed_field_of_a_request(intake: Json) -> None:
    fields = intake["components"]["schemas"]["FilingBody"]["properties"]
    fields["remark"] = fields.pop("note")


def newly_required_field(intake: Json) -> None:
    intake["components"]["schemas"]["FilingBody"]["required"].append("note")


def no_longer_sure_field(intake: Json) -> None:
    intake["components"]["schemas"]["AcceptedDossier"]["required"].remove("code")


def narrowed_type(intake: Json) -> None:
    intake["components"]["schemas"]["PaperBody"]["properties"]["originals"]["type"] = "string"


def no_longer_nullable(intake: Json) -> None:
    intake["components"]["schemas"]["ApplicantBody"]["properties"]["phone"] = {"type": "string"}


def newly_nullable_answer(intake: Json) -> None:
    code = intake["components"]["schemas"]["AcceptedDossier"]["properties"]
    code["code"] = {"anyOf": [{"type": "string"}, {"type": "null"}]}


def narrowed_length(intake: Json) -> None:
    intake["components"]["schemas"]["FilingBody"]["properties"]["content"]["maxLength"] = 10


def narrowed_list(intake: Json) -> None:
    intake["components"]["schemas"]["Channel"]["enum"].remove("sms")


def removed_status(intake: Json) -> None:
    del intake["paths"][HAND_IN]["post"]["responses"]["409"]


def removed_header(intake: Json) -> None:
    del intake["paths"][HAND_IN]["post"]["responses"]["201"]["headers"]["Location"]


def newly_required_parameter(intake: Json) -> None:
    parameters = intake["paths"]["/v1/procedures"]["get"]["parameters"]
    next(each for each in parameters if each.get("name") == "on")["required"] = True


def newly_secured(intake: Json) -> None:
    intake["paths"]["/v1/procedures"]["get"]["security"] = [{"bearer": []}]


def another_door(intake: Json) -> None:
    intake["components"]["securitySchemes"]["bearer"]["scheme"] = "basic"


def papers_that_must_differ(intake: Json) -> None:
    intake["components"]["schemas"]["FilingBody"]["properties"]["papers"]["uniqueItems"] = True


def removed_code(intake: Json) -> None:
    intake["components"]["schemas"]["Problem"]["properties"]["code"]["enum"].remove("papers_complete")


BREAKING: tuple[tuple[Callable[[Json], None], str], ...] = (
    (removed_route, "POST /v1/dossiers: was removed"),
    (removed_field, "AcceptedDossier.fee_vnd: was removed"),
    (renamed_field_of_a_request, "FilingBody.note: was removed"),
    (newly_required_field, "FilingBody.note: is newly required"),
    (no_longer_sure_field, "AcceptedDossier.code: is no longer always there"),
    (narrowed_type, "PaperBody.originals: was integer, is string"),
    (no_longer_nullable, "ApplicantBody.phone: was null, is string"),
    (newly_nullable_answer, "AcceptedDossier.code: was string, is null"),
    (narrowed_length, "FilingBody.content: maxLength was 2000, is 10"),
    (narrowed_list, "Channel: no longer has 'sms'"),
    (removed_status, "POST /v1/dossiers, 409: was removed"),
    (removed_header, "POST /v1/dossiers, 201, header Location: was removed"),
    (newly_required_parameter, "GET /v1/procedures, query on: is newly required"),
    (newly_secured, "GET /v1/procedures: was open to [{}], is to [{'bearer': []}]"),
    (another_door, "security scheme bearer: was changed or removed"),
    (papers_that_must_differ, "FilingBody.papers: uniqueItems was None, is True"),
    (removed_code, "Problem.code: no longer has 'papers_complete'"),
)


@pytest.mark.parametrize(("change", "said"), BREAKING, ids=lambda case: getattr(case, "__name__", ""))
def test_a_planted_break_is_seen_and_named(change: Callable[[Json], None], said: str) -> None:
    old, new = committed("intake"), committed("intake")
    change(new)
    assert breaking_changes(old, new) == [said]


def test_what_only_grows_breaks_nobody() -> None:
    old = committed("intake")
    new = copy.deepcopy(old)
    new["paths"]["/v1/more"] = new["paths"]["/v1/agencies"]
    schemas = new["components"]["schemas"]
    schemas["AcceptedDossier"]["properties"]["more"] = {"type": "string"}
    schemas["AcceptedDossier"]["required"].append("more")
    schemas["FilingBody"]["properties"]["more"] = {"type": "string", "default": ""}
    schemas["FilingBody"]["properties"]["content"]["maxLength"] = 4000
    schemas["Problem"]["properties"]["code"]["enum"].append("more")
    new["paths"][HAND_IN]["post"]["responses"]["418"] = {"description": "More."}
    assert breaking_changes(old, new) == []


def test_an_operation_that_could_only_refuse_may_ask_for_more() -> None:
    old, new = committed("intake"), committed("intake")
    operation = old["paths"][HAND_IN]["post"]
    operation["parameters"] = [each for each in operation["parameters"] if each.get("name") != "Idempotency-Key"]
    assert breaking_changes(old, new) == ["POST /v1/dossiers, header idempotency-key: is newly required"]
    del operation["responses"]["201"]
    assert breaking_changes(old, new) == []


def test_the_writer_refuses_a_break_and_writes_what_grew(tmp_path: Path) -> None:
    old, broken, grown = committed("intake"), committed("intake"), committed("intake")
    removed_route(broken)
    grown["paths"]["/v1/more"] = grown["paths"]["/v1/agencies"]
    path = tmp_path / "intake.json"
    assert write_documents(tmp_path, {"intake": old}) == []
    assert write_documents(tmp_path, {"intake": broken}) == ["intake: POST /v1/dossiers: was removed"]
    assert json.loads(path.read_text("utf-8")) == old
    assert write_documents(tmp_path, {"intake": grown}) == []
    assert json.loads(path.read_text("utf-8")) == grown
