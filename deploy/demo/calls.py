"""Calls that survive a lost answer: the same request with the same idempotency key until it is answered.

The replicas of a service are asked in turn. Whoever does not answer is passed over at once; only when all were asked in
vain does the caller wait before the next round.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from itertools import cycle
from typing import Any

from deploy.faults import DeployError
from shared.http.wire import Answer, ConnectionLost, Wire

PATIENCE_SECONDS = 300.0
"""How long one request is repeated: a killed service is started again well within it."""
FIRST_DELAY_SECONDS = 0.05
LONGEST_DELAY_SECONDS = 1.0
_PASSING = {
    HTTPStatus.CONFLICT,  # a twin of this key is still at work (`request_in_flight`)
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
}


class Refused(DeployError):
    """A service answered with a problem; `code` is its code, `status` the HTTP status."""

    def __init__(self, call: str, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.code = str(problem.get("code", ""))
        super().__init__(f"{call}: {status} {self.code} {problem.get('detail', '')} {problem.get('errors', '')}")


class GaveUp(DeployError):
    """A request stayed unanswered for longer than `PATIENCE_SECONDS`."""


class Caller:
    """Calls one service as whoever the token names, over a wire to each of its replicas.

    `sent` counts requests, `repeated` those sent again, `in_vain` the rounds in which no replica answered.
    """

    def __init__(self, *replicas: Wire) -> None:
        self._replicas = deque(replicas)
        self.sent = 0
        self.repeated = 0
        self.in_vain = 0

    async def get(self, target: str, token: str | None = None) -> Any:
        """GET, as JSON; without a token as anybody may. Raises `Refused`, `GaveUp`."""
        return (await self.read(target, token)).json()

    async def read(self, target: str, token: str | None = None) -> Answer:
        """GET, whatever it is. Raises `Refused`, `GaveUp`."""
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        return await self._patiently("GET", target, headers, b"")

    async def post(
        self, target: str, token: str, key: str, body: Mapping[str, Any], *, version: int | None = None
    ) -> Answer:
        """POST under an idempotency key; `version` becomes If-Match. Raises `Refused`, `GaveUp`."""
        headers = _posting(token, key)
        if version is not None:
            headers["if-match"] = f'"{version}"'
        return await self._patiently("POST", target, headers, json.dumps(body).encode())

    async def post_list(self, target: str, token: str, key: str, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        """POST a list under one idempotency key until none of its items' answers is a passing one.

        Each has its `status` and its `answer`, which may be a problem. Raises `Refused`, `GaveUp` of the list itself.
        """
        sent = json.dumps(body).encode()
        answer = await self._patiently("POST", target, _posting(token, key), sent, again=_some_pass)
        return list(answer.json()["items"])

    async def _patiently(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes,
        again: Callable[[Answer], bool] = lambda _: False,
    ) -> Answer:
        """Ask until it is answered; `again` says of a good answer that it has to be asked for once more."""
        give_up_at = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        delay, asked, replicas = FIRST_DELAY_SECONDS, 0, self._in_turn()
        while True:
            try:
                self.sent += 1
                answer = await next(replicas).request(method, target, headers, body)
            except ConnectionLost as error:
                reason: object = error
            else:
                if answer.status < HTTPStatus.BAD_REQUEST and not again(answer):
                    return answer
                reason = Refused(f"{method} {target}", answer.status, _problem(answer))
                if answer.status >= HTTPStatus.BAD_REQUEST and not _passes(answer.status, reason.code):
                    raise reason
            if asyncio.get_running_loop().time() > give_up_at:
                raise GaveUp(f"{method} {target}: unanswered for {PATIENCE_SECONDS:.0f} s, last: {reason}")
            self.repeated += 1
            asked += 1
            if asked % len(self._replicas) == 0:
                self.in_vain += 1
                await asyncio.sleep(delay)
                delay = min(delay * 2, LONGEST_DELAY_SECONDS)

    def _in_turn(self) -> Iterator[Wire]:
        """Give the replicas again and again, beginning with the one after that of the last request."""
        self._replicas.rotate(-1)
        return cycle(tuple(self._replicas))


def _posting(token: str, key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}", "idempotency-key": key, "content-type": "application/json"}


def _passes(status: int, code: str) -> bool:
    return status in _PASSING and (status != HTTPStatus.CONFLICT or code == "request_in_flight")


def _some_pass(answer: Answer) -> bool:
    items = answer.json()["items"]
    return any(_passes(item["status"], str(item["answer"].get("code", ""))) for item in items)


def _problem(answer: Answer) -> dict[str, Any]:
    try:
        problem = answer.json()
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) else {}
