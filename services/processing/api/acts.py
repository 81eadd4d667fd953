"""Acts as requests: each has one effect and one answer, however often it comes and whoever comes beside it."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from http import HTTPStatus
from typing import NamedTuple

from starlette.responses import Response

from services.processing.api.bodies import read_act
from services.processing.api.views import act_answer
from services.processing.api.wording import as_problem, refusals_told
from services.processing.domain.acts import Officer
from services.processing.domain.workflow import check_action
from services.processing.handlers.acting import Acting, Outcome, Performed, Wanted
from shared.database import CallersPool, Connection, Scope
from shared.group_commit import Busy, GroupCommit
from shared.http.etags import etag
from shared.http.idempotency import Answer, Asked, answer_each_once, callers_of
from shared.messaging.requests import Claim
from shared.observability import current_traceparent


class SaidAct(NamedTuple):
    """What a request says of one act: on which version of which dossier, and its body as it came."""

    code: str
    action: str
    version: int
    body: bytes


class Admitted(NamedTuple):
    """An officer with those for whom he stands today, the paths of his agency, and his name as a caller."""

    officer: Officer
    paths: tuple[str, ...]
    caller: str


class Acts:
    """Does what officers ask for: the one way to every act, whether it comes alone or in a list."""

    def __init__(self, pool: CallersPool, acting: Acting) -> None:
        self._once: GroupCommit[Asked[Wanted], Response] = GroupCommit(
            partial(begin_acts, pool), partial(settle_acts, acting), needs=needs_of
        )

    async def do(self, said: SaidAct, admitted: Admitted, claim: Claim) -> Response:
        """Do one act. Raises Problem and RequestValidationError."""
        officer, paths, _ = admitted
        with refusals_told():
            check_action(said.action, officer.role)
        act = read_act(said.action, said.body)
        wanted = Wanted(said.code, act, officer, paths, said.version, current_traceparent())
        return await self._once(Asked(claim, wanted))


def begin_acts(pool: CallersPool, asked: Sequence[Asked[Wanted]]) -> AbstractAsyncContextManager[Connection]:
    """Open a transaction that sees what the officers of these acts may see, and were answered before, together."""
    paths = dict.fromkeys(path for each in asked for path in each.item.paths)
    return pool.transaction(Scope(tuple(paths), callers=callers_of(asked)))


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
