// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * VFs of an NVMe controller that exists in this file: ioctl(2) of the program
 * goes to it, and its rules are those of the specification that matter here.
 *
 *	resources of a secondary change only while it is offline
 *	it comes online with 2 queues and 1 interrupt, and when its VF exists
 *	what the primary keeps counts from its next reset on
 */
#include "tests/unit/test.h"

#include <endian.h>
#include <errno.h>
#include <libnvme.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/plan/plan.h"
#include "plugins/plugins.h"
#include "sriov/vf.h"
#include "tests/unit/said.h"
#include "tests/unit/tree.h"

#define PF "0000:02:00.0"
#define PF_PATH "sys/bus/pci/devices/" PF
#define VFS 4
#define SPACES 3
#define QUEUES 8
#define INTERRUPTS 4

struct resources {
	unsigned int queues, interrupts;
};

static struct {
	char *tree;
	struct iov *iov;
	struct iov_bdf pf;
	unsigned int vfs;
	struct resources primary, next;
	struct {
		struct resources has;
		bool online;
	} secondaries[VFS];
	bool plain;		/* without Virtualization Management */
	bool attaches;		/* has Namespace Attachment: 1 shared, 2 and 3 private, all the primary's at first */
	unsigned int owners[SPACES];	/* of each namespace a bit for each controller */
	int commands;		/* that change something */
	int fail_at;		/* number of the command that is refused, -1 for none */
	int resets;
	bool takes;		/* a reset takes what secondaries have */
} drive;

static unsigned int assigned_queues(void)
{
	unsigned int sum = drive.primary.queues;

	for (int i = 0; i < VFS; i++)
		sum += drive.secondaries[i].has.queues;
	return sum;
}

static void identify_primary(struct nvme_primary_ctrl_cap *cap)
{
	cap->vqfrt = htole32(QUEUES);
	cap->vqrfap = htole16((uint16_t)drive.primary.queues);
	cap->vqfrsm = htole16(QUEUES);
	cap->vqgran = htole16(1);
	cap->vifrt = htole32(INTERRUPTS);
	cap->virfap = htole16((uint16_t)drive.primary.interrupts);
	cap->vifrsm = htole16(INTERRUPTS);
	cap->vigran = htole16(1);
}

static void identify_secondaries(struct nvme_secondary_ctrl_list *list, unsigned int start)
{
	for (unsigned int id = start ? start : 1; id <= VFS; id++) {
		struct nvme_secondary_ctrl *entry = &list->sc_entry[list->num++];

		entry->scid = htole16((uint16_t)id);
		entry->vfn = htole16((uint16_t)id);
		entry->scs = drive.secondaries[id - 1].online;
		entry->nvq = htole16((uint16_t)drive.secondaries[id - 1].has.queues);
		entry->nvi = htole16((uint16_t)drive.secondaries[id - 1].has.interrupts);
	}
}

static void list_owners(struct nvme_ctrl_list *list, unsigned int owners)
{
	uint16_t count = 0;

	for (uint16_t id = 0; id <= VFS; id++) {
		if (owners >> id & 1)
			list->identifier[count++] = htole16(id);
	}
	list->num = htole16(count);
}

/* A private namespace has one owner, and a controller without its VF is none. */
static int attach(const struct nvme_passthru_cmd *command)
{
	const struct nvme_ctrl_list *list = (const void *)(uintptr_t)command->addr;
	unsigned int *owners = &drive.owners[command->nsid - 1], id = le16toh(list->identifier[0]);

	if (drive.commands++ == drive.fail_at)
		return NVME_SC_INTERNAL;
	if (id > drive.vfs)
		return NVME_SC_CTRL_LIST_INVALID;
	if (command->cdw10 & 0xf) {
		*owners &= ~(1u << id);
		return 0;
	}
	if (*owners && command->nsid != 1)
		return NVME_SC_NS_IS_PRIVATE;
	*owners |= 1u << id;
	return 0;
}

static void identify_namespace(struct nvme_id_ns *identity, uint32_t id)
{
	identity->nmic = id == 1;
	memset(identity->nguid, (int)(0x10 * id), sizeof(identity->nguid));
	memset(identity->eui64, (int)id, sizeof(identity->eui64));
}

static int identify(const struct nvme_passthru_cmd *command)
{
	void *data = (void *)(uintptr_t)command->addr;

	memset(data, 0, NVME_IDENTIFY_DATA_SIZE);
	switch (command->cdw10 & 0xff) {
	case NVME_IDENTIFY_CNS_CTRL:
		((struct nvme_id_ctrl *)data)->oacs = htole16((uint16_t)((drive.plain ? 0 : 1 << 7) |
									 (drive.attaches ? 1 << 3 : 0)));
		return 0;
	case NVME_IDENTIFY_CNS_ALLOCATED_NS_LIST:
		for (uint32_t id = command->nsid + 1, at = 0; id <= SPACES; id++)
			((struct nvme_ns_list *)data)->ns[at++] = htole32(id);
		return 0;
	case NVME_IDENTIFY_CNS_ALLOCATED_NS:
		identify_namespace(data, command->nsid);
		return 0;
	case NVME_IDENTIFY_CNS_NS_CTRL_LIST:
		list_owners(data, drive.owners[command->nsid - 1]);
		return 0;
	case NVME_IDENTIFY_CNS_PRIMARY_CTRL_CAP:
		identify_primary(data);
		return 0;
	case NVME_IDENTIFY_CNS_SECONDARY_CTRL_LIST:
		identify_secondaries(data, command->cdw10 >> 16);
		return 0;
	default:
		return NVME_SC_INVALID_FIELD;
	}
}

