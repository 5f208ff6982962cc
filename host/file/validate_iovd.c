// SPDX-License-Identifier: GPL-2.0-or-later
/* iovd's part of a host file. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/size.h"
#include "host/file/disk.h"
#include "host/file/qos.h"
#include "host/file/validate.h"

#define SOCKET_LENGTH_MAX 107

/* Bytes that a disk consists of */
#define SECTOR 512

/* No two of them have one name. */
#define IOVD_NAME "port or disk name"

/* Where a front end meets iovd. */
static int check_socket(const struct check *check, const char *at, const char *socket,
			const bool *server, bool has_access)
{
	if (*socket != '/' || strlen(socket) > SOCKET_LENGTH_MAX)
		return fail_value(check, PLACE("%s.socket", at), socket,
				  "a full path of at most 107 bytes");
	if (has_access && !(server && *server))
		return iov_host_fail(check->file, -EINVAL, at,
				     "socket_mode and socket_owner: expected a server, which makes "
				     "the socket");
	return check_once(check, PLACE("%s.socket", at), "socket", socket);
}

static int check_port_shape(const struct check *check, const char *at,
			    const struct iov_host_port *port)
{
	static const char *const types[] = { "vhost-user", "ethdev", NULL};
	bool vhost = !strcmp(port->type, "vhost-user");
	int error =
		check_word(check, PLACE("%s.type", at), port->type, types, "vhost-user or ethdev");

	if (error)
		return error;
	if (vhost && (!port->socket || port->device || port->zero_copy || port->mtu))
		return iov_host_fail(check->file, -EINVAL, at,
				     "a vhost-user port: expected a socket, no device, no "
				     "zero_copy and mtu, which are a device's");
	if (!vhost && (!port->device || port->socket || port->server))
		return iov_host_fail(check->file, -EINVAL, at,
				     "an ethdev port: expected a device, no "
				     "socket and no server");
	if (!vhost && (port->queue_pairs || port->mac || port->standby || port->any_memory ||
		       port->iommu))
		return iov_host_fail(check->file, -EINVAL, at,
				     "an ethdev port: expected no queue_pairs, mac, standby, "
				     "any_memory and iommu, which are of a guest");
	if (port->queue_pairs && (!*port->queue_pairs || *port->queue_pairs > 127))
		return iov_host_fail(check->file, -EINVAL, PLACE("%s.queue_pairs", at),
				     "%u, expected 1 to 127", *port->queue_pairs);
	if (port->mtu && (*port->mtu < 68 || *port->mtu > 65535))
		return iov_host_fail(check->file, -EINVAL, PLACE("%s.mtu", at),
				     "%u, expected 68 to 65535", *port->mtu);
	if (port->standby && *port->standby && !port->mac)
		return iov_host_fail(check->file, -EINVAL, at,
				     "standby: expected the mac of the VF that it stands by for");
	if (!vhost && (port->socket_mode || port->socket_owner))
		return iov_host_fail(check->file, -EINVAL, at,
				     "an ethdev port: expected no socket_mode and socket_owner");
	return 0;
}

/* "uplink/vf7", where the file itself says how many VFs uplink has. */
static int check_port_vf(const struct check *check, const char *where, const char *name)
{
	const struct iov_host *host = iov_host_of(check->file);
	const char *slash = strstr(name, "/vf");
	unsigned int index;

	if (!slash || sscanf(slash, "/vf%u", &index) != 1)
		return 0;
	for (unsigned int i = 0; i < host->device_count; i++) {
		const struct iov_host_device *device = &host->devices[i];

		if (device->name && device->vfs && strlen(device->name) == (size_t)(slash - name) &&
		    !strncmp(device->name, name, (size_t)(slash - name)) &&
		    index >= device->vfs->count)
			return iov_host_fail(check->file, -EINVAL, where,
					     "%s: %s has %u VFs; "
					     "the first is vf0",
					     host_show(name).text, device->name,
					     device->vfs->count);
	}
	return 0;
}

static int check_port_bridge(const struct check *check, const char *where, const char *bridge)
{
	struct json_object *place, *ports;
	char key[32 + NAME_LENGTH_MAX];
	const char *wire;
	int count;

	snprintf(key, sizeof(key), "bridge name %s", bridge);
	if (!json_object_object_get_ex(check->seen, key, &place))
		return iov_host_fail(check->file, -EINVAL, where,
				     "%s: no such bridge; expected one of "
				     "iovd.bridges",
				     host_show(bridge).text);
	snprintf(key, sizeof(key), "wire %s", bridge);
	if (!json_object_object_get_ex(check->seen, key, &ports))
		return 0;
	wire = json_object_get_string(place);
	count = json_object_get_int(ports) + 1;
	if (count > 2)
		return iov_host_fail(check->file, -EINVAL, where,
				     "%s is a wire and has two ports "
				     "already; expected a switch for more, %s.kind",
				     bridge, PLACE("%.*s", (int)(strrchr(wire, '.') - wire), wire));
	json_object_set_int(ports, count);
	return 0;
}

