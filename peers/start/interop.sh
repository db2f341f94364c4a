#!/usr/bin/env bash
# interop.sh: starts the peers, runs every test that wants one, and makes docs/interop.md of what they showed.
#
#   interop.sh write       writes docs/interop.md (make interop)
#   interop.sh check       fails when docs/interop.md says something else (the build server)
#   interop.sh with CMD…   only starts the servers and runs CMD with their addresses in the environment
#
# Asterisk answers on 127.0.2.1, Kamailio on 127.0.2.2 (OFFHOOK_INTEROP_NET=127.0.3: on 127.0.3.1 and .2, for two runs at a time); everything
# else chooses free ports. PJPROJECT=/path/to/pjproject: its crafted requests are sent and its SIPp scripts run too,
# and docs/crafted-requests.md and docs/pjsip-scripts.md are written.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
ACTION=${1:-}; shift || true
case $ACTION in write|check|with) ;; *) usage; exit 2 ;; esac
cd "$HERE/../.."
export CGO_ENABLED=0

NET=${OFFHOOK_INTEROP_NET:-127.0.2} LOG=interop-${OFFHOOK_INTEROP_NET:-127.0.2}
PBX=$NET.1 PROXY=$NET.2
stop() { "$HERE/asterisk.sh" stop --ip "$PBX" || true; "$HERE/kamailio.sh" stop --ip "$PROXY" || true; } >/dev/null 2>&1
trap stop EXIT
stop # configurations may have changed
"$HERE/asterisk.sh" start --ip "$PBX"
"$HERE/kamailio.sh" start --ip "$PROXY"
export OFFHOOK_ASTERISK=$PBX:5060 OFFHOOK_KAMAILIO=$PROXY:5060 OFFHOOK_PEERS_CA=$CACHE/tls/ca.crt OFFHOOK_KAMAILIO_CA=$CACHE/tls/ca.crt OFFHOOK_ASTERISK_CLI="$HERE/asterisk.sh cli --ip $PBX"
export OFFHOOK_SALESFORCE_CLIENTS=$CACHE/salesforce
if [ "$ACTION" = with ]; then "$@"; exit; fi

export OFFHOOK_PEERS_REQUIRED=1 OFFHOOK_PATIENT=1 OFFHOOK_INTEROP_LOG=$RUN/$LOG.jsonl
rm -f "$OFFHOOK_INTEROP_LOG"
log=$RUN/$LOG.log
# The suites one after the other: sound is judged by its content, and a busy machine is no network.
if ! go test -v -count=1 -p 1 -timeout 40m ./peers ./sip ./sip/... ./media/... ./crm/emulator ./crm/wire >"$log" 2>&1; then
  grep -E '^(---|\s+---|ok|FAIL|panic)|_test.go' "$log" | tail -100
  echo "the whole log: $log"
  exit 1
fi
grep -E '^(ok|FAIL)' "$log"
if grep -n 'is not installed' "$log"; then echo "a peer was skipped"; exit 1; fi
versions="Asterisk $("$HERE/asterisk.sh" cli --ip "$PBX" core show version | sed -n 's/^Asterisk \([^ ]*\).*/\1/p' | head -1); Kamailio $(kamailio -v | sed -n 's/^version: kamailio \([^ ]*\).*/\1/p'); baresip $(dpkg-query -W -f '${Version}' baresip-core); SIPp $({ sipp -v 2>&1 || true; } | sed -n 's/.*SIPp v\([0-9.]*\).*/\1/p' | head -1); $("$HERE/salesforce-clients.sh" versions)"
if [ "$ACTION" = check ]; then check=-check; fi
go run ./peers/interop -log "$OFFHOOK_INTEROP_LOG" -versions "$versions" ${check:-}
