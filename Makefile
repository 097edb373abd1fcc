# Two commands: `make demo` shows everything, `make test` proves it. Both set up what they need.
.DEFAULT_GOAL := help
SHELL := /bin/bash
export PIP_DISABLE_PIP_VERSION_CHECK := 1
PYTHON ?= python3
BIN := .venv/bin

.PHONY: guide help setup demo test lint types imports i18n bench clean

help: ## list the commands
	@grep -E '^[a-z0-9]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

setup: .venv/.ready ## make .venv, with the locked dependencies and `renfort` in it

.venv/.ready: requirements.lock pyproject.toml tools/debian.sh
	tools/debian.sh python
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

demo: setup ## show everything on a real town, with simulators
	$(BIN)/renfort demo

test: setup ## lint, types, import rules, catalogue, every test with branch coverage
	tools/debian.sh tests
	$(MAKE) --no-print-directory lint types imports
	$(BIN)/python tools/catalogue.py --check
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest
	$(BIN)/coverage report

lint: ## style, by ruff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: ## types, by mypy
	$(BIN)/mypy

imports: ## who may import whom
	$(BIN)/lint-imports --no-cache

i18n: setup ## extract the sentences and compile the catalogues
	$(BIN)/python tools/catalogue.py

lock: ## renew requirements.lock from pyproject.toml (needs uv)
	uv pip compile pyproject.toml --group dev --extra demo --extra postgis --extra s3 --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-header --output-file requirements.lock

bench: setup ## print every figure the project quotes
	tools/debian.sh tests
	tools/debian.sh bench
	$(BIN)/python -m benchmarks.situate
	$(BIN)/python -m benchmarks.peers
	$(BIN)/python -m benchmarks.growth --svg docs/images/growth.svg
	$(BIN)/python -m benchmarks.coverage
	$(BIN)/python -m benchmarks.crews --by mqtt
	$(BIN)/python -m benchmarks.crews --by geo-pos
	$(BIN)/python -m benchmarks.inventory
	$(BIN)/python -m benchmarks.press
	$(BIN)/python -m benchmarks.page
	$(BIN)/python -m benchmarks.hypervisor
	$(BIN)/python -m benchmarks.wall
	$(BIN)/python -m benchmarks.live
	$(BIN)/python -m benchmarks.live_ways
	$(BIN)/python -m benchmarks.live_soak
	$(BIN)/python benchmarks/crash.py

guide: setup ## take the pictures of the operator's guide, and write the key card
	tools/debian.sh tests
	$(BIN)/python tools/screenshot.py
	$(BIN)/python tools/keycard.py

clean: ## remove what was made
	rm -rf .venv .mypy_cache .ruff_cache .coverage dist
