#!/usr/bin/env bash
# asterisk.sh: a real Asterisk PBX on loopback.
#
#   asterisk.sh install               fetch Asterisk into the cache (done by start when missing)
#   asterisk.sh start [--ip A.B.C.D]  start it and wait until it is fully booted (default 127.0.0.1)
#   asterisk.sh cli [--ip …] COMMAND  one command of Asterisk's own console, e.g. cli pjsip show contacts
#   asterisk.sh log [--ip …]          path of its log
#   asterisk.sh stop [--ip …]
#
# Debian 12 has no asterisk package, so it lives in a chroot of Debian sid (--suite changes that),
# made once by debootstrap from the mirror in this machine's own apt sources. Several may run at a
# time on different loopback addresses. Ports: UDP and TCP 5060, TLS 5061, on ::1 UDP 5100 + 10 x the address's third number + the fourth, RTP 30000-31999, AMI 5038
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

SUITE=${OFFHOOK_ASTERISK_SUITE:-sid} IP=127.0.0.1
PACKAGES="asterisk asterisk-config asterisk-modules asterisk-core-sounds-en-gsm asterisk-core-sounds-en-wav asterisk-moh-opsound-wav"
ACTION=${1:-}; shift || true
REST=()
while [ $# -gt 0 ]; do case $1 in
  --ip) IP=$2; shift 2 ;;
  --suite) SUITE=$2; shift 2 ;;
  *) REST+=("$1"); shift ;;
esac; done

ROOT=$CACHE/asterisk-$SUITE         # the chroot
PORT6=$(IFS=.; set -- $IP; echo $((5100 + $3 * 10 + $4 % 10))) # of ::1, of which there is one only
ETC=/etc/offhook/$IP                # this instance's configuration, as seen inside the chroot
PIDFILE=$RUN/asterisk-$IP.pid
LOG=$RUN/asterisk-$IP.log

# Enters the chroot in a private mount namespace: nothing stays mounted when the command ends. Every
# step is an exec, so the pid of this command becomes the pid of the one inside.
INSIDE=(unshare --mount --propagation private bash -c '
  root=$1; shift
  mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"
  mount --rbind /dev "$root/dev"
  exec chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=xterm LC_ALL=C.UTF-8 \
    DEBIAN_FRONTEND=noninteractive "$@"' inside "$ROOT")
# The console needs no mounts: it talks over a socket in the chroot's file system.
cli() { chroot "$ROOT" /usr/bin/env -i PATH=/usr/sbin:/usr/bin HOME=/root TERM=dumb asterisk -C "$ETC/asterisk.conf" -rx "$*" 2>&1 | sed -e "s,\x1b\[[0-9;]*m,,g" -e "/^No ethernet interface/d"; }
booted() { cli core waitfullybooted 2>/dev/null | grep -q 'fully booted'; }

base() { rm -rf --one-file-system "$ROOT"; mkdir -p "$ROOT"; debootstrap --variant=minbase "$SUITE" "$ROOT" "$1"; }
packages() {
  "${INSIDE[@]}" sh -c "apt-get -o Acquire::Check-Valid-Until=false -o Acquire::Retries=5 update && apt-get -o Acquire::Retries=5 install -y --no-install-recommends $PACKAGES && apt-get clean" </dev/null
}

install() {
  [ -x "$ROOT/usr/sbin/asterisk" ] && [ -e "$ROOT/.offhook-complete" ] && return 0
  need debootstrap pbx
  local mirror t0=$SECONDS t1
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Identifier: Packages' 'Label: Debian' 'Component: main' | head -1)
  [ -n "$mirror" ] || die "no Debian mirror in this machine's apt sources"
  if [ ! -e "$ROOT/.offhook-base" ]; then
    echo "debootstrap $SUITE …" >&2
    again base "$mirror" >"$RUN/debootstrap-$SUITE.log" 2>&1 ||
      die "debootstrap failed: $RUN/debootstrap-$SUITE.log"
    touch "$ROOT/.offhook-base"
  fi
  t1=$SECONDS
  # Services must not start while their packages are being installed.
  printf '#!/bin/sh\nexit 101\n' >"$ROOT/usr/sbin/policy-rc.d"; chmod +x "$ROOT/usr/sbin/policy-rc.d"
  # sid's index says it is valid for a week; a machine whose clock runs ahead must still install.
  echo "apt-get install asterisk in it …" >&2
  again packages >"$RUN/apt-$SUITE.log" 2>&1 || die "the packages did not install: $RUN/apt-$SUITE.log"
  touch "$ROOT/.offhook-complete"
  echo "asterisk from Debian $SUITE: debootstrap $((t1-t0)) s, packages $((SECONDS-t1)) s" >&2
}

configure() {
  local dst=$ROOT$ETC cert f
  cert=$(make_cert "$IP")
  rm -rf "$dst"; mkdir -p "$dst/tls" "$ROOT/run/offhook/$IP" "$ROOT/var/log/offhook/$IP" "$ROOT/var/spool/offhook/$IP" "$ROOT/var/lib/offhook/$IP"
  cp "$cert.crt" "$dst/tls/server.crt"; cp "$cert.key" "$dst/tls/server.key"; cp "$CACHE/tls/ca.crt" "$dst/tls/ca.crt"
  cp "$ROOT/etc/asterisk/indications.conf" "$dst/"    # tone definitions by country: Debian's, unchanged
  for f in "$HERE"/asterisk/*.conf; do sed "s/@IP@/$IP/g;s/@PORT6@/$PORT6/g" "$f" >"$dst/$(basename "$f")"; done
}

ready() {
  printf '{"peer":"asterisk","version":"%s","ip":"%s","udp":5060,"tcp":5060,"tls":5061,"ca":"%s","pid":%s,"log":"%s"}\n' \
    "$(cli core show version | sed -n 's/^Asterisk \([^ ]*\).*/\1/p' | head -1)" "$IP" "$CACHE/tls/ca.crt" "$(<"$PIDFILE")" "$LOG"
}

case $ACTION in
  install) install; echo "{\"peer\":\"asterisk\",\"root\":\"$ROOT\"}" ;;
  start)
    install
    if alive "$PIDFILE" asterisk && booted; then ready; exit 0; fi
    configure
    rm -f "$ROOT/run/offhook/$IP/asterisk.ctl"
    background "$LOG" "$PIDFILE" "${INSIDE[@]}" asterisk -f -n -vvv -C "$ETC/asterisk.conf"
    wait_for 180 booted || { tail -20 "$LOG" >&2; stop_pid "$PIDFILE" asterisk; die "Asterisk did not boot"; }
    ready ;;
  cli) cli "${REST[@]}" ;;
  log) echo "$LOG" ;;
  stop) stop_pid "$PIDFILE" asterisk; echo "{\"peer\":\"asterisk\",\"ip\":\"$IP\",\"stopped\":true}" ;;
  -h|--help|help|'') usage ;;
  *) die "unknown action $ACTION (--help)" ;;
esac
