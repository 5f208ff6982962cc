/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A port: what all kinds of them have, and what each kind does in its own way.
 *
 * A kind is a struct port_type, see port_types.c.  Its ports are structs that have a struct
 * port in them.  Who lists, shows, saves, counts or sets ports calls the operations and
 * never asks of which kind a port is.
 *
 * Threads: the control thread.
 */
#ifndef VHOST_USER_PORT_PORT_H
#define VHOST_USER_PORT_PORT_H

#include <json-c/json.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "base/iov.h"
#include "vhost-user/pollable.h"
#include "vhost-user/port/front_end.h"
#include "vhost-user/port/port_metric.h"
#include "vhost-user/port/reasons.h"
#include "vhost-user/protocol/session.h"

/* Letters, digits, dot, underscore and dash. */
#define PORT_NAME_MAX 63

/* SET_VRING_KICK has 8 bits for the index of a vring, so there are no more. */
#define PORT_RINGS_MAX 256

struct dp_port;
struct dp_view;
struct member;
struct port;
struct qos;
struct registry;

/**
 * struct disk_options - what a disk is made of
 * @backend: kind of its back end
 * @path: file or device; NULL for kinds without
 * @uri: of a server; NULL for kinds without
 * @bytes: size of kinds that have none by themselves; 0 for others
 * @zone_bytes: of each zone of one in memory that has some; 0 for others
 * @read_only: nobody writes to it
 * @cached: by the host's page cache
 * @io_poll: its device is polled for what is done
 * @register_memory: guest memory is pinned for it
 * @serial: what guests read; NULL for the name
 * @queues: number of rings; 0 for as many as there is use for
 * @on_error: "report" or "wait"; NULL for the first
 * @qos: name of the group whose limits it keeps; NULL for none
 * @incoming: its guest comes from elsewhere, where somebody has the data until then
 * @given_up: its guest waited for that one for too long
 * @write_through: its guest had switched the cache off
 * @flush_error: errno of a flush that failed, which nobody has looked at; 0 for none
 * @is_restored: an iovd before this one had it
 */
struct disk_options {
	const char *backend;
	const char *path;
	const char *uri;
	uint64_t bytes;
	uint64_t zone_bytes;
	bool read_only;
	bool cached;
	bool io_poll;
	bool register_memory;
	const char *serial;
	int queues;
	const char *on_error;
	const char *qos;
	bool incoming;
	bool given_up;
	bool write_through;
	int flush_error;
	bool is_restored;
};

/**
 * struct port_options - what a port is made of
 * @name: its name
 * @type: name of its type
 * @socket: path, for a port with a front end
 * @server: listen at @socket instead of connecting
 * @mode: permissions of a server's socket, "0660"; NULL for these
 * @owner: numbers of its owner and group, "107:108"; NULL for those of iovd
 * @fd: socket that was inherited, instead of @socket; 0 for none
 * @device: for an uplink
 * @zero_copy: it may have guest memory, see uplink_open()
 * @mtu: of an uplink; 0 for its own
 * @bridge: name of the bridge to join, NULL for none
 * @queue_pairs: that the configuration space of the guest's device says, 0 for one
 * @mac: that it says, NULL for none
 * @standby: the device is offered as a standby
 * @any_memory: what the front end shares may be on any file system, see file_part.h
 * @iommu: the device is offered behind an IOMMU
 * @rules: what it lets in and out, see port_rules_change(); NULL for everything
 * @link: "down" or "up"; NULL for up
 * @disk: for a disk
 */
struct port_options {
	const char *name;
	const char *type;
	const char *socket;
	bool server;
	const char *mode;
	const char *owner;
	int fd;
	const char *device;
	bool zero_copy;
	int mtu;
	const char *bridge;
	int queue_pairs;
	const char *mac;
	bool standby;
	bool any_memory;
	bool iommu;
	struct json_object *rules;
	const char *link;
	struct disk_options disk;
};

/**
 * struct port_changes - what is set while a port is there
 * @link: "down" or "up"; NULL to leave it
 * @announce: have the guest announce itself to the network
 * @mtu: of an uplink; 0 to leave it
 * @rules: those that change, see port_rules_change(); NULL for none
 */
struct port_changes {
	const char *link;
	bool announce;
	int mtu;
	struct json_object *rules;
};

