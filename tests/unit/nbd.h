/* SPDX-License-Identifier: GPL-2.0-or-later */
/* NBD servers for tests: those of others, and one that does what it should not. */
#ifndef IOV_TESTS_NBD_H
#define IOV_TESTS_NBD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A program is there; else it is said that it is missing. */
bool nbd_has(const char *program);

/*
 * Start a program that serves at a Unix socket, or at "127.0.0.1:PORT", and wait until it does;
 * ended by nbd_end().
 */
pid_t nbd_start(const char *socket, const char *const argv[]);

/* SIGKILL, and it is gone. */
void nbd_end(pid_t pid);

/* What our server does wrong, with every command from its @after-th on. */
enum nbd_fault {
	NBD_IS_WELL,
	NBD_IS_SILENT, /* no answer */
	NBD_CLOSES,
	NBD_SENDS_GARBAGE,
	NBD_SENDS_LITTLE,  /* a read's reply has half of the bytes, and says that this is all */
	NBD_NAMES_ANOTHER, /* a reply to a command that nobody gave */
	NBD_FAILS,         /* with @error */
	NBD_GREETS_NOBODY, /* silence instead of the handshake */
	NBD_GREETS_WRONGLY,
};

struct nbd_how {
	uint64_t bytes;
	uint16_t flags; /* NBD_FLAG_... of the transmission; 0 for all that it has */
	enum nbd_fault fault;
	unsigned int after;
	uint32_t error;
};

/* Our server, in a process of its own; what it has stays when it ends.  Ended by nbd_end(). */
pid_t nbd_serve(const char *socket, const struct nbd_how *how);

/* Commands that it was given, of all those that there were: NBD_CMD_READ is 0 and so on. */
unsigned int nbd_asked(unsigned int command);

/* What it has, of up to 4 MiB. */
uint8_t *nbd_bytes(void);

/*
 * All flags but those of rotation and resize: has flags, flush, FUA, trim, write zeroes, several
 * connections.
 */
#define NBD_FLAGS 0x16d
#define NBD_READ_ONLY 0x2
#define NBD_FLUSH 0x4
#define NBD_FUA 0x8
#define NBD_TRIM 0x20
#define NBD_SHARED 0x100

#endif
