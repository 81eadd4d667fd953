"""What the four services export, and a real Prometheus over them: five times alerts fire and resolve."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import httpx2
import pytest
from ruamel.yaml import YAML

from deploy.local.processes import Child, Launch
from deploy.local.services import SERVICES, SMS_SECRET
from deploy.local.sinks.conduct import Conduct
from deploy.local.stack import Stack
from shared.contracts.topics import LIFECYCLE
from tests.clients import plain_client
from tests.faults.outage import away
from tests.integration.intake.counter import Counter
from tests.integration.together.everywhere import Everywhere
from tests.tools import run, tool
from tests.unit.watching.alerts import PROMETHEUS, metrics_table
from tests.waiting import until

FASTER = 60
"""The minutes of the rules are seconds here; their thresholds stay, but for the lag that is waited for."""
RELAY_LAG = "(motcua_relay_lag_seconds) > "
SECONDS = {"m": 60, "h": 3600, "d": 86400}
SCRAPE_INTERVAL = "500ms"
FILINGS = 5


def faster(rules: str) -> str:
    def shorter(found: re.Match[str]) -> str:
        before, number, unit = found.groups()
        return f"{before}{int(number) * SECONDS[unit] // FASTER}s"

    lag = re.compile(rf"(?<={re.escape(RELAY_LAG)})\d+")
    return lag.sub(lambda found: str(int(found[0]) // FASTER), re.sub(r"(\[|for: )(\d+)([mhd])", shorter, rules))


def write_config(folder: Path, stack: Stack) -> Path:
    """What we ship, sixtyfold as fast and with the stack's ports for those of the containers."""
    (folder / "rules").mkdir()
    for path in (PROMETHEUS / "rules").glob("*.yml"):
        (folder / "rules" / path.name).write_text(faster(path.read_text("utf-8")))
    config = YAML(typ="safe").load((PROMETHEUS / "prometheus.yml").read_text("utf-8"))
    config["global"] = dict.fromkeys(config["global"], SCRAPE_INTERVAL)
    del config["alerting"]
    for scraped in config["scrape_configs"][0]["static_configs"]:
        scraped["targets"] = [f"127.0.0.1:{stack.ports.of(scraped['labels']['service'])}"]
    YAML(typ="safe").dump(config, folder / "prometheus.yml")
    return folder / "prometheus.yml"


@dataclass(frozen=True)
class Prometheus:
    """What is asked of Prometheus."""

    http: httpx2.AsyncClient

    async def ready(self) -> bool:
        try:
            return (await self.http.get("/-/ready")).status_code == HTTPStatus.OK
        except httpx2.TransportError:
            return False

    async def holds(self, expression: str) -> bool:
        answer = await self.http.get("/api/v1/query", params={"query": expression})
        return bool(answer.json()["data"]["result"])

    async def firing(self, name: str, **labels: str) -> set[str]:
        """The services for which the alert fires under these labels."""
        alerts = (await self.http.get("/api/v1/alerts")).json()["data"]["alerts"]
        wanted = {"alertname": name, **labels}.items()
        return {
            alert["labels"]["service"]
            for alert in alerts
            if alert["state"] == "firing" and wanted <= alert["labels"].items()
        }

    async def fires(self, name: str, *services: str, **labels: str) -> None:
        async def all_fire() -> bool:
            return await self.firing(name, **labels) >= set(services)

        await until(all_fire, f"{name} fires for {services}")

    async def resolves(self, name: str, **labels: str) -> None:
        async def none_fires() -> bool:
            return not await self.firing(name, **labels)

        await until(none_fires, f"{name} resolves")


@pytest.fixture(scope="module")
async def prometheus(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Prometheus]:
    folder = tmp_path_factory.mktemp("prometheus")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [
        *(str(tool("prometheus")), f"--config.file={write_config(folder, stack)}", f"--web.listen-address={address}"),
        *(f"--storage.tsdb.path={folder / 'data'}", "--log.level=warn"),
    ]
    log = folder / "prometheus.log"
    child = Child(Launch(command, {"PATH": os.environ["PATH"]}, log, folder))
    try:
        async with plain_client(base_url=f"http://{address}") as http:
            asked = Prometheus(http)
            await until(asked.ready, "Prometheus is ready")
            yield asked
    finally:
        await child.end(signal.SIGTERM, 10)
        shutil.rmtree(folder / "data", ignore_errors=True)


