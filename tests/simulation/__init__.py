"""Deterministic simulation: the real core on a real PostgreSQL, one statement at a time, in an order that a seed chose.

chaos      what a seed strikes with, and how often
clocks     machine time goes on with every decision, legal time when the seed moves it
stepping   actors that stop before every statement, commit and message
broker     Kafka in memory: logs, producers that fail, groups that hand partitions over
town       what a seed plays with: rules, dossiers, their timers
ledger     what clients asked for and were answered
cast       the processes: relays, consumers, timers, desks, officers
scheduler  who takes the next step, who is killed, who waits for whose lock
store      one PostgreSQL, schemas that are emptied between seeds, and what they hold at the end
world      one seed from its first step to its verdict
judge      what must hold at the end; pure
planted    bugs put in on purpose, to see that they are found
"""
