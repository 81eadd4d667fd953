"""People under lock: AES-256-GCM under one random data key for each dossier, wrapped under the key-encryption key.

What is sealed names its dossier and its purpose as associated data, so that no ciphertext can take another's place.
Searchable values are kept as HMAC-SHA-256 under a key derived from the key-encryption key (blind index).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap
from pydantic import BaseModel, ConfigDict

from shared.database import Connection, Pool, autocommit
from shared.keyring.repository import read_keys

KEY_BYTES = 32
NONCE_BYTES = 12
FORMAT = b"\x01"
"""First byte of everything sealed: AES-256-GCM, 96-bit nonce, then ciphertext and tag."""

KEY_SECONDS_MAX = 60
KEYS_CACHED_MAX = 10_000


class SealBroken(Exception):
    """Not sealed by us, changed since, of another dossier or purpose, or under another key."""


class KeyUnusable(Exception):
    """The key-encryption key cannot be used: its file holds none, or the keyring was written under another one."""


class Purpose(StrEnum):
    """What a sealed document is for; part of its associated data."""

    PEOPLE = "people"
    CONTACT = "contact"
    MESSAGE = "message"


class Contact(BaseModel):
    """What `ContactStated.sealed` holds: how to reach the applicant, and his secret for tracking.

    `phone` is E.164. The secret is told once; its hash travels in `DossierAccepted`.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    phone: str | None = None
    email: str | None = None
    tracking_secret: str


def tracking_secret_hash(secret: str) -> str:
    """SHA-256 of a tracking secret, in hex; 128 random bits need no salt."""
    return hashlib.sha256(secret.encode()).hexdigest()


def new_data_key() -> bytes:
    """Make a random data key."""
    return secrets.token_bytes(KEY_BYTES)


def associated_data(code: str, purpose: Purpose) -> bytes:
    """Name the dossier and the purpose that a sealed document belongs to."""
    return f"{purpose}|{code}".encode()


def seal(key: bytes, plaintext: bytes, aad: bytes) -> bytes:
    """Encrypt under a data key, bound to `aad`."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return FORMAT + nonce + AESGCM(key).encrypt(nonce, plaintext, aad)


def open_sealed(key: bytes, sealed: bytes, aad: bytes) -> bytes:
    """Decrypt what `seal` made. Raises SealBroken, also for what is no key."""
    nonce, ciphertext = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
    if sealed[:1] != FORMAT or len(nonce) != NONCE_BYTES:
        raise SealBroken("an unknown format")
    try:
        return AESGCM(key).decrypt(nonce, ciphertext, aad)
    except (InvalidTag, ValueError) as error:
        raise SealBroken("the seal does not fit") from error


class KeyEncryptionKey:
    """The one key above all data keys; `id` names it in the keyring and tells nothing about it."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise KeyUnusable(f"the key-encryption key has {KEY_BYTES} bytes")
        self._key = key
        self._blind = _derive(key, b"motcua blind index")
        self.id = _derive(key, b"motcua key id").hex()[:16]

    @classmethod
    def read(cls, path: Path) -> KeyEncryptionKey:
        """Read the key from a file that holds it in base64. Raises KeyUnusable."""
        try:
            return cls(base64.b64decode(path.read_bytes().strip(), validate=True))
        except (OSError, binascii.Error) as error:
            raise KeyUnusable(f"{path} holds no key in base64") from error

    def blind_index(self, kind: str, value: str) -> bytes:
        """Hash a normalised value so that it can be found by those who hold the key, and by nobody else."""
        return hmac.digest(self._blind, f"{kind}|{value}".encode(), "sha256")

    def wrap_key(self, data_key: bytes) -> bytes:
        """Wrap a data key (RFC 3394)."""
        return aes_key_wrap(self._key, data_key)

    def unwrap_key(self, wrapped_key: bytes) -> bytes:
        """Unwrap a data key. Raises KeyUnusable when it was wrapped under another one."""
        try:
            return aes_key_unwrap(self._key, wrapped_key)
        except InvalidUnwrap as error:
            raise KeyUnusable("the data key was wrapped under another key") from error


def _derive(key: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=purpose).derive(key)


class KeyringReader:
    """Data keys by dossier code, remembered for at most 60 s: an erased one is forgotten within that time."""

    def __init__(
        self,
        pool: Pool,
        kek: KeyEncryptionKey,
        max_age_seconds: float = KEY_SECONDS_MAX,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pool = pool
        self._kek = kek
        self._max_age = min(max_age_seconds, KEY_SECONDS_MAX)
        self._monotonic = monotonic
        self._known: OrderedDict[str, tuple[bytes, float]] = OrderedDict()

    async def data_keys(self, codes: Iterable[str], tx: Connection | None = None) -> Mapping[str, bytes]:
        """Return the data keys of these dossiers; one that was erased is missing, one that is damaged is empty.

        Reads through `tx` when the caller has a connection, so that none waits for a second one. Raises KeyUnusable.
        """
        wanted = set(codes)
        self._forget()
        found = {code: self._known[code][0] for code in wanted & self._known.keys()}
        if missing := sorted(wanted - found.keys()):
            found |= await self._read(missing, tx)
        return found

    async def data_key(self, code: str, tx: Connection | None = None) -> bytes | None:
        """Return the data key of one dossier, None when it was erased."""
        return (await self.data_keys([code], tx)).get(code)

    async def _read(self, codes: list[str], tx: Connection | None) -> dict[str, bytes]:
        if tx is None:
            async with autocommit(self._pool) as connection:
                rows = await read_keys(connection, codes)
        else:
            rows = await read_keys(tx, codes)
        keys = {code: self._unwrap(wrapped, key_id) for code, (wrapped, key_id) in rows.items()}
        expires = self._monotonic() + self._max_age
        for code, key in keys.items():
            self._known[code] = key, expires
            self._known.move_to_end(code)
        return keys

    def _unwrap(self, wrapped: bytes, key_id: str) -> bytes:
        """Unwrap: a damaged row must not hold up all others; under another key-encryption key nothing can go on."""
        try:
            return self._kek.unwrap_key(wrapped)
        except KeyUnusable:
            if key_id != self._kek.id:
                raise
            return b""

    def _forget(self) -> None:
        now = self._monotonic()
        while self._known:
            code, (_, expires) = next(iter(self._known.items()))
            if expires > now and len(self._known) <= KEYS_CACHED_MAX:
                return
            del self._known[code]
