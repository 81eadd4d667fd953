"""The table of faults: what is struck, how, which invariants it aims at. All eight are judged after each."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tests.faults.strikes import (
    at_broker,
    at_clocks,
    at_consumers,
    at_database,
    at_facts,
    at_intake,
    at_timers,
    in_disorder,
    on_the_way,
    outside,
)
from tests.faults.town import FULL, SHORT, Size, Strike

LOAD_ONLY = replace(SHORT, filings=3, acts=1)


@dataclass(frozen=True)
class Row:
    """One fault and what it excuses.

    `may_double`: a message may come twice, for a sink withheld its answer or its sender was killed. `may_lose`: one
    that may not come twice may stay away, for its sender or the database went between its record and the call.
    """

    number: int
    fault: str
    strike: Strike
    aims_at: str
    may_double: bool = False
    may_lose: bool = False
    short: Size = LOAD_ONLY
    whole: Size = FULL

    def size(self, *, full: bool) -> Size:
        return self.whole if full else self.short


@dataclass(frozen=True)
class NotInjected:
    """A fault that one machine cannot inject, or only in part, and why."""

    number: int
    fault: str
    why: str


FEW = replace(FULL, times=3)
HALF_A_MINUTE, A_MINUTE = replace(FULL, hold=30.0), replace(FULL, hold=60.0)

ROWS: tuple[Row, ...] = (
    Row(1, "intake killed under load", at_intake.killed, "I1 I2", short=SHORT),
    Row(2, "intake: client gone behind its request", at_intake.client_gone, "I1"),
    Row(3, "intake: one key 50 times at once", at_intake.twins, "I1"),
    Row(4, "intake: connections that trickle", at_intake.slowloris, "I7"),
    Row(5, "intake: 100 MB, endless chunks, deep JSON", at_intake.oversized, "I8"),
    Row(6, "PostgreSQL stopped immediately, restarted", at_database.restarted, "I1 I2 I3 I7", may_lose=True),
    Row(7, "PostgreSQL stands still", at_database.stood_still, "I1 I7", may_lose=True, whole=HALF_A_MINUTE),
    Row(8, "PostgreSQL: too few connections", at_database.too_few_connections, "I7", may_lose=True),
    Row(9, "PostgreSQL: disk full", at_database.disk_full, "I1 I7", may_lose=True),
    Row(10, "PostgreSQL: lock held on one dossier", at_database.one_dossier_locked, "I3", whole=A_MINUTE),
    Row(11, "PostgreSQL: transaction idle for long", at_database.idle_transaction, "I2"),
    Row(12, "PostgreSQL: deadlock", at_database.deadlock, "I3"),
    Row(13, "COMMIT sent, its answer lost", at_database.commit_answer_lost, "I1", may_lose=True),
    Row(14, "relay killed between acknowledgement and delete", at_facts.relay_killed, "I3"),
    Row(15, "two relays, one frozen past its lease", in_disorder.relay_frozen, "I3"),
    Row(16, "16 writers commit out of order", at_facts.late_commits, "I2"),
    Row(17, "a fact that no broker takes", at_facts.unpublishable, "I2 I3"),
    Row(18, "Kafka killed, restarted", at_broker.killed, "I2 I3 I7", whole=FEW),
    Row(19, "Kafka away", at_broker.away, "I1 I2"),
    Row(20, "Kafka stands still", at_broker.stood_still, "I2", whole=A_MINUTE),
    Row(21, "Kafka: disk full", at_broker.disk_full, "I2"),
    Row(22, "network: slow, stalled, reset, half-open, a black hole", on_the_way.far_away, "I2 I3", may_lose=True),
    Row(23, "topic lost and refilled", at_broker.topic_lost, "I2 I3 I6"),
    Row(24, "consumer killed inside a batch", at_consumers.killed, "I3 I6", whole=replace(FULL, times=100)),
    Row(25, "consumer frozen past its session", at_consumers.stood_still, "I3"),
    Row(26, "group that never rests", at_consumers.storm, "I3"),
    Row(27, "slow handler", at_consumers.slow, "I3 I7"),
    Row(28, "poison in mid-stream, replayed", at_facts.poison, "I3"),
    Row(29, "facts again and in another order", in_disorder.sent_again, "I3 I6"),
    Row(30, "gateways misbehave by a plan", outside.gateways, "I5", may_double=True, whole=FEW),
    Row(31, "notification killed between call and record", outside.sender_killed, "I5", may_lose=True, may_double=True),
    Row(32, "legal clock leaps and goes back", at_clocks.clock_jumps, "I4"),
    Row(33, "all timers due at once", outside.all_due, "I3 I4 I7", whole=replace(FULL, filings=4000, acts=0)),
    Row(34, "metrics wiped, read from the beginning", outside.figures_lost, "I6"),
    Row(35, "intake without file descriptors", at_intake.out_of_files, "I7 I8"),
    Row(36, "release N to N+1 with a new field, and back", at_consumers.next_release_and_back, "I3 I4"),
    Row(38, "timers of one minute, of three processes one killed and one frozen", at_timers.same_minute, "I3 I4 I7"),
    Row(39, "machines' clocks an hour apart, one jumps", at_clocks.machines_apart, "I4 I5"),
)

NOT_INJECTED: tuple[NotInjected, ...] = (
    NotInjected(
        12,
        "serialization failures",
        "every transaction that writes is READ COMMITTED, which has none; a report's snapshot only reads",
    ),
    NotInjected(
        19,
        "ten minutes without Kafka while desks file at a rate",
        "here Kafka is away for so long, and desks file as their officers let them; `make outage` files 300 a second"
        " (`docs/delivery-guarantees.md`)",
    ),
    NotInjected(
        22,
        "a bound on the slowest answers over a bad network",
        "no test asserts a time on a machine that is shared; here every request must be answered, and what was"
        " acknowledged be there. The bounds of single waits are settings (`docs/delivery-guarantees.md`)",
    ),
    NotInjected(
        27,
        "a poll whose work outlasts the consumer's poll interval of five minutes",
        "a transaction ends after 15 s and the search for poison begins no try after half of the interval, so here it"
        " would last minutes and strike nothing; tests/integration/messaging/test_slow_handlers.py plays it, and a"
        " member that leaves, with an interval of seconds",
    ),
    NotInjected(
        39,
        "PostgreSQL's own clock jumps ahead",
        "the one clock that leases go by; moving that of the whole machine would hit everything else on it."
        " `docs/delivery-guarantees.md` says what a jump by more than a lease could do",
    ),
    NotInjected(32, "daylight saving", "the office's zone has none; machine time is UTC everywhere"),
    NotInjected(
        35,
        "the kernel's out-of-memory kill",
        "it is SIGKILL, which faults 1, 24 and 31 send; a memory limit for one process needs a cgroup that not every"
        " machine grants",
    ),
    NotInjected(
        37,
        "PostgreSQL restored from a backup five minutes old",
        "it needs continuous archiving, which the embedded server has not; what was acknowledged after the backup is"
        " lost by definition, so no invariant could hold",
    ),
)
