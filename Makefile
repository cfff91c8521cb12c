# ClearCanvas: every command here sets itself up. `make` alone lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
PYTHON := $(shell command -v python3.12 >/dev/null && python3.12 -c '' 2>/dev/null && echo python3.12 || { command -v python3.11 >/dev/null && python3.11 -c '' 2>/dev/null && echo python3.11; } || echo python3)
# The environment's own programs come first, a Node.js brought by requirements/node.txt among them.
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Without compiled files each of the many processes of a service, or of the tests, would compile all its modules again.
unexport PYTHONDONTWRITEBYTECODE
export BENTOML_DO_NOT_TRACK := True
export ORT_DISABLE_TELEMETRY := 1
NPM_QUIET := --loglevel=error --no-audit --no-fund --ignore-scripts >/dev/null
# Progress bars on a terminal, nothing in a log.
UV_INSTALL := $(BIN)/uv pip install $(shell test -t 2 || echo --quiet) --require-hashes

.PHONY: help
help: ## List the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

.PHONY: serve
serve: $(VENV)/.sandbox node_modules/.stamp examples/node/node_modules/.stamp ## Serve the sandbox: service, two local chains, funded buyer; Ctrl-C stops all: make serve PORT=3001
	@exec $(BIN)/python -m sandbox serve $(if $(PORT),--port $(PORT))

