#!/bin/sh
# Installs the Debian packages of the commands named as arguments, those only that are absent. Works as root or with sudo.
set -eu
missing=
for command in "$@"; do
	command -v "$command" >/dev/null 2>&1 && continue
	case $command in
	sipp) package=sip-tester ;;
	linphonec | linphonecsh) package=linphone-cli ;;
	*) package=$command ;;
	esac
	missing="$missing $package"
done
[ -n "$missing" ] || exit 0
command -v apt-get >/dev/null 2>&1 || {
	echo "apt.sh: please install$missing; this system has no apt-get" >&2
	exit 1
}
sudo=
[ "$(id -u)" = 0 ] || sudo=sudo
echo "installing$missing" >&2
# The package lists of a fresh machine are empty or stale; try without them first.
# shellcheck disable=SC2086 # words are wanted
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing >/dev/null 2>&1 || {
	$sudo apt-get update -q >/dev/null
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing >/dev/null
}
