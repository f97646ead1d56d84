# `make sweep` measures this machine and writes a page; `make test` runs all tests.
# Both set up .venv first, once; it is renewed when pyproject.toml or constraints.txt change.

PYTHON ?= python3
RESULTS ?= build/peers
BIN := .venv/bin

.PHONY: sweep peers backends profiles tuning shipped-profiles selftest test gate exact baseline lint types docs picture gpu-checks clean
.DELETE_ON_ERROR:

sweep: .venv/installed
	@# 1 says that a point failed, for want of memory perhaps; the page says which, and is there.
	$(BIN)/hatrick sweep $(ARGS) || [ $$? -eq 1 ]

# This project's attentions beside other people's; the packages of the latter are an extra.
peers: .venv/peers
	RESULTS=$(RESULTS) .ci/peers

# What docs/peers.md says of `auto`, and where the time goes. With RESULTS=docs/results/cpu, `make docs`
# fills its tables from these.
backends: .venv/installed
	@rm -f $(RESULTS)/backends.*
	$(BIN)/hatrick sweep --preset backends --out $(RESULTS)/backends.jsonl || [ $$? -eq 1 ]

PROFILE := $(BIN)/python -m bench.operators
CALL := --dim 512 --heads 8 --direction forward+backward --dtype fp32 --device cpu

profiles: .venv/installed
	$(PROFILE) hatrick --seq-len 16k --chunk-size 128 --scope layer $(CALL) --out $(RESULTS)/profile-hatrick.json
	$(PROFILE) sliding_window --seq-len 8k --chunk-size 512 --scope core $(CALL) --out $(RESULTS)/profile-window.json
	$(PROFILE) lsh:rounds=4 --seq-len 8k --chunk-size 64 --scope core $(CALL) --out $(RESULTS)/profile-lsh.json

selftest: .venv/installed
	$(BIN)/hatrick selftest

test: .venv/installed
	@# A file a core at a time, for tests use one thread each, and one more: many wait for processes.
	$(BIN)/python -m pytest -n $$($(BIN)/python -c 'import os; print(1 + (os.cpu_count() or 1))') --dist loadfile $(ARGS)

# Whether the working tree is slower, bigger or wrong compared with its last commit, or with
# ARGS="--base main".
gate: .venv/installed
	$(BIN)/hatrick gate $(ARGS)

# The chunk sizes of docs/chunk-size.md and their regret, in some half an hour on a quiet machine; then
# the profiles that come with the package, from what is committed.
tuning: .venv/installed
	@rm -f $(RESULTS)/tune-*.jsonl
	$(BIN)/hatrick tune --seconds 2 --verify --out $(RESULTS)/tune-hatrick.jsonl
	$(BIN)/hatrick tune --direction forward+backward --seconds 2 --out $(RESULTS)/tune-hatrick-training.jsonl
	$(BIN)/hatrick tune --variant lsh --seq-len 512,1k,2k --seconds 2 --verify --out $(RESULTS)/tune-lsh.jsonl
	$(BIN)/hatrick tune --variant sliding_window --seq-len 512,1k,2k --seconds 2 --out $(RESULTS)/tune-window.jsonl

shipped-profiles: .venv/installed
	$(BIN)/python -m bench.tune.profile docs/results/*/tune-*.jsonl

# What has no noise, against what is committed: no timings, so any machine will do. Scratch space and
# operators follow the number of threads.
EXACT := docs/results/cpu/gate.jsonl

exact: .venv/installed
	@rm -rf build/exact
	OMP_NUM_THREADS=2 $(BIN)/hatrick gate --exact --baseline $(EXACT) --allow variables --out build/exact

# That file made anew, after a change that is meant.
baseline: .venv/installed
	@rm -f $(EXACT)
	OMP_NUM_THREADS=2 $(BIN)/hatrick sweep --preset gate --seconds 0.5 --out $(EXACT)

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/installed
	$(BIN)/mypy

.venv/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; $(PYTHON) is older. Name another: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' || \
	  { echo "$(PYTHON) cannot make a virtual environment. Debian and Ubuntu: apt install python3-venv"; exit 1; }
	$(PYTHON) -m venv .venv
	@# torch by itself first: a build of it that is already at hand is then taken as it is.
	PIP_CONSTRAINT=constraints.txt $(BIN)/python -m pip install --quiet --disable-pip-version-check torch
	PIP_CONSTRAINT=constraints.txt $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

.venv/peers: .venv/installed
	PIP_CONSTRAINT=constraints.txt $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[peers]'
	@touch $@

# The tables of docs/*.md, from the run files they name.
docs: .venv/installed
	$(BIN)/python -m reports.doc_tables docs/*.md

# All that needs a CUDA GPU, with the torch that the machine has: see the script.
gpu-checks:
	.ci/gpu-checks $(SLICE)

# README's picture, from a run that is in the repository.
picture: .venv/installed
	$(BIN)/hatrick report docs/results/cpu/scaling.jsonl --out build/page.html
	chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=1280,1400 \
	  --virtual-time-budget=8000 --screenshot=docs/page.png build/page.html

clean:
	rm -rf .venv build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
