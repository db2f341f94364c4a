#!/usr/bin/env bash
# salesforce-clients.sh: the programs that were written for Salesforce by others, which judge the practice Salesforce (crm/emulator) and
# offhook's requests (crm/wire): jsforce, @salesforce/core and sf from npm, go-salesforce from Go's proxy.
#
#   salesforce-clients.sh install    may be repeated; prints one JSON line
#   salesforce-clients.sh versions   "jsforce 3.10.16; …"
#
# The tests find them by OFFHOOK_SALESFORCE_CLIENTS, the folder that the JSON line names. They take about 400 MB, and Node.js 20.18 or
# later; where that is missing (Debian 12 has 18) it comes from npm too, into the same folder.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

SRC=$HERE/../../crm/emulator/testdata/clients
DEST=$CACHE/salesforce
case ${1:-} in
  install)
    need npm; need go
    mkdir -p "$DEST"
    if ! cmp -s "$SRC/package.json" "$DEST/.installed"; then
      rm -rf "$DEST/node_modules" "$DEST/package-lock.json"
      cp "$SRC/package.json" "$DEST/"
      (cd "$DEST" && again npm install --fetch-retries=5 --no-audit --no-fund --loglevel=error) >"$RUN/npm.log" 2>&1 || { tail -20 "$RUN/npm.log" >&2; die "npm install failed"; }
      node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 18) ? 0 : 1)' ||
        (cd "$DEST" && again npm install --fetch-retries=5 --no-save --no-audit --no-fund --loglevel=error node@20.20.2) >>"$RUN/npm.log" 2>&1 || { tail -20 "$RUN/npm.log" >&2; die "Node.js 20 cannot be installed"; }
      cp "$SRC/package.json" "$DEST/.installed"
    fi
    (cd "$SRC/go" && CGO_ENABLED=0 GOFLAGS=-mod=readonly again go build -o "$DEST/go-salesforce" .)
    echo "{\"peer\":\"salesforce-clients\",\"at\":\"$DEST\"}" ;;
  versions)
    for p in jsforce @salesforce/core @salesforce/cli; do printf '%s %s; ' "${p/@salesforce\/cli/sf}" "$(node -p "require('$DEST/node_modules/$p/package.json').version")"; done
    printf 'go-salesforce %s\n' "$(sed -n 's/^require .*go-salesforce.* v//p' "$SRC/go/go.mod")" ;;
  *) usage; exit 2 ;;
esac