.PHONY: demo
demo: $(VENV)/.sandbox ## Buy one cut-out per rail from a running `make serve`: make demo IMAGE=photo.jpg PORT=3001
	@$(BIN)/python -m sandbox demo "$(or $(IMAGE),$(error say which picture: make demo IMAGE=photo.jpg))" $(if $(PORT),--url http://127.0.0.1:$(PORT))

.PHONY: test
test: setup lint ## Everything CI runs: lint, types, and all tests
	$(BIN)/python -m pytest -n $(PROCESSES) --dist loadgroup -rR -m "not nightly" $(PYTEST)

.PHONY: test-unit
test-unit: $(VENV)/.dev ## The tests that compute in one process: no chain, no service, no Node.js
	$(BIN)/python -m pytest -n $(UNIT_PROCESSES) --dist worksteal -m "unit and not nightly" $(PYTEST)

.PHONY: test-nightly
test-nightly: setup ## What is too long for each change: thousands of examples, forty payments, all attacks and stops, faults, a fuzz
	$(BIN)/python -m pytest -n $(CORES) --dist loadgroup --hypothesis-profile=nightly --timeout=3600 -m property $(PYTEST)
	$(BIN)/python -m pytest -rR --hypothesis-profile=nightly -m nightly $(PYTEST)
	$(BIN)/python -m tests.faults --calls $(or $(N),500) --seed $(or $(SEED),$$RANDOM)
	$(BIN)/python -m tests.fuzz --files $(or $(FILES),20000) --seed $(or $(SEED),$$RANDOM)
CORES := $(shell nproc 2>/dev/null || echo 2)
# Most tests of payments wait for blocks and time-outs; others compute meanwhile (see tests/scheduling.py). Unit tests wait less.
PROCESSES := $(shell echo $$((5 * $(CORES) / 2)))
UNIT_PROCESSES := $(shell echo $$((2 * $(CORES))))

.PHONY: coverage
coverage: $(VENV)/.dev ## Measure which branches the unit tests run; fails below the floor
	$(BIN)/python -m pytest -n $(CORES) --dist worksteal -m unit --cov --cov-report=term:skip-covered --cov-report=html:results/coverage $(PYTEST)

.PHONY: test-training
test-training: .venv-matting/.stamp .venv-render/.stamp ## The tests of training/, each project in an environment of its own (torch; Blender, Python 3.11)
	cd training/matting && $(CURDIR)/.venv-matting/bin/python -m pytest $(PYTEST)
	cd training/render && $(CURDIR)/.venv-render/bin/python -m pytest $(PYTEST)

.PHONY: lint
lint: $(VENV)/.dev ## ruff, the import contracts, and mypy strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy .

.PHONY: setup
setup: $(VENV)/.sandbox $(VENV)/.dev $(VENV)/.tensorrt-check node_modules/.stamp examples/node/node_modules/.stamp .venv-x402v1/.stamp .venv-discovery/.stamp tests/discovery/node_modules/.stamp ## Install what serve and test need

.PHONY: discovery-check
discovery-check: setup ## Have tools of others judge OpenAPI, quotes and answers: mppx, agentcash, redocly, schemathesis
	$(BIN)/python -m pytest -rR tests/discovery tests/clients/test_mppx_validate.py $(PYTEST)

.PHONY: load
load: $(VENV)/.dev node_modules/.stamp ## Load a service by a profile, judge it and its money, and draw a report: make load PROFILE=mix URL=http://127.0.0.1:3000
	@$(BIN)/python -m loadtests run $(or $(PROFILE),$(error say which: make load PROFILE=mix; see loadtests/profiles/)) $(if $(URL),--url $(URL)) $(if $(OUT),--out $(OUT))

.PHONY: load-compare
load-compare: $(VENV)/.dev ## Compare two runs: make load-compare A=results/load/mix-1 B=results/load/mix-2
	@$(BIN)/python -m loadtests compare "$(or $(A),$(error name two folders: make load-compare A=... B=...))" "$(B)" $(if $(OUT),--out $(OUT))

.PHONY: soak
soak: $(VENV)/.dev node_modules/.stamp ## Sell gently for hours; fails when memory, files, threads or waits grow: make soak HOURS=1; control: LEAKS=memory
	@$(if $(LEAKS),LEAKS=$(LEAKS)) nice $(BIN)/python -m loadtests run soak --hours $(or $(HOURS),1) $(if $(OUT),--out $(OUT)) $(if $(LEAKS),--service tests.fakes.leaky_service:BackgroundRemoval)

.PHONY: faults
faults: setup ## Buy through random faults, freezes, kills and lies, and audit the chains: make faults N=10000
	@$(BIN)/python -m tests.faults --calls $(or $(N),100) $(if $(SEED),--seed $(SEED)) $(if $(LEGS),--legs $(LEGS)) $(if $(BREAK),--break $(BREAK))

.PHONY: faults-steps
faults-steps: setup ## Let each fault strike each step of a sale once, and audit the chains: make faults-steps LEGS=sqlite
	@$(BIN)/python -m tests.faults --steps $(if $(SEED),--seed $(SEED)) $(if $(LEGS),--legs $(LEGS)) $(if $(BREAK),--break $(BREAK)) $(if $(ONLY),--only "$(ONLY)")

.PHONY: fleet
fleet: setup ## Kill, freeze, cut off and restart each host of a fleet under load, and audit the chains (root): make fleet ACTS="api1,restart"
	@$(BIN)/python -m tests.fleet.proof $(if $(ACTS),--acts "$(ACTS)") $(if $(SEED),--seed $(SEED)) $(if $(BREAK),--break $(BREAK))

.PHONY: fleet-scale
fleet-scale: setup ## How much two API and two runner hosts sell beside one and one (root): make fleet-scale PICTURE_S=1
	@$(BIN)/python -m tests.fleet.proof --scale-s $(or $(PICTURE_S),1)

.PHONY: first-minutes
first-minutes: setup ## How long a newcomer waits: clone, `make serve` with empty caches, a paid cut-out in the browser
	@$(BIN)/python -m tests.first_minutes

.PHONY: siege
siege: setup ## Attack and stop a whole service beside a paying buyer, on loopback; fails when a level is missed
	@$(BIN)/python -m pytest -q tests/siege
	@$(BIN)/python -m tests.siege

.PHONY: bench-payments
bench-payments: $(VENV)/.dev node_modules/.stamp ## Print the CPU time that a paid request costs us, by stage and rail
	@$(BIN)/python -m benchmarks.payments

.PHONY: bench-ledger
bench-ledger: $(VENV)/.dev ## Print how many payments a second the ledger takes on PostgreSQL
	@$(BIN)/python -m benchmarks.ledger

.PHONY: bench-quotes
bench-quotes: $(VENV)/.dev node_modules/.stamp ## Print the CPU time that a quote costs us, by stage, and the waits at fixed rates
	@$(BIN)/python -m benchmarks.quotes

.PHONY: bench-imaging
bench-imaging: $(VENV)/.dev ## Print CPU and memory of the image stages beside Pillow's: make bench-imaging SIZES="2 MP,100 MP"
	@$(BIN)/python -m benchmarks.imaging --json results/bench-imaging.json $(if $(SIZES),--sizes "$(SIZES)")

.PHONY: bench-decoders
bench-decoders: $(VENV)/.dev ## Print what decoding in another process costs, in pairs: make bench-decoders SIZES="12 MP,100 MP"
	@$(BIN)/python -m benchmarks.decoders --json results/bench-decoders.json $(if $(SIZES),--sizes "$(SIZES)")

.PHONY: corpus
corpus: $(VENV)/.dev ## Decode a folder of pictures and compare with Chromium: make corpus FOLDER=pictures GOLDEN=golden.json
	@$(BIN)/python -m tests.corpus "$(or $(FOLDER),$(error say which folder: make corpus FOLDER=pictures))" $(if $(GOLDEN),--golden "$(GOLDEN)")

.PHONY: fuzz
fuzz: $(VENV)/.dev ## Send mutated pictures through the image pipeline and into the service: make fuzz N=100000 SEED=1 POOL=1
	@$(BIN)/python -m tests.fuzz --files $(or $(N),1000) $(if $(SEED),--seed $(SEED)) $(if $(POOL),--pool)

.PHONY: bench-runner
bench-runner: $(VENV)/.dev node_modules/.stamp ## Print what the runner costs and how it holds up: make bench-runner N=5000 ONLY=memory
	@$(BIN)/python -m benchmarks.runner --pictures $(or $(N),1000) $(if $(ONLY),--only $(ONLY))

.PHONY: race
race: $(VENV)/.dev node_modules/.stamp .venv-race/.stamp ## Run our service against rembg with the same weights, about ten minutes: make race PLOTS=results
	@$(BIN)/python -m benchmarks.race --json results/race.json $(if $(PLOTS),--plots $(PLOTS))

.PHONY: bench-outage
bench-outage: $(VENV)/.dev node_modules/.stamp ## Print how health answers and how others settle while chains fail
	@$(BIN)/python -m benchmarks.outage

.PHONY: bench-gpu
bench-gpu: $(VENV)/.dev ## Measure torch, CUDA and TensorRT on this machine's GPU: make bench-gpu OUT=results/gpu
	@PYTHON=$(BIN)/python benchmarks/gpu/run.sh $(or $(OUT),results/gpu)

.PHONY: pictures
pictures: $(VENV)/.dev ## Make the pictures of README and model card anew with the shipped model
	$(BIN)/python -m docs.pictures.make

.PHONY: docs
docs: $(VENV)/.dev ## Build the documentation as a site in results/docs; fails on a broken link or anchor
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

.PHONY: build
build: $(VENV)/.service ## Build the Bento
	$(BIN)/bentoml build

.PHONY: image
image: $(VENV)/.service ## Build the container image for CPUs and test what it holds; with Podman: make image ENGINE=podman
	@ENGINE=$(ENGINE) MODELS="$(MODELS)" deploy/build_image.sh cpu

.PHONY: image-gpu
image-gpu: $(VENV)/.service ## The image for NVIDIA GPUs, on CUDA
	@ENGINE=$(ENGINE) MODELS="$(MODELS)" deploy/build_image.sh gpu

.PHONY: image-rtx
image-rtx: $(VENV)/.service ## The image for NVIDIA GPUs without SM90, on TensorRT for RTX
	@ENGINE=$(ENGINE) MODELS="$(MODELS)" deploy/build_image.sh rtx

.PHONY: image-tensorrt
image-tensorrt: $(VENV)/.service ## The image for NVIDIA GPUs, on TensorRT, whose libraries NVIDIA's index has to bring
	@ENGINE=$(ENGINE) MODELS="$(MODELS)" deploy/build_image.sh tensorrt
ENGINE ?= docker

.PHONY: image-replay
image-replay: setup ## Build the image without Docker and run it: cut-outs bought, ledger kept, CPU quota (root, Podman)
	@deploy/replay.sh

.PHONY: lock
lock: $(VENV)/.dev ## Resolve pyproject.toml again into the hash-locked requirements; newest: make lock LOCK_FLAGS=--upgrade
	$(BIN)/uv pip compile pyproject.toml $(LOCK) --extra cpu --extra traces -o requirements/cpu.txt
	@# The other extras run the same versions of everything else.
	$(BIN)/uv pip compile pyproject.toml $(LOCK) --extra openvino --extra traces -c requirements/cpu.txt -o requirements/openvino.txt
	$(BIN)/uv pip compile pyproject.toml $(LOCK) --extra gpu --extra traces -c requirements/cpu.txt -o requirements/gpu.txt
	$(BIN)/uv pip compile pyproject.toml $(LOCK) --extra rtx --extra traces -c requirements/cpu.txt -o requirements/rtx.txt
	$(BIN)/uv pip compile pyproject.toml $(LOCK) --extra tensorrt --extra traces -c requirements/cpu.txt -o requirements/tensorrt.txt
	@sed -i '1i # tensorrt-cu13-libs: the file pinned here is a stub from PyPI. While it is installed it fetches the libraries of\n# this version, some gigabytes, from NVIDIA'"'"'s own package index, which its pyproject.toml names; see docs/deployment.md.' requirements/tensorrt.txt
	$(BIN)/uv pip compile pyproject.toml $(LOCK) --extra cpu --extra traces --group dev -c requirements/cpu.txt -o requirements/dev.txt
	$(BIN)/uv pip compile $(LOCK) --group sandbox -c requirements/cpu.txt -o requirements/sandbox.txt
	$(BIN)/uv pip compile $(LOCK) --group image -o requirements/image.txt
	$(BIN)/uv pip compile $(LOCK) --group tensorrt-check -o requirements/tensorrt-check.txt
	$(BIN)/uv pip compile training/matting/pyproject.toml $(LOCK) --group training/matting/pyproject.toml:dev -o training/matting/requirements.txt
	$(BIN)/uv pip compile training/render/pyproject.toml $(LOCK) --group training/render/pyproject.toml:dev -o training/render/requirements.txt
	$(BIN)/uv pip compile benchmarks/race/requirements.in $(LOCK) -o benchmarks/race/requirements.txt
	$(BIN)/uv pip compile tests/clients/python_v1/requirements.in $(LOCK) -o tests/clients/python_v1/requirements.txt
	$(BIN)/uv pip compile tests/discovery/requirements.in $(LOCK) -o tests/discovery/requirements.txt
LOCK := --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet $(LOCK_FLAGS)

.PHONY: clean
clean: ## Remove environments, packages and local state
	rm -rf $(VENV) .venv-x402v1 .venv-discovery tests/discovery/node_modules .venv-race .venv-matting .venv-render node_modules examples/node/node_modules state results

$(BIN)/uv: requirements/bootstrap.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' \
		|| { echo "ClearCanvas needs Python 3.11 or 3.12; $(PYTHON) is $$($(PYTHON) -V)."; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "Python's venv module is missing. On Debian: apt install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --quiet --require-hashes -r $<
	@touch $@

$(VENV)/.service: requirements/cpu.txt $(BIN)/uv
	@echo "Installing the service's packages ..."
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(UV_INSTALL) -r $<
	@touch $@

$(VENV)/.sandbox: requirements/sandbox.txt $(VENV)/.service
	@echo "Installing the sandbox's packages ..."
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(UV_INSTALL) -r $<
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.service
	@echo "Installing the development packages ..."
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(UV_INSTALL) -r $<
	@touch $@

$(VENV)/.tensorrt-check: requirements/tensorrt-check.txt $(VENV)/.dev
	@echo "Installing NVIDIA's TensorRT for RTX, under NVIDIA's licence, to check that it parses our graphs ..."
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(UV_INSTALL) -r $<
	@touch $@

.venv-x402v1/.stamp: tests/clients/python_v1/requirements.txt $(BIN)/uv
	@echo "Installing the x402 v1 client of Python in an environment of its own ..."
	@$(BIN)/uv venv --quiet --allow-existing --python $(BIN)/python .venv-x402v1
	@VIRTUAL_ENV=$(CURDIR)/.venv-x402v1 $(UV_INSTALL) -r $<
	@touch $@

.venv-discovery/.stamp: tests/discovery/requirements.txt $(BIN)/uv
	@echo "Installing what judges the OpenAPI description in an environment of its own ..."
	@$(BIN)/uv venv --quiet --allow-existing --python $(BIN)/python .venv-discovery
	@VIRTUAL_ENV=$(CURDIR)/.venv-discovery $(UV_INSTALL) -r $<
	@touch $@

tests/discovery/node_modules/.stamp: tests/discovery/package-lock.json $(VENV)/.node
	@echo "Installing the tools of directories ..."
	@cd tests/discovery && npm ci $(NPM_QUIET)
	@touch $@

.venv-matting/.stamp: training/matting/requirements.txt $(BIN)/uv
	@echo "Installing the packages that train the network ..."
	@$(BIN)/uv venv --quiet --allow-existing --python $(BIN)/python .venv-matting
	@VIRTUAL_ENV=$(CURDIR)/.venv-matting $(UV_INSTALL) -r $<
	@touch $@

.venv-render/.stamp: training/render/requirements.txt $(BIN)/uv
	@echo "Installing Blender as a Python module ..."
	@$(BIN)/uv venv --quiet --allow-existing --python 3.11 .venv-render
	@VIRTUAL_ENV=$(CURDIR)/.venv-render $(UV_INSTALL) -r $<
	@touch $@

.venv-race/.stamp: benchmarks/race/requirements.txt $(BIN)/uv
	@echo "Installing rembg in an environment of its own ..."
	@$(BIN)/uv venv --quiet --allow-existing --python $(BIN)/python .venv-race
	@VIRTUAL_ENV=$(CURDIR)/.venv-race $(UV_INSTALL) -r $<
	@touch $@

# Node.js 22 or newer (20 gets no more fixes) where the machine has it, else the one that PyPI carries.
$(VENV)/.node: requirements/node.txt $(BIN)/uv
	@node -e 'process.exit(process.versions.node.split(".")[0] < 22 ? 1 : 0)' 2>/dev/null \
		|| VIRTUAL_ENV=$(CURDIR)/$(VENV) $(UV_INSTALL) -r $<
	@touch $@

node_modules/.stamp: package-lock.json $(VENV)/.node
	@echo "Installing the local chains ..."
	@# Not `npm ci`: it refuses a lock without the chain's builds for other platforms, which not every registry has.
	@npm install --no-save $(NPM_QUIET)
	@touch $@

examples/node/node_modules/.stamp: examples/node/package-lock.json $(VENV)/.node
	@echo "Installing the JavaScript clients ..."
	@cd examples/node && npm ci $(NPM_QUIET)
	@touch $@
