"""Delivery receipts of the SMS gateway: posted back in batches and repeated until they are taken."""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from datetime import UTC, datetime
from pathlib import Path

import httpx2

BATCH = 200
PAUSE_SECONDS = 0.02
FIRST_RETRY_SECONDS = 0.1
LONGEST_RETRY_SECONDS = 3.0


class Receipts:
    """Receipts on their way to whoever sent the messages; without a URL they are dropped."""

    def __init__(self, url: str | None, token_file: Path | None) -> None:
        self._url = url
        token = token_file.read_text("utf-8").strip() if token_file else ""
        self._headers = {"Authorization": f"Bearer {token}"}
        self._waiting: deque[dict[str, str]] = deque()
        self._woken = asyncio.Event()
        self.posted = 0

    @property
    def waiting(self) -> int:
        """Receipts that nobody has taken yet."""
        return len(self._waiting)

    def add(self, reference: str, status: str = "delivered") -> None:
        """Queue the receipt of one message."""
        if self._url is not None:
            at = datetime.now(UTC).isoformat(timespec="milliseconds")
            self._waiting.append({"reference": reference, "status": status, "at": at})
            self._woken.set()

    async def run(self) -> None:
        """Post what waits, for ever."""
        if self._url is None:
            return
        async with httpx2.AsyncClient(headers=self._headers, timeout=10, trust_env=False) as client:
            retry_seconds = FIRST_RETRY_SECONDS
            while True:
                await self._woken.wait()
                # A pause lets a batch gather: one request for many receipts.
                await asyncio.sleep(PAUSE_SECONDS)
                if await self._post(client, self._url):
                    retry_seconds = FIRST_RETRY_SECONDS
                else:
                    await asyncio.sleep(retry_seconds)
                    retry_seconds = min(retry_seconds * 2, LONGEST_RETRY_SECONDS)

    async def _post(self, client: httpx2.AsyncClient, url: str) -> bool:
        batch = [self._waiting[place] for place in range(min(BATCH, len(self._waiting)))]
        try:
            answer = await client.post(url, json={"receipts": batch})
        except httpx2.HTTPError as error:
            sys.stderr.write(f"receipts: {type(error).__name__}\n")
            return False
        if not answer.is_success:
            sys.stderr.write(f"receipts: refused with {answer.status_code}\n")
            return False
        for _ in batch:
            self._waiting.popleft()
        self.posted += len(batch)
        if not self._waiting:
            self._woken.clear()
        return True
