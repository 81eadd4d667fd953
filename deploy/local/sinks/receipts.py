"""Delivery receipts of the SMS gateway: posted back in batches and repeated until they are taken."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections import deque
from datetime import UTC, datetime
from http import HTTPStatus
from itertools import islice
from pathlib import Path
from urllib.parse import urlsplit

from shared.http.wire import ConnectionLost, Wire

BATCH = 200
FIRST_PAUSE_SECONDS = 0.02
PAUSE_SECONDS = 0.1
FIRST_RETRY_SECONDS = 0.1
LONGEST_RETRY_SECONDS = 3.0


class Receipts:
    """Receipts on their way to whoever sent the messages; without a URL they are dropped."""

    def __init__(self, url: str | None, token_file: Path | None) -> None:
        self._url = url
        token = token_file.read_text("utf-8").strip() if token_file else ""
        self._headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        self._waiting: deque[dict[str, str]] = deque()
        self._woken, self._emptied = asyncio.Event(), asyncio.Event()
        self.posted = 0

    @property
    def waiting(self) -> int:
        """Receipts that nobody has taken yet."""
        return len(self._waiting)

    async def taken(self) -> None:
        """Wait until every receipt has been taken."""
        if self._waiting:
            await self._emptied.wait()

    def add(self, reference: str, status: str = "delivered") -> None:
        """Queue the receipt of one message."""
        if self._url is not None:
            at = datetime.now(UTC).isoformat(timespec="milliseconds")
            self._waiting.append({"reference": reference, "status": status, "at": at})
            self._woken.set()
            self._emptied.clear()

    async def run(self) -> None:
        """Post what waits, for ever."""
        if self._url is None:
            return
        path = urlsplit(self._url).path
        with contextlib.closing(Wire.to(self._url, timeout_seconds=10)) as wire:
            retry_seconds = FIRST_RETRY_SECONDS
            while True:
                await self._woken.wait()
                # The first receipts go soon; under a steady flow the next ones gather into one request.
                await asyncio.sleep(FIRST_PAUSE_SECONDS)
                if await self._post(wire, path):
                    retry_seconds = FIRST_RETRY_SECONDS
                    await asyncio.sleep(PAUSE_SECONDS - FIRST_PAUSE_SECONDS)
                else:
                    await asyncio.sleep(retry_seconds)
                    retry_seconds = min(retry_seconds * 2, LONGEST_RETRY_SECONDS)

    async def _post(self, wire: Wire, path: str) -> bool:
        batch = list(islice(self._waiting, BATCH))
        try:
            answer = await wire.request("POST", path, self._headers, json.dumps({"receipts": batch}).encode())
        except ConnectionLost as error:
            sys.stderr.write(f"receipts: {error}\n")
            return False
        if answer.status != HTTPStatus.OK:
            sys.stderr.write(f"receipts: refused with {answer.status}\n")
            return False
        for _ in batch:
            self._waiting.popleft()
        self.posted += len(batch)
        if not self._waiting:
            self._woken.clear()
            self._emptied.set()
        return True
