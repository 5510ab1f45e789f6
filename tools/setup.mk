# Sets up .venv when it is first needed, when a lock file has changed or the folder was moved; cleans up.

# What is in .venv names its folder: where that is not this one, as after a move, all of it is made again.
MOVED := $(shell bin=$$(sed -n 's:^exec "\(.*\)/python" -P .*:\1:p' .venv/bin/catwalk 2> /dev/null); \
           [ -z "$$bin" ] || [ "$$bin" -ef .venv/bin ] || echo moved)
ifneq ($(MOVED),)
.PHONY: .venv/installed
endif
# Without --clear, venv keeps another interpreter's links, and pip then fills a folder that is not read.
CLEAR_OTHER = import os, sys; \
  print("--clear" * (os.path.realpath(".venv/bin/python") != os.path.realpath(sys.executable)))

.venv/installed: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
	  || { echo 'catwalk needs Python 3.11 to 3.13: set PYTHON= to one of them'; exit 2; }
	@echo 'setting up .venv (once; TensorFlow is large, this takes a minute or two)'
	@$(PYTHON) -m venv $(if $(MOVED),--clear,$$($(PYTHON) -c '$(CLEAR_OTHER)')) .venv \
	  || { echo 'the module venv is missing: on Debian and Ubuntu, apt install python3-venv'; exit 2; }
	@$(BIN)/pip install --disable-pip-version-check -q --require-hashes -r requirements.txt
	@PYTHONWARNINGS=ignore $(BIN)/pip install --disable-pip-version-check -q --no-deps --no-build-isolation -e .
	@printf '#!/bin/sh\nunset PYTHONPATH PYTHONHOME\nexec "%s/.venv/bin/python" -P -m catwalk "$$@"\n' $(call quoted,$(CURDIR)) > .venv/bin/catwalk
	@touch $@

.venv/dev: .venv/installed requirements-dev.txt
	@echo 'installing the packages for tests, lint and benchmarks into .venv (once)'
	@$(BIN)/pip install --disable-pip-version-check -q --no-deps --require-hashes -r requirements-dev.txt
	@touch $@

.venv-bench/installed: benchmarks/requirements.txt
	@echo 'setting up .venv-bench with the other tools (once)'
	@$(PYTHON) -m venv .venv-bench
	@.venv-bench/bin/pip install --disable-pip-version-check -q --require-hashes -r benchmarks/requirements.txt
	@touch $@

clean: ## remove .venv, .images, caches, feature tables and unfinished files; never data, studies, submissions or the log of looks
	rm -rf .venv .venv-bench .images .pytest_cache .mypy_cache .ruff_cache .hypothesis
	rm -f data/*/prepared/features-*.npy
	rm -rf data/*/.part-* data/*/.download data/*/*/.*.part* data/*/study/kept/*/.*.part* submissions/*/.*.part* submissions/*/*/.*.part*
	find src tests benchmarks verification -name __pycache__ -type d -prune -exec rm -rf {} +
	@for link in data/*/server/postgresql; do \
	  [ ! -L "$$link" ] || echo "kept: $$(readlink "$$link"), the database of $${link%/postgresql}"; done
