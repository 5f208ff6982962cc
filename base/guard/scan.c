// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Guards look from the holder's side: they start at the few routes, mounts and
 * open files of a host, walk down through whatever is stacked below them, and
 * end at a sysfs path of hardware.  A function is held when its address is a
 * component of that path, so controllers between it and the disk or interface
 * (NVMe, virtio, SCSI, USB) need no knowledge of theirs.  The cost does not
 * grow with the number of functions: one scan answers for all.
 *
 * Each guard speaks for itself, also where another went the same way: whoever
 * lifts "mount" has not said that the volume below the file system may go.
 */
#include "base/guard/scan.h"

#include <ctype.h>
#include <errno.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <syslog.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/context.h"
#include "base/guard/links.h"
#include "base/guard/network.h"
#include "base/json.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysdir.h"

static struct json_object *chain_path(const struct guard_chain *chain)
{
	struct json_object *path = json_object_new_array();

	for (size_t i = chain->count; i--;)
		json_object_array_add(path, json_object_new_string(chain->names[i]));
	return path;
}

static bool is_known(const struct guard_scan *scan, struct json_object *holder)
{
	for (size_t i = 0; i < json_object_array_length(scan->holders); i++) {
		if (json_object_equal(holder, json_object_array_get_idx(scan->holders, i)))
			return true;
	}
	return false;
}

void guard_found(struct guard_scan *scan, const struct guard_chain *chain, const char *device)
{
	struct json_object *holder = json_object_new_object();

	json_object_set_userdata(holder, (void *)chain->guard, NULL);
	json_object_object_add(holder, "guard", json_object_new_string(chain->guard->name));
	json_object_object_add(holder, "holder", json_object_new_string(chain->holder));
	json_object_object_add(holder, "path", chain_path(chain));
	if (chain->pid)
		json_object_object_add(holder, "pid",
				       json_object_new_int64(strtol(chain->pid, NULL, 10)));
	json_object_object_add(holder, "device", json_object_new_string(device));
	if (is_known(scan, holder))
		json_object_put(holder);
	else
		json_object_array_add(scan->holders, holder);
}

const struct guard *guard_of_holder(struct json_object *holder)
{
	return json_object_get_userdata(holder);
}

bool guard_is_held(const struct guard_scan *scan, const struct guard *guard, const char *device)
{
	for (size_t i = 0; i < json_object_array_length(scan->holders); i++) {
		struct json_object *holder = json_object_array_get_idx(scan->holders, i);

		if (guard_of_holder(holder) == guard &&
		    guard_has_component(json_text(holder, "device"), device))
			return true;
	}
	return false;
}

/* Processes, mounts and devices go while we look. */
static bool is_gone(int error)
{
	return error == -ENOENT || error == -ESRCH || error == -ENODEV;
}

void guard_failed(struct guard_scan *scan, int error, const char *what)
{
	bool denied = error == -EACCES || error == -EPERM;

	if (!error || is_gone(error) || scan->error)
		return;
	scan->error = iov_told(scan->iov, error, "cannot tell who uses what: cannot read %s: %s%s; "
			       "nothing is taken before that is known", what, strerror(-error),
			       denied ? " (in a container root needs CAP_SYS_PTRACE and CAP_SYS_ADMIN)" :
			       "");
}

bool guard_read_link(struct guard_scan *scan, const char *path, char target[IOV_PATH_MAX])
{
	int error = iov_sys_link(scan->iov, path, target, IOV_PATH_MAX);

	guard_failed(scan, error, iov_path("/%s", path).name);
	return !error;
}

bool guard_may_go_deeper(struct guard_scan *scan, const struct guard_chain *chain, const char *name)
{
	for (size_t i = 0; i < chain->count; i++) {
		if (!strcmp(chain->names[i], name))
			return false;
	}
	if (chain->count < GUARD_DEPTH)
		return !scan->error;
	guard_failed(scan, -ELOOP, iov_path("what is below %s", chain->names[0]).name);
	return false;
}

