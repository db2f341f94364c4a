# Shared by the scripts in this folder: sourced, never run.
#
# Everything that is downloaded, generated or written at run time lives under $CACHE, so deleting
# that one folder undoes everything but the Debian packages.

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
CACHE=${OFFHOOK_PEERS:-$HOME/.cache/offhook-peers}
RUN=$CACHE/run
mkdir -p "$RUN"

# The comment block at the top of a script is its --help.
usage() { sed -n '2,/^[^#]/{s/^# \{0,1\}//p}' "$0"; }
die() { echo "$(basename "$0"): $*" >&2; exit 1; }
need() { command -v "$1" >/dev/null || die "$1 is missing: run install.sh"; }

# again COMMAND…: three times at most, for what comes over a network.
again() {
  local try
  for try in 1 2 3; do
    "$@" && return 0
    [ "$try" = 3 ] || { echo "tried again: $*" >&2; sleep $((try * 10)); }
  done
  return 1
}

# alive PIDFILE WORD: the process is there and its command line (or program) still contains WORD, so
# a recycled pid is never taken for ours.
alive() {
  local p
  [ -s "$1" ] && p=$(<"$1") && [ -d "/proc/$p" ] &&
    { tr '\0' ' ' <"/proc/$p/cmdline"; readlink "/proc/$p/exe" || true; } 2>/dev/null | grep -q -- "$2"
}

# stop_pid PIDFILE WORD: TERM, up to 5 s of patience, then KILL; silent when nothing runs.
stop_pid() {
  if alive "$1" "$2"; then
    local p; p=$(<"$1")
    kill "$p" 2>/dev/null || true
    for _ in $(seq 50); do [ -d "/proc/$p" ] || break; sleep 0.1; done
    [ -d "/proc/$p" ] && kill -9 "$p" 2>/dev/null || true
  fi
  rm -f "$1"
}

# background LOG PIDFILE COMMAND…: its own session (a Ctrl-C in the caller's terminal does not reach
# it), stdin closed, pid noted. The command must not fork away.
background() {
  local log=$1 pidfile=$2; shift 2
  setsid "$@" </dev/null >"$log" 2>&1 &
  echo $! >"$pidfile"
}

# wait_for SECONDS COMMAND…: polls ten times a second.
wait_for() {
  local n=$(( $1 * 10 )); shift
  while [ $n -gt 0 ]; do "$@" && return 0; sleep 0.1; n=$((n-1)); done
  return 1
}
tcp_open() { (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null; }
# udp_bound IP PORT: someone in this network namespace has that UDP port.
udp_bound() { ss -Hlun "src $1:$2" 2>/dev/null | grep -q .; }

# make_cert IP: a throw-away CA, made once for all peers ($CACHE/tls/ca.crt), and a server
# certificate for IP, 127.0.0.1 and localhost. Prints the path without its extension.
make_cert() {
  local d=$CACHE/tls ip=$1
  mkdir -p "$d"
  if [ ! -s "$d/ca.crt" ]; then
    openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/CN=offhook test CA" \
      -keyout "$d/ca.key" -out "$d/ca.crt" 2>/dev/null
  fi
  if [ ! -s "$d/$ip.crt" ]; then
    openssl req -newkey rsa:2048 -nodes -subj "/CN=$ip" -keyout "$d/$ip.key" -out "$d/$ip.csr" 2>/dev/null
    openssl x509 -req -in "$d/$ip.csr" -CA "$d/ca.crt" -CAkey "$d/ca.key" -CAcreateserial -days 825 -out "$d/$ip.crt" \
      -extfile <(printf 'subjectAltName=IP:%s,IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth,clientAuth\n' "$ip") 2>/dev/null
    chmod 600 "$d/$ip.key"
  fi
  echo "$d/$ip"
}
