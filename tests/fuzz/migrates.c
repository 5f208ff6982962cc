// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/fuzz/migrates.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/record.h"
#include "tests/fuzz/says.h"
#include "tests/unit/test.h"

#define PAGE 4096

/* The file that it is written to or read from; -1 when that is refused. */
static int ask_for_state(struct frontend *frontend, uint32_t direction)
{
	const struct vu_device_state request = {.direction = direction};
	uint64_t reply;
	int fd = -1;

	frontend_send(frontend, VU_SET_DEVICE_STATE_FD, 0, &request, sizeof(request),
		      &frontend->kick[0], 1);
	if (frontend_receive_fd(frontend, VU_SET_DEVICE_STATE_FD, &reply, sizeof(reply), &fd) < 0)
		return -1;
	return fd;
}

static void end_state(struct frontend *frontend, int fd)
{
	close(fd);
	frontend_send(frontend, VU_CHECK_DEVICE_STATE, 0, NULL, 0, NULL, 0);
	has_ended(frontend);
}

/* As devices write it, so that a state that is another one is not just garbled. */
static void sign_state(uint8_t *state, ssize_t length)
{
	uint64_t checksum;

	if (length < (ssize_t)sizeof(struct record_header))
		return;
	checksum = record_checksum(state, (size_t)length);
	memcpy(state + offsetof(struct record_header, checksum), &checksum, sizeof(checksum));
}

void migrates(struct frontend *frontend, struct fuzz_input *input)
{
	static uint8_t state[1 << 16];
	const uint32_t changes = fuzz_below(input, 8);
	ssize_t length = 0;
	int fd = ask_for_state(frontend, VU_STATE_SAVE);

	if (fd >= 0) {
		length = pread(fd, state, sizeof(state), 0);
		end_state(frontend, fd);
	}
	for (uint32_t i = 0; i < changes; i++) {
		uint32_t at = fuzz_below(input, 1024);

		state[at] = fuzz_u8(input);
	}
	if (!fuzz_one_in(input, 4))
		sign_state(state, length);
	fd = ask_for_state(frontend, VU_STATE_LOAD);
	if (fd >= 0) {
		assert_int_equal(write(fd, state, (size_t)length), length);
		end_state(frontend, fd);
	}
}

bool keeps_log_in(struct frontend *frontend, int *log)
{
	const struct vu_log area = {.size = (frontend->guest.gpa + frontend->guest.size) / PAGE / 8};
	int fd = memfd_create("log", MFD_CLOEXEC);
	uint64_t reply;
	bool is_there;

	*log = -1;
	assert_return_code(fd, errno);
	assert_return_code(ftruncate(fd, (off_t)area.size), errno);
	frontend_send(frontend, VU_SET_LOG_BASE, 0, &area, sizeof(area), &fd, 1);
	is_there = frontend_receive(frontend, VU_SET_LOG_BASE, &reply, sizeof(reply)) >= 0;
	frontend->features |= UINT64_C(1) << VU_F_LOG_ALL;
	if (is_there && !frontend_set(frontend, VU_SET_FEATURES, frontend->features))
		*log = fd;
	else
		close(fd);
	return is_there;
}

bool keeps_log(struct frontend *frontend)
{
	int log;

	if (keeps_log_in(frontend, &log) && log >= 0)
		close(log);
	return log >= 0;
}

void expect_logged(int log, uint64_t gpa, uint64_t length)
{
	for (uint64_t page = gpa / PAGE; page <= (gpa + length - 1) / PAGE; page++) {
		uint8_t byte;

		assert_int_equal(pread(log, &byte, 1, (off_t)(page / 8)), 1);
		assert_true(byte & 1u << page % 8);
	}
}

void listens_for_memory(struct frontend *frontend)
{
	int userfault = frontend_share_memory_early(frontend);

	assert_int_equal(frontend_set(frontend, VU_SET_MEM_TABLE, 0), 0);
	close(userfault);
}
