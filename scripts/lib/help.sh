# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Sourced by scripts: --help prints what stands at their head, and does nothing else.
case ${1-} in
-h | --help)
	awk 'NR > 3 { if (!/^#/) exit; sub(/^# ?/, ""); print }' "$0"
	exit 0 ;;
esac
