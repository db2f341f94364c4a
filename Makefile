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
