"""`motcua due`: when a limit is due and why, for clerks, tests and lawyers; no stack runs for it."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from deploy.cli.options import JsonOption
from deploy.cli.outcome import Exit, end, progress
from deploy.clock.answers import due_answer, reckoning_of
from deploy.clock.batch import Batch
from deploy.clock.questions import Rules, due_question, event_fields, limit_fields
from deploy.clock.refusals import REFUSED, reason_of
from shared.contracts.facts import Language
from shared.rulebook.catalogue import SupplementPolicy
from shared.rulebook.explanation import explain as lay_out
from shared.rulebook.explanation_data import explanation_data
from shared.rulebook.explanation_text import explanation_text, result_text


def due(
    limit: Annotated[
        str | None,
        typer.Option(help="5wd, 15cd, 8wh, 30wm: working days, calendar days, working hours, minutes; sd@15:00; none."),
    ] = None,
    received: Annotated[
        str | None, typer.Option(metavar="ISO", help="When the dossier was accepted; without an offset, in Vietnam.")
    ] = None,
    *,
    agency: Annotated[str | None, typer.Option(help="The agency whose calendar holds, such as H56.97.21.")] = None,
    policy: Annotated[
        SupplementPolicy, typer.Option(help="Whether a supplement lets the limit go on or run again.")
    ] = SupplementPolicy.RESUME,
    event: Annotated[
        list[str] | None,
        typer.Option(metavar="TYPE@ISO", help="What began or ended a pause, such as payment_made; may be repeated."),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Every counted span, every skipped day, every pause.")
    ] = False,
    batch: Annotated[bool, typer.Option("--batch", help="Answer lines of JSON from stdin, one line each.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Say when a limit is due, when half of it is used, and when the draft of an apology opens.

    Examples: `motcua due --limit 5wd --received 2020-01-20T08:00 --explain`; `motcua due --limit sd@15:00 --received
    2020-03-02T09:00 --event supplement_requested@2020-03-02T10:00`; `motcua due --batch < questions.jsonl`.
    """
    if batch:
        if limit or received or agency or event or policy is not SupplementPolicy.RESUME:
            end(Exit.USAGE, "--batch reads its questions from stdin and takes none of the options of one")
        _answer_lines(explained=explain)
        return
    if limit is None or received is None:
        end(Exit.USAGE, "--limit and --received are required, or --batch")
    try:
        fields = {
            "limit": limit_fields(limit),
            "received": received,
            "agency": agency,
            "supplement_policy": policy,
            "events": [event_fields(each) for each in event or ()],
        }
        _answer_one(fields, explained=explain, as_json=as_json)
    except REFUSED as error:
        end(Exit.USAGE, reason_of(error))


def _answer_one(fields: dict[str, Any], *, explained: bool, as_json: bool) -> None:
    question = due_question(fields, Rules())
    found = reckoning_of(question)
    explanation = lay_out(question.calendar, found)
    if as_json:
        answer = due_answer(found) | ({"explanation": explanation_data(explanation)} if explained else {})
        typer.echo(json.dumps(answer, ensure_ascii=False, indent=2))
        return
    for number, language in enumerate(Language):
        if number:
            typer.echo()
        for line in explanation_text(explanation, language) if explained else result_text(found, language):
            typer.echo(line)


def _answer_lines(*, explained: bool) -> None:
    work = Batch(Rules(), explained=explained)
    out = typer.get_binary_stream("stdout")
    for line in work.answers(typer.get_binary_stream("stdin")):
        out.write(line)
        out.flush()
    if work.unread:
        progress.print(f"fields that were not read: {', '.join(map(repr, work.unread))}", markup=False)
