# The front door. `make demo` starts Vestibule, `make test` tests it; both set up what they need.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
UV := $(BIN)/uv
PYTHON_CODE := src tests bench scripts/mutations
STATIC := src/vestibule/portal/static/index.html
OPENID_PROVIDER := tests/clients/oidc-provider/node_modules/.package-lock.json
OPENID_CLIENT := tests/clients/openid-client/node_modules/.package-lock.json
RUST := $(shell find native -name '*.rs' -not -path '*/target/*' 2>/dev/null) native/Cargo.toml native/Cargo.lock
WEB := $(shell find web -type f -not -path '*/node_modules/*' 2>/dev/null)

.PHONY: help demo test test-long lint format unit interop attack mutations web-test native-test web-unit screenshots fuzz bench bench-flood bench-relay bench-room wheel clean

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' Makefile

demo: .venv/.product $(STATIC) .venv/.native ## build what is missing and start a demo on this machine (ARGS="--host ADDRESS")
	@$(BIN)/vestibule demo $(ARGS)

test: lint native-test web-unit $(STATIC) $(OPENID_PROVIDER) $(OPENID_CLIENT) ## everything: checks, Rust, web, and the Python suite with real clients
	@scripts/system-packages test; scripts/pebble
	@echo "==> fuzzers, briefly"; native/fuzz/run.sh 6
	@echo "==> pytest"; $(BIN)/python -m compileall -q src tests # once, for the hundred servers that tests start
	@$(BIN)/python -m pytest -n 3 --dist loadscope --no-loadscope-reorder

test-long: .venv/.dev $(STATIC) .venv/.native ## other people's suites that take minutes (docs/contributors/suites.md)
	@scripts/system-packages test
	@echo "==> pytest, other people's suites"; $(BIN)/python -m pytest -m long -n 2 --dist loadscope

lint: .venv/.dev web/node_modules/.package-lock.json .venv/.native ## what pre-commit and CI check
	@echo "==> ruff, mypy, import-linter"
	@$(BIN)/ruff check $(PYTHON_CODE) && $(BIN)/ruff format --check $(PYTHON_CODE)
	@$(BIN)/mypy && $(BIN)/lint-imports
	@echo "==> rustfmt, clippy"
	@cd native && cargo fmt --all --check && cargo clippy -q --workspace --all-targets --locked -- -D warnings
	@cd bench/datagrams && cargo fmt --check && CARGO_TARGET_DIR="$(CURDIR)/native/target" cargo clippy -q --locked -- -D warnings
	@echo "==> biome, tsc"
	@cd web && npm run --silent check

format: .venv/.dev web/node_modules/.package-lock.json ## put everything into its usual shape
	@$(BIN)/ruff check --fix $(PYTHON_CODE); $(BIN)/ruff format $(PYTHON_CODE)
	@cd native && cargo fmt --all; cd ../bench/datagrams && cargo fmt
	@cd web && npm run --silent format

native-test: .venv/.system ## the Rust cores' own tests
	@echo "==> cargo test"; cd native && cargo test -q --locked -p vestibule-sip -p vestibule-relay -p vestibule-media -p vestibule-pki
	@cd native && cargo test -q --locked -p vestibule-python --no-default-features --lib

web-unit: web/node_modules/.package-lock.json ## the web client's unit tests
	@echo "==> vitest"; cd web && npm run --silent test

unit: .venv/.dev $(STATIC) .venv/.native ## the fast Python tests
	@$(BIN)/python -m pytest tests/unit

interop attack: .venv/.dev $(STATIC) .venv/.native $(OPENID_PROVIDER) $(OPENID_CLIENT) ## one folder of the Python suite
	@scripts/system-packages test; scripts/pebble; $(BIN)/python -m pytest tests/$@

mutations: .venv/.dev $(STATIC) .venv/.native ## take each safeguard out and see its test go red (ARGS="5 41" or a file's name)
	@scripts/system-packages test; nice $(BIN)/python scripts/mutations $(ARGS)

web-test: .venv/.dev $(STATIC) .venv/.native ## meetings in real Chromium
	@scripts/system-packages test; $(BIN)/python -m pytest tests/web

screenshots: .venv/.dev $(STATIC) .venv/.native ## the pictures in docs/images, of a real meeting
	@scripts/system-packages test; $(BIN)/python -m tests.web.screenshots docs/images

fuzz: .venv/.system ## a minute of each fuzzer
	@native/fuzz/run.sh 60

bench: .venv/.dev $(STATIC) .venv/.native ## CPU and memory beside Kamailio in the same run (ARGS="--quick")
	@scripts/system-packages bench; $(BIN)/python -m bench.signalling $(ARGS)

bench-relay: .venv/.dev .venv/.native ## CPU of a relayed datagram beside coturn's (ARGS="--runs 1")
	@scripts/system-packages bench; cd bench/datagrams && cargo build -q --release --locked
	@$(BIN)/python -m bench.relay $(ARGS)

bench-room: .venv/.dev .venv/.native ## CPU of a forwarded packet and a mixed phone beside Janus's (ARGS="--runs 1")
	@scripts/system-packages bench; cd bench/datagrams && cargo build -q --release --locked
	@$(BIN)/python -m bench.room $(ARGS)

bench-flood: .venv/.dev $(STATIC) .venv/.native ## how long messages take while 1,000 bad connections a second come in
	@$(BIN)/python -m bench.flood $(ARGS)

wheel: .venv/.product $(STATIC) ## dist/*.whl with the web client and the native module inside
	@echo "==> wheel"; $(BIN)/maturin build --release --locked --out dist

clean: ## forget everything that was built
	@rm -rf .venv dist native/target native/fuzz/target bench/datagrams/target web/node_modules tests/clients/*/node_modules src/vestibule/portal/static
	@rm -f src/vestibule/*.so

# --- what the targets above stand on; each stamp is renewed when what it was made from changes ---

.venv/.system: scripts/system-packages
	@scripts/system-packages build
	@[ -x $(BIN)/python ] || { echo "==> a Python environment in .venv"; $(PYTHON) -m venv .venv; }
	@[ -x $(UV) ] || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@touch $@

.venv/.product: .venv/.system requirements.lock
	@echo "==> Python packages"
	@$(UV) pip install --quiet --compile-bytecode --python $(BIN)/python -r requirements.lock
	@$(UV) pip install --quiet --compile-bytecode --python $(BIN)/python --constraint requirements-dev.lock maturin
	@touch $@

.venv/.dev: .venv/.product requirements-dev.lock
	@echo "==> Python packages for development"
	@$(UV) pip install --quiet --compile-bytecode --python $(BIN)/python -r requirements-dev.lock
	@touch $@

.venv/.native: .venv/.product $(RUST) pyproject.toml
	@echo "==> the native module (some minutes the first time)"
	@VIRTUAL_ENV="$(CURDIR)/.venv" PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/maturin develop --quiet --release --locked --uv
	@touch $@

web/node_modules/.package-lock.json: web/package-lock.json
	@echo "==> web packages"; cd web && npm ci --silent --no-fund --no-audit

$(OPENID_PROVIDER): tests/clients/oidc-provider/package-lock.json
	@echo "==> an OpenID provider for tests"; cd tests/clients/oidc-provider && npm ci --silent --no-fund --no-audit

$(OPENID_CLIENT): tests/clients/openid-client/package-lock.json
	@echo "==> an OpenID client to test with"; cd tests/clients/openid-client && npm ci --silent --no-fund --no-audit

$(STATIC): web/node_modules/.package-lock.json $(WEB)
	@echo "==> the web client"; cd web && npm run --silent build
	@touch $@
