#!/bin/bash
# One round of real telephones against the built server: baresip (a desk line) and linphone (another) register, dial the
# gateway number, type a space ID by telephone-events, and must hear each other's tone and never their own. Headless, on
# loopback, bounded in time. run.sh calls it.
#
#   round.sh TRANSPORT CODEC FIRST_PORT      such as: round.sh udp PCMU 26060
#
# KEEP=1 leaves logs and recordings.
set -u
transport=$1 codec=$2 base=$3
. "$(dirname "$0")/lib.sh"

tone baresip 1050
tone linphone 1750
start_server demo
space=$(awk '/Alice Martin/ {print $(NF-1)}' "$work/server.out")
number=$(awk '/gateway number/ {sub(/,$/, "", $3); print $3; exit}' "$work/server.out")
password() { awk -v user="$1" '{for (i = 1; i < NF; i++) if ($i == user && $(i + 1) ~ /^[a-z][A-Z]-/) print $(i + 1)}' "$work/server.out"; }
target=sip:$number@$domain

start_baresip baresip 2 "<sip:alice-app@$domain;transport=$transport>;auth_user=alice-app;auth_pass=$(password alice-app);outbound=\"sip:$sip\";regint=600;audio_codecs=$codec/8000/1"
start_linphone 4 "$transport" +33170001203 "$(password +33170001203)"

# Both dial and type.
tell baresip dial "$target"
until_true 10 "the answer to baresip" logged baresip "Call established\|CALL_ESTABLISHED"
sleep 1
for digit in $(echo "$space" | grep -o .) '#'; do
	tell baresip sndcode "$digit"
	sleep 0.1
done
until_true 10 "baresip's seat" logged server participants=1
step "baresip is in the space"

echo "call $target" >&4
until_true 10 "the answer to linphone" logged linphone 'LinphoneCallStreamsRunning'
echo "record $work/recorded-linphone/linphone.wav" >&4
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
tell baresip hangup
until_true 10 "the end of the bridge" logged server 'bridge closed'
tell baresip quit
echo quit >&4
sleep 1
step "both have hung up"

heard -heard 1750 -not 1050 -least 3s "$work"/recorded-baresip/dump-*-dec.wav || die "baresip does not hear linphone"
heard -heard 1050 -not 1750 -least 3s "$work/recorded-linphone/linphone.wav" || die "linphone does not hear baresip"
step "baresip and linphone heard each other, and never themselves"
