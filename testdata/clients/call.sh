#!/bin/bash
# A call between real telephones through the built server: linphone, on TLS with SRTP, calls baresip, on UDP with plain RTP.
# They talk, type keys, hold and resume in turn, and baresip transfers the call to a third phone, which knows A-law only. All
# must hear each other's tone and never their own. Headless, on loopback, bounded in time. run.sh calls it.
#
#   call.sh FIRST_PORT
#
# KEEP=1 leaves logs and recordings.
set -u
base=$1 tls=127.0.0.1:$(($1 + 20))
. "$(dirname "$0")/lib.sh"

tone linphone 1750
tone baresip 1050
tone third 2350
(cd "$work" && go run "$(go env GOROOT)/src/crypto/tls/generate_cert.go" --host 127.0.0.1 2>/dev/null) || die "no certificate"
start_server serve --data "$work/data" --site "$root/directory/sitefile/demo.yaml" --log text --log-level debug --tls "$tls" --cert "$work/cert.pem" --key "$work/key.pem"

start_baresip baresip 2 "<sip:+33170001203@$domain;transport=udp>;auth_user=+33170001203;auth_pass=pC-0be5d2;outbound=\"sip:$sip\";regint=600;audio_codecs=PCMU/8000/1;answermode=auto"
start_baresip third 10 "<sip:+33170001202@$domain;transport=udp>;auth_user=+33170001202;auth_pass=pB-91aa37;outbound=\"sip:$sip\";regint=600;audio_codecs=PCMA/8000/1;answermode=auto"
start_linphone 30 tls alice-app sA-44c1d0

echo "call sip:203@$domain" >&4
until_true 15 "the answer" logged linphone 'LinphoneCallStreamsRunning'
until_true 10 "baresip's side of it" logged baresip 'Call established\|CALL_ESTABLISHED'
echo "record $work/recorded-linphone/linphone.wav" >&4
step "linphone (TLS, SRTP) talks with baresip (UDP, RTP)"
sleep 4

typed 4
typed 2 baresip
typed 4
typed 9 baresip
until_true 5 "the keys of linphone" times baresip "received event: '4' (end=1)" 2
until_true 5 "the keys of baresip" times linphone 'Receiving dtmf [29]' 2
step "keys typed"

echo pause >&4
sleep 3
echo resume >&4
sleep 3
step "held and resumed by linphone"
tell baresip hold
sleep 3
tell baresip resume
sleep 3
step "held and resumed by baresip"

tell baresip transfer "sip:202@$domain"
until_true 10 "the transfer" logged third 'Call established\|CALL_ESTABLISHED'
step "transferred to the third phone"
sleep 5
tell third hangup
until_true 10 "the end of the call" logged linphone 'LinphoneCallEnd'
tell baresip quit
tell third quit
echo quit >&4
sleep 1
times linphone 'a=crypto:' 4 || die "linphone's media was not secured"
logged baresip 'RTP/SAVP' && die "baresip was offered secured media"

# baresip ends its recording at the first new offer. linphone's goes on: eight seconds until it is held, three after it, five
# of the third phone.
heard -heard 1750 -not 1050 -least 3s "$work"/recorded-baresip/dump-*-dec.wav || die "baresip does not hear linphone"
heard -heard 1050 -not 1750 -least 10s "$work/recorded-linphone/linphone.wav" || die "linphone does not hear baresip before and after being held"
heard -heard 2350 -not 1750 -least 3s "$work/recorded-linphone/linphone.wav" || die "linphone does not hear the third phone"
heard -heard 1750 -not 2350 -least 3s "$work"/recorded-third/dump-*-dec.wav || die "the third phone does not hear linphone"
step "all heard each other, before and after hold and transfer, and never themselves"
