/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Recorded hosts: what iovkit reads of a host, in one file that stands for it.
 *
 *	collect -> entries -> names replaced -> archive (tar, gzip) -> unpacked below --root
 *
 * An entry is a file, a symbolic link or a directory by its path below the root.  Collecting asks
 * the kernel for what it may never answer, so it is a call with a deadline, and entries are its
 * answer: bytes that record_next() takes apart.
 */
#ifndef IOV_CLI_RECORD_H
#define IOV_CLI_RECORD_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/iov.h"

enum record_type { RECORD_FILE = 'f', RECORD_LINK = 'l', RECORD_DIRECTORY = 'd' };

/**
 * struct record_entry - a part of a host
 * @type: what it is
 * @path: where, below the root
 * @data: content of a file, target of a link; with a NUL behind it
 * @length: its bytes, without that NUL
 */
struct record_entry {
	enum record_type type;
	const char *path;
	const char *data;
	size_t length;
};

/* record_collect.c */

/*
 * What iovkit reads of a host, and the processes that use its functions: entries, which the caller
 * frees; 0 or -errno with a message.
 */
int record_collect(struct iov *iov, char **entries);

/* Append an entry. */
void record_put(FILE *file, const struct record_entry *entry);

/* The entry at @at, and move on; false at the end, which is a NUL. */
bool record_next(const char **at, struct record_entry *entry);

/* record_filter.c: of a file the part that is recorded; @text becomes it */

/* What is on devices, as the others name servers, users and files. */
void record_filter_mounts(char *text);
/* What tells about virtualization, of the first processor. */
void record_filter_cpus(char *text);
/* Words about IOMMU, PCI, VFIO, interrupts, KVM and huge pages. */
void record_filter_command_line(char *text);
/* PCI aliases of modules that are members of @wanted. */
void record_filter_aliases(char *text, struct json_object *wanted);
/* Watchdogs; adds the names of their modules to @wanted. */
void record_filter_watchdogs(char *text, struct json_object *wanted);
/* PCI aliases of what is built in; lines end with NUL.  The bytes that stay. */
size_t record_filter_builtin(char *text, size_t length);
/* Of a command line the program and the name of a guest; the bytes that stay. */
size_t record_filter_guest(char *text, size_t length);

/* record_names.c */

/*
 * What identifies a site, replaced: the same by the same everywhere in a record, and by what tells
 * nothing of it.
 */
struct record_names;

/* Of a host of this name, NULL for an unknown one; NULL without memory. */
struct record_names *record_names_new(const char *host);
void record_names_free(struct record_names *names);

/* Note what other files may say as well: serial numbers.  For all entries before the first is replaced. */
void record_names_learn(struct record_names *names, const struct record_entry *entry);

/* An entry as it is recorded, valid until the next call; 0 or -ENOMEM. */
int record_names_replace(struct record_names *names, struct record_entry *entry);

/* record_archive.c */

/* What was written, or unpacked. */
struct record_size {
	uint64_t entries;
	uint64_t bytes;
};

/* Write entries as an archive, replaced by @names unless that is NULL; 0 or -errno with a message. */
int record_write(struct iov *iov, FILE *file, const char *entries, struct record_names *names,
		 struct record_size *size);

/*
 * Unpack an archive into an empty directory.  It is anybody's: nothing of it leaves the directory,
 * becomes a device or is more than a host may be.  0, or -errno with what is wrong in @message,
 * which warns of an archive that ends too early when 0 is returned, and is "" otherwise.
 */
int record_unpack(const char *path, int directory, char *message, size_t size);

#endif
