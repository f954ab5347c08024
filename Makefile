# Each target is a line or two of a real command. On Windows, or without make, the README has the same lines.
PYTHON ?= python3
BIN := .venv/bin
TASK ?=
ARGS ?=
.PHONY: run test check notebooks bench verify results report

run: .venv/installed  ## one notebook, live: make run, or make run TASK=task1b ARGS="-p lr 1e-5"
	$(BIN)/labutils run $(if $(TASK),$(TASK),task1b --quick) $(ARGS)

test: check  ## every check there is
	$(BIN)/labutils data phantoms
	$(BIN)/pytest -n 2 --dist loadscope
	$(BIN)/pytest -n 2 --dist loadscope --nbval notebooks
	$(BIN)/pytest -n 2 --dist loadscope --nbval tests/reference
	$(BIN)/labutils verify --some 2

check: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

notebooks: .venv/installed  ## write every NAME.ipynb from its NAME.py, with outputs from the stored runs
	$(BIN)/labutils build

bench: .venv/installed  ## our training step, loader and augmentation beside plain ones, in one sitting
	$(BIN)/python benchmarks/bench_training.py
	$(BIN)/python benchmarks/bench_data.py
	$(BIN)/python benchmarks/bench_augment.py

verify: .venv/installed  ## train the first epoch of every stored run again and compare
	$(BIN)/labutils verify --all

results: .venv/installed  ## train what is missing of the lab's runs; can be stopped at any time
	$(BIN)/labutils run --missing

report: .venv/installed  ## results/REPORT.md, with its figures and tables, from the stored runs
	$(BIN)/labutils report

.venv/installed: requirements.txt pyproject.toml
	@$(PYTHON) -c "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))" || \
	  { echo "Python 3.11, 3.12 or 3.13 is needed; this is $$($(PYTHON) --version). Try: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@
