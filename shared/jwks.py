"""The keys of bearer tokens: a JWK set (RFC 7517) in a file, read again when the file changes.

A key verifies by one algorithm, which the key decides and never the header of a token (RFC 8725, 3.1).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import structlog
from joserfc.errors import JoseError
from joserfc.jwk import Key, import_key
from joserfc.util import to_bytes, urlsafe_b64decode

LOOK_SECONDS = 2.0
"""Tokens are judged by keys that were compared with the file at most so long ago."""
LOOK_AT_ONCE_SECONDS = 1.0
"""For tokens that name keys outside the set the file is looked at so often at most, however many of them come."""
SYMMETRIC_ALGORITHM = "HS256"
"""Whoever can verify can sign as well: right where one party does both, or outside production."""

log = structlog.get_logger("jwks")


@dataclass(frozen=True)
class KeyType:
    """What keys of one `kty` do here: by which algorithm, and of how many bits `member` must be (RFC 7518, 3.2-3.4)."""

    algorithm: str
    member: str
    bits: int


KEY_TYPES: Mapping[str, KeyType] = {
    "RSA": KeyType("RS256", "n", 2048),
    "EC": KeyType("ES256", "x", 256),
    "oct": KeyType(SYMMETRIC_ALGORITHM, "k", 256),
}
OTHERWISE: Mapping[str, Any] = {"use": "sig", "crv": "P-256"}
"""Members that a key for us may leave out, and what they say if it does not."""


class UnusableKeys(ValueError):
    """A file holds no keys that could verify tokens; says which key is at fault, and nothing of what it holds."""


@dataclass(frozen=True)
class PinnedKey:
    """A key and the one algorithm by which it verifies.

    `until` is the second since 1970 from which on it verifies nothing: its member `exp` (OpenID Federation 1.0).
    """

    key: Key
    algorithm: str
    until: int | None

    def holds(self, second: int) -> bool:
        """Tell whether the key verifies at this second of machine time."""
        return self.until is None or second < self.until


Keys: TypeAlias = Mapping[str, PinnedKey]
"""Keys by the name (`kid`) under which tokens call for them, in the order of the file."""


def parse_keys(content: bytes, *, symmetric: bool) -> Keys:
    """Read a JWK set; keys of another use, type or algorithm than ours are passed over (RFC 7517, 5).

    `symmetric`: keys with which one could sign, too, are taken. Raises UnusableKeys.
    """
    try:
        entries = [entry for entry in json.loads(content)["keys"] if _is_for_us(entry)]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UnusableKeys("the file holds no JWK set") from error
    if not entries:
        raise UnusableKeys(f"no key of the set verifies {', '.join(kind.algorithm for kind in KEY_TYPES.values())}")
    signing = [entry.get("kid", "unnamed") for entry in entries if entry["kty"] == "oct" or "d" in entry]
    if signing and not symmetric:
        raise UnusableKeys(f"a production profile refuses keys that can sign: {signing}")
    keys: dict[str, PinnedKey] = {}
    for entry in entries:
        kid = entry.get("kid")
        if not isinstance(kid, str) or not kid:
            raise UnusableKeys("a key has no kid: tokens could not name it")
        if kid in keys:
            raise UnusableKeys(f"two keys are named {kid!r}")
        keys[kid] = _pinned(kid, entry)
    return keys


def _is_for_us(entry: Mapping[str, Any]) -> bool:
    found = KEY_TYPES.get(entry["kty"])
    if found is None or entry.get("alg", found.algorithm) != found.algorithm:
        return False
    return all(entry.get(member, said) == said for member, said in OTHERWISE.items())


def _pinned(kid: str, entry: dict[str, Any]) -> PinnedKey:
    wanted, until = KEY_TYPES[entry["kty"]], entry.get("exp")
    try:
        bits = 8 * len(urlsafe_b64decode(to_bytes(entry[wanted.member])))
        key = import_key(entry) if bits >= wanted.bits else None
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise UnusableKeys(f"key {kid!r} cannot be read") from error
    if key is None:
        raise UnusableKeys(f"key {kid!r} has {bits} bits, {wanted.algorithm} asks for {wanted.bits}")
    if until is not None and type(until) is not int:
        raise UnusableKeys(f"the exp of key {kid!r} is no whole second since 1970")
    return PinnedKey(key, wanted.algorithm, until)


class KeyFile:
    """The keys of a file, followed through its changes without a restart.

    A file that cannot be used changes nothing: the keys read before stay in force, `fault` says why, and so does the
    log, once. Raises UnusableKeys or OSError when there are no keys to begin with.
    """

    def __init__(self, path: Path, *, symmetric: bool, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._path, self._symmetric, self._monotonic = path, symmetric, monotonic
        self.fault = ""
        self._looked = self._looked_at_once = monotonic()
        self._stamp = _stamp(path)
        self._keys = parse_keys(path.read_bytes(), symmetric=symmetric)

    def keys(self) -> Keys:
        """Return the keys in force, compared with the file at most 2 s ago; another object when they changed."""
        if self._monotonic() - self._looked >= LOOK_SECONDS:
            self._look()
        return self._keys

    def keys_at_once(self) -> Keys:
        """Return the keys compared with the file now, for a token that names another key; once a second at most."""
        if self._monotonic() - self._looked_at_once >= LOOK_AT_ONCE_SECONDS:
            self._looked_at_once = self._monotonic()
            self._look()
        return self._keys

    def _look(self) -> None:
        self._looked = self._monotonic()
        try:
            stamp = _stamp(self._path)
            if stamp != self._stamp:
                self._keys, self._stamp = parse_keys(self._path.read_bytes(), symmetric=self._symmetric), stamp
                log.info("token_keys_changed", file=str(self._path), kids=list(self._keys))
        except (OSError, UnusableKeys) as error:
            reason = (error.strerror or "unreadable") if isinstance(error, OSError) else str(error)
            if reason != self.fault:
                log.error("token_keys_refused", file=str(self._path), reason=reason)  # noqa: TRY400 - for an operator
            self.fault = reason
        else:
            self.fault = ""


def _stamp(path: Path) -> tuple[int, ...]:
    """What changes with the file, whether it is replaced, linked elsewhere or written to."""
    found = path.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
