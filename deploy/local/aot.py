"""Makes the ahead-of-time cache of Kafka's classes, once for an installation: one short life of a broker.

`python -m deploy.local.aot`. Java writes the cache when the broker ends (JEP 514), which takes it some seconds.
"""

from __future__ import annotations

import asyncio
import dataclasses
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path

from deploy.faults import DeployError
from deploy.local import jars, java, kafka
from deploy.local.folder import Folder, cache_folder
from deploy.local.parts import Part
from deploy.local.ports import Ports
from deploy.local.processes import Child

LONGEST_SECONDS = 120.0
"""How long the broker may take to be ready, and again to end."""


class NotMade(DeployError):
    """The broker did not live as it should; the message ends with what it said."""


async def make(cache: Path) -> None:
    """Start a broker on ports of nobody, let it become ready, end it. Raises NotMade."""
    with tempfile.TemporaryDirectory(dir=cache.parent) as place:
        folder = Folder(Path(place))
        folder.prepare()
        draft = folder.path / "draft.aot"
        await _live(folder, draft)
        if not draft.exists():
            raise NotMade(f"the broker left no cache: {_last_words(folder)}")
        draft.replace(cache)


async def _live(folder: Folder, draft: Path) -> None:
    ports = _free_ports()
    part = kafka.part(folder, kafka.prepare(folder, ports), ports.kafka)
    words = [part.launch.command[0], f"-XX:AOTCacheOutput={draft}", *part.launch.command[1:]]
    broker = Child(dataclasses.replace(part.launch, command=words))
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            await _ready(part)
    except TimeoutError:
        raise NotMade(f"the broker was not ready within {LONGEST_SECONDS:.0f} s: {_last_words(folder)}") from None
    finally:
        await broker.end(signal.SIGTERM, LONGEST_SECONDS)


async def _ready(part: Part) -> None:
    while await part.probe() is not None:  # noqa: ASYNC110 - another process tells no event of ours
        await asyncio.sleep(0.1)


def _free_ports() -> Ports:
    """Two ports that nobody listens on now; the others are not used."""
    with socket.socket() as broker, socket.socket() as controller:
        broker.bind(("127.0.0.1", 0))
        controller.bind(("127.0.0.1", 0))
        found = broker.getsockname()[1], controller.getsockname()[1]
    return dataclasses.replace(Ports.from_base(), kafka=found[0], kafka_controller=found[1])


def _last_words(folder: Folder) -> str:
    return (folder.logs / "kafka.log").read_text("utf-8", "replace")[-500:].strip()


def main() -> int:
    """Make the cache unless it is there; exit 1 says why it could not be made."""
    started = time.monotonic()
    try:
        cache = java.aot_cache(jars.class_path(cache_folder()))
        if cache.exists():
            return 0
        asyncio.run(make(cache))
    except DeployError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    sys.stderr.write(f"cache of Kafka's classes, {cache.stat().st_size / 1e6:.0f} MB, made in ")
    sys.stderr.write(f"{time.monotonic() - started:.0f} s\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
