/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UTF-8, as RFC 3629 has it. */
#ifndef IOV_BASE_UTF8_H
#define IOV_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The bytes of the character that a text begins with, a NUL being one; 0 for what is none. */
static inline size_t utf8_at(const char *text, uint32_t *code)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *bytes = (const unsigned char *)text;
	size_t length = bytes[0] < 0x80 ? 1 : bytes[0] >> 5 == 6 ? 2 : bytes[0] >> 4 == 14 ? 3 :
			bytes[0] >> 3 == 30 ? 4 : 0;

	*code = length > 1 ? bytes[0] & (0x7fu >> length) : bytes[0];
	for (size_t i = 1; i < length; i++) {
		if (bytes[i] >> 6 != 2)
			return 0;
		*code = *code << 6 | (bytes[i] & 0x3f);
	}
	if (*code < least[length] || (*code >= 0xd800 && *code < 0xe000) || *code > 0x10ffff)
		return 0;
	return length;
}

/* Commands to a terminal: from U+0080 to U+009F there are CSI, OSC and others, in one sign. */
static inline bool utf8_is_control(uint32_t code)
{
	return code < ' ' || (code >= 0x7f && code < 0xa0);
}

#endif
