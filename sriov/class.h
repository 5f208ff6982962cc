/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Device classes: what a kind of device is, and what it adds to the life of its functions.
 *
 * A class is one struct. Those that come with iovkit are in plugins/, those of others in shared
 * objects (plugins/plugin.h); whoever asks for the class of a function cannot tell which it is.
 * Of several that match the one that was added last counts, so others' come before iovkit's.
 */
#ifndef IOV_SRIOV_CLASS_H
#define IOV_SRIOV_CLASS_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/iov.h"
#include "base/pci/pci.h"
#include "base/plan/plan.h"
#include "sriov/vf.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Changes with whatever a class is made of or handed; see struct iov_plugin. */
#define IOV_CLASS_ABI 4

/* What the value of an attribute is: as JSON, and as people write it. */
enum iov_attribute_type {
	IOV_ATTRIBUTE_NUMBER,	/* an integer: decimal digits */
	IOV_ATTRIBUTE_SWITCH,	/* a boolean: "on" or "off" */
	IOV_ATTRIBUTE_CHOICE,	/* a string: one of several words */
	IOV_ATTRIBUTE_MAC,	/* a string: a unicast MAC address */
	IOV_ATTRIBUTE_GUID,	/* a string: eight bytes, as InfiniBand has them */
	IOV_ATTRIBUTE_SIZE,	/* an integer: bytes, as "8G" or digits */
	IOV_ATTRIBUTE_NUMBERS,	/* a string: numbers in order with commas between, "1,3", or "none" */
	IOV_ATTRIBUTE_NAME,	/* a string: letters, digits, ".", "_" and "-" */
	IOV_ATTRIBUTE_TYPES,
};

/**
 * enum iov_attribute_flags - how an attribute is dealt with
 * @IOV_ATTRIBUTE_OWN: it is of a function itself; others are of its VFs
 * @IOV_ATTRIBUTE_UNIQUE: no two VFs of a PF have the same, but for zeros, which is to have none
 * @IOV_ATTRIBUTE_RATE: a part of what the link carries, see @speed of struct iov_class; a driver may
 *	refuse it while the link comes up, and is asked again for a while
 * @IOV_ATTRIBUTE_PROVISIONED: it takes more than one request, so provision() plans it
 * @IOV_ATTRIBUTE_EARLY: of a VF that does not exist yet: prepare() is told of it, and plans it
 * @IOV_ATTRIBUTE_TOLD: VFs that have it report it, by get(), so one that does not is refused when the
 *	change is planned, with what lacks() says
 */
enum iov_attribute_flags {
	IOV_ATTRIBUTE_OWN = 1 << 0,
	IOV_ATTRIBUTE_UNIQUE = 1 << 1,
	IOV_ATTRIBUTE_RATE = 1 << 2,
	IOV_ATTRIBUTE_PROVISIONED = 1 << 3,
	IOV_ATTRIBUTE_EARLY = 1 << 4,
	IOV_ATTRIBUTE_TOLD = 1 << 5,
};

/**
 * struct iov_attribute - something that can be set
 * @name: "max_rate", as in JSON and host.yaml; as an option "max-rate"
 * @type: what its value is
 * @flags: of enum iov_attribute_flags
 * @min: least number, or bytes of a size
 * @max: greatest number, or bytes of a size
 * @unit: of numbers, "Mbit/s"; NULL for none
 * @choices: words of a choice, ended by NULL
 * @expected: what is expected, for messages: "a VLAN ID from 1 to 4094, or 0 for no VLAN"; NULL for
 *	what follows from type, range and unit
 */
struct iov_attribute {
	const char *name;
	enum iov_attribute_type type;
	unsigned int flags;
	int64_t min;
	int64_t max;
	const char *unit;
	const char *const *choices;
	const char *expected;
};

/* The function itself, where otherwise the index of a VF stands. */
#define IOV_CLASS_OWN IOV_VF_OWN