/**
 * struct port_type - a kind of port
 * @name: as users write it
 * @size: of the struct that has the port in it, at its start
 * @member: offset of its struct member, for ports that carry frames; 0 for others
 * @check: whether it can be made of these options, of which @open sees no other; 0 or -EINVAL
 *	with a message
 * @open: begin; on failure @close follows; 0 or -errno with a message
 * @rehearse: whether @open would succeed, as far as that can be told without doing it; 0 or -errno
 *	with a message; @close follows in any case
 * @close: end; no worker sees it any more; also after @open failed or was not called
 * @would_set: judge changes: 1 when @set has something to do, 0 when all is so already, or -errno
 *	with a message
 * @set: change what @would_set let pass, all or nothing; 0 or -errno with a message
 * @describe: add what is known about it
 * @save: add the options that it is to be made of again, besides name and type
 * @count: add its counters, besides those under reasons and of its front end
 * @reasons: what is counted under reasons of a kind; false when it has none of that
 * @rings: an array of what is known about each ring
 * @feature_name: of a feature bit of its device, NULL for those of rings; for ports with a
 *	front end
 * @is_up: whether what it leads to is there
 * @is_source: whether a worker takes from ring @index at present
 * @attend: go on with what workers have told; NULL when there is nothing but the front end
 * @move: give a ring that is a source to another worker; NULL when views do that
 * @can_give_up: whether closing it ends what is under way instead of waiting for it; NULL: always
 * @fill_view: add it to a view, where @dp has what all ports have; for ports that carry frames;
 *	0 or -ENOMEM
 * @metrics: lists that end with NULL, as does this list of them
 * @histogram: of times; NULL for none
 */
struct port_type {
	const char *name;
	size_t size;
	size_t member;
	int (*check)(struct iov *iov, const struct port_options *options);
	int (*open)(struct port *port, const struct port_options *options);
	int (*rehearse)(struct port *port, const struct port_options *options);
	void (*close)(struct port *port);
	int (*would_set)(const struct port *port, const struct port_changes *changes);
	int (*set)(struct port *port, const struct port_changes *changes);
	void (*describe)(const struct port *port, struct json_object *object);
	void (*save)(const struct port *port, struct json_object *entry);
	void (*count)(const struct port *port, struct json_object *object);
	bool (*reasons)(const struct port *port, enum reason_kind kind,
			uint64_t counters[REASONS_MAX]);
	struct json_object *(*rings)(const struct port *port);
	const char *(*feature_name)(unsigned int bit);
	bool (*is_up)(const struct port *port);
	bool (*is_source)(const struct port *port, unsigned int index);
	void (*attend)(struct port *port);
	void (*move)(struct port *port, unsigned int index, unsigned int to);
	bool (*can_give_up)(const struct port *port);
	int (*fill_view)(struct dp_view *view, struct dp_port *dp, const struct port *port);
	const struct port_metric *const *metrics;
	const struct port_histogram *histogram;
};

/**
 * struct port - what all ports have
 * @registry: where it is
 * @type: its kind
 * @name: its name
 * @id: identity to the workers
 * @member: its place in a bridge; NULL when it carries no frames
 * @qos: the group whose limits it keeps; NULL for none
 * @front_end: who is served at its socket
 * @queues: started rings that workers use, NULL where there is none
 * @polled: their kick cannot wake a worker
 * @workers: who takes from each of its rings that are a source; see balance.h
 * @cpus: where those workers are to be, as a CPU list; NULL for anywhere
 * @loads: what each ring cost who takes from it
 * @queue_end: index behind the last ring that was ever started
 * @node: NUMA node of the guest's memory; -1 when it is not known
 */
struct port {
	TAILQ_ENTRY(port) link;
	struct registry *registry;
	const struct port_type *type;
	char name[PORT_NAME_MAX + 1];
	uint32_t id;
	struct member *member;
	struct qos *qos;
	struct front_end front_end;
	struct vu_queue *queues[PORT_RINGS_MAX];
	bool polled[PORT_RINGS_MAX];
	uint8_t workers[PORT_RINGS_MAX];
	const char *cpus;
	struct ring_load *loads;
	unsigned int queue_end;
	int node;
};

TAILQ_HEAD(port_list, port);

/* All types, the last one NULL. */
extern const struct port_type *const port_types[];

/**
 * port_type_find - the type of a port to be
 * @out: receives it
 * @iov: context
 * @options: with @type, and whatever goes with it
 *
 * Return: 0; -EINVAL with a message when there is no such type, or it takes other options.
 */
int port_type_find(const struct port_type **out, struct iov *iov,
		   const struct port_options *options);

/**
 * port_options_of - what a port is made of, from JSON
 * @object: with "name", "type", and as they apply "socket", "server", "socket_mode",
 *	"socket_owner", "device", "zero_copy", "mtu", "bridge", "queue_pairs", "mac", "standby",
 *	"any_memory", "iommu", "link" and "rules", see port_rules_change(); for a disk
 *	"backend", "path", "uri", "bytes", "zone_bytes", "read_only", "cached", "io_poll", "register_memory",
 *	"serial", "queues", "on_error"
 *	and "qos"
 *
 * Return: options that borrow their texts from @object; NULL for what is absent.
 */
struct port_options port_options_of(struct json_object *object);

/**
 * port_saved - those of a port that is there, for port_options_of()
 * @port: port
 *
 * Return: an object; the caller puts it.
 */
struct json_object *port_saved(const struct port *port);

/* "port_up", which all types have. */
extern const struct port_metric port_metrics[];

#endif
