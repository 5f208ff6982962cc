// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/wire/command.h"

#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>

#include "tests/unit/test.h"

/* Not an acknowledgement: what is there before one. */
#define NO_ANSWER 0xa5

uint8_t *command_add(struct frontend *frontend, unsigned int ring, uint8_t class, uint8_t id,
		     const void *data, uint32_t length)
{
	struct guest *guest = &frontend->guest;
	struct driver_buffer parts[] = {
		{ guest_alloc(guest, 2, 1), 2, false },
		{ guest_alloc(guest, length + 1, 1), length, false },
		{ guest_alloc(guest, 1, 1), 1, true },
	};
	uint8_t *ack = guest_at(guest, parts[2].gpa);

	memcpy(guest_at(guest, parts[0].gpa), (uint8_t[]){ class, id }, 2);
	memcpy(guest_at(guest, parts[1].gpa), data, length);
	*ack = NO_ANSWER;
	assert_true(driver_add(&frontend->rings[ring], parts, 3) >= 0);
	if (driver_publish(&frontend->rings[ring]))
		eventfd_write(frontend->kick[ring], 1);
	return ack;
}

void command_wait(struct frontend *frontend, unsigned int ring)
{
	struct vring_used_elem done;

	for (int tries = 0; tries < 20000; tries++) {
		if (driver_used(&frontend->rings[ring], &done)) {
			assert_int_equal(done.len, 1);
			return;
		}
		poll(NULL, 0, 1);
	}
	fail_msg("the command is not carried out");
}

uint8_t command_send(struct frontend *frontend, unsigned int ring, uint8_t class, uint8_t id,
		     const void *data, uint32_t length)
{
	const uint8_t *ack = command_add(frontend, ring, class, id, data, length);

	command_wait(frontend, ring);
	return *ack;
}
