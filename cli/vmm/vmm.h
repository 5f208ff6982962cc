/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtual machine monitors (VMMs), and what each needs to be told to give a guest something.
 *
 * One file per VMM has its row: what it takes and since when, why it refuses the rest, and one
 * function for each format.  A row sees a set: everything that one guest gets, so that ids are
 * unique, and what is shared is said once.  What holds of every VMM is checked here, before any
 * of these functions runs; they print and fail no more.
 */
#ifndef IOV_CLI_VMM_VMM_H
#define IOV_CLI_VMM_VMM_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/iov.h"
#include "base/mac.h"
#include "base/pci/pci.h"
#include "vfio/bind/assign.h"

/* What a guest can be given. */
enum vmm_kind {
	VMM_FUNCTION,	/* a PCI function, by VFIO or Xen */
	VMM_MDEV,	/* a mediated device, by VFIO */
	VMM_VDPA,	/* a NIC by vhost-vdpa */
	VMM_PORT,	/* a vhost-user port of iovd */
	VMM_DISK,	/* a vhost-user disk of iovd */
	VMM_KINDS,
};

/**
 * struct vmm_item - one thing that a guest is given
 * @kind: what it is
 * @name: its address, UUID, path of its node, or name
 * @id: its name in the VMM, "iov-vm1": letters, digits and dashes
 * @bdf: VMM_FUNCTION: its address
 * @how: VMM_FUNCTION: how it is reached
 * @by_iommufd: it is reached by iommufd
 * @properties: VMM_FUNCTION: what QEMU's device is told beside, as its class wants; NULL: nothing
 * @socket: VMM_PORT, VMM_DISK: path of its socket
 * @listens: VMM_PORT, VMM_DISK: the VMM listens there, and iovd connects
 * @mac: VMM_PORT, VMM_VDPA: address of the guest's NIC
 * @queues: VMM_DISK: the most request queues that it has
 * @bus: QEMU's bus that it is plugged into; NULL: the VMM chooses
 * @pair: of a function the port that stands by for it, and of that port the function; NULL: none
 */
struct vmm_item {
	enum vmm_kind kind;
	char name[256];
	char id[128];
	struct iov_bdf bdf;
	struct iov_attachable how;
	bool by_iommufd;
	struct json_object *properties;
	char socket[256];
	bool listens;
	char mac[IOV_MAC_TEXT];
	unsigned int queues;
	const char *bus;
	const struct vmm_item *pair;
};

/* A release; 0.0 is before all of them. */
struct vmm_version {
	unsigned int major;
	unsigned int minor;
};

/**
 * struct vmm_set - what one guest is given
 * @iov: context
 * @vmm: the VMM that it is for
 * @version: of the VMM; UINT_MAX.0 when nobody knows, which is taken for the newest
 * @memory: size of the guest's memory, "2G"; NULL when it is not told along
 * @shared: that memory is shared with iovd already, and nothing is said of it
 * @items: everything, without repetitions
 * @count: length of @items
 * @incoming: it is for a guest that is to arrive, and gets functions of pairs when it is there
 */
struct vmm_set {
	struct iov *iov;
	const struct vmm *vmm;
	struct vmm_version version;
	const char *memory;
	bool shared;
	struct vmm_item *items;
	size_t count;
	bool incoming;
};

/* What the pieces of a format are, and how they are put together. */
enum vmm_shape {
	VMM_ARGUMENTS,	/* words of a command line, which need no quoting in a shell */
	VMM_LINES,	/* lines of text */
	VMM_DOCUMENTS,	/* JSON objects, one a line */
};

/* Characters that a shell takes for its own. */
#define VMM_SHELL " \t\n'\"\\$`&|;<>(){}*?[]#~!"

/**
 * struct vmm_format - one way to tell a VMM
 * @name: for --format
 * @shape: what it is made of
 * @plain: paths have no character that a shell or the VMM's own parser of options takes for its
 *	own: ends such a path with an error
 * @emit: appends the pieces of a set to an array
 */
struct vmm_format {
	const char *name;
	enum vmm_shape shape;
	const char *plain;
	void (*emit)(const struct vmm_set *set, struct json_object *out);
};

