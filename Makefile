# Every target calls the package's command `catwalk`, which works without make too.
# Runs on GNU Make 3.81 (macOS). `make` alone prints all targets and variables.

SHELL := /bin/sh
PYTHON ?= python3
BIN := .venv/bin

# Variables: name, default, what it is. NAME counts only on make's command line: some systems
# (Windows' WSL) have an environment variable NAME that means something else.
#: COMPETITION   fashion-mnist   which of competitions/*.toml
#: SOURCE        auto            kaggle, debian, keras, sklearn, a folder or zip; for new also a CSV or Kaggle's address
#: BUDGET        10m             total wall-clock time of the search: 90s, 10m, 2h; a larger value continues it
#: TRIALS                        total number of finished trials, instead of the default budget
#: UNTIL                         instead: a time today (14:40) by which prediction and report must finish
#: WORKERS                       worker processes; by default one per GPU, else per core as memory allows
#: FEATURES      auto            or pixels: raw pixels only
#: MODELS        dense           or conv: convolutional networks, or all: both
#: FOLDS         auto            5 or 10: train the best in folds after the search, so that all labelled rows validate
#: SEED          1               random seed of the split, the sampler and the networks
#: NAME                          the new submission's name; by default time and hash
#: SUBMISSION                    for score, submit, report, reproduce; by default the newest (report: that is no blend)
#: PARTS                         for blend: two or more submissions, folders with test.npz, or CSVs, such as a,b
#: WIDTHS                        for try: units of up to three hidden layers, such as 512,256; 0 for none
#: SUBMISSIONS                   for grade: a folder or a zip of all teams' files, also Moodle's or nbgrader's
#: LABELS                        for grade: a CSV of ids and true labels, or Kaggle's solution file
#: FINAL         0               1: grade shows the private scores too
#: EXERCISE                      for course: run only this exercise, 1 to 5
#: KAGGLE_USER                   for kernel: your Kaggle user name; by default from the credentials
#: ACCELERATOR   none            for kernel: gpu trains on a GPU, which counts against the Kaggle quota
#: BENCH_BUDGET  3m              for bench: wall-clock time of each tool in each round
#: PYTHON        python3         the interpreter for .venv (3.11 to 3.13)

TARGETS := help setup new all data prepare search try predict blend report submit kaggle kernel wheel score \
           reproduce leaderboard grade course serve dashboard test test-slow test-all test-notebooks lint audit \
           bench speed trust lock clean
.PHONY: $(TARGETS)

include tools/options.mk

.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

setup: .venv/installed ## install the locked packages into .venv (the other targets do it when needed)

new: .venv/installed ## look at a new competition's files in SOURCE=, and write its TOML
	@$(BIN)/catwalk new $(MAKING) $(LOOKING)

all: .venv/installed ## the whole pipeline: data, prepare, search, predict, report
	@$(BIN)/catwalk all $(SEARCHING) $(LOOKING) $(named)

data: .venv/installed ## download the competition's CSVs, or take them from SOURCE=
	@$(BIN)/catwalk data $(MAKING)

prepare: .venv/installed ## convert the CSVs to arrays, split train and validation, hide the test labels until scoring
	@$(BIN)/catwalk prepare $(SEEDED)

search: .venv/installed ## search for good networks until BUDGET or TRIALS is reached
	@$(BIN)/catwalk search $(SEARCHING)

try: .venv/installed ## train one network of your choice: WIDTHS=512,256 DROPOUT=0.3 ...
	@$(BIN)/catwalk try $(TRYING)

predict: .venv/installed ## average the best networks and write the submission's CSV
	@$(BIN)/catwalk predict $(SEARCHING) $(named)

blend: .venv/installed ## join submissions, also teammates' files, into a new one: PARTS=a,b
	@$(BIN)/catwalk blend $(MAKING) $(call flag,PARTS,parts) $(named)

report: .venv/installed ## make the talk (HTML, PDF) and the notebook that show the results
	@$(BIN)/catwalk report $(SEARCHING) $(call flag,SUBMISSION,submission)

submit: .venv/installed ## upload a submission to Kaggle, and wait for its score
	@$(BIN)/catwalk submit $(CHOSEN) $(SENDING)

kaggle: .venv/installed ## show which Kaggle credential would be used, and where it comes from
	@$(BIN)/catwalk kaggle

kernel: .venv/installed ## write a Kaggle notebook that runs the pipeline there, and print how to push it
	@$(BIN)/catwalk kernel $(COMMON) $(call flag,KAGGLE_USER,user) $(call flag,ACCELERATOR,accelerator) \
		$(call flag,BUDGET,budget) $(call flag,SEED,seed) $(call flag,FEATURES,features) \
		$(call flag,MODELS,models) $(call flag,FOLDS,folds)

wheel: .venv/installed ## build catwalk's wheel, and the notebook that contains it, in dist/
	@$(BIN)/catwalk wheel $(COMMON)

score: .venv/installed ## score a submission on the test labels, hidden until now (each look is logged)
	@$(BIN)/catwalk score $(CHOSEN)

reproduce: .venv/installed ## retrain a submission's networks from its recipe, and compare
	@$(BIN)/catwalk reproduce $(MAKING) $(call flag,SUBMISSION,submission) $(call flag,WORKERS,workers)

leaderboard: .venv/installed ## compare all submissions in a table
	@$(BIN)/catwalk leaderboard $(COMMON)

grade: .venv/installed ## score every team's CSV in SUBMISSIONS=: leaderboard, grades
	@$(BIN)/catwalk grade $(COMMON) $(call flag,SUBMISSIONS,submissions) $(call flag,LABELS,labels) $(call on,FINAL,final)

course: .venv/installed ## execute the notebooks of the five course exercises (10 minutes)
	@$(BIN)/catwalk course $(COMMON) $(call flag,EXERCISE,exercise) $(call flag,BUDGET,budget) $(call flag,MODELS,models)

serve: .venv/installed ## run the PostgreSQL server in which a team shares its study, until Ctrl-C
	@$(BIN)/catwalk serve $(COMMON) $(LISTENING)

dashboard: .venv/installed ## show the study in the browser (optuna-dashboard), until Ctrl-C
	@$(BIN)/catwalk dashboard $(COMMON) $(TEAM) $(if $(call given,PORT),$(call flag,PORT,port))

include tools/help.mk tools/development.mk tools/setup.mk
