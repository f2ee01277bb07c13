# Two commands do all set-up on a fresh machine: `make demo` and `make test`.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := help

help:  ## Show what can be made.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | sort | awk -F'\t' '{printf "make %-10s %s\n", $$1, $$2}'

$(VENV)/.ready: requirements/dev.lock pyproject.toml tools/setup.sh
	@PYTHON="$(PYTHON)" VENV="$(VENV)" bash tools/setup.sh python
	@touch $@

setup: $(VENV)/.ready

lock:  ## Resolve pyproject.toml anew into requirements/*.lock (hashes, no addresses).
	@bash tools/lock.sh

format: setup  ## Format the code.
	@ruff format . && ruff check --fix .

.PHONY: help setup lock format
