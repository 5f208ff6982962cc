// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Claims: what etcd answers and what others answer in its place, by a server that is played; the file
 * of a host; when a claim is renewed and fenced; settings.
 */
#include "tests/unit/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/context.h"
#include "base/json.h"
#include "base/sysroot/sysroot.h"
#include "claims/claims.h"
#include "claims/etcd_answer.h"
#include "claims/fence.h"
#include "claims/gateway.h"
#include "claims/keep.h"
#include "claims/record.h"
#include "claims/store.h"
#include "base/guard/guard.h"
#include "base/guard/holder.h"
#include "base/plan/plan.h"
#include "plugins/mdev/mdev.h"
#include "plugins/plugins.h"
#include "plugins/vdpa/vdpa.h"
#include "tests/unit/said.h"
#include "tests/unit/tree.h"

#define VF "0000:01:10.2"
#define VF_PATH "sys/devices/pci0000:00/0000:00:01.0/" VF

static char *tree;
static struct iov *iov;
static struct iov_claims_settings settings;

static void look_again(const char *holder)
{
	struct iov_options options = { .root = tree };

	iov_close(iov);
	settings = (struct iov_claims_settings){ .holder = holder };
	assert_int_equal(iov_open(&iov, &options), 0);
	assert_int_equal(iov_claims_register(iov, &settings), 0);
}

static int setup(void **state)
{
	(void)state;
	tree = tree_of_host("default");
	iov = NULL;
	tree_file(tree, "proc/sys/kernel/random/boot_id", "11111111-2222-3333-4444-555555555555\n");
	tree_file(tree, "etc/hostname", "h1\n");
	look_again("vm1");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	iov_close(iov);
	tree_remove(tree);
	return 0;
}

/* Times. */

static void a_claim_is_renewed_before_it_is_fenced(void **state)
{
	struct keep_times times = { .fence = 10000 };
	int64_t wake;

	(void)state;
	keep_renewed(&times, 1000, 61000, 60);
	assert_int_equal(keep_next(&times, 1000, &wake), KEEP_WAIT);
	assert_int_equal(wake, 21000);
	assert_int_equal(keep_next(&times, 21000, &wake), KEEP_RENEW);
	keep_failed(&times, 21000);
	assert_int_equal(keep_next(&times, 21999, &wake), KEEP_WAIT);
	assert_int_equal(keep_next(&times, 22000, &wake), KEEP_RENEW);
	keep_failed(&times, 50900);
	assert_int_equal(keep_next(&times, 50901, &wake), KEEP_WAIT);
	assert_int_equal(wake, 51000);
	assert_int_equal(keep_next(&times, 51000, &wake), KEEP_FENCE);
	/* A machine that slept wakes up late. */
	assert_int_equal(keep_next(&times, 900000, &wake), KEEP_FENCE);
}

/* Answers. */

static struct json_object *parsed(const char *text)
{
	struct json_object *answer = etcd_parse(text, strlen(text));

	assert_non_null(answer);
	return answer;
}

static void numbers_are_texts_and_zero_is_absent(void **state)
{
	_cleanup_json_ struct json_object *won = parsed("{\"header\":{\"revision\":\"7\"},\"succeeded\":true}");
	_cleanup_json_ struct json_object *lost = parsed("{\"header\":{\"revision\":8}}");
	_cleanup_json_ struct json_object *alive = parsed("{\"result\":{\"ID\":\"5\",\"TTL\":\"60\"}}\n{\"result\":{}}");
	_cleanup_json_ struct json_object *dead = parsed("{\"result\":{\"ID\":\"5\"}}");
	_cleanup_json_ struct json_object *other = parsed("{\"result\":{\"ID\":\"6\",\"TTL\":\"60\"}}");
	_cleanup_json_ struct json_object *grant = parsed("{\"ID\":\"7587848390\",\"TTL\":\"30\"}");
	bool succeeded;
	int64_t number;
	unsigned int ttl;

	(void)state;
	assert_true(etcd_read_txn(won, &succeeded, &number));
	assert_true(succeeded);
	assert_int_equal(number, 7);
	assert_true(etcd_read_txn(lost, &succeeded, &number));
	assert_false(succeeded);
	assert_true(etcd_read_keepalive(alive, 5, &ttl));
	assert_int_equal(ttl, 60);
	assert_true(etcd_read_keepalive(dead, 5, &ttl));
	assert_int_equal(ttl, 0);
	assert_false(etcd_read_keepalive(other, 5, &ttl));
	assert_true(etcd_read_grant(grant, &number, &ttl));
	assert_int_equal(number, 7587848390);
}

static void what_is_no_answer_is_refused(void **state)
{
	static const char *const wrong[] = {
		"{\"header\":{\"revision\":\"x\"},\"succeeded\":true}", "{\"header\":{\"revision\":\"\"}}",
		"{\"header\":{\"revision\":\"99999999999999999999\"}}", "{\"header\":{\"revision\":99999999999999999999}}",
		"{\"header\":{\"revision\":[1]}}", "{\"header\":[]}", "{\"header\":null}", "{}",
		"{\"header\":{\"revision\":\"7\"},\"succeeded\":\"true\"}", "{\"header\":{\"revision\":\"-7\"}}",
		"{\"header\":{\"revision\":1.5}}", "{\"header\":{\"revision\":\"1 \"}}",
	};
	bool succeeded;
	int64_t number;

	(void)state;
	assert_null(etcd_parse("", 0));
	assert_null(etcd_parse(NULL, 0));
	assert_null(etcd_parse("{\"header\":", 10));
	assert_null(etcd_parse("[]", 2));
	assert_null(etcd_parse("<html>", 6));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		_cleanup_json_ struct json_object *answer = parsed(wrong[i]);

		if (etcd_read_txn(answer, &succeeded, &number))
			fail_msg("taken for a transaction: %s", wrong[i]);
	}
}

/* A range with one key. */
static int read_key(const char *key, const char *value, const char *revision, struct etcd_key *out)
{
	char text[16384];
	_cleanup_json_ struct json_object *range = NULL;

	snprintf(text, sizeof(text), "{\"kvs\":[{\"key\":%s,\"value\":%s,\"mod_revision\":%s,\"lease\":\"9\"}]}", key, value,
		 revision);
	range = etcd_parse(text, strlen(text));
	return etcd_read_key(range, 0, "/iovkit/claims/", out);
}

