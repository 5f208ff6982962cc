// SPDX-License-Identifier: GPL-2.0-or-later
/* Lines of "key = value"; a command line comes last. */
#include "claims/config.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/near.h"
#include "base/sysroot/sysroot.h"
#include "base/table.h"
#include "claims/claims.h"
#include "claims/store.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

const char *const claims_action_names[CLAIMS_ACTIONS] = {
	[CLAIMS_LINK_DOWN] = "link-down",
	[CLAIMS_UNBIND] = "unbind",
	[CLAIMS_RESET] = "reset",
};

/* Of what is read: the settings, and where for messages, "/etc/iovkit/claims.conf:3: endpoints". */
struct reading {
	struct iov *iov;
	struct claims_config *config;
	const char *where;
};

bool claims_is_name(const char *text)
{
	size_t length = strspn(text, LETTERS "._-:@");

	/* "." and ".." are no names of anything. */
	return length && length < CLAIMS_NAME_SIZE && !text[length] && strspn(text, ".") != length;
}

static int refuse(const struct reading *reading, const char *value, const char *expected)
{
	return iov_fail(reading->iov, -EINVAL, "%s '%s': %s", reading->where, value, expected);
}

static int copy_text(const struct reading *reading, const char *value, char *text, size_t size)
{
	if (strlen(value) >= size)
		return refuse(reading, value, "too long");
	snprintf(text, size, "%s", value);
	return 0;
}

static int copy_path(const struct reading *reading, const char *value, char *text)
{
	return *value == '/' ? copy_text(reading, value, text, CLAIMS_PATH_SIZE) :
	       refuse(reading, value, "expected a path that begins with /");
}

static int copy_name(const struct reading *reading, const char *value, char *text)
{
	return claims_is_name(value) ? copy_text(reading, value, text, CLAIMS_NAME_SIZE) :
	       refuse(reading, value, CLAIMS_EXPECTED_NAME);
}

static int copy_seconds(const struct reading *reading, const char *value, unsigned int most,
			unsigned int *seconds)
{
	char *end;
	unsigned long number = strtoul(value, &end, 10);
	char expected[64];

	if (isdigit((unsigned char)*value) && !*end && number && number <= most) {
		*seconds = (unsigned int)number;
		return 0;
	}
	snprintf(expected, sizeof(expected), "expected seconds from 1 to %u", most);
	return refuse(reading, value, expected);
}

/* Scheme, host and port; a path, a query or a password there means something else than we do. */
static bool is_endpoint(const char *text)
{
	const char *rest = !strncmp(text, "https://", 8) ? text + 8 : !strncmp(text, "http://", 7) ? text + 7 :
			   NULL;

	return rest && *rest && strspn(rest, LETTERS ".-:[]%") == strlen(rest) &&
	       strlen(text) < CLAIMS_ENDPOINT_SIZE;
}

static int read_endpoints(const struct reading *reading, const char *value)
{
	struct claims_config *config = reading->config;
	_cleanup_free_ char *copy = strdup(value);
	char *rest = copy, *word;

	config->endpoint_count = 0;
	while (copy && (word = strsep(&rest, ", \t"))) {
		size_t length = strlen(word);

		if (!length)
			continue;
		if (word[length - 1] == '/')
			word[length - 1] = '\0';
		if (!is_endpoint(word))
			return refuse(reading, word, "expected URLs of etcd's members such as "
				      "https://10.0.0.1:2379, separated by commas");
		if (config->endpoint_count == CLAIMS_ENDPOINTS_MAX)
			return refuse(reading, word, "too many; a few members are enough");
		snprintf(config->endpoints[config->endpoint_count++], CLAIMS_ENDPOINT_SIZE, "%s", word);
	}
	return 0;
}

static int read_actions(const struct reading *reading, const char *value)
{
	struct claims_config *config = reading->config;
	_cleanup_free_ char *copy = strdup(value);
	enum claims_action actions[CLAIMS_ACTIONS] = { 0 };
	char *rest = copy, *word;
	size_t count = 0;

	while (copy && (word = strsep(&rest, ", \t"))) {
		size_t i = 0;

		if (!*word)
			continue;
		while (i < CLAIMS_ACTIONS && strcmp(claims_action_names[i], word))
			i++;
		if (i == CLAIMS_ACTIONS || count == CLAIMS_ACTIONS)
			return refuse(reading, word, "expected each of link-down, unbind and reset at most once, "
				      "in the order in which they shall be done");
		actions[count++] = (enum claims_action)i;
	}
	if (!count)
		return refuse(reading, value, "expected one of link-down, unbind and reset, or several");
	/* What is wrong leaves what a fence does as it was, which is done all the same. */
	memcpy(config->actions, actions, sizeof(actions));
	config->action_count = count;
	return 0;
}

