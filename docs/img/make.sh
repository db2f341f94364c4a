#!/bin/sh
# Makes the pictures of the documentation again, with the program itself. Run it from anywhere.
set -eu
cd "$(dirname "$0")/../.."
exec go run ./cmd/offhook play docs/img/*.tape