static void keys_are_of_claims_and_values_of_anybody(void **state)
{
	_cleanup_free_ char *key = etcd_bytes("/iovkit/claims/h1/slot=1"), *other = etcd_bytes("/other/h1/slot=1");
	char quoted[256], foreign[256], big[12000];
	struct etcd_key found;

	(void)state;
	snprintf(quoted, sizeof(quoted), "\"%s\"", key);
	snprintf(foreign, sizeof(foreign), "\"%s\"", other);
	assert_int_equal(read_key(quoted, "\"eA==\"", "\"3\"", &found), 1);
	assert_string_equal(found.name, "h1/slot=1");
	assert_string_equal(found.value, "x");
	assert_int_equal(found.lease, 9);
	assert_int_equal(read_key(foreign, "\"eA==\"", "\"3\"", &found), -1);
	assert_int_equal(read_key("\"%%%\"", "\"eA==\"", "\"3\"", &found), -1);
	assert_int_equal(read_key("7", "\"eA==\"", "\"3\"", &found), -1);
	assert_int_equal(read_key(quoted, "\"eA==\"", "\"0\"", &found), -1);
	/* A NUL, no base64, a list, more than fits: no claim, but somebody's key. */
	memset(big, 'A', sizeof(big));
	memcpy(big, "\"", 1);
	memcpy(big + 8001, "\"", 2);
	memset(big + 1, 'e', 8000);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(read_key(quoted, ((const char *const[]){ "\"AAA=\"", "\"e\"", "[1]", big })[i], "\"3\"",
					  &found), 1);
		assert_string_equal(found.value, "");
	}
}

static void a_value_of_others_has_no_holder(void **state)
{
	static const char *const values[] = {
		"", "[]", "{}", "{\"holder\":\"a/b\",\"device\":\"x\",\"boot\":\"b\",\"since\":\"s\",\"ttl\":60}",
		"{\"holder\":7,\"device\":\"x\",\"boot\":\"b\",\"since\":\"s\",\"ttl\":60}",
		"{\"holder\":\"vm1\",\"device\":\"x\",\"boot\":\"b\",\"since\":\"s\",\"ttl\":-1}",
		"{\"holder\":\"vm1\\u0000\",\"device\":\"x\",\"boot\":\"b\",\"since\":\"s\",\"ttl\":60}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		_cleanup_json_ struct json_object *claim = claims_read_value("h1/slot=1", values[i], 3, 0);

		assert_null(json_text_or_null(claim, "holder"));
		assert_string_equal(json_text(claim, "host"), "h1");
		assert_string_equal(json_text(claim, "identity"), "slot=1");
	}
}

/* A server that is played: what it answers to each request, byte by byte with a pause where it drips. */

struct server {
	int socket;
	pthread_t thread;
	const char *const *answers;	/* up to NULL; the last one is repeated */
	unsigned int drip;		/* milliseconds between two bytes, 0 for at once */
	size_t fill;			/* bytes behind the answer */
	unsigned int requests;
	char url[64];
};

static void put(int fd, const void *bytes, size_t length)
{
	if (send(fd, bytes, length, MSG_NOSIGNAL) < 0)
		return;
}

static void answer_one(struct server *server, int fd)
{
	const char *answer = server->answers[server->requests];
	char request[8192], filling[4096];

	if (recv(fd, request, sizeof(request), 0) <= 0)
		return;
	if (server->answers[server->requests + 1])
		server->requests++;
	if (!server->drip)
		put(fd, answer, strlen(answer));
	for (size_t i = 0; server->drip && answer[i]; i++) {
		if (send(fd, answer + i, 1, MSG_NOSIGNAL) < 0)
			return;
		usleep(server->drip * 1000);
	}
	memset(filling, ' ', sizeof(filling));
	for (size_t sent = 0; sent < server->fill; sent += sizeof(filling)) {
		if (send(fd, filling, sizeof(filling), MSG_NOSIGNAL) < 0)
			return;
	}
}

static void *serve(void *arg)
{
	struct server *server = arg;
	int fd;

	while ((fd = accept(server->socket, NULL, NULL)) >= 0) {
		answer_one(server, fd);
		shutdown(fd, SHUT_WR);
		close(fd);
	}
	return NULL;
}

static void start_server(struct server *server)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);

	server->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(server->socket, (struct sockaddr *)&address, length), 0);
	assert_int_equal(listen(server->socket, 8), 0);
	getsockname(server->socket, (struct sockaddr *)&address, &length);
	snprintf(server->url, sizeof(server->url), "http://127.0.0.1:%u", ntohs(address.sin_port));
	assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void stop_server(struct server *server)
{
	shutdown(server->socket, SHUT_RDWR);
	pthread_join(server->thread, NULL);
	close(server->socket);
}

/* Claims that are in etcd, which a recorded host does not ask by itself. */
static void open_claims(struct claims *claims, const char *endpoints)
{
	settings.endpoints = endpoints;
	assert_int_equal(claims_open(claims, iov), 0);
	claims->config.timeout = 2;
	claims->store = &etcd_store;
}

#define OK "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
#define GRANTED OK "{\"header\":{},\"ID\":\"77\",\"TTL\":\"60\"}"

static int take_from(const char *const *answers, unsigned int drip, size_t fill, struct claims_lease *lease)
{
	struct server server = { .answers = answers, .drip = drip, .fill = fill };
	struct claims claims;
	int error;

	start_server(&server);
	open_claims(&claims, server.url);
	*lease = (struct claims_lease){ 0 };
	error = etcd_store.take(&claims, "h1/slot=1", "{}", 60, 0, lease);
	claims_close(&claims);
	stop_server(&server);
	return error;
}

static void a_server_is_believed_what_etcd_says(void **state)
{
	static const char *const won[] = { GRANTED, OK "{\"header\":{\"revision\":\"12\"},\"succeeded\":true}", NULL };
	/* "/iovkit/claims/h1/slot=1" of another lease, and of ours */
	static const char *const lost[] = { GRANTED, OK "{\"header\":{\"revision\":\"12\"},\"responses\":[{\"response_range\":"
		"{\"kvs\":[{\"key\":\"L2lvdmtpdC9jbGFpbXMvaDEvc2xvdD0x\",\"mod_revision\":\"9\",\"lease\":\"5\"}]}}]}", NULL };
	static const char *const again[] = { GRANTED, "", OK "{\"header\":{\"revision\":\"12\"},\"responses\":[{"
		"\"response_range\":{\"kvs\":[{\"key\":\"L2lvdmtpdC9jbGFpbXMvaDEvc2xvdD0x\",\"mod_revision\":\"11\","
		"\"lease\":\"77\"}]}}]}", NULL };
	struct claims_lease lease;

	(void)state;
	assert_int_equal(take_from(won, 0, 0, &lease), 0);
	assert_int_equal(lease.revision, 12);
	assert_int_equal(lease.id, 77);
	assert_true(lease.until <= boot_ms() + 60000 && lease.until > boot_ms() + 55000);
	assert_int_equal(take_from(lost, 0, 0, &lease), -EEXIST);
	/* The first answer never came, and the claim is ours all the same. */
	assert_int_equal(take_from(again, 0, 0, &lease), 0);
	assert_int_equal(lease.revision, 11);
}

