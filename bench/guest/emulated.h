/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the machine is that figures are taken on. */
#ifndef IOV_BENCH_GUEST_EMULATED_H
#define IOV_BENCH_GUEST_EMULATED_H

#include <stdbool.h>
#include <stddef.h>

#include "base/iov.h"

/**
 * emulated_hypervisor - under which hypervisor this machine runs
 * @name: receives its signature, "KVMKVMKVM"; "" for none, or where processors do not tell
 *
 * Return: whether it is one that emulates the processor, so that time is the emulator's.
 */
bool emulated_hypervisor(char name[13]);

/**
 * emulated_kvm - whether KVM runs guests here
 * @iov: context for messages
 *
 * A node and a driver are not enough, as under hypervisors that only seem to pass the extension on:
 * on x86 a guest of one instruction is run, in a process of its own and for five seconds at most,
 * a minute where the processor is emulated.
 *
 * Return: 0; -ENOENT, -EACCES or -ENOTSUP with a message when it does not.
 */
int emulated_kvm(struct iov *iov);

#endif
