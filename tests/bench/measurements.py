"""Every measurement by name, in the order in which they are played."""

from __future__ import annotations

from collections.abc import Mapping

from tests.bench import accept, consume, dispatch, edge, latency, opening, path, reading, relay, year
from tests.bench.rounds import Measurement

MEASUREMENTS: Mapping[str, Measurement] = {
    measurement.name: measurement
    for measurement in (
        Measurement("accept", accept.begin),
        Measurement("consume", consume.begin),
        Measurement("opening", opening.begin),
        Measurement("relay", relay.begin),
        Measurement("latency", latency.begin),
        Measurement("edge", edge.begin),
        Measurement("reading", reading.begin),
        Measurement("dispatch", dispatch.begin, once=True),
        Measurement("path", path.begin),
        Measurement("year", year.begin, once=True),
    )
}
ONLY_WHEN_ASKED = {"year"}
