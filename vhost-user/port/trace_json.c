// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-user/port/trace_json.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/json.h"
#include "base/mac.h"

static const char *const kinds[] = {
	[VU_TRACE_REQUEST] = "request",
	[VU_TRACE_REPLY] = "reply",
	[VU_TRACE_EVENT] = "event",
};

static const char *const events[VU_TRACE_EVENTS] = {
	[VU_TRACE_CONNECTED] = "connected",
	[VU_TRACE_REFUSED] = "refused",
	[VU_TRACE_ENDED] = "ended",
	[VU_TRACE_REMOVED] = "removed",
};

/* Addresses and bits need all 64, which readers of JSON do not all have. */
static void add_hex(struct json_object *object, const char *key, uint64_t value)
{
	char text[sizeof("0x") + 16];

	snprintf(text, sizeof(text), "0x%" PRIx64, value);
	json_add_text(object, key, text);
}

static void add_number(struct json_object *object, const char *key, uint64_t value)
{
	json_object_object_add(object, key, json_object_new_uint64(value));
}

static const char *feature_name(const struct port_type *type, unsigned int bit)
{
	if (bit == VU_F_LOG_ALL)
		return "log-all";
	if (bit == VU_F_PROTOCOL_FEATURES)
		return "protocol-features";
	return front_end_feature_name(type, bit);
}

/* @type: NULL for those of the protocol */
static void add_features(struct json_object *object, const struct port_type *type, uint64_t features)
{
	struct json_object *names = json_object_new_array();
	char text[16];

	add_hex(object, "features", features);
	for (unsigned int bit = 0; bit < 64; bit++) {
		const char *name;

		if (!(features & VU_BIT(bit)))
			continue;
		name = type ? feature_name(type, bit) : vu_protocol_feature_name(bit);
		snprintf(text, sizeof(text), "bit-%u", bit);
		json_object_array_add(names, json_object_new_string(name ? name : text));
	}
	json_object_object_add(object, "names", names);
}

static struct json_object *region_json(const struct vu_mem_region *region)
{
	struct json_object *object = json_object_new_object();

	add_hex(object, "gpa", region->gpa);
	add_hex(object, "size", region->size);
	add_hex(object, "uva", region->uva);
	add_hex(object, "offset", region->offset);
	return object;
}

/* Those that came, whatever it says of their number. */
static void add_table(struct json_object *object, const struct vu_trace_record *record)
{
	const struct vu_mem_table *table = &record->payload.mem_table;
	struct json_object *regions = json_object_new_array();
	size_t came = (record->kept - offsetof(struct vu_mem_table, regions)) / sizeof(*table->regions);

	add_number(object, "count", table->count);
	for (size_t i = 0; i < came && i < table->count; i++)
		json_object_array_add(regions, region_json(&table->regions[i]));
	json_object_object_add(object, "regions", regions);
}

static void add_addresses(struct json_object *object, const struct vu_vring_addr *addr)
{
	add_number(object, "index", addr->index);
	add_hex(object, "flags", addr->flags);
	add_hex(object, "desc", addr->desc);
	add_hex(object, "used", addr->used);
	add_hex(object, "avail", addr->avail);
	add_hex(object, "log", addr->log);
}

static void add_vring_fd(struct json_object *object, uint64_t value)
{
	add_number(object, "index", value & VU_VRING_INDEX_MASK);
	json_object_object_add(object, "nofd", json_object_new_boolean(!!(value & VU_VRING_NOFD)));
	if (value & ~(uint64_t)(VU_VRING_INDEX_MASK | VU_VRING_NOFD))
		add_hex(object, "value", value);
}

static void add_translation(struct json_object *object, const struct vu_iotlb *iotlb)
{
	static const char *const types[] = {
		[VU_IOTLB_MISS] = "miss",
		[VU_IOTLB_UPDATE] = "update",
		[VU_IOTLB_INVALIDATE] = "invalidate",
		[VU_IOTLB_ACCESS_FAIL] = "access-fail",
	};
	bool known = iotlb->type < sizeof(types) / sizeof(*types) && types[iotlb->type];
	char text[16];

	snprintf(text, sizeof(text), "type-%u", iotlb->type);
	json_add_text(object, "type", known ? types[iotlb->type] : text);
	add_hex(object, "iova", iotlb->iova);
	add_hex(object, "size", iotlb->size);
	add_hex(object, "uva", iotlb->uva);
	add_number(object, "perm", iotlb->perm);
}