static void whoever_else_answers_gets_no_claim(void **state)
{
	static const struct {
		const char *answers[3];
		unsigned int drip;
		size_t fill;
		const char *why;
	} hostile[] = {
		{ { OK "{\"header\":{}", NULL }, 0, 0, "no etcd does" },
		{ { OK "[1,2]", NULL }, 0, 0, "no etcd does" },
		{ { OK "{\"ID\":\"x\",\"TTL\":\"60\"}", NULL }, 0, 0, "no etcd does" },
		{ { OK "{\"ID\":\"7\"}", NULL }, 0, 0, "no etcd does" },
		{ { OK "{\"ID\":{\"a\":1},\"TTL\":60}", NULL }, 0, 0, "no etcd does" },
		{ { OK "{", NULL }, 0, 5 << 20, "more than" },
		{ { OK "{\"ID\":\"7\",\"TTL\":\"60\"}", NULL }, 200, 0, "imed out" },
		{ { "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", NULL }, 0, 0,
		  "not followed" },
		{ { "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n{\"error\":null}", NULL }, 0, 0,
		  "an error without a reason" },
		{ { "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n{\"error\":\"etcdserver: no leader\",\"code\":14}",
		    NULL }, 0, 0, "no leader" },
		{ { "SSH-2.0-OpenSSH_9.2\r\n", NULL }, 0, 0, "no member of etcd answers" },
		{ { "", NULL }, 0, 0, "no member of etcd answers" },
		{ { GRANTED, OK "{\"succeeded\":true}", NULL }, 0, 0, "whether it is claimed is not known" },
		{ { GRANTED, OK "{\"header\":{\"revision\":\"12\"},\"responses\":7}", NULL }, 0, 0, "" },
	};
	struct claims_lease lease;

	(void)state;
	for (size_t i = 0; i < sizeof(hostile) / sizeof(*hostile); i++) {
		int64_t began = boot_ms();
		int error = take_from(hostile[i].answers, hostile[i].drip, hostile[i].fill, &lease);

		if (error >= 0 || (error != -EEXIST && !strstr(iov_error_message(iov), hostile[i].why)))
			fail_msg("%zu: %d, %s", i, error, iov_error_message(iov));
		assert_true(boot_ms() - began < 10000);
	}
}

static void the_next_member_is_asked(void **state)
{
	static const char *const won[] = { GRANTED, OK "{\"header\":{\"revision\":\"12\"},\"succeeded\":true}", NULL };
	struct server server = { .answers = won };
	struct claims_lease lease = { 0 };
	struct claims claims;
	char endpoints[128];

	(void)state;
	start_server(&server);
	snprintf(endpoints, sizeof(endpoints), "http://127.0.0.1:1, %s/", server.url);
	open_claims(&claims, endpoints);
	assert_int_equal(etcd_store.take(&claims, "h1/slot=1", "{}", 60, 0, &lease), 0);
	assert_int_equal(claims.endpoint, 1);
	claims_close(&claims);
	stop_server(&server);
}

/* A device would be taken from its holder, or be anybody's, by what says nothing of it. */
static void an_answer_without_a_header_is_none(void **state)
{
	static const char *const nothings[] = { "{}", "{\"header\":{}}", "{\"header\":{\"revision\":\"0\"}}",
		"{\"header\":[],\"kvs\":[]}", "{\"message\":\"maintenance\"}" };

	(void)state;
	for (size_t i = 0; i < sizeof(nothings) / sizeof(*nothings); i++) {
		_cleanup_json_ struct json_object *found = json_object_new_array();
		char answer[256];
		const char *const answers[] = { OK "{\"result\":{\"ID\":\"77\",\"TTL\":\"60\"}}", answer, NULL };
		struct server server = { .answers = answers };
		struct claims_lease lease = { .id = 77, .revision = 12, .ttl = 60, .until = 5 };
		struct claims claims;

		snprintf(answer, sizeof(answer), OK "%s", nothings[i]);
		start_server(&server);
		open_claims(&claims, server.url);
		assert_int_equal(etcd_store.renew(&claims, "h1/slot=1", &lease), -EHOSTUNREACH);
		assert_int_equal(etcd_store.list(&claims, "h1", found), -EHOSTUNREACH);
		assert_non_null(strstr(iov_error_message(iov), "answers to a list of claims what no etcd does"));
		claims_close(&claims);
		stop_server(&server);
	}
}

static void a_lease_that_is_over_is_not_renewed(void **state)
{
	static const char *const dead[] = { OK "{\"result\":{\"header\":{},\"ID\":\"77\"}}", NULL };
	static const char *const stolen[] = { OK "{\"result\":{\"ID\":\"77\",\"TTL\":\"60\"}}", OK "{\"header\":{\"revision\":\"13\"}}",
		NULL };
	static const char *const *const cases[] = { dead, stolen };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct server server = { .answers = cases[i] };
		struct claims_lease lease = { .id = 77, .revision = 12, .ttl = 60, .until = 5 };
		struct claims claims;

		start_server(&server);
		open_claims(&claims, server.url);
		assert_int_equal(etcd_store.renew(&claims, "h1/slot=1", &lease), -ESTALE);
		assert_int_equal(lease.until, 5);
		claims_close(&claims);
		stop_server(&server);
	}
}

static void a_list_that_never_ends_ends(void **state)
{
	static const char *const more[] = { OK "{\"header\":{},\"more\":true}", NULL };
	static const char *const back[] = { OK "{\"kvs\":[{\"key\":\"L2lvdmtpdC9jbGFpbXMvaDEvc2xvdD0x\",\"mod_revision\":\"9\"}],"
		"\"more\":true}", NULL };
	static const char *const *const cases[] = { more, back };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		_cleanup_json_ struct json_object *found = json_object_new_array();
		struct server server = { .answers = cases[i] };
		struct claims claims;

		start_server(&server);
		open_claims(&claims, server.url);
		assert_int_equal(etcd_store.list(&claims, NULL, found), -EHOSTUNREACH);
		claims_close(&claims);
		stop_server(&server);
	}
}

