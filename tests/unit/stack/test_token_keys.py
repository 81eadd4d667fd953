"""`motcua token-keys`: what it prints of a set, what it makes of it, and what it leaves alone."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from joserfc.jwk import ECKey
from typer.testing import CliRunner, Result

from deploy.cli.application import commands
from shared.auth import TokenVerifier
from shared.settings import TokenSettings
from shared.tokens import issue_token, new_development_keys


def token_keys(*words: str | Path) -> Result:
    return CliRunner().invoke(commands, ["token-keys", *map(str, words)])


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    """The folder of a stack that runs no part."""
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "jwks.json").write_text(new_development_keys())
    return tmp_path


def shown(stack: Path) -> list[tuple[str, str, bool]]:
    answer = token_keys("list", "--json", "--folder", stack)
    assert answer.exit_code == 0, answer.output
    return [(row["kid"], row["does"], row["until"] is not None) for row in json.loads(answer.stdout)]


def test_a_rotation_signs_with_a_new_key_and_the_next_one_may_end_the_old_at_once(stack: Path) -> None:
    file = stack / "secrets" / "jwks.json"
    assert shown(stack) == [("development", "signs", False)]
    before = issue_token(file, subject="me", role="operator")

    assert token_keys("rotate", "--folder", stack).exit_code == 0
    (kid, does, ends), old = shown(stack)
    assert (does, ends, old) == ("signs", False, ("development", "verifies", True))
    verifier = TokenVerifier(TokenSettings(jwks_file=file), symmetric=True)
    after = issue_token(file, subject="me", role="operator")
    assert verifier.verify(before) == verifier.verify(after)

    answer = token_keys("rotate", "--overlap-hours", "0", "--folder", stack)
    assert answer.exit_code == 0
    assert "nothing needs to be restarted" in answer.stderr
    [(newest, does, ends)] = shown(stack)
    assert (does, ends, newest not in {kid, "development"}) == ("signs", False, True)
    assert sorted(path.name for path in file.parent.iterdir()) == ["jwks.json"]


def test_a_set_elsewhere_is_made_where_that_is_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "tracking-jwks.json"
    answer = token_keys("rotate", "--file", file)
    assert (answer.exit_code, file.exists()) == (3, False)
    assert token_keys("rotate", "--file", file, "--create").exit_code == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert issue_token(file, subject="me", role="citizen")
    [key] = json.loads(file.read_text("utf-8"))["keys"]
    assert token_keys("rotate", "--file", file, "--create").exit_code == 0
    assert [one["kid"] for one in json.loads(file.read_text("utf-8"))["keys"]][1:] == [key["kid"]]


def test_a_set_is_rotated_behind_its_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "jwks.json"
    link.symlink_to(tmp_path / "real" / "jwks.json")
    (tmp_path / "real" / "jwks.json").write_text(new_development_keys())
    assert token_keys("rotate", "--file", link).exit_code == 0
    assert link.is_symlink()
    assert len(json.loads(link.read_text("utf-8"))["keys"]) == 2


def test_a_rotated_set_is_read_by_whoever_read_it_before(tmp_path: Path) -> None:
    """In containers each image has a user of its own, so that the files of secrets can be read by all."""
    file = tmp_path / "jwks.json"
    file.write_text(new_development_keys())
    file.chmod(0o444)
    if os.geteuid() == 0:
        os.chown(file, 65534, 65534)
    before = file.stat()
    assert token_keys("rotate", "--file", file).exit_code == 0
    after = file.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert after.st_ino != before.st_ino


def test_the_secrets_that_the_environment_names_come_before_a_stacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "jwks.json").write_text(new_development_keys())
    for name, value in {
        "MOTCUA_SECRETS": str(tmp_path),
        "MOTCUA_DATABASE__HOST": "db",
        "MOTCUA_KAFKA__BOOTSTRAP_SERVERS": "kafka:9092",
    }.items():
        monkeypatch.setenv(name, value)
    answer = token_keys("list")
    assert (answer.exit_code, answer.stdout.split()) == (0, ["development", "HS256", "signs"])


def test_a_set_that_cannot_be_replaced_is_told(tmp_path: Path) -> None:
    file = tmp_path / ("x" * 255)  # the longest name: a draft beside it has a longer one
    file.write_text(new_development_keys())
    content = file.read_bytes()
    answer = token_keys("rotate", "--file", file)
    assert (answer.exit_code, file.read_bytes()) == (1, content)
    assert "cannot be replaced: File name too long" in answer.stderr


def test_a_providers_set_is_judged_and_never_rotated(tmp_path: Path) -> None:
    file = tmp_path / "jwks.json"
    key = ECKey.generate_key("P-256", {"kid": "provider"})
    file.write_text(json.dumps({"keys": [key.as_dict(private=False)]}))
    content = file.read_bytes()
    answer = token_keys("list", "--production", "--file", file)
    assert (answer.exit_code, answer.stdout.split()) == (0, ["provider", "ES256", "verifies"])
    answer = token_keys("rotate", "--file", file)
    assert (answer.exit_code, file.read_bytes()) == (1, content)
    assert "identity server" in answer.stderr


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("<html>", "holds no JWK set"),
        (new_development_keys(), "keys that can sign: ['development']"),
        (json.dumps({"keys": [ECKey.generate_key("P-256", {"kid": "k"}).as_dict(private=True)]}), "can sign: ['k']"),
    ],
)
def test_what_production_would_refuse_is_exit_four(tmp_path: Path, content: str, told: str) -> None:
    file = tmp_path / "jwks.json.new"
    file.write_text(content)
    answer = token_keys("list", "--production", "--file", file)
    assert answer.exit_code == 4
    assert told in answer.stderr


def test_without_a_stack_there_is_nothing_to_list(tmp_path: Path) -> None:
    answer = token_keys("list", "--folder", tmp_path)
    assert answer.exit_code == 3
    assert "motcua up" in answer.stderr
