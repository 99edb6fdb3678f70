# Shouji: every task by one name. `make help` lists them.
PYTHON ?= python3
VENV ?= .venv
PYTEST_ARGS ?=
BENCH_ARGS ?=
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes
VENDOR := console/static/vendor/.made
INTEROP := tests/interop/node
# Hundreds of processes start in a test run: each would compile all of our code again.
unexport PYTHONDONTWRITEBYTECODE
export PATH := $(PATH):/usr/local/sbin:/usr/sbin:/sbin

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup setup-test demo run test test-all pages lint format bench soak lock clean system-run system-test

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

setup: $(VENV)/.runtime $(VENDOR) ## Install all that the server needs (system packages, Python, browser assets)

setup-test: $(VENV)/.test $(VENDOR) $(INTEROP)/node_modules/.made ## Install what the tests need on top (PostgreSQL, Chromium, fonts, linters)

demo: setup ## Run the server with a sample company and 25 simulated phones; Ctrl-C stops all of it
	$(BIN)/python -m demo

run: setup ## Run the server: broker, web and worker; the first start prints a setup link
	$(BIN)/flask serve

test: setup-test ## Run all tests (PYTEST_ARGS="tests/mqtt -x" for some of them)
	$(BIN)/python -m pytest -n 4 $(PYTEST_ARGS)

test-all: setup-test ## Run all tests, those with whole servers on both databases instead of on one each
	$(BIN)/python -m pytest -n 4 --every-database $(PYTEST_ARGS)

pages: setup-test ## Open every page in all languages, themes and widths, and photograph it into var/pages
	$(BIN)/python -m pytest -n 2 --dist=load --every-variant tests/console/test_every_page.py

lint: setup-test ## Check style, types, dependencies, security, directions of imports and the AsyncAPI document
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/deptry .
	$(BIN)/bandit --quiet --recursive --configfile pyproject.toml .
	$(BIN)/python -m pytest -q tests/test_architecture.py tests/protocol/test_asyncapi.py

format: setup-test ## Rewrite the code in the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup-test ## Measure the speeds that we promise, as ratios in one run (BENCH_ARGS="--only pages" for some; DATA=FILE: keywords on these texts)
	$(BIN)/python -m bench $(if $(DATA),--data $(DATA)) $(BENCH_ARGS)

soak: setup-test ## Run phones and faults for a long time and count what was lost
	$(BIN)/python -m pytest -q tests/faults --every-database --phones 500 --broker-away 60

lock: ## Write requirements*.txt from their .in files; UPGRADE=1 takes newer versions (needs uv)
	scripts/lock.sh $(if $(UPGRADE),--upgrade)

clean: ## Remove all that setup made; the data folder var/ stays
	rm -rf $(VENV) node_modules $(INTEROP)/node_modules console/static/vendor .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -not -path './var/*' -prune -exec rm -rf {} +

system-run:
	@PYTHON=$(PYTHON) scripts/system_packages.sh run

system-test:
	@PYTHON=$(PYTHON) scripts/system_packages.sh test

$(BIN)/python: | system-run
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements.txt | $(BIN)/python system-run
	@echo "Installing Python packages into $(VENV)"
	@$(PIP) --requirement requirements.txt
	@touch $@

# The test lock holds the runtime lock, so one installation brings both.
$(VENV)/.test: requirements-dev.txt requirements.txt | $(BIN)/python system-test
	@echo "Installing Python packages, those of the tests too, into $(VENV)"
	@$(PIP) --requirement requirements-dev.txt
	@touch $(VENV)/.runtime $@

$(VENDOR): package.json package-lock.json scripts/vendor_assets.sh | system-run
	@echo "Installing browser assets"
	@scripts/vendor_assets.sh
	@touch $@

# The phone in JavaScript of tests/interop; no package runs a script of its own.
$(INTEROP)/node_modules/.made: $(INTEROP)/package.json $(INTEROP)/package-lock.json | system-run
	@echo "Installing the packages of the JavaScript phone"
	@cd $(INTEROP) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@
