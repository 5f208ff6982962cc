// SPDX-License-Identifier: GPL-2.0-or-later
/* Which release a VMM is, by what its program says. */
#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/sysroot/paths.h"
#include "cli/vmm/vmm.h"

#define ASK_MS 5000
#define DIGITS "0123456789"

extern char **environ;

static bool read_number(const char **text, unsigned int *number)
{
	size_t digits = strspn(*text, DIGITS);

	if (!digits || digits > 5)
		return false;
	*number = (unsigned int)strtoul(*text, NULL, 10);
	*text += digits;
	return true;
}

/* "MAJOR.MINOR" at @text, with whatever behind it. */
static bool scan_here(const char *text, struct vmm_version *version)
{
	return read_number(&text, &version->major) && *text++ == '.' &&
	       read_number(&text, &version->minor);
}

bool vmm_version_parse(const char *text, struct vmm_version *version)
{
	text += *text == 'v';
	version->minor = 0;
	return read_number(&text, &version->major) &&
	       (!*text || (*text++ == '.' && read_number(&text, &version->minor)));
}

/* A word of its own, "9.2.0" or "v52.0", and no part of a file's name. */
static bool begins_word(const char *text, const char *at)
{
	if (at > text && at[-1] == 'v')
		at--;
	return at == text || isspace((unsigned char)at[-1]);
}

/* The first word that looks like one of "QEMU emulator version 9.2.0". */
static void scan(const char *text, struct vmm_version *version)
{
	struct vmm_version found;

	for (const char *at = strpbrk(text, DIGITS); at; at = strpbrk(at + strspn(at, DIGITS), DIGITS)) {
		if (!begins_word(text, at) || !scan_here(at, &found))
			continue;
		*version = found;
		return;
	}
}

static bool start(const char *const *ask, int out, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	bool started;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/" IOV_PATH_DEV_NULL, O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/" IOV_PATH_DEV_NULL, O_WRONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	started = !posix_spawnp(pid, ask[0], &actions, NULL, (char *const *)ask, environ);
	posix_spawn_file_actions_destroy(&actions);
	return started;
}

/* What it writes until it ends, @size is full, or its time is over. */
static void read_until(int fd, uint64_t deadline, char *text, size_t size)
{
	struct pollfd waiting = { .fd = fd, .events = POLLIN };
	size_t length = 0;
	uint64_t now;

	while (length < size - 1 && (now = monotonic_ms()) < deadline &&
	       poll(&waiting, 1, (int)(deadline - now)) > 0) {
		ssize_t got = read(fd, text + length, size - 1 - length);

		if (got <= 0)
			break;
		length += (size_t)got;
	}
	text[length] = '\0';
}

bool vmm_version_ask(const struct vmm *vmm, struct vmm_version *version)
{
	uint64_t deadline = monotonic_ms() + ASK_MS;
	char text[512];
	int fds[2];
	pid_t pid;

	*version = (struct vmm_version){ .major = UINT_MAX };
	if (!vmm->ask || pipe2(fds, O_CLOEXEC))
		return true;
	if (!start(vmm->ask, fds[1], &pid)) {
		close(fds[0]);
		close(fds[1]);
		return true;
	}
	close(fds[1]);
	read_until(fds[0], deadline, text, sizeof(text));
	close(fds[0]);
	/* It has said what it had to, or nothing in its time. */
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	scan(text, version);
	return version->major != UINT_MAX;
}
