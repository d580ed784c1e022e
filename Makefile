PYTHON ?= python3
RUN ?= runs/demo

# Which versions of the packages: pinned, as in requirements.txt, or the lowest or newest that
# pyproject.toml allows, in a virtual environment of their own.
VERSIONS ?= pinned
VENV := .venv$(patsubst %,-%,$(filter-out pinned,$(VERSIONS)))
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check

# Tests that train, draw or compile networks: most of the suite's time.
SLOW := commands demo evaluation flows interop parallel perception sampling segmentation training \
	test_contributing.py test_loaded_model.py

.PHONY: demo test check lint docs commands clean

demo: $(VENV)/installed
	$(BIN)/python sample.py --workdir street_scenes --count 6 --samples 3 --out $(RUN)_box
	@echo "pictures of the trained model in the package: $(RUN)_box/grid.png"
	$(BIN)/python train.py --config configs/street_scenes.py --workdir $(RUN)
	$(BIN)/python sample.py --workdir $(RUN) --count 8 --samples 2 \
		--temperature 0.3 --temperature 0.6 --temperature 0.9
	$(BIN)/python eval.py --workdir $(RUN) --metrics bpd,psp,ssim,psnr,diversity \
		--judge street_scenes_judge
	@echo
	@echo "The demo's pictures and figures:"
	@echo "  box       $(RUN)_box/grid.png, and index.html beside it: by the model in the package"
	@echo "  samples   $(RUN)/samples/step_*_seed_0/grid.png, and index.html beside it"
	@echo "  curve     $(RUN)/curve.png"
	@echo "  report    $(RUN)/eval.html: figures, charts, samples, classes; eval.md, eval.json"
	@echo
	@echo "To paint label maps and see photos of them, in a browser:"
	@echo "  $(BIN)/python -m fullglow_jax.demo                    the model in the package"
	@echo "  $(BIN)/python -m fullglow_jax.demo --workdir $(RUN)   the one just trained"

test: $(VENV)/installed
# One worker a core. A file's tests stay together, and with them the runs that they share; files in
# their own order, as those of few but long tests would otherwise be left for the end.
	$(BIN)/python -m pytest --numprocesses=auto --dist=loadfile --no-loadscope-reorder

# For people in a hurry: what ends within 3 minutes on 2 cores.
check: lint
	$(BIN)/python -m pytest --numprocesses=auto --dist=loadfile $(addprefix --ignore=tests/,$(SLOW))

lint: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The documents as a site in docs_site/, every warning an error; with packages of its own.
docs: .venv-docs/installed
	NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build
	@echo "open docs_site/index.html, or with a search: python -m http.server --directory docs_site"

# The commands in the documents, tried with tiny models and data.
commands: $(VENV)/installed
	$(BIN)/python -m website.try_commands

.venv-docs/installed: docs/requirements.txt
	$(PYTHON) -m venv .venv-docs
	.venv-docs/bin/pip install --quiet --disable-pip-version-check -r docs/requirements.txt
	@touch $@

# Python 3.11 or later is looked for before a virtual environment is made of it.
$(VENV)/installed: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or later is needed; name one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(if $(filter pinned lowest newest,$(VERSIONS)),,echo "VERSIONS=$(VERSIONS) is none of pinned, lowest, newest"; exit 1)
	$(PYTHON) -m venv $(VENV)
	$(INSTALL_$(VERSIONS))
	@touch $@

define INSTALL_pinned
$(PIP) -r requirements.txt
$(PIP) --no-deps -e .
endef
define INSTALL_lowest
$(PIP) uv
$(BIN)/uv pip install --quiet --python $(BIN)/python --resolution lowest-direct -e '.[dev]'
endef
define INSTALL_newest
$(PIP) --upgrade --upgrade-strategy eager -e '.[dev]'
endef

clean:
	rm -rf .venv .venv-lowest .venv-newest .venv-docs docs_site runs datasets