static int assign(unsigned int index, bool interrupts, unsigned int count)
{
	struct resources *has = &drive.secondaries[index].has;

	if (drive.secondaries[index].online)
		return NVME_SC_INVALID_SEC_CTRL_STATE;
	if (!interrupts && assigned_queues() - has->queues + count > QUEUES)
		return NVME_SC_INVALID_RESOURCE_ID;
	*(interrupts ? &has->interrupts : &has->queues) = count;
	return 0;
}

static int set_online(unsigned int index)
{
	if (index >= drive.vfs || drive.secondaries[index].has.queues < 2 ||
	    !drive.secondaries[index].has.interrupts)
		return NVME_SC_INVALID_SEC_CTRL_STATE;
	drive.secondaries[index].online = true;
	return 0;
}

static int manage(const struct nvme_passthru_cmd *command)
{
	unsigned int controller = command->cdw10 >> 16, action = command->cdw10 & 0xf;
	bool interrupts = command->cdw10 >> 8 & 7;

	if (drive.commands++ == drive.fail_at)
		return NVME_SC_INTERNAL;
	if (action == NVME_VIRT_MGMT_ACT_PRIM_CTRL_FLEX_ALLOC) {
		*(interrupts ? &drive.next.interrupts : &drive.next.queues) = command->cdw11;
		return 0;
	}
	if (controller < 1 || controller > VFS)
		return NVME_SC_INVALID_CTRL_ID;
	if (action == NVME_VIRT_MGMT_ACT_ASSIGN_SEC_CTRL)
		return assign(controller - 1, interrupts, command->cdw11);
	if (action == NVME_VIRT_MGMT_ACT_ONLINE_SEC_CTRL)
		return set_online(controller - 1);
	drive.secondaries[controller - 1].online = false;
	return 0;
}

/* Stands in for the system call in the library and in libnvme. */
int ioctl(int fd, unsigned long request, ...)
{
	struct nvme_passthru_cmd *command;
	va_list args;

	(void)fd;
	va_start(args, request);
	command = va_arg(args, struct nvme_passthru_cmd *);
	va_end(args);
	if (request != NVME_IOCTL_ADMIN_CMD) {
		errno = ENOTTY;
		return -1;
	}
	command->result = 0;
	if (command->opcode == nvme_admin_ns_attach)
		return attach(command);
	return command->opcode == nvme_admin_identify ? identify(command) : manage(command);
}

static void write_vfs(unsigned int count)
{
	char text[16];

	for (unsigned int i = 0; i < VFS; i++) {
		struct iov_path link = iov_path(PF_PATH "/virtfn%u", i);

		drive.secondaries[i].online = false;
		if (i < count)
			tree_link(drive.tree, link.name, iov_path("../0000:02:00.%u", i + 1).name);
		else
			tree_unlink(drive.tree, link.name);
	}
	drive.vfs = count;
	snprintf(text, sizeof(text), "%u\n", count);
	tree_file(drive.tree, PF_PATH "/sriov_numvfs", text);
}

/* Of VF 0 */
#define VF_PATH "sys/bus/pci/devices/0000:02:00.1"

static void set_driver(const char *driver)
{
	tree_link(drive.tree, VF_PATH "/driver", iov_path("../../../bus/pci/drivers/%s", driver).name);
}

static int on_write(void *arg, struct iov *iov, const char *path, const char *text)
{
	(void)arg;
	(void)iov;
	if (strstr(path, "sriov_numvfs")) {
		write_vfs((unsigned int)strtoul(text, NULL, 10));
	} else if (!strcmp(path, PF_PATH "/reset")) {
		drive.resets++;
		drive.primary = drive.next;
		for (int i = 0; i < VFS; i++) {
			drive.secondaries[i].online = false;
			if (drive.takes)
				drive.secondaries[i].has = (struct resources){ 0 };
		}
	} else if (strstr(path, "driver/unbind")) {
		assert_true(drive.secondaries[0].online);
		tree_unlink(drive.tree, VF_PATH "/driver");
	} else if (!strcmp(path, "sys/bus/pci/drivers_probe")) {
		assert_true(drive.secondaries[0].online);
		set_driver("nvme");
	} else {
		tree_file(drive.tree, path, text);
	}
	return 0;
}

static int setup(void **state)
{
	(void)state;
	memset(&drive, 0, sizeof(drive));
	drive.fail_at = -1;
	drive.tree = tree_new();
	drive.iov = tree_open(drive.tree);
	iov_sys_on_write(drive.iov, on_write, NULL);
	assert_int_equal(iov_bdf_parse(drive.iov, PF, &drive.pf), 0);
	assert_int_equal(iov_sriov_register(drive.iov), 0);
	assert_int_equal(iov_plugins_register(drive.iov), 0);
	tree_file(drive.tree, "proc/sys/kernel/random/boot_id", "this-boot\n");
	tree_file(drive.tree, "dev/nvme0", "");
	tree_file(drive.tree, PF_PATH "/nvme/nvme0/state", "live\n");
	tree_file(drive.tree, PF_PATH "/nvme/nvme0/subsysnqn", "nqn.a\n");
	tree_file(drive.tree, PF_PATH "/class", "0x010802\n");
	tree_file(drive.tree, PF_PATH "/sriov_totalvfs", "4\n");
	tree_file(drive.tree, PF_PATH "/sriov_numvfs", "0\n");
	tree_file(drive.tree, PF_PATH "/sriov_offset", "1\n");
	tree_file(drive.tree, PF_PATH "/sriov_stride", "1\n");
	tree_file(drive.tree, PF_PATH "/sriov_drivers_autoprobe", "1\n");
	tree_link(drive.tree, PF_PATH "/driver", "../../../bus/pci/drivers/nvme");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	iov_close(drive.iov);
	tree_remove(drive.tree);
	return 0;
}

