# Shared by round.sh and call.sh: the server, and other people's telephones on files instead of sound cards. To be sourced
# by bash. The caller sets base: 400 ports from there, UDP and TCP, are used.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BIN=${BIN:-$root/bin/passerelle}
sip=127.0.0.1:$base http=127.0.0.1:$((base + 1))
domain=paris.acme.test
work=$(mktemp -d)
pids=()

die() {
	echo "FAILED: $*" >&2
	for log in "$work"/*.log; do
		[ -f "$log" ] && { echo "--- $(basename "$log" .log)"; grep -av -e '^[[:space:]]*$' "$log" | tail -n 25; } >&2
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
# times NAME PATTERN COUNT: so often is it in the log, or more often.
times() { [ "$(grep -ac -- "$2" "$work/$1.log" 2>/dev/null)" -ge "$3" ]; }
step() { printf '%3d s  %s\n' "$SECONDS" "$*"; }

ears=$work/ears
(cd "$root" && go build -o "$ears" ./softphone/ears) || exit 1
tone() { "$ears" -make "$work/tone-$1.wav" -hertz "$2" -for 90s || exit 1; }

# start_server COMMAND ARGUMENTS… starts the built binary.
start_server() {
	timeout 150 "$BIN" "$@" --sip "$sip" --http "$http" --rtp 127.0.0.1:$((base + 200))-$((base + 399)) >"$work/server.out" 2>"$work/server.log" &
	pids+=($!)
	until_true 20 "the server's start" logged server 'serving'
}

# start_baresip NAME OFFSET ACCOUNT starts one that plays the tone NAME and is driven by its control socket. It takes the
# SIP port base+OFFSET, the one above for TLS, and base+OFFSET+4 for its control.
start_baresip() {
	local name=$1 offset=$2 modules
	modules=$(dirname "$(find /usr/lib /usr/local/lib -name ctrl_tcp.so -path '*baresip*' 2>/dev/null | head -n 1)")
	mkdir -p "$work/$name" "$work/recorded-$name"
	cat >"$work/$name/config" <<END
module_path $modules
poll_method epoll
sip_listen 127.0.0.1:$((base + offset))
audio_player aubridge,nil
audio_source aufile,$work/tone-$name.wav
audio_alert aubridge,nil
ausrc_srate 8000
auplay_srate 8000
rtp_ports $((base + 80 + offset))-$((base + 89 + offset))
net_interface 127.0.0.1
snd_path $work/recorded-$name
module g711.so
module sndfile.so
module aufile.so
module aubridge.so
module srtp.so
module_tmp uuid.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:$((base + offset + 4))
END
	echo "$3" >"$work/$name/accounts"
	timeout 140 baresip -f "$work/$name" -v -s </dev/null >"$work/$name.log" 2>&1 &
	pids+=($!)
	declare -g "control_$name=$((base + offset + 4))"
	until_true 20 "the registration of $name" logged "$name" '200 OK'
	step "$name has registered"
}

# tell NAME COMMAND [PARAMETERS] has a baresip do something.
tell() {
	local port="control_$1" json="{\"command\":\"$2\",\"params\":\"${3:-}\"}"
	exec 3<>"/dev/tcp/127.0.0.1/${!port}" || die "the control socket of $1"
	printf '%d:%s,' ${#json} "$json" >&3
	timeout 2 head -c 10 <&3 >/dev/null
	exec 3>&-
}

# start_linphone OFFSET TRANSPORT USER PASSWORD starts the one linphone, driven by its standard input, descriptor 4. It looks
# for its files under HOME. On TLS it insists on SRTP.
start_linphone() {
	local offset=$1 transport=$2 user=$3 password=$4 server=$sip secured=
	[ "$transport" != tls ] || {
		server=$tls
		secured=$'media_encryption=srtp\nmedia_encryption_mandatory=1\nverify_server_certs=0\nverify_server_cn=0'
	}
	mkdir -p "$work/linphone/.local/share/linphone" "$work/linphone/.config/linphone" "$work/recorded-linphone"
	cat >"$work/linphone/rc" <<END
[sip]
sip_port=$((base + offset))
sip_tcp_port=$((base + offset + 1))
sip_tls_port=$((base + offset + 2))
use_info=0
use_rfc2833=1
$secured
[rtp]
audio_rtp_port=$((base + 150))
[auth_info_0]
username=$user
passwd=$password
realm=$domain
domain=$domain
[proxy_0]
reg_proxy=<sip:$server;transport=$transport>
reg_route=<sip:$server;transport=$transport;lr>
reg_identity=sip:$user@$domain
reg_expires=600
reg_sendregister=1
publish=0
END
	mkfifo "$work/linphone/in"
	HOME=$work/linphone timeout 140 linphonec -c "$work/linphone/rc" -d 6 -l "$work/linphone.log" <"$work/linphone/in" >"$work/linphone/out" 2>&1 &
	pids+=($!)
	exec 4>"$work/linphone/in"
	until_true 20 "the registration of linphone" logged linphone 'LinphoneRegistrationOk'
	step "linphone has registered"
	echo "soundcard use files" >&4
	echo "play $work/tone-linphone.wav" >&4
}

# heard OPTIONS… FILE judges a recording.
heard() { "$ears" "$@"; }

# typed KEY has linphone, or typed KEY NAME a baresip, press a key.
typed() {
	if [ -n "${2:-}" ]; then tell "$2" sndcode "$1"; else echo "$1" >&4; fi
	sleep 0.4
}
