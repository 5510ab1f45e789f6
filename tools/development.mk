# Targets for developers of catwalk itself; CONTRIBUTING.md says when.

# Two processes of pytest-xdist; tests/conftest.py says which tests stay together, and their order.
TWO = --numprocesses 2 --dist loadgroup --no-loadscope-reorder

test: .venv/dev ## run the quick tests, including a whole run from the download to the talk (3 minutes)
	@$(BIN)/pytest -m 'not slow' $(TWO)

test-slow: .venv/dev ## run the slow tests: kills, faults, team, course, fuzzing (15 minutes)
	@$(BIN)/pytest -m 'slow and not alone' $(TWO)
	@$(BIN)/pytest -m alone

test-all: .venv/dev ## run all tests (18 minutes)
	@$(BIN)/pytest -m 'not alone' $(TWO)
	@$(BIN)/pytest -m alone

test-notebooks: .venv/dev ## test the notebook with the packages of Kaggle and Colab, and pyproject's lower bounds (30 minutes)
	@IMAGES=all $(BIN)/pytest tests/course/test_images.py tests/course/test_notebooks.py

lint: .venv/dev ## run ruff (lint and format), mypy, deptry (imports and declared packages), import-linter, sizes
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/deptry src
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python tools/sizes.py

audit: .venv/dev ## check the locked packages for known vulnerabilities (pip-audit)
	@$(BIN)/python -m verification.audit

bench: .venv/dev .venv-bench/installed ## compare catwalk with similar tools, each with BENCH_BUDGET, in three rounds
	@$(BIN)/python -m benchmarks.bench $(call flag,BENCH_BUDGET,budget)
	@$(BIN)/python -m benchmarks.performance
	@$(BIN)/python -m verification.promises --draw

speed: .venv/dev ## run benchmarks: training speed, CSV reading, coordination overhead, workers (two hours)
	@$(BIN)/python -m benchmarks.engine
	@$(BIN)/python -m benchmarks.growth
	@$(BIN)/python -m benchmarks.csv_reader
	@$(BIN)/python -m benchmarks.start
	@$(BIN)/python -m benchmarks.coordination
	@$(BIN)/python -m benchmarks.workers scaling
	@$(BIN)/python -m benchmarks.workers memory
	@$(BIN)/python -m benchmarks.workers long
	@$(BIN)/python -m benchmarks.numpy_network
	@$(BIN)/python -m benchmarks.performance
	@$(BIN)/python -m verification.promises --draw

trust: .venv/dev ## run the proofs in docs/promises.md (some hours); mutants and guided fuzzing run apart, as docs/usage.md says
	@$(BIN)/python -m verification.promises
	@$(BIN)/python -m verification.line_coverage
	@$(BIN)/python -m benchmarks.kills
	@$(BIN)/python -m benchmarks.workers long
	@$(BIN)/python -m benchmarks.performance
	@$(BIN)/python -m verification.promises --draw

COMPILE = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --custom-compile-command 'make lock'
lock: ## recompile all requirements*.txt from one resolution (needs uv)
	@cat requirements.txt requirements-*.txt > .all.txt
	$(COMPILE) --all-extras --output-file .all.txt pyproject.toml
	$(COMPILE) --extra build --constraint .all.txt --output-file requirements.txt pyproject.toml
	for extra in team course dev; do \
	  $(COMPILE) --extra $$extra --constraint .all.txt --output-file requirements-$$extra.txt pyproject.toml \
	    $$(sed -n 's/^\([a-z0-9.-]*\)==.*/--no-emit-package \1/p' requirements.txt) || exit 1; \
	done
	@rm .all.txt
	cd benchmarks && $(COMPILE) --output-file requirements.txt requirements.in