static void more_keys_than_were_asked_for_are_refused(void **state)
{
	_cleanup_json_ struct json_object *found = json_object_new_array();
	_cleanup_free_ char *text = malloc(100000);
	const char *answers[] = { text, NULL };
	struct server server = { .answers = answers };
	struct claims claims;
	size_t length = (size_t)sprintf(text, OK "{\"kvs\":[");

	(void)state;
	for (unsigned int i = 0; i < 600; i++) {
		_cleanup_free_ char *key = etcd_bytes(iov_path("/iovkit/claims/h1/slot=%04u", i).name);

		length += (size_t)sprintf(text + length, "%s{\"key\":\"%s\",\"mod_revision\":\"9\"}", i ? "," : "", key);
	}
	strcpy(text + length, "]}");
	start_server(&server);
	open_claims(&claims, server.url);
	assert_int_equal(etcd_store.list(&claims, NULL, found), -EHOSTUNREACH);
	assert_true(json_object_array_length(found) <= 500);
	claims_close(&claims);
	stop_server(&server);
}

/* Sixteen members of which none answers, and no time for that many. */
static void nobody_is_asked_when_it_is_too_late(void **state)
{
	static const char *const alive[] = { OK "{\"result\":{\"ID\":\"77\",\"TTL\":\"60\"}}", NULL };
	struct server server = { .answers = alive, .drip = 1000 };
	struct claims_lease lease = { .id = 77, .revision = 12, .ttl = 60, .until = 5 };
	char endpoints[1024] = "";
	struct claims claims;
	int64_t began;

	(void)state;
	start_server(&server);
	for (size_t i = 0; i < CLAIMS_ENDPOINTS_MAX; i++)
		strcat(strcat(endpoints, i ? "," : ""), server.url);
	open_claims(&claims, endpoints);
	began = boot_ms();
	claims.give_up = began + 400;
	assert_int_equal(etcd_store.renew(&claims, "h1/slot=1", &lease), -EHOSTUNREACH);
	assert_true(boot_ms() - began < 1000);
	assert_int_equal(lease.until, 5);
	claims_close(&claims);
	stop_server(&server);
}

/* The file. */

static struct iov_bdf vf(void)
{
	struct iov_bdf bdf;

	assert_int_equal(iov_bdf_parse(iov, VF, &bdf), 0);
	return bdf;
}

static void claim_in_file(const char *name, unsigned int ttl, struct claims_lease *lease)
{
	struct claims claims;

	assert_int_equal(claims_open(&claims, iov), 0);
	assert_ptr_equal(claims.store, &file_store);
	assert_int_equal(file_store.take(&claims, name,
			 "{\"holder\":\"vm1\",\"device\":\"" VF "\",\"boot\":\"11111111-2222-3333-4444-555555555555\","
			 "\"since\":\"now\",\"ttl\":60}", ttl, 0, lease), 0);
}

static void a_file_has_a_claim_once(void **state)
{
	struct claims_lease lease, other;
	struct claims claims;

	(void)state;
	claim_in_file("h1/slot=9", 60, &lease);
	assert_int_equal(claims_open(&claims, iov), 0);
	assert_int_equal(file_store.take(&claims, "h1/slot=9", "{}", 60, 0, &other), -EEXIST);
	assert_int_equal(file_store.renew(&claims, "h1/slot=9", &lease), 0);
	other = lease;
	other.revision++;
	assert_int_equal(file_store.renew(&claims, "h1/slot=9", &other), -ESTALE);
	assert_int_equal(file_store.drop(&claims, "h1/slot=9", other.revision, 0), 0);
	assert_int_equal(file_store.take(&claims, "h1/slot=9", "{}", 60, 0, &other), -EEXIST);
	assert_int_equal(file_store.drop(&claims, "h1/slot=9", lease.revision, 0), 0);
	assert_int_equal(file_store.take(&claims, "h1/slot=9", "{}", 60, 0, &other), 0);
	assert_true(other.revision > lease.revision);
}

static void a_boot_ends_claims_and_no_revision_comes_twice(void **state)
{
	_cleanup_json_ struct json_object *found = NULL;
	struct claims_lease lease, later;

	(void)state;
	claim_in_file("h1/slot=9", 60, &lease);
	tree_file(tree, "proc/sys/kernel/random/boot_id", "99999999-2222-3333-4444-555555555555\n");
	assert_int_equal(iov_claims_list(iov, true, &found), 0);
	assert_int_equal(json_object_array_length(found), 0);
	claim_in_file("h1/slot=9", 60, &later);
	assert_true(later.revision > lease.revision);
}

static void a_lease_in_a_file_ends(void **state)
{
	struct claims_lease lease, later;

	(void)state;
	claim_in_file("h1/slot=9", 1, &lease);
	usleep(1100000);
	claim_in_file("h1/slot=9", 60, &later);
	assert_true(later.revision > lease.revision);
}

static void a_file_that_is_none_is_said(void **state)
{
	struct json_object *found;

	(void)state;
	tree_file(tree, "var/lib/iovkit/claims.json", "[]");
	assert_int_equal(iov_claims_list(iov, true, &found), -EPROTO);
	assert_non_null(strstr(iov_error_message(iov), "claims.json"));
}

/* Who has a function. */

static void others_are_refused_and_the_holder_is_not(void **state)
{
	_cleanup_json_ struct json_object *findings = json_object_new_array();
	struct claims_lease lease;

	(void)state;
	/* Its name is another one by now: the address counts in this boot. */
	claim_in_file("h1/mac=02:00:00:00:00:77", 60, &lease);
	assert_int_equal(iov_claims_check(iov, VF), 0);
	look_again("vm2");
	assert_int_equal(iov_claims_check(iov, VF), -ECANCELED);
	assert_non_null(strstr(iov_error_message(iov), "vm1"));
	assert_int_equal(iov_guard_function(iov, vf(), findings), 0);
	assert_string_equal(json_text(json_object_array_get_idx(findings, json_object_array_length(findings) - 1), "guard"),
			    "fleet");
	look_again(NULL);
	assert_int_equal(iov_claims_check(iov, VF), -ECANCELED);
}

