// SPDX-License-Identifier: GPL-2.0-or-later
/* The ways into a guest: what QEMU is told for each, and what stands behind it. */
#include "bench/guest/side.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/sysroot/paths.h"
#include "bench/guest/probe.h"

#define ASK_MS 150000 /* the probe waits for a NIC, its carrier and its peer */
#define FDS 8
#define IOVD_MS 20000

/* A guest that is being put together: words for QEMU, and the files that they name. */
struct building {
	struct side *side;
	const struct stage *stage;
	struct json_object *words;
	int fds[FDS];
	size_t fd_count;
	/* Closed when QEMU has its own. */
	int ours[FDS];
	size_t our_count;
};

static void append(struct json_object *words, struct json_object *more)
{
	for (size_t i = 0; i < json_object_array_length(more); i++)
		json_object_array_add(words, json_object_get(json_object_array_get_idx(more, i)));
}

/* It is given to QEMU, and closed here then unless it is somebody else's. */
static int give(struct building *building, int fd, bool is_ours)
{
	if (is_ours)
		building->ours[building->our_count++] = fd;
	building->fds[building->fd_count++] = fd;
	return fd;
}

void stage_gap(const struct stage *stage, const char *side, const char *class)
{
	struct json_object *gap = json_object_new_object();

	json_object_object_add(gap, "side", json_object_new_string(side));
	json_object_object_add(gap, "what", json_object_new_string(class));
	json_object_object_add(gap, "why", json_object_new_string(iov_error_message(stage->iov)));
	json_object_array_add(stage->gaps, gap);
}

static bool wants(const struct stage *stage, enum guest_class class)
{
	return stage->options->only & 1u << class;
}

/* Networks */

/* The way's own device at the host's end of a TAP device. */
static int add_tap(struct building *building, const char *device, bool vhost)
{
	const struct stage *stage = building->stage;
	struct peer *peer = &building->side->peer;
	int error = peer_start(peer, stage->iov, stage->options->probe, true), kernel = -1;

	if (error)
		return error;
	if (vhost) {
		kernel = open("/" IOV_PATH_DEV_VHOST_NET, O_RDWR | O_CLOEXEC);
		if (kernel < 0)
			return iov_told(stage->iov, -errno, "/" IOV_PATH_DEV_VHOST_NET
					": %s; 'modprobe vhost_net', where the kernel has it",
					strerror(errno));
		machine_option(building->words, "-netdev", "tap,id=net,fd=%d,vhost=on,vhostfd=%d",
			       give(building, peer->tap, false), give(building, kernel, true));
	} else {
		machine_option(building->words, "-netdev", "tap,id=net,fd=%d",
			       give(building, peer->tap, false));
	}
	machine_option(building->words, "-device", "%s,netdev=net,romfile=", device);
	return 0;
}

static int net_emulated(struct building *building)
{
	return add_tap(building, "e1000", false);
}

static int net_virtio(struct building *building)
{
	return add_tap(building, "virtio-net-pci", false);
}

static int net_vhost(struct building *building)
{
	return add_tap(building, "virtio-net-pci", true);
}

/*
 * A socket that listens and has a name in no file system, as QEMU passes files at one that it
 * connected to itself alone.  It is gone with the last process that has it.
 */
static int listen_abstract(struct iov *iov, char name[64])
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), error;
	uint64_t number;

	if (fd < 0 || getrandom(&number, sizeof(number), 0) != sizeof(number)) {
		error = iov_told(iov, -errno, "no socket for iovd: %s", strerror(errno));
	} else {
		snprintf(name, 64, "iov-bench-%016llx", (unsigned long long)number);
		memcpy(address.sun_path + 1, name, strlen(name));
		if (!bind(fd, (struct sockaddr *)&address,
			  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name))) &&
		    !listen(fd, 1))
			return fd;
		error = iov_told(iov, -errno, "no socket for iovd: %s", strerror(errno));
	}
	if (fd >= 0)
		close(fd);
	return error;
}

