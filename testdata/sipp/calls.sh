#!/usr/bin/env bash
# Calls of two and three parties through the built binary: `make sipp-calls`, or testdata/sipp/calls.sh [PATTERN] for the
# calls whose name contains a pattern. Each party is a SIPp that plays a list of steps (calls/*.steps, see README.md). All
# calls run beside each other, each between lines of its own. KEEP=1 keeps the logs.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
sip=${SIP:-127.0.0.1:15060} http=${HTTP:-127.0.0.1:18080} rtp=${RTP:-127.0.0.1:20000-24999}
pattern=${1:-}
. "$here/lib.sh"

passed=0 failed=0
declare -A calls=() # process of a call → its name
base=0              # the first of four lines of the call that is being described

# scenarios writes the SIPp scenario of every list of steps.
scenarios() {
	local f
	mkdir -p "$work/xml"
	for f in "$here"/calls/*.steps; do
		awk -f "$here/steps.awk" "$f" >"$work/xml/$(basename "$f" .steps).xml" || exit 1
	done
	local codecs
	for codecs in 02 03 16; do # of 200 bytes each, besides 850 bytes
		for f in big_a big_b; do
			sed "s/PAD/$codecs/" "$here/calls/$f.steps" | awk -f "$here/steps.awk" >"$work/xml/$f-$codecs.xml"
		done
	done
}

# play STEPS LINE ARGUMENTS… is one party: one of the four lines of the call, 0 to 3; with owner=LINE before it, a further
# phone of that line. What the lines are dialled as is in the keys a, b, c and d.
play() {
	local steps=$1 n=$2 at=$((base + $2)) u=$((base + ${owner:-$2}))
	shift 2
	mkdir -p "$dir/$n-$steps"
	(cd "$dir/$n-$steps" && exec sipp "$sip" -sf "$work/xml/$steps.xml" -nostdin -m 1 -i 127.0.0.1 -p $((16000 + at)) -mi 127.0.0.1 -mp $((26000 + 10 * at)) \
		-au "user$u" -ap secret -auth_uri bench.test -key line "user$u" -key a $((3000000 + base)) -key b $((3000001 + base)) -key c $((3000002 + base)) \
		-key d $((3000003 + base)) -timeout 90 -timeout_error -trace_err -error_file errors.log -trace_msg -message_file messages.log \
		-cid_str "%u-%p-$RANDOM" "$@" >screen.log 2>&1)
}

listens() { grep -q "$(printf ':%04X ' "$1")" /proc/net/udp /proc/net/tcp; }

# callee STEPS LINE ARGUMENTS… registers a line and has it wait for its call.
callee() {
	play register "$2" || return 1
	play "$@" &
	parties+=($!)
	eventually 10 listens $((16000 + base + $2))
}

# outside STEPS PORT ARGUMENTS… is a peer of the site that waits for its call; it stands for line 3.
outside() {
	play "$1" 3 -p "$2" "${@:3}" &
	parties+=($!)
	eventually 10 listens "$2"
}

# caller STEPS LINE ARGUMENTS… has a line call.
caller() {
	play "$@" &
	parties+=($!)
}

# ended waits for the parties; each must have seen what it was to see.
ended() {
	local p status=0
	for p in "${parties[@]}"; do wait "$p" || status=1; done
	return $status
}

# call NAME FUNCTION ARGUMENTS… begins a call that the function describes.
call() {
	local name=$1
	shift
	[[ $name == *"$pattern"* ]] || return 0
	(
		trap - EXIT
		dir="$work/${name//[^a-zA-Z0-9]/_}"
		parties=()
		"$@" && ended
	) &
	calls[$!]=$name
	base=$((base + 4))
}

report() {
	if [ "$2" = 0 ]; then
		passed=$((passed + 1))
		echo "ok    $1"
		return
	fi
	failed=$((failed + 1))
	echo "FAIL  $1"
	local party
	for party in "$work/${1//[^a-zA-Z0-9]/_}"/*/; do
		[ -s "$party/errors.log" ] || continue
		echo "      $(basename "$party"):"
		grep -hv '^$' "$party/errors.log" | head -20 | sed 's/^/        /'
	done
}

reap() {
	local pid
	for pid in "${!calls[@]}"; do
		wait "$pid"
		report "${calls[$pid]}" $?
	done
}

check() {
	local name=$1
	shift
	"$@"
	report "$name" $?
}

quiet() { # everything given back
	local field
	for field in legs bridges participants; do equals status $field 0 || return 1; done
}

# The calls. What is dialled for the line n of a call:
line() { echo "sip:$((3000000 + base + $1))@bench.test"; }