void guard_unseen(struct guard_scan *scan, int error, const char *what)
{
	if ((error == -EACCES || error == -EPERM) && geteuid())
		iov_log(scan->iov, LOG_INFO, "not seen without root: %s", what);
	else
		guard_failed(scan, error, what);
}

bool guard_is_new(struct guard_scan *scan, const char *what)
{
	if (json_object_object_get_ex(scan->met, what, NULL))
		return false;
	json_object_object_add(scan->met, what, NULL);
	return true;
}

void guard_forget(struct guard_scan *scan, const char *what)
{
	json_object_object_del(scan->met, what);
}

void guard_for_each_name(struct guard_scan *scan, struct guard_chain *chain,
			 const char *directory, guard_visit_fn *visit)
{
	char **names;
	size_t count;
	int error = iov_sys_list(scan->iov, directory, &names, &count);

	guard_failed(scan, error, iov_path("/%s", directory).name);
	if (error)
		return;
	for (size_t i = 0; i < count; i++)
		visit(scan, chain, directory, names[i]);
	iov_names_free(names, count);
}

int guard_read_lines(struct guard_scan *scan, const char *path, const void *argument,
		     guard_line_fn *visit)
{
	_cleanup_free_ char *text = NULL;
	char *line, *rest;
	int error = iov_sys_read_all(scan->iov, path, &text, NULL);

	for (rest = error ? NULL : text; (line = strsep(&rest, "\n"));)
		visit(scan, line, argument);
	return error;
}

void guard_for_each_line(struct guard_scan *scan, const char *path, const void *argument,
			 guard_line_fn *visit)
{
	int error = guard_read_lines(scan, path, argument, visit);

	guard_unseen(scan, error, iov_path("/%s", path).name);
}

static bool is_octal(char digit)
{
	return digit >= '0' && digit <= '7';
}

void guard_unescape(char *text)
{
	char *out = text;

	while (*text) {
		/* One that was cut off is none. */
		if (*text == '\\' && is_octal(text[1]) && is_octal(text[2]) && is_octal(text[3])) {
			*out++ = (char)((text[1] - '0') << 6 | (text[2] - '0') << 3 | (text[3] - '0'));
			text += 4;
		} else {
			*out++ = *text++;
		}
	}
	*out = '\0';
}

bool guard_has_component(const char *path, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = path; (at = strstr(at, name)); at += length) {
		if ((at == path || at[-1] == '/') && (!at[length] || at[length] == '/'))
			return true;
	}
	return false;
}

bool guard_knows(const char *device)
{
	const char *slash = strchr(device, '/');
	struct iov_bdf bdf;

	return slash ? slash > device && slash[1] && !strchr(slash + 1, '/') :
	       iov_bdf_scan(device, &bdf);
}

struct iov_path guard_device_path(struct iov *iov, const char *device)
{
	const char *slash = strchr(device, '/');
	int length = slash ? (int)(slash - device) : 0;

	if (!slash)
		return iov_path(IOV_PATH_PCI_DEVICES "/%s", device);
	if (iov_sys_exists(iov, iov_path(IOV_PATH_BUS "/%.*s", length, device).name))
		return iov_path(IOV_PATH_BUS "/%.*s/devices/%s", length, device, slash + 1);
	return iov_path(IOV_PATH_CLASS "/%s", device);
}

/* "virtual/mtty/mtty/UUID" of "../../../devices/virtual/mtty/mtty/UUID" */
static struct json_object *place_of(struct iov *iov, const char *device)
{
	static const char above[] = "/devices/";
	char target[IOV_PATH_MAX];
	const char *place;

	if (!strchr(device, '/'))
		return json_object_new_string(device);
	if (iov_sys_link(iov, guard_device_path(iov, device).name, target, sizeof(target)))
		return NULL;
	place = strstr(target, above);
	return json_object_new_string(place ? place + strlen(above) : target);
}

