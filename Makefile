# Two commands do everything on a fresh machine: `make run` and `make test`.
SHELL := /bin/sh
VENV ?= .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.8
STAMP := $(VENV)/.installed

.PHONY: help setup run stop test check lint format types contracts lock bench bench-% clean

help:
	@echo "make run        start everything, play a year of flights in stretches, leave it serving"
	@echo "make stop       stop what make run started"
	@echo "make test       the tests"
	@echo "make check      lint, format, types, import contracts, tests: what CI runs"
	@echo "make bench      every benchmark; make bench-serving, bench-overload, bench-shadow … for one"
	@echo "make setup      only make the virtual environment ($(VENV))"
	@echo "make lock       renew requirements.lock from pyproject.toml"
	@echo "make clean      delete the state folder and the virtual environment"

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	@python=$$(PYTHON="$(PYTHON)" sh .ci/find-python) || exit 1; \
	if [ ! -x $(BIN)/python ]; then \
		echo "Making a virtual environment in $(abspath $(VENV)) with $$($$python --version)"; \
		$$python -m venv $(VENV) || { echo "python -m venv failed; on Debian: apt-get install python3-venv" >&2; exit 1; }; \
	fi
	@echo "Installing the locked packages into $(abspath $(VENV)); about 2.3 GB, once"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --requirements requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $(STAMP)
	@echo "Ready: $(abspath $(BIN))/holdfast"

run: setup
	@$(BIN)/holdfast run

stop:
	@if [ -x $(BIN)/holdfast ]; then $(BIN)/holdfast stop; else echo "Nothing was ever started here."; fi

# Those that run whole servers mostly wait, so they run beside the others; their word comes last.
SERVER_TESTS := tests/end_to_end tests/drills tests/serving/test_server.py

test: setup
	@said=$$(mktemp); $(BIN)/python -m pytest $(SERVER_TESTS) >$$said 2>&1 & servers=$$!; \
	trap 'kill $$servers' INT TERM; \
	$(BIN)/python -m pytest $(SERVER_TESTS:%=--ignore=%); others=$$?; \
	echo "Waiting for the tests that run whole servers"; wait $$servers; whole=$$?; \
	cat $$said; rm -f $$said; [ $$others -eq 0 ] && [ $$whole -eq 0 ]

lint: setup
	@$(BIN)/ruff check .

format: setup
	@$(BIN)/ruff format --check .

types: setup
	@$(BIN)/mypy .

contracts: setup
	@$(BIN)/lint-imports --no-cache

check: lint format types contracts test

bench: setup
	@$(BIN)/python -m tests.bench

bench-%: setup
	@$(BIN)/python -m tests.bench $* $(OPTIONS)

lock: setup
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
		--no-emit-index-url --group dev --output-file requirements.lock pyproject.toml

clean: stop
	rm -rf .holdfast $(VENV)
