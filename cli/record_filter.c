// SPDX-License-Identifier: GPL-2.0-or-later
/* Of files that say more than iovkit reads, the part that it does. */
#include <string.h>

#include "cli/record.h"

/* Keep the lines that a function wants. */
static void keep_lines(char *text, bool (*is_wanted)(const char *line, void *argument), void *argument)
{
	char *to = text, *line, *rest = text;

	while ((line = strsep(&rest, "\n"))) {
		const size_t length = strlen(line);
		const bool wanted = (rest || length) && is_wanted(line, argument);

		if (!wanted)
			continue;
		memmove(to, line, length);
		to += length;
		/* What had no end gets none, as there is no room for it. */
		if (rest)
			*to++ = '\n';
	}
	*to = '\0';
}

/* "26 1 259:1 / /mnt rw - ext4 /dev/nvme0n1p1 rw" */
static bool is_of_block(const char *line, void *argument)
{
	char device[32];

	(void)argument;
	return sscanf(line, "%*s %*s %31s", device) == 1 &&
	       (strncmp(device, "0:", 2) != 0 || strstr(line, " - btrfs ") ||
		strstr(line, " - virtiofs ") || strstr(line, " - 9p "));
}

void record_filter_mounts(char *text)
{
	keep_lines(text, is_of_block, NULL);
}

static bool is_of_cpu(const char *line, void *argument)
{
	static const char *const keys[] = { "vendor_id", "flags", "vmx flags", "CPU implementer",
					    "Features" };
	bool *is_over = argument;
	const size_t length = strcspn(line, "\t:");

	*is_over |= !*line;
	for (size_t i = 0; !*is_over && i < sizeof(keys) / sizeof(*keys); i++) {
		if (length == strlen(keys[i]) && !strncmp(line, keys[i], length))
			return true;
	}
	return false;
}

void record_filter_cpus(char *text)
{
	bool is_over = false;

	keep_lines(text, is_of_cpu, &is_over);
}

void record_filter_command_line(char *text)
{
	static const char *const parts[] = { "iommu", "intremap", "pci", "vfio", "apic", "kvm",
					     "hugepage" };
	char *to = text, *word, *rest = text;

	while ((word = strsep(&rest, " \n"))) {
		const size_t length = strlen(word);
		bool is_wanted = false;

		for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
			is_wanted |= strstr(word, parts[i]) != NULL;
		if (!is_wanted)
			continue;
		if (to > text)
			*to++ = ' ';
		memmove(to, word, length);
		to += length;
	}
	*to = '\0';
}

/* A module as its tables call it */
static bool is_member(struct json_object *set, const char *name, size_t length)
{
	char key[128];

	snprintf(key, sizeof(key), "%.*s", (int)length, name);
	for (char *dash = key; (dash = strchr(dash, '-'));)
		*dash = '_';
	return json_object_object_get_ex(set, key, NULL);
}

/* "alias pci:v00008086d000010C9sv*sd*bc*sc*i* igb" */
static bool is_alias(const char *line, void *argument)
{
	const char *last = strrchr(line, ' ');

	return !strncmp(line, "alias pci:", strlen("alias pci:")) && last &&
	       is_member(argument, last + 1, strlen(last + 1));
}

void record_filter_aliases(char *text, struct json_object *wanted)
{
	keep_lines(text, is_alias, wanted);
}

/* "kernel/drivers/watchdog/iTCO_wdt.ko.xz: kernel/..." */
static bool is_watchdog(const char *line, void *argument)
{
	static const char folder[] = "/drivers/watchdog/";
	const char *at = strstr(line, folder);
	char key[128];

	if (!at)
		return false;
	at += strlen(folder);
	snprintf(key, sizeof(key), "%.*s", (int)strcspn(at, "./"), at);
	for (char *dash = key; (dash = strchr(dash, '-'));)
		*dash = '_';
	json_object_object_add(argument, key, NULL);
	return true;
}

void record_filter_watchdogs(char *text, struct json_object *wanted)
{
	keep_lines(text, is_watchdog, wanted);
}

size_t record_filter_builtin(char *text, size_t length)
{
	char *to = text;

	for (char *record = text; record < text + length;) {
		const size_t size = strnlen(record, (size_t)(text + length - record)) + 1;

		if (strstr(record, ".alias=pci:")) {
			memmove(to, record, size);
			to += size;
		}
		record += size;
	}
	*to = '\0';
	return (size_t)(to - text);
}

/* Options with which monitors are told what a guest is called; the value is the next word. */
static bool is_name_option(const char *word)
{
	return !strcmp(word, "-name") || !strcmp(word, "--name") || !strcmp(word, "-n") ||
	       !strcmp(word, "--id");
}

size_t record_filter_guest(char *text, size_t length)
{
	char *to = text, *end = text + length, *next;

	for (char *word = text; word < end; word = next) {
		const size_t size = strlen(word) + 1;

		next = word + size;
		if (word > text && is_name_option(word) && next < end) {
			const size_t both = size + strlen(next) + 1;

			memmove(to, word, both);
			return (size_t)(to + both - text);
		}
		if (word == text)
			to += size;
	}
	return (size_t)(to - text);
}
