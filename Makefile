# Every target does its own set-up: nothing but Python 3.11+ and make is needed.
PYTHON ?= python3
BIN := .venv/bin
UV := $(BIN)/uv
UV_VERSION := 0.13.9
PACKAGES := libs/common libs/workbench services/intake services/routing services/notify services/reporting
export UV_LINK_MODE ?= copy

.PHONY: setup lock demo up test check bench chaos model

setup: .venv/.ready

.venv/.ready: requirements.lock pyproject.toml $(addsuffix /pyproject.toml,$(PACKAGES))
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@test -x $(UV) || $(BIN)/python -m pip install --quiet "uv==$(UV_VERSION)"
	$(UV) pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation $(addprefix -e ,$(PACKAGES))
	@test -x $(UV) || $(BIN)/python -m pip install --quiet "uv==$(UV_VERSION)"
	@touch $@

# Writes requirements.lock anew from the pyproject files; it holds hashes and no address.
lock:
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header \
	  $(foreach name,common workbench intake routing notify reporting,--no-emit-package pasokh-$(name)) \
	  --extra dev pyproject.toml -o requirements.lock
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header \
	  $(foreach name,common workbench intake routing notify reporting,--no-emit-package pasokh-$(name)) \
	  $(foreach name,intake routing notify reporting,services/$(name)/pyproject.toml) -o requirements.service.lock

demo: setup
	$(BIN)/workbench demo

up: setup
	$(BIN)/workbench up

test: setup
	$(BIN)/python -m pytest tests --ignore tests/bench -n 2 --dist loadgroup

check: setup
	$(BIN)/python -m tools.check

bench: setup
	$(BIN)/python -m tests.bench

# Trains the classifier from services/routing/routing/training/data and prints its scores.
model: setup
	$(BIN)/python -m routing.training $(MODEL_FLAGS)

chaos: setup
	$(BIN)/workbench chaos --messages 2000 --rounds 6 --seed 1
