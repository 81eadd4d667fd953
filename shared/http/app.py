"""One service's HTTP application: routes, problems, limits, traces, and documentation that needs no other host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from shared.auth import Admission, TokenVerifier, everybody
from shared.http import problems
from shared.http.health import Health, MetricsSnapshot, health_router
from shared.http.languages import Words, preferred_language
from shared.http.limits import RequestLimits
from shared.http.openapi import describe
from shared.http.problems import Problem
from shared.http.requests import RequestContext
from shared.settings import LimitSettings

STATIC = Path(__file__).parent / "static"


@dataclass(frozen=True)
class Surface:
    """What a service shows to the outside.

    `state` becomes attributes of `app.state`; `titles` are its own problem codes; `unavailable` its errors that mean
    503 and another try, beside those of database and broker (`faults.passes`); `static` folders by the path under
    which they are served; `verifiers` of tokens that are believed beside those of all services; `admit` judges each
    officer whose token is believed.
    """

    routers: Sequence[APIRouter] = ()
    state: Mapping[str, Any] = field(default_factory=dict)
    titles: Mapping[str, Words] = field(default_factory=dict)
    unavailable: Sequence[type[Exception]] = ()
    static: Mapping[str, Path] = field(default_factory=dict)
    verifiers: Sequence[TokenVerifier] = ()
    admit: Admission = everybody


def create_app(
    *,
    service: str,
    version: str,
    surface: Surface,
    verifier: TokenVerifier,
    limits: LimitSettings | None = None,
    health: Health | None = None,
    snapshot: MetricsSnapshot | None = None,
) -> FastAPI:
    """Build the ASGI application of one service."""
    app = FastAPI(
        title=f"Một Cửa: {service}",
        version=version,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry=_NO_TELEMETRY,
    )
    app.state.verifier = verifier
    app.state.admit = surface.admit
    app.state.titles = {**problems.TITLES, **surface.titles}
    for name, value in surface.state.items():
        setattr(app.state, name, value)
    app.add_middleware(RequestLimits, limits=limits or LimitSettings(), verifiers=(verifier, *surface.verifiers))
    app.add_middleware(RequestContext, unavailable=surface.unavailable)
    _answer_problems(app)
    app.include_router(health_router(service, version, health or Health(), snapshot or MetricsSnapshot()))
    for router in surface.routers:
        app.include_router(router)
    _document(app, service)
    for path, folder in surface.static.items():
        app.mount(path, StaticFiles(directory=folder))
    describe(app)
    return app


_NO_TELEMETRY: Any = {"tracing": False, "metrics": False, "logs": False}


def _answer_problems(app: FastAPI) -> None:
    @app.exception_handler(Problem)
    async def problem(request: Request, error: Problem) -> Response:
        return problems.answer(request, error)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        media_type = request.headers.get("content-type", "")
        return problems.answer(request, problems.from_validation(error, media_type))

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        return problems.answer(request, problems.from_http(error))


def _document(app: FastAPI, service: str) -> None:
    app.mount("/docs/assets", StaticFiles(directory=STATIC))

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url="/openapi.json",
            title=f"Một Cửa: {service}",
            swagger_js_url="/docs/assets/swagger-ui-bundle.js",
            swagger_css_url="/docs/assets/swagger-ui.css",
            swagger_favicon_url="data:,",
        )

    @app.get("/problems/{code}", tags=["process"], summary="What a problem's code means.")
    async def describe_problem(request: Request, code: str) -> dict[str, str]:
        words: Words | None = app.state.titles.get(code)
        if words is None:
            raise Problem(404, "not_found")
        language = preferred_language(request.headers.get("accept-language"))
        return {"code": code, "title": words.say(language), "type": f"/problems/{code}"}
