#!/bin/sh
# Writes the bench site: testdata/bench/site.sh SPACES [USERS] [DIR] makes DIR/bench.yaml (one site with the gateway
# number +33170001000, the spaces 7001…, a trunk at 127.0.0.2 trusted by its address, and another at 127.0.0.1:5099 that
# takes numbers beginning with +3399) and, with USERS, DIR/users.csv: user0…, password "secret".
set -eu
spaces=$1 users=${2:-0} dir=${3:-.}
awk -v spaces="$spaces" 'BEGIN {
	print "enterprise: bench"
	print "sites:"
	print "  - name: Bench"
	print "    domain: bench.test"
	print "    language: en"
	print "    country: FR"
	print "    timezone: Europe/Paris"
	print "    extension_length: 7"
	print "    numbers: [\"+33170001000\"]"
	print "    gateway: {number: \"+33170001000\", extension: \"1000000\"}"
	print "    space_id_length: 4"
	print "    space_id_check: false"
	print "    trunks:"
	print "      - {name: carrier, address: \"127.0.0.2\", transport: udp, auth: ip}"
	print "      - {name: bench-uas, address: \"127.0.0.1:5099\", transport: udp, auth: ip, prefixes: [\"+3399\"]}"
	print "    users:"
	print "      - {name: \"Bench caller\", number: \"+33180999999\", extension: \"2999999\", pack: standard, limits: {simultaneous_external: 0, per_minute: 0}, phone: {mac: \"02:ff:00:00:00:01\", model: CP-8851-3PCC, username: \"bench-caller\", password: \"secret\"}}"
	for (i = 1; i <= spaces; i++)
		printf "      - {name: \"Owner %d\", number: \"+331800%05d\", extension: \"20%05d\", pack: premium, space_id: \"%d\", pin: \"4321\"}\n", i, i, i, 7000 + i
}' >"$dir/bench.yaml"
[ "$users" -gt 0 ] || exit 0
awk -v users="$users" 'BEGIN {
	print "site,name,number,extension,pack,phone.mac,phone.model,phone.username,phone.password"
	for (i = 0; i < users; i++)
		printf "Bench,User %d,+339%08d,%d,standard,02:00:00:%02x:%02x:%02x,CP-8851-3PCC,user%d,secret\n", i, i, 3000000 + i, i / 65536 % 256, i / 256 % 256, i % 256, i
}' >"$dir/users.csv"
