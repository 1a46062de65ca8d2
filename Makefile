# The two commands of README.md are `make demo` and `make test`.
GO       ?= go
VERSION  := $(shell git describe --tags --always --dirty 2>/dev/null || echo 0.1.0-dev)
LDFLAGS  := -s -w -X github.com/gosklyuch/gosklyuch/internal/cli.Version=$(VERSION)
TOOL     := $(GO) tool -modfile=tools/go.mod
FUZZTIME ?= 10m
# Tokens are reached through cgo: the program has them where a C compiler is.
CGO      := $(if $(shell command -v "$$($(GO) env CC)" 2>/dev/null),1,0)

.PHONY: build module softhsm-gost demo test lint check bench fuzz timing soak interop interop-check suites deps cross

build: ## the program at bin/gosklyuch; with PKCS #11 tokens where gcc is
	CGO_ENABLED=$(CGO) $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/gosklyuch ./cmd/gosklyuch

module: ## the PKCS #11 module at bin/gosklyuch-pkcs11.so
	CGO_ENABLED=1 $(GO) build -trimpath -buildmode=c-shared -ldflags '$(LDFLAGS)' -o bin/gosklyuch-pkcs11.so ./cmd/gosklyuch-pkcs11
	@rm -f bin/gosklyuch-pkcs11.h

softhsm-gost: ## SoftHSM with GOST, built once into a cache; prints the module's path
	@./scripts/build-softhsm-gost.sh

demo: build ## the main job on real files in ./demo
	./bin/gosklyuch demo --force demo

deps: ## installs the independent implementations that the tests compare with
	./scripts/install-test-deps.sh

test: deps build module cross ## everything, with the independent implementations
	$(GO) vet ./...
	@gost=$$(./scripts/build-softhsm-gost.sh) || [ "$$CI" != true ] || exit 1; \
	GOSKLYUCH_SOFTHSM_GOST=$$gost $(GO) test -timeout 30m ./...
	$(GO) test -tags purego ./gost/...

cross: ## targets without cgo, with other operating systems and byte orders
	./scripts/cross-build.sh

check: ## what every commit must pass
	@test -z "$$(gofmt -l .)" || { echo 'gofmt differs'; exit 1; }
	$(GO) vet ./...
	$(GO) test ./internal/layers
	$(GO) test -short ./...

lint:
	./scripts/lint.sh

bench: ## ours and OpenSSL in the same run; BENCHFLAGS="-o $(CURDIR)/docs/performance.md" keeps it
	$(GO) test -tags bench -c -o bin/bench.test ./internal/cryptotest/bench
	cd internal/cryptotest/bench && $(CURDIR)/bin/bench.test -test.run TestRatios -test.timeout 30m $(BENCHFLAGS)

timing: ## statistical test of constant time (docs/timing.md)
	$(GO) test -tags timing -run TestTiming -count=1 -timeout 30m -v ./gost/gost3410

fuzz: ## each target FUZZTIME; result in docs/fuzzing.md
	./scripts/fuzz.sh each $(FUZZTIME)

soak: build ## long runs: scripts/soak.sh names them
	./scripts/soak.sh

interop: build ## writes docs/interoperability.md
	$(GO) run ./internal/cryptotest/interop -o docs/interoperability.md

interop-check: build ## the table says what a fresh run says
	$(GO) run ./internal/cryptotest/interop -check docs/interoperability.md

suites: build ## larger suites of $$GOSKLYUCH_SUITES
	$(GO) test -count=1 ./internal/cryptotest/suites
