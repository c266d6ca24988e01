# Needs Python 3.11 to 3.13 with venv. Everything is installed into $(VENV); delete that folder to start anew.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --constraint constraints.txt
SENTENCE ?= a girl on a beach
DEMO := mood-grid.png
# What breaks most often and is quick to try: the contracts, the basics, tables, words and figures. None of them draws with a model.
QUICK := tests/contracts tests/tools/test_try_wheel.py \
	$(patsubst %,tests/test_%.py,calibration checkpoint eit emotion errors escapes files guidance locks objective picture progress \
		recipe settings sheet signals) \
	$(patsubst %,tests/batch/test_%.py,inputs rows) \
	$(patsubst %,tests/cli/test_%.py,bad_input console main options generate) \
	$(patsubst %,tests/data/test_%.py,sheets values) $(patsubst %,tests/features/test_%.py,store) \
	tests/metrics $(patsubst %,tests/evaluation/test_%.py,comparing figures suite) \
	tests/storybook/test_captions.py tests/storybook/test_scenes.py \
	tests/data/importers $(patsubst %,tests/prompts/test_%.py,checks cleaning lengths pairs rules votes words writing) \
	$(patsubst %,tests/prompts/llm/test_%.py,ledger messages) \
	$(patsubst %,tests/training/test_%.py,order recipe record state)

.PHONY: help demo quick test check lint current wheel format docs sprites install clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: began := $(shell date +%s)
demo: $(VENV)/.installed ## one sentence in twenty-five moods; SENTENCE="..." for another one
	@$(BIN)/emoticrafter grid "$(SENTENCE)" --seed 5 --out $(DEMO) --force
	@echo "The mood grid of \"$(SENTENCE)\" is at $(CURDIR)/$(DEMO); all of it took $$(( $$(date +%s) - $(began) )) s."

quick: $(VENV)/.tests ## the tests that matter most, without a picture drawn; under a minute
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 -m 'not slow' $(QUICK)

test: $(VENV)/.tests ## all tests
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests -n 2

check: lint current wheel ## lint, and that the written pages are current and the wheel works by itself

lint: $(VENV)/.dev ## ruff, and mypy over sources, benchmarks, tests and tools
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

current: $(VENV)/.installed ## say whether the pages that `make docs` writes are current
	$(BIN)/python tools/write_commands.py --check
	$(BIN)/python -m tools.write_card --check
	$(BIN)/python -m tools.write_evaluation --check
	$(BIN)/python -m tools.write_figures --check

wheel: $(VENV)/.installed ## build the wheel, install it into an empty environment, draw a picture with it
	$(BIN)/python -m tools.try_wheel

format: $(VENV)/.dev ## lay the code out as lint wants it
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.installed ## write the pages that are made from the help, the card and the records
	$(BIN)/python tools/write_commands.py
	$(BIN)/python -m tools.write_card
	$(BIN)/python -m tools.write_evaluation
	$(BIN)/python -m tools.write_figures

sprites: $(VENV)/.tests ## fetch the sprite package that the world is drawn with; needs npm
	$(BIN)/python -c "from emoticrafter.storybook.world.sprites import fetch; print(fetch())"

install: $(VENV)/.installed ## the package and nothing more

# torch first and by itself: its build (CPU or CUDA) is the platform's choice, not the constraints file's.
$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
		|| { echo "$(PYTHON) is $$($(PYTHON) --version 2>&1); Python 3.11 to 3.13 is needed: make PYTHON=python3.12 ..."; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV); the first time takes a minute or two."
	$(BIN)/python -m pip install --quiet torch==2.13.0
	$(PIP) --editable .
	@touch $@

$(VENV)/.tests: $(VENV)/.installed
	$(PIP) --editable '.[test]'
	@touch $@

$(VENV)/.dev: $(VENV)/.tests
	$(PIP) --editable '.[dev]'
	@touch $@

clean: ## remove caches and what the demo wrote; the environment stays
	rm -rf .pytest_cache .ruff_cache .mypy_cache .hypothesis dist $(DEMO)
	find src tests tools benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
