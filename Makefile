# Every target calls the package's command `catwalk`, which works without make too.
# Runs on GNU Make 3.81 (macOS). `make` alone prints all targets and variables.

SHELL := /bin/sh
PYTHON ?= python3
BIN := .venv/bin

# Variables: name, default, what it is. NAME counts only on make's command line: some systems
# (Windows' WSL) have an environment variable NAME that means something else.
#: COMPETITION   fashion-mnist   which of competitions/*.toml
#: SOURCE        auto            kaggle, debian, keras, sklearn, or a folder of CSV or IDX files
#: BUDGET        10m             wall-clock time of the search in all: 90s, 10m, 2h; more adds to it
#: TRIALS                        finished trials in all, instead of the default budget
#: UNTIL                         instead: a time of today (14:40) by which prediction and report are done
#: WORKERS                       processes; by default one a core, as far as memory allows
#: FEATURES      auto            or pixels: raw pixels only
#: SEED          1               of the split, the sampler and the networks
#: NAME                          the new submission's name; by default time and hash
#: SUBMISSION                    the submission for score, submit, report, reproduce; by default the newest
#: WIDTHS                        for try: units of the hidden layers, as 512,256; 0 for none
#: TO                            for submit: a Kaggle competition's name or address, or openhpi
#: ASSIGNMENT                    for submit TO=openhpi: the exercise's id (its token in OPENHPI_TOKEN)
#: SUBMISSIONS                   for grade: a folder or a zip of all teams' files, also Moodle's or nbgrader's
#: LABELS                        for grade: a CSV of ids and true labels, or Kaggle's solution file
#: FINAL         0               1: grade shows the private scores too
#: EXERCISE                      for course: only this one, 1 to 5
#: DRY           0               1: submit shows what it would send, and stops
#: YES           0               1: submit does not ask
#: FORCE         0               1: submit sends the same bytes once more
#: KAGGLE_USER                   for kernel: your name on Kaggle; by default as the credentials say
#: ACCELERATOR   none            for kernel: gpu is switched on there, but not used yet
#: STUDY                         postgresql://user@host:port/database, a study that a team shares
#: MEMBER                        who you are to the team; by default user@host
#: ARTIFACTS                     a folder that the whole team sees, for the networks
#: HOST          127.0.0.1       for serve: the address to listen on
#: PORT                          for serve (5433) and dashboard (8080)
#: BENCH_BUDGET  3m              for bench: wall-clock time of each tool in each round
#: PYTHON        python3         the interpreter that .venv is made with (3.11 to 3.13)

# The rows of the search space are variables of try; WIDTHS says depth and widths together.
SPACE := src/catwalk/models/space.py
ROWS := $(filter-out depth,$(shell sed -n '/^SPACE/,/^}/s/^    "\([a-z_]*\)": .*/\1/p' $(SPACE)))
upper = $(shell echo '$(1)' | tr a-z A-Z)

quoted = '$(subst ','\'',$(1))'

# A variable typed on the command line that is not in the table is a mistake; make would pass over it.
KNOWN := $(shell sed -n 's/^.: \([A-Z_]*\).*/\1/p' Makefile) $(call upper,$(ROWS))
typed = $(if $(filter command,$(firstword $(origin $(1)))),$(1))
NAMES := $(foreach word,$(MAKEOVERRIDES),$(call typed,$(firstword $(subst =, ,$(subst :, ,$(word))))))
UNKNOWN := $(filter-out $(KNOWN) BIN SHELL MAKE MAKEFLAGS,$(if $(filter 0,$(MAKELEVEL)),$(NAMES)))
NEAREST = import difflib, sys; print(*difflib.get_close_matches(sys.argv[1].upper(), sys.argv[2:], 1, .5))
ifneq ($(UNKNOWN),)
  near := $(shell $(PYTHON) -I -c '$(NEAREST)' $(call quoted,$(firstword $(UNKNOWN))) $(KNOWN) 2> /dev/null)
  $(error there is no variable $(firstword $(UNKNOWN))$(near:%=, did you mean %?) (make alone lists them all))
endif

# Another tool's PYTHONPATH would hide modules of this environment: only what lies in this checkout stays,
# and nothing where .venv/bin/catwalk is called without make.
blank := $() $()
export PYTHONPATH := $(subst $(blank),:,$(strip $(filter src $(CURDIR)/%,$(subst :, ,$(PYTHONPATH)))))
unexport PYTHONHOME

flag = $(if $($(1)),--$(2) $(call quoted,$($(1))))
named = $(if $(filter command,$(firstword $(origin NAME))),$(call flag,NAME,name))

COMMON = $(call flag,COMPETITION,competition)
MAKING = $(COMMON) $(call flag,SOURCE,source)
SEEDED = $(MAKING) $(call flag,SEED,seed)
TEAM = $(call flag,STUDY,study) $(call flag,MEMBER,member) $(call flag,ARTIFACTS,artifacts)
SEARCHING = $(SEEDED) $(TEAM) $(call flag,BUDGET,budget) $(call flag,TRIALS,trials) \
            $(call flag,UNTIL,until) $(call flag,WORKERS,workers) $(call flag,FEATURES,features)
