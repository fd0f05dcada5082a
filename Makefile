# `make` lists what there is to make. Nothing but Python 3.11 or newer and make has to be there.

SHELL := /bin/sh
.DEFAULT_GOAL := help

venv := .venv
bin := $(venv)/bin
# Console scripts name their interpreter by its full path: a checkout that moved needs its .venv made anew.
here := $(shell pwd | cksum | cut -d ' ' -f 1)
made := $(venv)/.made-$(here)
for_run := $(venv)/.run-$(here)
for_dev := $(venv)/.dev-$(here)
for_bench := $(venv)/.bench-$(here)
for_supply := $(venv)/.supply-$(here)
supply := $(venv)/supply/bin

pip := $(bin)/python -m pip --quiet --disable-pip-version-check --no-input
install := $(pip) install --require-hashes
editable := $(pip) install --no-deps --no-build-isolation --editable .
container := $(shell command -v docker || command -v podman || echo docker)

# What the labels of an image say: of the commit, or of SOURCE_DATE_EPOCH where there is no git. Never the time of day.
epoch = $(or $(SOURCE_DATE_EPOCH),$(shell git log -1 --format=%ct 2>/dev/null),0)
revision = $(shell git rev-parse HEAD 2>/dev/null)$(if $(shell git status --porcelain 2>/dev/null),-dirty)
labels = --build-arg VERSION=$(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml) \
	--build-arg REVISION=$(revision) \
	--build-arg CREATED=$(shell date -u -d @$(epoch) +$(iso) 2>/dev/null || date -u -r $(epoch) +$(iso))
iso := %Y-%m-%dT%H:%M:%SZ

##@ Use
.PHONY: run
run: $(for_run) ## Run the service, with a PostgreSQL of its own if no database URL is set
	@exec $(bin)/todo serve

.PHONY: image
image: ## Build the container image todo:latest, labelled with the commit
	$(container) build --tag todo:latest $(labels) .

##@ Work
.PHONY: test
test: lint types ## Run lint, types, import contracts and the tests; ALL=1 is with those that are slow
	@$(bin)/python -m pytest --numprocesses=auto --dist=loadfile $(if $(ALL),,-m "not slow and not prove")

.PHONY: prove
prove: $(for_dev) ## Run the long proofs: more generated tests, longer races, more faults
	@$(bin)/python -m pytest -m prove

.PHONY: bench
bench: $(for_bench) ## Measure how fast it is, and show it: SMALL=1 is a quick look, PARTS=ops,growth,crowd,start, SOAK=600
	@$(bin)/python -m benchmarks $(if $(SMALL),--small) $(if $(PARTS),--parts $(PARTS)) $(if $(SOAK),--soak $(SOAK)) $(OPTIONS)

.PHONY: check
check: lint types ## Run the quick part: lint, types, import contracts and unit tests
	@$(bin)/python -m pytest tests/unit

.PHONY: lint
lint: $(for_dev) ## Check style and the import contracts
	@$(bin)/ruff check
	@$(bin)/ruff format --check
	@$(bin)/lint-imports --no-logo

.PHONY: types
types: $(for_dev) ## Check types, and that no returned value is dropped in domain and application
	@$(bin)/mypy
	@$(bin)/basedpyright --project pyproject.toml

.PHONY: format
format: $(for_dev) ## Format the code and mend what ruff can mend
	@$(bin)/ruff format
	@$(bin)/ruff check --fix

.PHONY: settings
settings: $(for_dev) ## Write docs/settings.md anew, from the class of the settings
	@$(bin)/todo settings > docs/settings.md

