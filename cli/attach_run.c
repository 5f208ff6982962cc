// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/attach_run.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/size.h"
#include "base/sysroot/sysroot.h"
#include "bench/guest/child.h"
#include "bench/guest/emulated.h"
#include "bench/guest/initramfs.h"
#include "bench/guest/machine.h"
#include "cli/attach_find.h"
#include "cli/guest_files.h"
#include "cli/lend.h"
#include "cli/printable.h"

#define MIB (1u << 20)
#define MEMORY_LEAST 96
#define LOOK_US 50000

/* What is found out of a guest before it starts. */
struct guest {
	struct guest_files files;
	struct machine_options machine;
	struct cli_functions functions;
};

static volatile sig_atomic_t ended_by;

static void note_end(int number)
{
	ended_by = number;
}

/* What the terminal sends is the guest's; who wants this command to end has the guest ended. */
static void watch_signals(void)
{
	const struct sigaction action = { .sa_handler = note_end };

	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

static int choose_kvm(struct cli *cli, const char *accel, bool *kvm)
{
	int error = accel && !strcmp(accel, "tcg") ? -ENOTSUP : emulated_kvm(cli->iov);

	*kvm = !error;
	if (!error)
		return 0;
	if (accel && !strcmp(accel, "kvm"))
		return error;
	if (!accel)
		cli_print(stderr, "iov: %s; the guest is emulated\n", iov_error_message(cli->iov));
	return 0;
}

static int choose_memory(struct cli *cli, const char *text, unsigned int *memory)
{
	uint64_t bytes = (uint64_t)ATTACH_RUN_MEMORY * MIB;

	if (text && (!size_parse_unit(text, &bytes) || bytes / MIB < MEMORY_LEAST ||
		     bytes / MIB > UINT32_MAX))
		return iov_fail(cli->iov, -EINVAL, "--memory %s: expected %dM at least for a guest that is run",
				text, MEMORY_LEAST);
	*memory = (unsigned int)(bytes / MIB);
	return 0;
}

/* Names of functions, whatever driver they have. */
static int find_functions(struct cli *cli, const struct attach_run *run, struct cli_functions *functions)
{
	int error = 0;

	for (size_t i = 0; !error && i < run->count; i++)
		if (attach_is_device(cli, run->names[i]))
			error = cli_add_functions(cli, run->names[i], functions);
	return error;
}

static int make_initramfs(struct cli *cli, const struct attach_run *run, const struct guest *guest, int *fd)
{
	const struct guest_files *files = &guest->files;
	const struct cli_functions *functions = &guest->functions;
	static const char *const common[] = { "virtio_pci", "virtio_net", "virtio_blk", "nvme", "af_packet" };
	const size_t count = sizeof(common) / sizeof(*common);
	const char **drivers = calloc(count + functions->count, sizeof(*drivers));
	struct initramfs_options options = {
		.probe = files->probe, .modules = run->modules, .drivers = drivers, .count = count,
		.shell = *files->shell ? files->shell : NULL,
	};
	int error = drivers ? 0 : iov_fail(cli->iov, -ENOMEM, "no memory for a guest");

	for (size_t i = 0; drivers && i < count; i++)
		drivers[i] = common[i];
	for (size_t i = 0; drivers && i < functions->count; i++) {
		char *alias = guest_files_alias(cli, functions->list[i]);

		if (alias)
			drivers[options.count++] = alias;
	}
	if (!error)
		error = initramfs_make(fd, cli->iov, &options);
	for (size_t i = count; drivers && i < options.count; i++)
		free((char *)drivers[i]);
	free(drivers);
	return error;
}

static int wait_end(struct cli *cli, struct child *child)
{
	siginfo_t info = { 0 };

	while (child_runs(child) && !ended_by)
		usleep(LOOK_US);
	if (ended_by) {
		child_end(child);
		return iov_fail(cli->iov, -EINTR, "the guest was ended by a signal");
	}
	waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOWAIT);
	child_end(child);
	if (info.si_code == CLD_EXITED && !info.si_status)
		return 0;
	return iov_told(cli->iov, -EIO, "QEMU ended with %s %d", info.si_code == CLD_EXITED ? "status" : "signal",
			info.si_status);
}

/* Memory is that of the machine, which is shared already. */
static struct json_object *words_of(const struct machine_options *machine, const struct vmm_set *set)
{
	static const char *const console[] = {
		"-chardev", "stdio,id=console,mux=on,signal=off", "-serial", "chardev:console",
		"-mon", "chardev=console,mode=readline",
	};
	struct json_object *words = machine_arguments(machine, true);

	for (size_t i = 0; i < sizeof(console) / sizeof(*console); i++)
		json_object_array_add(words, json_object_new_string(console[i]));
	vmm_format_find(set->vmm, NULL)->emit(set, words);
	return words;
}

static int start(struct cli *cli, const struct machine_options *machine, const struct vmm_set *set)
{
	_cleanup_json_ struct json_object *words = words_of(machine, set);
	_cleanup_free_ const char **argv = machine_argv(words, NULL);
	struct child_options how = { .network = -1, .terminal = true, .fds = { machine->initramfs }, .fd_count = 1 };
	struct child child;
	int error;

	if (!argv)
		return iov_fail(cli->iov, -ENOMEM, "no memory for a guest");
	watch_signals();
	error = child_start(&child, cli->iov, argv, &how);
	return error ? error : wait_end(cli, &child);
}

static int run_guest(struct cli *cli, const struct attach_run *run, struct guest *guest, struct vmm_set *set,
		     int (*fill)(struct cli *cli, void *arg, struct vmm_set *set), void *arg)
{
	struct machine_options *machine = &guest->machine;
	int error = fill(cli, arg, set);

	set->shared = true;
	if (!error)
		error = vmm_check(set, vmm_format_find(set->vmm, NULL));
	if (!error)
		error = choose_kvm(cli, run->accel, &machine->kvm);
	if (!error)
		error = make_initramfs(cli, run, guest, &machine->initramfs);
	if (!error)
		error = start(cli, machine, set);
	if (machine->initramfs >= 0)
		close(machine->initramfs);
	return error;
}

/* What is wrong without any function is seen before one is taken. */
static int prepare(struct cli *cli, const struct attach_run *run, struct guest *guest)
{
	int error;

	if (!iov_sys_is_host(cli->iov))
		return iov_fail(cli->iov, -EOPNOTSUPP, "--run: a guest of this host cannot have what another root "
				"shows; leave out --root");
	error = guest_files_find(cli, run->kernel, run->modules, &guest->files);
	if (!error)
		error = choose_memory(cli, run->memory, &guest->machine.memory);
	return error ? error : find_functions(cli, run, &guest->functions);
}

int attach_run(struct cli *cli, const struct attach_run *run, struct vmm_set *set,
	       int (*fill)(struct cli *cli, void *arg, struct vmm_set *set), void *arg)
{
	struct guest guest = { .machine = { .kernel = guest.files.kernel, .initramfs = -1, .cpus = 1 } };
	struct lend lend = { .keeper = -1 };
	struct iov_plan *plan = NULL;
	int error = prepare(cli, run, &guest);

	if (!error && guest.functions.count)
		error = iov_plan_lock(cli->iov, cli->wait * 1000);
	if (!error) {
		error = lend_plan(cli, &lend, &guest.functions, &plan);
		error = error ? cli_drop_plan(cli, plan, error) : lend_take(cli, &lend, plan);
	}
	if (!error) {
		error = run_guest(cli, run, &guest, set, fill, arg);
		error = lend_end(cli, &lend, error);
	}
	free(guest.functions.list);
	return error;
}
