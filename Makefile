# Every target works in a fresh clone and installs what it needs into .venv, through the lock.
#     make install     .venv with every extra that needs no system package, tenfold as a built wheel
#     make demo        the tour: data, training, report
#     make test        the tests that take seconds; ends with the list of what it left out
#     make test-all    every test
#     make check       formatting, lint, types, then make test (what CI runs)
#     make bench       every file in benchmarks/ that says "Claim:", measured on this machine
#     make clean       removes what these targets made
# make test ARGS="-k report" hands words to pytest; make install PYTHON=python3.12 chooses a Python.

PYTHON ?= python3
ARGS ?=
JOBS ?= 2

PY := .venv/bin/python
DEPENDENCIES := .venv/dependencies.stamp
WHEEL := .venv/wheel.stamp
# Folders are among them, so that a removed file is noticed; all paths are relative and may not
# hold spaces, the path to this folder may.
SOURCES := $(shell find tenfold ! -path '*__pycache__*')
# One thread a worker: two workers share two cores. The repository itself stays off sys.path.
# Compiled tests are kept, which halves the time of collection from the second run on.
PYTEST = OMP_NUM_THREADS=1 PYTHONSAFEPATH=1 PYTHONDONTWRITEBYTECODE= TENFOLD_INSTALLED=1 \
	$(PY) -m pytest -n $(JOBS) --dist worksteal

.PHONY: install demo test test-all check bench clean

install: $(WHEEL)
	@! git rev-parse --git-dir >/dev/null 2>&1 || git config core.hooksPath .githooks

$(DEPENDENCIES): pyproject.toml requirements.lock
	test -x $(PY) || $(PYTHON) -m venv .venv
	$(PY) -m pip install --quiet -c requirements.lock -r requirements.lock
	touch $@

$(WHEEL): $(DEPENDENCIES) $(SOURCES) $(wildcard README.md LICENSE)
	rm -rf build tenfold.egg-info .venv/wheel
	$(PY) -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir .venv/wheel .
	$(PY) -m pip install --quiet -c requirements.lock --no-deps --force-reinstall .venv/wheel/*.whl
	rm -rf build tenfold.egg-info
	touch $@

demo: install
	.venv/bin/tenfold demo

test: install
	$(PYTEST) -m "not slow" $(ARGS)

test-all: install
	$(PYTEST) $(ARGS)

check: install
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	$(MAKE) test

bench: install
	@failed=; for claim in $$(grep -lE "^Claims?:" benchmarks/*.py); do \
		echo "== $$claim"; $(PY) $$claim || failed="$$failed $$claim"; \
	done; test -z "$$failed" || { echo "failed or skipped:$$failed"; exit 1; }

clean:
	rm -rf .venv build dist tenfold.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find tenfold tests benchmarks -name .environments -prune -o -name __pycache__ -prune -exec rm -rf {} +
