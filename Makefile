# Everything from nothing: `make run` calls a LiveKit lab under both arms and writes the report, `make test` runs the tests.
# A second call finds everything in place and goes straight to work.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

LIVEKIT_SERVER := 1.13.5
VENV := .venv
PYTHON := $(VENV)/bin/python
WRAPPER := ringtime_filters/bounded.so ringtime_filters/bounded_v2.so
FILTERS := ringtime_filters/reference.so $(WRAPPER)
CFLAGS ?= -O2 -g
WARNINGS := -Wall -Wextra -Wconversion
FILTER_FLAGS := -std=gnu11 $(WARNINGS) -fPIC -shared -pthread -Wl,-z,nodelete

# Evenly spaced calls: the bursts of Poisson arrivals would show how busy two cores get, not what the filter does.
DEMO := --calls 60 --calls-per-second 0.5 --arrivals constant --hold 4 --ring-timeout 15 --filter-fault silent:0.3 --bound 5 --gates "not_answered<=0.10"
ARGS ?=

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

.PHONY: run
run: setup ## call the lab under both arms and write the report; ARGS="--calls 20 …" passes options on
	@# 3 and 5 are verdicts of a valid run: the demonstration has done its work
	@status=0; $(VENV)/bin/locust -f locustfiles/calls.py --headless $(DEMO) $(ARGS) || status=$$?; \
	case $$status in 0|3|5) exit 0;; *) exit $$status;; esac

.PHONY: test
test: setup sipp tcpdump valgrind chromium ## all tests but the slow ones
	@# whole labs one after another, since each wants the machine; all else side by side
	$(PYTHON) -m pytest -m "not slow" --ignore=tests/system -n 3 --dist loadfile
	$(PYTHON) -m pytest -m "not slow" tests/system

.PHONY: test-slow
test-slow: setup sipp tcpdump valgrind chromium ## the tests that take minutes
	$(PYTHON) -m pytest -m slow

.PHONY: gallery
gallery: $(VENV)/.synced chromium ## pages of recorded runs through every notebook, into build/gallery
	$(PYTHON) -m reports.gallery

.PHONY: lint
lint: $(VENV)/.synced ## style and types
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

.PHONY: setup
setup: $(VENV)/.synced redis livekit-server filters pump ## everything a run needs

.PHONY: filters
filters: $(FILTERS) ## compile the audio filters

REFERENCE := $(addprefix ringtime_filters/,reference.c settings_request.c settings_connection.c)
ringtime_filters/reference.so: $(REFERENCE) ringtime_filters/audio_filter.h $(wildcard ringtime_filters/settings_*.h)
	$(CC) $(CFLAGS) $(FILTER_FLAGS) -o $@ $(REFERENCE) -lresolv

BOUNDED := $(addprefix ringtime_filters/,bounded.c crash.c filter.c initialisation.c log.c passthrough.c session.c)
$(WRAPPER) &: $(BOUNDED) ringtime_filters/compile.py $(wildcard ringtime_filters/*.h)
	CC="$(CC)" CFLAGS="$(CFLAGS)" python3 ringtime_filters/compile.py $(WARNINGS)

PUMP := $(wildcard sip/pump/*.c)
.PHONY: pump
pump: sip/pump/pump ## compile the RTP pump
sip/pump/pump: $(PUMP) $(wildcard sip/pump/*.h)
	$(CC) $(CFLAGS) -std=gnu11 $(WARNINGS) -o $@ $(PUMP) -lm -pthread

# The same with the sanitizers, and a program that gives its ears packets that are nearly right.
SANITIZED := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
build/pump: $(PUMP) $(wildcard sip/pump/*.h)
	@mkdir -p build
	$(CC) $(CFLAGS) -std=gnu11 $(WARNINGS) $(SANITIZED) -o $@ $(PUMP) -lm -pthread
build/mutate build/figures: build/%: tests/sip/pump/%.c $(PUMP) $(wildcard sip/pump/*.h)
	@mkdir -p build
	$(CC) $(CFLAGS) -std=gnu11 $(WARNINGS) $(SANITIZED) -Isip/pump -o $@ $< $(filter-out sip/pump/pump.c,$(PUMP)) -lm -pthread

.PHONY: fuzz
fuzz: build/mutate ## a million mutated packets to the pump, under the address and undefined behaviour sanitizers
	@seed=$$(date +%s); echo "seed $$seed"; build/mutate 1000000 $$seed

$(VENV)/.synced: requirements.txt pyproject.toml scripts/python.sh
	scripts/python.sh $(VENV)
	@touch $@

# These look first and take milliseconds where there is nothing to do.
.PHONY: redis sipp tcpdump valgrind chromium livekit-server
redis:
	@scripts/debian.sh redis-server redis-server
sipp:
	@scripts/debian.sh sipp sip-tester
tcpdump:
	@scripts/debian.sh tcpdump tcpdump
valgrind:
	@scripts/debian.sh valgrind valgrind
chromium:
	@scripts/debian.sh chromium chromium || echo "Without chromium no page is looked at or pictured." >&2
livekit-server:
	@scripts/livekit-server.sh $(LIVEKIT_SERVER) .tools/bin

.PHONY: lock
lock: ## resolve requirements.txt anew from pyproject.toml
	@. scripts/uv.sh; "$$UV" pip compile pyproject.toml --extra test --universal --python-version 3.11 --upgrade \
	    --generate-hashes --no-emit-index-url --no-header -q -o requirements.txt

.PHONY: clean
clean: ## remove everything that make built; keeps runs/
	rm -rf $(VENV) .tools build $(FILTERS) sip/pump/pump