static int change(unsigned int count)
{
	struct iov_plan_options options = { .verify_timeout = 20 };
	struct iov_plan *plan;
	int error;

	assert_int_equal(iov_plan_new(&plan, drive.iov, "test"), 0);
	error = count ? iov_vf_create_plan(plan, drive.pf, count, 0) :
			iov_vf_remove_plan(plan, drive.pf);
	if (!error)
		error = iov_plan_run(plan, &options);
	iov_plan_free(plan);
	return error;
}

#define assert_message(part) assert_said(drive.iov, part)

static void assert_online(unsigned int count, unsigned int queues, unsigned int interrupts)
{
	assert_int_equal(drive.vfs, count);
	for (unsigned int i = 0; i < VFS; i++) {
		assert_int_equal(drive.secondaries[i].online, i < count);
		assert_int_equal(drive.secondaries[i].has.queues, i < count ? queues : 0);
		assert_int_equal(drive.secondaries[i].has.interrupts, i < count ? interrupts : 0);
	}
}

static void vfs_share_the_resources_and_come_online(void **state)
{
	(void)state;
	assert_int_equal(change(4), 0);
	assert_online(4, 2, 1);
	assert_int_equal(drive.resets, 0);
}

static void fewer_vfs_get_more_each(void **state)
{
	(void)state;
	assert_int_equal(change(2), 0);
	assert_online(2, 4, 2);
}

static void what_the_primary_holds_is_taken_from_it(void **state)
{
	(void)state;
	drive.primary = drive.next = (struct resources){ QUEUES, INTERRUPTS };
	assert_int_equal(change(4), 0);
	assert_online(4, 2, 1);
	assert_int_equal(drive.primary.queues, 0);
	assert_int_equal(drive.resets, 1);
}

static void vfs_that_are_online_are_left_alone(void **state)
{
	int commands;

	(void)state;
	assert_int_equal(change(3), 0);
	commands = drive.commands;
	assert_int_equal(change(3), 0);
	assert_int_equal(drive.commands, commands);
}

static void vfs_made_by_hand_are_set_online(void **state)
{
	(void)state;
	write_vfs(2);
	assert_int_equal(change(2), 0);
	assert_online(2, 4, 2);
}

static void another_number_is_shared_out_anew(void **state)
{
	(void)state;
	assert_int_equal(change(4), 0);
	assert_int_equal(change(2), 0);
	assert_online(2, 4, 2);
	assert_int_equal(change(3), 0);
	assert_online(3, 2, 1);
}

static void removed_vfs_give_back_what_they_had(void **state)
{
	(void)state;
	assert_int_equal(change(3), 0);
	assert_int_equal(change(0), 0);
	assert_online(0, 0, 0);
}

static void more_vfs_than_queues_for_them_are_refused(void **state)
{
	struct iov_pf pf;

	(void)state;
	tree_file(drive.tree, PF_PATH "/sriov_totalvfs", "6\n");
	assert_int_equal(iov_pf_read(drive.iov, drive.pf, &pf), 0);
	assert_int_equal(change(5), -ENOSPC);
	assert_message("at most 4 VFs");
	assert_int_equal(drive.commands, 0);
}

static void a_refused_command_leaves_everything_as_before(void **state)
{
	(void)state;
	drive.primary = drive.next = (struct resources){ QUEUES, INTERRUPTS };
	/* Queues and interrupts of the primary and of 3 VFs, and 3 to set online. */
	for (drive.fail_at = 0; drive.fail_at < 2 + 3 * 2 + 3; drive.fail_at++) {
		drive.commands = 0;
		assert_int_equal(change(3), -EIO);
		assert_message("the controller says");
		assert_message("as it was before");
		assert_online(0, 0, 0);
		assert_int_equal(drive.primary.queues, QUEUES);
		assert_int_equal(drive.primary.interrupts, INTERRUPTS);
	}
}

static void a_refused_change_of_number_restores_the_vfs(void **state)
{
	int commands;

	(void)state;
	assert_int_equal(change(2), 0);
	commands = drive.commands;
	for (int at = 0; at < 6; at++) {
		drive.commands = commands;
		drive.fail_at = commands + at;
		assert_int_equal(change(4), -EIO);
		assert_message("as it was before");
		assert_online(2, 4, 2);
	}
}

static void a_controller_without_resources_to_share_is_served(void **state)
{
	(void)state;
	drive.plain = true;
	assert_int_equal(change(3), 0);
	assert_int_equal(drive.vfs, 3);
	assert_int_equal(drive.commands, 0);
}

static void a_pf_without_its_driver_is_refused(void **state)
{
	(void)state;
	tree_unlink(drive.tree, PF_PATH "/nvme/nvme0/state");
	tree_unlink(drive.tree, PF_PATH "/nvme/nvme0/subsysnqn");
	assert_int_equal(remove(iov_path("%s/" PF_PATH "/nvme/nvme0", drive.tree).name), 0);
	tree_link(drive.tree, PF_PATH "/driver", "../../../bus/pci/drivers/vfio-pci");
	assert_int_equal(change(2), -ENODEV);
	assert_message("iov unbind " PF);
}

static void the_list_shows_state_and_resources(void **state)
{
	_cleanup_json_ struct json_object *list = NULL;
	struct json_object *vf;

	(void)state;
	assert_int_equal(change(2), 0);
	assert_int_equal(iov_vf_list(drive.iov, drive.pf, -1, &list), 0);
	vf = json_object_array_get_idx(json_object_object_get(list, "vfs"), 1);
	assert_string_equal(json_object_to_json_string_ext(vf, JSON_C_TO_STRING_PLAIN),
			    "{\"index\":1,\"device\":\"0000:02:00.2\",\"driver\":null,\"iommu_group\":null,"
			    "\"netdev\":null,\"controller\":2,\"state\":\"online\",\"queues\":4,"
			    "\"interrupts\":2,\"used_by\":[]}");
}

