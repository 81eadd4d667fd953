"""`motcua republish`: a topic that was lost is filled again from the journals of its writers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import aclosing
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress

from deploy.cli.options import DEFAULT_FOLDER, FolderOption, JsonOption
from deploy.cli.outcome import Exit, end, progress
from deploy.cli.readers import acting
from deploy.cli.stores import chosen_services, run
from deploy.local.folder import Folder, write_private
from shared.contracts.topics import TOPICS
from shared.messaging.republish import NotTaken, Pace, Position, count_facts, refiller, republish


class Bookmark:
    """How far each (service, topic) has come, in a file of the stack's folder: what `--resume` goes on from."""

    def __init__(self, folder: Folder, *, resume: bool) -> None:
        self._file: Path = folder.path / "republish.json"
        known: Mapping[str, Any] = json.loads(self._file.read_text("utf-8")) if resume and self._file.exists() else {}
        self._known = {name: Position(**place) for name, place in known.items()}

    def of(self, name: str) -> Position:
        """Where to go on; the beginning of what was never begun."""
        return self._known.get(name, Position())

    def move(self, name: str, place: Position) -> None:
        """Write down what the broker has taken."""
        self._known[name] = place
        write_private(self._file, json.dumps({name: asdict(place) for name, place in self._known.items()}).encode())

    def forget(self) -> None:
        """Everything is there: the next run begins anew."""
        self._file.unlink(missing_ok=True)


def again(
    sources: Annotated[list[str], typer.Option("--from", help="The service whose journal is read; may be repeated.")],
    *,
    topics: Annotated[
        list[str] | None, typer.Option("--topic", help="Only this topic; may be repeated. All that it writes, else.")
    ] = None,
    rate: Annotated[float, typer.Option(min=1, help="Facts in a second, at most.")] = Pace.per_second,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where the last run was interrupted.")] = False,
    folder: FolderOption = DEFAULT_FOLDER,
    as_json: JsonOption = False,
) -> None:
    """Publish again what journals recorded for topics that were lost: all chains in order, keyed as before.

    The topics must be there (`motcua provision`). The services may run: they drop what they had, and take what they
    lacked. Examples: `motcua republish --from intake --from processing --topic dossier.lifecycle.v1`;
    `motcua republish --from notification --rate 500`.
    """
    wanted = [(name, topic) for given in sources for name in chosen_services(given) for topic in _topics(name, topics)]
    if not wanted:
        end(Exit.USAGE, f"{', '.join(sources)} writes no such topic; there are {', '.join(one.name for one in TOPICS)}")
    place = Folder(folder)
    bookmark, pace = Bookmark(place, resume=resume), Pace(per_second=rate)
    rows = []
    with Progress(console=progress, transient=True) as bars:
        for service, topic in wanted:
            told = _Told(bookmark, f"{service}/{topic}", bars)
            rows.append({"service": service, "topic": topic, "facts": run(_again(place, service, topic, pace, told))})
    bookmark.forget()
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        typer.echo(f"{row['service']:14}{row['topic']:24}{row['facts']:9} facts")


def _topics(service: str, wanted: list[str] | None) -> Iterator[str]:
    """Yield the topics that a service writes, of those that are wanted."""
    return (one.name for one in TOPICS if service in one.writers and (not wanted or one.name in wanted))


class _Told:
    """Where one journal's topic stands: on the bar, and in the bookmark."""

    def __init__(self, bookmark: Bookmark, name: str, bars: Progress) -> None:
        self._bookmark, self._name, self._bars = bookmark, name, bars
        self._bar = bars.add_task(name, total=None)
        self.begins = bookmark.of(name)
        self.facts = 0

    def of(self, total: int) -> None:
        self._bars.update(self._bar, total=total)

    def took(self, place: Position, facts: int) -> None:
        self.facts += facts
        self._bookmark.move(self._name, place)
        self._bars.advance(self._bar, facts)


async def _again(folder: Folder, service: str, topic: str, pace: Pace, told: _Told) -> int:
    """Publish one topic of one journal; answers how many facts."""
    async with acting(folder, service) as place:
        publisher = refiller(place.kafka, service)
        try:
            await publisher.start()
            told.of(await count_facts(place.pool, topic, told.begins))
            async with aclosing(republish(place.pool, publisher, topic, told.begins, pace)) as batches:
                async for taken, facts in batches:
                    told.took(taken, facts)
        except NotTaken as error:
            end(Exit.FAILED, f"{error}; mend that (`motcua provision` makes a topic), then go on with --resume")
        finally:
            await publisher.close()
    return told.facts
