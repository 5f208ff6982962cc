// SPDX-License-Identifier: GPL-2.0-or-later
/* What an uplink is asked and told; see uplink_device.c, uplink_receive.c and uplink_send.c. */
#include <errno.h>
#include <rte_errno.h>
#include <rte_vfio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mac.h"
#include "vhost-user/counter.h"
#include "vhost-user/switch/uplink_internal.h"

/* Devices of software behind which there is no NIC. */
static const char *const ends[] = { "net_tap", "net_tun", "net_null", "net_ring" };

int uplink_open(struct uplink **out, struct iov *iov, const struct uplink_options *options)
{
	struct uplink *uplink = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof(*uplink));
	int error;

	if (!uplink)
		return -ENOMEM;
	memset(uplink, 0, sizeof(*uplink));
	uplink->all_frames = -1;
	uplink->name = strdup(options->device);
	uplink->zero_copy = options->zero_copy;
	uplink->queues_wanted = options->queues;
	uplink->mtu_wanted = options->mtu;
	error = uplink->name ? uplink_device_open(uplink, iov) : -ENOMEM;
	if (error) {
		uplink_close(uplink);
		return error;
	}
	*out = uplink;
	return 0;
}

void uplink_close(struct uplink *uplink)
{
	if (!uplink)
		return;
	uplink_device_close(uplink);
	free(uplink->name);
	free(uplink);
}

unsigned int uplink_mtu_wanted(const struct uplink *uplink)
{
	return uplink->mtu_wanted;
}

bool uplink_is_zero_copy(const struct uplink *uplink)
{
	return uplink->zero_copy;
}

enum uplink_lending uplink_lending(const struct uplink *uplink)
{
	return uplink->lending;
}

void uplink_pause_lending(struct uplink *uplink, bool pause)
{
	__atomic_store_n(&uplink->lending_paused, pause, __ATOMIC_RELAXED);
}

int uplink_map(struct iov *iov, void *start, size_t size)
{
	uint64_t address = (uintptr_t)start;
	int error = rte_vfio_container_dma_map(RTE_VFIO_DEFAULT_CONTAINER_FD, address, address, size);

	if (error)
		return iov_told(iov, rte_errno ? -rte_errno : -EIO, "%zu MiB of guest memory cannot be "
				"mapped for a device: %s; is the limit of locked memory high enough "
				"(ulimit -l)?", size >> 20, strerror(rte_errno ? rte_errno : EIO));
	return 0;
}

void uplink_unmap(void *start, size_t size)
{
	uint64_t address = (uintptr_t)start;

	rte_vfio_container_dma_unmap(RTE_VFIO_DEFAULT_CONTAINER_FD, address, address, size);
}

static struct json_object *offloads_json(uint64_t offloads)
{
	struct json_object *names = json_object_new_array();

	for (; offloads; offloads &= offloads - 1)
		json_object_array_add(names, json_object_new_string(rte_eth_dev_tx_offload_name(
						     offloads & -offloads)));
	return names;
}

const char *uplink_device(const struct uplink *uplink)
{
	return uplink->name;
}

unsigned int uplink_queues(const struct uplink *uplink)
{
	return uplink->queue_count;
}

uint64_t uplink_frames(const struct uplink *uplink, unsigned int queue)
{
	return counter_get(&uplink->queues[queue].frames);
}

uint64_t uplink_lent(const struct uplink *uplink)
{
	return __atomic_load_n(&uplink->lent, __ATOMIC_RELAXED);
}

uint64_t uplink_recalls(const struct uplink *uplink)
{
	return uplink->recalls;
}

void uplink_steer(struct uplink *uplink, const struct uplink_flow *flows, unsigned int count)
{
	/* With one queue there is no choice. */
	if (uplink->queue_count < 2 || !uplink_is_open(uplink))
		return;
	if (!uplink->flows && flows_open(&uplink->flows, uplink->port))
		return;
	flows_set(uplink->flows, flows, count);
}

bool uplink_reflects(const struct uplink *uplink)
{
	return !device_is_one_of(uplink->name, ends, RTE_DIM(ends));
}

bool uplink_is_up(const struct uplink *uplink)
{
	struct rte_eth_link link = { 0 };

	if (!uplink_is_open(uplink))
		return false;
	if (uplink_interface(uplink))
		return interface_link_look(&uplink->interface) == UPLINK_LINK_UP;
	return !rte_eth_link_get_nowait(uplink->port, &link) && link.link_status;
}

const char *uplink_interface(const struct uplink *uplink)
{
	return *uplink->interface.name ? uplink->interface.name : NULL;
}

enum uplink_link uplink_look(struct uplink *uplink)
{
	enum uplink_link link = interface_link_look(&uplink->interface);

	if (uplink_is_open(uplink)) {
		uplink_find_mtu(uplink);
		uplink_follow_mtu(uplink);
	}
	__atomic_store_n(&uplink->is_down, link != UPLINK_LINK_UP || !uplink_is_open(uplink),
			 __ATOMIC_RELAXED);
	return link;
}

bool uplink_is_open(const struct uplink *uplink)
{
	return uplink->device && uplink->started;
}

/* That of net_af_xdp has to be up when it is opened, so what it has leaves late. */
bool uplink_queues_late(const struct uplink *uplink)
{
	return uplink->ring.count;
}

bool uplink_takes(const struct uplink *uplink)
{
	return !__atomic_load_n(&uplink->is_down, __ATOMIC_RELAXED);
}

void uplink_describe(const struct uplink *uplink, struct json_object *object)
{
	struct rte_eth_dev_info info;
	struct rte_ether_addr mac;
	struct rte_eth_link link = { 0 };
	char text[IOV_MAC_TEXT];

	json_add_text(object, "device", uplink->name);
	if (uplink_is_open(uplink) && !rte_eth_dev_info_get(uplink->port, &info))
		json_add_text(object, "driver", info.driver_name);
	if (uplink_is_open(uplink) && !rte_eth_macaddr_get(uplink->port, &mac)) {
		iov_mac_format(mac.addr_bytes, text);
		json_add_text(object, "mac", text);
	}
	if (uplink_interface(uplink) || !rte_eth_link_get_nowait(uplink->port, &link))
		json_add_text(object, "state", uplink_is_up(uplink) ? "up" : "down");
	json_object_object_add(object, "mtu", json_object_new_int(uplink_mtu(uplink)));
	if (uplink_excess_mtu(uplink))
		json_object_object_add(object, "interface_mtu",
				       json_object_new_int((int)uplink_excess_mtu(uplink)));
	if (uplink->mtu_wanted)
		json_object_object_add(object, "wanted_mtu",
				       json_object_new_int((int)uplink->mtu_wanted));
	json_object_object_add(object, "queues", json_object_new_int(uplink->queue_count));
	json_object_object_add(object, "flow_rules",
			       json_object_new_int((int)flows_count(uplink->flows)));
	json_object_object_add(object, "zero_copy",
			       json_object_new_boolean(uplink->zero_copy));
	json_object_object_add(object, "lent_frames",
			       json_object_new_uint64(uplink_lent(uplink)));
	json_object_object_add(object, "recalls", json_object_new_uint64(uplink->recalls));
	json_object_object_add(object, "offloads", offloads_json(uplink->tx_offloads));
}
