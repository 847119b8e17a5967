#!/bin/sh
# Installs the Debian packages of the commands named as arguments, those only that are absent. Works as root or with sudo.
set -eu
missing=
for command in "$@"; do
	command -v "$command" >/dev/null 2>&1 && continue
	case $command in
	sipp) package=sip-tester ;;
	baresip) package=baresip-core ;;
	linphonec | linphonecsh) package=linphone-cli ;;
	*) package=$command ;;
	esac
	missing="$missing $package"
done
sudo=
[ "$(id -u)" = 0 ] || sudo=sudo

# raw lets SIPp send RTP from a pcap, through a raw socket, for a user who is not root.
raw() {
	sipp=$(command -v sipp) && [ -n "$sudo" ] || return 0
	/usr/sbin/getcap "$sipp" | grep -q cap_net_raw || sudo /usr/sbin/setcap cap_net_raw+ep "$sipp"
}

[ -n "$missing" ] || {
	raw
	exit 0
}
command -v apt-get >/dev/null 2>&1 || {
	echo "apt.sh: please install$missing; this system has no apt-get" >&2
	exit 1
}
echo "installing$missing" >&2
# The package lists of a fresh machine are empty or stale; try without them first.
# shellcheck disable=SC2086 # words are wanted
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing >/dev/null 2>&1 || {
	$sudo apt-get update -q >/dev/null
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing >/dev/null
}
raw
