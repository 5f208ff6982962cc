// SPDX-License-Identifier: GPL-2.0-or-later
/* The probe as the first process of a guest, and its console. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sysroot/paths.h"
#include "bench/guest/initramfs.h"
#include "bench/guest/probe.h"

#define SETTLE_US 1500000

static void insert(const char *name)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "/" INITRAMFS_MODULES "/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	/* One that finds no device of its own is no fault. */
	if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) && errno != EEXIST && errno != ENODEV))
		fprintf(stderr, "iovkit: %s: %s\n", name, strerror(errno));
	if (fd >= 0)
		close(fd);
}

/* They are numbered in the order in which they need each other. */
static void insert_all(void)
{
	struct dirent **entries;
	int count = scandir("/" INITRAMFS_MODULES, &entries, NULL, alphasort);

	for (int i = 0; i < count; i++) {
		if (entries[i]->d_name[0] != '.')
			insert(entries[i]->d_name);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
}

void probe_init(void)
{
	mkdir("/" IOV_PATH_PROC, 0755);
	mkdir("/" IOV_PATH_SYS, 0755);
	mkdir("/" IOV_PATH_DEV, 0755);
	mount("proc", "/" IOV_PATH_PROC, "proc", 0, NULL);
	mount("sysfs", "/" IOV_PATH_SYS, "sysfs", 0, NULL);
	mount("devtmpfs", "/" IOV_PATH_DEV, "devtmpfs", 0, NULL);
	insert_all();
}

void probe_halt(void)
{
	sync();
	reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}

static void read_word(const char *directory, const char *file, char *text, size_t size)
{
	char path[512];
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", directory, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	got = fd < 0 ? -1 : read(fd, text, size - 1);
	if (fd >= 0)
		close(fd);
	text[got > 0 ? got : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
}

static void print_function(const char *path, const char *name)
{
	char directory[512], vendor[16], device[16], class[16], link[512], target[256];
	ssize_t got;

	snprintf(directory, sizeof(directory), "%s/%s", path, name);
	read_word(directory, "vendor", vendor, sizeof(vendor));
	read_word(directory, "device", device, sizeof(device));
	read_word(directory, "class", class, sizeof(class));
	snprintf(link, sizeof(link), "%.400s/driver", directory);
	got = readlink(link, target, sizeof(target) - 1);
	target[got > 0 ? got : 0] = '\0';
	printf("  %s  %s:%s  class %s  driver %s\n", name, vendor + 2 * (*vendor != '\0'),
	       device + 2 * (*device != '\0'), class + 2 * (*class != '\0'),
	       got > 0 ? strrchr(target, '/') + 1 : "none");
}

static void print_nic(const char *path, const char *name)
{
	char directory[512], mac[32], state[16];

	if (!strcmp(name, "lo"))
		return;
	snprintf(directory, sizeof(directory), "%s/%s", path, name);
	read_word(directory, "address", mac, sizeof(mac));
	read_word(directory, "operstate", state, sizeof(state));
	printf("  %s  %s  link %s\n", name, mac, state);
}

static void print_disk(const char *path, const char *name)
{
	char directory[512], sectors[32];

	snprintf(directory, sizeof(directory), "%s/%s", path, name);
	read_word(directory, "size", sectors, sizeof(sectors));
	printf("  %s  %llu MiB\n", name, strtoull(sectors, NULL, 10) / 2048);
}

static void print_all(const char *title, const char *path,
		      void (*print)(const char *path, const char *name))
{
	struct dirent **entries;
	int count = scandir(path, &entries, NULL, alphasort);

	if (count < 0)
		return;
	printf("%s\n", title);
	for (int i = 0; i < count; i++) {
		if (entries[i]->d_name[0] != '.')
			print(path, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
}

static void print_devices(void)
{
	print_all("PCI functions of this guest:", "/" IOV_PATH_PCI_DEVICES, print_function);
	print_all("NICs:", "/" IOV_PATH_CLASS_NET, print_nic);
	print_all("Disks:", "/" IOV_PATH_CLASS_BLOCK, print_disk);
}

/* The terminal behind the console, as the console itself controls nobody. */
static void take_terminal(void)
{
	char name[64], path[128];
	int fd;

	read_word("/" IOV_PATH_CLASS "/tty/console", "active", name, sizeof(name));
	snprintf(path, sizeof(path), "/" IOV_PATH_DEV "/%s", name);
	fd = open(path, O_RDWR);
	for (int own = STDIN_FILENO; fd >= 0 && own <= STDERR_FILENO; own++)
		dup2(fd, own);
	if (fd > STDERR_FILENO)
		close(fd);
}

static void run_shell(void)
{
	pid_t pid = fork();

	if (!pid) {
		setsid();
		take_terminal();
		setenv("PATH", "/bin", 1);
		setenv("HOME", "/", 1);
		execl("/" INITRAMFS_SHELL, "sh", "-c", "/" INITRAMFS_SHELL " --install -s /bin; exec sh -i", NULL);
		_exit(127);
	}
	while (pid > 0 && waitpid(-1, NULL, 0) != pid)
		;
}

static void run_prompt(void)
{
	char line[128];

	for (;;) {
		fputs("guest> ", stdout);
		fflush(stdout);
		if (!fgets(line, sizeof(line), stdin))
			return;
		line[strcspn(line, "\r\n")] = '\0';
		if (!strcmp(line, "poweroff") || !strcmp(line, "exit"))
			return;
		if (!strcmp(line, "devices"))
			print_devices();
		else if (*line)
			puts("There are: devices, poweroff");
	}
}

void probe_console(void)
{
	usleep(SETTLE_US); /* for links and disks that are still looked at */
	print_devices();
	if (!access("/" INITRAMFS_SHELL, X_OK)) {
		puts("Ctrl-D ends the guest; what was given to it goes back.");
		fflush(stdout);
		run_shell();
		return;
	}
	puts("'devices' lists them again, 'poweroff' ends the guest; what was given to it goes back.");
	run_prompt();
}
