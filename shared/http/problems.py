"""Refusals as problem documents (RFC 9457): a stable `code`, a title in the caller's language, never the input.

Raise `Problem` anywhere below a route; one renderer answers. Titles are data: those of all services stand here, those
of one service in its own table (`Mapping[str, Words]`) that `create_app` is given.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from shared.http.fields import said_of
from shared.http.languages import Words, preferred_language
from shared.http.sentences import beside_title
from shared.observability import current_trace_id

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True)
class FieldError:
    """One fault of the input: where (JSON pointer, RFC 6901), which kind, and what was expected there."""

    pointer: str
    code: str
    message: Words


class Problem(Exception):
    """A refusal with its HTTP status and a code that callers may rely on.

    `detail` is for people and holds nothing of the input: a sentence of `shared.http.sentences`, or both languages;
    without one the code's remedy stands there. `headers` go with the answer, `also` are further members, for programs.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str | Words = "",
        errors: Sequence[FieldError] = (),
        *,
        headers: Mapping[str, str] | None = None,
        also: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.also = dict(also or {})


TITLES: Mapping[str, Words] = {
    "not_found": Words("Không tìm thấy", "Not found"),
    "method_not_allowed": Words("Phương thức không được hỗ trợ", "Method not allowed"),
    "request_invalid": Words("Yêu cầu không hợp lệ", "Invalid request"),
    "input_invalid": Words("Dữ liệu gửi lên không hợp lệ", "The input is not valid"),
    "media_type_unsupported": Words("Nội dung phải là application/json", "The body must be application/json"),
    "json_invalid": Words("Nội dung không phải JSON hợp lệ", "The body is not valid JSON"),
    "json_too_deep": Words("Nội dung JSON lồng nhau quá sâu", "The body's JSON is nested too deep"),
    "body_too_large": Words("Nội dung gửi lên quá lớn", "The body is too large"),
    "head_too_large": Words("Phần đầu của yêu cầu quá lớn", "The request's head is too large"),
    "request_malformed": Words("Yêu cầu không đúng giao thức HTTP", "The request is not HTTP"),
    "request_too_slow": Words("Yêu cầu gửi đến quá chậm", "The request came too slowly"),
    "too_many_requests": Words("Quá nhiều yêu cầu, vui lòng thử lại sau", "Too many requests, try again later"),
    "too_busy": Words("Hệ thống đang bận, vui lòng thử lại sau", "The service is busy, try again later"),
    "cursor_invalid": Words("Vị trí trang không hợp lệ", "The page cursor is not valid"),
    "token_missing": Words("Thiếu mã truy cập", "The bearer token is missing"),
    "token_invalid": Words("Mã truy cập không hợp lệ", "The bearer token is not valid"),
    "token_expired": Words("Mã truy cập đã hết hạn", "The bearer token has expired"),
    "role_not_allowed": Words("Vai trò này không được phép", "This role may not do that"),
    "agency_not_allowed": Words("Cơ quan này không được phép", "This agency may not do that"),
    "officer_revoked": Words("Cán bộ đã bị thu hồi quyền", "The officer is revoked"),
    "seat_not_held": Words(
        "Cán bộ không giữ vị trí này vào ngày này", "The officer does not hold this seat on this day"
    ),
    "idempotency_key_missing": Words("Thiếu Idempotency-Key", "Idempotency-Key is missing"),
    "idempotency_key_invalid": Words("Idempotency-Key không hợp lệ", "Idempotency-Key is not valid"),
    "idempotency_key_reused": Words(
        "Idempotency-Key đã dùng cho yêu cầu khác", "Idempotency-Key was used for another request"
    ),
    "request_in_flight": Words("Yêu cầu trùng đang được xử lý", "The same request is being handled"),
    "if_match_missing": Words("Thiếu If-Match", "If-Match is missing"),
    "if_match_invalid": Words("If-Match không hợp lệ", "If-Match is not valid"),
    "version_stale": Words("Hồ sơ đã thay đổi", "The dossier has changed since"),
    "action_unknown": Words("Không có thao tác này", "There is no such act"),
    "calendar_year_missing": Words("Lịch làm việc chưa có năm này", "The working calendar does not cover that year"),
    "temporarily_unavailable": Words("Tạm thời không phục vụ được", "Temporarily unavailable"),
    "internal_error": Words("Lỗi hệ thống", "Internal error"),
}

_JSON = re.compile(r"application/(.+\+)?json", re.IGNORECASE)
_STATUS_CODES: Mapping[int, str] = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}


def render(problem: Problem, *, accept_language: str | None, titles: Mapping[str, Words] = TITLES) -> Response:
    """Write the problem document; a code without a title gets the status's own phrase."""
    words = titles.get(problem.code) or TITLES.get(problem.code)
    language = preferred_language(accept_language)
    document = {
        "type": f"/problems/{problem.code}",
        "title": words.say(language) if words else HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "code": problem.code,
        "trace_id": current_trace_id(),
        **problem.also,
    }
    if detail := beside_title(problem.code, problem.detail):
        document["detail"] = detail.say(language)
    if problem.errors:
        document["errors"] = [
            {"pointer": error.pointer, "code": error.code, "message": error.message.say(language)}
            for error in problem.errors
        ]
    headers = {"Content-Language": language, "Cache-Control": "no-store", **problem.headers}
    content = json.dumps(document, ensure_ascii=False).encode()
    return Response(content, status_code=problem.status, headers=headers, media_type=MEDIA_TYPE)


def answer(request: Request, problem: Problem) -> Response:
    """Render for one request, with the titles of the service that it reached."""
    titles: Mapping[str, Words] = getattr(request.app.state, "titles", TITLES)
    return render(problem, accept_language=request.headers.get("accept-language"), titles=titles)


def from_validation(error: RequestValidationError, media_type: str) -> Problem:
    """Turn FastAPI's faults into pointers and kinds; what the caller sent stays out, names of unknown fields too.

    A body that is not said to be JSON is not read at all, whatever it holds.
    """
    faults = error.errors()
    unread = any(tuple(fault["loc"][:1]) == ("body",) and fault["type"] != "missing" for fault in faults)
    if unread and not _JSON.fullmatch(media_type.partition(";")[0].strip()):
        said = "Send Content-Type: application/json."
        return Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "media_type_unsupported", said)
    if any(fault["type"] == "json_invalid" for fault in faults):
        return Problem(HTTPStatus.BAD_REQUEST, "json_invalid", "The body could not be read as JSON.")
    errors = [
        FieldError(_pointer(fault["loc"], fault["type"]), _kind(fault["type"]), said_of(fault)) for fault in faults
    ]
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "input_invalid", "See errors for each fault.", errors)


def from_http(error: HTTPException) -> Problem:
    """Turn what the framework raises itself (no such route, wrong method) into a problem."""
    return Problem(error.status_code, _STATUS_CODES.get(error.status_code, "request_invalid"), headers=error.headers)


def _kind(kind: str) -> str:
    return "unknown_field" if kind == "extra_forbidden" else kind


def _pointer(location: Sequence[object], kind: str) -> str:
    parts = list(location[:-1] if kind == "extra_forbidden" else location)
    if parts and parts[0] == "body":
        parts = parts[1:]
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in parts)
