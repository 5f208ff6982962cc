/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The probe: one static program that measures a NIC or a disk, in a guest as its only process and
 * on the host beside it, so that both are asked the same by the same.
 *
 * It takes commands, a line each, and answers each with a line: "ok" and KEY=VALUE words, or
 * "failed" and why.  Its other side in a network is the probe as well, as a peer.
 *
 *	net IFACE|- ADDRESS	take a NIC, the first one for "-", and give it an address
 *	disk PATH|-		take a disk, the first one for "-", which is only read
 *	idle MS			nothing: what a guest costs that does nothing
 *	out MS, in MS		a TCP stream to the peer, or from it
 *	packets MS		UDP of 64 bytes to the peer, which counts
 *	turns MS		a UDP packet there and back, one after the other
 *	read DEPTH MS		4 KiB from anywhere, DEPTH at once
 *	end			end, and with it the guest
 */
#ifndef IOV_BENCH_GUEST_PROBE_H
#define IOV_BENCH_GUEST_PROBE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "bench/histogram.h"

/* Environment of the probe in a guest, which the kernel makes of its command line. */
#define PROBE_PORT "IOV_PORT"	/* terminal for commands: "ttyS1" */
#define PROBE_CONSOLE "IOV_CONSOLE"	/* "1": a person is at the console, and no commands come */

/* Of RFC 2544, appendix C.2.2: for benchmarks, and routed nowhere. */
#define PROBE_PEER "198.18.0.1"
#define PROBE_OWN "198.18.0.2"
#define PROBE_PREFIX 24

enum probe_port {
	PROBE_SINK = 5001,	/* TCP: takes everything, says how much when the other side is done */
	PROBE_SOURCE = 5002,	/* TCP: gives until the other side goes */
	PROBE_COUNT = 5003,	/* UDP: counts; a packet of one byte asks how many, and begins anew */
	PROBE_ECHO = 5004,	/* UDP: gives back */
};

#define PROBE_PACKET 64
#define PROBE_BLOCK 4096
#define PROBE_DEPTH_MAX 256

/* Say that something was done, with KEY=VALUE words. */
void probe_ok(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Say that it was not: what, and errno's reason. */
void probe_failed(FILE *out, const char *what);

/* Percentiles in nanoseconds as words. */
void probe_times(char *text, size_t size, const struct histogram *times);

/* Each of these carries a command out and answers it. */
void probe_net(FILE *out, const char *name, const char *address);
void probe_out(FILE *out, unsigned int ms);
void probe_in(FILE *out, unsigned int ms);
void probe_packets(FILE *out, unsigned int ms);
void probe_turns(FILE *out, unsigned int ms);
void probe_disk(FILE *out, const char *path);
void probe_read(FILE *out, unsigned int depth, unsigned int ms);

/* Give an interface an address and take it up; waits until it is there and has a carrier. */
int probe_address(const char *name, const char *address);

/* Be the other side, until the end. */
int probe_peer(const char *name);

/* First process of a guest: mounts, modules. */
void probe_init(void);

/* The console of a guest for a person: what it has been given, and a shell where there is one. */
void probe_console(void);

/* End the guest. */
void probe_halt(void) __attribute__((noreturn));

/* Interrupts of devices since the system began. */
uint64_t probe_interrupts(void);

/* Wait for up to a minute until something is so of a name; else -@error, which is in errno as well. */
int probe_wait(const char *name, bool (*is)(const char *name), int error);

#endif
