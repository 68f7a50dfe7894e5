# `make look` and `make test` do everything, set-up included. The rest is for those who build Naibu.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
NEEDED := $(VENV)/.ready-to-build

.PHONY: look test fuzz lint bench papers figures docs clean

look: $(READY)
	$(BIN)/naibu look standard-library --out looks/standard-library

test: $(NEEDED)
	$(BIN)/python -m pytest -n 2 --dist loadfile

fuzz: $(NEEDED)
	PYTHONPATH=tests $(BIN)/python tests/fuzz

lint: $(NEEDED)
	$(BIN)/ruff check src tests docs/made
	$(BIN)/mypy
	if command -v npm >/dev/null && npm ci --silent --no-audit --no-fund; then npm run --silent check; else echo "no npm packages here: the page's scripts are not type-checked"; fi

bench: $(READY)
	$(BIN)/naibu bench --json bench.json --markdown bench.md

papers: $(READY)
	$(BIN)/naibu papers variants --json variants.json
	$(BIN)/naibu papers hochreiter1997 --json hochreiter1997.json

# Every figure that the documents of a task state, measured anew by the commands beside it: make figures TASK=series
figures: $(NEEDED)
	PATH=$(BIN):$$PATH $(BIN)/python docs/made/figures.py $(TASK)

# `make docs LOOK=FOLDER` shows a look that is there already; without one, the built-in example is trained first.
docs: $(NEEDED)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	$(if $(LOOK),,$(BIN)/naibu look standard-library --out looks/standard-library)
	LOOK=$(or $(LOOK),looks/standard-library) NO_MKDOCS_2_WARNING=1 PATH=$(BIN):$$PATH $(BIN)/mkdocs build --strict --quiet
	$(BIN)/python -m pytest tests/test_docs.py

$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[view]'
	touch $@

$(NEEDED): $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test,lint,text,view]'
	touch $@

clean:
	rm -rf looks papers figures site bench.json bench.md variants.json hochreiter1997.json dist build .pytest_cache .mypy_cache .ruff_cache
