from __future__ import annotations

import json
from pathlib import Path

import pytest
from joserfc.jwk import ECKey

from shared.settings import CONFIGURATION_ERROR, Profile, ServiceSettings, load_settings
from shared.tokens import new_development_keys


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    key = ECKey.generate_key("P-256", {"kid": "idp"}).as_dict(private=False)
    (tmp_path / "jwks").write_text(json.dumps({"keys": [key]}))
    (tmp_path / "password").write_text("secret\n")
    (tmp_path / "kafka-password").write_text("secret\n")
    values = {
        "MOTCUA_DATABASE__HOST": "db",
        "MOTCUA_DATABASE__USER": "intake",
        "MOTCUA_DATABASE__PASSWORD_FILE": str(tmp_path / "password"),
        "MOTCUA_KAFKA__BOOTSTRAP_SERVERS": "kafka:9092",
        "MOTCUA_KAFKA__USER": "intake",
        "MOTCUA_KAFKA__PASSWORD_FILE": str(tmp_path / "kafka-password"),
        "MOTCUA_HTTP__PORT": "8001",
        "MOTCUA_TOKENS__JWKS_FILE": str(tmp_path / "jwks"),
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return values


def problems(capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        load_settings(ServiceSettings)
    assert ended.value.code == CONFIGURATION_ERROR == 78
    return capsys.readouterr().err


def test_settings_come_from_the_environment_and_production_is_the_default(environment: dict[str, str]) -> None:
    settings = load_settings(ServiceSettings)
    assert settings.profile is Profile.PRODUCTION
    assert (settings.database.host, settings.database.port, settings.database.name) == ("db", 5432, "motcua")
    assert settings.http.host == "127.0.0.1"
    assert settings.clock.scenario_file is None


def test_every_problem_is_named_at_once(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.delenv("MOTCUA_DATABASE__HOST")
    monkeypatch.delenv("MOTCUA_KAFKA__BOOTSTRAP_SERVERS")
    monkeypatch.setenv("MOTCUA_DATABASE__PASSWORD_FILE", str(tmp_path / "nowhere"))
    monkeypatch.setenv("MOTCUA_HTTP__PORT", "seventy")
    monkeypatch.setenv("MOTCUA_TOKENS__JWKS_FILE", environment["MOTCUA_DATABASE__PASSWORD_FILE"])
    monkeypatch.setenv("MOTCUA_PROFILE", "holiday")
    told = problems(capsys)
    assert "6 problem(s)" in told
    for name in ("DATABASE__HOST: is not set", "KAFKA__BOOTSTRAP_SERVERS: is not set", "PROFILE: "):
        assert f"MOTCUA_{name}" in told
    assert "MOTCUA_DATABASE__PASSWORD_FILE: Value error, the file cannot be read" in told
    assert "MOTCUA_HTTP__PORT" in told
    assert "MOTCUA_TOKENS__JWKS_FILE: Value error, the file holds no JWK set" in told
    assert "seventy" not in told


def test_nothing_set_names_every_variable(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    told = problems(capsys)
    for name in ("DATABASE__HOST", "DATABASE__USER", "DATABASE__PASSWORD_FILE", "HTTP__PORT", "TOKENS__JWKS_FILE"):
        assert f"MOTCUA_{name}: is not set" in told


def test_an_empty_secret_is_no_secret(
    environment: dict[str, str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "password").write_text(" \n")
    assert "MOTCUA_DATABASE__PASSWORD_FILE: Value error, the file is empty" in problems(capsys)


def test_production_refuses_a_scenario_clock_and_shared_secret_keys(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "jwks").write_text(new_development_keys())
    monkeypatch.setenv("MOTCUA_CLOCK__SCENARIO_FILE", str(tmp_path / "clock"))
    told = problems(capsys)
    assert "MOTCUA_CLOCK__SCENARIO_FILE: a production profile runs on the system's clock" in told
    assert "MOTCUA_TOKENS__JWKS_FILE: a production profile refuses keys that can sign: ['development']" in told
    monkeypatch.setenv("MOTCUA_PROFILE", "development")
    assert load_settings(ServiceSettings).clock.scenario_file == tmp_path / "clock"


def test_production_refuses_a_kafka_without_a_login(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert load_settings(ServiceSettings).kafka.user == "intake"
    monkeypatch.delenv("MOTCUA_KAFKA__PASSWORD_FILE")
    assert "MOTCUA_KAFKA: Value error, user and password_file go together" in problems(capsys)
    monkeypatch.delenv("MOTCUA_KAFKA__USER")
    assert "MOTCUA_KAFKA__USER: a production profile logs in to Kafka" in problems(capsys)
    monkeypatch.setenv("MOTCUA_PROFILE", "development")
    assert load_settings(ServiceSettings).kafka.user is None


def test_an_empty_login_to_kafka_is_none(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("MOTCUA_KAFKA__USER", "")
    (tmp_path / "kafka-password").write_text(" ")
    told = problems(capsys)
    assert "MOTCUA_KAFKA__USER: " in told
    assert "MOTCUA_KAFKA__PASSWORD_FILE: Value error, the file is empty" in told
