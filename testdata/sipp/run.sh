#!/usr/bin/env bash
# Runs the SIPp scenarios of this directory against the built binary and its demo site: `make sipp`, or
# testdata/sipp/run.sh [PATTERN] for the scenarios whose name contains a pattern. Prints a line per scenario.
# KEEP=1 keeps the logs. SIPp plays pcaps through a raw socket: root, or CAP_NET_RAW on sipp.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
sip=${SIP:-127.0.0.1:15060} http=${HTTP:-127.0.0.1:18080} rtp=${RTP:-127.0.0.1:20000-24999}
pattern=${1:-}
. "$here/lib.sh"

# The demo site's public values.
space=48213907752 space2=73500619280 mistyped=48213907753 guess=61488290310
alice=(-au alice-app -ap sA-44c1d0 -auth_uri paris.acme.test)
bruno=(-au +33170001202 -ap pB-91aa37 -auth_uri paris.acme.test)
camille=(-au +33170001203 -ap pC-0be5d2 -auth_uri paris.acme.test)
dana=(-au +15145550201 -ap pD-5c2e9b -auth_uri montreal.acme.test)
gateway=sip:+33170001000@paris.acme.test
keys=() # of the INFO scenarios: the space ID, and # as an event number
for i in {1..11}; do keys+=(-key "k$i" "${space:i-1:1}"); done
keys+=(-key k12 11)

passed=0 failed=0
declare -A waiting=()

# pcaps makes what is played.
pcaps() {
	local make="$bin/rtppcap"
	mkdir -p "$work/pcap"
	cd "$work/pcap" || exit 1
	"$make" -o events.pcap -digits "$space#" &&
		"$make" -o fast.pcap -digits "$space" -on 50ms -gap 20ms &&
		"$make" -o lossy.pcap -digits "$space#" -loss 5 -seed 4 &&
		"$make" -o reordered.pcap -digits "$space#" -reorder -no-marker &&
		"$make" -o tones.pcap -digits "$space#" -in-band &&
		"$make" -o again.pcap -digits "$space#" -from 10s &&
		"$make" -o wrong1.pcap -digits "$mistyped#" &&
		"$make" -o wrong2.pcap -digits "$guess#" -from 10s &&
		"$make" -o wrong3.pcap -digits "$guess#" -from 20s || exit 1
	cd - >/dev/null || exit 1
}

# report NAME STATUS [DIR]
report() {
	if [ "$2" = 0 ]; then
		passed=$((passed + 1))
		echo "ok    $1"
		return
	fi
	failed=$((failed + 1))
	echo "FAIL  $1"
	[ -z "${3:-}" ] && return
	grep -hv '^$' "$3"/errors.log 2>/dev/null | head -30 | sed 's/^/        /'
	sed 's/^/        /' "$3/why" 2>/dev/null
}

wanted() { [[ $1 == *"$pattern"* ]]; }