struct json_object *guard_places(struct iov *iov, struct json_object *devices)
{
	struct json_object *places = json_object_new_array();

	for (size_t i = 0; i < json_object_array_length(devices); i++)
		json_object_array_add(places, place_of(iov, json_object_get_string(
				json_object_array_get_idx(devices, i))));
	return places;
}

bool guard_is_asked(const struct guard_scan *scan, const char *path)
{
	for (size_t i = 0; scan->places && i < json_object_array_length(scan->places); i++) {
		const char *place = json_object_get_string(json_object_array_get_idx(scan->places, i));

		if (place && guard_has_component(path, place))
			return true;
	}
	return false;
}

void guard_for_each_socket(struct guard_scan *scan, struct guard_process *process,
			   struct json_object *sockets, guard_socket_fn *visit)
{
	char target[GUARD_NAMESPACE_SIZE];
	struct json_object *value;

	if (!sockets || !json_object_object_length(sockets) || !guard_list_files(scan, process))
		return;
	for (size_t i = 0; i < process->file_count; i++) {
		/* What has a long name is no socket, and what closed is none any more. */
		if (!iov_dir_link(process->directory, iov_path("fd/%s", process->files[i]).name, target,
				  sizeof(target)) &&
		    json_object_object_get_ex(sockets, target, &value))
			visit(scan, process, target, value);
	}
}

const char *guard_title(struct guard_scan *scan, struct guard_process *process)
{
	char name[64] = "?";

	if (!process->title[0]) {
		iov_sys_read(scan->iov, iov_path(IOV_PATH_PROC "/%s/comm", process->pid).name, name,
			     sizeof(name));
		snprintf(process->title, sizeof(process->title), "pid %s (%s)", process->pid, name);
	}
	return process->title;
}

bool guard_is_new_namespace(struct guard_scan *scan, const struct guard_process *process,
			    const char *link, char target[GUARD_NAMESPACE_SIZE])
{
	int error = iov_dir_link(process->directory, link, target, GUARD_NAMESPACE_SIZE);

	guard_unseen(scan, error, iov_path("/%s/%s", process->path.name, link).name);
	return !error && guard_is_new(scan, target);
}

void guard_know_own_namespace(struct guard_scan *scan, const char *link)
{
	char target[GUARD_NAMESPACE_SIZE];

	if (!iov_sys_link(scan->iov, iov_path(IOV_PATH_PROC "/self/%s", link).name, target,
			  sizeof(target)))
		guard_is_new(scan, target);
}

static int open_at(struct guard_scan *scan, struct guard_process *process, struct iov_path path)
{
	int directory = iov_dir_open(scan->iov, path.name);

	if (directory < 0)
		return directory;
	if (process->directory >= 0)
		close(process->directory);
	process->directory = directory;
	process->path = path;
	return 0;
}

static bool has_ended(const struct guard_process *process)
{
	char target[GUARD_NAMESPACE_SIZE];

	return iov_dir_link(process->directory, "ns/mnt", target, sizeof(target)) == -ENOENT;
}

/* What is open and mounted is told by any thread, but for one that has ended. */
static void find_living_thread(struct guard_scan *scan, struct guard_process *process)
{
	char **names;
	size_t count;

	if (!has_ended(process) || iov_dir_list(process->directory, "task", &names, &count))
		return;
	for (size_t i = 0; i < count && has_ended(process); i++)
		open_at(scan, process, iov_path(IOV_PATH_PROC "/%s/task/%s", process->pid,
						names[i]));
	iov_names_free(names, count);
}

bool guard_list_files(struct guard_scan *scan, struct guard_process *process)
{
	int error = 0;

	if (!process->files)
		error = iov_dir_list(process->directory, "fd", &process->files,
				     &process->file_count);
	guard_unseen(scan, error, iov_path("/%s/fd", process->path.name).name);
	if (error)
		process->files = NULL;
	return !error;
}

