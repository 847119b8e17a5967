# Passerelle: `make run` starts the demo site, `make test` runs everything CI runs.
GO      ?= go
BIN     := bin/passerelle
VERSION := $(shell git describe --always --dirty 2>/dev/null || echo unknown)

.DEFAULT_GOAL := help
.PHONY: help build run test unit race fuzz tools-test fmt fmt-check vet lint tidy

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build bin/passerelle
	$(GO) build -trimpath -ldflags "-X main.version=$(VERSION)" -o $(BIN) ./cmd/passerelle

run: build ## start the demo site and print what to dial
	./$(BIN) demo

test: fmt-check vet build race tools-test ## everything CI runs

unit: ## unit tests without the race detector
	$(GO) test ./...

race: ## all Go tests under the race detector
	$(GO) test -race ./...

tools-test: ## tests of the load generators
	cd tools/confload && $(GO) test ./...
	cd tools/regload && $(GO) test ./...

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
