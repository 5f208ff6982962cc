// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/port/uplink_port.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "vhost-user/port/balance.h"
#include "vhost-user/port/bridge.h"
#include "vhost-user/port/describe.h"
#include "vhost-user/port/lending.h"
#include "vhost-user/port/registry.h"

static_assert(UPLINK_QUEUES_MAX <= PORT_RINGS_MAX, "each has a place");

static int check_mtu(struct iov *iov, const char *name, int mtu)
{
	if (mtu >= UPLINK_MTU_MIN && mtu <= UPLINK_MTU_MAX)
		return 0;
	return iov_fail(iov, -EINVAL, "%s: mtu %d: expected %d to %d", name, mtu, UPLINK_MTU_MIN,
			UPLINK_MTU_MAX);
}

static int check(struct iov *iov, const struct port_options *options)
{
	int error = front_end_check(iov, options);

	if (error)
		return error;
	if (!options->device || options->socket || options->server)
		return iov_fail(iov, -EINVAL, "%s: an ethdev port takes a device and no socket",
				options->name);
	if (options->queue_pairs || options->mac || options->standby || options->link ||
	    options->any_memory || options->iommu)
		return iov_fail(iov, -EINVAL, "%s: the device of an ethdev port has its own queues, MAC "
				"address, IOMMU and link, and no memory of a guest", options->name);
	return options->mtu ? check_mtu(iov, options->name, options->mtu) : 0;
}

/* Microseconds between looks at an interface of which nothing is heard. */
#define LOOK_US 500000

static void log_link(const struct uplink_port *up)
{
	struct iov *iov = up->port.registry->iov;
	const char *interface = uplink_interface(up->uplink);

	switch (up->link) {
	case UPLINK_LINK_UP:
		iov_log_with(iov, LOG_NOTICE, PORT_FIELDS(up->port.name),
			     "%s: the link of %s is up", up->port.name, interface);
		break;
	case UPLINK_LINK_DOWN:
		iov_log_with(iov, LOG_NOTICE, PORT_FIELDS(up->port.name),
			     "%s: the link of %s is down", up->port.name, interface);
		break;
	case UPLINK_LINK_GONE:
		iov_log_with(iov, LOG_WARNING, PORT_FIELDS(up->port.name),
			     "%s: interface %s is gone; one of that name will be taken",
			up->port.name, interface);
		break;
	case UPLINK_LINK_OTHER:
		iov_log_with(iov, LOG_WARNING, PORT_FIELDS(up->port.name),
			     "%s: interface %s cannot be taken yet: %s", up->port.name,
			interface, iov_error_message(iov));
		break;
	}
}

/* Out of the sight of all workers, and back. */
static void hide(struct uplink_port *up, bool is_hidden)
{
	up->is_hidden = is_hidden;
	registry_publish(up->port.registry);
}

static int take_anew(struct uplink_port *up)
{
	int error;

	hide(up, true);
	error = uplink_reopen(up->uplink, up->port.registry->iov);
	hide(up, false);
	return error;
}

/*
 * An interface that came back is another one, whose device has to be taken anew; so has one that
 * would send late what it got while its link was going down.
 */
static bool has_to_be_taken(const struct uplink_port *up, enum uplink_link link)
{
	if (link == UPLINK_LINK_OTHER)
		return true;
	if (link == UPLINK_LINK_DOWN && up->link == UPLINK_LINK_UP)
		return uplink_queues_late(up->uplink);
	return link != UPLINK_LINK_GONE && !uplink_is_open(up->uplink);
}

/* Once for each MTU of which a part is lost. */
static void tell_of_mtu(struct uplink_port *up)
{
	unsigned int mtu = uplink_excess_mtu(up->uplink);

	if (mtu == up->excess_mtu)
		return;
	up->excess_mtu = mtu;
	if (mtu)
		iov_log_with(up->port.registry->iov, LOG_WARNING, PORT_FIELDS(up->port.name),
			     "%s: interface %s has an MTU of %u, more than the device carries: longer frames "
			     "for it are dropped as above-mtu; see 'iov port show %s'",
			     up->port.name, uplink_interface(up->uplink), mtu, up->port.name);
}

static void follow(struct uplink_port *up)
{
	enum uplink_link link = uplink_look(up->uplink);

	if (has_to_be_taken(up, link)) {
		if (take_anew(up))
			link = UPLINK_LINK_OTHER;
		else
			link = uplink_look(up->uplink);
	}
	tell_of_mtu(up);
	if (link == up->link)
		return;
	up->link = link;
	log_link(up);
	if (link != UPLINK_LINK_UP)
		bridge_forget(&up->port);
}