# scenario [later] NAME FILE [DIGITS] [joins=N] [ARGUMENTS…]: one scenario, at once or in the background until reap.
# joins=N wants N participants to sit down meanwhile. The pcap DIGITS is what it types.
scenario() {
	local later='' joins=''
	[ "$1" = later ] && later=1 && shift
	local name=$1 file=$2
	shift 2
	wanted "$name" || return 0
	local dir="$work/${name//[^a-zA-Z0-9]/_}"
	mkdir -p "$dir"
	ln -sf "$work"/pcap/*.pcap "$dir/"
	if [ -n "${1:-}" ] && [ -e "$work/pcap/${1:-}.pcap" ]; then
		ln -sf "$work/pcap/$1.pcap" "$dir/digits.pcap"
		shift
	fi
	[[ ${1:-} == joins=* ]] && joins=${1#joins=} && shift
	local args=(-m 1 -i 127.0.0.1 -p $((next_port++)) -mp $((next_media += 10)))
	case " $* " in *" -p "*) args=(-m 1 -i 127.0.0.1 -mp $next_media) ;; esac
	if [ -n "$later" ]; then
		sipp_in "$dir" "$file" "${args[@]}" "$@" &
		waiting[$!]=$name
		return
	fi
	local before
	before=$(metric passerelle_gateway_joins_total)
	sipp_in "$dir" "$file" "${args[@]}" "$@"
	local status=$?
	if [ -n "$joins" ] && [ $status = 0 ]; then
		eventually 5 equals metric passerelle_gateway_joins_total $((before + joins)) || {
			status=1
			echo "$(($(metric passerelle_gateway_joins_total) - before)) participants sat down, want $joins" >"$dir/why"
		}
	fi
	report "$name" $status "$dir"
}

# reap [NAME] waits for the background scenarios, or for one of them.
reap() {
	local pid name status
	for pid in "${!waiting[@]}"; do
		name=${waiting[$pid]}
		[ "${1:-$name}" = "$name" ] || continue
		wait "$pid"
		status=$?
		unset "waiting[$pid]"
		report "$name" $status "$work/${name//[^a-zA-Z0-9]/_}"
	done
}

# check NAME COMMAND…: a check that is no scenario.
check() {
	local name=$1
	shift
	"$@"
	report "$name" $?
}

# no_secrets searches all that the server put out for what must never be there. Its standard output is the demo's
# announcement, which tells passwords on purpose.
no_secrets() {
	curl -sf "http://$http/metrics" >"$work/metrics"
	{ api GET bridges && api GET registrations && api GET status; } >"$work/api"
	local secret found=0
	for secret in $space $space2 $mistyped $guess 246810 135790 sA-44c1d0 pA-6d1f0c pB-91aa37 pC-0be5d2 pD-5c2e9b guess-1 'response="'; do
		if grep -F -m 3 -H -- "$secret" "$work/server.log" "$work/metrics" "$work/api" | cut -c 1-300; then found=1; fi
	done
	return $found
}

quiet() { # everything given back
	local field
	for field in legs bridges participants; do equals status $field 0 || return 1; done
}

resent() { # the unacknowledged 200 was sent again about ten times (RFC 3261 §13.3.1.4): T1, doubling up to T2, for 64*T1
	local n
	n=$(grep -c '^SIP/2.0 200' "$work/missing_ACK/messages.log")
	[ "$n" -ge 9 ] && [ "$n" -le 13 ]
}

pcaps
start_server demo --data "$work/data" --log json --log-level debug
token=$(sed -n 's/^API token *//p' "$work/server.out")
trunk=(-p 5090)
patient=(-default_behaviors 'all,-abortunexp')

# Long ones first, beside the others. None of them sits down.
scenario later 'missing ACK' no_ack.xml "${bruno[@]}" -key dial "$gateway;space=$space2"
scenario later 'nothing typed' no_keys.xml "${alice[@]}" -key dial "$gateway"
scenario later 'wrong ID three times' wrong_ids.xml "${alice[@]}" -key dial "$gateway"

scenario 'register' register.xml "${camille[@]}"
scenario 'register over TCP' register.xml "${camille[@]}" -t t1
scenario 'a line comes and goes, From is the extension' line.xml "${camille[@]}" -key line 203 -key domain paris.acme.test -d 200
scenario later 'wrong password' wrong_password.xml
scenario 'register beside a wrong password' register.xml "${camille[@]}"

scenario 'phone call, number' phone_call.xml events joins=1 "${alice[@]}" -key dial "$gateway" -d 5000
scenario 'phone call, extension, no #, fast keys' phone_call.xml fast joins=1 "${alice[@]}" -key dial sip:100@paris.acme.test -d 4000
scenario 'phone call over TCP' phone_call.xml events joins=1 "${alice[@]}" -key dial "$gateway" -d 5000 -t t1
scenario 'phone call to an address, 5 % loss' phone_call.xml lossy joins=1 "${alice[@]}" -key dial "sip:+33170001000@$sip" -d 5000
scenario 'trunk call' trunk_call.xml events joins=1 "${trunk[@]}" -key dial "sip:+33170001000@$sip" -d 5000
scenario 'trunk call, no plus, reordered, no marker' trunk_call.xml reordered joins=1 "${trunk[@]}" -key dial "sip:33170001000@$sip" -d 5000
scenario 'in-band keys' in_band.xml tones joins=1 "${alice[@]}" -key dial "$gateway" -d 5000
scenario 'INFO dtmf-relay' info_relay.xml joins=1 "${alice[@]}" -key dial "$gateway" "${keys[@]}" -d 1500
scenario 'INFO dtmf' info_plain.xml joins=1 "${alice[@]}" -key dial "$gateway" "${keys[@]}" -d 1500
scenario 'INFO over TCP' info_relay.xml joins=1 "${alice[@]}" -key dial "$gateway" "${keys[@]}" -d 1500 -t t1
scenario 'second try' second_try.xml again joins=1 "${alice[@]}" -key dial "$gateway" -d 5000
scenario 'delayed offer' delayed_offer.xml events joins=1 "${alice[@]}" -key dial "$gateway" -d 5000
scenario 'delayed offer over TCP' delayed_offer.xml events joins=1 "${alice[@]}" -key dial "$gateway" -d 5000 -t t1

for form in "$gateway;space=$space" "$gateway;room=$space" "sip:+33170001000,,$space#@paris.acme.test" "sip:space-$space@paris.acme.test" "sip:$space@conf.paris.acme.test"; do
	scenario "ID in the INVITE: ${form//$space/ID}" seat.xml joins=1 "${alice[@]}" -key dial "$form" -d 1000
done
scenario 'unknown space in the INVITE' not_found.xml "${alice[@]}" -key dial "$gateway;space=$guess"
scenario 'space of another site' not_found.xml "${alice[@]}" -key dial "$gateway;space=90417725633"
scenario 'number of a site without a gateway' not_found.xml "${dana[@]}" -key dial sip:+15145550100@montreal.acme.test
scenario 'space of a site without a gateway' not_found.xml "${dana[@]}" -key dial sip:space-90417725633@montreal.acme.test
scenario 'extension of nobody' not_found.xml "${alice[@]}" -key dial sip:299@paris.acme.test
scenario 'number of nobody, trunk' trunk_not_found.xml "${trunk[@]}" -key dial "sip:+33170009876@$sip"

scenario 'CANCEL back to back' cancel_at_once.xml "${alice[@]}" "${patient[@]}" -t t1 -key crlf $'\r\n' -key dial "$gateway" -m 50 -r 25
scenario 'CANCEL after 100' cancel_after_100.xml "${trunk[@]}" "${patient[@]}" -key dial "$gateway" -m 50 -r 25
scenario 'CANCEL after 200' cancel_after_200.xml "${trunk[@]}" -key dial "$gateway" -m 10 -r 10
scenario 'hold and resume' hold.xml "${alice[@]}" -key dial "$gateway;space=$space"
scenario 'hold and resume over TCP' hold.xml "${alice[@]}" -key dial "$gateway;space=$space" -t t1
scenario 'session timer' session_timer.xml "${alice[@]}" -key dial "$gateway;space=$space"
scenario 'session timer over TCP' session_timer.xml "${alice[@]}" -key dial "$gateway;space=$space" -t t1
scenario 'audio and video offered' video_offer.xml joins=1 "${alice[@]}" -key dial "$gateway;space=$space" -d 1000
scenario 'no common codec' no_codec.xml "${trunk[@]}" -key dial "$gateway"
scenario 'SRTP only' srtp_only.xml "${trunk[@]}" -key dial "$gateway"
scenario 'unknown content type' bad_type.xml "${trunk[@]}" -key dial "$gateway"
scenario 'unknown extension required' require.xml "${trunk[@]}" -key dial "$gateway"
scenario 'OPTIONS' options.xml
scenario 'OPTIONS over TCP' options.xml -t t1
scenario 'SUBSCRIBE to an unknown event' subscribe.xml "${trunk[@]}"
scenario 'NOTIFY keep-alive' keep_alive.xml
scenario 'no such dialog, no such method' unknown_dialog.xml "${trunk[@]}"

end_bridge() { # of the only space with a participant, once that one has sat down
	local bridge
	bridge=$(api GET bridges | grep -o '"space": *"[^"]*"' | head -1 | sed 's/.*"\([^"]*\)"$/\1/')
	[ -n "$bridge" ] && api DELETE "bridges/$bridge"
}
if wanted 'BYE from the server'; then
	scenario later 'BYE from the server' removed.xml "${alice[@]}" -key dial "$gateway;space=$space"
	eventually 10 end_bridge
	reap 'BYE from the server'
fi

fifteen() {
	local before
	before=$(metric passerelle_gateway_joins_total)
	scenario later 'fifteen callers' removed.xml "${alice[@]}" -key dial "$gateway;space=$space" -m 15 -r 15
	eventually 20 equals metric passerelle_gateway_joins_total $((before + 15)) && equals status participants 15
}
if wanted '16th caller'; then
	pattern=
	fifteen
	report 'fifteen sit' $?
	scenario '16th caller, ID in the INVITE' full_invite.xml joins=0 "${trunk[@]}" -key dial "$gateway;space=$space"
	scenario '16th caller, ID typed' full_typed.xml events joins=0 "${trunk[@]}" -key dial "$gateway"
	eventually 10 end_bridge
	pattern=${1:-}
fi

reap
wanted 'missing ACK' && check 'the 200 without ACK was sent again' resent
check 'no leg, no bridge, no seat is left' eventually 40 quiet
check 'RTP ports are given back' eventually 10 equals status ports_in_use 0
check 'no panic' equals metric passerelle_owner_panics_total 0
check 'no space ID, digits or password in logs, metrics, API' no_secrets
check 'the server ends well' stop_server
echo "$passed passed, $failed failed"
[ $failed = 0 ]
