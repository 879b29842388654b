# One word per job; the work is in scripts/. Everything lands in this folder and in deployer's cache.
PYTHON ?= python3
# Three at a time even on two cores: half of the time is waiting for terraform and its provider.
PYTEST_OPTIONS ?= -q -n 3 --dist loadfile
export PYTHON

.DEFAULT_GOAL := help
.PHONY: help setup demo demo-unionml test golden lint lock engine-start engine-stop clean

help: ## list the targets
	@sed -n 's/^\([a-z%-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

setup: ## .venv with the locked dependencies, bentoctl's own environment, terraform
	@scripts/setup

demo: setup ## train the digits model, build its Bento, deploy it to the local target, test it
	@scripts/demo

demo-unionml: setup ## the same for the UnionML app, with an environment of its own
	@scripts/demo-unionml

test: setup ## the whole test suite (PYTEST_OPTIONS="-q tests/unit" for a part)
	@.venv/bin/python -m pytest $(PYTEST_OPTIONS)

golden: setup ## write the screens that tests/golden holds anew
	@UPDATE_GOLDEN=1 .venv/bin/python -m pytest -q tests/golden

lint: setup ## ruff and mypy
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy

lock: setup ## resolve the dependencies anew (LOCK_OPTIONS=--upgrade takes the newest)
	@scripts/lock $(LOCK_OPTIONS)

engine-start: ## a Docker Engine for tests/docker, installed where it is missing (root on Debian)
	@scripts/engine install
	@scripts/engine start

engine-stop: ## end that Engine; what was installed stays
	@scripts/engine stop

bench-%: setup ## run benchmarks/%.py and print its table
	@.venv/bin/python benchmarks/$*.py

clean: ## remove what setup and the tests made; deployments and the demo's store stay
	rm -rf .venv examples/unionml_digits/.venv .cache .pytest_cache .mypy_cache .ruff_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
