from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from deploy.local import java


def test_without_a_cache_java_is_told_of_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MOTCUA_CACHE", str(tmp_path))
    _, *words = java.command("a.jar:b.jar", "-Xmx64m", "kafka.Kafka", "server.properties")
    assert words == ["-cp", "a.jar:b.jar", "-Xmx64m", "kafka.Kafka", "server.properties"]


def test_other_jars_have_another_cache() -> None:
    assert java.aot_cache("a.jar") == java.aot_cache("a.jar")
    assert java.aot_cache("a.jar") != java.aot_cache("b.jar")


def test_a_cache_that_is_none_is_no_obstacle(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MOTCUA_CACHE", str(tmp_path))
    java.aot_cache("a.jar").write_bytes(b"not a cache")
    words = java.command("a.jar", "-version")
    assert words[1] == f"-XX:AOTCache={java.aot_cache('a.jar')}"
    subprocess.run(words, env=java.environment(), check=True, capture_output=True)