/* Until it has opened what it was told of. */
static int wait_iovd(struct child *iovd, const struct stage *stage)
{
	const uint64_t end = monotonic_ms() + IOVD_MS;
	char said[512];

	for (;;) {
		child_said(iovd, said, sizeof(said));
		if (strstr(said, "ready"))
			return 0;
		if (stage->options->stop && *stage->options->stop)
			return iov_fail(stage->iov, -EINTR, "stopped");
		if (!child_runs(iovd) || monotonic_ms() > end)
			return iov_told(stage->iov, -EIO, "iovd did not come up: %s", said);
		usleep(10000);
	}
}

/* iovd for this guest alone. */
static int start_iovd(struct building *building, enum guest_class class, const char *option,
		      const char *value, int netns)
{
	const struct stage *stage = building->stage;
	struct child_options how = {.in = -1, .out = -1, .network = netns};
	char name[64], number[32];
	const char *argv[] = {stage->options->iovd, "--no-huge", number, option, value, NULL};
	int listener = listen_abstract(stage->iov, name), error;

	if (listener < 0)
		return listener;
	snprintf(number, sizeof(number), "--fd=%d", listener);
	how.fds[how.fd_count++] = listener;
	error = child_start(&building->side->helpers[class], stage->iov, argv, &how);
	close(listener);
	if (!error)
		error = wait_iovd(&building->side->helpers[class], stage);
	if (!error)
		machine_option(building->words, "-chardev",
			       "socket,id=iovd%d,path=%s,abstract=on,tight=on", class, name);
	return error;
}

static int net_vhost_user(struct building *building)
{
	const struct stage *stage = building->stage;
	struct peer *peer = &building->side->peer;
	int error = peer_start(peer, stage->iov, stage->options->probe, false);

	if (!error)
		error = start_iovd(building, GUEST_NETWORK, "--uplink", "net_tap0,iface=" PEER_NIC,
				   peer->netns);
	if (error)
		return error;
	machine_option(building->words, "-netdev", "vhost-user,id=net,chardev=iovd%d", GUEST_NETWORK);
	machine_option(building->words, "-device", "virtio-net-pci,netdev=net,romfile=");
	return 0;
}

/* Disks */

static const char *image_path(const struct stage *stage, char path[64])
{
	snprintf(path, 64, "/" IOV_PATH_PROC_SELF "/fd/%d", stage->image);
	return path;
}

static int add_drive(struct building *building, const char *device)
{
	char path[64];

	give(building, building->stage->image, false);
	machine_option(building->words, "-drive",
		       "if=none,id=disk,format=raw,file.locking=off,file=%s,cache=%s",
		       image_path(building->stage, path),
		       building->stage->direct ? "none,aio=native" : "writeback");
	machine_option(building->words, "-device", "%s,drive=disk", device);
	return 0;
}

static int disk_emulated(struct building *building)
{
	machine_option(building->words, "-device", "ahci,id=ahci");
	return add_drive(building, "ide-hd,bus=ahci.0");
}

static int disk_virtio(struct building *building)
{
	return add_drive(building, "virtio-blk-pci");
}

/* iovd wants a path that leads to a name, so that the image has one until iovd has opened it. */
static int disk_vhost_user(struct building *building)
{
	const struct stage *stage = building->stage;
	char path[64], name[PATH_MAX];
	uint64_t number = 0;
	int error;

	if (getrandom(&number, sizeof(number), 0) < 0)
		number = (uint64_t)getpid();
	snprintf(name, sizeof(name), "%s/iov-bench-%016llx", stage->options->directory,
		 (unsigned long long)number);
	if (linkat(AT_FDCWD, image_path(stage, path), AT_FDCWD, name, AT_SYMLINK_FOLLOW))
		return iov_told(stage->iov, -errno, "%s: %s", name, strerror(errno));
	error = start_iovd(building, GUEST_DISK, "--blk-file", name, -1);
	unlink(name);
	if (error)
		return error;
	machine_option(building->words, "-device",
		       "vhost-user-blk-pci,chardev=iovd%d,num-queues=1", GUEST_DISK);
	return 0;
}

/* Devices */

static int add_device(struct building *building)
{
	append(building->words, building->side->device->words);
	return 0;
}

