# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The first NIC as the one that the host is managed by

ip link set enp1s0 up
ip address add 10.0.2.15/24 dev enp1s0
ip route add default via 10.0.2.2
