"""The process behind `motcua up`: one stack, until SIGTERM or SIGINT ends it.

    python -m deploy.local.daemon --folder var/stack --ports '{"intake": 8001, …}' --parts postgres,kafka

It tells its progress in the folder's state file and exits 0 when it was asked to end, 1 when the start failed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy.faults import DeployError
from deploy.local.ports import Ports
from deploy.local.stack import ALL_PARTS, Stack


async def serve(stack: Stack) -> None:
    """Run the stack until the process is asked to end."""
    asked, loop = asyncio.Event(), asyncio.get_running_loop()
    starting = asyncio.create_task(stack.start())
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked.set)
    waiting = asyncio.create_task(asked.wait())
    await asyncio.wait({starting, waiting}, return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        return
    await starting
    await waiting
    await stack.stop()


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve one stack; errors of the start stand on stderr and in the state file."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local.daemon", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--ports", type=json.loads, required=True)
    parser.add_argument("--parts", default=",".join(ALL_PARTS))
    parser.add_argument("--replicas", type=int, default=1)
    parser.add_argument("--fresh", action="store_true")
    chosen = parser.parse_args(arguments)
    stack = Stack(
        chosen.folder,
        Ports(**chosen.ports),
        parts=chosen.parts.split(","),
        replicas=chosen.replicas,
        fresh=chosen.fresh,
    )
    try:
        asyncio.run(serve(stack))
    except DeployError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
