"""The health check of a container: `python -m deploy.health URL …`, silent and exit 0 when each of them is well.

http://HOST:PORT/PATH   answers 200
smtp://HOST:PORT        greets, and does nothing when it is asked to (NOOP, RFC 5321)

Only the standard library is imported: a check is started every few seconds.
"""

from __future__ import annotations

import smtplib
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from urllib.parse import SplitResult, urlsplit

TIMEOUT_SECONDS = 3


def answers_http(url: SplitResult) -> str | None:
    """None when the address answers 200, else what it answered."""
    with closing(HTTPConnection(url.netloc, timeout=TIMEOUT_SECONDS)) as connection:
        connection.request("GET", url.path)
        status = connection.getresponse().status
    return None if status == HTTPStatus.OK else f"answers {status}"


def answers_smtp(url: SplitResult) -> str | None:
    """None when the mail server answers, else what it answered."""
    with smtplib.SMTP(url.hostname or "", url.port or 0, timeout=TIMEOUT_SECONDS) as connection:
        code, said = connection.noop()
    return None if code == 250 else f"answers {code} {said.decode('ascii', 'replace')}"


PROBES: Mapping[str, Callable[[SplitResult], str | None]] = {"http": answers_http, "smtp": answers_smtp}


def fault_of(url: str) -> str | None:
    """None when the address is well, else why not. Raises KeyError for a scheme that has no probe."""
    place = urlsplit(url)
    try:
        return PROBES[place.scheme](place)
    except (OSError, HTTPException, smtplib.SMTPException) as error:
        return f"{type(error).__name__}: {error}"


def main(urls: Sequence[str]) -> int:
    """Probe every address; exit 1 names those that are not well."""
    faults = {url: fault for url in urls if (fault := fault_of(url))}
    for url, fault in faults.items():
        sys.stderr.write(f"{url}: {fault}\n")
    return 1 if faults or not urls else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
