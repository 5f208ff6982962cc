// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The device's configuration space, for front ends that leave it to the back
 * end.  Devices see no request that reaches beyond it.
 */
#include <string.h>

#include "vhost-user/protocol/handlers.h"

/* Front ends read as much as their own idea of the device has. */
static enum vu_refusal check_range(struct vu_session *session, const struct vu_message *message,
				   uint32_t size)
{
	const struct vu_config *config = &message->payload.config;

	if (config->size > message->header.size - VU_CONFIG_HEADER)
		return vu_refuse(session, VU_REFUSED_SIZE,
				 "%u bytes of payload for %u bytes of configuration",
				 message->header.size, config->size);
	if ((uint64_t)config->offset + config->size > size)
		return vu_refuse(session, VU_REFUSED_VALUE,
				 "%u bytes at offset %u, expected a part of a configuration space "
				 "of %u bytes", config->size, config->offset, size);
	if (config->flags & ~VU_CONFIG_MIGRATION)
		return vu_refuse(session, VU_REFUSED_VALUE, "flags 0x%x, expected at most 0x%x",
				 config->flags, VU_CONFIG_MIGRATION);
	return VU_ACCEPTED;
}

/* What the device does not have reads as zero: its driver knows from the features. */
enum vu_refusal vu_handle_get_config(struct vu_session *session, struct vu_message *message)
{
	struct vu_config *config = &message->payload.config;
	enum vu_refusal refusal = check_range(session, message, VU_CONFIG_SPACE);
	uint8_t space[VU_CONFIG_SPACE] = { 0 };

	if (refusal)
		return refusal;
	session->device.ops->get_config(session->device.arg, space);
	memcpy(config->bytes, space + config->offset, config->size);
	return VU_ACCEPTED;
}

enum vu_refusal vu_handle_set_config(struct vu_session *session, struct vu_message *message)
{
	const struct vu_config *config = &message->payload.config;
	const struct vu_ops *ops = session->device.ops;
	enum vu_refusal refusal = check_range(session, message, session->device.config_size);

	if (refusal)
		return refusal;
	if (!ops->set_config ||
	    ops->set_config(session->device.arg, config->offset, config->bytes, config->size,
			    config->flags & VU_CONFIG_MIGRATION))
		return vu_refuse(session, VU_REFUSED_VALUE,
				 "%u bytes at offset %u of the configuration space cannot be "
				 "written", config->size, config->offset);
	return VU_ACCEPTED;
}
