/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest that QEMU runs, by its monitor: the functions that it has by VFIO, how they leave it and come
 * back, and how it moves to another QEMU.
 */
#ifndef IOV_CLI_VMM_QEMU_GUEST_H
#define IOV_CLI_VMM_QEMU_GUEST_H

#include <json-c/json.h>
#include <stdbool.h>

#include "base/iov.h"
#include "base/pci/pci.h"
#include "base/rpc/qmp.h"

#define GUEST_STATUS_SIZE 32

/**
 * struct guest_function - a PCI function that a guest has by VFIO
 * @bdf: its address on the host
 * @id: its name in QEMU
 * @standby: the NIC that stands by for it; "" for none
 * @device: what gives it to a guest again, as device_add takes it, in the same place
 */
struct guest_function {
	struct iov_bdf bdf;
	char id[128];
	char standby[128];
	struct json_object *device;
};

struct guest_functions {
	struct guest_function *list;
	size_t count;
};

/**
 * qemu_guest_functions - what functions a guest has
 * @iov: context
 * @qmp: its QEMU
 * @functions: zeroed; freed with qemu_guest_free()
 *
 * Those alone that have a name in QEMU, as others cannot be unplugged.
 *
 * Return: 0, or -errno with a message.
 */
int qemu_guest_functions(struct iov *iov, struct iov_qmp *qmp, struct guest_functions *functions);

void qemu_guest_free(struct guest_functions *functions);

/* The state of the machine, "running", "inmigrate"; 0 or -errno with a message. */
int qemu_guest_status(struct iov_qmp *qmp, char status[GUEST_STATUS_SIZE]);

/* Whether it has a device of that name; 0 or -errno with a message. */
int qemu_guest_has(struct iov_qmp *qmp, const char *id, bool *has);

/* A property of a device as text; "" when it has none. 0 or -errno with a message. */
int qemu_guest_property(struct iov_qmp *qmp, const char *id, const char *property, char *text, size_t size);

/* The NIC with failover=on and an address; "" for none. 0 or -errno with a message. */
int qemu_guest_standby(struct iov_qmp *qmp, const char *mac, char *id, size_t size);

/* The command that unplugs a device, and the one that plugs it, for the caller to put. */
struct json_object *qemu_guest_unplug_command(const char *id);
struct json_object *qemu_guest_plug_command(struct json_object *device);

/**
 * qemu_guest_unplug - have a guest give a device up
 * @iov: context
 * @qmp: its QEMU
 * @id: device
 *
 * Return: 0 when it is gone; -ETIMEDOUT when the guest has not given it up in iov_qmp_patience(); -EBUSY
 * when it said that it does not; else as iov_qmp_ask(); with a message.  Unless it is 0 the guest has the
 * device, but after -ETIMEDOUT and -EINTR may still give it up.
 */
int qemu_guest_unplug(struct iov *iov, struct iov_qmp *qmp, const char *id);

/* Wait for a device that was asked for to go; true when it has. */
bool qemu_guest_lets_go(struct iov_qmp *qmp, const char *id, unsigned int timeout_ms);

/**
 * qemu_guest_plug - give a guest a device
 * @iov: context
 * @qmp: its QEMU
 * @device: as device_add takes it
 *
 * What QEMU refuses is tried again for some seconds, as a function is free a moment after its last guest has
 * let it go.
 *
 * Return: 0; -EAGAIN when QEMU hides it, as the guest's driver of the NIC that stands by does not know what
 * that is; else as iov_qmp_ask(); with a message.
 */
int qemu_guest_plug(struct iov *iov, struct iov_qmp *qmp, struct json_object *device);

/**
 * qemu_guest_blockers - why a guest cannot move
 * @qmp: its QEMU
 * @reasons: receives an array of texts, which the caller puts; NULL for none
 *
 * Return: 0, or -errno with a message.
 */
int qemu_guest_blockers(struct iov_qmp *qmp, struct json_object **reasons);

/**
 * struct guest_moving - how far a guest is
 * @status: as query-migrate has it; "" before it began
 * @why: of a failure; "" when QEMU does not say
 * @total: bytes of memory
 * @remaining: of which so many are still to be sent
 * @sent: bytes that were sent
 * @downtime_ms: for how long it stood still
 * @total_ms: how long it took
 */
struct guest_moving {
	char status[GUEST_STATUS_SIZE];
	char why[256];
	uint64_t total;
	uint64_t remaining;
	uint64_t sent;
	uint64_t downtime_ms;
	uint64_t total_ms;
};

int qemu_guest_moving(struct iov_qmp *qmp, struct guest_moving *moving);

/* Whether that is over: it is there, or it stays. */
bool qemu_guest_moved(const struct guest_moving *moving);
bool qemu_guest_stays(const struct guest_moving *moving);

#endif
