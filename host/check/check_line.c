// SPDX-License-Identifier: GPL-2.0-or-later
/* What all checks use: their lines, and words of what they read. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "host/check/check_internal.h"

static const char *const status_names[] = { "ok", "warn", "fail", "skip" };

static struct json_object *sentence(const char *format, va_list args)
{
	char text[1024];

	vsnprintf(text, sizeof(text), format, args);
	return json_object_new_string(text);
}

void check_line(struct checks *checks, const char *name, enum check_status status,
		const char *found, ...)
{
	struct json_object *line = json_object_new_object();
	va_list args;

	va_start(args, found);
	json_object_object_add(line, "check", json_object_new_string(name));
	json_object_object_add(line, "device", NULL);
	json_object_object_add(line, "status", json_object_new_string(status_names[status]));
	json_object_object_add(line, "found", sentence(found, args));
	json_object_object_add(line, "evidence", json_object_new_array());
	json_object_object_add(line, "remedy", NULL);
	json_object_array_add(checks->lines, line);
	checks->line = line;
	va_end(args);
}

void check_evidence(struct checks *checks, const char *path, const char *value, ...)
{
	struct json_object *evidence = json_object_new_object();
	va_list args;

	va_start(args, value);
	json_object_object_add(evidence, "path", json_object_new_string(path));
	json_object_object_add(evidence, "value", sentence(value, args));
	json_object_array_add(json_object_object_get(checks->line, "evidence"), evidence);
	va_end(args);
}

void check_remedy(struct checks *checks, const char *remedy, ...)
{
	va_list args;

	va_start(args, remedy);
	json_object_object_add(checks->line, "remedy", sentence(remedy, args));
	va_end(args);
}

bool check_reason(struct checks *checks, const struct check_function *function, const char *kind,
		  const char *name)
{
	const struct iov_reason *reason = iov_verdict_find(&function->verdict, kind);

	if (!reason)
		return false;
	check_line(checks, name, reason->severity == IOV_REASON_BLOCKS ? CHECK_FAIL : CHECK_WARN,
		   "%s", reason->sentence);
	check_remedy(checks, "%s", reason->remedy);
	return true;
}

const char *check_unread(int error)
{
	switch (error) {
	case -EHOSTDOWN:
		return "it sleeps and was left asleep";
	case -ENXIO:
		return "it does not answer";
	case -ETIMEDOUT:
		return "the kernel does not let it be read, as it is being reset, or hangs in that";
	default:
		return "only root may read its capabilities";
	}
}

const char *check_hidden(const struct check_function *function)
{
	return check_unread(function->config_error);
}

void check_about(struct checks *checks, const char *device)
{
	json_object_object_add(checks->line, "device", json_object_new_string(device));
}

static bool same_key(const char *word, size_t length, const char *key)
{
	size_t i;

	for (i = 0; i < length && key[i]; i++) {
		char a = word[i] == '-' ? '_' : word[i], b = key[i] == '-' ? '_' : key[i];

		if (a != b)
			return false;
	}
	return i == length && !key[i];
}

static bool list_has(const char *list, size_t length, const char *value)
{
	size_t wanted = strlen(value);

	for (size_t at = 0; at < length; at++) {
		size_t item = strcspn(list + at, ", \t\n");

		if (item == wanted && !strncmp(list + at, value, item))
			return true;
		at += item;
	}
	return false;
}

/* The next parameter named @key at or after @at: where its value begins, NULL for none. */
static const char *next_value(const char **at, const char *key, size_t *length)
{
	while (**at) {
		size_t word = strcspn(*at, " \t\n"), name = strcspn(*at, "= \t\n");
		const char *begin = *at;

		*at += word + (begin[word] != '\0');
		if (!same_key(begin, name, key))
			continue;
		*length = word > name ? word - name - 1 : 0;
		return begin + (word > name ? name + 1 : name);
	}
	return NULL;
}

bool check_cmdline_has(const struct checks *checks, const char *key, const char *value)
{
	const char *at = checks->cmdline, *found;
	size_t length;

	while ((found = next_value(&at, key, &length))) {
		if (!value || list_has(found, length, value))
			return true;
	}
	return false;
}

bool check_cmdline_value(const struct checks *checks, const char *key, char *value, size_t size)
{
	const char *at = checks->cmdline, *found;
	size_t length;

	found = next_value(&at, key, &length);
	if (found)
		snprintf(value, size, "%.*s", (int)length, found);
	return found != NULL;
}

bool check_has_word(const char *text, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = text; (at = strstr(at, word)); at += length) {
		if ((at == text || strchr(" \t\n", at[-1])) &&
		    (!at[length] || strchr(" \t\n", at[length])))
			return true;
	}
	return false;
}

bool check_log_has(const struct checks *checks, const char *text)
{
	return strstr(checks->log, text) != NULL;
}

int check_parameter(const struct checks *checks, const char *module, const char *name)
{
	struct iov_path path = iov_path(IOV_PATH_MODULES "/%s/parameters/%s", module, name);
	char value[16];

	if (iov_sys_read(checks->iov, path.name, value, sizeof(value)))
		return -1;
	return *value == 'Y' || *value == '1';
}

struct check_size check_size(uint64_t bytes)
{
	static const char units[] = "KMGT";
	struct check_size size;
	size_t unit = 0;

	bytes >>= 10;
	while (bytes >= 1024 && bytes % 1024 == 0 && units[unit + 1])
		bytes >>= 10, unit++;
	while (bytes >= 64 * 1024 && units[unit + 1])
		bytes >>= 10, unit++;
	snprintf(size.text, sizeof(size.text), "%llu %ciB", (unsigned long long)bytes,
		 units[unit]);
	return size;
}

struct check_names check_names(struct json_object *names)
{
	size_t count = json_object_array_length(names), length = 0, i;
	struct check_names list = { "" };

	for (i = 0; i < count && length < sizeof(list.text) - 64; i++)
		length += (size_t)snprintf(list.text + length, sizeof(list.text) - length, "%s%s",
					   i ? ", " : "", json_object_get_string(
						   json_object_array_get_idx(names, i)));
	if (i < count && length < sizeof(list.text))
		snprintf(list.text + length, sizeof(list.text) - length, " and %zu more",
			 count - i);
	return list;
}

size_t iov_check_failures(struct json_object *checks)
{
	size_t failures = 0;

	for (size_t i = 0; i < json_object_array_length(checks); i++) {
		struct json_object *line = json_object_array_get_idx(checks, i);

		failures += !strcmp(json_text_or_null(line, "status"),
				    status_names[CHECK_FAIL]);
	}
	return failures;
}
