# Everything a developer or operator types. `make run` and `make test` need only
# Go; what else is missing is built from tools/go.mod or named.

GO      ?= go
BIN     := $(CURDIR)/bin
PLUGINS := $(notdir $(wildcard plugins/*))
MODULES := sdk pgtest host bench $(addprefix plugins/,$(PLUGINS))
TOOLS   := $(BIN)/tools

GO_NEEDED := 1.26

.PHONY: build run demo test servers lint proto check-proto docs check-docs check-tidy bench soak siege clean go

build: go
	@mkdir -p $(BIN)/plugins
	$(GO) build -trimpath -o $(BIN)/botyard ./host/cmd/botyard
	$(foreach p,$(PLUGINS),$(GO) build -trimpath -o $(BIN)/plugins/botyard-$(p) ./plugins/$(p)/cmd/botyard-$(p) &&) true

# Serve the sample tenants with what is on this machine: Ollama if it answers,
# the offline echo provider otherwise.
run: build
	@exec $(BIN)/botyard dev

# Play the sample conversations against a real host.
demo: build
	@$(BIN)/botyard demo

# The storages' own tests run the conformance kit short: host/e2e runs all of it
# against their processes. STORAGES= has theirs in full too, for some minutes more.
STORAGES := -short

# The host's tests start binaries that they build, of which the cache of go test knows
# nothing: they always run.
#
# What is counted in bytes runs without the race detector, which allocates too.
#
# BOTYARD_LONG_TESTS=1 adds the tests that take minutes, as of a database that is away
# for longer than hosts wait.
test: servers lint check-tidy check-proto check-docs build
	$(GO) test -race -count=1 -timeout 25m ./host/...
	$(GO) test -count=1 -run costly ./host/config
	$(GO) test -race -timeout 15m $(STORAGES) $(patsubst %,./%/...,$(filter-out host,$(MODULES)))

# The servers that tests start; installed where that may be done, else named.
servers:
	@sh tools/servers.sh

lint: go $(TOOLS)/staticcheck
	@bad=$$(gofmt -l $(MODULES)); if [ -n "$$bad" ]; then echo "gofmt would change:"; echo "$$bad"; exit 1; fi
	@set -e; for m in $(MODULES); do echo "lint $$m"; (cd $$m && $(GO) vet ./... && $(TOOLS)/staticcheck ./...); done

# Each module must build alone, with what its own go.mod says.
check-tidy: go
	@set -e; for m in $(MODULES); do (cd $$m && GOWORK=off $(GO) mod tidy -diff && GOWORK=off $(GO) build ./...) || { echo "$$m: run GOWORK=off go mod tidy there"; exit 1; }; done

# Measure this machine; BENCH=--quick is rough and fast. See docs/performance.md.
bench: servers build
	@$(GO) build -trimpath -o $(BIN)/bench ./bench
	@$(BIN)/bench --bin $(BIN) $(BENCH)

# Ten minutes of load: one of tenant changes in which no turn may fail, the rest with kills
# and rude clients too. SOAK="--for 1m" is the first alone, SOAK="--for 2m" both and short.
# Then somebody hostile for two minutes, beside ten neighbours whose turns may not fail.
soak: build
	@mkdir -p $(BIN)/soak
	@$(GO) build -trimpath -o $(BIN)/soak/botyard ./bench/cmd/botyard
	@$(GO) build -trimpath -o $(BIN)/soak/soak ./bench/cmd/soak
	@$(BIN)/soak/soak --bin $(BIN) $(SOAK)
	@$(MAKE) --no-print-directory siege

# The hostile part of the soak alone. SIEGE="--only 'stalled pages'" is one attack.
siege: build
	@mkdir -p $(BIN)/soak
	@$(GO) build -trimpath -o $(BIN)/soak/botyard ./bench/cmd/botyard
	@$(GO) build -trimpath -o $(BIN)/soak/siege ./bench/cmd/siege
	@$(BIN)/soak/siege --bin $(BIN) $(SIEGE)

# Generate the protocol's Go code.
proto: $(TOOLS)/buf
	$(TOOLS)/buf lint
	$(TOOLS)/buf generate

# The committed code must be what the protocol generates.
check-proto: $(TOOLS)/buf
	@$(TOOLS)/buf lint
	@tmp=$$(mktemp -d); trap 'rm -rf '$$tmp EXIT; \
	$(TOOLS)/buf generate -o $$tmp && \
	(cd $$tmp/sdk/proto && find . -name '*.go' | sort | xargs sha256sum) > $$tmp/new && \
	(cd sdk/proto && find . -name '*.go' | sort | xargs sha256sum) > $$tmp/old && \
	if ! diff $$tmp/old $$tmp/new; then echo "generated code is out of date: run make proto"; exit 1; fi

# Write docs/configuration.md of the schemas and of the plugins themselves.
CONFIGDOC = cd host && $(GO) run ./docstest/configdoc $(1) $(addprefix $(BIN)/plugins/botyard-,$(PLUGINS))

docs: build
	@$(call CONFIGDOC)

# The committed page must be what the schemas say.
check-docs: build
	@$(call CONFIGDOC,-check)

$(TOOLS)/%: tools/go.mod tools/go.sum | go
	@mkdir -p $(TOOLS)
	@echo "building the tools of tools/go.mod (once)"
	@cd tools && GOWORK=off $(GO) build -o $(TOOLS)/ tool
	@touch $(TOOLS)/*

go:
	@command -v $(GO) >/dev/null || { echo "Go $(GO_NEEDED) or later is needed: https://go.dev/dl/ (or name it: make GO=/path/to/go)"; exit 1; }

clean:
	rm -rf $(BIN)
