// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * PID 1 of the virtual host. Emulated, each fork of a shell costs 30 ms, so
 * this is a program.
 *
 * The root file system is the machine's own, read-only over 9p under a tmpfs:
 * all is writable and nothing gets out; what is opened all the time is in /near of the
 * initramfs, between the two, and a directory that is to have nothing else over all. The directories that the lab lists in its
 * share as `places` are there at their paths even where the host has a file system of
 * its own, as on /tmp: they are taken from the root before that covers them, and
 * mounted on top. Whoever empties such a file system leaves mounts alone. Drivers of the host's devices are
 * loaded from the initramfs meanwhile, one process per driver, and their
 * devices probed one process per device, because probes mostly sleep.
 *
 * The command's stdout and stderr are pipes that we carry to a virtio port each.
 * When the command is done every process it left is killed, so the pipes come
 * to their end after the last byte, and only then the status goes out: who has
 * the status has all of the output.
 *
 * With lab.systemd we leave PID 1 to systemd after the root is mounted, and load no
 * driver, which is udev's work there. The unit lab.service, in the directory that
 * the lab shares, runs us again when the host is up.
 *
 * Words on the kernel command line:
 *   lab.drivers=A,B  drivers to load, each with /modules/NAME.order
 *   lab.coldplug     load what other devices ask for by their modalias
 *   lab.state        the root's writable layer is on the first virtio disk
 *   lab.systemd      boot with systemd
 *   lab.timeout=S    seconds that the command may take; then its processes are shown
 *   lab.log          send the kernel's log at the end
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#define DRAIN_SECONDS 20
#define TIMED_OUT (-1) /* instead of a status */
#define SELF "/run/lab-init" /* ourselves, in the root that systemd sees */
#define P9 "trans=virtio,version=9p2000.L,msize=512000,cache=loose,noxattr"

static char cmdline[4096];

/* The lab shows the console's first line that starts so, and panic=-1 ends us. */
static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *format, ...)
{
	char line[512];
	va_list args;
	FILE *console = fopen("/dev/console", "w");

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (console) {
		fprintf(console, "\nlab: %s\n", line);
		fclose(console);
	}
	sync();
	reboot(RB_POWER_OFF);
	_exit(1);
}

static ssize_t read_file(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);

	if (fd >= 0)
		close(fd);
	text[n < 0 ? 0 : n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return n;
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0)
		return;
	if (write(fd, text, strlen(text)) < 0)
		perror(path);
	close(fd);
}

/* The value of a word on the command line, "" for a bare one, or NULL. */
static char *word(const char *name)
{
	static char copy[sizeof(cmdline)];
	size_t length = strlen(name);

	strcpy(copy, cmdline);
	for (char *at = strtok(copy, " \n"); at; at = strtok(NULL, " \n"))
		if (!strncmp(at, name, length) && (at[length] == '=' || !at[length]))
			return at + length + (at[length] == '=');
	return NULL;
}

static void make_dirs(const char *path)
{
	char part[4096];

	for (const char *at = strchr(path + 1, '/');; at = strchr(at + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", at ? (int)(at - path) : (int)strlen(path), path);
		mkdir(part, 0755);
		if (!at)
			return;
	}
}

static void mount_at(const char *type, const char *source, const char *target,
		     unsigned long flags, const char *options)
{
	make_dirs(target);
	if (mount(source, target, type, flags, options) < 0)
		die("cannot mount %s on %s: %s", source, target, strerror(errno));
}

static void insert(const char *module)
{
	char path[300];
	int fd;

	snprintf(path, sizeof(path), "/modules/%s", module);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST))
		die("cannot load %s: %s", module, strerror(errno));
	close(fd);
}

/* Insert a driver and what it needs, in the order that the initramfs states. */
static void load(const char *driver)
{
	char path[256], module[256];
	FILE *order;

	snprintf(path, sizeof(path), "/modules/%s.order", driver);
	order = fopen(path, "re");
	if (!order)
		die("no %s in the initramfs", driver);
	while (fscanf(order, "%255s", module) == 1)
		insert(module);
	fclose(order);
}

static void wait_children(void)
{
	while (wait(NULL) > 0)
		;
}

