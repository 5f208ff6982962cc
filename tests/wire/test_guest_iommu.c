// SPDX-License-Identifier: GPL-2.0-or-later
// Linux in QEMU behind an emulated IOMMU: its driver maps and unmaps each buffer, and every
// address that iovd sees is a virtual one.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/test.h"
#include "tests/wire/daemon.h"
#include "tests/wire/peer.h"
#include "tests/wire/vmm.h"

#define ENOUGH 100

struct fixture {
	struct daemon iovd;
	struct vmm guest;
	struct peer peer;
};

static int setup(void **state)
{
	struct fixture *fixture = test_calloc(1, sizeof(*fixture));

	daemon_start(&fixture->iovd);
	daemon_lan(&fixture->iovd, "ac");
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	vmm_end(&fixture->guest);
	peer_close(&fixture->peer);
	daemon_clean(&fixture->iovd);
	test_free(fixture);
	return 0;
}

/* ACPI, which other guests do without, has the table of the IOMMU. */
static void start_guest(struct fixture *fixture, const char *ring, const char *iommu)
{
	char append[512];
	const char *const options[] = {
		"-device", "intel-iommu,device-iotlb=on,intremap=off", "-append", append,
		"-global", "virtio-net-pci.iommu_platform=on", "-global", "virtio-net-pci.ats=on",
		"-global", "virtio-net-pci.disable-legacy=on", "-global", ring, NULL,
	};

	snprintf(append, sizeof(append), "console=ttyS0 panic=-1 intel_iommu=on %s %s", iommu,
		 getenv("GUEST_OPTIONS"));
	vmm_start(&fixture->guest, fixture->iovd.directory, "guest",
		  daemon_path(&fixture->iovd, "a"), false, options);
	vmm_wait_for_guest(&fixture->guest);
	vmm_run(&fixture->guest, "ip link set eth0 up && ip address add 10.1.0.2/24 dev eth0 && "
				 "arp -s 10.1.0.1 " PEER_MAC);
	assert_non_null(strstr(daemon_port(&fixture->iovd, "port.list", "a", "features"),
			       "access-platform"));
	peer_open(&fixture->peer, daemon_path(&fixture->iovd, "c"));
}

/* Pings are answered, through translations that come and go, and after the rings moved. */
static void expect_answers(struct fixture *fixture)
{
	const char *drops;

	peer_wait(&fixture->peer, ENOUGH);
	for (unsigned int i = 0; i < 3; i++) {
		vmm_run(&fixture->guest, "ip link set eth0 down && ip link set eth0 up && "
					 "arp -s 10.1.0.1 " PEER_MAC);
		peer_wait(&fixture->peer, ENOUGH);
	}
	drops = daemon_port(&fixture->iovd, "port.stats", "a", "drops");
	printf("%u answers to %u requests, %u given up, longest gap %llu ms, drops %s\n",
	       fixture->peer.received, fixture->peer.sent, fixture->peer.given_up,
	       (unsigned long long)fixture->peer.gap, drops);
	assert_string_equal(daemon_port(&fixture->iovd, "port.stats", "a", "refused"), "{ }");
}

static void split_rings_with_every_buffer_mapped_apart(void **state)
{
	struct fixture *fixture = *state;

	start_guest(fixture, "virtio-net-pci.packed=off", "iommu.strict=1");
	assert_int_not_equal(atoi(vmm_run(&fixture->guest, "ls /sys/kernel/iommu_groups | wc -l")),
			     0);
	expect_answers(fixture);
}

static void packed_rings_with_addresses_passed_through(void **state)
{
	struct fixture *fixture = *state;

	start_guest(fixture, "virtio-net-pci.packed=on", "iommu=pt");
	expect_answers(fixture);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(split_rings_with_every_buffer_mapped_apart),
		TEST(packed_rings_with_addresses_passed_through),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
