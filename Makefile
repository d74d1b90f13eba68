# Every target does all of its own set-up inside the checkout: `.cache/` holds uv, `.venv/` the locked environment.
PYTHON ?= python3
UV := .cache/uv/bin/uv
BIN := .venv/bin
STAMP := .venv/.ready
# Two workers, because most tests wait for something; tests/conftest.py says how they share them. In order: the loads, which take longest, come first.
TESTS := $(BIN)/pytest -n 2 --no-loadscope-reorder

.PHONY: setup lock demo test test-all test-cluster lab check bench bench-judge bench-cluster clean help

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/ —/' | sort

setup: $(STAMP) ## the locked environment in .venv

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit("needs Python 3.11 or newer: make PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	@echo "setup: installing uv into .cache/uv"
	@$(PYTHON) -m venv .cache/uv && .cache/uv/bin/pip install --quiet --disable-pip-version-check 'uv>=0.9,<1'

$(STAMP): $(UV) pyproject.toml requirements.lock build.lock hatch_build.py
	@echo "setup: locked environment in .venv (about 200 MB, once)"
	@$(UV) venv --quiet --allow-existing --python $(PYTHON) .venv
	@$(UV) pip sync --quiet --compile-bytecode --python .venv --require-hashes requirements.lock
	@$(UV) pip install --quiet --python .venv --no-deps --build-constraints build.lock --editable .
	@$(BIN)/python -m compileall -q src
	@touch $@

lock: $(UV) ## write the lock files anew, with the newest versions allowed
	@$(UV) pip compile --quiet --upgrade pyproject.toml --group dev --universal --generate-hashes --no-header -o requirements.lock
	@printf 'hatchling\nxds-protos==1.85.0\n' | $(UV) pip compile --quiet --upgrade - --universal --generate-hashes --no-header -o build.lock

demo: $(STAMP) ## watch a lane, a canary and an abort on real Envoys
	@$(BIN)/laneway demo

test: $(STAMP) check ## checks, then the tests that take up to eight minutes in all
	@$(TESTS)

test-all: $(STAMP) check ## checks, then every test without a cluster, the long ones too
	@$(TESTS) -m "not cluster"

lab: $(STAMP) ## the real control planes for test-cluster, built from pins; a quarter of an hour, once
	@$(BIN)/python -m tests.lab.build

test-cluster: lab ## the tests against real Kubernetes and Istio, as root
	@$(TESTS) -m cluster

check: $(STAMP) ## lint, types, import contracts
	@$(BIN)/ruff format --check src tests bench examples
	@$(BIN)/ruff check src tests bench examples
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: $(STAMP) ## figures beside the peers'
	@$(BIN)/python -m bench

bench-judge: $(STAMP) ## the judge beside fixed thresholds and a rank test, on simulated traffic; two minutes
	@$(BIN)/python -m bench.judge

bench-cluster: lab ## Laneway's controller beside Argo Rollouts and Flagger on one cluster; as root
	@$(BIN)/python -m bench.cluster

clean: ## remove what the targets made
	@rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist
