from __future__ import annotations

import re
from pathlib import Path

import pytest

from deploy.local import jars


def test_every_locked_jar_has_its_checksum_and_one_version_of_kafka() -> None:
    found = jars.locked()
    assert len(found) == 92
    assert all(re.fullmatch("[0-9a-f]{64}", jar.sha256) for jar in found)
    assert {jar.version for jar in found if jar.group == "org.apache.kafka"} == {"4.3.1"}
    assert len({jar.name for jar in found}) == len(found)


def test_the_lock_names_no_host() -> None:
    assert "://" not in jars.LOCK.read_text("utf-8")


def test_a_file_that_is_not_the_locked_one_is_not_installed(tmp_path: Path) -> None:
    jar = jars.locked()[0]
    cached = tmp_path / "drafts" / jar.group.replace(".", "/") / jar.artifact / jar.version
    cached.mkdir(parents=True)
    (cached / f"{jar.artifact}-{jar.version}.jar").write_bytes(b"something else")
    (tmp_path / "jars").mkdir()
    with pytest.raises(jars.JarsUnavailable, match="SHA-256"):
        jars.fetch_one(tmp_path, tmp_path / "drafts", jar)
    assert list((tmp_path / "jars").iterdir()) == []