static void add_config(struct json_object *object, const struct vu_config *config)
{
	add_number(object, "offset", config->offset);
	add_number(object, "size", config->size);
	add_hex(object, "flags", config->flags);
}

static void add_inflight(struct json_object *object, const struct vu_inflight_area *area)
{
	add_hex(object, "size", area->size);
	add_hex(object, "offset", area->offset);
	add_number(object, "queues", area->queues);
	add_number(object, "entries", area->entries);
}

static void add_mac(struct json_object *object, const uint8_t *bytes)
{
	char text[IOV_MAC_TEXT];

	iov_mac_format(bytes, text);
	json_add_text(object, "mac", text);
}

static struct json_object *payload_json(const struct port_type *type,
					const struct vu_trace_record *record)
{
	struct json_object *object = json_object_new_object();

	switch (record->shape) {
	case VU_SHAPE_U64:
		add_number(object, "value", record->payload.u64);
		break;
	case VU_SHAPE_RESULT:
		add_number(object, "result", record->payload.u64);
		break;
	case VU_SHAPE_FEATURES:
		add_features(object, type, record->payload.u64);
		break;
	case VU_SHAPE_PROTOCOL_FEATURES:
		add_features(object, NULL, record->payload.u64);
		break;
	case VU_SHAPE_STATE:
		add_number(object, "index", record->payload.state.index);
		add_number(object, "num", record->payload.state.num);
		break;
	case VU_SHAPE_ADDR:
		add_addresses(object, &record->payload.addr);
		break;
	case VU_SHAPE_VRING_FD:
		add_vring_fd(object, record->payload.u64);
		break;
	case VU_SHAPE_MEM_TABLE:
		add_table(object, record);
		break;
	case VU_SHAPE_MEM_SLOT:
		json_object_put(object);
		object = region_json(&record->payload.mem_slot.region);
		break;
	case VU_SHAPE_LOG:
		add_hex(object, "size", record->payload.log.size);
		add_hex(object, "offset", record->payload.log.offset);
		break;
	case VU_SHAPE_IOTLB:
		add_translation(object, &record->payload.iotlb);
		break;
	case VU_SHAPE_CONFIG:
		add_config(object, &record->payload.config);
		break;
	case VU_SHAPE_INFLIGHT:
		add_inflight(object, &record->payload.inflight);
		break;
	case VU_SHAPE_DEVICE_STATE:
		add_number(object, "direction", record->payload.device_state.direction);
		add_number(object, "phase", record->payload.device_state.phase);
		break;
	case VU_SHAPE_MAC:
		add_mac(object, record->payload.bytes);
		break;
	case VU_SHAPE_NONE:
	case VU_SHAPES:
		break;
	}
	return object;
}

static void add_event(struct json_object *object, const struct vu_trace_record *record)
{
	json_add_text(object, "event", events[record->event]);
	if (record->refusal)
		json_add_text(object, "reason", vu_refusal_name(record->refusal));
	if (*record->payload.text)
		json_add_text(object, "text", record->payload.text);
}

static void add_message(struct json_object *object, const struct port_type *type,
			const struct vu_trace_record *record)
{
	const struct vu_header *header = &record->header;
	const char *name = record->is_channel ? vu_backend_request_name(header->request)
					      : vu_request_name(header->request);

	json_add_text(object, "from", record->by_front_end ? "front-end" : "back-end");
	json_add_text(object, "channel", record->is_channel ? "back-end" : "main");
	json_add_text(object, "request", name);
	add_number(object, "code", header->request);
	add_hex(object, "flags", header->flags);
	json_object_object_add(object, "need_reply",
			       json_object_new_boolean(!!(header->flags & VU_FLAG_NEED_REPLY)));
	add_number(object, "size", header->size);
	add_number(object, "fds", record->fds);
	if (record->shape)
		json_object_object_add(object, "payload", payload_json(type, record));
}

struct json_object *trace_json(const char *name, const struct port_type *type,
			       const struct vu_trace_record *record)
{
	struct json_object *object = json_object_new_object();

	json_add_text(object, "port", name);
	add_number(object, "time_ns", record->time_ns);
	add_number(object, "dropped", record->dropped);
	json_add_text(object, "kind", kinds[record->kind]);
	if (record->kind == VU_TRACE_EVENT)
		add_event(object, record);
	else
		add_message(object, type, record);
	return object;
}