two() { callee "$1_b" 1 && caller "$1_a" 0; }
talk() { callee "$1" 1 && caller talk_a 0 -key dial "$(line 1)" -d "${2:-500}"; }
three() { callee "$1_c" 2 && callee "$1_b" 1 && caller "$1_a" 0; }
blind_busy() { callee busy 2 && callee blind_busy_b 1 && caller blind_busy_a 0; }
attended() { callee attended_c 2 && callee attended_a 0 && caller attended_b 1; }
cancelled() { callee silent 1 && caller cancel_a 0 -key dial "$(line 1)"; }
fork() { callee "$1" 1 && owner=1 callee "$2" 2 && caller talk_a 0 -key dial "$(line 1)" -d 500; }
fork_busy() { callee busy 1 && owner=1 callee busy 2 && caller refused_a 0 -key dial "$(line 1)"; }
# by_code LINE CODE changes a line's settings as people do.
by_code() { play code "$1" -key dial "sip:$2@bench.test"; }
forward_always() {
	by_code 1 "*21$((3000002 + base))" && by_code 2 "*67$((3000003 + base))" && callee busy 2 && callee forwarded 3 &&
		caller talk_a 0 -key dial "$(line 1)" -d 500
}
forward_no_answer() {
	by_code 1 "*61$((3000002 + base))" && by_code 2 "*62$((3000003 + base))" && callee silent 1 && callee forwarded 3 &&
		caller talk_a 0 -key dial "$(line 1)" -d 500
}
big() { callee "big_b-$1" 1 "${@:2}" && caller "big_a-$1" 0 -key dial "$(line 1)"; }
# big_out CODECS DIGIT ARGUMENTS… calls by the trunk that takes +339DIGIT and is at port 509DIGIT.
big_out() { outside "big_b-$1" "509$2" "${@:3}" && caller "big_a-$1" 0 -key dial "sip:+339${2}0000001@bench.test"; }
timer() { callee "$2" 1 && caller "$1" 0 -key dial "$(line 1)" -d "${3:-1500}"; }

scenarios
"$here/../bench/site.sh" 1 400 "$work" || exit 1
# Further trunks, each for the numbers +339DIGIT, at the port 509DIGIT.
for digit in 4 5 6 7 8; do
	way=large_by_tcp
	[ $digit != 7 ] || way="transport: tcp, shared"
	echo "      - {name: way$digit, address: \"127.0.0.1:509$digit\", $way: true, no_probe: true, prefixes: [\"+339$digit\"]}"
done >"$work/ways.yaml"
sed -i "/name: bench-uas/r $work/ways.yaml" "$work/bench.yaml"
"$bin/passerelle" import --data "$work/data" "$work/bench.yaml" "$work/users.csv" >"$work/import.log" 2>&1 || { cat "$work/import.log"; exit 1; }
start_server serve --data "$work/data" --log json --log-level debug
admin=(--unix-socket "$work/data/admin.sock")
api() { curl -sf "${admin[@]}" -X "$1" "http://passerelle/api/v1/$2"; }

call 'hold and resume by both' two hold
call 'blind transfer' three blind
call 'blind transfer to a busy line' blind_busy
call 'attended transfer' attended
call 'late offer' two late
call 'given up while it rings' cancelled
call 'two phones, one busy' fork busy answer
call 'two phones, the other answers' fork elsewhere answer
call 'two phones, both busy' fork_busy
call 'forwarded always, then when busy' forward_always
call 'forwarded when nobody answers, then when not reachable' forward_no_answer
call 'session too brief' caller timer_brief_a 0
call 'session refreshed by the caller' timer timer_own_a renewed_b
call 'session refreshed for the caller' timer timer_theirs_a answer
call 'session refreshed by the callee' timer renewed_a timer_own_b
call 'session refreshed for the callee, no UPDATE' timer talk_a timer_theirs_b 50000
call 'callee wants longer sessions' timer talk_a timer_least_b 50000
call '1200 bytes over UDP' big 02
call '1400 bytes over UDP' big 03
call '4000 bytes over UDP' big 16
call '1200 bytes to a trunk on UDP and TCP' big_out 02 4
call '1400 bytes to a trunk on UDP and TCP' big_out 03 5 -t t1
call '4000 bytes to a trunk on UDP and TCP' big_out 16 8 -t t1
call '4000 bytes to a trunk on TCP' big_out 16 7 -t t1
call '4000 bytes to a trunk on UDP that has no TCP' big_out 16 6

reap
check 'no leg is left' eventually 40 quiet
check 'RTP ports are given back' eventually 10 equals status ports_in_use 0
check 'no panic' equals metric passerelle_owner_panics_total 0
check 'the server ends well' stop_server
echo "$passed passed, $failed failed"
[ $failed = 0 ]
