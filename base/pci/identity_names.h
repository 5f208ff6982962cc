/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of identity.h share; for the files of base/ alone. */
#ifndef IOV_BASE_PCI_IDENTITY_NAMES_H
#define IOV_BASE_PCI_IDENTITY_NAMES_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/pci/config_facts.h"
#include "base/pci/identity.h"

#define NAMES_MAX 16

/* A name leaves room for ".7/vf65535" behind it. */
#define NAME_LENGTH_MAX (IOV_IDENTITY_SIZE - 12)

/**
 * struct function_names - what a function that is no VF is called
 * @bdf: the function
 * @inode: of its directory in sysfs; another one once the function was removed
 * @names: "serial=...", "mac=...", "slot=...", "path=...", best first, without suffix
 * @count: length of @names
 * @told: how many of the first of these only configuration space or the native driver tell,
 *	or are remembered
 */
struct function_names {
	struct iov_bdf bdf;
	uint64_t inode;
	char *names[NAMES_MAX];
	size_t count;
	size_t told;
};

/*
 * identity.c: the address that a VF has or will have; -errno with a message that names @text
 */
int identity_vf(struct iov *iov, const char *text, struct iov_bdf pf, int number,
		struct iov_bdf *vf);
/* interface.c: whether an interface could be called so, by its name or an alternative one. */
bool interface_may_be(const char *name);

/* identity_names.c: where names are read from */

struct names_source;

int names_source_open(struct names_source **out, struct iov *iov);
void names_source_close(struct names_source *source);

/* Read the names of a function; @dir is its directory. */
void names_read(struct names_source *source, const struct config_facts *facts, int dir,
		struct function_names *function);
void names_free(struct function_names *function);

/* identity_addresses.c: append the MAC addresses that a function came with. */
void names_add_addresses(struct iov *iov, struct function_names *function, int dir);

/*
 * Cut an address to the part that stays: of the 20 octets of IP over InfiniBand the last 8,
 * the GUID of the port.  Before it are a queue pair, another one each time that the driver is
 * loaded, and a prefix that the subnet manager gives.
 */
void name_without_session(char *address);

/* Append "KIND=VALUE"; what does not fit or would not print is left out. */
void names_add(struct function_names *function, const char *kind, const char *value);

/* "serial=" and "slot=" name a card, of which a suffix tells the functions apart. */
bool name_takes_suffix(const char *name);

/* identity_memory.c: names that are told no more, as the driver was taken away */

/* What is remembered of this boot, or nothing; the caller puts it. */
struct json_object *memory_read(struct iov *iov);
struct json_object *memory_empty(struct iov *iov);

/* Add the names that are remembered of a function that was not removed since. */
void memory_recall(struct json_object *memory, struct function_names *function);

/* Note the names that a function is told by. */
void memory_note(struct json_object *memory, const struct function_names *function);

/* Replace the file. */
int memory_write(struct iov *iov, struct json_object *memory);

/* identity_index.c: who has which name */

struct iov *identity_index_context(const struct iov_identity_index *index);

/* What configuration space tells of all VFs, or of all others, as config_survey(). */
int identity_index_survey(const struct iov_identity_index *index, bool vfs, struct config_facts **facts,
			  size_t *told);

/* What configuration space told of a function that is no VF. */
struct config_facts identity_index_facts(const struct iov_identity_index *index,
					 struct iov_bdf bdf);

/* Functions that answer to "serial=...", "serial=....1"; their number, of which @max are told. */
size_t identity_who(const struct iov_identity_index *index, const char *text, struct iov_bdf *bdfs,
		    size_t max);

/* Names that begin with @kind, "serial="; their number, of which @max are told. */
size_t identity_known(const struct iov_identity_index *index, const char *kind,
		      const char **names, size_t max);

#endif