static void probe_devices(void)
{
	DIR *dir = opendir("/sys/bus/pci/devices");
	struct dirent *entry;
	char path[300];

	while (dir && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver", entry->d_name);
		if (entry->d_name[0] == '.' || !access(path, F_OK) || fork())
			continue;
		write_file("/sys/bus/pci/drivers_probe", entry->d_name);
		_exit(0);
	}
	if (dir)
		closedir(dir);
	wait_children();
}

/* A child that brings the drivers up while the root file system is mounted. */
static pid_t start_drivers(void)
{
	char *drivers = word("lab.drivers");
	pid_t pid = drivers ? fork() : 0;

	if (!drivers || pid)
		return pid;
	write_file("/sys/bus/pci/drivers_autoprobe", "0");
	for (char *at = strtok(drivers, ","); at; at = strtok(NULL, ",")) {
		if (fork())
			continue;
		load(at);
		_exit(0);
	}
	wait_children();
	probe_devices();
	write_file("/sys/bus/pci/drivers_autoprobe", "1");
	_exit(0);
}

static void mount_upper(void)
{
	if (word("lab.state")) {
		load("virtio_blk");
		load("ext4");
		mount_at("ext4", "/dev/vda", "/upper", 0, NULL);
	} else {
		mount_at("tmpfs", "upper", "/upper", 0, "mode=755");
	}
	make_dirs("/upper/data");
	make_dirs("/upper/work");
}

/* The services of this machine are none of the host's. */
static void hide_services(void)
{
	static const char path[] = "/upper/data/etc/systemd/system";

	make_dirs(path);
	if (setxattr(path, "trusted.overlay.opaque", "y", 1, 0) < 0)
		die("cannot hide the machine's services: %s", strerror(errno));
}

/* Nor are changes that this machine made of itself; what the host has of its own since stays. */
static void hide_changes(void)
{
	static const char *const paths[] = { "/upper/data/var/lib/iovkit", "/upper/data/var/lib/iovd" };

	make_dirs("/upper/data/var/lib");
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (mknod(paths[i], S_IFCHR, makedev(0, 0)) < 0 && errno != EEXIST)
			die("cannot hide %s of the machine: %s", paths[i], strerror(errno));
}

static bool is_below(const char *path, const char *directory)
{
	size_t length = strlen(directory);

	return !strncmp(path, directory, length) && path[length] == '/';
}

/* Does one of the host's own file systems hide @path of the machine? */
static bool is_covered(const char *path)
{
	static const char *const own[] = { "/tmp", "/run", "/dev" };

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (is_below(path, own[i]))
			return true;
	return false;
}

static struct place {
	char path[4096];
	int tree;
} places[8];
static size_t place_count;

/* Hold the directories that will be covered, in the root that is not entered yet. */
static void take_places(void)
{
	FILE *list = fopen("/lab/places", "re");
	struct place *place = places;

	while (list && place < places + sizeof(places) / sizeof(places[0]) &&
	       fgets(place->path, sizeof(place->path), list)) {
		char path[sizeof(place->path) + sizeof("/root")];

		place->path[strcspn(place->path, "\n")] = '\0';
		if (!is_covered(place->path))
			continue;
		snprintf(path, sizeof(path), "/root%s", place->path);
		place->tree = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
		if (place->tree < 0 && errno == ENOENT)
			continue;
		if (place->tree < 0)
			die("cannot show %s to the host: %s", place->path, strerror(errno));
		place++;
	}
	place_count = place - places;
	if (list)
		fclose(list);
}

static void show_places(void)
{
	for (size_t i = 0; i < place_count; i++) {
		make_dirs(places[i].path);
		if (move_mount(places[i].tree, "", AT_FDCWD, places[i].path,
			       MOVE_MOUNT_F_EMPTY_PATH) < 0)
			die("cannot mount %s: %s", places[i].path, strerror(errno));
		close(places[i].tree);
	}
}

/* A directory of which the host has what is in /near, and nothing else. */
static void mount_alone(void)
{
	FILE *file = fopen("/alone", "r");
	char path[PATH_MAX], from[PATH_MAX + 8], to[PATH_MAX + 8];

	if (!file || fscanf(file, "%4095s", path) != 1)
		die("cannot read /alone: %s", strerror(errno));
	fclose(file);
	snprintf(from, sizeof(from), "/near%s", path);
	snprintf(to, sizeof(to), "/root%s", path);
	if (mount(from, to, NULL, MS_BIND, NULL) < 0)
		die("cannot mount %s alone: %s", path, strerror(errno));
}

