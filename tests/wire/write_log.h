/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel's dm-log-writes wrote down of a device: each write once it was stable, in the order
 * in which they became that, and marks of the test between them.
 */
#ifndef IOV_TESTS_WRITE_LOG_H
#define IOV_TESTS_WRITE_LOG_H

#include <stddef.h>
#include <stdint.h>

/* Mark what is stable by now in the log of @device, a path below /dev/mapper, with @mark. */
void write_log_mark(const char *device, unsigned int mark);

/*
 * Do to @image of @size bytes what @log, the device that has the log, says was done; at each mark
 * @at_mark sees what would be there if power had failed then.  Returns how many marks there were.
 */
unsigned int write_log_replay(const char *log, uint8_t *image, size_t size,
			      void (*at_mark)(unsigned int mark, const uint8_t *image));

#endif
