# Everything a person or a machine does with the repository, by name. `make` alone lists it.

PYTHON ?= python3
WORKERS ?= 2
BIN := .venv/bin
STAMP := .venv/.ready
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate

.DEFAULT_GOAL := help
.PHONY: help setup demo test check format serve bench bench-quick bench-large bench-django ddl-cockroach soak lock upgrade clean
.DELETE_ON_ERROR:

help:  ## list what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: $(STAMP)  ## a ready .venv, from the locked and hashed requirements; quick when nothing changed

$(STAMP): requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo 'Python 3.11 or newer is needed; say which with: make setup PYTHON=python3.12' >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
		echo 'This Python has no venv with pip (ensurepip is missing). On Debian and Ubuntu: apt-get install python3-venv' >&2; exit 1; }
	@test -x $(BIN)/python && $(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements-dev.txt
	$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup  ## fill a fresh SQLite database with a worked year and say what was flagged and why
	$(BIN)/propriety demo

test: setup check  ## the checks, then the whole suite on SQLite and PostgreSQL
	$(BIN)/python -m pytest -n $(WORKERS) $(ARGS)

check: setup  ## form, lint, types and the contracts between the floors
	$(BIN)/ruff format --check --output-format concise .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: setup  ## put the form right, and what lint can repair
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

serve: setup  ## the service on http://127.0.0.1:8000, on SQLite unless PROPRIETY_DATABASE_URL says otherwise
	$(BIN)/propriety serve

bench: setup  ## what is measured against what
	$(BIN)/python -m bench $(ARGS)

bench-quick: setup  ## the same with two short rounds: shows that it works, resolves large effects only
	$(BIN)/python -m bench --quick $(ARGS)

ENTRIES ?= 1000000

bench-large: setup  ## how costs grow with what is stored; make bench-large ENTRIES=10000000
	$(BIN)/python -m bench --only growth --only may-i --only violations --entries $(ENTRIES) $(ARGS)

bench-django: setup  ## an environment of its own for the reference in Django, whose row is left out without it
	test -x .venv/django/bin/python || $(PYTHON) -m venv .venv/django
	.venv/django/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r bench/references/django.txt

ddl-cockroach: setup  ## every table and index, compiled by that engine's dialect in an environment of its own
	test -x .venv/cockroach/bin/python || $(PYTHON) -m venv .venv/cockroach
	.venv/cockroach/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r tests/distributed/requirements.txt
	.venv/cockroach/bin/python -m tests.distributed.compile_ddl $(ARGS)

soak: setup  ## the long runs, which `make test` leaves out; PROPRIETY_SOAK=0.01 plays a hundredth of each
	$(BIN)/python -m pytest -m soak --timeout 3600 $(ARGS)

lock: setup  ## both requirement files anew from pyproject.toml, as little changed as it allows
	$(COMPILE) $(ARGS) pyproject.toml -o requirements.txt
	$(COMPILE) $(ARGS) --extra dev -c requirements.txt pyproject.toml -o requirements-dev.txt

upgrade:  ## both requirement files with the newest versions that pyproject.toml allows
	$(MAKE) lock ARGS=--upgrade

clean:  ## remove what can be made again
	rm -rf .venv build dist .pytest_cache .ruff_cache .mypy_cache .hypothesis .import_linter_cache .coverage htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