static void mount_root(void)
{
	load("9pnet_virtio");
	load("9p");
	load("overlay");
	mount_at("9p", "root", "/lower", MS_RDONLY, P9);
	mount_at("9p", "lab", "/lab", MS_RDONLY, P9);
	mount_upper();
	if (word("lab.systemd"))
		hide_services();
	hide_changes();
	mount_at("overlay", "overlay", "/root", 0,
		 "lowerdir=/near:/lower,upperdir=/upper/data,workdir=/upper/work");
	mount_alone();
	take_places();
	mount_at("proc", "proc", "/root/proc", 0, NULL);
	mount_at("sysfs", "sys", "/root/sys", 0, NULL);
	mount_at("devtmpfs", "dev", "/root/dev", 0, NULL);
	mount_at("tmpfs", "run", "/root/run", 0, "mode=755");
	mount_at(NULL, "/lab", "/root/run/lab", MS_MOVE, NULL);
	write_file("/root" SELF, "");
	if (mount("/init", "/root" SELF, NULL, MS_BIND, NULL) < 0)
		die("cannot show /init to the host: %s", strerror(errno));
	if (chdir("/root") < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0)
		die("cannot enter the machine's root: %s", strerror(errno));
}

/* What systemd would have made: mounts, links, nodes that load their module. */
static void furnish(void)
{
	static const struct {
		const char *path;
		unsigned int minor;
	} nodes[] = { { "/dev/kvm", 232 }, { "/dev/net/tun", 200 }, { "/dev/vfio/vfio", 196 },
		      { "/dev/vhost-net", 238 } };

	mount_at("devpts", "devpts", "/dev/pts", 0, "mode=620,ptmxmode=666");
	mount_at("tmpfs", "shm", "/dev/shm", 0, "mode=1777");
	mount_at("hugetlbfs", "hugetlbfs", "/dev/hugepages", 0, NULL);
	mount_at("tmpfs", "tmp", "/tmp", 0, "mode=1777");
	show_places();
	make_dirs("/run/lock");
	make_dirs("/dev/net");
	make_dirs("/dev/vfio");
	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++)
		mknod(nodes[i].path, S_IFCHR | 0666, makedev(10, nodes[i].minor));
	if (symlink("/proc/self/fd", "/dev/fd") || symlink("/proc/self/fd/0", "/dev/stdin") ||
	    symlink("/proc/self/fd/1", "/dev/stdout") || symlink("/proc/self/fd/2", "/dev/stderr"))
		die("cannot link /dev/fd: %s", strerror(errno));
	write_file("/proc/sys/kernel/hostname", "iovkit-lab");
	write_file("/proc/sys/kernel/printk", "3");
}

/* modprobe finds the lab's modules where those of the running kernel belong. */
static void place_modules(void)
{
	char kernel[2048], version[128], from[4096], to[256];

	read_file("/run/lab/kernel", kernel, sizeof(kernel));
	read_file("/proc/sys/kernel/osrelease", version, sizeof(version));
	snprintf(from, sizeof(from), "%s/lib/modules/%s", kernel, version);
	snprintf(to, sizeof(to), "/lib/modules/%s", version);
	make_dirs(to);
	if (mount(from, to, NULL, MS_BIND, NULL) < 0)
		die("cannot bind %s: %s", from, strerror(errno));
	make_dirs("/etc/modprobe.d");
	write_file("/etc/modprobe.d/iovkit-lab.conf", "alias char-major-10-232 kvm_amd\n");
}

/* Names that do not depend on who was first, as udev gives them: enp1s0 */
static void name_interfaces(void)
{
	struct dirent **entries;
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int count = scandir("/sys/class/net", &entries, NULL, alphasort);
	struct ifreq request = { .ifr_flags = IFF_UP };

	strcpy(request.ifr_name, "lo");
	ioctl(sock, SIOCSIFFLAGS, &request);
	for (int i = 0; i < count; i++) {
		char path[300], target[4096] = "";
		unsigned int bus, slot, function;
		char *name;

		snprintf(path, sizeof(path), "/sys/class/net/%s/device", entries[i]->d_name);
		name = realpath(path, target) ? strrchr(target, '/') : NULL;
		if (!name || sscanf(name, "/%*x:%x:%x.%x", &bus, &slot, &function) != 3)
			continue;
		memset(&request, 0, sizeof(request));
		snprintf(request.ifr_name, IFNAMSIZ, "%.15s", entries[i]->d_name);
		snprintf(request.ifr_newname, IFNAMSIZ, function ? "enp%us%uf%u" : "enp%us%u", bus,
			 slot, function);
		ioctl(sock, SIOCSIFNAME, &request);
	}
	close(sock);
}

