# Gatehouse. The two commands of the README: make run, make test.
PORT ?=
OPS_PORT ?=
DATA ?= data
MINUTES ?=
RELEASE = .build/release/gatehouse

BUILD_PACKAGES = libhiredis-dev libargon2-dev libssl-dev libsqlite3-dev libcrypt-dev libidn2-dev libunistring-dev
RUN_PACKAGES = redis-server redis-tools
TEST_PACKAGES = python3 python3-venv sqlite3 curl strace gcc libc6-dev nginx caddy slowhttptest valgrind
BENCH_PACKAGES = python3 python3-venv gcc libc6-dev nginx libnginx-mod-http-lua lua-nginx-redis lua-cjson wrk nghttp2-client

.PHONY: help run stop demo test bench bench-limits scale faults chaos rehearse-kill-redis rehearse-kill-api rehearse-restore-old-redis conformance openapi test-address
.PHONY: quick model lint format machine install install-for-tests build clean

help: ## List what can be made
	@sed -n 's/^\([a-z -]*\):.*## /\1: /p' Makefile

machine:
	@scripts/check-machine.sh

install: machine
	@scripts/install-packages.sh $(BUILD_PACKAGES) $(RUN_PACKAGES)

install-for-tests: install
	@scripts/install-packages.sh $(TEST_PACKAGES)

build: install ## Build for release
	scripts/build-release.sh

run: build ## Install what is missing, build, start Redis and the API, print what to try
	@mkdir -p -m 700 "$(DATA)"
	@scripts/start-redis.sh "$(DATA)"
	@exec $(RELEASE) serve --data "$(DATA)" $(if $(PORT),--port $(PORT)) $(if $(OPS_PORT),--ops-port $(OPS_PORT))

stop: ## Stop the Redis of the data folder
	@redis-cli -s "$(DATA)/redis.sock" shutdown && echo "Redis of $(DATA) is stopped."

demo: install-for-tests build ## The promises one after another, on a service of its own
	@GATEHOUSE_BINARY=$(RELEASE) python3 scripts/demo.py

test: install-for-tests ## Install what is missing, check the form, build, run the demonstration, every proof from outside in its short form, and every test
	@GATEHOUSE_BINARY=$(abspath $(RELEASE)) python3 scripts/outside.py

faults: install-for-tests build ## Each fault by itself, then the quick ones at random under load
	@GATEHOUSE_BINARY=$(abspath $(RELEASE)) python3 scripts/outside.py faults chaos

chaos: install-for-tests build ## Faults at random under load, for MINUTES (30)
	@GATEHOUSE_BINARY=$(RELEASE) python3 Tests/Chaos --minutes $(or $(MINUTES),30)

rehearse-kill-redis rehearse-kill-api rehearse-restore-old-redis: rehearse-%: install-for-tests build ## Practise one fault, and see what the service does
	@GATEHOUSE_BINARY=$(RELEASE) python3 Tests/Chaos $*

conformance: install-for-tests build ## The contract, attackers, the proxies and the Python client, in long form
	@GATEHOUSE_BINARY=$(abspath $(RELEASE)) python3 scripts/outside.py --long security contract edge client

ONLY ?=
# A run that is kept is what README and docs/measurements.md show.
KEEP ?=
ifneq ($(and $(KEEP),$(ONLY)),)
$(error KEEP=1 keeps a whole run: leave ONLY out)
endif
bench: install build ## Gatehouse beside others at the same job: a table of ratios; ONLY=P1,P4 for these alone, KEEP=1 for the documents
	@scripts/install-packages.sh $(BENCH_PACKAGES)
	scripts/build-release.sh queue-bench
	@GATEHOUSE_BINARY=$(abspath $(RELEASE)) python3 Benchmarks $(if $(ONLY),--only "$(ONLY)") $(if $(MINUTES),--minutes $(MINUTES)) $(if $(KEEP),--keep) --json .build/bench.json

bench-limits: ## The limiter beside the algorithms of others, for the same traffic
	@scripts/install-packages.sh python3 redis-server
	@python3 Benchmarks --limits $(if $(KEEP),--keep) --json .build/limits.json

USERS ?= 1000000
ifeq ($(filter-out 0,$(USERS)),)
$(error USERS is the number of users that a scale grows to: 1 or more)
endif
scale: install build ## Growth up to USERS users: rates, latency, memory, size of the file
	@scripts/install-packages.sh $(BENCH_PACKAGES)
	@GATEHOUSE_BINARY=$(abspath $(RELEASE)) python3 Benchmarks --users $(USERS) --rounds 3 $(if $(KEEP),--keep) --json .build/scale.json

openapi: build ## Write the OpenAPI documents of docs/ anew, after a change of the contract
	@GATEHOUSE_BINARY=$(abspath $(RELEASE)) python3 scripts/openapi.py

test-address: install-for-tests ## The Redis client and its C parser under AddressSanitizer
	@scripts/install-packages.sh lld
	swift test --sanitize=address --disable-xctest --no-parallel --scratch-path .build-address -Xswiftc -use-ld=lld --filter RedisClientTests

MODEL_STATES ?= 10000000
model: install-for-tests ## The model of the protocol, searched for MODEL_STATES states
	GATEHOUSE_MODEL_STATES=$(MODEL_STATES) swift test -c release -Xswiftc -enable-testing --scratch-path .build-model --disable-xctest --filter ModelTests

quick: machine ## What changed since the last commit: its form, and the tests beside it
	@scripts/install-packages.sh $(BUILD_PACKAGES) $(RUN_PACKAGES) python3 python3-venv
	@python3 scripts/quick.py

lint: machine ## Check the form of Swift, and form and rules of Python
	@scripts/install-packages.sh python3 python3-venv
	scripts/lint-swift.sh
	scripts/lint-python.sh

format: machine ## Correct what `make lint` finds, where a machine can
	@scripts/install-packages.sh python3 python3-venv
	swift format -i -r Sources Tests Benchmarks Package.swift
	scripts/lint-python.sh --fix

clean: ## Remove what was built
	rm -rf .build
