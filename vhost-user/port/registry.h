/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ports and bridges as the control thread knows them.
 *
 * Every change here draws a new view for the worker and publishes it; what a
 * change takes away is freed after that.
 */
#ifndef VHOST_USER_PORT_REGISTRY_H
#define VHOST_USER_PORT_REGISTRY_H

#include <json-c/json.h>
#include <stdbool.h>
#include <sys/queue.h>
#include <systemd/sd-event.h>

#include "base/iov.h"
#include "vhost-user/net/device_state.h"
#include "vhost-user/port/port_log.h"
#include "vhost-user/port/reasons.h"
#include "vhost-user/port/worker.h"
#include "vhost-user/protocol/endpoint.h"
#include "vhost-user/switch/datapath.h"

/* Letters, digits, dot, underscore and dash. */
#define REGISTRY_NAME_MAX 63

/* About as many stations as a switch remembers. */
#define REGISTRY_STATIONS 8192

struct port_control;
struct registry;

/**
 * struct port - a port: @endpoint or @uplink is set
 * @registry: where it is
 * @name: its name
 * @id: identity to the worker
 * @bridge: where it is a member; NULL for none
 * @counters: one for each worker, who writes them
 * @loads: what each of its rings, or of the queues of @uplink, cost who takes from it
 * @socket: path of the vhost-user socket, or "fd 3" for an inherited one
 * @fd: the inherited one; 0 for none
 * @server: iovd listens there
 * @access: who may connect to it then
 * @log: what is said of its front end
 * @endpoint: vhost-user socket and connection
 * @mtu: what the front end said, 0 before
 * @net: what the guest's driver set up
 * @has_mac: @mac was given
 * @mac: address that the guest is offered
 * @is_standby: the guest is offered to use it as the standby of a VF with that address
 * @is_down: the link was set down
 * @rules: what it lets in and out
 * @rates: what passed under their limits; the workers'
 * @control: the control queue, while it runs
 * @queues: started rings that carry frames, NULL where there is none
 * @polled: their kick cannot wake a worker
 * @workers: who takes from those that the guest sends by, or from the queues of @uplink;
 *	see balance.h
 * @worker: who takes from @lane
 * @node: NUMA node of the guest's memory; -1 when it is not known
 * @moved: addresses of a guest that moved here, to be announced when it receives
 * @moved_count: length of @moved
 * @lane: has @queues while the guest's memory arrives; NULL mostly
 * @queue_end: index behind the last ring that was ever started
 * @uplink: network device
 * @is_hidden: workers must not use @uplink
 * @lent: memory that devices reach; NULL for none
 */
struct port {
	TAILQ_ENTRY(port) link;
	struct registry *registry;
	char name[REGISTRY_NAME_MAX + 1];
	uint32_t id;
	struct bridge *bridge;
	struct dp_counters *counters;
	struct ring_load *loads;
	char *socket;
	int fd;
	bool server;
	struct socket_access access;
	struct port_log *log;
	struct vu_endpoint *endpoint;
	uint16_t mtu;
	struct net_device net;
	bool has_mac;
	uint8_t mac[6];
	bool is_standby;
	bool is_down;
	struct port_rules rules;
	struct dp_rates rates;
	struct port_control *control;
	struct vu_queue *queues[NET_VRINGS];
	bool polled[NET_VRINGS];
	uint8_t workers[NET_VRINGS];
	uint8_t worker;
	int node;
	unsigned int queue_end;
	struct net_station *moved;
	unsigned int moved_count;
	struct lane *lane;
	struct uplink *uplink;
	bool is_hidden;
	struct loan_memory *lent;
};

/**
 * struct bridge - ports that frames pass between
 * @name: its name
 * @macs: a switch's MAC table; NULL for a wire
 * @age: seconds after which a silent station is forgotten, 0 for MAC_TABLE_AGE
 */
