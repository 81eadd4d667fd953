"""Two processes run; one exports the domain figures, and the other takes over when it ends."""

from __future__ import annotations

from tests.integration.metrics.town import MetricsProcess, Town
from tests.waiting import until


async def exporters(town: Town) -> list[MetricsProcess]:
    return [process for process in town.processes if "motcua_dossiers_received_total" in await process.samples()]


async def test_one_process_exports_and_the_other_takes_over(town: Town) -> None:
    async def one() -> list[MetricsProcess]:
        return await exporters(town)

    holders = await until(one, "somebody exports")
    assert len(holders) == 1
    for process in town.processes:
        told = (await process.samples())["motcua_domain_figures_exported"][()]
        assert told == (1 if process in holders else 0)

    port = int(holders[0].url.rpartition(":")[2])
    town.processes.remove(holders[0])
    assert await holders[0].end() == 0
    successors = await until(one, "the other process exports")
    assert successors == town.processes

    town.processes.append(MetricsProcess(town.stack, port))
    await until(town.processes[-1].ready, "metrics is ready again")
    assert await exporters(town) == successors
