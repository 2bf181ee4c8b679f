# `make` alone lists the targets. Everything happens in .venv, which `make setup` builds from the lock file; another
# interpreter (`make test PYTHON=python3.13`) gets an environment of its own beside it, such as .venv-3.13.0.

ifdef PYTHON
VERSION := $(shell '$(PYTHON)' -c 'import platform; print(platform.python_version())' 2>/dev/null)
VENV := .venv-$(or $(VERSION),unknown)
else
PYTHON := $(shell command -v python3.11 || command -v python3)
VENV := .venv
endif
OLDEST := 3.11
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SOURCES := plugin/teleport_okta tests proto/generate.py deploy
DIR ?=
MUTANT ?=
HISTORIES ?= 10000
# Processes that share the tests: one a core, up to eight. WORKERS=0 runs them in one.
WORKERS ?= auto
PYTEST := $(BIN)/pytest -n $(WORKERS) --maxprocesses 8 --dist loadgroup
COMPILE := $(BIN)/uv pip compile --universal --generate-hashes --no-header --no-emit-index-url --quiet --upgrade

# Runs in Pythons of any age.
define CHECK_AGE
import sys
oldest = tuple(int(part) for part in sys.argv[2].split("."))
if sys.version_info[:2] < oldest:
    sys.stdout.write("setup: %s is Python %d.%d.%d, and %s is the oldest that will do: name another: make setup PYTHON=python3.12\n" % ((sys.argv[1],) + tuple(sys.version_info[:3]) + (sys.argv[2],)))
    sys.exit(3)
endef
export CHECK_AGE

# Tests start many processes and rewrite every assertion: without compiled files each process compiles all of it anew,
# which takes an eighth of the time of `make test`.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup environment demo test quick proxy sweeps crash mutants check format proto lock bench recordings soak-props clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-11s %s\n", $$1, $$2}'

setup: $(READY) ## build .venv from the lock file, teleport-okta included

$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "setup: no python3 found: install Python $(OLDEST) or later"; exit 2; }
	@'$(PYTHON)' -c "$$CHECK_AGE" "$(PYTHON)" "$(OLDEST)" || { code=$$?; test $$code -eq 3 || \
		echo "setup: $(PYTHON) cannot be run: name a Python $(OLDEST) or later: make setup PYTHON=python3.12"; exit 2; }
	@echo "setup: building $(VENV) with $(PYTHON), from requirements.lock"
	@'$(PYTHON)' -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.lock
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $(READY)
	@echo "setup: done; $$($(BIN)/teleport-okta version)"

environment: ## print where `make setup` builds
	@echo $(VENV)

demo: setup ## run the main job on the sandboxes, and tell it as a story
	@$(BIN)/teleport-okta demo --once

test: setup ## all tests except the benchmarks, on every core; sweeps and histories as samples
	@echo "test: unit, property, contract, crash and end-to-end tests, on loopback only"
	@$(PYTEST) tests --ignore=tests/bench

quick: setup ## unit and property tests of the product, in under a minute
	@HISTORIES=40 SYNC_EXAMPLES=4 $(PYTEST) tests/property tests/unit -q --ignore-glob="tests/unit/sandbox_*"

proxy: setup ## tests of the ways through a proxy, in which versions of Python differ most
	@$(PYTEST) -q tests/unit/teleport/test_teleport_forwarder.py tests/unit/teleport/test_teleport_upgrade.py \
		tests/contract/teleport/test_contract_proxy.py tests/unit/sandbox_teleport/test_sandbox_teleport_proxy.py

sweeps: setup ## larger samples of kills, faults and random histories than `make test` has; some three minutes
	@CRASH_CUTS=40 CRASH_FOLLOWER=2 CRASH_TROUBLES=2 FAULT_SWEEP=third SECRETS_SWEEP=2 HISTORIES=400 SYNC_EXAMPLES=25 \
		$(PYTEST) -q tests/crash tests/property tests/contract/sync/test_fault_sweep.py tests/contract/sync/test_secrets_canary.py

crash: setup ## the crash sweeps whole: a process is killed at every write and answer, and meets every trouble; takes long
	@CRASH_CUTS=each CRASH_FOLLOWER=each CRASH_SCIM=each CRASH_SCIM_GROUPS=each CRASH_TROUBLES=each $(BIN)/pytest tests/crash -n0 -q

mutants: setup ## put known faults into a copy of the tree, and see that tests find each; MUTANT="…" takes some by name
	@PYTHONPATH=tests $(BIN)/python -m mutants $(if $(MUTANT),"$(MUTANT)")

check: setup ## format, lint, types, layers, Dockerfile, locks, citations and links, and gen/ is what proto/ generates
	@echo "check: format" && $(BIN)/ruff format --check $(SOURCES)
	@echo "check: lint" && $(BIN)/ruff check $(SOURCES)
	@echo "check: types" && $(BIN)/mypy plugin/teleport_okta
	@echo "check: layers" && PYTHONPATH=plugin:gen $(BIN)/lint-imports
	@echo "check: Dockerfile" && $(BIN)/hadolint --failure-threshold style Dockerfile
	@echo "check: locks" && $(BIN)/pytest tests/image/test_image_locks.py -q
	@echo "check: citations and links" && $(BIN)/python tests/docs/citations.py
	@echo "check: generated code" && $(BIN)/python proto/generate.py --check

format: setup ## format and fix what can be fixed
	@$(BIN)/ruff format $(SOURCES)
	@$(BIN)/ruff check --fix $(SOURCES)

proto: setup ## regenerate gen/ from proto/
	@$(BIN)/python proto/generate.py

lock: setup ## resolve the dependencies anew: for development, and the image's two parts of that
	@$(COMPILE) pyproject.toml --group dev --output-file requirements.lock
	@$(COMPILE) pyproject.toml --constraint requirements.lock --output-file requirements-runtime.lock
	@$(COMPILE) --group build --constraint requirements.lock --output-file requirements-build.lock

bench: setup ## measure: calls of both systems, leavers first, single keys, memory, planning, changes a second, changes between passes, SCIM requests, large lists, records, ways in
	@$(BIN)/python -m tests.bench

soak-props: setup ## at least 10,000 random histories with faults and crashes; takes a while
	@HISTORIES=$(HISTORIES) $(BIN)/pytest tests/property/test_property_faults.py -q -s

recordings: setup ## parse recorded Okta answers, log events and genuine identity files: make recordings DIR=…
	@test -n "$(DIR)" || { echo "recordings: say where: make recordings DIR=/path/to/a/folder"; exit 2; }
	@$(BIN)/python tests/recordings/check.py "$(DIR)"

clean: ## remove every .venv and every cache
	@rm -rf .venv .venv-* dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