TRYING = $(SEEDED) $(TEAM) $(call flag,FEATURES,features) $(call flag,WIDTHS,widths) \
         $(foreach row,$(ROWS),$(call flag,$(call upper,$(row)),$(subst _,-,$(row))))
# Only as make's own variables, never from the environment: YES may be set there for something else.
given = $(if $(filter command,$(firstword $(origin $(1)))),$($(1)))
on = $(if $(filter-out 0,$(call given,$(1))),--$(2))
SENDING = $(if $(call given,TO),$(call flag,TO,to)) $(call flag,ASSIGNMENT,assignment) $(call on,DRY,dry) $(call on,YES,yes) $(call on,FORCE,force)
# Some shells have a HOST of their own in the environment.
LISTENING = $(if $(call given,HOST),$(call flag,HOST,host)) $(if $(call given,PORT),$(call flag,PORT,port))
CHOSEN = $(COMMON) $(call flag,SUBMISSION,submission)

.PHONY: help setup all data prepare search try predict report submit kaggle kernel wheel score reproduce leaderboard grade course serve dashboard test test-all test-notebooks lint audit bench speed trust lock clean
.DELETE_ON_ERROR:

help:
	@echo 'make <target> [VARIABLE=value ...]'
	@echo
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  \1|\2/p' Makefile | awk -F'|' '{printf "%-15s %s\n", $$1, $$2}'
	@echo
	@echo '  variable      default         meaning'
	@sed -n 's/^#: /  /p' Makefile
	@sed -n '/^SPACE/,/^}/s/^    "\([a-z_]*\)": ("\([a-z ]*\)", \[\(.*\)\]),  # \(.*\)/\1|\2|\3|\4/p' $(SPACE) | tr -d '"' | \
	  awk -F'|' '$$1 != "depth" {if ($$2 == "one of") of = "one of "; else {of = ""; sub(/, /, " to ", $$3)}; \
	    printf "  %-15s               for try: %s: %s%s\n", toupper($$1), $$4, of, $$3}'

setup: .venv/installed ## install the locked packages into .venv (the other targets do it when needed)

all: .venv/installed ## data, prepare, search, predict, report: the main job
	@$(BIN)/catwalk all $(SEARCHING) $(named)

data: .venv/installed ## download the competition's CSVs, or take them from SOURCE=
	@$(BIN)/catwalk data $(MAKING)

prepare: .venv/installed ## CSVs to arrays, a train/validation split, sealed test labels
	@$(BIN)/catwalk prepare $(SEEDED)

search: .venv/installed ## search for good networks until BUDGET or TRIALS is used up
	@$(BIN)/catwalk search $(SEARCHING)

try: .venv/installed ## train one net of your own choice: WIDTHS=512,256 DROPOUT=0.3 ...
	@$(BIN)/catwalk try $(TRYING)

predict: .venv/installed ## average the best networks and write the submission's CSV
	@$(BIN)/catwalk predict $(SEARCHING) $(named)

report: .venv/installed ## make the talk (HTML, PDF) and the notebook that show the results
	@$(BIN)/catwalk report $(SEARCHING) $(call flag,SUBMISSION,submission)

submit: .venv/installed ## upload a submission to Kaggle, and wait for its score
	@$(BIN)/catwalk submit $(CHOSEN) $(SENDING)

kaggle: .venv/installed ## which Kaggle credential would be used, and from where
	@$(BIN)/catwalk kaggle

kernel: .venv/installed ## write a Kaggle notebook that runs all of it there, and say how it is pushed
	@$(BIN)/catwalk kernel $(COMMON) $(call flag,KAGGLE_USER,user) $(call flag,ACCELERATOR,accelerator) $(call flag,BUDGET,budget)

wheel: .venv/installed ## build catwalk's wheel, and the notebook that holds it, into dist/
	@$(BIN)/catwalk wheel $(COMMON)

score: .venv/installed ## a submission against the sealed test labels (each look is logged)
	@$(BIN)/catwalk score $(CHOSEN)

reproduce: .venv/installed ## train a submission's networks again from its recipe, and compare
	@$(BIN)/catwalk reproduce $(MAKING) $(call flag,SUBMISSION,submission)

leaderboard: .venv/installed ## all submissions side by side
	@$(BIN)/catwalk leaderboard $(COMMON)

grade: .venv/installed ## every team's CSV in SUBMISSIONS= against the labels: leaderboard, grades
	@$(BIN)/catwalk grade $(COMMON) $(call flag,SUBMISSIONS,submissions) $(call flag,LABELS,labels) $(call on,FINAL,final)

course: .venv/installed ## execute the five course exercises' notebooks (under 20 minutes)
	@$(BIN)/catwalk course $(COMMON) $(call flag,EXERCISE,exercise) $(call flag,BUDGET,budget)