static int read_password(const struct reading *reading, const char *value)
{
	_cleanup_free_ char *text = NULL;
	int error = *value == '/' ? iov_sys_read_all(reading->iov, value + 1, &text, NULL) : -EINVAL;

	if (error)
		return iov_told(reading->iov, error, "%s '%s': %s; expected a file with the password of etcd's "
				"user", reading->where, value, strerror(-error));
	text[strcspn(text, "\r\n")] = '\0';
	if (strlen(text) >= CLAIMS_PATH_SIZE)
		return iov_fail(reading->iov, -EINVAL, "%s '%s': the password is too long", reading->where, value);
	strcpy(reading->config->password, text);
	return 0;
}

static int read_prefix(const struct reading *reading, const char *value)
{
	size_t length = strlen(value);

	if (*value != '/' || value[length - 1] == '/' || strspn(value, LETTERS "._-/") != length)
		return refuse(reading, value, "expected what keys begin with, such as /iovkit");
	return copy_text(reading, value, reading->config->prefix, CLAIMS_NAME_SIZE);
}

static const char *const keys[] = {
	"endpoints", "ca", "certificate", "key", "user", "password-file", "prefix", "host", "holder", "ttl",
	"fence-time", "timeout", "fence", "stop-hook",
};

/* A key that there is; 1 for one that there is not. */
static int read_value(const struct reading *reading, const char *key, const char *value)
{
	struct claims_config *config = reading->config;

	if (!strcmp(key, "endpoints"))
		return read_endpoints(reading, value);
	if (!strcmp(key, "ca"))
		return copy_path(reading, value, config->ca);
	if (!strcmp(key, "certificate"))
		return copy_path(reading, value, config->certificate);
	if (!strcmp(key, "key"))
		return copy_path(reading, value, config->key);
	if (!strcmp(key, "user"))
		return copy_name(reading, value, config->user);
	if (!strcmp(key, "password-file"))
		return read_password(reading, value);
	if (!strcmp(key, "prefix"))
		return read_prefix(reading, value);
	if (!strcmp(key, "host"))
		return copy_name(reading, value, config->host);
	if (!strcmp(key, "holder"))
		return copy_name(reading, value, config->holder);
	if (!strcmp(key, "ttl"))
		return copy_seconds(reading, value, CLAIMS_TTL_MAX, &config->ttl);
	if (!strcmp(key, "fence-time"))
		return copy_seconds(reading, value, 3600, &config->fence_time);
	if (!strcmp(key, "timeout"))
		return copy_seconds(reading, value, 30, &config->timeout);
	if (!strcmp(key, "fence"))
		return read_actions(reading, value);
	if (!strcmp(key, "stop-hook"))
		return copy_path(reading, value, config->stop_hook);
	return 1;
}

static int refuse_key(struct iov *iov, unsigned int number, const char *key)
{
	struct iov_near near = { .text = key };

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		iov_near_look(&near, keys[i]);
	return iov_fail(iov, -EINVAL, "/" IOV_CLAIMS_CONFIG ":%u: '%s': no such key%s%s; iov-claim(1) lists them",
			number, key, near.word ? "; did you mean " : "", near.word ? near.word : "");
}

static char *trim(char *text)
{
	char *end;

	text += strspn(text, " \t\r");
	for (end = text + strlen(text); end > text && strchr(" \t\r", end[-1]);)
		*--end = '\0';
	return text;
}

static int read_line(struct iov *iov, struct claims_config *config, char *line, unsigned int number)
{
	struct reading reading = { .iov = iov, .config = config };
	char *equals = strchr(line, '='), *key = trim(line), *value;
	struct iov_path where;
	int error;

	if (!*key || *key == '#')
		return 0;
	if (!equals)
		return iov_fail(iov, -EINVAL, "/" IOV_CLAIMS_CONFIG ":%u: '%s': expected KEY = VALUE", number, key);
	*equals = '\0';
	key = trim(line);
	value = trim(equals + 1);
	where = iov_path("/" IOV_CLAIMS_CONFIG ":%u: %s", number, key);
	reading.where = where.name;
	if (!*value)
		return refuse(&reading, value, "expected a value");
	error = read_value(&reading, key, value);
	return error > 0 ? refuse_key(iov, number, key) : error;
}

