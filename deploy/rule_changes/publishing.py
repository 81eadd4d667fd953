"""How a version that was planned and signed off reaches intake, which publishes it."""

from __future__ import annotations

import contextlib
import json
from typing import Any
from uuid import uuid4

from deploy.faults import DeployError
from shared.http.wire import Answer, Wire
from shared.rulebook.rule_files.drawing import Drawn


class NotPublished(DeployError):
    """Intake refused the version; the message says why."""


async def publish(wire: Wire, token: str, drawn: Drawn, text: str, **also: str) -> dict[str, Any]:
    """Hand a file in as it was planned, signed off by whom the token names. Raises NotPublished, ConnectionLost."""
    body = {"based_on": drawn.based_on, "version": drawn.version, "file": text, **also}
    headers = {
        "Authorization": f"Bearer {token}",
        "Idempotency-Key": str(uuid4()),
        "Content-Type": "application/json",
    }
    with contextlib.closing(wire):
        answer = await wire.request("POST", f"/v1/rules/{drawn.rule_set}", headers, json.dumps(body).encode())
    if answer.status != 201:
        raise NotPublished(_reason(answer))
    return dict(answer.json())


def _reason(answer: Answer) -> str:
    try:
        problem = answer.json()
    except ValueError:
        problem = {}
    said = (problem.get(name, "") for name in ("code", "title", "detail"))
    return f"not published: {answer.status} {': '.join(filter(None, said))}"
