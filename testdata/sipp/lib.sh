# Shared by run.sh and load.sh: a server of their own in a directory of its own, and SIPp. To be sourced by bash.
# The caller sets: sip, http, rtp (addresses) and here (this directory).

bin=${BIN:-$here/../../bin}
work=$(mktemp -d "${TMPDIR:-/tmp}/passerelle-sipp-XXXXXX")
server= # its process id

# finish ends what was started here, by id, and shows where to look when something failed.
finish() {
	local status=$? pid
	for pid in $(jobs -p); do kill "$pid" 2>/dev/null; done
	wait 2>/dev/null
	if [ "$status" = 0 ] && [ -z "${KEEP:-}" ]; then rm -rf "$work"; else echo "logs: $work"; fi
	exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

# start_server COMMAND ARGUMENTS… runs the binary and waits until it is ready.
start_server() {
	if curl -s -o /dev/null "http://$http/readyz"; then
		echo "another server answers at $http already" >&2
		exit 1
	fi
	"$bin/passerelle" "$@" --sip "$sip" --http "$http" --rtp "$rtp" >"$work/server.out" 2>"$work/server.log" &
	server=$!
	local i
	for ((i = 0; i < 100; i++)); do
		curl -sf -o "$work/ready" "http://$http/readyz" && return 0
		kill -0 "$server" 2>/dev/null || break
		sleep 0.1
	done
	echo "the server does not start:" >&2
	tail -20 "$work/server.log" >&2
	exit 1
}

# stop_server asks for the end and tells whether the server ended well within 20 s.
stop_server() {
	kill -TERM "$server" 2>/dev/null || return 1
	local i
	for ((i = 0; i < 200; i++)); do
		kill -0 "$server" 2>/dev/null || break
		sleep 0.1
	done
	wait "$server"
}

# metric NAME[{labels}] prints the sum of a metric's samples as a whole number.
metric() {
	curl -sf "http://$http/metrics" | awk -v name="$1" '
		index($1, name) == 1 && (length($1) == length(name) || substr($1, length(name) + 1, 1) == "{") { sum += $NF }
		END { printf "%d\n", sum }'
}

# api METHOD PATH calls the API with the token that the server printed.
api() {
	curl -sf -X "$1" -H "Authorization: Bearer $token" "http://$http/api/v1/$2"
}

# status FIELD prints one number of /api/v1/status.
status() {
	api GET status | tr ',{}' '\n\n\n' | sed -n "s/^ *\"$1\": *\([0-9]*\).*/\1/p"
}

# eventually SECONDS COMMAND… waits until the command succeeds.
eventually() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.1
	done
}

equals() { [ "$($1 "$2")" = "$3" ]; } # equals status legs 0

next_port=16000
next_media=26000

# sipp_in DIR FILE ARGUMENTS… runs a scenario in a directory of its own; it gives up after 90 s.
sipp_in() {
	local dir=$1 file=$2
	shift 2
	(cd "$dir" && exec sipp "$sip" -sf "$here/$file" -nostdin -mi 127.0.0.1 -timeout 90 -timeout_error \
		-trace_err -error_file errors.log -trace_msg -message_file messages.log -cid_str "%u-%p-$RANDOM@%s" \
		"$@" >screen.log 2>&1)
}
