# `make train` and `make test` do all the set-up themselves; see README.md.

PYTHON ?= python3
VENV ?= .venv
ARGS ?=
EXTRAS ?=
PYTEST_ARGS ?=

BIN := $(VENV)/bin
VENV_STAMP := $(VENV)/.made
# A stamp for each choice of extras: another one has more to install.
RUN_STAMP := $(VENV)/.installed$(EXTRAS:%=-with-%)
TEST_STAMP := $(VENV)/.installed-test
REQUIREMENTS := setup.cfg pyproject.toml constraints.txt
KERNELS := $(wildcard trainers/kernels/source/* dotmotion_tfds/native/*_source/*)
RESULTS ?= benchmarks/results
BROWSERS := chromium chromium-browser google-chrome
# The libraries of the extra `peers` need an older NumPy than the one that is pinned.
PINNED := $(if $(findstring peers,$(EXTRAS)),,--constraint constraints.txt)
PIP_INSTALL = $(BIN)/python -m pip install --disable-pip-version-check --quiet \
	$(PINNED) --editable

.PHONY: help train test slow faults bench check browser format lock clean
.DEFAULT_GOAL := help

help:
	@echo 'make train  train the CNN-LSTM under MirroredStrategy (ARGS="--model=conv_lstm" ...)'
	@echo 'make test   run every check and test (PYTEST_ARGS="-k stream" ...)'
	@echo 'make slow   run the tests that are too slow for every change'
	@echo 'make faults kill, cut and starve everything, and write the table of promises'
	@echo 'make bench  measure everything in a short form, and write report.html'
	@echo 'make check  run the linter, the formatter check and the type checker'
	@echo 'make format rewrite the sources as the formatter wants them'
	@echo 'make lock   pin the newest versions that work together in constraints.txt'
	@echo 'make clean  remove .venv and caches'

train: $(RUN_STAMP)
	$(BIN)/python -m trainers.main --strategy=mirrored $(ARGS)

test: check browser
	$(BIN)/python -m pytest $(PYTEST_ARGS)

# What is too slow for every change.
slow: $(TEST_STAMP)
	$(BIN)/python -m pytest -m 'slow and not fault' $(PYTEST_ARGS)

# Every promise of docs/reliability.md, whose table it writes anew.
faults: $(TEST_STAMP)
	$(BIN)/python -m pytest -m fault --timeout=1200 -p tests.faults.table \
		--reliability=docs/reliability.md $(PYTEST_ARGS)

check: $(TEST_STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/clang-format --dry-run --Werror $(KERNELS)
	$(BIN)/mypy

# A short form of what `python -m benchmarks...` does; results keep the machine in their
# names, and are on the page together.
bench: $(RUN_STAMP)
	@set -e; mkdir -p $(RESULTS); name=$$($(BIN)/python -m benchmarks.fingerprint); \
	measure() { echo "benchmarks.$$1 ..."; benchmark=$$1; shift; \
		$(BIN)/python -m benchmarks.$$benchmark "$$@" \
		--json=$(RESULTS)/$$benchmark-$$name.json; }; \
	measure training --parts=steps,accuracy --batch_size=8 --layers=fast --seeds=1 \
		--repeats=2 --at_once=2; \
	measure input --repeats=2 --seconds=0.3 --clips=512 --processes=2; \
	measure peers --repeats=2 --seconds=0.3 --clips=512; \
	measure storage --repeats=2 --seconds=0.3 --clips=200; \
	$(BIN)/python -m benchmarks.report $(RESULTS)/*-$$name.json --out=report.html

# The report's page is tested in it. Nothing fails here: the tests say what they miss.
browser:
	@for name in $(BROWSERS); do command -v $$name > /dev/null && exit 0; done; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null; then \
		echo 'Installing Chromium for the tests of the report (a minute, once) ...'; \
		export DEBIAN_FRONTEND=noninteractive; \
		timeout 600 sh -c 'apt-get update && apt-get install --yes \
			--no-install-recommends chromium' > /dev/null 2>&1 && exit 0; \
	fi; \
	echo 'No Chromium is installed or can be: tests that need a browser will be skipped.'

format: $(TEST_STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $(KERNELS)

lock: $(TEST_STAMP)
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --universal --python-version=3.10 --extra=test --upgrade \
		--no-emit-index-url --custom-compile-command='make lock' \
		--output-file=constraints.txt setup.cfg

# A stamp of its own: a python that stands in $(BIN) may be that of an interrupted set-up.
$(VENV_STAMP):
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' || \
		{ echo "error: $$($(PYTHON) --version) found, expected Python 3.10 to 3.13:" \
		"name one with 'make PYTHON=python3.12 ...'" >&2; exit 1; }
	@if [ -e $(VENV) ] && [ ! -x $(BIN)/python ]; then \
		echo 'error: $(VENV) exists and is no virtual environment: name another with VENV=' >&2; \
		exit 1; fi
	@if [ -e $(VENV) ] && $(BIN)/python -m pip --version > /dev/null 2>&1; then \
		echo 'error: $(VENV) is an environment that was not made here:' \
		'name another with VENV=' >&2; exit 1; fi
	@echo 'Making $(VENV) ...'
	@$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(RUN_STAMP): $(REQUIREMENTS) | $(VENV_STAMP)
	@echo 'Installing dotmotion and what it needs into $(VENV) (a few minutes, once) ...'
	@$(PIP_INSTALL) '.$(if $(EXTRAS),[$(EXTRAS)])'
	@touch $@

$(TEST_STAMP): $(RUN_STAMP)
	@echo 'Installing the test tools into $(VENV) ...'
	@$(PIP_INSTALL) '.[test]'
	@touch $@

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis *.egg-info