/**
 * struct iov_class - a device class
 * @name: "net"; no two classes have one name
 * @title: its functions, for messages: "network functions"
 * @attributes: what can be set, ended by one without name; NULL for nothing
 * @match: whether a function belongs to the class
 *
 * All others may be NULL. Those that look run within iov_sys_call(), in a process of their own that
 * a deadline ends, and say by iov_sys_asking() what they ask for:
 *
 * @describe: add to @object what there is to say of a function, and the values of its own
 *	attributes; -errno with a message when it cannot look
 * @holders: append a string to @holders for whoever uses a function in a way that no guard of
 *	iovkit sees: "the management daemon's session 3"; -errno with a message when that cannot be
 *	told, and then nothing is taken
 * @shares: append to @devices what whoever is given VFs of @pf has as well and others may use: "device", as
 *	guards are asked for it, "block/nvme0n1", and "why", for people; @given has true at the index of each
 *	such VF; -errno with a message when that cannot be told, and then they are not given
 * @take: how a virtual machine monitor takes a function: add to @properties what QEMU's device is
 *	told beside its address, "x-no-mmap": true. -errno with a message for a function that no
 *	guest can have as it is
 * @get: add attributes to the objects in @vfs, one per existing VF in order
 *	of index, as the port of @pf has them; what the device does not report is null
 *	or absent.  -errno with a message when it cannot look
 * @speed: Mbit/s that all VFs of the port of @pf can send together; 0 when it is not told
 * @may: whether @count VFs can be made; -errno with a message that says what can, or who makes them
 * @lacks: say why VF @index of @pf lacks @attribute, of IOV_ATTRIBUTE_TOLD: one that exists (@exists) and
 *	does not report it, or one that is still to be made and cannot have it whatever else changes; -errno
 *	with a message, 0 where there is nothing to say
 *
 * Those that say how something is done, and look at nothing:
 *
 * @number: the operation that makes the VFs of @pf @count, where that is not to write to
 *	sriov_numvfs; its own driver has them afterwards, which guests get them from
 *
 * Those that change run in such a process as well:
 *
 * @set: set @attribute of a VF to its value in @target, or of the function itself where @index is
 *	IOV_CLASS_OWN.  @target holds the values of all attributes as they shall be, for those that
 *	the kernel only takes in pairs.  Returns the kernel's error, and in @answer what the kernel
 *	said in words; "" when nothing.
 *
 * Those that plan append steps and change nothing themselves; -errno with a message:
 *
 * @judge: whether @wanted makes sense for a VF that has @now; may add to @wanted what goes with it
 * @prepare: before @count VFs are created; @each as of @provision, with the attributes of
 *	IOV_ATTRIBUTE_EARLY, or NULL where nobody says anything of them
 * @finish: make @count existing VFs ready for a driver
 * @provision: give VFs their attributes of IOV_ATTRIBUTE_PROVISIONED; @each has at the index of a
 *	VF what it shall have, or null, and @vfs what they have, from @get; with IOV_VF_ANEW in @flags
 *	earlier steps make the VFs, by @prepare and @finish, and nobody uses them
 * @restore: append to a step's undo the operations that bring the VFs of @pf,
 *	which exist again, back to what @vfs says of them; @vfs is from @get
 * @restore_early: likewise, of IOV_ATTRIBUTE_EARLY, before they exist again
 * @release: after all VFs were removed
 * @renew: behind a reset of @pf, which took from its VFs what @vfs, from @get, says that they had
 *
 * @prepare and @finish are called as well when @count VFs exist already, and
 * append only what is missing then.
 */
struct iov_class {
	const char *name;
	const char *title;
	const struct iov_attribute *attributes;
	bool (*match)(struct iov *iov, struct iov_bdf bdf);

	int (*describe)(struct iov *iov, struct iov_bdf bdf, struct json_object *object);
	int (*holders)(struct iov *iov, struct iov_bdf bdf, struct json_object *holders);
	int (*shares)(struct iov *iov, const struct iov_pf *pf, const bool *given, struct json_object *devices);
	int (*take)(struct iov *iov, struct iov_bdf bdf, struct json_object *properties);
	int (*get)(struct iov *iov, const struct iov_pf *pf, struct json_object *vfs);
	unsigned int (*speed)(struct iov *iov, const struct iov_pf *pf);
	int (*may)(struct iov *iov, const struct iov_pf *pf, unsigned int count);
	int (*lacks)(struct iov *iov, const struct iov_pf *pf, unsigned int index, const char *attribute,
		     bool exists);

