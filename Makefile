# Counterfoil's development commands. `make` alone lists them.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
# Tests share the machine with whoever else is working on it: two workers, not one per core.
WORKERS ?= 2
# The environment of the person who calls make (other indexes, other configuration files) is kept out.
UV := UV_NO_CONFIG=1 UV_SYSTEM_CERTS=1 $(BIN)/uv --quiet
INSTALL := $(UV) pip install --python $(BIN)/python --require-hashes

.PHONY: help
help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# The three stamps: an environment that can install, one that can run, one that can test.

$(VENV)/.build: requirements/build.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Counterfoil needs Python 3.11 or newer: make PYTHON=python3.12 …" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip --quiet --disable-pip-version-check install --require-hashes -r $<
	@touch $@

$(VENV)/.runtime: $(VENV)/.build requirements/runtime.txt pyproject.toml
	@$(INSTALL) -r requirements/runtime.txt
	@$(UV) pip install --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements/dev.txt
	@$(INSTALL) -r requirements/dev.txt
	@touch $@

.PHONY: setup
setup: $(VENV)/.dev ## everything on a fresh machine: environment from hashed requirements

.PHONY: demo
demo: $(VENV)/.runtime ## a seeded lender with progress bars, then its addresses
	@$(BIN)/counterfoil demo $(ARGS)
