#!/usr/bin/env bash
# Calls of two and three parties through the built binary: `make sipp-calls`, or testdata/sipp/calls.sh [PATTERN] for the
# calls whose name contains a pattern. Each party is a SIPp that plays a list of steps (calls/*.steps, see README.md). All
# calls run beside each other, each between lines of its own, and trunks are at the ports 5040 to 5055. KEEP=1 keeps the logs.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
sip=${SIP:-127.0.0.1:15060} http=${HTTP:-127.0.0.1:18080} rtp=${RTP:-127.0.0.1:20000-24999}
ports=${PORTS:-16000} # the first of 900
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
	sed -i "s/ROUNDS/4/; s/WAIT/5000/" "$work/xml/glare_a.xml"
	sed -i "s/ROUNDS/4/; s/WAIT/9000/" "$work/xml/glare_b.xml"
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
	ln -sf "$work/one.pcap" "$dir/$n-$steps/"
	(cd "$dir/$n-$steps" && exec sipp "$sip" -sf "$work/xml/$steps.xml" -nostdin -m 1 -i 127.0.0.1 -p $((ports + at)) -mi 127.0.0.1 -mp $((ports + 200 + 4 * at)) \
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
	eventually 10 listens $((ports + base + $2))
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
	cat "$work/${1//[^a-zA-Z0-9]/_}/why" 2>/dev/null
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
# big_out CODECS WAY ARGUMENTS… calls by the trunk at port 50WAY.
big_out() { outside "big_b-$1" "50$2" "${@:3}" && caller "big_a-$1" 0 -key dial "sip:+339${2}000001@bench.test"; }
# A space calls: out SPACE TO, after which $out is the call's place in the API.
out() {
	out=$(curl -sf "${admin[@]}" -H 'Content-Type: application/json' -d "{\"to\": \"$2\"}" "http://passerelle/api/v1/spaces/$1/calls" | field id) &&
		out="spaces/$1/calls/$out"
}
field() { tr ',{}' '\n\n\n' | sed -n "s/^ *\"$1\": *\"\{0,1\}\([^\"]*\)\"\{0,1\}.*/\1/p" | head -1; }
is() { [ "$(api GET "$out" | field "$1")" = "$2" ]; }
# space_of OWNER is the ref of the space of the owner with that number.
space_of() { api GET 'spaces?limit=100' | tr '}' '\n' | sed -n "s/.*\"ref\": *\"\([^\"]*\)\".*\"Owner $1\".*/\1/p; s/.*\"Owner $1\".*\"ref\": *\"\([^\"]*\)\".*/\1/p" | head -1; }
# dial_out OWNER TO WAYS…: the space calls; what becomes of the call is a list of states, and of the status of a failure.
dial_out() {
	local state
	out "$(space_of "$1")" "$2" || return 1
	for state in "${@:3}"; do
		case $state in
		[0-9]*) is code "$state" ;;
		*) eventually 60 is state "$state" ;;
		esac || { echo "want $state: $(api GET "$out")" >"$dir/why"; return 1; }
	done
}
out_key() { outside out_key "50$2" && dial_out "$1" "+339${2}000001" confirming in ended; }
out_mailbox() { outside out_mailbox "50$2" && dial_out "$1" "+339${2}000001" confirming failed 480; }
out_busy() { outside busy "50$2" && dial_out "$1" "+339${2}000001" failed 486; }
out_down() { mkdir -p "$dir" && dial_out "$1" "+339${2}000001" failed; }
out_line() { callee out_line 1 && dial_out "$1" $((3000001 + base)) in ended; }
out_unanswered() { callee silent 1 && dial_out "$1" $((3000001 + base)) ringing failed 480; }
out_cancelled() {
	outside silent "50$2" && dial_out "$1" "+339${2}000001" ringing && api DELETE "$out" && eventually 10 is state cancelled
}
# A guest on host phones: line 0 is the guest, 1 and 2 are hosts, 3 calls and is called. The keys' part is in hotel_keys, at the
# host 1, and hotel_move, at the host 2.
to_host() {
	curl -sf "${admin[@]}" -X PUT -H 'Content-Type: application/json' -d "{\"guest\": \"$((3000000 + base))\"}" \
		"http://passerelle/api/v1/hoteling/hosts/$((3000000 + base + $1))/guest" >>"$dir/why"
}
guest_at() { api GET "hoteling/hosts?search=$((3000000 + base + $1))" | grep -q "\"line\": *\"+339$(printf %08d $base)\""; }
# prover computes the responses of PINs, at $prover, until $proving is killed.
prover() {
	"$bin/trial" prove -pin 246810 >"$dir/prover" &
	proving=$!
	eventually 5 test -s "$dir/prover" && prover=$(cat "$dir/prover")
}
wrong_pins() { [ "$(api GET hoteling/refusals | grep -o '"cause": *"wrong_pin"' | wc -l)" = "$1" ]; }
hotel() {
	mkdir -p "$dir"
	sed "s/GUEST/339$(printf %08d $base)/" "$here/calls/hotel_called.steps" | awk -f "$here/steps.awk" >"$work/xml/hotel_called-$base.xml"
	prover
	caller hotel_keys 1 -3pcc "$prover"
	eventually 30 guest_at 1 || return 1
	owner=1 callee answer 2 && play talk_a 3 -key dial "$(line 0)" -d 500 || return 1
	play hotel_own 0 -key dial "$(line 3)" || return 1
	callee "hotel_called-$base" 3 && owner=1 play talk_a 2 -key dial "$(line 3)" -d 500 || return 1
	caller hotel_move 2 -3pcc "$prover"
	eventually 30 wrong_pins 5 && guest_at 2 && to_host 1 && ended || return 1
	parties=()
	kill $proving
	to_host 2 && play hotel_boot 2 && play hotel_reboot 2 # in another dialog, from the same Contact
}
# The limit ends while a call is up, which goes on. The server is one whose hour has five seconds.
hotel_limit() {
	local status=0
	mkdir -p "$dir/short"
	(cd "$here/../.." && go build -tags shorthour -o "$dir/short/passerelle" ./cmd/passerelle) || return 1
	"$dir/short/passerelle" import --data "$dir/short/data" "$work/bench.yaml" "$work/users.csv" >"$dir/why" 2>&1 || return 1
	sip=127.0.0.1:$((ports + 950)) http=127.0.0.1:$((ports + 951)) rtp=127.0.0.1:$((ports + 960))-$((ports + 999))
	bin="$dir/short" work="$dir/short" start_server serve --data "$dir/short/data" --log json --log-level debug
	prover
	caller hotel_limit 1 -3pcc "$prover"
	eventually 10 grep -qs '<expires>' "$dir/1-hotel_limit/messages.log" && owner=1 callee answer 2 && caller talk_a 3 -key dial "$(line 0)" -d 7000 && ended || status=1
	kill $proving
	stop_server || status=1
	return $status
}
# Two hundred and fifty calls over a long line, on which the offers of both sides cross four times each: a thousand rounds, of which each
# must come to an end. Fewer refusals than rounds would tell that they did not cross.
glare() {
	local met status=0
	mkdir -p "$dir"
	"$bin/trial" line -to "$sip" -delay 30ms >"$dir/line" &
	local line=$!
	eventually 5 test -s "$dir/line" && sip=$(cat "$dir/line") && callee glare_b 1 -m 250 -timeout 200 &&
		caller glare_a 0 -m 250 -l 250 -r 10 -timeout 200 -key dial "$(line 1)" && ended || status=1
	parties=()
	kill $line
	met=$(cat "$dir"/*/messages.log | grep -c '^SIP/2.0 491')
	[ "$met" -ge 1000 ] || { echo "only $met offers were refused with 491" >"$dir/why"; status=1; }
	return $status
}
# Twenty callers and three calls of the space, which wants them at the same moment, for fifteen seats.
seated() { api GET "bridges/$1" | grep -o '"id": *"' | wc -l; }
race() {
	local space n spare=()
	space=$(space_of 8)
	for n in 1 2 3; do
		play register $n || return 1
		play race_b $n -d 8000 -timeout 25 & # perhaps never called: not judged
		spare+=($!)
		eventually 10 listens $((ports + base + n))
	done
	caller race_a 0 -m 20 -r 100 -key dial "sip:+33170001000@bench.test;space=7008" -d 8000
	for n in 1 2 3; do out "$space" $((3000000 + base + n)); done
	eventually 10 equals seated "$space" 15 && sleep 2 && equals seated "$space" 15 || { echo "$(seated "$space") have a seat, want 15" >"$dir/why"; return 1; }
	wait "${spare[@]}"
	return 0
}
pair() { callee "$2" 1 && caller "$1" 0 -key dial "$(line 1)" -d "${3:-1500}"; }

scenarios
"$bin/rtppcap" -o "$work/one.pcap" -digits 1 || exit 1
"$here/../bench/site.sh" 8 400 "$work" || exit 1
# Further trunks, each for the numbers +339NN, at the port 50NN. Phones ring for 8 s.
for way in {40..55}; do
	kind=large_by_tcp
	[ $way != 43 ] || kind="transport: tcp, shared"
	echo "      - {name: way$way, address: \"127.0.0.1:50$way\", $kind: true, no_probe: true, prefixes: [\"+339$way\"]}"
done >"$work/ways.yaml"
# Everybody has a PIN, may be a guest for an hour, and has a phone that takes guests.
sed -i '1s/$/,pin,guest.allowed,guest.enabled,guest.limit_hours,phone.host.enabled/; 2,$s/$/,246810,true,true,1,true/' "$work/users.csv"
sed -i "/name: bench-uas/r $work/ways.yaml
	/timezone:/a\\    ring_seconds: 8" "$work/bench.yaml"
"$bin/passerelle" import --data "$work/data" "$work/bench.yaml" "$work/users.csv" >"$work/import.log" 2>&1 || { cat "$work/import.log"; exit 1; }
start_server serve --data "$work/data" --log json --log-level debug
admin=(--unix-socket "$work/data/admin.sock")
api() { curl -sf "${admin[@]}" -X "$1" "http://passerelle/api/v1/$2"; }

call 'hold and resume by both' two hold
call 'blind transfer' three blind
call 'blind transfer to a busy line' blind_busy
call 'attended transfer' attended
call 'late offer' two late
call 'both offer at the same moment, 1000 times' glare
call 'given up while it rings' cancelled
call 'two phones, one busy' fork busy answer
call 'two phones, the other answers' fork elsewhere answer
call 'two phones, both busy' fork_busy
call 'forwarded always, then when busy' forward_always
call 'forwarded when nobody answers, then when not reachable' forward_no_answer
call 'session too brief' caller timer_brief_a 0
call 'session refreshed by the caller' pair timer_own_a renewed_b
call 'session refreshed for the caller' pair timer_theirs_a answer
call 'session refreshed by the callee' pair renewed_a timer_own_b
call 'session refreshed for the callee, no UPDATE' pair talk_a timer_theirs_b 50000
call 'callee wants longer sessions' pair talk_a timer_least_b 50000
call '1200 bytes over UDP' big 02
call '1400 bytes over UDP' big 03
call '4000 bytes over UDP' big 16
call '1200 bytes to a trunk on UDP and TCP' big_out 02 40
call '1400 bytes to a trunk on UDP and TCP' big_out 03 41 -t t1
call '4000 bytes to a trunk on UDP and TCP' big_out 16 42 -t t1
call '4000 bytes to a trunk on TCP' big_out 16 43 -t t1
call '4000 bytes to a trunk on UDP that has no TCP' big_out 16 44
call 'PRACK from end to end' two prack
call 'PRACK of the caller, plain ringing' pair prack_ring_a no_prack_b
call 'PRACK of the callee, plain caller' pair talk_a late_prack_b
call 'a space calls out: a key' out_key 1 45
call 'a space calls out: a mailbox' out_mailbox 2 46
call 'a space calls out: busy' out_busy 3 47
call 'a space calls out: trunk down' out_down 4 48
call 'a space calls a line' out_line 5
call 'a space calls a line that does not answer' out_unanswered 6
call 'a space calls out: cancelled' out_cancelled 7 49
call 'a guest on host phones' hotel
call 'a guest until the limit' hotel_limit
call 'fifteen seats for callers by URI and calls of the space' race

reap
check 'no leg is left' eventually 40 quiet
check 'RTP ports are given back' eventually 10 equals status ports_in_use 0
check 'no panic' equals metric passerelle_owner_panics_total 0
check 'the server ends well' stop_server
echo "$passed passed, $failed failed"
[ $failed = 0 ]
