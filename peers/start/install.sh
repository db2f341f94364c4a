#!/usr/bin/env bash
# install.sh: the Debian 12 packages behind the peers, Asterisk in a chroot, and Salesforce's clients from npm. Runs as root and may be
# repeated.
#
#   OFFHOOK_INTEROP_WITHOUT="asterisk salesforce" leaves Asterisk (0.7 GB) and the clients (0.4 GB) out.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
case ${1:-} in -h|--help) usage; exit 0 ;; esac

want="sip-tester baresip-core pulseaudio pulseaudio-utils sox ffmpeg espeak-ng tmux iproute2 procps openssl python3-minimal ca-certificates
  kamailio kamailio-tls-modules kamailio-outbound-modules kamailio-extra-modules debootstrap"
command -v npm >/dev/null || want="$want nodejs npm"
missing=()
for p in $want; do dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null | grep -qx installed || missing+=("$p"); done
if [ ${#missing[@]} -gt 0 ]; then
  [ "$(id -u)" = 0 ] || die "needs root for: ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  # Services would start the moment they are installed, and Kamailio would take port 5060.
  policy=/usr/sbin/policy-rc.d ours=
  if [ ! -e "$policy" ]; then printf '#!/bin/sh\nexit 101\n' >"$policy"; chmod +x "$policy"; ours=1; fi
  trap '[ -z "$ours" ] || rm -f "$policy"' EXIT
  fetch() {
    apt-get -o Acquire::Retries=5 update -q || true # one source out of reach must not stop the others
    apt-get -o Acquire::Retries=5 install -y -q --no-install-recommends "${missing[@]}"
  }
  again fetch
fi
case " ${OFFHOOK_INTEROP_WITHOUT:-} " in *' asterisk '*) ;; *) "$HERE/asterisk.sh" install ;; esac
case " ${OFFHOOK_INTEROP_WITHOUT:-} " in *' salesforce '*) ;; *) "$HERE/salesforce-clients.sh" install ;; esac
