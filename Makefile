# Each target is a line or two of a real command. On Windows, or without make, the README has the same lines.
PYTHON ?= python3
BIN := .venv/bin
TASK ?=
ARGS ?=
INSTALL = $(BIN)/python -m pip install --disable-pip-version-check
# One reference for each kind of training cell: curves over rates, a search, dropout, one's own images.
LIVE := task1b task4 task5a own
VERSION := $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' labutils/__init__.py)
.PHONY: help run lab test nightly check quick test-browser format notebooks site bench mutants verify results report pins \
  dist release wheelhouse offline

help:  ## this list
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:[^#]*## */|/' | awk -F'|' '{ printf "make %-13s %s\n", $$1, $$2 }'

run: .venv/installed  ## one notebook, live: make run, or make run TASK=task1b ARGS="-p lr 1e-5"
	$(BIN)/labutils run $(if $(TASK),$(TASK),task1b --quick) $(ARGS)

lab: .venv/installed  ## JupyterLab on my-lab/, your own copies of the notebooks
	$(BIN)/labutils lab $(ARGS)

test: check  ## every check that a change must pass
	$(BIN)/labutils data phantoms
	$(BIN)/pytest -n 3 --dist loadscope --no-loadscope-reorder
	$(BIN)/pytest -n 3 --dist loadscope --nbval $(LIVE:%=tests/reference/%.ipynb) notebooks
	$(BIN)/labutils verify --some 2

nightly: test  ## that, every notebook trained live, and every stored run repeated
	$(BIN)/pytest -n 2 --dist loadscope --nbval tests/reference
	$(BIN)/labutils verify --all

check: .venv/installed-dev  ## style, types, and that imports point downwards
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --no-cache

quick: check  ## what takes under two minutes, while writing
	$(BIN)/pytest -q -n 2 --dist loadscope -m "not slow"

CHROMIUM = command -v chromium || command -v chromium-browser || command -v google-chrome
test-browser: .venv/installed-dev  ## every notebook, control and page of the site in a real browser; ARGS='-k "not other"' takes four notebooks
	@{ $(CHROMIUM); } > /dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null && \
	  apt-get update -qq && apt-get install -y -qq chromium > /dev/null; } || \
	  { echo "No Chromium found. Install it (Debian: sudo apt-get install chromium) and run this again."; exit 1; }
	$(BIN)/labutils data phantoms
	$(BIN)/python docs/_ext/build.py
	$(BIN)/pytest tests/browser $(ARGS)

format: .venv/installed-dev  ## write everything as ruff would
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

notebooks: .venv/installed  ## write every NAME.ipynb from its NAME.py, with outputs from the stored runs
	$(BIN)/labutils build

site: .venv/installed-dev  ## the whole lab as pages in site/, to read and move without a kernel: open site/index.html
	$(BIN)/python docs/_ext/build.py

bench: .venv/installed-dev  ## our training step, loader and augmentation beside plain ones, in one sitting
	$(BIN)/python benchmarks/bench_training.py
	$(BIN)/python benchmarks/bench_data.py
	$(BIN)/python benchmarks/bench_augment.py

mutants: .venv/installed-dev  ## plant faults in the package, one at a time: do the tests notice?
	$(BIN)/python benchmarks/mutants.py

verify: .venv/installed  ## train the first epoch of every stored run again and compare
	$(BIN)/labutils verify --all

results: .venv/installed  ## train what is missing of the lab's runs; can be stopped at any time
	$(BIN)/labutils run --missing

report: .venv/installed  ## results/REPORT.md, with its figures and tables, from the stored runs
	$(BIN)/labutils report

# The ZIP holds what the wheel does not: notebooks and stored runs, as they are committed.
dist: .venv/installed  ## the package and, beside it, the notebooks with their runs, into dist/
	rm -rf build dist/labutils-$(VERSION)*
	$(BIN)/python -c "from setuptools import build_meta as b; b.build_wheel('dist'); b.build_sdist('dist')"
	git archive --prefix=labutils-$(VERSION)/ -o dist/labutils-$(VERSION)-lab.zip HEAD \
	  README.md CHANGELOG.md LICENSE requirements.txt docs notebooks results data

release:  ## that, if CHANGELOG.md has a section for the version
	@grep -qx '## $(VERSION)' CHANGELOG.md || { echo "CHANGELOG.md has no line '## $(VERSION)': a release has its section, and no 'not released'."; exit 1; }
	$(MAKE) dist

wheelhouse: dist  ## every package that a student needs, for machines of this system and Python version without internet
	$(BIN)/python -m pip download -r requirements.txt -d wheelhouse
	cp requirements.txt dist/*.whl dist/*-lab.zip wheelhouse

offline: site  ## the site as a ZIP, and all notebooks as one PDF (needs Chromium), into dist/
	$(BIN)/python benchmarks/print_pdf.py
	cd site && ../$(BIN)/python -m zipfile -c ../dist/labutils-site.zip .

# uv keeps the versions that the two files hold; remove one to have its versions chosen anew.
PIN = uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-annotate --quiet \
  --custom-compile-command "make pins"
pins:  ## write requirements*.txt from pyproject.toml (needs uv)
	$(PIN) -o requirements.txt
	$(PIN) -c requirements.txt --extra dev --extra site --extra dask --extra dicom --extra instructor -o requirements-dev.txt

.venv/bin/python:
	@$(PYTHON) -c "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))" || \
	  { echo "Python 3.11, 3.12 or 3.13 is needed; this is $$($(PYTHON) --version). Try: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv

# pip checks hashes of what it fetches; this folder has none, so it is installed by itself.
.venv/installed: requirements.txt pyproject.toml | .venv/bin/python
	@echo "Installing what the lab needs into .venv (about 2 GB, a few minutes, once)."
	$(INSTALL) -r requirements.txt
	@$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

.venv/installed-dev: .venv/installed requirements-dev.txt
	@echo "Installing what the tests need into .venv."
	$(INSTALL) -r requirements-dev.txt
	@touch $@
