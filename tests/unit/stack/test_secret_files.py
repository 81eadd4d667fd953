"""Secrets are made once, for one owner; for containers their files can be read and their folder cannot."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.cli.application import commands
from deploy.installation import Installation, SecretMissing, named_by_environment
from deploy.secret_files import CONTAINER_SECRETS, SECRETS, FolderUnfit, make_for_containers, make_missing
from shared.messaging.connection import connection


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_each_is_made_once_for_its_owner(tmp_path: Path) -> None:
    assert make_missing(tmp_path) == list(SECRETS)
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}
    before = contents(tmp_path)
    assert len(set(before.values())) == len(SECRETS)
    (tmp_path / "sms.token").unlink()
    assert make_missing(tmp_path) == ["sms.token"]
    assert {name for name, content in contents(tmp_path).items() if before[name] != content} == {"sms.token"}


def test_for_containers_the_folder_is_closed_and_the_files_can_be_read(tmp_path: Path) -> None:
    folder = tmp_path / "compose" / "secrets"
    answer = CliRunner().invoke(commands, ["secrets", str(folder)])
    assert (answer.exit_code, answer.stdout.split()) == (0, list(CONTAINER_SECRETS))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o444}
    assert make_for_containers(folder) == []


def test_a_folder_of_somebody_else_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work", "utf-8")
    tmp_path.chmod(0o755)
    with pytest.raises(FolderUnfit, match=r"thesis\.txt is no secret"):
        make_for_containers(tmp_path)
    assert contents(tmp_path) == {"thesis.txt": b"years of work"}
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FolderUnfit, match="file/secrets cannot be written: Not a directory; make the folder around it"):
        make_for_containers(tmp_path / "file" / "secrets")


def test_a_password_that_is_not_there_is_named(tmp_path: Path) -> None:
    place = Installation("db", 5432, "motcua", "kafka:9092", tmp_path)
    with pytest.raises(SecretMissing, match=r"intake\.password, the password of intake, cannot be read: No such file"):
        place.dsn("intake")


def test_a_password_of_somebody_elses_making_is_quoted(tmp_path: Path) -> None:
    (tmp_path / "intake.password").write_text("a/b@c:d\n", "utf-8")
    place = Installation("db", 5432, "motcua", "kafka:9092", tmp_path)
    assert place.dsn("intake") == "postgresql://intake:a%2Fb%40c%3Ad@db:5432/motcua"


@pytest.mark.parametrize(("user", "name"), [("kafka", "kafka.password"), ("intake", "kafka_intake.password")])
def test_whoever_comes_to_kafka_has_a_password_of_his_own(tmp_path: Path, user: str, name: str) -> None:
    place = Installation("db", 5432, "motcua", "kafka:9092", tmp_path)
    with pytest.raises(
        SecretMissing, match=rf"{name}, the password with which {user} logs in to Kafka, cannot be read"
    ):
        place.kafka_login(user)
    make_missing(tmp_path)
    found = place.kafka_login(user)
    assert (found.bootstrap_servers, found.user, found.password_file) == ("kafka:9092", user, tmp_path / name)
    assert connection(found)["sasl_plain_password"] == (tmp_path / name).read_text("ascii")


def test_the_environment_names_an_installation_as_a_whole(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MOTCUA_DATABASE__HOST", "db")
    monkeypatch.setenv("MOTCUA_DATABASE__USER", "intake")
    assert named_by_environment() is None
    monkeypatch.setenv("MOTCUA_SECRETS", str(tmp_path))
    with pytest.raises(SystemExit) as ended:
        named_by_environment()
    assert ended.value.code == 78
    assert "MOTCUA_KAFKA__BOOTSTRAP_SERVERS: is not set" in capsys.readouterr().err
    monkeypatch.setenv("MOTCUA_KAFKA__BOOTSTRAP_SERVERS", "kafka:9092")
    assert named_by_environment() == Installation("db", 5432, "motcua", "kafka:9092", tmp_path)
