"""Writes the OpenAPI document of every service; refuses a change that would break a client.

Run as `python -m deploy.openapi` after a route has changed and commit what it wrote. The services are put together, not
started: no database and no Kafka is needed.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import tempfile
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from deploy.compatibility import breaking_changes
from deploy.local.services import SERVICES
from shared.auth import TokenVerifier
from shared.clocks import legal_clock
from shared.database import create_pool
from shared.http.app import create_app
from shared.runtime import Resources
from shared.settings import Profile
from shared.tokens import new_development_keys

FOLDER = Path(__file__).parents[1] / "shared" / "contracts" / "openapi"
VERSION = "v1"
"""Stands in the committed documents where a running service names its release."""


async def applications() -> dict[str, FastAPI]:
    """Put each service together, by its name: once in a process, for services register their collectors."""
    with tempfile.TemporaryDirectory() as folder:
        return {service: await _application(service, Path(folder)) for service in SERVICES}


async def documents() -> dict[str, dict[str, Any]]:
    """Make the document of each service, by its name."""
    return {service: application.openapi() for service, application in (await applications()).items()}


async def _application(service: str, folder: Path) -> FastAPI:
    main = import_module(f"services.{service}.__main__")
    settings = main.Settings(**_settings(folder))
    pool = await create_pool(settings.database, service)  # it opens no connection before it is asked for one
    parts = await main.build(Resources(settings, pool, legal_clock(settings.clock)))
    verifier = TokenVerifier(settings.tokens, symmetric=True)
    return create_app(service=service, version=VERSION, surface=parts.surface, verifier=verifier)


def _settings(folder: Path) -> dict[str, Any]:
    """Say what every service needs to be put together; those that need less leave the rest alone."""

    def secret(name: str, content: str) -> Path:
        path = folder / name
        path.write_text(content, "utf-8")
        return path

    keys, nothing = secret("jwks.json", new_development_keys()), secret("nothing", "nothing")
    return {
        "profile": Profile.DEVELOPMENT,
        "database": {"host": "127.0.0.1", "user": "nobody", "password_file": nothing},
        "kafka": {"bootstrap_servers": "127.0.0.1:9"},
        "http": {"port": 9},
        "tokens": {"jwks_file": keys},
        "keyring": {"key_file": secret("key", base64.b64encode(bytes(32)).decode())},
        "sms": {"url": "http://127.0.0.1:9", "token_file": nothing},
        "receipts": {"token_file": nothing},
        "mail": {"host": "127.0.0.1", "sender": "nobody@motcua.example"},
    }


def write_documents(folder: Path, made: Mapping[str, Any]) -> list[str]:
    """Write what is new or only grew; return every breaking change, for which nothing is written."""
    problems: list[str] = []
    for service, document in made.items():
        path = folder / f"{service}.json"
        found = breaking_changes(json.loads(path.read_text("utf-8")), document) if path.exists() else []
        problems += [f"{service}: {change}" for change in found]
        if not found:
            path.write_text(json.dumps(document, indent=1, ensure_ascii=False, sort_keys=True) + "\n", "utf-8")
    return problems


def main() -> int:
    """Exit 1 and name every breaking change; the remedy is a new path beside the old one."""
    FOLDER.mkdir(exist_ok=True)
    problems = write_documents(FOLDER, asyncio.run(documents()))
    for problem in problems:
        sys.stderr.write(f"breaking change: {problem}; serve a new path (/v2/…) beside it instead\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
