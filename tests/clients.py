"""How the trials ask over HTTP."""

from __future__ import annotations

import ssl
from collections.abc import Mapping

import httpx2

LETS_GO = httpx2.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=2)
"""A kept connection is let go of before the service ends it (`LimitSettings.idle_seconds`, 5).

httpx's own 5 s are as long: on a busy machine a service ends it just when the next request goes out on it.
"""
TRUSTS_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""All is plain HTTP on this machine; reading whom the machine trusts costs each new client 70 ms of processor time."""


def plain_client(
    base_url: str = "", *, timeout: float = 20, headers: Mapping[str, str] | None = None
) -> httpx2.AsyncClient:
    """Make a client of one of our processes; `timeout` in seconds."""
    return httpx2.AsyncClient(
        base_url=base_url, timeout=timeout, trust_env=False, verify=TRUSTS_NOBODY, limits=LETS_GO, headers=headers
    )