	struct iov_op *(*number)(const struct iov_pf *pf, unsigned int count);

	int (*set)(struct iov *iov, const struct iov_pf *pf, unsigned int index,
		   const char *attribute, struct json_object *target, char *answer, size_t size);

	int (*judge)(struct iov *iov, struct json_object *now, struct json_object *wanted);
	int (*prepare)(struct iov_plan *plan, const struct iov_pf *pf, unsigned int count,
		       struct json_object *each);
	int (*finish)(struct iov_plan *plan, const struct iov_pf *pf, unsigned int count);
	int (*provision)(struct iov_plan *plan, const struct iov_pf *pf, struct json_object *vfs,
			 struct json_object *each, unsigned int flags);
	void (*restore)(struct iov *iov, struct iov_step *step, const struct iov_pf *pf,
			struct json_object *vfs);
	void (*restore_early)(struct iov *iov, struct iov_step *step, const struct iov_pf *pf,
			      struct json_object *vfs);
	int (*release)(struct iov_plan *plan, const struct iov_pf *pf);
	int (*renew)(struct iov_plan *plan, const struct iov_pf *pf, struct json_object *vfs);
};

/**
 * iov_class_add - make a device class known to a context
 * @iov: context
 * @device_class: stays the caller's and outlives the context
 *
 * Return: 0; -EEXIST for a name that another has, or -EINVAL for one that lacks a name, a title or
 * @match, or has a wrong attribute, each with a message; -ENOMEM.
 */
int iov_class_add(struct iov *iov, const struct iov_class *device_class);

/**
 * iov_class_check - whether iov_class_add() would take a class
 * @iov: context
 * @device_class: class
 *
 * Return: as iov_class_add().
 */
int iov_class_check(struct iov *iov, const struct iov_class *device_class);

/**
 * iov_class_at - the classes of a context
 * @iov: context
 * @index: from 0 on, in the order in which they were added
 *
 * Return: a class, NULL after the last.
 */
const struct iov_class *iov_class_at(const struct iov *iov, size_t index);

/**
 * iov_class_of - the device class of a function
 * @iov: context
 * @bdf: address
 *
 * Return: the class that was added last among those that match, or NULL.
 */
const struct iov_class *iov_class_of(struct iov *iov, struct iov_bdf bdf);

/**
 * iov_class_attribute - an attribute by its name
 * @device_class: class; NULL is allowed
 * @name: "max_rate"
 *
 * Return: the attribute, NULL when the class has none of this name.
 */
const struct iov_attribute *iov_class_attribute(const struct iov_class *device_class,
						const char *name);

/**
 * iov_class_attribute_names - the names of all attributes of a class
 * @device_class: class
 * @text: receives them as a person writes them: "mac, vlan, max-rate"; "" for none
 * @size: bytes at @text
 */
void iov_class_attribute_names(const struct iov_class *device_class, char *text, size_t size);

/**
 * iov_class_json - what a class is made of
 * @device_class: class
 *
 * Return: a new object: "name", "title", "operations" (an array of those that it has) and
 * "attributes", an array of objects "name", "of" ("vf" or "function"), "type", "expected", and
 * "min", "max", "unit" or "choices" as they apply; the caller puts it.
 */
struct json_object *iov_class_json(const struct iov_class *device_class);

/**
 * iov_class_describe - what its class says of a function
 * @iov: context
 * @bdf: function
 * @out: receives an object that the caller puts, with "name" of the class and what it adds; NULL for
 *	a function without class
 *
 * Return: 0, or -errno with a message when the class cannot look.
 */
int iov_class_describe(struct iov *iov, struct iov_bdf bdf, struct json_object **out);

/**
 * iov_class_take - how a virtual machine monitor takes a function
 * @iov: context
 * @bdf: function
 * @properties: receives an object of properties of QEMU's device, which the caller puts
 *
 * Return: 0; or -errno with a message for one that no guest can have as it is.
 */
int iov_class_take(struct iov *iov, struct iov_bdf bdf, struct json_object **properties);

#ifdef __cplusplus
}
#endif

#endif