static int check_port(const struct check *check, unsigned int index,
		      const struct iov_host_port *port)
{
	struct iov_path at = iov_path("iovd.ports[%u]", index);
	int error = check_name(check, PLACE("%s.name", at.name), port->name);

	if (!error)
		error = check_once(check, PLACE("%s.name", at.name), IOVD_NAME, port->name);
	if (!error)
		error = check_port_shape(check, at.name, port);
	if (!error && port->socket)
		error = check_socket(check, at.name, port->socket, port->server,
				     port->socket_mode || port->socket_owner);
	if (!error && port->device)
		error = check_once(check, PLACE("%s.device", at.name), "port device", port->device);
	if (!error && port->device)
		error = check_port_vf(check, PLACE("%s.device", at.name), port->device);
	if (!error && port->bridge)
		error = check_port_bridge(check, PLACE("%s.bridge", at.name), port->bridge);
	return error;
}

/* What only a switch has. */
static int check_switch(const struct check *check, unsigned int index,
			const struct iov_host_bridge *bridge)
{
	bool is_wire = bridge->kind && !strcmp(bridge->kind, "wire");

	if (is_wire && bridge->age)
		return iov_host_fail(check->file, -EINVAL, PLACE("iovd.bridges[%u].age", index),
				     "a wire learns nothing: expected no age");
	if (is_wire && bridge->stations)
		return iov_host_fail(check->file, -EINVAL, PLACE("iovd.bridges[%u].stations", index),
				     "a wire learns nothing: expected no stations");
	if (is_wire && bridge->reserved)
		return iov_host_fail(check->file, -EINVAL, PLACE("iovd.bridges[%u].reserved", index),
				     "a wire passes what is reserved for bridges: expected no switch");
	if (bridge->age && (*bridge->age < 10 || *bridge->age > 1000000))
		return iov_host_fail(check->file, -EINVAL, PLACE("iovd.bridges[%u].age", index),
				     "%u, expected 10 to 1000000 seconds", *bridge->age);
	if (bridge->stations && (*bridge->stations < 16 || *bridge->stations > 1048576))
		return iov_host_fail(check->file, -EINVAL, PLACE("iovd.bridges[%u].stations", index),
				     "%u, expected 16 to 1048576", *bridge->stations);
	return 0;
}

static int check_bridge(const struct check *check, unsigned int index,
			const struct iov_host_bridge *bridge)
{
	static const char *const kinds[] = { "switch", "wire", NULL};
	struct iov_path name = iov_path("iovd.bridges[%u].name", index);
	int error = check_name(check, name.name, bridge->name);

	if (!error)
		error = check_once(check, name.name, "bridge name", bridge->name);
	if (!error)
		error = check_word(check, PLACE("iovd.bridges[%u].kind", index), bridge->kind,
				   kinds, "switch or wire");
	if (!error)
		error = check_switch(check, index, bridge);
	if (!error && bridge->kind && !strcmp(bridge->kind, "wire"))
		json_object_object_add(check->seen, PLACE("wire %s", bridge->name),
				       json_object_new_int(0));
	return error;
}

static int check_disk_size(const struct check *check, const char *where, const char *size)
{
	uint64_t bytes;

	if (!size || (size_parse(size, &bytes) && bytes && !(bytes % SECTOR) && bytes <= INT64_MAX))
		return 0;
	return fail_value(check, where, size, "a size such as 4096, 512M or 10G, a multiple of 512");
}