@pytest.mark.parametrize("service", SERVICES)
async def test_a_page_exports_what_the_table_says_and_promtool_finds_nothing_to_say(
    stack: Stack, everywhere: Everywhere, service: str
) -> None:
    promised = {metric.name: metric.type for metric in metrics_table() if service in metric.services}.items()

    async def page() -> str:
        return (await everywhere.http.get(f"{stack.urls[service]}/metrics")).text

    async def missing() -> set[tuple[str, str]]:
        return promised - dict(re.findall(r"^# TYPE (\w+) (\w+)$", await page(), re.MULTILINE)).items()

    async def complete() -> bool:
        # The domain's figures come with the exporter's lease and its first reading.
        return not await missing()

    await until(complete, f"{service} exports all that the table promises")
    run("promtool", "check", "metrics", given=await page())


async def test_the_broker_is_killed_and_comes_back(
    stack: Stack, counter: Counter, everywhere: Everywhere, prometheus: Prometheus
) -> None:
    async def all_scraped() -> bool:
        return await prometheus.holds('count(up{job="motcua"} == 1) == 4 and count(motcua_consumer_paused == 0) >= 4')

    async def both_fire() -> bool:
        lags = await prometheus.firing("RelayLags", topic=LIFECYCLE.name)
        return "intake" in lags and await prometheus.firing("ConsumerPaused", cause="kafka") >= set(SERVICES)

    await everywhere.rest()
    await until(all_scraped, "all four services are scraped")
    assert not await prometheus.firing("ConsumerPaused")
    async with away(stack, "kafka", signal.SIGKILL):
        assert (await counter.hand_in(await counter.filing())).status_code == HTTPStatus.CREATED
        await until(both_fire, "RelayLags and ConsumerPaused fire")
    await prometheus.resolves("RelayLags")
    await prometheus.resolves("ConsumerPaused")


async def test_the_sms_provider_refuses_and_takes_again(
    stack: Stack, counter: Counter, everywhere: Everywhere, prometheus: Prometheus
) -> None:
    async def order(conduct: Conduct, times: int) -> None:
        token = (stack.folder.secrets / SMS_SECRET).read_text("utf-8").strip()
        answer = await everywhere.http.post(
            f"http://127.0.0.1:{stack.ports.sms}/v1/conduct",
            json={"sink": "sms", "conduct": conduct, "times": times},
            headers={"Authorization": f"Bearer {token}"},
        )
        assert answer.status_code == HTTPStatus.OK, answer.text

    await order(Conduct.REFUSE, 10_000)
    try:
        for _ in range(FILINGS):
            assert (await counter.hand_in(await counter.filing())).status_code == HTTPStatus.CREATED
        await prometheus.fires("ProviderDown", "notification", channel="sms")
        assert not await prometheus.firing("ProviderDown", channel="email")
    finally:
        await order(Conduct.ACCEPT, 0)
    await prometheus.resolves("ProviderDown")


async def test_the_sms_gateway_is_gone_and_comes_back(stack: Stack, counter: Counter, prometheus: Prometheus) -> None:
    async def fires() -> bool:
        return bool(await prometheus.firing("ProviderDown", channel="sms"))

    async with away(stack, "sinks", signal.SIGKILL):
        for _ in range(FILINGS):
            assert (await counter.hand_in(await counter.filing())).status_code == HTTPStatus.CREATED
        await until(fires, "ProviderDown fires for sms")
    await prometheus.resolves("ProviderDown", channel="sms")


async def test_a_service_is_killed_and_comes_back(stack: Stack, prometheus: Prometheus) -> None:
    async def it_alone_fires() -> bool:
        return await prometheus.firing("ServiceDown") == {"metrics"}

    assert not await prometheus.firing("ServiceDown")
    async with away(stack, "metrics", signal.SIGKILL):
        await until(it_alone_fires, "ServiceDown fires")
    await prometheus.resolves("ServiceDown")