/* One way of many may be over a function that is claimed. */
static void what_stands_too_deep_is_not_free(void **state)
{
	struct claims_lease lease;
	char path[128], target[64];
	struct iov_plan *plan;

	(void)state;
	for (unsigned int i = 0; i < 40; i++) {
		snprintf(path, sizeof(path), "sys/class/block/dm-%u", i);
		snprintf(target, sizeof(target), "../../devices/virtual/block/dm-%u", i);
		tree_link(tree, path, target);
		snprintf(path, sizeof(path), "sys/devices/virtual/block/dm-%u/slaves/dm-%u", i, i + 1);
		snprintf(target, sizeof(target), "../../dm-%u", i + 1);
		tree_link(tree, path, target);
	}
	claim_in_file("h1/mac=02:00:00:00:00:77", 60, &lease);
	look_again("vm2");
	assert_int_equal(iov_claims_check(iov, "block/dm-0"), -ELOOP);
	assert_non_null(strstr(iov_error_message(iov), "what is below dm-0"));
	assert_int_equal(iov_plan_new(&plan, iov, "give a disk"), 0);
	iov_plan_take_unused(plan, "block/dm-0", "it is given");
	assert_int_equal(iov_plan_guard(plan, NULL, NULL), -ELOOP);
	iov_plan_free(plan);
}

static int note_question(struct iov *context, struct json_object *found)
{
	(void)context;
	(void)found;
	tree_file(tree, "asked", "");
	return 0;
}

static void nobody_is_asked_where_the_guard_is_lifted(void **state)
{
	static const struct guard_fleet asked = { note_question };
	const char *const lifted[] = { "fleet", NULL };
	struct iov_plan *plan;

	(void)state;
	assert_int_equal(guard_add_fleet(iov, &asked), 0);
	assert_int_equal(iov_plan_new(&plan, iov, "take a VF"), 0);
	iov_plan_take(plan, vf(), "it is taken");
	assert_int_equal(iov_plan_guard(plan, lifted, NULL), 0);
	assert_false(iov_sys_exists(iov, "asked"));
	assert_int_equal(iov_plan_guard(plan, NULL, NULL), 0);
	assert_true(iov_sys_exists(iov, "asked"));
	iov_plan_free(plan);
}

static void settings_that_are_wrong_hold_everything(void **state)
{
	_cleanup_json_ struct json_object *findings = json_object_new_array();

	(void)state;
	tree_file(tree, IOV_CLAIMS_CONFIG, "endpoint = http://a:2379\n");
	assert_int_equal(iov_guard_function(iov, vf(), findings), 0);
	assert_non_null(strstr(json_text(json_object_array_get_idx(findings, json_object_array_length(findings) - 1),
					 "holder"), "did you mean endpoints"));
}

static void wrong_settings_are_named_by_their_line(void **state)
{
	static const struct {
		const char *text, *why;
	} wrong[] = {
		{ "# here\n\nttl = 0\n", "claims.conf:3: ttl '0': expected seconds" },
		{ "ttl = 99999999\n", "expected seconds" }, { "ttl\n", "expected KEY = VALUE" },
		{ "ttl =\n", "expected a value" }, { "fence-time = 40\n", "at least 120" },
		{ "endpoints = ftp://a\n", "expected URLs" }, { "endpoints = http://u:p@a\n", "expected URLs" },
		{ "endpoints = http://a/b\n", "expected URLs" }, { "fence = pull\n", "link-down" },
		{ "host = a/b\n", "letters" }, { "holder = ..\n", "letters" }, { "ca = ca.pem\n", "begins with /" },
		{ "certificate = /c\n", "its key" }, { "user = u\n", "expected a password" },
		{ "password-file = /none\n", "No such file" }, { "prefix = iov\n", "expected what keys begin with" },
		{ "colour = red\n", "no such key" },
	};
	struct claims_config config;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		tree_file(tree, IOV_CLAIMS_CONFIG, wrong[i].text);
		assert_true(claims_config_load(iov, &config) < 0);
		if (!strstr(iov_error_message(iov), wrong[i].why))
			fail_msg("%s: %s", wrong[i].text, iov_error_message(iov));
	}
	/* A crash leaves zeros of what was not written yet, and in front of what was. */
	tree_bytes(tree, IOV_CLAIMS_CONFIG, "\0\0\0\0endpoints = http://a:2379\n", 31);
	assert_int_equal(claims_config_load(iov, &config), -EINVAL);
	assert_non_null(strstr(iov_error_message(iov), "has a byte of zero"));
	/* What a fence does is done all the same: as it is without settings. */
	tree_file(tree, IOV_CLAIMS_CONFIG, "fence = link-down, pull\n");
	assert_true(claims_config_load(iov, &config) < 0);
	assert_int_equal(config.action_count, 2);
	assert_int_equal(config.actions[0], CLAIMS_RESET);
	tree_file(tree, "etc/pw", "secret\n");
	tree_file(tree, IOV_CLAIMS_CONFIG, "endpoints=https://[::1]:2379 , http://b:1/\nhost = h1\nfence = link-down, reset\n"
		  "user = iov\npassword-file = /etc/pw\nstop-hook = /bin/true\nttl = 30\nfence-time = 10\n");
	assert_int_equal(claims_config_load(iov, &config), 0);
	assert_int_equal(config.endpoint_count, 2);
	assert_string_equal(config.endpoints[1], "http://b:1");
	assert_string_equal(config.password, "secret");
	assert_int_equal(config.action_count, 2);
	assert_int_equal(config.actions[1], CLAIMS_RESET);
}

static void plans_say_who_has_it(void **state)
{
	struct claims_lease lease;
	struct json_object *record;
	struct iov_plan *plan;

	(void)state;
	assert_int_equal(iov_plan_new(&plan, iov, "claim"), 0);
	assert_int_equal(iov_claim_plan(plan, vf(), 5), -EINVAL);
	assert_non_null(strstr(iov_error_message(iov), "from 30"));
	iov_plan_free(plan);
	claim_in_file("h1/mac=02:00:00:00:00:77", 60, &lease);
	/* Its holder has it, and this host does not know of it: it is claimed anew. */
	assert_int_equal(iov_plan_new(&plan, iov, "claim"), 0);
	assert_int_equal(iov_claim_plan(plan, vf(), 0), 0);
	assert_false(iov_plan_is_empty(plan));
	iov_plan_free(plan);
	record = json_tokener_parse("{\"name\":\"h1/mac=02:00:00:00:00:77\"}");
	json_object_object_add(record, "revision", json_object_new_int64(lease.revision));
	assert_int_equal(claims_record_put(iov, record), 0);
	assert_int_equal(iov_plan_new(&plan, iov, "claim"), 0);
	assert_int_equal(iov_claim_plan(plan, vf(), 0), 0);
	assert_true(iov_plan_is_empty(plan));
	assert_int_equal(iov_release_claim_plan(plan, vf(), false), 0);
	assert_false(iov_plan_is_empty(plan));
	iov_plan_free(plan);
	look_again("vm2");
	assert_int_equal(iov_plan_new(&plan, iov, "claim"), 0);
	assert_int_equal(iov_claim_plan(plan, vf(), 0), -ECANCELED);
	iov_plan_free(plan);
	assert_int_equal(iov_plan_new(&plan, iov, "release"), 0);
	assert_int_equal(iov_release_claim_plan(plan, vf(), false), -ECANCELED);
	assert_non_null(strstr(iov_error_message(iov), "vm1"));
	iov_plan_free(plan);
	look_again(NULL);
	assert_int_equal(iov_plan_new(&plan, iov, "claim"), 0);
	assert_int_equal(iov_claim_plan(plan, vf(), 0), -EINVAL);
	assert_non_null(strstr(iov_error_message(iov), "--holder"));
	iov_plan_free(plan);
}

