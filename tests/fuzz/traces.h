/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who looks at the messages of port "p" while something is done with it, and others who want to. */
#ifndef IOV_TESTS_FUZZ_TRACES_H
#define IOV_TESTS_FUZZ_TRACES_H

/* By "port.trace" or "disk.trace"; nobody looks when nobody else is served any more. */
void traces_begin(const char *method);

/* What came by now are whole messages: how many of them tell of the port. */
unsigned int traces_end(void);

/* More than may look, and one who wants to twice; they leave without a word. */
void traces_too_often(const char *method);

#endif