static int read_file(struct iov *iov, struct claims_config *config)
{
	_cleanup_free_ char *text = NULL;
	size_t length;
	int error = iov_sys_read_all(iov, IOV_CLAIMS_CONFIG, &text, &length);
	unsigned int number = 0;
	char *rest = text, *line;

	if (error == -ENOENT)
		return 0;
	if (error)
		return iov_told(iov, error, "/" IOV_CLAIMS_CONFIG ": %s", strerror(-error));
	/* What a crash left of it would be no settings, and claims in a file that no other host sees. */
	if (strlen(text) != length)
		return iov_fail(iov, -EINVAL, "/" IOV_CLAIMS_CONFIG ": has a byte of zero, as a file that was not written "
				"to its end; write it anew");
	while (!error && (line = strsep(&rest, "\n")))
		error = read_line(iov, config, line, ++number);
	return error;
}

static int take(struct iov *iov, struct claims_config *config, const char *where, const char *key,
		const char *value)
{
	struct reading reading = { iov, config, where };

	return value ? read_value(&reading, key, value) : 0;
}

static int read_settings(struct iov *iov, struct claims_config *config,
			 const struct iov_claims_settings *settings)
{
	struct reading password = { iov, config, "password of etcd" };
	int error = take(iov, config, "--holder or IOV_HOLDER", "holder",
			     settings->holder);

	if (!error)
		error = take(iov, config, "--endpoints or IOV_ETCD_ENDPOINTS", "endpoints",
			     settings->endpoints);
	if (!error)
		error = take(iov, config, "--ca or IOV_ETCD_CA", "ca",
			     settings->ca);
	if (!error)
		error = take(iov, config, "--certificate or IOV_ETCD_CERTIFICATE", "certificate",
			     settings->certificate);
	if (!error)
		error = take(iov, config, "--key or IOV_ETCD_KEY", "key",
			     settings->key);
	if (!error)
		error = take(iov, config, "--user or IOV_ETCD_USER", "user",
			     settings->user);
	if (!error && settings->password)
		error = copy_text(&password, settings->password, config->password, sizeof(config->password));
	return error;
}

/* In a file of its own a host needs no name that tells it from others. */
static int name_host(struct iov *iov, struct claims_config *config)
{
	char name[256] = "";

	if (*config->host)
		return 0;
	if (iov_sys_is_host(iov))
		gethostname(name, sizeof(name) - 1);
	else
		iov_sys_read(iov, "etc/hostname", name, sizeof(name));
	if (claims_is_name(name) && strncmp(name, "localhost", 9) != 0)
		snprintf(config->host, sizeof(config->host), "%s", name);
	else if (config->endpoint_count)
		return iov_fail(iov, -EINVAL, "this host is called '%s', which tells it from no other; give it a "
				"name of its own, or 'host = NAME' in /" IOV_CLAIMS_CONFIG, name);
	else
		snprintf(config->host, sizeof(config->host), "localhost");
	return 0;
}

/* Who says how etcd is asked, and not where, would be told of claims that nobody else sees. */
static int check_etcd(struct iov *iov, const struct claims_config *config)
{
	const char *said = *config->ca ? "ca" : *config->certificate ? "certificate" : *config->key ? "key" :
			   *config->user ? "user" : NULL;

	if (!said || config->endpoint_count)
		return 0;
	return iov_fail(iov, -EINVAL, "'%s' is said of etcd, and not where that is; name its members with --endpoints, "
			"IOV_ETCD_ENDPOINTS or 'endpoints' of /" IOV_CLAIMS_CONFIG ", or leave it out", said);
}

/* What does not fit together. */
static int check(struct iov *iov, const struct claims_config *config)
{
	if (*config->certificate && !*config->key)
		return iov_fail(iov, -EINVAL, "certificate %s: expected its key as well", config->certificate);
	if (*config->user && !*config->password)
		return iov_fail(iov, -EINVAL, "etcd's user %s: expected a password: 'password-file = PATH' in /"
				IOV_CLAIMS_CONFIG ", or IOV_ETCD_PASSWORD", config->user);
	if (config->ttl < CLAIMS_TURNS * config->fence_time)
		return iov_fail(iov, -EINVAL, "/" IOV_CLAIMS_CONFIG ": ttl %u: expected at least %u, %u times fence-time",
				config->ttl, CLAIMS_TURNS * config->fence_time, CLAIMS_TURNS);
	return check_etcd(iov, config);
}

int claims_config_load(struct iov *iov, struct claims_config *config)
{
	const struct iov_claims_settings *settings = iov_table_entry(iov, CLAIMS_SETTINGS, 0);
	int error;

	*config = (struct claims_config){
		.prefix = "/iovkit", .ttl = 60, .fence_time = 10, .timeout = 5,
		.actions = { CLAIMS_RESET, CLAIMS_UNBIND }, .action_count = 2,
	};
	error = read_file(iov, config);
	if (!error && settings)
		error = read_settings(iov, config, settings);
	if (!error)
		error = check(iov, config);
	return error ? error : name_host(iov, config);
}
