# Keyoff's commands; `make` alone lists them. Each sets up what it needs, in .venv beside this file.
# Python 3.11 to 3.13: another than python3 is named with `make check PYTHON=python3.12`.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
UV := uv==0.13.9

export PYTHON PREFIX DESTDIR PURGE VCAN

.DEFAULT_GOAL := help
.PHONY: help venv demo check lint types imports test bench lock python install uninstall clean

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 20

# -- try it, check it ------------------------------------------------------------------------------

demo: .venv/keyoff ## a simulated week of a household, through the real daemon to a real broker
	@$(BIN)/python -m hil.demo

check: lint types imports test ## everything that CI runs

lint: .venv/keyoff ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/keyoff ## mypy --strict
	$(BIN)/mypy --strict

imports: .venv/keyoff ## import-linter: the pure half stays pure
	$(BIN)/lint-imports

test: .venv/keyoff ## pytest
	$(BIN)/python -m pytest

bench: .venv/keyoff ## every figure, against its target
	@$(BIN)/python -m hil.bench

# -- its own environment ---------------------------------------------------------------------------

venv: .venv/keyoff ## the environment for all of the above, in .venv

.venv/keyoff: .venv/packages pyproject.toml
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

.venv/packages: requirements-dev.lock
	@$(MAKE) --no-print-directory python
	@echo "Setting up .venv from $< (once; a minute or two)"
	@$(PYTHON) -m venv --clear .venv
	@$(PIP) install --require-hashes --requirement $<
	@touch $@

python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || { \
	  echo "Keyoff needs Python 3.11, 3.12 or 3.13, and $(PYTHON) is none: sudo apt-get install python3, or name one with PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "$(PYTHON) cannot make virtual environments: sudo apt-get install python3-venv" >&2; exit 1; }

# requirements.lock is what a unit gets, -build what its wheel is built with, -dev both and the tools. Pins stay as
# they are where they still fit; `make lock UPGRADE=--upgrade` takes the newest of everything.
COMPILE = @.venv-lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --no-annotate --custom-compile-command 'make lock' $(UPGRADE)

lock: ## the lock files anew, from pyproject.toml
	@$(MAKE) --no-print-directory python
	@$(PYTHON) -m venv .venv-lock
	@.venv-lock/bin/pip --disable-pip-version-check -qq install '$(UV)'
	@.venv-lock/bin/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' \
	  >.venv-lock/build.in
	@echo editables >>.venv-lock/build.in
	$(COMPILE) pyproject.toml --output-file requirements.lock
	$(COMPILE) .venv-lock/build.in --constraint requirements.lock --output-file requirements-build.lock
	$(COMPILE) pyproject.toml --extra dev requirements-build.lock --constraint requirements.lock --output-file requirements-dev.lock

# -- on a unit -------------------------------------------------------------------------------------

install: ## as root: the service, its user, its environment under /opt/keyoff (PREFIX=, DESTDIR=; VCAN=1 adds vcan0)
	@$(MAKE) --no-print-directory python
	@systemd/install.sh install

uninstall: ## as root: all of that away; PURGE=1 takes configuration, trips and user too
	@systemd/install.sh uninstall

clean: ## what the commands above left in this folder
	rm -rf .venv .venv-lock .cache .demo .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache build dist
	find agent hil tests -name __pycache__ -type d -prune -exec rm -rf {} +
