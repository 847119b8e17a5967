#!/bin/bash
# Real telephones against the built server: see round.sh and call.sh. Needs Debian's baresip-core and linphone-cli, Go, and
# bin/passerelle (or BIN). BASE is the first of 1200 ports.
set -u
here=$(cd "$(dirname "$0")" && pwd)
for program in baresip linphonec; do
	command -v $program >/dev/null || { echo "no $program: apt-get install baresip-core linphone-cli" >&2; exit 1; }
done
[ -x "${BIN:-$here/../../bin/passerelle}" ] || { echo "no bin/passerelle: make build" >&2; exit 1; }
base=${BASE:-26000}
echo "a space, over UDP, µ-law" && timeout 180 "$here/round.sh" udp PCMU "$base" &&
	echo "a space, over TCP, A-law" && timeout 180 "$here/round.sh" tcp PCMA $((base + 400)) &&
	echo "a call, TLS with SRTP on one side" && timeout 180 "$here/call.sh" $((base + 800))
