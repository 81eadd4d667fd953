"""Server-rendered pages: one layout, one style sheet, no scripts.

A service makes a `Look` for its package of templates and serves the files of `static/` with `look_router()`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from fastapi import APIRouter
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from shared.contracts.facts import Language
from shared.look.languages import chosen_language, filters
from shared.look.wording import LANGUAGE_NAMES, WORDS

_MEDIA_TYPES: Mapping[str, str] = {"look.css": "text/css; charset=utf-8", "mark.svg": "image/svg+xml"}
_KEPT = "public, max-age=31536000, immutable"
_ASKED_AGAIN = "public, max-age=300"

PAGE_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-cache",
    "Vary": "Accept-Language",
}
"""On every page: nothing but our own style sheet and mark is loaded, and no script runs."""


@cache
def _static(name: str) -> tuple[bytes, str]:
    body = (files("shared.look") / "static" / name).read_bytes()
    return body, hashlib.sha256(body).hexdigest()[:12]


def look_address(name: str) -> str:
    """Give the address of a file of the look; it changes with the file's content, so it may be kept for ever."""
    return f"/look/{name}?v={_static(name)[1]}"


def look_router() -> APIRouter:
    """Serve the style sheet and the mark under /look/."""
    router = APIRouter(include_in_schema=False)

    async def look_file(request: Request, name: str) -> Response:
        if name not in _MEDIA_TYPES:
            return Response(status_code=404)
        body, digest = _static(name)
        headers = {
            "ETag": f'"{digest}"',
            "Cache-Control": _KEPT if request.query_params.get("v") == digest else _ASKED_AGAIN,
            "X-Content-Type-Options": "nosniff",
        }
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        return Response(body, media_type=_MEDIA_TYPES[name], headers=headers)

    router.add_api_route("/look/{name}", look_file, methods=["GET", "HEAD"])
    return router


class Look:
    """Renders the templates of one package in the common layout."""

    def __init__(self, package: str) -> None:
        self._environments = {language: _environment(package, language) for language in Language}

    def page(
        self,
        request: Request,
        template: str,
        words: Mapping[Language, Mapping[str, str]],
        *,
        refresh_seconds: int = 0,
        **context: Any,
    ) -> HTMLResponse:
        """Render one page in the reader's language; `words` are the page's own, added to the layout's."""
        language = chosen_language(request)
        body = (
            self._environments[language]
            .get_template(template)
            .render(
                language=language.value,
                languages=[
                    {"code": other.value, "name": LANGUAGE_NAMES[other], "address": _in_language(request, other)}
                    for other in Language
                ],
                home=f"/?lang={language.value}",
                look=look_address,
                refresh_seconds=refresh_seconds,
                words={**WORDS[language], **words[language]},
                **context,
            )
        )
        return HTMLResponse(body, headers={**PAGE_HEADERS, "Content-Language": language.value})


def _environment(package: str, language: Language) -> Environment:
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader("shared.look")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(filters(language))
    return environment


def _in_language(request: Request, language: Language) -> str:
    url = request.url.include_query_params(lang=language.value)
    return f"{url.path}?{url.query}"
