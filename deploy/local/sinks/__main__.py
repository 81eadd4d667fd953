"""Starts both sinks: `python -m deploy.local.sinks --sms-port N --mail-port N --log-folder DIR …`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path

import uvicorn
import uvloop
from starlette.applications import Starlette

from deploy.local.sinks.conduct import Conducts
from deploy.local.sinks.gateway import Gateway
from deploy.local.sinks.logbook import Logbook
from deploy.local.sinks.mailbox import Mailbox
from deploy.local.sinks.receipts import Receipts


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to `serve`."""
        yield


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local.sinks", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="where both listen; loopback unless told otherwise")
    parser.add_argument("--sms-port", type=int, required=True)
    parser.add_argument("--mail-port", type=int, required=True)
    parser.add_argument("--log-folder", type=Path, required=True)
    parser.add_argument("--token-file", type=Path, required=True, help="the token that senders of SMS must show")
    parser.add_argument("--receipts-url", help="where delivery receipts go; without it there are none")
    parser.add_argument("--receipts-token-file", type=Path)
    return parser.parse_args()


async def serve(given: argparse.Namespace) -> None:
    """Serve both until SIGTERM or SIGINT."""
    told, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    logbook, conducts = Logbook(given.log_folder), Conducts()
    receipts = Receipts(given.receipts_url, given.receipts_token_file)
    gateway = Gateway(given.token_file, logbook, conducts, receipts)
    server = _Server(_config(gateway.app(), given.host, given.sms_port))
    mail = await loop.create_server(Mailbox(logbook, conducts).protocol, given.host, given.mail_port)
    async with asyncio.TaskGroup() as group:
        posting = group.create_task(receipts.run())
        serving = group.create_task(server.serve())
        stopped = group.create_task(told.wait())
        await asyncio.wait((serving, stopped), return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        mail.close()
        await serving
        posting.cancel()
        stopped.cancel()
    logbook.close()


def _config(app: Starlette, host: str, port: int) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="none",
        http="httptools",
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
    )


if __name__ == "__main__":
    uvloop.run(serve(options()))
