"""What compose starts, as local processes from the built wheel: the same commands, environments and health checks.

Addresses, secret files and paths of the containers stand for those of this test; PostgreSQL and Kafka are the stack's.
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
import re
import shutil
import signal
import subprocess
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from deploy.local import jars, java
from deploy.local.folder import cache_folder
from deploy.local.ports import Ports
from deploy.local.processes import Child, Launch
from deploy.local.stack import Stack
from deploy.provision.database import SERVICES, SUPERUSER
from deploy.secret_files import ADMINISTRATOR, CONTAINER_SECRETS, login_name, password_name
from shared.contracts.topics import TOPICS
from tests.compose.reading import ROOT, read_compose, read_dockerfile, variables_of
from tests.integration.stack.conftest import PORT_BASE
from tests.ports import spare_port
from tests.waiting import until

LASTING = (*SERVICES, "sinks")
CONTAINERS = read_compose()["services"]


@dataclass(frozen=True)
class Image:
    """The image's virtual environment, in a folder that knows nothing of the checkout."""

    environment: Path

    @property
    def variables(self) -> dict[str, str]:
        inside = variables_of(read_dockerfile(), 1)
        path = inside["PATH"].replace("/opt/motcua", str(self.environment)).replace("$PATH", "/usr/bin:/bin")
        return inside | {"PATH": path, "PYTHONDONTWRITEBYTECODE": ""}


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """Follows the build stage of the Dockerfile, and throws away what it copied."""
    place = tmp_path_factory.mktemp("image")
    source, environment = place / "source", place / "opt"
    source.mkdir()
    uv = next((ROOT / "var" / "tools").glob("uv-*/bin/uv"))
    variables = (
        os.environ
        | variables_of(read_dockerfile(), 0)
        | {
            "UV_PROJECT_ENVIRONMENT": str(environment),
            "UV_PYTHON": sys.executable,
            "UV_COMPILE_BYTECODE": "0",  # what is imported is compiled then: a fraction of all that is installed
            "PATH": f"{uv.parent}:{os.environ['PATH']}",
        }
    )
    for name in ("VIRTUAL_ENV", "UV_LINK_MODE"):
        variables.pop(name, None)
    for one in read_dockerfile():
        if one.stage == 0 and one.name == "COPY":
            for word in one.words[:-1]:
                copy = shutil.copytree if (ROOT / word).is_dir() else shutil.copy
                copy(ROOT / word, source / word)
        elif one.stage == 0 and one.name == "RUN" and one.words[0] == "uv":
            made = subprocess.run(one.words, cwd=source, env=variables, capture_output=True, text=True, check=False)
            assert made.returncode == 0, made.stderr
    shutil.rmtree(source)
    return Image(environment)


@dataclass(frozen=True)
class Machine:
    """Where the containers' addresses and paths are on this machine."""

    image: Image
    folder: Path
    ports: Mapping[str, str]

    def here(self, word: str) -> str:
        """One word of a command, or one value of a variable, as it is on this machine."""
        word = re.sub(r"\b[a-z0-9.]+:(\d{4})\b", lambda found: f"127.0.0.1:{self.ports[found[1]]}", word)
        for inside, here in {"/run": "", "/made": "", "/var/lib/motcua": "data"}.items():
            word = re.sub(rf"^{inside}(?=/|$)", str(self.folder / here).rstrip("/"), word)
        return self.ports.get(word, word).replace("0.0.0.0", "127.0.0.1")  # noqa: S104 - here the loopback alone

    def variables(self, name: str) -> dict[str, str]:
        told = {key: self.here(str(value)) for key, value in CONTAINERS[name].get("environment", {}).items()}
        hosts = {key: "127.0.0.1" for key in told if key.endswith("__HOST")}
        return self.image.variables | told | hosts

    def command(self, name: str, *words: str) -> list[str]:
        container = CONTAINERS[name]
        return [self.here(word) for word in (*container.get("entrypoint", ()), *(words or container["command"]))]

    async def run(self, name: str, words: Sequence[str], variables: Mapping[str, str] | None = None) -> tuple[int, str]:
        """Run a command in the environment of a container; its exit code and all that it said."""
        variables = variables or self.variables(name)
        program = shutil.which(words[0], path=variables["PATH"]) or words[0]
        process = await asyncio.create_subprocess_exec(
            program, *words[1:], env=variables, cwd=self.folder, stdout=PIPE, stderr=STDOUT
        )
        said, _ = await process.communicate()
        return process.returncode or 0, said.decode()

    def start(self, name: str) -> Child:
        log = self.folder / f"{name}.log"
        return Child(Launch(self.command(name), self.variables(name), log=log, folder=self.folder))

    async def healthy(self, name: str) -> bool:
        """Whether the health check of the compose file passes."""
        kind, *words = CONTAINERS[name]["healthcheck"]["test"]
        assert kind == "CMD"
        return (await self.run(name, [self.here(word) for word in words]))[0] == 0