static int net_device(struct building *building)
{
	const struct stage *stage = building->stage;
	const struct guest_device *device = building->side->device;
	int error;

	if (!device->uplink)
		return iov_fail(stage->iov, -ENODEV, "no interface of this host is in its network: "
				"it is no VF of a NIC that has one");
	error = peer_start(&building->side->peer, stage->iov, stage->options->probe, false);
	if (!error)
		error = peer_add_uplink(&building->side->peer, stage->iov, device->uplink);
	return error ? error : add_device(building);
}

/* In the order of the results. */
static const struct way {
	const char *name;
	int (*add[GUEST_CLASSES])(struct building *building);
	bool host;
} ways[] = {
	{ .name = "native", .host = true },
	{ .name = "emulated", .add = { net_emulated, disk_emulated } },
	{ .name = "virtio", .add = { net_virtio, disk_virtio } },
	{ .name = "vhost-net", .add = { net_vhost, NULL } },
	{ .name = "vhost-user", .add = { net_vhost_user, disk_vhost_user } },
};

static const struct way device_ways[GUEST_CLASSES] = {
	[GUEST_NETWORK] = { .add = { net_device, NULL } },
	[GUEST_DISK] = { .add = { NULL, add_device } },
};

static const char *const class_names[GUEST_CLASSES] = {"network", "disk"};

const char *side_way(size_t index)
{
	return index < sizeof(ways) / sizeof(*ways) ? ways[index].name : NULL;
}

/* Have the probe take what its guest was given; what it does not find is a gap. */
static int take(struct side *side, const struct stage *stage, enum guest_class class,
		const char *command)
{
	_cleanup_json_ struct json_object *answer = NULL;
	int error = machine_ask(&side->machine, ASK_MS, &answer, "%s", command);

	if (error) {
		side->has &= ~(1u << class);
		if (error != -EINTR)
			stage_gap(stage, side->name, class_names[class]);
		return error == -EINTR ? error : 0;
	}
	if (class == GUEST_NETWORK)
		snprintf(side->driver, sizeof(side->driver), "%s", json_text(answer, "driver"));
	return 0;
}

static int take_all(struct side *side, const struct stage *stage, const char *nic, const char *disk)
{
	char command[256];
	int error = 0;

	if (side->has & 1u << GUEST_NETWORK) {
		snprintf(command, sizeof(command), "net %s " PROBE_OWN, nic);
		error = take(side, stage, GUEST_NETWORK, command);
	}
	if (!error && side->has & 1u << GUEST_DISK) {
		snprintf(command, sizeof(command), "disk %s", disk);
		error = take(side, stage, GUEST_DISK, command);
	}
	return error;
}

/* The words of a class that fails are dropped. */
static int build_class(struct building *building, int (*add)(struct building *building))
{
	struct json_object *before = building->words;
	int error;

	building->words = json_object_new_array();
	error = add(building);
	if (!error)
		append(before, building->words);
	json_object_put(building->words);
	building->words = before;
	return error;
}

/* Each class on its own, so that a back end that is missing for one is no gap of the other. */
static int build(struct building *building, const struct way *way)
{
	struct side *side = building->side;
	int error;

	for (unsigned int class = 0; class < GUEST_CLASSES; class++) {
		if (!way->add[class] || !wants(building->stage, class))
			continue;
		error = build_class(building, way->add[class]);
		if (error == -EINTR)
			return error;
		if (error)
			stage_gap(building->stage, side->name, class_names[class]);
		else
			side->has |= 1u << class;
	}
	return 0;
}

static int fail(struct side *side, const struct stage *stage, int error)
{
	if (error != -EINTR)
		stage_gap(stage, side->name, "guest");
	side->has = 0;
	return error == -EINTR ? error : 0;
}

static int start_guest(struct side *side, const struct stage *stage, const struct way *way)
{
	struct building building = {.side = side, .stage = stage, .words = json_object_new_array()};
	int error = build(&building, way);

	if (!error && side->has)
		error = machine_start(&side->machine, stage->iov, &stage->machines, building.words,
				      building.fds, building.fd_count);
	for (size_t i = 0; i < building.our_count; i++)
		close(building.ours[i]);
	json_object_put(building.words);
	return error ? fail(side, stage, error) : take_all(side, stage, "-", "-");
}

