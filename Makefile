PYTHON ?= python3
RUN ?= results/default
STUDY ?= results/large-study
BIN := .venv/bin
export RUN STUDY  # so that a name may hold anything: the shell reads it as "$$RUN"

.DEFAULT_GOAL := help
.PHONY: help setup experiment study test test-slow test-reliability lint audit bench clean

help: ## show what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 26

setup: .venv/ready ## install everything into .venv

experiment: setup ## draw, train, compare, animate and report into results/default; then a small study beside it
	@$(BIN)/linesexp generate "$$RUN"
	@$(BIN)/linesexp train "$$RUN"
	@$(BIN)/python scripts/compare_prewitt.py "$$RUN"
	@$(BIN)/python scripts/make_gifs.py "$$RUN"
	@$(BIN)/linesexp report "$$RUN"
	@echo "That page is complete. A study of 24 networks follows, and the page again with it; if it fails, the page stays." >&2
	@$(BIN)/linesexp study "$$(dirname "$$RUN")/study" --block-size 4
	@$(BIN)/linesexp report "$$RUN"

study: setup ## 100 networks under each of the 11 conditions, as in results/reference; an hour on 2 cores
	@$(BIN)/linesexp study "$$STUDY" --seeds 100 --conditions all

test: setup ## run all tests but those that take long
	@$(BIN)/python -m pytest -n logical --maxprocesses 8 --dist loadgroup -q

test-slow: setup ## run the tests that take long: kills, controls, clusters, studies
	@$(BIN)/python -m pytest -m "slow and not hours" -n logical --maxprocesses 8 --dist loadgroup -q

test-reliability: setup ## try to break the promises, for an hour or two; SEED=N: with these faults again
	@$(BIN)/python -m pytest tests/reliability -m "hours or not hours" -q $(if $(SEED),--seed $(SEED))

lint: setup ## check style and types, and packages for known vulnerabilities
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(MAKE) --no-print-directory audit

audit: setup ## check installed packages for known vulnerabilities
	@$(BIN)/python tests/vulnerabilities.py

bench: SHELL := bash -o pipefail
bench: setup ## measure against plain scripts, as ratios; studies into results/reference/benchmark.md
	@$(BIN)/python tests/benchmarks/bench.py
	@for part in study "study sizes" "study long" "study ways" study_engine; do set -- $$part; \
		$(BIN)/python tests/benchmarks/$$1.py $$2 || exit 1; done | tee results/reference/benchmark.md

clean: ## remove .venv and caches; results stay
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist *.egg-info

.venv/ready: setup.cfg pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "linesexp needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) --version 2>&1)." \
		"Name another one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "setting up .venv; the first time this downloads about 2 GB and takes a minute or more" >&2
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@
