# Gatehouse. The two commands of the README: make run, make test.
PORT ?=
OPS_PORT ?=
DATA ?= data

BUILD_PACKAGES = libhiredis-dev libargon2-dev libssl-dev libsqlite3-dev libcrypt-dev
RUN_PACKAGES = redis-server redis-tools

.PHONY: help run stop test check lint format install clean

help: ## What can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1: /p' Makefile

install: ## Install the Debian packages that are missing
	@scripts/install-packages.sh $(BUILD_PACKAGES) $(RUN_PACKAGES)

run: install ## Build, start Redis and the API, print what to try
	swift build -c release --product gatehouse
	@mkdir -p -m 700 "$(DATA)"
	@scripts/start-redis.sh "$(DATA)"
	@exec .build/release/gatehouse serve --data "$(DATA)" $(if $(PORT),--port $(PORT)) $(if $(OPS_PORT),--ops-port $(OPS_PORT))

stop: ## Stop the Redis of the data folder
	@redis-cli -s "$(DATA)/redis.sock" shutdown && echo "Redis of $(DATA) is stopped."

test: install ## Run every test
	timeout 2400 swift test --disable-xctest

check: lint test ## Format, lint and every test

lint: ## Check the format
	swift format lint --strict -r Sources Tests Package.swift

format: ## Format the sources
	swift format -i -r Sources Tests Package.swift

clean: ## Remove what was built
	rm -rf .build