static struct iov_bdf vf_of(unsigned int index)
{
	return iov_bdf_add(drive.pf, 1 + index);
}

static unsigned int confirm;
static const char *const *lifted;

/* Give VF @index values like "queues", "6", "state", "online", up to a NULL. */
static int provide(unsigned int index, ...)
{
	_cleanup_json_ struct json_object *values = json_object_new_object();
	struct iov_plan_options options = { .verify_timeout = 20, .confirm = confirm,
					    .lifted = lifted };
	struct iov_plan *plan;
	va_list arguments;
	const char *name;
	int error = 0;

	va_start(arguments, index);
	while (!error && (name = va_arg(arguments, const char *)))
		error = iov_attribute_parse(drive.iov, drive.pf, name, va_arg(arguments, const char *),
					    values);
	va_end(arguments);
	assert_int_equal(error, 0);
	assert_int_equal(iov_plan_new(&plan, drive.iov, "test"), 0);
	error = iov_vf_set_plan(plan, drive.pf, -1, index, values);
	if (!error)
		error = iov_plan_run(plan, &options);
	iov_plan_free(plan);
	return error;
}

static void assert_has(unsigned int index, bool online, unsigned int queues, unsigned int interrupts)
{
	assert_int_equal(drive.secondaries[index].online, online);
	assert_int_equal(drive.secondaries[index].has.queues, queues);
	assert_int_equal(drive.secondaries[index].has.interrupts, interrupts);
}

static void a_vf_that_is_offline_gets_what_is_free(void **state)
{
	(void)state;
	assert_int_equal(change(3), 0);
	assert_int_equal(provide(0, "state", "offline", NULL), 0);
	assert_has(0, false, 2, 1);
	assert_int_equal(provide(0, "queues", "4", "interrupts", "2", NULL), 0);
	assert_has(0, false, 4, 2);
	assert_int_equal(provide(0, "state", "online", NULL), 0);
	assert_has(0, true, 4, 2);
	assert_has(1, true, 2, 1);
	assert_int_equal(drive.resets, 0);
}

static void a_vf_that_is_online_goes_offline_for_a_moment(void **state)
{
	int commands;

	(void)state;
	assert_int_equal(change(3), 0);
	assert_int_equal(provide(1, "queues", "4", NULL), -EBUSY);
	assert_message("VF 1 of " PF " is online");
	assert_message("--online");
	assert_has(1, true, 2, 1);
	assert_int_equal(provide(1, "queues", "4", "state", "online", NULL), 0);
	assert_has(1, true, 4, 1);
	commands = drive.commands;
	assert_int_equal(provide(1, "queues", "4", "state", "online", NULL), 0);
	assert_int_equal(drive.commands, commands);
}

static void the_kernels_driver_lets_go_of_what_goes_offline(void **state)
{
	char driver[64];

	(void)state;
	assert_int_equal(change(3), 0);
	tree_file(drive.tree, VF_PATH "/nvme/nvme1/state", "live\n");
	set_driver("nvme");
	assert_int_equal(provide(0, "queues", "4", "state", "online", NULL), 0);
	assert_has(0, true, 4, 1);
	assert_int_equal(iov_pci_driver(drive.iov, vf_of(0), driver, sizeof(driver)), 0);
	assert_string_equal(driver, "nvme");
	drive.fail_at = drive.commands + 1;
	assert_int_equal(provide(0, "queues", "2", "state", "online", NULL), -EIO);
	assert_has(0, true, 4, 1);
	assert_int_equal(iov_pci_driver(drive.iov, vf_of(0), driver, sizeof(driver)), 0);
	assert_string_equal(driver, "nvme");
	assert_int_equal(provide(0, "state", "offline", NULL), 0);
	assert_has(0, false, 4, 1);
	assert_int_equal(iov_pci_driver(drive.iov, vf_of(0), driver, sizeof(driver)), 0);
	assert_string_equal(driver, "");
	assert_int_equal(remove(iov_path("%s/" VF_PATH "/nvme/nvme1/state", drive.tree).name), 0);
	assert_int_equal(remove(iov_path("%s/" VF_PATH "/nvme/nvme1", drive.tree).name), 0);
	assert_int_equal(provide(0, "state", "online", NULL), 0);
	assert_has(0, true, 4, 1);
	/* A driver that has no controller of the kernel's is not told. */
	set_driver("vfio-pci");
	assert_int_equal(provide(0, "state", "offline", NULL), 0);
	assert_int_equal(iov_pci_driver(drive.iov, vf_of(0), driver, sizeof(driver)), 0);
	assert_string_equal(driver, "vfio-pci");
}

static void nothing_left_is_told_with_who_has_it(void **state)
{
	(void)state;
	drive.primary = drive.next = (struct resources){ 2, 1 };
	write_vfs(2);
	drive.secondaries[1].has = (struct resources){ 4, 2 };
	assert_int_equal(provide(0, "queues", "3", "interrupts", "1", NULL), -ENOSPC);
	assert_message(PF " has 8 flexible queues, and 9 would be needed: the PF 2, VF 0 3, VF 1 4");
	assert_int_equal(provide(0, "queues", "2", "interrupts", "2", NULL), -ENOSPC);
	assert_message("4 flexible interrupts, and 5 would be needed");
	assert_int_equal(drive.commands, 0);
	assert_int_equal(provide(0, "queues", "2", "interrupts", "1", NULL), 0);
}