static void begin(struct side *side, const char *way, const char *name)
{
	*side = (struct side){.way = way, .machine = {.port = -1, .child = {.said = -1}},
			      .peer = {.tap = -1, .netns = -1, .child = {.said = -1}}};
	for (unsigned int i = 0; i < GUEST_CLASSES; i++)
		side->helpers[i].said = -1;
	snprintf(side->name, sizeof(side->name), "%s", name);
}

/* The probe in a namespace at the end of a pair, and the file that is the guests' disk. */
static int start_host(struct side *side, const struct stage *stage)
{
	int netns = peer_namespace(stage->iov), error = netns < 0 ? netns : 0;
	char path[64];

	if (!error)
		error = machine_start_host(&side->machine, stage->iov, stage->options->probe, netns,
					   &stage->image, 1, stage->options->stop);
	if (netns >= 0)
		close(netns);
	if (error)
		return fail(side, stage, error);
	side->has = stage->options->only;
	if (wants(stage, GUEST_NETWORK) &&
	    (peer_start(&side->peer, stage->iov, stage->options->probe, false) ||
	     peer_add_pair(&side->peer, stage->iov, side->machine.child.pid))) {
		stage_gap(stage, side->name, class_names[GUEST_NETWORK]);
		side->has &= ~(1u << GUEST_NETWORK);
	}
	return take_all(side, stage, PEER_OWN, image_path(stage, path));
}

int side_start(struct side *side, const struct stage *stage, size_t way,
	       const struct guest_device *device)
{
	char name[96];

	if (way != SIDE_DEVICE) {
		begin(side, ways[way].name, ways[way].name);
		return ways[way].host ? start_host(side, stage)
				      : start_guest(side, stage, &ways[way]);
	}
	snprintf(name, sizeof(name), "%s %.80s", device->way, device->name);
	begin(side, device->way, name);
	side->device = device;
	return start_guest(side, stage, &device_ways[device->class]);
}

static int start_native_nic(struct side *side, const struct stage *stage,
			    const struct guest_device *device, const char *name)
{
	int netns = peer_namespace(stage->iov), error = netns < 0 ? netns : 0;

	if (!error)
		error = machine_start_host(&side->machine, stage->iov, stage->options->probe, netns,
					   NULL, 0, stage->options->stop);
	if (!error)
		error = peer_lend(stage->iov, name, netns);
	if (netns >= 0)
		close(netns);
	if (!error)
		error = peer_start(&side->peer, stage->iov, stage->options->probe, false);
	return error ? error : peer_add_uplink(&side->peer, stage->iov, device->uplink);
}

int side_start_native(struct side *side, const struct stage *stage,
		      const struct guest_device *device, const char *name)
{
	char title[96];
	int error;

	snprintf(title, sizeof(title), "native %.80s", device->name);
	begin(side, "native", title);
	side->device = device;
	if (device->class == GUEST_NETWORK)
		error = start_native_nic(side, stage, device, name);
	else
		error = machine_start_host(&side->machine, stage->iov, stage->options->probe, -1,
					   NULL, 0, stage->options->stop);
	if (error)
		return fail(side, stage, error);
	side->has = 1u << device->class;
	return take_all(side, stage, name, name);
}

void side_stop(struct side *side)
{
	machine_end(&side->machine);
	for (unsigned int i = 0; i < GUEST_CLASSES; i++)
		child_end(&side->helpers[i]);
	peer_end(&side->peer);
	side->has = 0;
}

void side_end(struct side *side)
{
	side_stop(side);
	for (unsigned int i = 0; i < SIDE_LOADS; i++) {
		free(side->tallies[i].rates);
		for (unsigned int j = 0; j < SIDE_TIMES; j++)
			free(side->tallies[i].times[j]);
	}
	memset(side->tallies, 0, sizeof(side->tallies));
}