serve: .venv/installed ## start the PostgreSQL in which a team shares its study, until Ctrl-C
	@$(BIN)/catwalk serve $(COMMON) $(LISTENING)

dashboard: .venv/installed ## show the study in the browser (optuna-dashboard), until Ctrl-C
	@$(BIN)/catwalk dashboard $(COMMON) $(TEAM) $(if $(call given,PORT),$(call flag,PORT,port))

test: .venv/dev ## the quick tests, one whole run from no data to the talk among them (5 minutes)
	@$(BIN)/pytest -m 'not slow'

test-all: .venv/dev ## all tests: kills, faults, team, course, fuzzing (40 minutes)
	@$(BIN)/pytest

test-notebooks: .venv/dev ## the notebook with Kaggle's and Colab's packages, and pyproject's lower bounds (30 minutes)
	@IMAGES=all $(BIN)/pytest tests/course/test_images.py tests/course/test_notebooks.py

lint: .venv/dev ## ruff (lint and format), mypy, deptry (imports and declared packages), import-linter
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/deptry src
	@$(BIN)/lint-imports --no-logo

audit: .venv/dev ## known weaknesses of the locked packages (pip-audit)
	@$(BIN)/python -m verification.audit

bench: .venv/dev .venv-bench/installed ## catwalk beside its peers, each with BENCH_BUDGET, in three rounds
	@$(BIN)/python -m benchmarks.bench $(call flag,BENCH_BUDGET,budget)

speed: .venv/dev ## benchmarks: the engine, reading CSVs, cost of coordination, workers (two hours)
	@$(BIN)/python -m benchmarks.engine
	@$(BIN)/python -m benchmarks.growth
	@$(BIN)/python -m benchmarks.csv_reader
	@$(BIN)/python -m benchmarks.coordination
	@$(BIN)/python -m benchmarks.workers scaling
	@$(BIN)/python -m benchmarks.workers memory
	@$(BIN)/python -m benchmarks.workers long
	@$(BIN)/python -m benchmarks.numpy_network
	@$(BIN)/python -m benchmarks.performance

trust: .venv/dev ## what SECURITY.md and docs/promises.md promise, proved in full (some hours)
	@$(BIN)/python -m verification.promises

.venv-bench/installed: benchmarks/requirements.txt
	@echo 'setting up .venv-bench with the peers (once)'
	@$(PYTHON) -m venv .venv-bench
	@.venv-bench/bin/pip install --disable-pip-version-check -q --require-hashes -r benchmarks/requirements.txt
	@touch $@

COMPILE = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --custom-compile-command 'make lock'
lock: ## compile all requirements*.txt anew, from one resolution (needs uv)
	@cat requirements.txt requirements-*.txt > .all.txt
	$(COMPILE) --all-extras --output-file .all.txt pyproject.toml
	$(COMPILE) --extra build --constraint .all.txt --output-file requirements.txt pyproject.toml
	for extra in team course dev; do \
	  $(COMPILE) --extra $$extra --constraint .all.txt --output-file requirements-$$extra.txt pyproject.toml \
	    $$(sed -n 's/^\([a-z0-9.-]*\)==.*/--no-emit-package \1/p' requirements.txt) || exit 1; \
	done
	@rm .all.txt
	cd benchmarks && $(COMPILE) --output-file requirements.txt requirements.in

clean: ## remove .venv, .images, caches, tables and half-written files; never data, studies, submissions or looks
	rm -rf .venv .venv-bench .images .pytest_cache .mypy_cache .ruff_cache .hypothesis
	rm -f data/*/prepared/features-*.npy
	rm -rf data/*/.part-* data/*/.download data/*/*/.*.part* data/*/study/kept/*/.*.part* submissions/*/.*.part* submissions/*/*/.*.part*
	find src tests benchmarks verification -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/installed: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
	  || { echo 'catwalk needs Python 3.11 to 3.13: set PYTHON= to one of them'; exit 2; }
	@echo 'setting up .venv (once; TensorFlow is large, this takes a minute or two)'
	@$(PYTHON) -m venv .venv \
	  || { echo 'the module venv is missing: on Debian and Ubuntu, apt install python3-venv'; exit 2; }
	@$(BIN)/pip install --disable-pip-version-check -q --require-hashes -r requirements.txt
	@PYTHONWARNINGS=ignore $(BIN)/pip install --disable-pip-version-check -q --no-deps --no-build-isolation -e .
	@printf '#!/bin/sh\nunset PYTHONPATH PYTHONHOME\nexec "%s/.venv/bin/python" -P -m catwalk "$$@"\n' '$(CURDIR)' > .venv/bin/catwalk
	@touch $@

.venv/dev: .venv/installed requirements-dev.txt
	@echo 'adding what tests, lint and benchmarks need to .venv (once)'
	@$(BIN)/pip install --disable-pip-version-check -q --no-deps --require-hashes -r requirements-dev.txt
	@touch $@
