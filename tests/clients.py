"""What the trials' HTTP clients have in common."""

from __future__ import annotations

import httpx2

LETS_GO = httpx2.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=2)
"""A kept connection is let go of before the service ends it (`LimitSettings.idle_seconds`, 5).

httpx's own 5 s are as long: on a busy machine a service ends it just when the next request goes out on it.
"""
