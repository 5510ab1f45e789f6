# Sets up .venv when it is first needed, and when a lock file, the interpreter or the folder has changed; cleans up.

PRINT_VERSION = import sys; print("%d.%d" % sys.version_info[:2])
IS_SAME = import os, sys; sys.exit(os.path.realpath(".venv/bin/python") != os.path.realpath(sys.executable))
# What is in .venv names its folder: where that is not this one, as after a move, all of it is made again. So it is
# where its interpreter is gone or, after an update, another version, or not the PYTHON= of make's command line.
STALE := $(shell bin=$$(sed -n 's:^exec "\(.*\)/python" -P .*:\1:p' .venv/bin/catwalk 2> /dev/null); \
           [ -z "$$bin" ] || { [ "$$bin" -ef .venv/bin ] \
             && [ -d ".venv/lib/python$$(.venv/bin/python -I -S -c '$(PRINT_VERSION)' 2> /dev/null)" ] \
             $(if $(filter PYTHON,$(NAMES)),&& $(PYTHON) -I -S -c '$(IS_SAME)' 2> /dev/null); } || echo stale)
ifneq ($(STALE),)
.PHONY: .venv/installed
endif
# Without --clear, venv keeps another interpreter's links, and pip then fills a folder that is not read.
CLEAR = $(if $(STALE),--clear,$$($(PYTHON) -I -S -c '$(IS_SAME)' || echo --clear))

# Two makes, begun side by side in a fresh clone, must not fill one .venv. The lock is a link that leads to the number
# of the make that holds it, so it never is there without it; one that a make left as it was ended is taken over.
LOCK := .venv.setup
LOCKED = ln -s "$$PPID" $(LOCK) 2> /dev/null || { other=$$(readlink $(LOCK)); \
  case "$$(cat "/proc/$$other/comm" 2> /dev/null || ps -p "$$other" -o comm= 2> /dev/null)" in \
  *make*) echo 'another make is setting up .venv: wait for it'; exit 2;; esac; \
  rm -f $(LOCK); ln -s "$$PPID" $(LOCK) 2> /dev/null || :; }

.venv/installed: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
	  || { echo 'catwalk needs Python 3.11 to 3.13: set PYTHON= to one of them'; exit 2; }
	@$(LOCKED)
	@echo 'setting up .venv (once; TensorFlow is large, this takes a minute or two)'
	@$(PYTHON) -m venv $(CLEAR) .venv \
	  || { $(PYTHON) -I -c 'import venv, ensurepip' 2> /dev/null || echo "the module venv is missing:" \
	       "on Debian and Ubuntu, apt install python$$($(PYTHON) -I -S -c '$(PRINT_VERSION)')-venv"; exit 2; }
	@$(BIN)/pip install --disable-pip-version-check -q --require-hashes -r requirements.txt
	@PYTHONWARNINGS=ignore $(BIN)/pip install --disable-pip-version-check -q --no-deps --no-build-isolation -e .
	@printf '#!/bin/sh\nunset PYTHONPATH PYTHONHOME\nexec "%s/.venv/bin/python" -P -m catwalk "$$@"\n' $(call quoted,$(CURDIR)) > .venv/bin/catwalk
	@touch $@
	@rm -f $(LOCK)

.venv/dev: .venv/installed requirements-dev.txt
	@$(LOCKED)
	@echo 'installing the packages for tests, lint and benchmarks into .venv (once)'
	@$(BIN)/pip install --disable-pip-version-check -q --no-deps --require-hashes -r requirements-dev.txt
	@touch $@
	@rm -f $(LOCK)

.venv-bench/installed: benchmarks/requirements.txt
	@echo 'setting up .venv-bench with the other tools (once)'
	@$(PYTHON) -m venv .venv-bench
	@.venv-bench/bin/pip install --disable-pip-version-check -q --require-hashes -r benchmarks/requirements.txt
	@touch $@

clean: ## remove .venv, .images, caches, feature tables and unfinished files; never data, studies, submissions or the log of looks
	rm -rf .venv $(LOCK) .venv-bench .images .pytest_cache .mypy_cache .ruff_cache .hypothesis
	rm -f data/*/prepared/features-*.npy
	rm -rf data/*/.part-* data/*/.download data/*/*/.*.part* data/*/study/kept/*/.*.part* submissions/*/.*.part* submissions/*/*/.*.part*
	find src tests benchmarks verification -name __pycache__ -type d -prune -exec rm -rf {} +
	@for link in data/*/server/postgresql; do \
	  [ ! -L "$$link" ] || echo "kept: $$(readlink "$$link"), the database of $${link%/postgresql}"; done
