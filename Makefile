PYTHON ?= python3
RUN ?= results/default
STUDY ?= results/large-study
BIN := .venv/bin
export RUN STUDY  # so that a name may hold anything: the shell reads it as "$$RUN"
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --progress-bar off --no-compile

.DEFAULT_GOAL := help
.PHONY: help setup experiment study test test-slow test-reliability lint audit package bench browser clean
.NOTPARALLEL: # pip works in one .venv

help: ## show what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: .venv/ready ## install linesexp and what it needs into .venv; what only tests need comes with them

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

test: browser ## run all tests but those that take long
	@$(BIN)/python -m pytest -n logical --maxprocesses 8 --dist loadgroup -q

test-slow: browser ## run the tests that take long: kills, controls, clusters, studies
	@$(BIN)/python -m pytest -m "slow and not hours" -n logical --maxprocesses 8 --dist loadgroup -q

test-reliability: browser ## try to break the promises, for an hour or two; SEED=N: with these faults again
	@$(BIN)/python -m pytest tests/reliability -m "hours or not hours" -q $(if $(SEED),--seed $(SEED))

lint: .venv/ready-dev ## check style, types, what a release holds, and packages for known vulnerabilities
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(MAKE) --no-print-directory package audit

package: .venv/ready-dev ## build what is released, sdist and wheel, into dist, and check it
	@rm -rf dist
	@$(BIN)/python -m build --no-isolation --quiet
	@$(BIN)/twine check --strict dist/*

audit: .venv/ready-dev ## check installed packages for known vulnerabilities
	@$(BIN)/python tests/vulnerabilities.py

bench: SHELL := bash -o pipefail
bench: browser ## measure against plain scripts, as ratios; studies into results/reference/benchmark.md
	@$(BIN)/python tests/benchmarks/bench.py
	@for part in study "study sizes" "study long" "study ways" study_engine; do set -- $$part; \
		$(BIN)/python tests/benchmarks/$$1.py $$2 || exit 1; done | tee results/reference/benchmark.md

clean: ## remove .venv and caches; results stay
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist *.egg-info

browser: .venv/ready-dev
	@$(BIN)/python tests/chromium.py

.venv/ready-dev: EXTRAS := [dev]
.venv/ready .venv/ready-dev: setup.cfg pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || { \
		echo "linesexp needs Python 3.11, 3.12 or 3.13, and $(PYTHON) is $$($(PYTHON) --version 2>&1)." \
		"Name another one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@test -e .venv/ready || { echo "setting up .venv: the first time this downloads about 0.7 GB" >&2; \
		$(PYTHON) -m venv .venv; }
	@$(PIP) -c constraints.txt -e '.$(EXTRAS)'
	@# Imported once so that Python compiles what is used; pip would compile all of it, which takes three times as long.
	@test -e .venv/ready || KERAS_BACKEND=tensorflow $(BIN)/python \
		-c 'import distributed, keras, matplotlib.pyplot, scipy.stats' 2>.venv/log || { cat .venv/log >&2; exit 1; }
	@touch .venv/ready $@