static void look_at(struct guard_scan *scan, struct guard_process *process,
		    const struct guard_kind *const *kinds, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (kinds[i]->process)
			kinds[i]->process(scan, process);
	}
	if (process->files)
		iov_names_free(process->files, process->file_count);
	process->files = NULL;
}

static bool differs(pid_t one, pid_t other, int what)
{
	return syscall(SYS_kcmp, one, other, what, 0, 0) != 0;
}

/*
 * A thread may have descriptors, mounts and a network of its own: unshare(2).  Who has the mounts
 * of another shares no directories with it either.  Of one that cannot be asked all is looked at.
 */
static bool is_apart(struct guard_scan *scan, const struct guard_process *process,
		     struct iov_path thread, const char *tid)
{
	char own[GUARD_NAMESPACE_SIZE] = "", its[GUARD_NAMESPACE_SIZE] = "";
	const char *seen = strrchr(process->path.name, '/') + 1;
	const pid_t one = (pid_t)strtol(seen, NULL, 10), other = (pid_t)strtol(tid, NULL, 10);

	if (!strcmp(seen, tid))
		return false;
	if (!iov_sys_is_host(scan->iov))
		return iov_sys_exists(scan->iov, iov_path("%s/fd", thread.name).name);
	if (differs(one, other, KCMP_FILES) || differs(one, other, KCMP_FS))
		return true;
	return !iov_sys_link(scan->iov, iov_path("%s/ns/net", thread.name).name, its, sizeof(its)) &&
	       !iov_dir_link(process->directory, "ns/net", own, sizeof(own)) && strcmp(own, its) != 0;
}

static void look_at_threads(struct guard_scan *scan, struct guard_process *process,
			    const struct guard_kind *const *kinds, size_t count)
{
	struct iov_path tasks = iov_path(IOV_PATH_PROC "/%s/task", process->pid);
	char **names;
	size_t threads;

	if (iov_sys_list(scan->iov, tasks.name, &names, &threads))
		return;
	for (size_t i = 0; threads > 1 && i < threads; i++) {
		struct guard_process thread = { .pid = process->pid, .directory = -1 };
		struct iov_path path = iov_path("%s/%s", tasks.name, names[i]);

		if (!is_apart(scan, process, path, names[i]) || open_at(scan, &thread, path))
			continue;
		look_at(scan, &thread, kinds, count);
		close(thread.directory);
	}
	iov_names_free(names, threads);
}

/*
 * A thread of the kernel's own has no descriptors, no mappings and no namespaces of its own, and a
 * host has hundreds of them: PF_KTHREAD of the flags, the ninth field of proc_pid_stat(5).  Those
 * that work for a process, vhost's and io_uring's, are threads of that process.
 */
static bool is_of_kernel(const struct guard_process *process)
{
	char stat[512];
	const char *name_end;
	unsigned int flags;

	return !iov_dir_read(process->directory, "stat", stat, sizeof(stat)) &&
	       (name_end = strrchr(stat, ')')) &&
	       sscanf(name_end, ") %*c %*d %*d %*d %*d %*d %u", &flags) == 1 &&
	       flags & 0x00200000;
}

static void scan_process(struct guard_scan *scan, const char *pid,
			 const struct guard_kind *const *kinds, size_t count)
{
	struct guard_process process = { .pid = pid, .directory = -1 };
	struct iov_path path = iov_path(IOV_PATH_PROC "/%s", pid);
	int error = open_at(scan, &process, path);

	if (error) {
		guard_unseen(scan, error, iov_path("/%s", path.name).name);
		return;
	}
	if (!is_of_kernel(&process)) {
		find_living_thread(scan, &process);
		look_at(scan, &process, kinds, count);
		look_at_threads(scan, &process, kinds, count);
	}
	close(process.directory);
}

