"""Acts as requests: each has one effect and one answer, however often it comes and whoever comes beside it."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from http import HTTPStatus

from starlette.responses import Response

from services.processing.api.views import act_answer
from services.processing.api.wording import as_problem
from services.processing.handlers.acting import Acting, Outcome, Performed, Wanted
from shared.database import Connection
from shared.group_commit import Busy
from shared.http.etags import etag
from shared.http.idempotency import Answer, Asked, answer_each_once


def needs_of(asked: Asked[Wanted]) -> tuple[Hashable, ...]:
    """Name what a request to act needs for itself: its key and its dossier."""
    return asked.name, asked.item.code


async def settle_acts(acting: Acting, tx: Connection, asked: Sequence[Asked[Wanted]]) -> list[Response | Exception]:
    """Perform acts, each with another key on another dossier; one answer each, a refusal as its Problem."""

    async def act(fresh: Sequence[Wanted]) -> list[Answer | Exception]:
        return [_told(outcome) for outcome in await acting.perform(tx, fresh)]

    return await answer_each_once(tx, asked, act)


def _told(outcome: Outcome) -> Answer | Exception:
    if isinstance(outcome, Performed):
        return Answer(HTTPStatus.OK, act_answer(outcome), {"ETag": etag(outcome.case.version)})
    return outcome if isinstance(outcome, Busy) else as_problem(outcome)
