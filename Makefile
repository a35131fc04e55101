# Everything that a developer or an operator types. `make help` lists it, and reads
# the text behind ## on a target's line. `make run` and `make test` need only Go: what
# else is missing is built from tools/go.mod, or named.

GO      ?= go
BIN     := $(CURDIR)/bin
PLUGINS := $(notdir $(wildcard plugins/*))
MODULES := sdk pgtest host bench examples/migrate $(addprefix plugins/,$(PLUGINS))
TOOLS   := $(BIN)/tools

GO_NEEDED := 1.26

# With -trimpath a build does not depend on the folder of the checkout. So all commands of go, and all
# checkouts of a machine, share what is compiled.
export GOFLAGS := $(filter-out -trimpath,$(GOFLAGS)) -trimpath

.PHONY: build help run demo test examples test-examples servers lint proto proto-record check-proto docs check-docs check-tidy bench soak siege clean go zones

build: go ## Build bin/botyard and the plugins in bin/plugins. This is what make alone does
	@mkdir -p $(BIN)/plugins
	$(GO) build -o $(BIN)/botyard ./host/cmd/botyard
	$(foreach p,$(PLUGINS),$(GO) build -o $(BIN)/plugins/botyard-$(p) ./plugins/$(p)/cmd/botyard-$(p) &&) true

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# Where no Ollama server answers, the host takes the offline provider echo.
run: build ## Serve the sample tenants on http://127.0.0.1:8080
	@exec $(BIN)/botyard dev

demo: build ## Play three sample conversations against a real host
	@$(BIN)/botyard demo

# The tests of the storages, and host/e2e, run the conformance kit short. The tests of the kit
# itself check on each flaw only the rules that must fail. `make test STORAGES=` with
# BOTYARD_LONG_TESTS=1 runs all of both, and takes many minutes more.
STORAGES := -short

# BOTYARD_LONG_TESTS=1 adds the tests that take minutes.
test: servers lint check-tidy check-proto check-docs build test-examples ## Run everything: lint, checks, all tests with the race detector
	@GO='$(GO)' BIN='$(BIN)' MODULES='$(MODULES)' STORAGES='$(STORAGES)' sh tools/test.sh

examples: ## Build the plugins of examples/plugins, in Python and JavaScript, into bin/examples
	@sh tools/examples.sh

test-examples: build examples ## Test the plugins of examples/plugins with botyard plugin test
	$(BIN)/botyard plugin test $(BIN)/examples/botyard-llm-python --config $(BIN)/examples/llm-python.yaml
	$(BIN)/botyard plugin test $(BIN)/examples/botyard-llm-node

servers: ## Install the database servers that tests start, or say what to install
	@sh tools/servers.sh

lint: go $(TOOLS)/staticcheck $(TOOLS)/buf ## Run gofmt, go vet and staticcheck over every module, and check that the protocol breaks no plugin
	@sh tools/breaking.sh
	@bad=$$(gofmt -l $(MODULES)); if [ -n "$$bad" ]; then echo "gofmt would change:"; echo "$$bad"; exit 1; fi
	@set -e; for m in $(MODULES); do echo "lint $$m"; (cd $$m && $(GO) vet ./... && $(TOOLS)/staticcheck ./...); done

# Each module must build alone, by its own go.mod, without go.work.
check-tidy: go ## Check that each go.mod is tidy and that each module builds alone
	@set -e; for m in $(MODULES); do (cd $$m && GOWORK=off $(GO) mod tidy -diff && GOWORK=off $(GO) build -o /dev/null ./...) || { echo "$$m: run GOWORK=off go mod tidy there"; exit 1; }; done

# See docs/performance.md.
bench: servers build ## Measure this machine; BENCH=--quick is rough and fast
	@$(GO) build -o $(BIN)/bench ./bench
	@$(BIN)/bench --bin $(BIN) $(BENCH)

# The first minute changes tenants, and no turn may fail. The other nine also kill
# processes and have rude clients. SOAK="--for 1m" runs the first minute alone,
# SOAK="--for 2m" a short one of both. Then a hundred kills and replacements of plugins
# follow, and three hosts on Postgres whose memory is ten thousand conversations behind.
# siege runs last.
soak: build ## Put load on a host for ten minutes, kill and replace its plugins, then run siege
	@mkdir -p $(BIN)/soak
	@$(GO) build -o $(BIN)/soak/botyard ./bench/cmd/botyard
	@$(GO) build -o $(BIN)/soak/soak ./bench/cmd/soak
	@$(BIN)/soak/soak --bin $(BIN) $(SOAK)
	@BOTYARD_LONG_TESTS=1 $(GO) test -count=1 -timeout 30m -run 'TestPluginEndurance|TestMemoryFollowing_backlog' ./host/e2e
	@$(MAKE) --no-print-directory siege

# Ten neighbours work beside the hostile tenant, and none of their turns may fail.
# SIEGE="--only 'stalled pages'" runs one attack.
siege: build ## Attack a host for two minutes as a hostile tenant
	@mkdir -p $(BIN)/soak
	@$(GO) build -o $(BIN)/soak/botyard ./bench/cmd/botyard
	@$(GO) build -o $(BIN)/soak/siege ./bench/cmd/siege
	@$(BIN)/soak/siege --bin $(BIN) $(SIEGE)

proto: $(TOOLS)/buf ## Generate the Go code of the protocol in sdk/proto
	$(TOOLS)/buf lint
	$(TOOLS)/buf generate

# The database is that of the Go release, which names its release in update.bash.
zones: go ## Take the database of time zones from the Go release
	cp "$$($(GO) env GOROOT)/lib/time/zoneinfo.zip" host/prompt/zoneinfo.zip

# Each change that breaks a plugin of the recorded protocol needs a reason in
# tools/protocol/exceptions. While the protocol is a candidate, it may be recorded anew.
proto-record: $(TOOLS)/buf ## Record the protocol in sdk/proto as the candidate that later changes must not break
	@find tools/protocol -name '*.proto' -delete
	@cd sdk/proto && find . -name '*.proto' | while read -r f; do mkdir -p ../../tools/protocol/$$(dirname $$f) && cp $$f ../../tools/protocol/$$f; done
	@sh tools/breaking.sh
	@sh tools/versions.sh

check-proto: $(TOOLS)/buf ## Check that the committed code is what make proto generates
	@$(TOOLS)/buf lint
	@tmp=$$(mktemp -d); trap 'rm -rf '$$tmp EXIT; \
	$(TOOLS)/buf generate -o $$tmp && \
	(cd $$tmp/sdk/proto && find . -name '*.go' | sort | xargs sha256sum) > $$tmp/new && \
	(cd sdk/proto && find . -name '*.go' | sort | xargs sha256sum) > $$tmp/old && \
	if ! diff $$tmp/old $$tmp/new; then echo "generated code is out of date: run make proto"; exit 1; fi

# configdoc reads the schemas of the host and the comments in sdk/proto, and asks the built
# plugins for their schemas.
CONFIGDOC = cd host && $(GO) run ./docstest/configdoc $(1) $(addprefix $(BIN)/plugins/botyard-,$(PLUGINS))

docs: build ## Write docs/configuration.md, bounds.md and protocol.md from the code
	@$(call CONFIGDOC)

# The committed page must be what the schemas say.
check-docs: build ## Check that the committed pages are what make docs writes
	@$(call CONFIGDOC,-check)

$(TOOLS)/%: tools/go.mod tools/go.sum | go
	@mkdir -p $(TOOLS)
	@echo "building the tools of tools/go.mod (once)"
	@cd tools && GOWORK=off $(GO) build -o $(TOOLS)/ tool
	@touch $(TOOLS)/*

go:
	@command -v $(GO) >/dev/null || { echo "Go $(GO_NEEDED) or later is needed: https://go.dev/dl/ (or name it: make GO=/path/to/go)"; exit 1; }

clean: ## Remove bin
	rm -rf $(BIN)
