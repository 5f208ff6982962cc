/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Device class "nvme": what its files share. */
#ifndef IOV_PLUGINS_NVME_NVME_H
#define IOV_PLUGINS_NVME_NVME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/plan/plan.h"
#include "sriov/class.h"

/* The class, and who performs IOV_OP_NVME_VIRT; iov_plugins_register() adds them. */
extern const struct iov_class nvme_class;
extern const struct iov_op_runner nvme_virt_runner;
extern const struct iov_op_runner nvme_namespace_runner;

/* A secondary controller, the NVMe side of a VF. */
struct nvme_secondary {
	uint16_t id;
	uint16_t vf;		/* VF number of the PCI function, 1 for VF 0 */
	bool online;
	struct iov_nvme_resources has;
};

/* What a primary controller says of its resources. */
struct nvme_virt {
	bool supported;		/* has the Virtualization Management command */
	uint16_t id;
	struct iov_nvme_resources flexible;
	struct iov_nvme_resources primary;	/* of these, allocated to the primary */
	struct iov_nvme_resources most;	/* that a secondary controller can have */
	struct iov_nvme_resources grain;	/* preferred granularity */
	struct nvme_secondary *secondaries;
	size_t count;
};

/* Read it from the controller; a message on failure.  nvme_virt_free() after success. */
int nvme_virt_read(struct iov *iov, struct iov_bdf pf, struct nvme_virt *virt);
void nvme_virt_free(struct nvme_virt *virt);

/* The secondary controller of VF @index (0 for the first), or NULL. */
struct nvme_secondary *nvme_virt_find(const struct nvme_virt *virt, unsigned int index);

#define NVME_NGUID_SIZE 16
#define NVME_EUI64_SIZE 8

/* A namespace of the subsystem, and who has it. */
struct nvme_namespace {
	uint32_t id;
	bool shared;		/* several controllers can have it at a time */
	uint8_t nguid[NVME_NGUID_SIZE];	/* identifiers that no other has; 0: it has none */
	uint8_t eui64[NVME_EUI64_SIZE];
	uint16_t *controllers;
	size_t count;
};

/* Those that there are, attached to somebody or not. */
struct nvme_namespaces {
	bool supported;		/* the primary has the Namespace Management and Attachment commands */
	struct nvme_namespace *list;
	size_t count;
};

/* Read them from the controller; a message on failure.  nvme_namespaces_free() after success. */
int nvme_namespaces_read(struct iov *iov, struct iov_bdf pf, struct nvme_namespaces *namespaces);
void nvme_namespaces_free(struct nvme_namespaces *namespaces);

/* Whether a controller has one. */
bool nvme_namespace_has(const struct nvme_namespace *namespace, uint16_t controller);

/* Add "namespaces" to the objects of VFs: "1,3" or "none". */
int nvme_namespaces_get(struct iov *iov, const struct iov_pf *pf, const struct nvme_virt *virt,
			struct json_object *vfs);

/* Give VFs the namespaces that @each tells; steps that take some come before those that give. */
int nvme_namespaces_plan(struct iov_plan *plan, const struct iov_pf *pf, const struct nvme_virt *virt,
			 struct json_object *vfs, struct json_object *each, bool anew);

/*
 * nvme_users.c: take, as far as guards are concerned, what else has a namespace that VF @index gets: the
 * kernel's disks, by whatever controller, and VFs of others.  0, or -errno with a message.
 */
int nvme_namespace_take(struct iov_plan *plan, const struct iov_pf *pf, const struct nvme_virt *virt,
			const struct nvme_namespace *namespace, unsigned int index);

/* nvme_users.c: operation "shares" of the class */
int nvme_shares(struct iov *iov, const struct iov_pf *pf, const bool *given, struct json_object *devices);

/* What takes the VFs of @vfs back to the namespaces that they have. */
void nvme_namespaces_restore(struct iov_step *step, const struct iov_pf *pf, struct json_object *vfs);

/* nvme_virt.c: an open controller, and what a command's status means */
int nvme_controller_open(struct iov *iov, struct iov_bdf pf, int *fd);
int nvme_fail_command(struct iov *iov, int status, const char *doing);

/* Name of the controller's device, "nvme0"; a message on failure. */
int nvme_name(struct iov *iov, struct iov_bdf pf, char *name, size_t size);

/* nvme_driver.c: the name of the kernel's driver that runs a VF's controller; false when none does. */
bool nvme_driver_of(struct iov *iov, struct iov_bdf vf, char *driver, size_t size);

/* Have a VF, which the plan takes, leave it, and get it back. */
void nvme_driver_leave(struct iov_plan *plan, struct iov_bdf vf, const char *driver);
void nvme_driver_return(struct iov_plan *plan, struct iov_bdf vf, const char *driver);

#endif
