# Passes variables on as the command's options; unknown variables and targets are refused.

# The parameters of the search space are variables of try; WIDTHS sets depth and widths.
SPACE := src/catwalk/models/space.py
ROWS := $(filter-out depth,$(shell sed -n '/^SPACE/,/^}/s/^    "\([a-z_]*\)": .*/\1/p' $(SPACE)))
upper = $(shell echo '$(1)' | tr a-z A-Z)

quoted = '$(subst ','\'',$(1))'

# A variable typed on the command line that is not in the table is a mistake; make would ignore it.
KNOWN := $(shell sed -n 's/^.: \([A-Z_]*\).*/\1/p' Makefile tools/options.mk) $(call upper,$(ROWS))
typed = $(if $(filter command,$(firstword $(origin $(1)))),$(1))
NAMES := $(if $(filter 0,$(MAKELEVEL)), \
           $(foreach word,$(MAKEOVERRIDES),$(call typed,$(firstword $(subst =, ,$(subst :, ,$(word)))))))
UNKNOWN := $(filter-out $(KNOWN) BIN SHELL MAKE MAKEFLAGS,$(NAMES))
NEAREST = import difflib, sys; names = {name.lower(): name for name in sys.argv[2:]}; \
  print(*map(names.get, difflib.get_close_matches(sys.argv[1].lower(), names, 1, .5)))
nearest = $(shell $(PYTHON) -I -c '$(NEAREST)' $(call quoted,$(1)) $(2) 2> /dev/null)
# As the search's display and the recipes name them; the nearest name would be that of another parameter.
LAYERS := $(firstword $(filter DEPTH WIDTH_% depth width_%,$(UNKNOWN)))
ifneq ($(LAYERS),)
  $(error there is no variable $(LAYERS): WIDTHS=512,256 sets the layers of try)
endif
ifneq ($(UNKNOWN),)
  near := $(call nearest,$(firstword $(UNKNOWN)),$(KNOWN))
  $(error there is no variable $(firstword $(UNKNOWN))$(near:%=, did you mean %?) (make alone lists them all))
endif

# Before any target runs: make itself would run those before a word that is none.
GOALS := $(or $(MAKECMDGOALS),help)
STRAY := $(filter-out $(TARGETS) .% $(wildcard $(GOALS)),$(GOALS))
ifneq ($(STRAY),)
  near := $(call nearest,$(firstword $(STRAY)),$(TARGETS))
  none := there is no target $(firstword $(STRAY))$(near:%=, did you mean %?)
  $(error $(none) (make alone lists them all; after a variable's = there is no space))
endif

# Other variables that a target does not take do no harm. Without these two it would go on with something else than was
# meant: send or score the newest submission, or grade by the sealed labels.
ifneq ($(and $(filter NAME,$(NAMES)),$(if $(filter all predict blend help,$(GOALS)),,refused)),)
  $(error NAME= names the new submission of all, predict or blend: to choose one, write SUBMISSION=)
endif
ifneq ($(and $(filter LABEL,$(NAMES)),$(filter grade,$(GOALS))),)
  $(error LABEL= names a column, for new and all: for a file of labels, write LABELS=)
endif

# Another tool's PYTHONPATH would hide modules of this environment: only folders of this checkout stay,
# and nothing where .venv/bin/catwalk is called without make.
blank := $() $()
export PYTHONPATH := $(subst $(blank),:,$(strip $(filter src $(CURDIR)/%,$(subst :, ,$(PYTHONPATH)))))
unexport PYTHONHOME

flag = $(if $($(1)),--$(2) $(call quoted,$($(1))))
named = $(if $(filter command,$(firstword $(origin NAME))),$(call flag,NAME,name))

COMMON = $(call flag,COMPETITION,competition)
MAKING = $(COMMON) $(call flag,SOURCE,source)
SEEDED = $(MAKING) $(call flag,SEED,seed)
#: STUDY                         postgresql://user@host:port/database, a study that a team shares
#: MEMBER                        your name in the team; by default user@host
#: ARTIFACTS                     a folder for the networks, which the whole team can access
TEAM = $(call flag,STUDY,study) $(call flag,MEMBER,member) $(call flag,ARTIFACTS,artifacts)
SEARCHING = $(SEEDED) $(TEAM) $(call flag,BUDGET,budget) $(call flag,TRIALS,trials) \
            $(call flag,UNTIL,until) $(call flag,WORKERS,workers) $(call flag,FEATURES,features) \
            $(call flag,MODELS,models) $(call flag,FOLDS,folds)
TRYING = $(SEEDED) $(TEAM) $(call flag,FEATURES,features) $(call flag,MODELS,models) $(call flag,WIDTHS,widths) \
         $(foreach row,$(ROWS),$(call flag,$(call upper,$(row)),$(subst _,-,$(row))))
# Only as make's own variables, never from the environment: YES may be set there for something else.
given = $(if $(filter command,$(firstword $(origin $(1)))),$($(1)))
# 1 is yes, 0 or nothing is no. Any other word, such as YES=no, is refused instead of being taken for one of them.
switch = $(if $(filter-out 0 1,$(2)),$(error $(1)=$(2): write $(1)=1 or $(1)=0))$(if $(filter 1,$(2)),--$(3))
on = $(call switch,$(1),$(call given,$(1)),$(2))
# What decides where the files of a new competition leave a doubt.
#: TRAIN                         for new: the file with the training data; by default found by itself, as the next four
#: TEST                          for new: the test file, or the share that is held out (0.15)
#: LABEL                         for new: the label column's name, or first or last
#: ID                            for new: the test's id column
#: SHAPE                         for new: of a picture: 28x28, 28x28x3, or 3x28x28 for planes
#: TRANSPOSE                     for new: true where the files hold the pictures lying on their side
LOOKING = $(foreach word,train test label id shape transpose,$(if $(call given,$(call upper,$(word))),$(call flag,$(call upper,$(word)),$(word))))
#: TO                            for submit: a Kaggle competition's name or URL, or openhpi
#: ASSIGNMENT                    for submit TO=openhpi: the exercise's id (its token in OPENHPI_TOKEN)
#: DRY           0               1: submit shows what it would send, but sends nothing
#: YES           0               1: submit does not ask for confirmation
#: FORCE         0               1: submit sends a file even if it was sent before
# DRY counts in the environment too: with it nothing is sent.
SENDING = $(if $(call given,TO),$(call flag,TO,to)) $(call flag,ASSIGNMENT,assignment) \
          $(call switch,DRY,$(DRY),dry) $(call on,YES,yes) $(call on,FORCE,force)
#: HOST          127.0.0.1       for serve: the address to listen on
#: PORT                          the port for serve (5433) and dashboard (8080)
# Some shells have a HOST of their own in the environment.
LISTENING = $(call flag,SEED,seed) $(call flag,FEATURES,features) $(call flag,MODELS,models) \
            $(if $(call given,HOST),$(call flag,HOST,host)) $(if $(call given,PORT),$(call flag,PORT,port))
CHOSEN = $(COMMON) $(call flag,SUBMISSION,submission)
