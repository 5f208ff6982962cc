/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ports, bridges, disks and QoS groups of an iovd that forwards nothing, at a socket of its own. */
#ifndef IOV_TESTS_FAKE_IOVD_H
#define IOV_TESTS_FAKE_IOVD_H

#include <json-c/json.h>
#include <pthread.h>

/* Size of each file and device there */
#define FAKE_FILE_BYTES (1ull << 30)

struct fake_iovd {
	char path[108];
	int listener;
	pthread_t thread;
	struct json_object *ports;
	struct json_object *bridges;
	struct json_object *disks;
	struct json_object *qos;
	int changes;		/* adds and removes that it was asked for */
	int judgements;		/* dry runs of any change */
	const char *refuse;	/* name of a port or disk that it does not add */
};

/* Start it at DIRECTORY/iovd.sock, and stop it. */
void fake_iovd_start(struct fake_iovd *iovd, const char *directory);
void fake_iovd_stop(struct fake_iovd *iovd);

#endif
