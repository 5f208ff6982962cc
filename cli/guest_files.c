// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/guest_files.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"

static bool is_file(const char *path)
{
	struct stat status;

	return !stat(path, &status) && S_ISREG(status.st_mode) && !access(path, R_OK);
}

/* Where distributions put the image of the running kernel. */
static bool find_own(char *kernel)
{
	static const char *const places[] = {
		"/boot/vmlinuz-%s", "/" IOV_PATH_MODULE_FILES "/%s/vmlinuz", "/boot/Image-%s", "/boot/kernel-%s",
	};
	struct utsname names;

	uname(&names);
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(kernel, PATH_MAX, places[i], names.release);
#pragma GCC diagnostic pop
		if (is_file(kernel))
			return true;
	}
	return false;
}

static int find_kernel(struct cli *cli, const char *named, char *kernel)
{
	struct utsname names;

	if (named) {
		snprintf(kernel, PATH_MAX, "%s", named);
		return is_file(kernel) ? 0 : iov_fail(cli->iov, -ENOENT, "--kernel %s: %s; expected the "
						      "image of a kernel", named,
						      errno ? strerror(errno) : "is no file");
	}
	if (find_own(kernel))
		return 0;
	uname(&names);
	return iov_fail(cli->iov, -ENOENT, "no image of this kernel, %s, in /boot or beside its modules; name "
			"one with --kernel, and its modules with --modules", names.release);
}

static int check_modules(struct cli *cli, const char *modules)
{
	char path[PATH_MAX];

	if (!modules)
		return 0;
	snprintf(path, sizeof(path), "%s/modules.dep", modules);
	return is_file(path) ? 0 : iov_fail(cli->iov, -ENOENT, "--modules %s: no modules.dep in it; expected a "
					    "directory like /lib/modules/VERSION", modules);
}

/* One that is not installed has it beside itself, where it was built. */
static int find_probe(struct cli *cli, char *probe)
{
	char exe[PATH_MAX];
	ssize_t got = readlink("/" IOV_PATH_PROC_SELF "/exe", exe, sizeof(exe) - 64);
	char *slash;

	exe[got > 0 ? got : 0] = '\0';
	slash = strrchr(exe, '/');
	if (slash) {
		strcpy(slash, "/../bench/guest/probe");
		snprintf(probe, PATH_MAX, "%s", exe);
		if (is_file(probe))
			return 0;
	}
	snprintf(probe, PATH_MAX, "%s", IOVKIT_PROBE);
	return is_file(probe) ? 0 : iov_fail(cli->iov, -ENOENT, "%s: the probe, which is installed with iov, is "
					     "not there", probe);
}

/* A program without an interpreter needs no libraries. */
static bool is_static(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	Elf64_Ehdr header;
	Elf64_Phdr program;
	bool is = fd >= 0 && read(fd, &header, sizeof(header)) == sizeof(header) &&
		  !memcmp(header.e_ident, ELFMAG, SELFMAG) &&
		  header.e_ident[EI_CLASS] == ELFCLASS64 && header.e_phentsize == sizeof(program);

	for (unsigned int i = 0; is && i < header.e_phnum; i++)
		is = pread(fd, &program, sizeof(program),
			   (off_t)(header.e_phoff + i * sizeof(program))) == sizeof(program) &&
		     program.p_type != PT_INTERP;
	if (fd >= 0)
		close(fd);
	return is;
}

static void find_shell(char *shell)
{
	static const char *const places[] = { "/bin/busybox", "/usr/bin/busybox", "/sbin/busybox",
					      "/usr/sbin/busybox" };

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		snprintf(shell, PATH_MAX, "%s", places[i]);
		if (is_static(shell))
			return;
	}
	*shell = '\0';
}

int guest_files_find(struct cli *cli, const char *kernel, const char *modules,
		     struct guest_files *files)
{
	int error = find_kernel(cli, kernel, files->kernel);

	if (!error)
		error = check_modules(cli, modules);
	if (!error)
		error = find_probe(cli, files->probe);
	find_shell(files->shell);
	return error;
}

char *guest_files_alias(struct cli *cli, struct iov_bdf bdf)
{
	char alias[256];

	if (iov_sys_read(cli->iov, iov_path(IOV_PATH_PCI_DEVICES "/%s/modalias", IOV_BDF(bdf)).name, alias,
			 sizeof(alias)))
		return NULL;
	return strdup(alias);
}