.PHONY: pins
pins: $(for_dev) ## Write requirements/*.txt anew; `make pins UPGRADE=1` takes the newest releases
	@$(pip) install uv
	@$(pin) --extra embedded --group dev --output-file requirements/dev.txt
	@$(pin) --extra embedded --constraints requirements/dev.txt --output-file requirements/embedded.txt
	@$(pin) --constraints requirements/dev.txt --output-file requirements/runtime.txt
	@$(pin_group) build --constraints requirements/dev.txt --output-file requirements/build.txt
	@$(pin_group) compose --output-file requirements/compose.txt
	@$(pin_group) bench --constraints requirements/dev.txt --output-file requirements/bench.txt
	@$(pin_group) supply --output-file requirements/supply.txt

pin_options := --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
	--custom-compile-command 'make pins' $(if $(UPGRADE),--upgrade)
pin := $(bin)/uv pip compile pyproject.toml $(pin_options)
pin_group := $(bin)/uv pip compile $(pin_options) --group

.PHONY: audit
audit: $(for_supply) ## Ask whether weaknesses are known of anything that is pinned
	@for pins in $(basename $(notdir $(wildcard requirements/*.txt))); do \
		echo "requirements/$$pins.txt:"; \
		$(supply)/pip-audit --strict --disable-pip --require-hashes --progress-spinner off \
			--requirement requirements/$$pins.txt || exit; \
	done

.PHONY: sbom
sbom: $(for_supply) ## Write dist/sbom.json: what the image contains, and under which licences (CycloneDX)
	@mkdir -p dist
	@$(bin)/python -m venv --clear --without-pip $(venv)/as-shipped
	@$(pip) --python $(venv)/as-shipped/bin/python install --require-hashes --requirement requirements/runtime.txt
	@$(supply)/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible --output-format JSON \
		--output-file dist/sbom.json $(venv)/as-shipped/bin/python
	@echo "Wrote dist/sbom.json."

.PHONY: versions
versions: ## Try the service with each supported Python that is installed here
	@bash .ci/versions

.PHONY: clean
clean: ## Remove .venv, caches and builds; the data in .data stays
	@rm -rf $(venv) dist .coverage htmlcov .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find src tests -type d -name __pycache__ -prune -exec rm -rf {} +

.PHONY: help
help: ## List these targets
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# A name on the PATH may be too old, a shim with nothing behind it, or lack the parts that make a .venv: try each.
$(made):
	@newer='import sys; sys.exit(sys.version_info < (3, 11))'; found=; \
	for python in $(PYTHON) python3.14 python3.13 python3.12 python3.11 python3 python; do \
		"$$python" -c "$$newer" 2>/dev/null || continue; \
		found=$$python; \
		"$$python" -c 'import ensurepip, venv' 2>/dev/null || continue; \
		echo "Making $(venv) with $$("$$python" --version) ..."; \
		"$$python" -m venv --clear $(venv) && touch $@; \
		exit; \
	done; \
	if [ "$$found" ]; then \
		echo "$$found cannot make a virtual environment: install its venv and ensurepip (on Debian and Ubuntu the package python3-venv)." >&2; \
	else \
		echo "Python 3.11 or newer is needed, and none was found: install one, or name it with make PYTHON=/path/to/python." >&2; \
	fi; \
	exit 1

$(for_run): $(made) pyproject.toml requirements/embedded.txt requirements/build.txt
	@echo "Installing the service into $(venv) (about a minute, once) ..."
	@$(install) --requirement requirements/embedded.txt --requirement requirements/build.txt
	@$(editable)
	@touch $@

$(for_dev): $(made) pyproject.toml requirements/dev.txt
	@echo "Installing the service and its tools into $(venv) (about two minutes, once) ..."
	@$(install) --requirement requirements/dev.txt
	@$(editable)
	@touch $@

$(for_supply): $(made) requirements/supply.txt
	@echo "Installing what looks after dependencies into $(venv)/supply ..."
	@$(bin)/python -m venv --clear $(venv)/supply
	@$(pip) --python $(supply)/python install --require-hashes --requirement requirements/supply.txt
	@touch $@

$(for_bench): $(for_run) requirements/bench.txt
	@echo "Installing what the benchmark compares with into $(venv) ..."
	@$(install) --requirement requirements/bench.txt
	@touch $@