/**
 * struct vmm_takes - whether a VMM takes a kind
 * @refusal: why it does not, and what to do: "REASON; REMEDY"; NULL: it does
 * @since: first release that does
 * @connects: it connects to a socket and does not listen
 * @own_mac: it has no option for the address of the guest's NIC, which has that of the back end
 */
struct vmm_takes {
	const char *refusal;
	struct vmm_version since;
	bool connects;
	bool own_mac;
};

/**
 * struct vmm - a virtual machine monitor
 * @name: for --vmm
 * @title: as its makers write it
 * @ask: command that prints its version, ended by NULL; NULL: it tells none
 * @way: driver by which it gets functions
 * @takes: by kind
 * @domain_max: highest PCI domain that it can be told
 * @iommufd_since: first release that takes functions by iommufd; UINT_MAX: none does
 * @failover_since: first release that pairs a function with a port; UINT_MAX: none does
 * @memory: it is told the guest's memory along with what needs it shared
 * @check: refuses what it cannot have for reasons of its own; NULL: none
 * @formats: the first is taken by itself; ended by one without name
 */
struct vmm {
	const char *name;
	const char *title;
	const char *const *ask;
	const char *way;
	struct vmm_takes takes[VMM_KINDS];
	unsigned int domain_max;
	struct vmm_version iommufd_since;
	struct vmm_version failover_since;
	bool memory;
	int (*check)(const struct vmm_set *set);
	const struct vmm_format *formats;
};

extern const struct vmm vmm_qemu, vmm_libvirt, vmm_cloud_hypervisor, vmm_crosvm, vmm_firecracker,
	vmm_kvmtool, vmm_xen, vmm_kata;

/* The VMMs that there are, from 0 on; NULL behind the last. */
const struct vmm *vmm_at(size_t index);

/* A VMM by its name; NULL when there is none. */
const struct vmm *vmm_find(const char *name);

/* All names, "qemu, libvirt, ..." */
void vmm_names(char *text, size_t size);

/* A format by its name, NULL for the first; NULL when the VMM has no such one. */
const struct vmm_format *vmm_format_find(const struct vmm *vmm, const char *name);

/* The formats of a VMM, "args or qmp". */
void vmm_format_names(const struct vmm *vmm, char *text, size_t size);

/* Whether a text is a release: "9.2", "v52", "10.0.2-rc1", of which two numbers count. */
bool vmm_version_parse(const char *text, struct vmm_version *version);

/**
 * vmm_version_ask - ask the program itself
 * @vmm: VMM
 * @version: receives what it says; UINT_MAX.0 when it is not on PATH, or does not say it in time
 *
 * Waits five seconds at most.
 *
 * Return: false when it is there and what it says is no release.
 */
bool vmm_version_ask(const struct vmm *vmm, struct vmm_version *version);

/* Whether a set is for this release or a later one. */
bool vmm_has(const struct vmm_set *set, unsigned int major, unsigned int minor);

/**
 * vmm_refuse - whether a VMM takes a kind at all
 * @set: set
 * @kind: kind
 * @name: what was named
 *
 * Return: 0, or -ENOTSUP with a message that says why not and what to do.
 */
int vmm_refuse(const struct vmm_set *set, enum vmm_kind kind, const char *name);

/**
 * vmm_check - whether a VMM can be told a set
 * @set: set
 * @format: how
 *
 * Return: 0; -EINVAL or -ENOTSUP with a message that names what it does not take, why, and what
 * to do.
 */
int vmm_check(const struct vmm_set *set, const struct vmm_format *format);

/* Whether any of a set is of a kind. */
bool vmm_set_has(const struct vmm_set *set, enum vmm_kind kind);

/* Whether it is the function, or the port, of a pair. */
bool vmm_is_primary(const struct vmm_item *item);
bool vmm_is_standby(const struct vmm_item *item);

/* Whether any of a set is reached by iommufd. */
bool vmm_set_by_iommufd(const struct vmm_set *set);

/* Whether any of a set needs the guest's memory shared with iovd. */
bool vmm_set_shares(const struct vmm_set *set);

/* Directory of a function or mediated device in sysfs. */
struct iov_path vmm_directory(const struct vmm_item *item);

/* Append a text. */
void vmm_say(struct json_object *out, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Append an option and its value. */
void vmm_option(struct json_object *out, const char *option, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