static void shares_that_cannot_be_are_refused_with_the_range(void **state)
{
	(void)state;
	write_vfs(2);
	assert_int_equal(provide(0, "queues", "9", NULL), -EINVAL);
	assert_message("queues 9: a VF of " PF " has at most 8");
	assert_int_equal(provide(0, "interrupts", "5", NULL), -EINVAL);
	assert_message("at most 4");
	assert_int_equal(provide(0, "queues", "1", "interrupts", "1", "state", "online", NULL), -EINVAL);
	assert_message("to be online it needs at least 2 and 1");
	assert_int_equal(provide(3, "queues", "2", NULL), -ENODEV);
	assert_message("no VF 3");
	drive.plain = true;
	assert_int_equal(provide(0, "queues", "2", NULL), -EOPNOTSUPP);
	assert_message("lacks the command");
	assert_int_equal(drive.commands, 0);
}

static void a_refused_share_is_taken_back(void **state)
{
	(void)state;
	assert_int_equal(change(3), 0);
	for (int n = 0; n < 4; n++) {
		drive.fail_at = drive.commands + n;
		assert_int_equal(provide(2, "queues", "4", "interrupts", "2", "state", "online", NULL), -EIO);
		assert_has(2, true, 2, 1);
	}
}

static void set_holder(bool holds)
{
	tree_link(drive.tree, "sys/bus/pci/devices/0000:02:00.1/iommu_group",
		  "../../../kernel/iommu_groups/7");
	tree_link(drive.tree, "sys/kernel/iommu_groups/7/devices/0000:02:00.1",
		  "../../../../bus/pci/devices/0000:02:00.1");
	tree_file(drive.tree, "dev/vfio/7", "");
	tree_file(drive.tree, "proc/71/comm", "qemu\n");
	if (holds)
		tree_link(drive.tree, "proc/71/fd/9", "/dev/vfio/7");
	else
		tree_unlink(drive.tree, "proc/71/fd/9");
}

/* Between the change and its undo a guest may have started on the VF. */
static void a_vf_that_came_online_is_not_taken_from_its_guest(void **state)
{
	(void)state;
	assert_int_equal(change(3), 0);
	assert_int_equal(provide(0, "state", "offline", NULL), 0);
	confirm = 60;
	assert_int_equal(provide(0, "state", "online", NULL), 0);
	confirm = 0;
	set_holder(true);
	assert_int_equal(iov_plan_recover(drive.iov, false, NULL), -ENOTRECOVERABLE);
	assert_message("0000:02:00.1 is held by pid 71 (qemu)");
	assert_has(0, true, 2, 1);
	set_holder(false);
	assert_int_equal(iov_plan_recover(drive.iov, false, NULL), 0);
	assert_has(0, false, 2, 1);
}

static void give_spaces(void)
{
	drive.attaches = true;
	drive.owners[0] = 1;
	drive.owners[1] = 1;
	assert_int_equal(change(3), 0);
	drive.commands = 0;
}

static void namespaces_are_attached_and_detached(void **state)
{
	(void)state;
	give_spaces();
	assert_int_equal(provide(0, "namespaces", "3,1", NULL), 0);
	assert_int_equal(drive.owners[0], 1 | 2);
	assert_int_equal(drive.owners[2], 2);
	assert_int_equal(provide(0, "namespaces", "1,3", NULL), 0);
	assert_int_equal(drive.commands, 2);
	assert_int_equal(provide(1, "namespaces", "1", NULL), 0);
	assert_int_equal(drive.owners[0], 1 | 2 | 4);
	assert_int_equal(provide(0, "namespaces", "none", NULL), 0);
	assert_int_equal(drive.owners[0], 1 | 4);
	assert_int_equal(drive.owners[2], 0);
	assert_has(0, true, 2, 1);
}

static void a_private_namespace_is_not_taken_from_its_owner(void **state)
{
	(void)state;
	give_spaces();
	assert_int_equal(provide(0, "namespaces", "2", NULL), -EBUSY);
	assert_message("namespace 2 of " PF " is private, and attached to controller 0, the PF; detach it there first: "
		       "'nvme detach-ns -n 2 -c 0'");
	assert_int_equal(provide(0, "namespaces", "3", NULL), 0);
	assert_int_equal(provide(1, "namespaces", "3", NULL), -EBUSY);
	assert_message("controller 1, VF 0");
	assert_int_equal(provide(1, "namespaces", "4", NULL), -ENOENT);
	assert_message("it has: 1, 2 (private), 3 (private)");
	assert_int_equal(drive.commands, 1);
}

static void refused_namespaces_are_given_back(void **state)
{
	(void)state;
	give_spaces();
	assert_int_equal(provide(0, "namespaces", "1", NULL), 0);
	for (int n = 0; n < 2; n++) {
		drive.fail_at = drive.commands + n;
		assert_int_equal(provide(0, "namespaces", "3", NULL), -EIO);
		assert_message("as it was before");
		assert_int_equal(drive.owners[0], 1 | 2);
		assert_int_equal(drive.owners[2], 0);
	}
}

static void a_controller_that_attaches_nothing_is_told(void **state)
{
	(void)state;
	assert_int_equal(change(1), 0);
	assert_int_equal(provide(0, "namespaces", "1", NULL), -EOPNOTSUPP);
	assert_message("lacks Namespace Management");
}

#define BLOCK "sys/class/block/"
#define HEADS "virtual/nvme-subsystem/nvme-subsys0"

/* A disk that is a namespace of the subsystem "nqn.a", at a path below sys/devices. */
static void add_disk(const char *name, unsigned int number, const char *above)
{
	struct iov_path device = iov_path("sys/devices/%s/%s", above, name);

	tree_file(drive.tree, iov_path("%s/nsid", device.name).name, iov_path("%u\n", number).name);
	tree_link(drive.tree, iov_path("%s/device", device.name).name, "..");
	tree_file(drive.tree, iov_path("sys/devices/%s/subsysnqn", above).name, "nqn.a\n");
	tree_link(drive.tree, iov_path(BLOCK "%s", name).name,
		  iov_path("../../devices/%s/%s", above, name).name);
}

