# Passerelle: `make run` starts the demo site, `make test` runs everything CI runs.
GO      ?= go
BIN     := bin/passerelle
VERSION := $(shell git describe --always --dirty 2>/dev/null || echo unknown)

.DEFAULT_GOAL := help
.PHONY: help build run test browser screenshots unit race tools tools-test packages sipp sipp-calls sipp-load bench soak soak-short sipp-both sipp-beside proofs test-clients fmt fmt-check openapi vet lint tidy

# The tools are modules of their own, independent of the server's packages.
TOOLS   := confload regload rtppcap trial
# How long `make soak` lets callers come and go.
DUR     ?= 30m

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build bin/passerelle
	$(GO) build -trimpath -ldflags "-X main.version=$(VERSION)" -o $(BIN) ./cmd/passerelle

run: build ## start the demo site and print what to dial
	./$(BIN) demo

test: fmt-check vet packages build browser race tools-test proofs test-clients ## everything CI runs

unit: ## unit tests without the race detector
	$(GO) test ./...

race: ## all Go tests under the race detector
	$(GO) test -race -timeout 18m ./...

browser: ## install Chromium for the tests of pages, if it is absent
	@testdata/apt.sh chromium || echo "no Chromium to be had: the tests of pages that need one are skipped"

openapi: ## write docs/openapi.yaml anew, after a change of the API
	$(GO) test -count=1 -run TestDescriptionIsTheOneInTheDocs ./portal/api -update

screenshots: browser ## pictures of the portal's pages, wide and narrow, in both languages, in bin/screenshots
	@mkdir -p bin/screenshots
	PASSERELLE_SHOTS=$(CURDIR)/bin/screenshots $(GO) test -count=1 -run TestScreenshots ./portal/web

tools: ## build the load generators into bin
	@set -e; for t in $(TOOLS); do (cd tools/$$t && $(GO) build -trimpath -o ../../bin/$$t .); done

tools-test: ## vet and test the load generators
	@set -e; for t in $(TOOLS); do (cd tools/$$t && $(GO) vet . && $(GO) test .); done

packages: ## install the Debian packages that tests use, those that are absent
	@testdata/apt.sh sipp curl

sipp: build tools packages ## SIPp scenarios against the built binary
	testdata/sipp/run.sh

sipp-calls: build tools packages ## calls of two and three SIPp parties: hold, transfers, forwards, forking, timers, PRACK, large messages
	testdata/sipp/calls.sh

sipp-load: build tools packages ## a minute of registrations and gateway calls by SIPp; LOAD="-d 600 -r 500 -c 30" for more
	testdata/sipp/load.sh $(LOAD)

test-clients: build ## baresip and linphone in a space, and in a call with SRTP on one side, hold and transfer; tones measured
	@testdata/apt.sh baresip linphonec
	testdata/clients/run.sh

bench: build tools ## what bridges and registrations cost, against a bare echo; summary in bin/bench
	bin/trial bench $(BENCH)

soak: build tools packages ## random callers for DUR (30m), then everything must be given back
	bin/trial soak -for $(DUR) $(SOAK)

# The soak and the calls mostly wait, on ports of their own: they run beside the others.
proofs: build tools packages
	@$(MAKE) --no-print-directory -j3 -O soak-short sipp-beside sipp-both

sipp-both:
	@$(MAKE) --no-print-directory sipp
	@$(MAKE) --no-print-directory sipp-load

sipp-beside:
	@SIP=127.0.0.1:15080 HTTP=127.0.0.1:18091 RTP=127.0.0.1:25000-25999 PORTS=19000 $(MAKE) --no-print-directory sipp-calls

soak-short:
	@$(MAKE) --no-print-directory soak DUR=60s SOAK="-sip 127.0.0.1:15070 -http 127.0.0.1:18090 -rtp 127.0.0.1:36000-38999"

fmt: ## format the code
	gofmt -w $$(git ls-files '*.go')

fmt-check:
	@out=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$out" || { echo "gofmt would change: $$out"; exit 1; }

vet: ## go vet
	$(GO) vet ./...

lint: ## golangci-lint; its first build takes minutes
	$(GO) tool -modfile=tools/go.mod golangci-lint run

tidy: ## go mod tidy
	$(GO) mod tidy
