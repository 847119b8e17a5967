#!/bin/bash
# One round of real telephones against the built server: baresip (a desk line) and linphone (another) register, dial the
# gateway number, type a space ID by telephone-events, and must hear each other's tone and never their own. Headless, on
# loopback, bounded in time. run.sh calls it.
#
#   round.sh TRANSPORT CODEC FIRST_PORT      such as: round.sh udp PCMU 26060
#
# KEEP=1 leaves logs and recordings.
set -u
transport=$1 codec=$2 base=$3 # 400 ports from base, UDP and TCP; baresip takes the one above its SIP port for TLS
root=$(cd "$(dirname "$0")/../.." && pwd)
BIN=${BIN:-$root/bin/passerelle}
sip=127.0.0.1:$base http=127.0.0.1:$((base + 1)) control=$((base + 6))
work=$(mktemp -d)
pids=()

die() {
	echo "FAILED: $*" >&2
	for log in server baresip linphone; do
		[ -f "$work/$log.log" ] && { echo "--- $log"; grep -av -e '^[[:space:]]*$' "$work/$log.log" | tail -n 25; } >&2
	done
	KEEP=1
	exit 1
}

cleanup() {
	for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null; done
	wait 2>/dev/null
	if [ -n "${KEEP:-}" ]; then echo "logs and recordings: $work" >&2; else rm -rf "$work"; fi
}
trap cleanup EXIT

# until_true SECONDS WHAT COMMAND... waits until the command succeeds.
until_true() {
	local limit=$((SECONDS + $1)) what=$2
	shift 2
	until "$@"; do
		[ "$SECONDS" -lt "$limit" ] || die "$what did not happen within its time"
		sleep 0.1
	done
}
logged() { grep -aq -- "$2" "$work/$1.log" 2>/dev/null; }
step() { printf '%3d s  %s\n' "$SECONDS" "$*"; }

ears=$work/ears
(cd "$root" && go build -o "$ears" ./softphone/ears) || exit 1
"$ears" -make "$work/tone-baresip.wav" -hertz 1050 -for 90s || exit 1
"$ears" -make "$work/tone-linphone.wav" -hertz 1750 -for 90s || exit 1

# The server.
timeout 120 "$BIN" demo --sip $sip --http $http --rtp 127.0.0.1:$((base + 200))-$((base + 399)) >"$work/demo.txt" 2>"$work/server.log" &
pids+=($!)
until_true 20 "the server's start" logged server msg=serving
space=$(awk '/Alice Martin/ {print $(NF-1)}' "$work/demo.txt")
number=$(awk '/gateway number/ {sub(/,$/, "", $3); print $3; exit}' "$work/demo.txt")
password() { awk -v user="$1" '{for (i = 1; i < NF; i++) if ($i == user && $(i + 1) ~ /^[a-z][A-Z]-/) print $(i + 1)}' "$work/demo.txt"; }
target=sip:$number@paris.acme.test

# baresip, driven by its control socket.
mkdir -p "$work/baresip" "$work/recorded"
cat >"$work/baresip/config" <<END
poll_method epoll
sip_listen 127.0.0.1:$((base + 2))
audio_player aubridge,nil
audio_source aufile,$work/tone-baresip.wav
audio_alert aubridge,nil
ausrc_srate 8000
auplay_srate 8000
rtp_ports $((base + 100))-$((base + 149))
net_interface 127.0.0.1
snd_path $work/recorded
module g711.so
module sndfile.so
module aufile.so
module aubridge.so
module_tmp uuid.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:$control
END
modules=$(dirname "$(find /usr/lib /usr/local/lib -name ctrl_tcp.so -path '*baresip*' 2>/dev/null | head -n 1)")
echo "module_path $modules" | cat - "$work/baresip/config" >"$work/config" && mv "$work/config" "$work/baresip/config"
echo "<sip:alice-app@paris.acme.test;transport=$transport>;auth_user=alice-app;auth_pass=$(password alice-app);outbound=\"sip:$sip\";regint=600;audio_codecs=$codec/8000/1" >"$work/baresip/accounts"
timeout 100 baresip -f "$work/baresip" -v -s </dev/null >"$work/baresip.log" 2>&1 &
pids+=($!)
baresip_do() {
	local json="{\"command\":\"$1\",\"params\":\"${2:-}\"}"
	exec 3<>/dev/tcp/127.0.0.1/$control || die "baresip's control socket"
	printf '%d:%s,' ${#json} "$json" >&3
	timeout 2 head -c 10 <&3 >/dev/null
	exec 3>&-
}
until_true 20 "baresip's registration" logged baresip '200 OK'
step "baresip has registered"

# linphone, driven by its standard input. It looks for its files under HOME.
mkdir -p "$work/linphone/.local/share/linphone" "$work/linphone/.config/linphone"
cat >"$work/linphone/rc" <<END
[sip]
sip_port=$((base + 4))
sip_tcp_port=$((base + 5))
sip_tls_port=0
use_info=0
use_rfc2833=1
[rtp]
audio_rtp_port=$((base + 150))
[auth_info_0]
username=+33170001203
passwd=$(password +33170001203)
realm=paris.acme.test
domain=paris.acme.test
[proxy_0]
reg_proxy=<sip:$sip;transport=$transport>
reg_route=<sip:$sip;transport=$transport;lr>
reg_identity=sip:+33170001203@paris.acme.test
reg_expires=600
reg_sendregister=1
publish=0
END
mkfifo "$work/linphone/in"
HOME=$work/linphone timeout 100 linphonec -c "$work/linphone/rc" -d 6 -l "$work/linphone.log" <"$work/linphone/in" >"$work/linphone/out" 2>&1 &
pids+=($!)
exec 4>"$work/linphone/in"
until_true 20 "linphone's registration" logged linphone 'LinphoneRegistrationOk'
step "linphone has registered"
echo "soundcard use files" >&4
echo "play $work/tone-linphone.wav" >&4

# Both dial and type.
baresip_do dial "$target"
until_true 10 "the answer to baresip" logged baresip "Call established\|CALL_ESTABLISHED"
sleep 1
for digit in $(echo "$space" | grep -o .) '#'; do
	baresip_do sndcode "$digit"
	sleep 0.1
done
until_true 10 "baresip's seat" logged server participants=1
step "baresip is in the space"

echo "call $target" >&4
until_true 10 "the answer to linphone" logged linphone 'LinphoneCallStreamsRunning'
echo "record $work/recorded/linphone.wav" >&4
sleep 1
for digit in $(echo "$space" | grep -o .) '#'; do
	echo "$digit" >&4
	sleep 0.3
done
until_true 10 "linphone's seat" logged server participants=2
step "linphone is in the space"
sleep 6

# Both leave.
echo terminate >&4
until_true 10 "linphone's leaving" logged server 'participant out.*participants=1'
baresip_do hangup
until_true 10 "the end of the bridge" logged server 'bridge closed'
baresip_do quit
echo quit >&4
sleep 1
step "both have hung up"

"$ears" -heard 1750 -not 1050 -least 3s "$work"/recorded/dump-*-dec.wav || die "baresip does not hear linphone"
"$ears" -heard 1050 -not 1750 -least 3s "$work/recorded/linphone.wav" || die "linphone does not hear baresip"
step "baresip and linphone heard each other, and never themselves"