#define MOUNT "proc/self/mountinfo"

static void mount_disk(const char *name)
{
	tree_link(drive.tree, "sys/dev/block/259:0", iov_path("../../class/block/%s", name).name);
	tree_file(drive.tree, MOUNT, "36 35 259:0 / /mnt rw - ext4 /dev/disk rw\n");
}

static void a_namespace_that_the_host_has_mounted_is_asked_for(void **state)
{
	static const char *const mount[] = { "mount", NULL };

	(void)state;
	give_spaces();
	add_disk("nvme0n1", 1, "pci0000:00/" PF "/nvme/nvme0");
	add_disk("nvme0n2", 2, "pci0000:00/" PF "/nvme/nvme0");
	mount_disk("nvme0n1");
	assert_int_equal(provide(0, "namespaces", "3", NULL), 0);
	assert_int_equal(provide(0, "namespaces", "1,3", NULL), -ECANCELED);
	assert_message("nothing changed: block/nvme0n1 (namespace 1, which VF 0 of " PF " gets) is in use by "
		       "/mnt (ext4) [guard mount]; release it first, or lift the guard with --force=mount");
	assert_int_equal(drive.owners[0], 1);
	lifted = mount;
	assert_int_equal(provide(0, "namespaces", "1,3", NULL), 0);
	lifted = NULL;
	assert_int_equal(drive.owners[0], 1 | 2);
	/* It has it, and another one is added. */
	assert_int_equal(provide(0, "namespaces", "1", NULL), 0);
	tree_file(drive.tree, MOUNT, "");
	assert_int_equal(provide(1, "namespaces", "1", NULL), 0);
}

/* With multipath the disk is below the subsystem, and what leads to it by a controller is hidden. */
static void all_who_use_a_disk_of_several_controllers_are_named(void **state)
{
	(void)state;
	give_spaces();
	add_disk("nvme0n1", 1, HEADS);
	add_disk("nvme0c0n1", 1, "pci0000:00/" PF "/nvme/nvme0");
	tree_file(drive.tree, BLOCK "nvme0c0n1/hidden", "1\n");
	tree_file(drive.tree, BLOCK "nvme0n1/hidden", "0\n");
	tree_link(drive.tree, BLOCK "nvme0n1p1", "../../devices/" HEADS "/nvme0n1/nvme0n1p1");
	tree_file(drive.tree, "sys/devices/" HEADS "/nvme0n1/nvme0n1p1/partition", "1\n");
	tree_file(drive.tree, "proc/swaps", "Filename Type Size Used Priority\n/dev/nvme0n1p1 partition 9 0 -2\n");
	tree_link(drive.tree, BLOCK "md0", "../../devices/virtual/block/md0");
	tree_link(drive.tree, "sys/devices/virtual/block/md0/slaves/nvme0n1", "../../../../nvme0n1");
	tree_file(drive.tree, "sys/devices/virtual/block/md0/md/array_state", "clean\n");
	tree_link(drive.tree, "sys/class/nvme-generic/ng0n1", "../../devices/" HEADS "/ng0n1");
	tree_file(drive.tree, "sys/devices/" HEADS "/ng0n1/uevent", "DEVNAME=ng0n1\n");
	tree_link(drive.tree, "sys/devices/" HEADS "/ng0n1/subsystem", "../../../../../class/nvme-generic");
	tree_link(drive.tree, "sys/dev/char/236:1", "../../devices/" HEADS "/ng0n1");
	tree_file(drive.tree, "proc/72/comm", "fio\n");
	tree_link(drive.tree, "proc/72/fd/9", "/dev/ng0n1");
	assert_int_equal(provide(0, "namespaces", "1", NULL), -ECANCELED);
	assert_message("block/nvme0n1 (namespace 1, which VF 0 of " PF " gets) is in use by swap on /dev/nvme0n1p1 "
		       "[guard swap], MD array md0 [guard md]; "
		       "nvme-generic/ng0n1 (namespace 1, which VF 0 of " PF " gets) is in use by pid 72 (fio) "
		       "[guard disk-open]; release them first, or lift the guard with --force=swap --force=md "
		       "--force=disk-open");
	assert_int_equal(drive.owners[0], 1);
}

/* Give VF @index to somebody, by a plan that changes it before, or does not. */
static int give_away(unsigned int index, bool changed)
{
	struct iov_plan_options options = { .verify_timeout = 20, .lifted = lifted };
	struct iov_bdf vf = { .bus = 2, .device = (index + 1) / 8, .function = (index + 1) % 8 };
	struct iov_plan *plan;
	struct iov_step *step;
	int error;

	assert_int_equal(iov_plan_new(&plan, drive.iov, "test"), 0);
	for (int i = !changed; i < 2; i++) {
		step = iov_plan_step(plan, IOV_BDF(vf), "step %d", i);
		iov_step_spares(step, "a test");
	}
	iov_step_gives(step, vf);
	error = iov_plan_run(plan, &options);
	iov_plan_free(plan);
	return error;
}

