#!/usr/bin/env bash
# A minute of load by SIPp on the built binary, with zero failures: `make sipp-load`, or longer and faster:
#
#	testdata/sipp/load.sh [-d SECONDS] [-r REGISTERS_PER_SECOND] [-c CALLS_PER_SECOND] [-h HOLD_SECONDS]
#
# Phones register with digest; callers from a trunk dial the gateway number, type a space ID by RFC 4733 and talk on the
# bridge for the hold time. Every register and every call must succeed, and every caller must sit down.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
sip=${SIP:-127.0.0.1:15060} http=${HTTP:-127.0.0.1:18080} rtp=${RTP:-127.0.0.1:20000-24999}
. "$here/lib.sh"

seconds=60 registers=200 calls=10 hold=10
while getopts d:r:c:h: flag; do
	case $flag in
	d) seconds=$OPTARG ;;
	r) registers=$OPTARG ;;
	c) calls=$OPTARG ;;
	h) hold=$OPTARG ;;
	*) exit 2 ;;
	esac
done

# A space takes fifteen: callers come to each at such a pace that fewer are in at once. Two seconds go to typing.
per_space=$((12 / (hold + 2)))
[ $per_space -ge 1 ] || per_space=1
[ $((per_space * (hold + 2))) -le 14 ] || { echo "load.sh: a hold of more than 12 s fills a space at one call a second"; exit 2; }
spaces=$(((calls + per_space - 1) / per_space))
users=3000

"$here/../bench/site.sh" "$spaces" $users "$work" || exit 1
"$bin/passerelle" import --data "$work/data" "$work/bench.yaml" "$work/users.csv" || exit 1
{
	echo SEQUENTIAL
	awk -v n=$users 'BEGIN { for (i = 0; i < n; i++) printf "user%d;[authentication username=user%d password=secret]\n", i, i }'
} >"$work/lines.csv"
start_server serve --data "$work/data" --log json --log-level warn

pids=()
names=()
mkdir -p "$work/register"
sipp_in "$work/register" register_load.xml -i 127.0.0.1 -p 15999 -inf "$work/lines.csv" -r "$registers" -m $((registers * seconds)) \
	-timeout $((seconds + 60)) -trace_stat -stf stat.csv -fd 5 &
pids+=($!)
names+=("REGISTER $registers/s")
left=$calls
for ((i = 0; left > 0; i++)); do
	rate=$((left < per_space ? left : per_space))
	left=$((left - rate))
	dir="$work/call$i"
	mkdir -p "$dir"
	"$bin/rtppcap" -o "$dir/digits.pcap" -digits $((7001 + i)) -tail "$((hold + 1))s" || exit 1
	sipp_in "$dir" trunk_call.xml -i 127.0.0.2 -p $((16000 + i)) -mp $((26000 + 10 * i)) -key dial "sip:+33170001000@$sip" \
		-d $((hold * 1000 + 2000)) -r $rate -m $((rate * seconds)) -timeout $((seconds + hold + 60)) &
	pids+=($!)
	names+=("space $i, $rate calls/s")
done

failed=0
for ((i = 0; i < ${#pids[@]}; i++)); do
	wait "${pids[i]}" || {
		failed=$((failed + 1))
		echo "FAIL  ${names[i]}"
		dir="$work/register"
		[ $i = 0 ] || dir="$work/call$((i - 1))"
		grep -v '^$' "$dir/errors.log" | head -20 | sed 's/^/        /'
	}
done
quiet() { [ "$(metric passerelle_gateway_participants)" = 0 ] && [ "$(metric passerelle_sip_legs)" = 0 ]; }
eventually 10 quiet || {
	failed=$((failed + 1))
	echo "FAIL  legs or seats are left"
}
joins=$(metric passerelle_gateway_joins_total)
[ "$joins" = $((calls * seconds)) ] || {
	failed=$((failed + 1))
	echo "FAIL  $joins callers sat down, want $((calls * seconds))"
}
ticks=$(awk '{ print $14 + $15 }' "/proc/$server/stat")
stop_server || {
	failed=$((failed + 1))
	echo "FAIL  the server did not end well"
}
[ ! -s "$work/server.log" ] || grep -E '"level":"(WARN|ERROR)"' "$work/server.log" | cut -c 1-200 | sort | uniq -c | sort -rn | head -5
echo "$((registers * seconds)) registrations, $joins of $((calls * seconds)) calls seated, server CPU $((ticks / 100)) s in $seconds s; $failed failed"
[ $failed = 0 ]
