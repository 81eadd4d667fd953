"""How facts travel: journal and unsent queue, relay, envelope, consumer with cursors, parking.

    one transaction: rows + journal + unsent → relay → Kafka, keyed by the subject
    Kafka → batch → one transaction: cursors + rows + journal + unsent → Kafka's offsets

A service uses `Journal.append` inside its own transactions, runs one `Relay` and one `Consumer` beside its API, and
reads rule versions from a `RuleStore`. Everything else here serves these four.
"""