struct bridge {
	TAILQ_ENTRY(bridge) link;
	char name[REGISTRY_NAME_MAX + 1];
	struct mac_table *macs;
	uint32_t age;
};

/* Seconds after which it forgets a silent station. */
static inline uint32_t bridge_age(const struct bridge *bridge)
{
	return bridge->age ? bridge->age : MAC_TABLE_AGE;
}

TAILQ_HEAD(port_list, port);
TAILQ_HEAD(bridge_list, bridge);

/**
 * struct registry - all of them
 * @iov: context of the control thread
 * @event: its event loop
 * @workers: who forward
 * @worker_count: how many
 * @forwarders: the network of each of them
 * @balance: who takes from what, changed as the load does; NULL for one worker
 * @postcopy: ports offer that guest memory arrives while the guest runs
 * @positions: where rings stand, for the next iovd; NULL when nobody keeps that
 * @lending_pause: ends when devices may have guest memory again; NULL mostly
 * @ports: ports in the order in which they were added
 * @bridges: bridges in the order in which they were added
 */
struct registry {
	struct iov *iov;
	sd_event *event;
	struct workers *workers;
	unsigned int worker_count;
	struct forwarder *forwarders[WORKERS_MAX];
	struct balance *balance;
	bool postcopy;
	struct positions *positions;
	sd_event_source *attention;
	sd_event_source *lending_pause;
	struct dp_view *spares[WORKERS_MAX];
	uint32_t generation;
	struct port_list ports;
	struct bridge_list bridges;
};

/**
 * registry_open - an empty registry
 * @out: receives it; the caller closes it with registry_close()
 * @iov: context of the control thread
 * @event: its event loop
 * @workers: who forward; stay the caller's
 * @positions: where rings stand, outlives the registry; NULL when nobody keeps that
 *
 * Return: 0 or -errno with a message.
 */
int registry_open(struct registry **out, struct iov *iov, sd_event *event, struct workers *workers,
		  struct positions *positions);

/**
 * registry_close - remove all ports and bridges
 * @registry: NULL is allowed
 */
void registry_close(struct registry *registry);

/**
 * registry_publish - let the workers forward by what is in the registry now
 * @registry: registry
 */
void registry_publish(struct registry *registry);

/**
 * registry_inject - let a frame come from a port
 * @registry: registry
 * @port: identity of the port
 * @bytes: the frame
 * @length: its bytes, at most FRAME_HEAD_MAX
 *
 * Return: 0, or -ENOBUFS when too many are waiting.
 */
int registry_inject(struct registry *registry, uint32_t port, const uint8_t *bytes,
		    uint32_t length);

/**
 * struct port_options - what a port is made of
 * @name: its name
 * @socket: path, for a vhost-user port; NULL for an uplink
 * @server: listen at @socket instead of connecting
 * @mode: permissions of a server's socket, "0660"; NULL for these
 * @owner: numbers of its owner and group, "107:108"; NULL for those of iovd
 * @fd: socket that was inherited, instead of @socket; 0 for none
 * @device: for an uplink
 * @zero_copy: it may have guest memory, see uplink_open()
 * @bridge: name of the bridge to join, NULL for none
 * @queue_pairs: that the configuration space of the guest's device says, 0 for one
 * @mac: that it says, NULL for none
 * @standby: the device is offered as a standby
 * @rules: what it lets in and out, see port_rules_change(); NULL for everything
 * @link: "down" or "up"; NULL for up
 */
struct port_options {
	const char *name;
	const char *socket;
	bool server;
	const char *mode;
	const char *owner;
	int fd;
	const char *device;
	bool zero_copy;
	const char *bridge;
	int queue_pairs;
	const char *mac;
	bool standby;
	struct json_object *rules;
	const char *link;
};

/**
 * port_options_of - what a port is made of, from JSON
 * @object: with "name", and as they apply "socket", "server", "socket_mode",
 *	"socket_owner", "device", "zero_copy", "bridge", "queue_pairs", "mac", "standby",
 *	"link" and "rules", see port_rules_change()
 *
 * Return: options that borrow their texts from @object; NULL for what is absent.
 */
