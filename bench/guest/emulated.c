// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench/guest/emulated.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "base/sysroot/paths.h"

#define RUN_SECONDS 5
#define EMULATED_RUN_SECONDS 60
#define PAGE 4096
#define HLT 0xf4
#define HYPERVISOR (1u << 31) /* of leaf 1, ECX */

bool emulated_hypervisor(char name[13])
{
	name[0] = '\0';
#if defined(__x86_64__)
	unsigned int a, b, c, d;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & HYPERVISOR))
		return false;
	__cpuid(0x40000000, a, b, c, d);
	memcpy(name, &b, sizeof(b));
	memcpy(name + 4, &c, sizeof(c));
	memcpy(name + 8, &d, sizeof(d));
	name[12] = '\0';
	for (char *at = name; *at; at++)
		if (*at < ' ' || *at > '~')
			*at = '?';
#endif
	return !strcmp(name, "TCGTCGTCGTCG");
}

#if defined(__x86_64__)
/* In real mode from address 0 on. */
static int run_instruction(int vm)
{
	struct kvm_userspace_memory_region region = {.memory_size = PAGE};
	struct kvm_sregs special;
	struct kvm_regs registers = {.rflags = 2};
	struct kvm_run *run;
	unsigned char *memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int cpu = ioctl(vm, KVM_CREATE_VCPU, 0);

	if (cpu < 0 || memory == MAP_FAILED)
		return -1;
	memory[0] = HLT;
	region.userspace_addr = (uintptr_t)memory;
	run = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, cpu, 0);
	if (run == MAP_FAILED || ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region) ||
	    ioctl(cpu, KVM_GET_SREGS, &special))
		return -1;
	special.cs.base = special.cs.selector = 0;
	if (ioctl(cpu, KVM_SET_SREGS, &special) || ioctl(cpu, KVM_SET_REGS, &registers) ||
	    ioctl(cpu, KVM_RUN, 0))
		return -1;
	return run->exit_reason == KVM_EXIT_HLT ? 0 : -1;
}
#else
static int run_instruction(int vm)
{
	return ioctl(vm, KVM_CREATE_VCPU, 0) < 0 ? -1 : 0;
}
#endif

static int run(int kvm)
{
	int vm = ioctl(kvm, KVM_CREATE_VM, 0);

	return vm < 0 ? -1 : run_instruction(vm);
}

int emulated_kvm(struct iov *iov)
{
	int kvm = open("/" IOV_PATH_DEV_KVM, O_RDWR | O_CLOEXEC), status = 0;
	char hypervisor[13];
	const unsigned int seconds = emulated_hypervisor(hypervisor) ? EMULATED_RUN_SECONDS : RUN_SECONDS;
	pid_t pid;

	if (kvm < 0)
		return iov_told(iov, -errno, "/" IOV_PATH_DEV_KVM ": %s", strerror(errno));
	pid = fork();
	if (!pid) {
		signal(SIGALRM, SIG_DFL);
		alarm(seconds);
		_exit(run(kvm) ? 1 : 0);
	}
	close(kvm);
	if (pid > 0)
		waitpid(pid, &status, 0);
	if (pid > 0 && WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	return iov_told(iov, -ENOTSUP, "KVM is there, but a guest of one instruction did not %s",
			WIFSIGNALED(status) ? "end" : "run");
}