/* What is made of a function is nobody's but of who claimed it. */

#define UUID "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"

int __wrap_iov_vdpa_mgmt(struct iov *context, struct json_object **list);

/* A VF and a device of no function, both of which make vDPA devices. */
int __wrap_iov_vdpa_mgmt(struct iov *context, struct json_object **list)
{
	(void)context;
	*list = json_tokener_parse("[{\"name\": \"pci/" VF "\", \"classes\": [\"net\"]},"
				   " {\"name\": \"vdpasim_net\", \"classes\": [\"net\"]}]");
	return 0;
}

static void make_parent(void)
{
	tree_file(tree, VF_PATH "/mdev_supported_types/t-1/create", "");
	tree_file(tree, VF_PATH "/mdev_supported_types/t-1/available_instances", "2\n");
	tree_file(tree, VF_PATH "/mdev_supported_types/t-1/device_api", "vfio-pci\n");
	tree_link(tree, "sys/class/mdev_bus/" VF, "../../devices/pci0000:00/0000:00:01.0/" VF);
	tree_file(tree, "etc/mdevctl.d/" VF "/" UUID, "{\"mdev_type\": \"t-1\", \"start\": \"auto\"}\n");
}

static int mdev_create(struct iov_plan *plan)
{
	return iov_mdev_create_plan(plan, &(struct iov_mdev){ UUID, VF, "t-1", NULL });
}

static int mdev_start(struct iov_plan *plan)
{
	return iov_mdev_start_plan(plan, UUID, NULL);
}

static int mdev_start_all(struct iov_plan *plan)
{
	return iov_mdev_start_plan(plan, NULL, NULL);
}

/* That is of a later start, which is refused. */
static int mdev_define(struct iov_plan *plan)
{
	return iov_mdev_define_plan(plan, &(struct iov_mdev){ UUID, VF, "t-1", NULL }, "manual");
}

static int vdpa_create(struct iov_plan *plan)
{
	return iov_vdpa_create_plan(plan, &(struct iov_vdpa){ .name = "v0", .mgmtdev = "pci/" VF });
}

static int vdpa_create_elsewhere(struct iov_plan *plan)
{
	return iov_vdpa_create_plan(plan, &(struct iov_vdpa){ .name = "v0", .mgmtdev = "vdpasim_net" });
}

static int guard_plan(int (*build)(struct iov_plan *plan), const char *const *lifted)
{
	struct iov_plan *plan;
	int error;

	assert_int_equal(iov_plan_new(&plan, iov, "make"), 0);
	assert_int_equal(build(plan), 0);
	assert_false(iov_plan_is_empty(plan));
	error = iov_plan_guard(plan, lifted, NULL);
	iov_plan_free(plan);
	return error;
}

static void what_is_claimed_makes_devices_for_its_holder_alone(void **state)
{
	static int (*const builders[])(struct iov_plan *plan) = { mdev_create, mdev_start, mdev_start_all, vdpa_create };
	static int (*const spared[])(struct iov_plan *plan) = { mdev_define, vdpa_create_elsewhere };
	const char *const lifted[] = { "fleet", NULL };
	struct claims_lease lease;

	(void)state;
	make_parent();
	for (size_t i = 0; i < sizeof(builders) / sizeof(*builders); i++)
		assert_int_equal(guard_plan(builders[i], NULL), 0);
	claim_in_file("h1/mac=02:00:00:00:00:77", 60, &lease);
	for (size_t i = 0; i < sizeof(builders) / sizeof(*builders); i++) {
		look_again("vm2");
		assert_int_equal(guard_plan(builders[i], NULL), -ECANCELED);
		assert_said(iov, VF " (parent of ");
		assert_said(iov, "vm1");
		assert_said(iov, "--force=fleet");
		assert_int_equal(guard_plan(builders[i], lifted), 0);
		look_again(NULL);
		assert_int_equal(guard_plan(builders[i], NULL), -ECANCELED);
		look_again("vm1");
		assert_int_equal(guard_plan(builders[i], NULL), 0);
	}
	look_again("vm2");
	for (size_t i = 0; i < sizeof(spared) / sizeof(*spared); i++)
		assert_int_equal(guard_plan(spared[i], NULL), 0);
}

/* A change of two steps that is killed in the second. */

static int writes;

static int write_and_die(void *arg, struct iov *context, const char *path, const char *text)
{
	(void)arg;
	(void)context;
	tree_file(tree, path, text);
	if (++writes == 2)
		raise(SIGKILL);
	return 0;
}

static void add_writes(struct iov_plan *plan, const char *device, const char *path, bool unused)
{
	struct iov_step *step = iov_plan_step(plan, device, "write %s", path);

	if (unused)
		iov_step_touches(step, VF);
	if (unused)
		iov_step_spares(step, "it is new");
	iov_step_do(step, iov_op_write(path, "new"));
	iov_step_undo(step, iov_op_write(path, "old"));
}