/* What the process has that looks for us, it has from us. */
static bool is_writer(const struct guard_scan *scan, const char *pid)
{
	return scan->iov->as_writer && strtol(pid, NULL, 10) == getpid();
}

static void scan_processes(struct guard_scan *scan, const struct guard_kind *const *kinds,
			   size_t count)
{
	char **names;
	size_t processes;
	int error = iov_sys_list(scan->iov, IOV_PATH_PROC, &names, &processes);

	/* An empty directory, or none, is a host that is not told of. */
	if (iov_sys_is_host(scan->iov) && !iov_sys_exists(scan->iov, IOV_PATH_PROC_SELF))
		guard_failed(scan, -ENOTDIR, "/" IOV_PATH_PROC ", where no procfs is mounted");
	guard_failed(scan, error, "/" IOV_PATH_PROC);
	if (error)
		return;
	for (size_t i = 0; i < processes; i++) {
		if (isdigit((unsigned char)names[i][0]) && !is_writer(scan, names[i]))
			scan_process(scan, names[i], kinds, count);
	}
	iov_names_free(names, processes);
}

int guard_scan_run(struct guard_scan *scan, struct iov *iov, const struct guard_kind *const *kinds,
		   size_t count, struct json_object *places)
{
	*scan = (struct guard_scan){
		.iov = iov,
		.places = places,
		.holders = json_object_new_array(),
		.met = json_object_new_object(),
	};
	for (size_t i = 0; i < count; i++) {
		if (kinds[i]->scan)
			kinds[i]->scan(scan);
	}
	if (count)
		scan_processes(scan, kinds, count);
	for (size_t i = 0; i < count; i++) {
		if (kinds[i]->finish)
			kinds[i]->finish(scan);
	}
	if (scan->error)
		guard_scan_close(scan);
	return scan->error;
}

void guard_scan_close(struct guard_scan *scan)
{
	json_object_put(scan->holders);
	json_object_put(scan->met);
	json_object_put(scan->disks);
	json_object_put(scan->sockets);
	json_object_put(scan->connections);
	json_object_put(scan->namespaces);
	json_object_put(scan->untold);
	json_object_put(scan->claims);
	json_object_put(scan->supplies);
	scan->holders = scan->met = scan->disks = scan->sockets = NULL;
	scan->connections = scan->namespaces = scan->untold = scan->supplies = NULL;
	guard_links_free(scan->links);
	scan->links = NULL;
	guard_network_free(scan->network);
	scan->network = NULL;
}

/* The holder as a finding: with the function in front of its path. */
static void add_finding(struct json_object *findings, const char *device,
			struct json_object *holder)
{
	struct json_object *finding = json_object_new_object();
	struct json_object *path = json_object_new_array();

	json_object_object_foreach(holder, key, value)
		json_object_object_add(finding, key, json_object_get(value));
	json_object_array_add(path, json_object_new_string(device));
	value = json_object_object_get(holder, "path");
	for (size_t i = 0; i < json_object_array_length(value); i++)
		json_object_array_add(path, json_object_get(json_object_array_get_idx(value, i)));
	json_object_object_add(finding, "path", path);
	json_object_object_add(finding, "device", json_object_new_string(device));
	json_object_array_add(findings, finding);
}

/* A path in sysfs leads there; ethtool tells a device by its name alone. */
static bool is_at(const char *found, const char *place)
{
	const char *last = strrchr(place, '/');

	return guard_has_component(found, place) || (last && !strcmp(found, last + 1));
}

void guard_scan_find(struct guard_scan *scan, const char *device, const char *place,
		     struct json_object *findings)
{
	for (size_t i = 0; i < json_object_array_length(scan->holders); i++) {
		struct json_object *holder = json_object_array_get_idx(scan->holders, i);

		if (is_at(json_text(holder, "device"), place))
			add_finding(findings, device, holder);
	}
}
