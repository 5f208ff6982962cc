// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A line "step 3 of 12: create 4 VFs on 0000:01:00.0 (5 s)", shown after a second.
 *
 * It goes on while the step waits for the kernel, so a process of its own draws it and is told the
 * steps by a socket.  That process holds nothing of ours, above all not the lock, and is forked
 * before any thread is there.  It ends when it is told so, or when we do.
 */
#include "cli/progress.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/printable.h"

#define TEXT_SIZE 256
#define PATIENCE_NS 1000000000ULL
#define TICK_MS 250
#define CLEAR "\r\033[K"

static struct {
	pid_t drawer;
	int socket;
} progress = { .socket = -1 };

static int columns(void)
{
	struct winsize size;

	return !ioctl(STDERR_FILENO, TIOCGWINSZ, &size) && size.ws_col > 1 ? size.ws_col - 1 : 79;
}

/* Cut to what the terminal has room for, so that it stays one line. */
static void draw(const char *text, uint64_t seconds)
{
	_cleanup_free_ char *title = cli_printable(text);
	char line[TEXT_SIZE + 32];

	snprintf(line, sizeof(line), "%s (%llu s)", title ? title : "", (unsigned long long)seconds);
	fprintf(stderr, CLEAR "%.*s", columns(), line);
}

static void draw_until_end(int socket)
{
	uint64_t began = monotonic_ns(), step_began = began, now;
	struct pollfd wait = { .fd = socket, .events = POLLIN };
	char text[TEXT_SIZE] = "";
	bool shown = false;
	ssize_t length;

	for (;;) {
		if (poll(&wait, 1, TICK_MS) > 0) {
			length = recv(socket, text, sizeof(text) - 1, 0);
			if (length <= 0)
				break;
			text[length] = '\0';
			step_began = monotonic_ns();
		}
		now = monotonic_ns();
		shown |= *text && now - began > PATIENCE_NS;
		if (shown)
			draw(text, (now - step_began) / PATIENCE_NS);
	}
	if (shown)
		fputs(CLEAR, stderr);
}

/* Signals to the terminal are for who makes the change, and undoes it then. */
static void run_drawer(int socket)
{
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

	for (size_t i = 0; i < sizeof(ignored) / sizeof(*ignored); i++)
		signal(ignored[i], SIG_IGN);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(socket, STDIN_FILENO);
	close(STDOUT_FILENO);
	close_range(STDERR_FILENO + 1, ~0U, 0);
	draw_until_end(STDIN_FILENO);
	_exit(0);
}

static void show_step(void *arg, size_t step, size_t steps, const char *title)
{
	char text[TEXT_SIZE];
	int length;

	(void)arg;
	length = snprintf(text, sizeof(text), "step %zu of %zu: %s", step, steps, title);
	send(progress.socket, text, length < TEXT_SIZE ? (size_t)length : TEXT_SIZE - 1,
	     MSG_DONTWAIT | MSG_NOSIGNAL);
}

void cli_progress_begin(struct iov_plan_options *options)
{
	int sockets[2];

	if (!isatty(STDERR_FILENO) ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets))
		return;
	progress.drawer = fork();
	if (!progress.drawer)
		run_drawer(sockets[1]);
	close(sockets[1]);
	progress.socket = sockets[0];
	if (progress.drawer > 0)
		options->progress = show_step;
	else
		cli_progress_end();
}

void cli_progress_end(void)
{
	if (progress.socket < 0)
		return;
	/* Writers that were forked meanwhile have the socket as well, so to close it is not enough. */
	shutdown(progress.socket, SHUT_RDWR);
	close(progress.socket);
	if (progress.drawer > 0)
		waitpid(progress.drawer, NULL, 0);
	progress.socket = -1;
	progress.drawer = 0;
}

void cli_progress_clear(void)
{
	if (progress.socket >= 0)
		fputs(CLEAR, stderr);
}
