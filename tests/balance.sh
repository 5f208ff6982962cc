# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash

# is_balanced COMMAND...: whether in the metrics of an iovd, which COMMAND prints, what came from ports
# and was made of it is what went to ports or was dropped; what is under way has two seconds to arrive
is_balanced()
{
	local _
	for _ in {1..20}; do
		"$@" | awk '
			/^iovd_switch_(receive|copied)_packets_total / { came += $2; lines++ }
			/^iovd_switch_(transmit|dropped)_packets_total / { went += $2; lines++ }
			END { print came, went; exit lines != 4 || came != went }' && return
		sleep 0.1
	done
	return 1
}