static void a_vf_that_has_a_disk_of_the_host_is_not_given_away(void **state)
{
	static const char *const swap[] = { "swap", NULL };

	(void)state;
	give_spaces();
	add_disk("nvme0n1", 1, HEADS);
	add_disk("nvme0n2", 2, HEADS);
	tree_file(drive.tree, "proc/swaps", "Filename Type Size Used Priority\n/dev/nvme0n1 partition 1 0 -2\n"
		  "/dev/nvme0n2 partition 1 0 -2\n");
	tree_link(drive.tree, PF_PATH "/driver", "../../../../bus/pci/drivers/nvme");
	tree_link(drive.tree, "sys/bus/pci/devices/0000:02:00.1/physfn", "../" PF);
	tree_link(drive.tree, "sys/bus/pci/devices/0000:02:00.2/physfn", "../" PF);
	assert_int_equal(give_away(0, false), 0);
	assert_int_equal(give_away(0, true), 0);
	/* As a device attaches a shared one to a new controller; the second is private. */
	drive.owners[0] |= 1u << 1;
	drive.owners[1] |= 1u << 1;
	assert_int_equal(give_away(0, false), -ECANCELED);
	assert_message("block/nvme0n1 (namespace 1, which VF 0 of " PF " gets) is in use by swap on /dev/nvme0n1 "
		       "[guard swap]; release it first, or lift the guard with --force=swap");
	assert_int_equal(give_away(0, true), -ECANCELED);
	assert_message("cannot step 1: refused, nothing changed: block/nvme0n1 (namespace 1");
	assert_int_equal(give_away(1, false), 0);
	lifted = swap;
	assert_int_equal(give_away(0, false), 0);
	assert_int_equal(give_away(0, true), 0);
	lifted = NULL;
}

static int die(void *arg, struct iov *iov, const char *path, const char *text)
{
	(void)arg;
	(void)iov;
	(void)path;
	(void)text;
	raise(SIGKILL);
	return 0;
}

