# Two commands do all set-up on a fresh machine: `make demo` and `make test`.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Images of containers forbid Python to keep what it has compiled: each of a hundred processes would compile it anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help

help:  ## Show what can be made.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | sort | awk -F'\t' '{printf "make %-10s %s\n", $$1, $$2}'

$(VENV)/.ready: requirements/dev.lock pyproject.toml tools/setup.sh
	@PYTHON="$(PYTHON)" VENV="$(VENV)" bash tools/setup.sh python
	@touch $@

setup: $(VENV)/.ready

# What the whole suite needs beside Python: real servers, a real browser, a PDF reader.
PACKAGES := redis-server chromium fonts-noto-core poppler-utils postgresql-15
# What the same tests take less processor time with, and do without where it cannot be had.
QUICKER := chromium-headless-shell
HOST ?= 127.0.0.1
PORT ?= 8000

demo: setup  ## Show the whole service with sample data on a local port.
	@AUTHSVC_HOME="$${AUTHSVC_HOME:-var/demo}" exec $(BIN)/authsvc demo --host $(HOST) --port $(PORT)

# Each of several processes starts servers and a browser of its own; a file that is slow is shared out between them.
WORKERS ?= 2
SPREAD := -n $(WORKERS) --dist worksteal

OLDER = AUTHSVC_TEST_SERVER=debian $(BIN)/pytest -q $(SPREAD) -m "not browser and not same_on_any_server"

test: setup packages  ## Run everything: real PostgreSQL 18 and 15, Redis, Chromium.
	@$(BIN)/pytest $(SPREAD)
	@printf 'Now the database tests on PostgreSQL 15 of Debian.\n'
	@$(OLDER) tests/test_*.py tests/web/own

test-15: setup packages  ## Run everything that asks a database on PostgreSQL 15 of Debian, as before a release.
	@$(OLDER) --ignore=tests/core

packages:
	@bash tools/setup.sh debian $(PACKAGES)
	@bash tools/setup.sh debian $(QUICKER) 2>/dev/null || printf 'Going on without $(QUICKER).\n'

check: setup  ## Check format, lint, types and import contracts.
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: setup  ## Measure, as ratios in one run; prints a table and writes benchmarks/results.json.
	@bash tools/setup.sh debian wrk
	@$(BIN)/python -m benchmarks

fuzz: setup  ## Throw hostile input at the service: 10,000 examples a test.
	@FUZZ_EXAMPLES=10000 $(BIN)/pytest -q --timeout=3600 -k "fuzz or hostile"

fuzz-api: setup  ## Throw requests at the API for ten minutes: what fits its description, and what does not.
	@$(BIN)/python -m tools.fuzz_api

soak: setup packages  ## Kill servers, workers and databases under load: count what was acknowledged, sent and handed over.
	@$(BIN)/python -m tools.soak
	@$(BIN)/python -m tools.soak_webhooks
	@$(BIN)/python -m tools.soak_transfers

soak-console: setup  ## Fill a database with 10,000,000 scans and 1,000,000 alerts and time every page of the console.
	@$(BIN)/python -m tools.soak_console

lighthouse: setup  ## Let Lighthouse judge the pages of the demo: 95 is the bar (needs npm and Chromium).
	@$(BIN)/python -m tools.lighthouse

lock:  ## Resolve pyproject.toml anew into requirements/*.lock (hashes, no addresses).
	@bash tools/lock.sh

vendor: setup  ## Bring in the files of others anew, as frontend/package-lock.json has them. Needs npm.
	@$(BIN)/python -m tools.vendor

messages: setup  ## Bring the catalogues of the languages up to date with the texts of the code.
	@$(BIN)/python -m tools.messages

format: setup  ## Format the code.
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

.PHONY: help setup packages demo test test-15 check bench fuzz fuzz-api soak soak-console lighthouse lock vendor messages format