/* On the VF itself, which is taken, or making devices of it (@unused). */
static void kill_a_change(bool unused)
{
	struct iov_plan *plan;
	int status;
	pid_t child;

	look_again("vm1");
	tree_file(tree, "sys/attr0", "old");
	tree_file(tree, "sys/attr1", "old");
	child = fork();
	if (!child) {
		writes = 0;
		iov_sys_on_write(iov, write_and_die, NULL);
		iov_plan_new(&plan, iov, "change");
		add_writes(plan, unused ? "vdpa/a" : VF, "sys/attr0", unused);
		add_writes(plan, unused ? "vdpa/b" : VF, "sys/attr1", unused);
		if (unused)
			iov_plan_take_unused(plan, VF, "parent of a and b");
		else
			iov_plan_take(plan, vf(), "named");
		iov_plan_run(plan, &(struct iov_plan_options){ .jobs = 1 });
		_exit(1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
}

static int finish_as(const char *holder, const struct iov_plan_options *options)
{
	look_again(holder);
	writes = 2;
	iov_sys_on_write(iov, write_and_die, NULL);
	return iov_plan_recover(iov, true, options);
}

static void what_is_claimed_meanwhile_is_not_finished(void **state)
{
	const char *const lifted[] = { "fleet", NULL };
	const struct iov_plan_options forced = { .lifted = lifted };
	struct claims_lease lease;

	(void)state;
	claim_in_file("h1/mac=02:00:00:00:00:77", 60, &lease);
	for (int unused = 0; unused < 2; unused++) {
		kill_a_change(unused);
		assert_int_equal(finish_as("vm2", NULL), -ECANCELED);
		assert_said(iov, VF);
		assert_said(iov, "vm1");
		assert_said(iov, "--force=fleet");
		assert_int_equal(finish_as("vm1", NULL), 0);
		kill_a_change(unused);
		assert_int_equal(finish_as("vm2", &forced), 0);
		/* Whoever has it meanwhile, what is half done is taken back. */
		kill_a_change(unused);
		look_again("vm2");
		writes = 2;
		iov_sys_on_write(iov, write_and_die, NULL);
		assert_int_equal(iov_plan_recover(iov, false, NULL), 0);
	}
}

static void a_record_of_another_revision_stays(void **state)
{
	struct json_object *record = json_tokener_parse("{\"name\":\"h1/slot=1\",\"revision\":3,\"until\":1}");
	_cleanup_json_ struct json_object *old = json_tokener_parse("{\"name\":\"h1/slot=1\",\"revision\":2,\"until\":9}");
	_cleanup_json_ struct json_object *records = NULL;

	(void)state;
	assert_int_equal(claims_record_put(iov, record), 0);
	assert_int_equal(claims_record_update(iov, old), 0);
	assert_int_equal(claims_record_drop(iov, "h1/slot=1", 2), 0);
	assert_int_equal(claims_records(iov, &records), 0);
	assert_int_equal(json_object_array_length(records), 1);
	assert_int_equal(claims_number(json_object_array_get_idx(records, 0), "until"), 1);
	assert_int_equal(claims_record_drop(iov, "h1/slot=1", 3), 0);
	/* What was let go does not come back. */
	assert_int_equal(claims_record_update(iov, old), 0);
	json_object_put(records);
	assert_int_equal(claims_records(iov, &records), 0);
	assert_int_equal(json_object_array_length(records), 0);
}

static double cpu_ms(void)
{
	struct timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return (double)time.tv_sec * 1000 + (double)time.tv_nsec / 1e6;
}

/* Each of many processes looks for its own, so that is to cost much less than all of them. */
static void one_record_is_found_among_many(void **state)
{
	struct json_object *records = json_object_new_array();
	double all, one;

	(void)state;
	for (int i = 0; i < 2000; i++) {
		struct json_object *record = json_object_new_object();

		json_add_text(record, "name", iov_path("h1/\"slot=%d", i).name);
		json_add_text(record, "device", VF);
		json_add_text(record, "holder", "{\"name\":\"h1/slot=1\",\"revision\":7}");
		json_object_object_add(record, "revision", json_object_new_int64(i + 1));
		json_object_array_add(records, record);
	}
	tree_file(tree, "run/iovkit/claims.json", json_object_to_json_string_ext(records, JSON_C_TO_STRING_PLAIN));
	all = cpu_ms();
	for (int i = 0; i < 20; i++) {
		json_object_put(records);
		assert_int_equal(claims_records(iov, &records), 0);
	}
	one = cpu_ms();
	for (int i = 0; i < 20; i++)
		assert_true(claims_is_recorded(iov, "h1/\"slot=1999", 2000));
	assert_true(4 * (cpu_ms() - one) < one - all);
	assert_false(claims_is_recorded(iov, "h1/\"slot=1999", 1999));
	assert_true(claims_is_recorded(iov, "h1/\"slot=1", 2));
	assert_false(claims_is_recorded(iov, "h1/slot=1", 7));
	/* Written by somebody else */
	tree_file(tree, "run/iovkit/claims.json", json_object_to_json_string_ext(records, JSON_C_TO_STRING_PRETTY));
	assert_true(claims_is_recorded(iov, "h1/\"slot=1999", 2000));
	assert_false(claims_is_recorded(iov, "h1/slot=1", 7));
	json_object_put(records);
	tree_file(tree, "run/iovkit/claims.json", "{}");
	assert_true(claims_is_recorded(iov, "h1/slot=1", 7));
	assert_int_equal(unlink(iov_path("%s/run/iovkit/claims.json", tree).name), 0);
	assert_false(claims_is_recorded(iov, "h1/slot=1", 7));
}

/* For want of descriptors, say; here, as a link that goes round. */
static void a_function_that_cannot_be_looked_at_is_not_gone(void **state)
{
	const char *path = iov_path("%s/sys/bus/pci/devices/" VF, tree).name;

	(void)state;
	assert_true(claims_inode(iov, vf()) > 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(claims_inode(iov, vf()), 0);
	assert_int_equal(symlink(VF, path), 0);
	assert_int_equal(claims_inode(iov, vf()), -ELOOP);
}

/* A child that the kernel keeps, and how often a reset was asked for. */
static pid_t kept;
static unsigned int resets;

static int keep_child(void *arg, struct iov *context, const char *path, const char *text)
{
	(void)arg;
	(void)path;
	(void)text;
	resets++;
	context->stuck = kept;
	return -ETIMEDOUT;
}

/* A fence goes on for as long as the VMM, and who waits in the kernel cannot be ended. */
static void a_reset_that_is_not_answered_is_asked_for_once(void **state)
{
	struct claims_config config = { .fence_time = 1, .actions = { CLAIMS_RESET }, .action_count = 1 };

	(void)state;
	kept = fork();
	if (!kept) {
		alarm(20);
		pause();
		_exit(0);
	}
	resets = 0;
	iov_sys_on_write(iov, keep_child, NULL);
	for (unsigned int tries = 0; tries < 3; tries++)
		assert_int_equal(claims_fence(iov, &config, vf(), "vm1"), -ETIMEDOUT);
	assert_int_equal(resets, 1);
	kill(kept, SIGKILL);
	waitpid(kept, NULL, 0);
	kept = 0;
	assert_int_equal(claims_fence(iov, &config, vf(), "vm1"), -ETIMEDOUT);
	assert_int_equal(resets, 2);
	iov_sys_on_write(iov, NULL, NULL);
}

static unsigned int mode_of(const char *path)
{
	struct stat stat;

	assert_int_equal(lstat(iov_path("%s/%s", tree, path).name, &stat), 0);
	return stat.st_mode & 07777;
}

/* Whoever can open a lock can keep it, and the service from renewing and fencing. */
static void nobody_else_has_a_lock(void **state)
{
	static const char *const locks[] = { "run/iovkit/claims.lock", "var/lib/iovkit/claims.lock" };
	struct json_object *record = json_tokener_parse("{\"name\":\"h1/slot=1\",\"revision\":3}");
	struct claims_lease lease;
	int64_t began;
	int fd;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		tree_file(tree, locks[i], "");
		assert_int_equal(chmod(iov_path("%s/%s", tree, locks[i]).name, 0666), 0);
	}
	claim_in_file("h1/slot=9", 60, &lease);
	assert_int_equal(claims_record_put(iov, json_object_get(record)), 0);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(mode_of(locks[i]), 0600);
	/* One that was stopped while it had it. */
	fd = claims_lock(iov, locks[0], 0);
	assert_true(fd >= 0);
	began = boot_ms();
	assert_int_equal(claims_record_put(iov, record), -EBUSY);
	assert_true(boot_ms() - began < 5000);
	close(fd);
}

/* The note of a plan to claim; "" for none. */
static void assert_note(const char *fence, const char *part)
{
	_cleanup_json_ struct json_object *json = NULL;
	struct iov_plan *plan;
	struct json_object *notes;

	tree_file(tree, IOV_CLAIMS_CONFIG, iov_path("fence = %s\n", fence).name);
	assert_int_equal(iov_plan_new(&plan, iov, "claim"), 0);
	assert_int_equal(iov_claim_plan(plan, vf(), 60), 0);
	json = iov_plan_json(plan);
	iov_plan_free(plan);
	notes = json_object_object_get(json, "notes");
	assert_int_equal(json_object_array_length(notes), *part != '\0');
	if (*part && !strstr(json_object_get_string(json_object_array_get_idx(notes, 0)), part))
		fail_msg("'%s' is not in %s", part, json_object_get_string(notes));
}

static void what_a_fence_cannot_do_is_said_when_it_is_claimed(void **state)
{
	(void)state;
	tree_file(tree, VF_PATH "/reset", "");
	assert_note("reset, unbind", "");
	assert_note("link-down, unbind", VF ": a fence cannot do link-down to it: its PF has no links of VFs; what it does "
		    "is unbind");
	tree_unlink(tree, VF_PATH "/reset");
	assert_note("reset, unbind", "cannot do reset to it: it has no reset of its own; what it does is unbind");
	assert_note("reset", "nothing takes it from its user, so 'fence' of /etc/iovkit/claims.conf");
	assert_note("reset\nstop-hook = /bin/true", "nothing but its stop-hook");
	tree_file(tree, VF_PATH "/reset", "");
	assert_note("reset\nstop-hook = /bin/true", "");
	assert_note("reset\nstop-hook = /not/there", "a fence cannot run the stop-hook /not/there: No such file or directory");
	tree_unlink(tree, VF_PATH "/reset");
	assert_int_equal(iov_plugins_register(iov), 0);
	assert_note("link-down", "");
}

/* Signals that the keeper ignores meanwhile. */
static void a_hook_can_be_ended(void **state)
{
	struct claims_config config = { .fence_time = 10, .actions = { CLAIMS_LINK_DOWN }, .action_count = 1 };
	char text[64] = "";

	(void)state;
	tree_file(tree, "hook", iov_path("#!/bin/sh\nsed -n 's/^SigIgn:[[:space:]]*//p' /proc/self/status > %s/hooked\n",
					 tree).name);
	snprintf(config.stop_hook, sizeof(config.stop_hook), "%s/hook", tree);
	assert_int_equal(chmod(config.stop_hook, 0700), 0);
	signal(SIGTERM, SIG_IGN);
	claims_fence(iov, &config, vf(), "vm1");
	signal(SIGTERM, SIG_DFL);
	assert_int_equal(iov_sys_read(iov, "hooked", text, sizeof(text)), 0);
	assert_int_equal(strtoull(text, NULL, 16) & 1u << (SIGTERM - 1), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_claim_is_renewed_before_it_is_fenced),
		TEST(numbers_are_texts_and_zero_is_absent),
		TEST(what_is_no_answer_is_refused),
		TEST(keys_are_of_claims_and_values_of_anybody),
		TEST(a_value_of_others_has_no_holder),
		TEST(a_server_is_believed_what_etcd_says),
		TEST(whoever_else_answers_gets_no_claim),
		TEST(the_next_member_is_asked),
		TEST(an_answer_without_a_header_is_none),
		TEST(a_lease_that_is_over_is_not_renewed),
		TEST(a_list_that_never_ends_ends),
		TEST(more_keys_than_were_asked_for_are_refused),
		TEST(nobody_is_asked_when_it_is_too_late),
		TEST(a_file_has_a_claim_once),
		TEST(a_boot_ends_claims_and_no_revision_comes_twice),
		TEST(a_lease_in_a_file_ends),
		TEST(a_file_that_is_none_is_said),
		TEST(others_are_refused_and_the_holder_is_not),
		TEST(what_stands_too_deep_is_not_free),
		TEST(nobody_is_asked_where_the_guard_is_lifted),
		TEST(settings_that_are_wrong_hold_everything),
		TEST(wrong_settings_are_named_by_their_line),
		TEST(plans_say_who_has_it),
		TEST(what_is_claimed_makes_devices_for_its_holder_alone),
		TEST(what_is_claimed_meanwhile_is_not_finished),
		TEST(a_record_of_another_revision_stays),
		TEST(a_function_that_cannot_be_looked_at_is_not_gone),
		TEST(what_a_fence_cannot_do_is_said_when_it_is_claimed),
		TEST(a_hook_can_be_ended),
		TEST(a_reset_that_is_not_answered_is_asked_for_once),
		TEST(one_record_is_found_among_many),
		TEST(nobody_else_has_a_lock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