static void one_that_gets_a_disk_of_the_host_meanwhile_is_not_given_away(void **state)
{
	static const char *const swap[] = { "swap", NULL };
	const struct iov_plan_options forced = { .lifted = swap };
	struct iov_bdf vf = { .bus = 2, .function = 1 };
	struct iov_plan *plan;
	struct iov_step *step;
	pid_t child;
	int status;

	(void)state;
	give_spaces();
	add_disk("nvme0n1", 1, HEADS);
	tree_link(drive.tree, PF_PATH "/driver", "../../../../bus/pci/drivers/nvme");
	tree_link(drive.tree, "sys/bus/pci/devices/0000:02:00.1/physfn", "../" PF);
	tree_file(drive.tree, "sys/attr", "old");
	child = fork();
	if (!child) {
		iov_sys_on_write(drive.iov, die, NULL);
		iov_plan_new(&plan, drive.iov, "give");
		step = iov_plan_step(plan, IOV_BDF(vf), "give it");
		iov_step_spares(step, "a test");
		iov_step_gives(step, vf);
		iov_step_do(step, iov_op_write("sys/attr", "new"));
		iov_plan_run(plan, NULL);
		_exit(1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	tree_file(drive.tree, "proc/swaps", "Filename Type Size Used Priority\n/dev/nvme0n1 partition 1 0 -2\n");
	drive.owners[0] |= 1u << 1;
	assert_int_equal(iov_plan_recover(drive.iov, true, NULL), -ECANCELED);
	assert_message("block/nvme0n1 (namespace 1, which VF 0 of " PF " gets) is in use by swap on /dev/nvme0n1");
	assert_int_equal(iov_plan_recover(drive.iov, true, &forced), 0);
}

static void a_namespace_of_an_exported_controller_is_asked_for(void **state)
{
	static const char nvme[] = "pci0000:00/" PF "/nvme/nvme0";
	static const char target[] = "sys/kernel/config/nvmet/subsystems/nqn.a/passthru";

	(void)state;
	give_spaces();
	add_disk("nvme0n1", 1, HEADS);
	add_disk("nvme0c0n1", 1, nvme);
	tree_file(drive.tree, BLOCK "nvme0c0n1/hidden", "1\n");
	tree_link(drive.tree, "sys/class/nvme/nvme0", iov_path("../../devices/%s", nvme).name);
	tree_link(drive.tree, "sys/dev/char/241:0", iov_path("../../devices/%s", nvme).name);
	tree_file(drive.tree, iov_path("sys/devices/%s/uevent", nvme).name, "DEVNAME=nvme0\n");
	tree_file(drive.tree, iov_path("%s/device_path", target).name, "/dev/nvme0\n");
	tree_file(drive.tree, iov_path("%s/enable", target).name, "1\n");
	assert_int_equal(provide(0, "namespaces", "1", NULL), -ECANCELED);
	assert_message("block/nvme0n1 (namespace 1, which VF 0 of " PF " gets) is in use by the NVMe target nqn.a");
	assert_int_equal(provide(0, "namespaces", "3", NULL), 0);
}

/* A number is of one subsystem; an identifier is of one namespace in the world. */
static void a_namespace_is_known_by_its_subsystem_or_its_identifiers(void **state)
{
	(void)state;
	give_spaces();
	add_disk("nvme5n1", 1, "pci0000:00/0000:05:00.0/nvme/nvme5");
	tree_file(drive.tree, "sys/devices/pci0000:00/0000:05:00.0/nvme/nvme5/subsysnqn", "nqn.b\n");
	mount_disk("nvme5n1");
	tree_file(drive.tree, BLOCK "nvme5n1/nguid", "20202020-2020-2020-2020-202020202020\n");
	tree_file(drive.tree, BLOCK "nvme5n1/eui", "02 02 02 02 02 02 02 02\n");
	assert_int_equal(provide(0, "namespaces", "1", NULL), 0);
	assert_int_equal(provide(0, "namespaces", "none", NULL), 0);
	tree_file(drive.tree, BLOCK "nvme5n1/nguid", "10101010-1010-1010-1010-101010101010\n");
	assert_int_equal(provide(0, "namespaces", "1", NULL), -ECANCELED);
	assert_message("block/nvme5n1 (namespace 1,");
	tree_unlink(drive.tree, BLOCK "nvme5n1/nguid");
	tree_file(drive.tree, BLOCK "nvme5n1/eui", "01 01 01 01 01 01 01\n");
	assert_int_equal(provide(0, "namespaces", "1", NULL), 0);
	assert_int_equal(provide(0, "namespaces", "none", NULL), 0);
	tree_file(drive.tree, BLOCK "nvme5n1/eui", "01 01 01 01 01 01 01 01\n");
	assert_int_equal(provide(0, "namespaces", "1", NULL), -ECANCELED);
	tree_unlink(drive.tree, PF_PATH "/nvme/nvme0/subsysnqn");
	assert_int_equal(provide(0, "namespaces", "1", NULL), -ENOENT);
	assert_message("cannot tell who uses namespace 1 of " PF ": cannot read");
}

static void a_namespace_of_a_guest_is_asked_for(void **state)
{
	static const char *const open[] = { "vfio-open", NULL };

	(void)state;
	give_spaces();
	assert_int_equal(provide(0, "namespaces", "1", NULL), 0);
	set_holder(true);
	assert_int_equal(provide(1, "namespaces", "1", NULL), -ECANCELED);
	assert_message("0000:02:00.1 (namespace 1, which VF 1 of " PF " gets) is in use by pid 71 (qemu) "
		       "[guard vfio-open]");
	lifted = open;
	assert_int_equal(provide(1, "namespaces", "1", NULL), 0);
	lifted = NULL;
	assert_int_equal(provide(0, "namespaces", "none", NULL), -ECANCELED);
	assert_message("0000:02:00.1 (it loses a namespace) is in use by pid 71 (qemu)");
	assert_int_equal(drive.owners[0], 1 | 2 | 4);
}

static void a_namespace_in_use_is_not_detached(void **state)
{
	(void)state;
	give_spaces();
	assert_int_equal(provide(0, "namespaces", "3", NULL), 0);
	add_disk("nvme1n3", 3, "pci0000:00/0000:02:00.1/nvme/nvme1");
	mount_disk("nvme1n3");
	assert_int_equal(provide(0, "namespaces", "none", NULL), -ECANCELED);
	assert_message("0000:02:00.1 (it loses a namespace) is in use by /mnt (ext4) [guard mount]");
	assert_int_equal(drive.owners[2], 2);
}

static int renew(void)
{
	struct iov_plan_options options = { .verify_timeout = 20 };
	struct iov_plan *plan;
	struct iov_step *step;
	int error;

	assert_int_equal(iov_plan_new(&plan, drive.iov, "test"), 0);
	step = iov_plan_step(plan, PF, "reset");
	iov_step_spares(step, "a test");
	iov_step_do(step, iov_op_write(PF_PATH "/reset", "1"));
	error = iov_vf_renew_plan(plan, drive.pf);
	if (!error)
		error = iov_plan_run(plan, &options);
	iov_plan_free(plan);
	return error;
}

static void what_vfs_have_outlives_a_reset_of_their_pf(void **state)
{
	(void)state;
	give_spaces();
	assert_int_equal(provide(0, "state", "offline", NULL), 0);
	assert_int_equal(provide(1, "queues", "4", "interrupts", "2", "state", "online", NULL), 0);
	drive.takes = true;
	assert_int_equal(renew(), 0);
	assert_int_equal(drive.resets, 1);
	assert_has(0, false, 2, 1);
	assert_has(1, true, 4, 2);
	assert_has(2, true, 2, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(vfs_share_the_resources_and_come_online),
		TEST(fewer_vfs_get_more_each),
		TEST(what_the_primary_holds_is_taken_from_it),
		TEST(vfs_that_are_online_are_left_alone),
		TEST(vfs_made_by_hand_are_set_online),
		TEST(another_number_is_shared_out_anew),
		TEST(removed_vfs_give_back_what_they_had),
		TEST(more_vfs_than_queues_for_them_are_refused),
		TEST(a_refused_command_leaves_everything_as_before),
		TEST(a_refused_change_of_number_restores_the_vfs),
		TEST(a_controller_without_resources_to_share_is_served),
		TEST(a_pf_without_its_driver_is_refused),
		TEST(the_list_shows_state_and_resources),
		TEST(a_vf_that_is_offline_gets_what_is_free),
		TEST(a_vf_that_is_online_goes_offline_for_a_moment),
		TEST(the_kernels_driver_lets_go_of_what_goes_offline),
		TEST(nothing_left_is_told_with_who_has_it),
		TEST(shares_that_cannot_be_are_refused_with_the_range),
		TEST(a_refused_share_is_taken_back),
		TEST(a_vf_that_came_online_is_not_taken_from_its_guest),
		TEST(namespaces_are_attached_and_detached),
		TEST(a_private_namespace_is_not_taken_from_its_owner),
		TEST(refused_namespaces_are_given_back),
		TEST(a_controller_that_attaches_nothing_is_told),
		TEST(a_namespace_that_the_host_has_mounted_is_asked_for),
		TEST(all_who_use_a_disk_of_several_controllers_are_named),
		TEST(a_vf_that_has_a_disk_of_the_host_is_not_given_away),
		TEST(one_that_gets_a_disk_of_the_host_meanwhile_is_not_given_away),
		TEST(a_namespace_of_an_exported_controller_is_asked_for),
		TEST(a_namespace_is_known_by_its_subsystem_or_its_identifiers),
		TEST(a_namespace_of_a_guest_is_asked_for),
		TEST(a_namespace_in_use_is_not_detached),
		TEST(what_vfs_have_outlives_a_reset_of_their_pf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