static int check_disk_source(const struct check *check, const char *at,
			     const struct iov_host_disk *disk)
{
	struct iov_path file = iov_path("%s.file", at), nbd = iov_path("%s.nbd", at);
	const bool is_written = !disk->read_only || !*disk->read_only;
	int error;

	if (!!disk->file + !!disk->nbd + !!disk->nvme + !!disk->memory + !!disk->null != 1)
		return iov_host_fail(check->file, -EINVAL, at,
				     "expected one of file, nbd, nvme, memory and null: where the "
				     "disk's data is");
	if (disk->file && *disk->file != '/')
		return fail_value(check, file.name, disk->file, "a full path");
	if (disk->nbd && strncmp(disk->nbd, "nbd://", 6) && strncmp(disk->nbd, "nbd+unix://", 11))
		return fail_value(check, nbd.name, disk->nbd,
				  "a URI that begins with nbd:// or nbd+unix://");
	error = check_disk_size(check, PLACE("%s.memory", at), disk->memory);
	if (!error)
		error = check_disk_size(check, PLACE("%s.null", at), disk->null);
	if (!error)
		error = check_disk_size(check, PLACE("%s.zone_size", at), disk->zone_size);
	if (!error && disk->zone_size && !disk->memory)
		error = fail_value(check, PLACE("%s.zone_size", at), disk->zone_size,
				   "a disk in memory to have it");
	/* Any number of disks may read it. */
	if (!error && disk->file && is_written)
		error = check_once(check, file.name, "writable file", disk->file);
	if (!error && disk->nbd && is_written)
		error = check_once(check, nbd.name, "writable export", disk->nbd);
	if (!error && disk->nvme)
		error = check_once(check, PLACE("%s.nvme", at), "NVMe namespace", disk->nvme);
	return error;
}

static int check_serial(const struct check *check, const char *where, const char *serial)
{
	size_t length = serial ? strlen(serial) : 0;
	bool printable = length <= HOST_SERIAL_MAX;

	for (size_t i = 0; printable && i < length; i++)
		printable = serial[i] > ' ' && serial[i] <= '~';
	return printable ? 0 : fail_value(check, where, serial,
					  "up to 20 letters, digits and signs");
}

static int check_disk(const struct check *check, unsigned int index,
		      const struct iov_host_disk *disk)
{
	static const char *const on_errors[] = { "report", "wait", NULL};
	struct iov_path at = iov_path("iovd.disks[%u]", index);
	int error = check_name(check, PLACE("%s.name", at.name), disk->name);

	if (!error)
		error = check_once(check, PLACE("%s.name", at.name), IOVD_NAME, disk->name);
	if (!error)
		error = check_socket(check, at.name, disk->socket, disk->server,
				     disk->socket_mode || disk->socket_owner);
	if (!error)
		error = check_disk_source(check, at.name, disk);
	if (!error)
		error = check_serial(check, PLACE("%s.serial", at.name), disk->serial);
	if (!error)
		error = check_range(check, PLACE("%s.queues", at.name), disk->queues, 1, 256);
	if (!error)
		error = check_word(check, PLACE("%s.on_error", at.name), disk->on_error, on_errors,
				   "report or wait");
	return error;
}

/* A group that somebody is in. */
static int check_member(const struct check *check, const char *where, const char *qos)
{
	if (!qos || json_object_object_get_ex(check->seen, PLACE("QoS group name %s", qos), NULL))
		return 0;
	return iov_host_fail(check->file, -EINVAL, where, "%s: no such QoS group; expected one of "
			     "iovd.qos", host_show(qos).text);
}

static int check_qos(const struct check *check, unsigned int index, const struct iov_host_qos *qos)
{
	struct iov_path at = iov_path("iovd.qos[%u]", index);
	struct iov_path name = iov_path("%s.name", at.name);
	int error = check_name(check, name.name, qos->name);

	if (!error && !strcmp(qos->name, "none"))
		error = fail_value(check, name.name, qos->name, "another name, as none is no group");
	if (!error)
		error = check_once(check, name.name, "QoS group name", qos->name);
	if (!error && qos->burst_ms && (!*qos->burst_ms || *qos->burst_ms > HOST_BURST_MS_MAX))
		error = iov_host_fail(check->file, -EINVAL, PLACE("%s.burst_ms", at.name),
				      "%" PRIu64 ", expected 1 to %d", *qos->burst_ms, HOST_BURST_MS_MAX);
	return error;
}

int check_iovd(const struct check *check, const struct iov_host_iovd *iovd)
{
	int error = 0;

	for (unsigned int i = 0; !error && i < iovd->qos_count; i++)
		error = check_qos(check, i, &iovd->qos[i]);
	for (unsigned int i = 0; !error && i < iovd->bridge_count; i++)
		error = check_bridge(check, i, &iovd->bridges[i]);
	for (unsigned int i = 0; !error && i < iovd->port_count; i++)
		error = check_port(check, i, &iovd->ports[i]);
	for (unsigned int i = 0; !error && i < iovd->port_count; i++)
		error = check_member(check, PLACE("iovd.ports[%u].rules.qos", i),
				     iovd->ports[i].rules ? iovd->ports[i].rules->qos : NULL);
	for (unsigned int i = 0; !error && i < iovd->disk_count; i++)
		error = check_disk(check, i, &iovd->disks[i]);
	for (unsigned int i = 0; !error && i < iovd->disk_count; i++)
		error = check_member(check, PLACE("iovd.disks[%u].qos", i), iovd->disks[i].qos);
	return error;
}
