from __future__ import annotations

import base64
import secrets
from pathlib import Path

import pytest

from shared.sealing import (
    KeyEncryptionKey,
    KeyUnusable,
    Purpose,
    SealBroken,
    associated_data,
    new_data_key,
    open_sealed,
    seal,
)

CODE = "H56.97.21-200102-0001"
AAD = associated_data(CODE, Purpose.PEOPLE)


def test_what_is_sealed_opens_under_its_key_for_its_dossier_and_purpose_only() -> None:
    key = new_data_key()
    sealed = seal(key, b"people", AAD)
    assert open_sealed(key, sealed, AAD) == b"people"
    assert b"people" not in sealed
    assert seal(key, b"people", AAD) != sealed
    other = associated_data("H56.97.21-200102-0002", Purpose.PEOPLE)
    for wrong in (other, associated_data(CODE, Purpose.CONTACT), b""):
        with pytest.raises(SealBroken):
            open_sealed(key, sealed, wrong)
    with pytest.raises(SealBroken):
        open_sealed(new_data_key(), sealed, AAD)


def test_any_changed_byte_breaks_the_seal() -> None:
    key = new_data_key()
    sealed = seal(key, b"people", AAD)
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(SealBroken):
            open_sealed(key, bytes(changed), AAD)
    for cut in (b"", sealed[:5], sealed[:-1]):
        with pytest.raises(SealBroken):
            open_sealed(key, cut, AAD)


def test_data_keys_are_wrapped_and_only_the_same_key_unwraps_them() -> None:
    kek, data_key = KeyEncryptionKey(secrets.token_bytes(32)), new_data_key()
    wrapped = kek.wrap_key(data_key)
    assert data_key not in wrapped
    assert kek.unwrap_key(wrapped) == data_key
    other = KeyEncryptionKey(secrets.token_bytes(32))
    assert kek.id != other.id
    with pytest.raises(KeyUnusable):
        other.unwrap_key(wrapped)


def test_the_blind_index_finds_the_same_value_under_the_same_key_only() -> None:
    raw = secrets.token_bytes(32)
    kek, again, other = KeyEncryptionKey(raw), KeyEncryptionKey(raw), KeyEncryptionKey(secrets.token_bytes(32))
    index = kek.blind_index("phone", "+84912345678")
    assert index == again.blind_index("phone", "+84912345678")
    assert len({index, other.blind_index("phone", "+84912345678"), kek.blind_index("citizen", "+84912345678")}) == 3


def test_the_key_is_read_from_base64(tmp_path: Path) -> None:
    path = tmp_path / "key"
    raw = secrets.token_bytes(32)
    path.write_bytes(base64.b64encode(raw) + b"\n")
    assert KeyEncryptionKey.read(path).id == KeyEncryptionKey(raw).id
    for wrong in (b"not base64!", base64.b64encode(b"short"), b""):
        path.write_bytes(wrong)
        with pytest.raises(KeyUnusable):
            KeyEncryptionKey.read(path)
    with pytest.raises(KeyUnusable):
        KeyEncryptionKey.read(tmp_path / "nowhere")