struct port_options port_options_of(struct json_object *object);

/**
 * port_add - add a port
 * @registry: registry
 * @options: what it is
 * @out: receives the port, which stays the registry's
 *
 * Return: 0; -EEXIST when the name or socket is taken; -ENOENT without that
 * bridge; -ENOSPC; or what opening it gave; with a message.
 */
int port_add(struct registry *registry, const struct port_options *options, struct port **out);

/**
 * port_remove - remove a port
 * @registry: registry
 * @name: its name
 *
 * Return: 0 or -ENOENT with a message.
 */
int port_remove(struct registry *registry, const char *name);

/**
 * port_find - a port by its name
 * @registry: registry
 * @name: its name
 * @out: receives the port
 *
 * Return: 0 or -ENOENT with a message.
 */
int port_find(struct registry *registry, const char *name, struct port **out);

/**
 * port_set_rules - change what a port lets in and out
 * @port: port; the caller publishes
 * @json: see port_rules_change(); a mirror may come later
 *
 * Return: 0; -EINVAL; -EEXIST when a station is at another port; with a message.
 */
int port_set_rules(struct port *port, struct json_object *json);

/**
 * port_describe - what is known about a port
 * @port: port
 *
 * Return: an object; the caller puts it.
 */
struct json_object *port_describe(const struct port *port);

/**
 * port_stats - counters of a port
 * @port: port
 *
 * Return: an object with "port", "rx_packets", "rx_bytes", "tx_packets", "tx_bytes"
 * "drops" and "rings"; of a guest also "messages", "refused", "broken", "connections" and
 * "log_lines_left_out"; the caller puts it.  Objects have the reasons that
 * occurred.
 */
struct json_object *port_stats(const struct port *port);

/**
 * port_reasons - what is counted under reasons
 * @port: port
 * @kind: of what
 * @counters: receives them, as many as reason_tables has of that kind
 *
 * Return: false when this kind of port has none of that.
 */
bool port_reasons(const struct port *port, enum reason_kind kind, uint64_t counters[REASONS_MAX]);

/**
 * port_show - all of that
 * @port: port
 *
 * Return: that of port_describe() with "counters" and "rings"; the caller puts it.
 */
struct json_object *port_show(const struct port *port);

/**
 * vhost_port_open - serve a guest at a port
 * @port: with its name, socket and mode set
 *
 * Return: 0 or -errno with a message.
 */
int vhost_port_open(struct port *port);

/**
 * vhost_port_close - end that
 * @port: any port
 */
void vhost_port_close(struct port *port);

/**
 * vhost_port_check - stop the rings that the guest broke
 * @port: any port
 */
void vhost_port_check(struct port *port);

/**
 * vhost_port_pay_calls - make the calls that waited at receive queues not in use
 * @port: vhost-user port, after the worker was given a view without those
 */
void vhost_port_pay_calls(struct port *port);

/**
 * port_save - what goes with the guest of a port
 * @arg: the port, see struct vu_ops
 * @bytes: receives memory
 * @length: receives its length
 *
 * Return: 0 or -errno with a message.
 */
int port_save(void *arg, uint8_t **bytes, size_t *length);

/**
 * port_load - a guest comes with that
 * @arg: the port, see struct vu_ops
 * @bytes: from port_save() of the port that it left; may be anything
 * @length: length of @bytes
 *
 * Return: 0, -EINVAL or -ENOMEM with a message.
 */
int port_load(void *arg, const uint8_t *bytes, size_t length);

/**
 * port_announce - tell the network that an address is at a port
 * @port: port
 * @mac: the address
 */
void port_announce(struct port *port, const uint8_t mac[6]);

/**
 * port_announce_moved - the same of all addresses that came with the guest
 * @port: port
 */
void port_announce_moved(struct port *port);

