#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: outside
# Output, status, arguments and working directory are as on this machine; files are not.
. "$(dirname "$0")/lib/check.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$lab/lib"
odd=$'two words\n\'quote" $HOME \\'
status=0
"$lab/lab" exec --topology minimal -- bash -c '
	head -c 3000000 /bin/bash
	head -c 200000 /bin/bash | tr a-z A-Z >&2
	printf %s "$1" | sha256sum >&2
	pwd >&2
	touch leak && echo leak > /var/tmp/iovkit-leak
	sleep 1000 &
	kill -TERM $$' - "$odd" > "$work/out" 2> "$work/err" || status=$?

expect "a signal's status" 143 $status
cmp "$work/out" <(head -c 3000000 /bin/bash) || fail "stdout is not byte-exact"
{ head -c 200000 /bin/bash | tr a-z A-Z; printf %s "$odd" | sha256sum; pwd; } > "$work/wanted"
cmp "$work/err" "$work/wanted" || fail "stderr is not byte-exact"
echo "ok: stdout and stderr are apart and byte-exact, a process left behind holds nothing up"
[ ! -e leak ] && [ ! -e /var/tmp/iovkit-leak ] || fail "a file got out of the virtual host"
echo "ok: files stay inside"