static void coldplug(void)
{
	if (!word("lab.coldplug"))
		return;
	if (!fork()) {
		execl("/bin/sh", "sh", "-c",
		      "sort -u /sys/bus/pci/devices/*/modalias | xargs /sbin/modprobe -aqb", NULL);
		_exit(127);
	}
	wait_children();
}

static int open_port(const char *name)
{
	struct dirent **entries;
	int count = scandir("/sys/class/virtio-ports", &entries, NULL, alphasort);
	char path[300], found[64];

	for (int i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "/sys/class/virtio-ports/%s/name", entries[i]->d_name);
		read_file(path, found, sizeof(found));
		if (strcmp(found, name))
			continue;
		snprintf(path, sizeof(path), "/dev/%s", entries[i]->d_name);
		return open(path, O_WRONLY | O_CLOEXEC);
	}
	die("no virtio port %s", name);
}

/* A pipe whose read end we carry to a port; the write end is the command's. */
struct relay {
	int in;
	int out;
	int command_end;
};

static void open_relay(struct relay *relay, const char *port)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		die("cannot make a pipe: %s", strerror(errno));
	relay->in = ends[0];
	relay->command_end = ends[1];
	relay->out = open_port(port);
}

static pid_t start_command(struct relay relays[2])
{
	char *argv[] = { "bash", "/run/lab/command", NULL };
	char *envp[] = { "HOME=/root", "USER=root", "LANG=C", "TERM=dumb",
			 "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL };
	pid_t pid = fork();

	if (!pid) {
		sigset_t none;

		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		setsid();
		dup2(open("/dev/null", O_RDONLY), 0);
		dup2(relays[0].command_end, 1);
		dup2(relays[1].command_end, 2);
		execve("/bin/bash", argv, envp);
		_exit(127);
	}
	close(relays[0].command_end);
	close(relays[1].command_end);
	return pid;
}

static bool carry(struct relay *relay)
{
	static char data[32768];
	ssize_t n = read(relay->in, data, sizeof(data)), done = 0, put;

	while (done < n && (put = write(relay->out, data + done, n - done)) > 0)
		done += put;
	if (n > 0)
		return true;
	close(relay->in);
	relay->in = -1;
	return false;
}

/* As a shell tells it. */
static int exit_status(int word)
{
	return WIFSIGNALED(word) ? 128 + WTERMSIG(word) : WEXITSTATUS(word);
}

/* Reap everybody, and tell when the command was among them. */
static bool reap(int signals, pid_t command, int *status)
{
	struct signalfd_siginfo info;
	int word;
	pid_t pid;
	bool ended = false;

	if (read(signals, &info, sizeof(info)) < 0)
		return false;
	while ((pid = waitpid(-1, &word, WNOHANG)) > 0) {
		if (pid != command)
			continue;
		*status = exit_status(word);
		ended = true;
	}
	return ended;
}

/*
 * A line for a thread, also one that has ended and nobody waited for: its ids, name, state and
 * where it waits; then its stack in the kernel.
 */
static void show_thread(int out, const char *process, const char *thread, bool even_asleep)
{
	char path[600], stat[512], where[64], stack[4096], *state;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%s/task/%s/stat", process, thread);
	read_file(path, stat, sizeof(stat));
	state = strrchr(stat, ')');
	if (!state || (!even_asleep && !strchr("DRZ", state[2])))
		return;
	snprintf(path, sizeof(path), "/proc/%s/task/%s/wchan", process, thread);
	read_file(path, where, sizeof(where));
	dprintf(out, "%s: %.*s %c %s\n", process, (int)(state + 1 - stat), stat, state[2], where);
	snprintf(path, sizeof(path), "/proc/%s/task/%s/stack", process, thread);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, stack, sizeof(stack));
	if (n > 0 && write(out, stack, n) < 0)
		perror("lab.err");
	if (fd >= 0)
		close(fd);
}