/**
 * port_forget_moved - the guest is another one
 * @port: port
 */
void port_forget_moved(struct port *port);

/**
 * vhost_port_describe - add what is known about a connection
 * @port: port with an endpoint
 * @object: gets "socket", "mode", "socket_mode", "socket_owner", "state", "features" and
 *	"queues"
 */
void vhost_port_describe(const struct port *port, struct json_object *object);

/**
 * vhost_port_describe_access - add who may connect
 * @port: port with an endpoint
 * @object: gets "socket_mode", and "socket_owner" when there is one, of a server
 */
void vhost_port_describe_access(const struct port *port, struct json_object *object);

/**
 * bridge_add - add a bridge
 * @registry: registry
 * @name: its name
 * @kind: "switch" or "wire"
 * @age: seconds after which a switch forgets a silent station, 0 for MAC_TABLE_AGE
 * @ports: array of names of ports that are in no bridge; NULL for none
 * @out: receives the bridge, which stays the registry's
 *
 * Return: 0, -EEXIST, -EINVAL, -ENOENT or -EBUSY with a message.
 */
int bridge_add(struct registry *registry, const char *name, const char *kind, int age,
	       struct json_object *ports, struct bridge **out);

/**
 * bridge_find - a bridge by its name
 * @registry: registry
 * @name: its name
 * @out: receives the bridge
 *
 * Return: 0 or -ENOENT with a message.
 */
int bridge_find(struct registry *registry, const char *name, struct bridge **out);

/**
 * bridge_set_age - change when a switch forgets stations
 * @registry: registry; the caller publishes
 * @bridge: bridge
 * @age: seconds, 0 for MAC_TABLE_AGE
 *
 * Return: 0 or -EINVAL with a message.
 */
int bridge_set_age(struct registry *registry, struct bridge *bridge, int age);

/**
 * bridge_stations - where a switch knows stations to be
 * @registry: registry
 * @bridge: bridge
 *
 * Return: an array of objects with "mac", "vlan" (0 for none), "port" and "kind":
 * "learned" or "fixed"; the caller puts it.
 */
struct json_object *bridge_stations(const struct registry *registry, const struct bridge *bridge);

/**
 * bridge_remove - remove a bridge; its ports stay, in no bridge
 * @registry: registry
 * @name: its name
 *
 * Return: 0 or -ENOENT with a message.
 */
int bridge_remove(struct registry *registry, const char *name);

/**
 * bridge_join - put a port into a bridge
 * @registry: registry; the caller publishes
 * @bridge: name of the bridge
 * @port: port
 *
 * Return: 0, -ENOENT, or -EBUSY when the port is in a bridge or the wire is
 * complete; with a message.
 */
int bridge_join(struct registry *registry, const char *bridge, struct port *port);

/**
 * bridge_describe - what is known about a bridge
 * @registry: registry
 * @bridge: bridge
 *
 * Return: an object with "name", "kind" and "ports"; the caller puts it.
 */
struct json_object *bridge_describe(const struct registry *registry, const struct bridge *bridge);

/**
 * registry_check_name - judge a name
 * @iov: context
 * @what: "port" or "bridge", for the message
 * @name: the name
 *
 * Return: 0 or -EINVAL with a message.
 */
int registry_check_name(struct iov *iov, const char *what, const char *name);

/**
 * port_counted - what all workers counted of a port
 * @port: port
 *
 * Return: the sums.
 */
struct dp_counters port_counted(const struct port *port);

/**
 * view_build - draw the picture for a worker
 * @out: receives it; the caller frees it with view_free()
 * @registry: registry
 * @worker: number of the worker
 *
 * Return: 0 or -ENOMEM.
 */
int view_build(struct dp_view **out, const struct registry *registry, unsigned int worker);

/**
 * view_free - free a picture that no worker looks at
 * @view: NULL is allowed
 */
void view_free(struct dp_view *view);

#endif
