// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/wire/vmm.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/test.h"

#define QEMU "qemu-system-x86_64"
#define WORDS_MAX 64
#define TEXT_MAX 65536

/* Only to end a test that would hang. */
#define PATIENCE_MS 120000

extern char **environ;

static void place(const struct vmm *vmm, char *path, size_t size, const char *name)
{
	assert_true((size_t)snprintf(path, size, "%s/%s", vmm->directory, name) < size);
}

void vmm_tell(const struct vmm *vmm)
{
	char command[320];
	int status, tries = 0;
	pid_t ended;

	/* Its sockets close before it is gone. */
	while (!(ended = waitpid(vmm->pid, &status, WNOHANG)) && tries++ < 100)
		poll(NULL, 0, 20);
	if (ended == vmm->pid)
		fprintf(stderr, "%s: " QEMU " ended, %s %d\n", vmm->directory,
			WIFEXITED(status) ? "status" : "signal",
			WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
	snprintf(command, sizeof(command), "tail -n 20 %s/log %s/console >&2", vmm->directory,
		 vmm->directory);
	if (system(command))
		fprintf(stderr, "%s said nothing\n", vmm->directory);
}

static void give_up(const struct vmm *vmm, const char *what)
{
	vmm_tell(vmm);
	fail_msg("%s: %s", vmm->directory, what);
}

static void spawn(struct vmm *vmm, char **words)
{
	posix_spawn_file_actions_t actions;
	char log[160];

	place(vmm, log, sizeof(log), "log");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT, 0600);
	posix_spawn_file_actions_adddup2(&actions, 1, 2);
	assert_int_equal(posix_spawnp(&vmm->pid, QEMU, &actions, NULL, words, environ), 0);
	posix_spawn_file_actions_destroy(&actions);
}

static int connect_to(const struct vmm *vmm, const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	place(vmm, address.sun_path, sizeof(address.sun_path), name);
	for (int tries = 0; tries < PATIENCE_MS / 20; tries++) {
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (!connect(fd, (struct sockaddr *)&address, sizeof(address)))
			return fd;
		close(fd);
		if (waitpid(vmm->pid, NULL, WNOHANG) == vmm->pid)
			give_up(vmm, QEMU " ended at its start");
		poll(NULL, 0, 20);
	}
	fail_msg(QEMU " does not listen at %s", address.sun_path);
	return -1;
}

void vmm_start(struct vmm *vmm, const char *directory, const char *name, const char *port,
	       bool receives, const char *const *options)
{
	char memory[32], backend[64], chardev[160], qmp[160], agent[192], serial[192], append[512];
	char *accel = getenv("GUEST_ACCEL");
	char *words[WORDS_MAX] = {
		QEMU, "-M", "q35,memory-backend=ram", "-accel", accel ? accel : "tcg",
		/* A guest that knows of KVM has memory that KVM writes to behind everybody's back. */
		"-cpu", "max,kvm=off", "-m", memory,
		"-object", backend, "-nodefaults", "-no-user-config", "-display", "none",
		"-no-reboot", "-kernel", getenv("GUEST_KERNEL"), "-initrd", getenv("GUEST_INITRD"),
		"-append", append, "-serial", serial, "-chardev", chardev,
		"-netdev", "vhost-user,id=n,chardev=c",
		"-device", "virtio-net-pci,netdev=n,romfile=,mac=" VMM_MAC,
		"-chardev", agent, "-device", "virtio-serial-pci",
		"-device", "virtserialport,chardev=a,name=guest.agent", "-qmp", qmp,
	};
	unsigned int count = 0;

	memset(vmm, 0, sizeof(*vmm));
	snprintf(vmm->directory, sizeof(vmm->directory), "%s/%s", directory, name);
	assert_return_code(mkdir(vmm->directory, 0700), errno);
	snprintf(memory, sizeof(memory), "%dM", VMM_MEMORY);
	snprintf(backend, sizeof(backend), "memory-backend-memfd,id=ram,size=%dM,share=on",
		 VMM_MEMORY);
	snprintf(chardev, sizeof(chardev), "socket,id=c,path=%s", port);
	snprintf(qmp, sizeof(qmp), "unix:%s/qmp,server=on,wait=off", vmm->directory);
	snprintf(agent, sizeof(agent), "socket,id=a,path=%s/agent,server=on,wait=off",
		 vmm->directory);
	snprintf(serial, sizeof(serial), "file:%s/console", vmm->directory);
	snprintf(append, sizeof(append), "console=ttyS0 panic=-1 acpi=off %s",
		 getenv("GUEST_OPTIONS"));
	while (words[count])
		count++;
	for (; options && *options; options++)
		words[count++] = (char *)(uintptr_t)*options;
	if (receives) {
		words[count++] = "-incoming";
		words[count++] = "defer";
	}
	assert_true(count < WORDS_MAX);
	spawn(vmm, words);
	vmm->agent = connect_to(vmm, "agent");
	vmm->qmp = connect_to(vmm, "qmp");
	vmm_do(vmm, "qmp_capabilities", "{}");
}

