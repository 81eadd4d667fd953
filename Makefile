# One command each; `make help` lists them. Everything installs itself into this folder first.
SHELL := /bin/sh
INSTALLED := .venv/installed
RIVAL_INSTALLED := .venv/installed-with-rival
REPLICAS := 1
# Some environments forbid it; a run starts hundreds of processes, which would compile the same modules each time.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test check docs simulate faults paths outage fuzz bench up down install tools deps-debian
.DEFAULT_GOAL := help

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name what; do printf '%-20s%s\n' "$$name" "$$what"; done

demo: $(INSTALLED) ## play the year 2020; ARGS="--exit --json --dossiers N --open M --late K --seed S --days D --chaos SEED"
	@.venv/bin/motcua demo $(ARGS)

up: $(INSTALLED) ## start everything in the background; REPLICAS=2, ARGS="--port-base 9000"
	@.venv/bin/motcua up --replicas $(REPLICAS) $(ARGS)

down: $(INSTALLED) ## end what `make up` started
	@.venv/bin/motcua down $(ARGS)

CHECKS := check-style check-types check-imports check-sql check-architecture
check: $(INSTALLED) ## the static checks, under a minute
	@$(MAKE) --no-print-directory -j 2 -O $(CHECKS)

.PHONY: $(CHECKS)
check-style:
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .

check-types:
	.venv/bin/mypy

check-imports:
	.venv/bin/lint-imports

check-sql:
	.venv/bin/squawk --config deploy/squawk.toml services/*/*migrations/*.sql shared/*/*migrations/*.sql

check-architecture:
	.venv/bin/pytest -q tests/architecture

docs: $(INSTALLED) ## docs/moves.md, from the tables of the code
	@.venv/bin/python -m tests.docs

test: check tools ## every check and every test, the full year among them; ARGS="tests/unit"
	.venv/bin/pytest -n 3 --dist loadscope --no-loadscope-reorder --durations 15 --durations-min 10 $(ARGS)

SEEDS ?= 1-300
simulate: $(INSTALLED) ## seeds of the deterministic simulation; SEEDS=1-20000 or ARGS="--seed 17 --trace"
	@.venv/bin/python -m tests.simulation --seeds $(SEEDS) $(ARGS)

faults: $(INSTALLED) tools ## every fault at full size on one stack, and docs/faults.md; ARGS="--rows 1,5,18 --seed N"
	@.venv/bin/python -m tests.faults $(ARGS)

RUNS ?= 200
SEED ?= 1
paths: $(INSTALLED) ## random paths of dossiers over HTTP, and docs/paths.md; RUNS=20 SEED=7 plays a part of them again
	@.venv/bin/python -m tests.paths --runs $(RUNS) --seed $(SEED) $(ARGS)

outage: $(INSTALLED) ## 600 s without Kafka, then without the database, under load; ARGS="--rate 100 --seconds 60"
	@.venv/bin/python -m tests.faults.outage $(ARGS)

fuzz: $(INSTALLED) ## asks every operation of every service 1,000 times; ARGS="--service intake --examples 100 --seed N --write-docs"
	@.venv/bin/python -m tests.fuzz $(ARGS)

bench: $(RIVAL_INSTALLED) tools ## how fast it is, beside floors and a rival, and build/bench.json; ARGS="--only accept relay --rounds 3 --seconds 5"
	@.venv/bin/python -m tests.bench $(ARGS)

install: $(INSTALLED) ## .venv and the locked jars; all other targets do it by themselves

$(INSTALLED): pyproject.toml uv.lock deploy/local/jgo.lock.toml deploy/local/java.py deploy/install.sh
	@deploy/install.sh

$(RIVAL_INSTALLED): $(INSTALLED)
	@deploy/install.sh --group bench
	@touch $@

tools: $(INSTALLED) ## Prometheus, promtool, amtool, wrk and libfaketime of Debian in var/tools, not installed; `make test` does it by itself
	@.venv/bin/python -m deploy.debian_tools

deps-debian: ## the same, and Chromium, installed for the whole machine, as root
	apt-get update
	apt-get install -y --no-install-recommends prometheus prometheus-alertmanager chromium wrk libfaketime
