# Thin wrappers: each target is one or two lines a person could type.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: setup check test demo bench fuzz parity picture
setup: $(VENV)/.ready
$(VENV)/.ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --editable '.[dev]'
	touch $@

check: setup
	$(BIN)/ruff format --check src tests benchmarks
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/mypy

test: setup
	$(BIN)/pytest --cov --cov-report=term:skip-covered

demo: setup
	$(BIN)/klieg demo

bench: setup
	$(BIN)/python benchmarks/bench_scan.py

picture: setup
	$(BIN)/python docs/make_picture.py

fuzz: setup
	KLIEG_FUZZ_SECONDS=10 $(BIN)/pytest tests/fuzz

parity: setup
	$(BIN)/python benchmarks/bench_parity.py