void vmm_end(struct vmm *vmm)
{
	if (!vmm->pid)
		return;
	kill(vmm->pid, SIGKILL);
	waitpid(vmm->pid, NULL, 0);
	close(vmm->qmp);
	close(vmm->agent);
	vmm->pid = 0;
}

static void read_bytes(const struct vmm *vmm, int fd, char *to, size_t size)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};

	while (size) {
		if (poll(&wait, 1, PATIENCE_MS) != 1)
			give_up(vmm, "no answer");
		ssize_t got = read(fd, to, size);

		if (got <= 0)
			give_up(vmm, QEMU " is gone");
		to += got;
		size -= (size_t)got;
	}
}

static void read_line(const struct vmm *vmm, int fd, char *line, size_t size)
{
	size_t length = 0;

	for (; length < size - 1; length++) {
		read_bytes(vmm, fd, line + length, 1);
		if (line[length] == '\n')
			break;
	}
	line[length] = '\0';
}

void vmm_wait_for_guest(struct vmm *vmm)
{
	char line[64];

	read_line(vmm, vmm->agent, line, sizeof(line));
	assert_string_equal(line, "ready");
}

const char *vmm_run(struct vmm *vmm, const char *format, ...)
{
	static char text[TEXT_MAX];
	char command[1024], line[64];
	unsigned int sequence = 0;
	size_t out, err;
	int status;
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	dprintf(vmm->agent, "%u 100 %s\n", ++vmm->sequence, command);
	read_line(vmm, vmm->agent, line, sizeof(line));
	assert_int_equal(sscanf(line, "%u %d %zu %zu", &sequence, &status, &out, &err), 4);
	assert_int_equal(sequence, vmm->sequence);
	assert_true(out + err < sizeof(text));
	read_bytes(vmm, vmm->agent, text, out + err);
	text[out + err] = '\0';
	if (status)
		fail_msg("'%s' ended with status %d in the guest: %s", command, status, text);
	return text;
}

static struct json_object *ask(struct vmm *vmm, const char *command, const char *arguments,
			       va_list args)
{
	struct json_object *reply, *result = NULL;
	char filled[1024], line[TEXT_MAX];

	vsnprintf(filled, sizeof(filled), arguments, args);
	dprintf(vmm->qmp, "{\"execute\":\"%s\",\"arguments\":%s}\n", command, filled);
	/* The greeting and events come in between. */
	do {
		read_line(vmm, vmm->qmp, line, sizeof(line));
		reply = json_tokener_parse(line);
		assert_non_null(reply);
		if (json_object_object_get_ex(reply, "error", NULL))
			fail_msg("%s: %s", command, line);
		if (json_object_object_get_ex(reply, "return", &result))
			json_object_get(result);
		json_object_put(reply);
	} while (!result);
	return result;
}

struct json_object *vmm_ask(struct vmm *vmm, const char *command, const char *arguments, ...)
{
	struct json_object *result;
	va_list args;

	va_start(args, arguments);
	result = ask(vmm, command, arguments, args);
	va_end(args);
	return result;
}

void vmm_do(struct vmm *vmm, const char *command, const char *arguments, ...)
{
	va_list args;

	va_start(args, arguments);
	json_object_put(ask(vmm, command, arguments, args));
	va_end(args);
}
