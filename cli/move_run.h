/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest moves from one QEMU to another, and its VFs with it.
 *
 * While it moves each VF is with nobody and its port stands by.  What was begun is ended by one function,
 * whatever happened: it looks where the guest is, and gives it the VFs there that it has not.  So the end of a
 * move, the end of one that failed, and what a keeper does for a command that was killed are the same.
 *
 * The switch of a NIC sends what is for the address of a VF to that VF, also when nobody has it.  So the
 * address is taken from the VF while its port stands by, and given to the VF that the guest gets.
 */
#ifndef IOV_CLI_MOVE_RUN_H
#define IOV_CLI_MOVE_RUN_H

#include <signal.h>

#include "base/mac.h"
#include "cli/cli.h"
#include "cli/move_ping.h"
#include "cli/vmm/qemu_guest.h"

/**
 * struct move_pair - a VF that moves, and what it becomes
 * @function: as the guest has it before
 * @mac: address that its PF gives it; "" for none that it tells
 * @to: the function that it becomes
 * @standby: the NIC that stands by for it there
 * @remote: that is on another host, whose @to is an address there
 * @lacks: the guest could not be given it
 */
struct move_pair {
	const struct guest_function *function;
	char mac[IOV_MAC_TEXT];
	struct iov_bdf to;
	char standby[128];
	bool remote;
	bool lacks;
};

/**
 * struct move - a move
 * @cli: the run
 * @from: socket of the QEMU that has the guest
 * @to: socket of the one that waits for it
 * @uri: how they reach each other
 * @listens: the one that waits listens there already
 * @deadline_ms: how long the guest may take to move; 0 for any time
 * @functions: what the guest has by VFIO
 * @pairs: VFs that move
 * @count: length of @pairs
 * @runs: the guest runs, and is to go on
 * @signal: number of a signal that ends the command, 0 for none; NULL: nothing does
 * @ping: who asks the guest
 * @progress: shows steps; NULL for nobody
 * @source: connection to the QEMU that has the guest
 * @target: connection to the one that waits for it
 * @late: a VF that was asked for may still go
 * @unplug_ms: how long the guest took to give its VFs up
 * @without_ms: how long it was without them
 * @moving: what QEMU told last
 */
struct move {
	struct cli *cli;
	const char *from;
	const char *to;
	const char *uri;
	bool listens;
	uint64_t deadline_ms;
	struct guest_functions functions;
	struct move_pair *pairs;
	size_t count;
	bool runs;
	const volatile sig_atomic_t *signal;
	struct ping ping;
	void (*progress)(void *arg, size_t step, size_t steps, const char *title);
	struct iov_qmp *source;
	struct iov_qmp *target;
	bool late;
	uint64_t unplug_ms;
	uint64_t without_ms;
	struct guest_moving moving;
};

/* Phases, as pings count them. */
enum move_phase { MOVE_BEFORE, MOVE_UNPLUG, MOVE_MEMORY, MOVE_PLUG };

/**
 * move_steps - what a move tells the two QEMUs, without doing so
 * @move: checked move
 *
 * Return: an array of objects for the caller to put: "title", and "socket" and "command" of what is told QEMU,
 * or "device" and "mac" of what the PF is told.
 */
struct json_object *move_steps(const struct move *move);

/**
 * move_run - move the guest
 * @move: checked move
 *
 * Return: 0; or -errno with a message that says where the guest is and what it has.
 */
int move_run(struct move *move);

#endif