@pytest.fixture(scope="module")
async def machine(image: Image, stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """With the secrets that our command makes, but the passwords of this test's servers."""
    folder = tmp_path_factory.mktemp("containers")
    for name in ("secrets", "data"):
        (folder / name).mkdir()
    for name in (password_name(SUPERUSER), login_name(ADMINISTRATOR)):
        shutil.copy(stack.folder.secrets / name, folder / "secrets")
    beside = dataclasses.replace(stack.ports, sms=spare_port(PORT_BASE, 3), mail=spare_port(PORT_BASE, 4))
    inside = dataclasses.asdict(Ports.from_base()) | {"postgres": 5432, "kafka": 9092}
    made = Machine(image, folder, {str(port): str(beside.of(name)) for name, port in inside.items()})
    code, said = await made.run("secrets", made.command("secrets"))
    assert code == 0, said
    assert {*said.split(), password_name(SUPERUSER), login_name(ADMINISTRATOR)} == set(CONTAINER_SECRETS)
    return made


@pytest.fixture(scope="module")
async def provisioned(machine: Machine) -> str:
    """The one-shot container; what it said."""
    code, said = await machine.run("provision", machine.command("provision"))
    assert code == 0, said
    return said


@pytest.fixture(scope="module")
async def running(machine: Machine, provisioned: str) -> AsyncIterator[Mapping[str, Child]]:
    """Every container of ours that goes on, until each has passed its health check."""
    children = {name: machine.start(name) for name in LASTING}

    async def healthy(name: str) -> bool:
        assert children[name].identity.alive, (machine.folder / f"{name}.log").read_text("utf-8")
        return await machine.healthy(name)

    try:
        for name in LASTING:
            await until(partial(healthy, name), f"{name} is healthy")
        yield children
    finally:
        await asyncio.gather(*(child.end(signal.SIGTERM, 40) for child in children.values()))


async def test_before_the_start_no_health_check_passes(machine: Machine) -> None:
    assert [name for name in LASTING if await machine.healthy(name)] == []


async def test_provision_makes_everything_from_the_wheel_and_ends(machine: Machine, provisioned: str) -> None:
    for made in (*(topic.name for topic in TOPICS), *SERVICES, "keyring: ", "catalogue-1"):
        assert made in provisioned
    assert "nothing new" in (await machine.run("provision", machine.command("provision")))[1]


async def test_a_variable_that_was_renamed_stops_the_start(machine: Machine) -> None:
    variables = machine.variables("metrics")
    variables["MOTCUA_DATABASE__SERVER"] = variables.pop("MOTCUA_DATABASE__HOST")
    code, said = await machine.run("metrics", machine.command("metrics"), variables)
    assert code == 78
    assert "MOTCUA_DATABASE__HOST: is not set" in said


async def test_each_container_passes_its_health_check(machine: Machine, running: Mapping[str, Child]) -> None:
    assert [name for name in LASTING if not await machine.healthy(name)] == []
    assert [name for name, child in running.items() if not child.identity.alive] == []


async def test_nothing_comes_from_the_checkout(machine: Machine) -> None:
    packages = "deploy, services, shared"
    asked = f"import sys, {packages}; print(*(package.__file__ for package in ({packages})), *sys.path)"
    code, said = await machine.run("intake", ["python", "-c", asked])
    assert code == 0, said
    assert said.count(f"{machine.image.environment}/") >= 4
    assert str(ROOT) not in said


async def test_an_operator_finds_servers_and_keys_from_a_container(
    machine: Machine, running: Mapping[str, Child]
) -> None:
    code, said = await machine.run("operator", machine.command("operator", "parked", "list", "--json"))
    assert (code, said.strip()) == (0, "[]")
    code, said = await machine.run("operator", machine.command("operator", "token", "--role", "operator"))
    assert (code, said.count(".")) == (0, 2)


def test_the_brokers_container_makes_its_administrator_with_the_storage_and_keeps_both(tmp_path: Path) -> None:
    """Its own command on the embedded stack's Java and jars; the image's start, which follows, is not at hand."""
    class_path = jars.class_path(cache_folder())
    program, *_ = java.command(class_path)
    secret = tmp_path / login_name(ADMINISTRATOR)
    secret.write_text("a-password-of-its-own", "ascii")
    shell, option, script = CONTAINERS["kafka"]["command"]
    places = {
        "/run/secrets/": f"{tmp_path}/",
        "/tmp/": f"{tmp_path}/",  # noqa: S108 - the container's own
        "/var/lib/kafka/data": str(tmp_path / "data"),
        "/opt/kafka/libs/*": class_path,
        "exec /etc/kafka/docker/run": "",
    }
    assert all(place in script for place in places)
    script = re.sub("|".join(map(re.escape, places)), lambda found: places[found[0]], script)
    variables = {
        "PATH": f"{Path(program).parent}:/usr/bin:/bin",
        "CLUSTER_ID": CONTAINERS["kafka"]["environment"]["CLUSTER_ID"],
    }
    made = []
    for _ in range(2):
        ran = subprocess.run([shell, option, script], env=variables, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        made.append((tmp_path / "data" / "bootstrap.checkpoint").read_bytes())
    assert ADMINISTRATOR.encode() in made[0]
    assert secret.read_bytes() not in made[0]
    assert made[0] == made[1]
    telling = [path.name for path in tmp_path.iterdir() if path.is_file() and secret.read_bytes() in path.read_bytes()]
    assert set(telling) == {"administrator.properties", secret.name}
    assert (tmp_path / "administrator.properties").stat().st_mode & 0o077 == 0