static int look(sd_event_source *source, uint64_t usec, void *arg)
{
	(void)usec;
	follow(arg);
	sd_event_source_set_time_relative(source, LOOK_US);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* To try to take a device may be news itself, so who failed waits for the next look. */
static int hear(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	struct uplink_port *up = arg;

	(void)source;
	(void)events;
	interface_link_heard(fd);
	if (up->link != UPLINK_LINK_OTHER)
		follow(up);
	return 0;
}

/* Looks are enough where nothing is heard. */
static void listen_to(struct uplink_port *up)
{
	int fd = interface_link_listen();

	if (fd < 0)
		return;
	if (sd_event_add_io(up->port.registry->event, &up->news, fd, EPOLLIN, hear, up) < 0)
		close(fd);
	else
		sd_event_source_set_io_fd_own(up->news, true);
}

static int watch(struct uplink_port *up)
{
	int error;

	if (!uplink_interface(up->uplink))
		return 0;
	listen_to(up);
	error = sd_event_add_time_relative(up->port.registry->event, &up->watch, CLOCK_MONOTONIC, 0,
					   LOOK_US / 2, look, up);
	return error < 0 ? error : 0;
}

/* Two at one interface would each get a part of what comes. */
static int check_interface(const struct port *port, const char *device)
{
	struct interface_link wanted;
	const struct port *other;

	interface_link_find(&wanted, device);
	if (!*wanted.name)
		return 0;
	TAILQ_FOREACH(other, &port->registry->ports, link) {
		const struct uplink *uplink = other == port ? NULL : uplink_of(other);
		const char *interface = uplink ? uplink_interface(uplink) : NULL;

		if (interface && !strcmp(interface, wanted.name))
			return iov_fail(port->registry->iov, -EBUSY, "%s: interface %s is that of port "
					"%s already; remove that one first", device, wanted.name,
					other->name);
	}
	return 0;
}

static struct uplink_options wanted(const struct port *port, const struct port_options *options)
{
	return (struct uplink_options){
		.device = options->device,
		.queues = port->registry->worker_count,
		.zero_copy = options->zero_copy,
		.mtu = (unsigned int)options->mtu,
	};
}

static int rehearse(struct port *port, const struct port_options *options)
{
	const struct uplink_options uplink = wanted(port, options);
	int error = check_interface(port, options->device);

	return error ? error : uplink_rehearse(port->registry->iov, &uplink);
}

static int open_port(struct port *port, const struct port_options *options)
{
	struct uplink_port *up = uplink_port_of(port);
	const struct uplink_options uplink = wanted(port, options);
	int error = check_interface(port, options->device);

	if (!error)
		error = uplink_open(&up->uplink, port->registry->iov, &uplink);
	if (!error)
		error = watch(up);
	if (error)
		return error;
	balance_attach_all(port, uplink_queues(up->uplink));
	lending_uplink_comes(up);
	return 0;
}

static void close_port(struct port *port)
{
	struct uplink_port *up = uplink_port_of(port);

	sd_event_source_disable_unref(up->news);
	sd_event_source_disable_unref(up->watch);
	lending_uplink_goes(up);
	uplink_close(up->uplink);
}

static int set_mtu(struct uplink_port *up, unsigned int mtu)
{
	int error;

	hide(up, true);
	error = uplink_set_mtu(up->uplink, up->port.registry->iov, mtu);
	hide(up, false);
	return error;
}

static int would_set(const struct port *port, const struct port_changes *changes)
{
	const struct uplink *uplink = uplink_of(port);
	struct iov *iov = port->registry->iov;
	int error, differs;

	if (changes->link || changes->announce)
		return iov_fail(iov, -EINVAL, "%s: is no port of a guest; its device is the host's to set: "
				"leave out --link and --announce", port->name);
	error = changes->mtu ? check_mtu(iov, port->name, changes->mtu) : 0;
	if (!error && changes->mtu)
		error = uplink_check_mtu(uplink, iov, (unsigned int)changes->mtu);
	if (error)
		return error;
	differs = member_would_set_rules(port, changes->rules);
	if (differs)
		return differs;
	return changes->mtu && (unsigned int)changes->mtu != uplink_mtu_wanted(uplink);
}

static int set(struct port *port, const struct port_changes *changes)
{
	int error = 0;

	if (changes->mtu)
		error = set_mtu(uplink_port_of(port), (unsigned int)changes->mtu);
	if (!error && changes->rules)
		error = member_set_rules(port, changes->rules);
	if (!error && changes->rules)
		member_apply_rules(port);
	return error;
}

static void describe(const struct port *port, struct json_object *object)
{
	member_describe(port, object);
	uplink_describe(uplink_of(port), object);
}

static void save(const struct port *port, struct json_object *entry)
{
	const struct uplink *uplink = uplink_of(port);

	json_object_object_add(entry, "device", json_object_new_string(uplink_device(uplink)));
	if (uplink_is_zero_copy(uplink))
		json_object_object_add(entry, "zero_copy", json_object_new_boolean(true));
	if (uplink_mtu_wanted(uplink))
		json_object_object_add(entry, "mtu",
				       json_object_new_int((int)uplink_mtu_wanted(uplink)));
	member_save(port, entry);
}

static bool reasons(const struct port *port, enum reason_kind kind, uint64_t counters[REASONS_MAX])
{
	if (kind != REASON_DROP)
		return false;
	member_drops(port, counters);
	uplink_add_losses(uplink_of(port), counters);
	return true;
}

static void count(const struct port *port, struct json_object *object)
{
	member_count(port, object);
	json_object_object_add(object, "buffer_shortages",
			       json_object_new_uint64(uplink_shortages(uplink_of(port))));
}

static struct json_object *rings(const struct port *port)
{
	const struct uplink *uplink = uplink_of(port);
	struct json_object *rings = json_object_new_array();

	for (unsigned int i = 0; i < uplink_queues(uplink); i++) {
		struct json_object *ring = port_ring_json(port, i, "from network");

		json_object_object_add(ring, "frames",
				       json_object_new_uint64(uplink_frames(uplink, i)));
		port_ring_add_cpu(ring, port, i);
		json_object_array_add(rings, ring);
	}
	return rings;
}

static bool is_up(const struct port *port)
{
	return uplink_is_up(uplink_of(port));
}

static bool is_source(const struct port *port, unsigned int index)
{
	const struct uplink *uplink = uplink_of(port);

	return uplink && index < uplink_queues(uplink);
}

static int fill_view(struct dp_view *view, struct dp_port *dp, const struct port *port)
{
	const struct uplink_port *up = uplink_port_of(port);

	if (up->is_hidden || !uplink_is_open(up->uplink))
		return 0;
	dp->uplink = up->uplink;
	dp->reflects = uplink_reflects(up->uplink);
	dp->worker = view->worker;
	dp->accepts = uplink_accepts(up->uplink);
	dp->sending = calloc(1, sizeof(*dp->sending));
	for (unsigned int i = 0; i < uplink_queues(up->uplink); i++)
		if (port->workers[i] == view->worker)
			dp->uplink_takes |= UINT64_C(1) << i;
	view->must_poll |= dp->uplink_takes != 0;
	return dp->sending ? 0 : -ENOMEM;
}

static uint64_t lent(const struct port *port)
{
	return uplink_lent(uplink_of(port));
}

static uint64_t recalls(const struct port *port)
{
	return uplink_recalls(uplink_of(port));
}

static uint64_t shortages(const struct port *port)
{
	return uplink_shortages(uplink_of(port));
}

static const struct port_metric uplink_metrics[] = {
	{ "port_lent_frames", false, NULL, "Frames that an uplink sent from guest memory", lent },
	{ "port_recalls", false, NULL, "Restarts of an uplink that kept such frames", recalls },
	{ "port_buffer_shortages", false, NULL,
	  "Times that an uplink found no packet buffer for what it received", shortages },
	{ NULL },
};

static const struct port_metric *const metrics[] = {
	port_metrics, member_metrics, uplink_metrics, NULL,
};

const struct port_type uplink_port_type = {
	.name = "ethdev",
	.size = sizeof(struct uplink_port),
	.member = offsetof(struct uplink_port, member),
	.check = check,
	.open = open_port,
	.rehearse = rehearse,
	.close = close_port,
	.would_set = would_set,
	.set = set,
	.describe = describe,
	.save = save,
	.count = count,
	.reasons = reasons,
	.rings = rings,
	.is_up = is_up,
	.is_source = is_source,
	.fill_view = fill_view,
	.metrics = metrics,
};
