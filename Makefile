# The commands that people type; .ci/run is what the build server runs.

.PHONY: all build test interop peers bench docs

all: build test

build:
	CGO_ENABLED=0 go build -o offhook ./cmd/offhook

test:
	go test ./...

# Programs that nobody here wrote: installs them (Debian 12, as root), calls them, and writes docs/interop.md.
peers:
	peers/start/install.sh
interop: peers
	peers/start/interop.sh write

bench:
	go test -run '^$$' -bench . ./...

# Every generated page: keys, settings, commands.
docs:
	go test -count=1 -run CheatSheet ./keymap -update
	go test -count=1 ./config -update
	go test -count=1 -run CommandReference ./cmd/offhook -update

# Proofs that take long: 10,000 calls through one process, and through the built program; ten minutes of everything that strangers write
# during a call; speech over every bad link, beside another telephone; 20,000 calls to a Salesforce that fails, from a desk that is killed.
.PHONY: soak torture impaired exactly-once
soak:
	OFFHOOK_SOAK=10000 go test -count=1 -timeout 40m -run 'ThousandsOfCalls' -v ./sip
	OFFHOOK_SOAK=10000 go test -count=1 -timeout 60m -run 'ADayOfCalls' -v ./peers
torture:
	OFFHOOK_TORTURE=10m go test -count=1 -timeout 30m -run 'Torture' -v ./peers
impaired:
	OFFHOOK_IMPAIRED=1 go test -count=1 -timeout 20m -run 'SpeechOverABadLink' -v ./peers
exactly-once:
	OFFHOOK_EXACTLY_ONCE=10000 go test -count=1 -timeout 60m -run 'WhateverFails' -v ./crm/exactlyonce
	OFFHOOK_NUMBERS=all go test -count=1 -run 'OfTheTable|OfAllCountries' -v ./crm/number
