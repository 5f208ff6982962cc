// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench/guest/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/sysroot/paths.h"

#define WAIT_MS 60000

void probe_ok(FILE *out, const char *format, ...)
{
	va_list args;

	fputs("ok ", out);
	va_start(args, format);
	vfprintf(out, format, args);
	va_end(args);
	fputc('\n', out);
}

void probe_failed(FILE *out, const char *what)
{
	fprintf(out, "failed %s: %s\n", what, strerror(errno));
}

void probe_times(char *text, size_t size, const struct histogram *times)
{
	snprintf(text, size, "p50=%llu p90=%llu p99=%llu p999=%llu max=%llu",
		 (unsigned long long)histogram_percentile(times, 50),
		 (unsigned long long)histogram_percentile(times, 90),
		 (unsigned long long)histogram_percentile(times, 99),
		 (unsigned long long)histogram_percentile(times, 99.9),
		 (unsigned long long)histogram_percentile(times, 100));
}

int probe_wait(const char *name, bool (*is)(const char *name), int error)
{
	const uint64_t end = monotonic_ms() + WAIT_MS;

	while (!is(name)) {
		if (monotonic_ms() > end) {
			errno = error;
			return -error;
		}
		usleep(20000);
	}
	return 0;
}

/* "intr TOTAL IRQ0 IRQ1 ...": the total has those of processors as well. */
uint64_t probe_interrupts(void)
{
	FILE *file = fopen("/" IOV_PATH_PROC "/stat", "re");
	uint64_t sum = 0;
	char *line = NULL, *at, *end;
	size_t room = 0;

	while (file && getline(&line, &room, file) > 0) {
		if (strncmp(line, "intr ", 5))
			continue;
		strtoull(line + 5, &at, 10);
		for (;; at = end) {
			uint64_t count = strtoull(at, &end, 10);

			if (end == at)
				break;
			sum += count;
		}
		break;
	}
	free(line);
	if (file)
		fclose(file);
	return sum;
}

static void idle(FILE *out, unsigned int ms)
{
	const uint64_t before = probe_interrupts();

	usleep(ms * 1000);
	probe_ok(out, "interrupts=%llu", (unsigned long long)(probe_interrupts() - before));
}

static unsigned int number(const char *text)
{
	return text ? (unsigned int)strtoul(text, NULL, 10) : 0;
}

/* False when that was the last command. */
static int obey(FILE *out, char *line)
{
	char *rest = NULL;
	const char *verb = strtok_r(line, " \r\n", &rest);
	const char *first = strtok_r(NULL, " \r\n", &rest);
	const char *second = strtok_r(NULL, " \r\n", &rest);

	if (!verb)
		return 1;
	if (!strcmp(verb, "end"))
		return 0;
	if (!strcmp(verb, "net") && second)
		probe_net(out, first, second);
	else if (!strcmp(verb, "disk") && first)
		probe_disk(out, first);
	else if (!strcmp(verb, "idle"))
		idle(out, number(first));
	else if (!strcmp(verb, "out"))
		probe_out(out, number(first));
	else if (!strcmp(verb, "in"))
		probe_in(out, number(first));
	else if (!strcmp(verb, "packets"))
		probe_packets(out, number(first));
	else if (!strcmp(verb, "turns"))
		probe_turns(out, number(first));
	else if (!strcmp(verb, "read"))
		probe_read(out, number(first), number(second));
	else
		fprintf(out, "failed %s: no such command\n", verb);
	return 1;
}

static void serve(FILE *in, FILE *out)
{
	char *line = NULL;
	size_t room = 0;

	fputs("ok ready\n", out);
	fflush(out);
	while (getline(&line, &room, in) > 0 && obey(out, line))
		fflush(out);
	free(line);
}

/* A terminal that passes bytes as they are. */
static int open_port(const char *name)
{
	struct termios raw;
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/" IOV_PATH_DEV "/%s", name);
	fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (fd >= 0 && !tcgetattr(fd, &raw)) {
		cfmakeraw(&raw);
		tcsetattr(fd, TCSANOW, &raw);
	}
	return fd;
}

static void serve_guest(void)
{
	const char *name = getenv(PROBE_PORT);
	int fd = open_port(name ? name : "ttyS1");
	FILE *in = fd < 0 ? NULL : fdopen(fd, "r"), *out = fd < 0 ? NULL : fdopen(dup(fd), "w");

	if (in && out)
		serve(in, out);
	else
		perror("iovkit: the port for commands");
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	if (getpid() == 1) {
		probe_init();
		if (getenv(PROBE_CONSOLE))
			probe_console();
		else
			serve_guest();
		probe_halt();
	}
	if (argc == 3 && !strcmp(argv[1], "peer"))
		return probe_peer(argv[2]) ? EXIT_FAILURE : EXIT_SUCCESS;
	if (argc == 2 && !strcmp(argv[1], "serve")) {
		serve(stdin, stdout);
		return EXIT_SUCCESS;
	}
	fputs("This is what 'iov bench guest' measures with; see iov-bench(1).\n", stderr);
	return 2;
}
