#!/usr/bin/env bash
# Resolve pyproject.toml into requirements/{run,dev}.lock: exact versions with hashes and no download addresses.
set -euo pipefail
cd "$(dirname "$0")/.."
compile() { uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' "$@"; }
compile pyproject.toml --extra embedded --output-file requirements/run.lock
compile pyproject.toml --extra embedded --group dev --output-file requirements/dev.lock