/* What a host that is not done is about: all threads, but those of the kernel that sleep. */
static void show_threads(int out)
{
	struct dirent **processes, **threads;
	int count = scandir("/proc", &processes, NULL, alphasort), count_threads;
	char path[300], command[4096];

	for (int i = 0; i < count; i++) {
		const char *process = processes[i]->d_name;
		ssize_t n;

		if (process[0] < '1' || process[0] > '9')
			continue;
		snprintf(path, sizeof(path), "/proc/%s/cmdline", process);
		n = read_file(path, command, sizeof(command));
		for (ssize_t j = 0; j < n - 1; j++)
			if (!command[j])
				command[j] = ' ';
		snprintf(path, sizeof(path), "/proc/%s/task", process);
		count_threads = scandir(path, &threads, NULL, alphasort);
		if (n > 0)
			dprintf(out, "%s: %.200s\n", process, command);
		for (int j = 0; j < count_threads; j++)
			if (threads[j]->d_name[0] != '.')
				show_thread(out, process, threads[j]->d_name, n > 0);
	}
}

/* Run the command to its end and all of its output to the ports. */
static int run_command(void)
{
	struct relay relays[2];
	sigset_t chld;
	const char *limit = word("lab.timeout");
	time_t timeout = limit ? time(NULL) + atoi(limit) : 0, deadline = 0;
	int signals, status = 0, open_relays = 2;
	pid_t command;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	signals = signalfd(-1, &chld, SFD_CLOEXEC | SFD_NONBLOCK);
	open_relay(&relays[0], "lab.out");
	open_relay(&relays[1], "lab.err");
	command = start_command(relays);
	while (open_relays && (!deadline || time(NULL) < deadline)) {
		struct pollfd fds[] = { { .fd = relays[0].in, .events = POLLIN },
					{ .fd = relays[1].in, .events = POLLIN },
					{ .fd = signals, .events = POLLIN } };

		poll(fds, 3, 1000);
		for (int i = 0; i < 2; i++)
			if (fds[i].revents && !carry(&relays[i]))
				open_relays--;
		if (fds[2].revents && reap(signals, command, &status)) {
			kill(-1, SIGKILL);
			deadline = time(NULL) + DRAIN_SECONDS;
		} else if (timeout && !deadline && time(NULL) >= timeout) {
			show_threads(relays[1].out);
			return TIMED_OUT;
		}
	}
	if (!deadline && waitpid(command, &status, 0) == command)
		status = exit_status(status);
	return status;
}

static void send_log(void)
{
	static char log[1 << 20];
	int fd, size;

	if (!word("lab.log"))
		return;
	fd = open_port("lab.log");
	size = klogctl(3, log, sizeof(log));
	for (ssize_t done = 0, put; done < size; done += put)
		if ((put = write(fd, log + done, size - done)) <= 0)
			break;
	close(fd);
}

/* Tell that the host is up, run the command, tell its status. */
static void __attribute__((noreturn)) serve(void)
{
	int control = open_port("lab.control"), status;

	dprintf(control, "up\n");
	status = run_command();
	send_log();
	if (word("lab.state"))
		sync();
	if (status == TIMED_OUT)
		dprintf(control, "timeout\n");
	else
		dprintf(control, "exit %d\n", status);
	for (;;)
		pause();
}

static void __attribute__((noreturn)) start_systemd(void)
{
	unlink("/.dockerenv"); /* systemd would believe it */
	mount_at(NULL, "/run/lab/systemd/system", "/run/systemd/system", MS_BIND, NULL);
	mount_at(NULL, "/run/lab/systemd/system-generators", "/run/systemd/system-generators",
		 MS_BIND, NULL);
	execl("/lib/systemd/systemd", "systemd", NULL);
	die("cannot start systemd: %s; run scripts/setup", strerror(errno));
}

int main(void)
{
	pid_t drivers;

	if (getpid() != 1) {
		read_file("/proc/cmdline", cmdline, sizeof(cmdline));
		serve();
	}
	setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
	mount_at("devtmpfs", "dev", "/dev", 0, NULL);
	mount_at("proc", "proc", "/proc", 0, NULL);
	mount_at("sysfs", "sys", "/sys", 0, NULL);
	read_file("/proc/cmdline", cmdline, sizeof(cmdline));
	drivers = start_drivers();
	mount_root();
	furnish();
	place_modules();
	if (drivers)
		waitpid(drivers, NULL, 0);
	if (word("lab.systemd"))
		start_systemd();
	coldplug();
	name_interfaces();
	serve();
}
