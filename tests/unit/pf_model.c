// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/pf_model.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sysroot/paths.h"
#include "plugins/net/net.h"
#include "plugins/plugins.h"
#include "tests/unit/test.h"
#include "tests/unit/tree.h"

struct pf_model model;

static const char *const names[] = { "mac", "vlan", "qos", "trust", "max_rate", "min_rate", NULL };
static const char *const defaults[] = { "00:00:00:00:00:00", "0", "0", "0", "0", "0" };

struct iov_bdf pf_model_vf(unsigned int index)
{
	return iov_bdf_add(model.pf, PF_OFFSET + index * PF_STRIDE);
}

static struct iov_path attribute_path(unsigned int index, const char *name)
{
	return iov_path("class/%u/%s", index, name);
}

void pf_model_attribute(unsigned int index, const char *name, char *text, size_t size)
{
	assert_int_equal(iov_sys_read(model.iov, attribute_path(index, name).name, text, size), 0);
}

static unsigned int current_count(void)
{
	int64_t count = 0;

	iov_pci_number(model.iov, model.pf, "sriov_numvfs", &count);
	return (unsigned int)count;
}

static void bind_vf(struct iov_bdf vf, const char *driver)
{
	char target[128];

	snprintf(target, sizeof(target), "../../../drivers/%s", driver);
	tree_link(model.tree, iov_pci_path(vf, "driver").name, target);
}

/* The VF among the members of its group. */
static struct iov_path member_path(unsigned int index)
{
	struct iov_bdf vf = pf_model_vf(model.misplace ? index + 8 : index);

	return iov_path("sys/kernel/iommu_groups/%u/devices/%s", 20 + index, IOV_BDF(vf));
}

static void add_vf(unsigned int index)
{
	struct iov_bdf vf = pf_model_vf(model.misplace ? index + 8 : index);
	char target[64];

	tree_file(model.tree, iov_pci_path(vf, "driver_override").name, "(null)\n");
	tree_link(model.tree, iov_pci_path(vf, "physfn").name, "../" PF_BDF);
	snprintf(target, sizeof(target), "../../../kernel/iommu_groups/%u", 20 + index);
	tree_link(model.tree, iov_pci_path(vf, "iommu_group").name, target);
	tree_link(model.tree, member_path(index).name, "x");
	snprintf(target, sizeof(target), "../%s", IOV_BDF(vf));
	tree_link(model.tree, iov_path(PF_PATH "/virtfn%u", index).name, target);
	for (size_t i = 0; names[i]; i++)
		tree_file(model.tree, attribute_path(index, names[i]).name, defaults[i]);
}

static void remove_vf(unsigned int index)
{
	static const char *const entries[] = {
		"driver", "driver_override", "iommu_group", "physfn",
	};
	struct iov_bdf vf = pf_model_vf(model.misplace ? index + 8 : index);
	struct iov_path path;

	for (size_t i = 0; i < sizeof(entries) / sizeof(*entries); i++)
		tree_unlink(model.tree, iov_pci_path(vf, entries[i]).name);
	tree_unlink(model.tree, member_path(index).name);
	path = iov_path("%s/%s", model.tree, iov_pci_path(vf, "").name);
	assert_int_equal(remove(path.name), 0);
	tree_unlink(model.tree, iov_path(PF_PATH "/virtfn%u", index).name);
}

/* pci_device_can_probe(): without the switch a VF needs an override. */
static void probe(struct iov_bdf vf)
{
	char override[64], driver[64];
	int64_t autoprobe = 0;

	iov_pci_driver(model.iov, vf, driver, sizeof(driver));
	if (*driver)
		return;
	iov_sys_read(model.iov, iov_pci_path(vf, "driver_override").name, override,
		     sizeof(override));
	iov_pci_number(model.iov, model.pf, "sriov_drivers_autoprobe", &autoprobe);
	if (strcmp(override, "(null)"))
		bind_vf(vf, override);
	else if (autoprobe)
		bind_vf(vf, "igbvf");
}

static int write_numvfs(unsigned int count)
{
	unsigned int now = current_count();
	char text[16];

	if (count == now)
		return 0;
	if (count && now)
		return -EBUSY;
	if (count > PF_TOTAL)
		return -ERANGE;
	for (unsigned int i = 0; i < now; i++)
		remove_vf(i);
	for (unsigned int i = 0; i < count; i++) {
		add_vf(i);
		probe(pf_model_vf(i));
	}
	snprintf(text, sizeof(text), "%u\n", count);
	tree_file(model.tree, PF_PATH "/sriov_numvfs", text);
	return 0;
}

static int unbind(const char *device)
{
	struct iov_path path = iov_path(IOV_PATH_PCI_DEVICES "/%s/driver", device);

	if (!iov_sys_exists(model.iov, path.name))
		return -ENOENT;
	tree_unlink(model.tree, path.name);
	return 0;
}

static int load_module(const char *name)
{
	struct iov_path path = iov_path(IOV_PATH_MODULES "/%s/initstate", name);

	for (char *c = path.name; (c = strchr(c, '-'));)
		*c = '_';
	tree_file(model.tree, path.name, "live\n");
	tree_file(model.tree, iov_path(IOV_PATH_PCI_DRIVERS "/%s/bind", name).name, "");
	return 0;
}

/* The kernel takes any number and makes what it can. */
static int write_huge_pages(const char *path, const char *text)
{
	unsigned long wanted = strtoul(text, NULL, 10);

	if (model.huge_pages_max && wanted > model.huge_pages_max)
		wanted = model.huge_pages_max;
	tree_file(model.tree, path, iov_path("%lu\n", wanted).name);
	return 0;
}

static int answer(struct iov *iov, const char *path, const char *text)
{
	struct iov_bdf vf;

	if (!strcmp(path, PF_PATH "/sriov_numvfs"))
		return write_numvfs((unsigned int)strtoul(text, NULL, 10));
	if (!strcmp(path, "sys/bus/pci/drivers_probe")) {
		assert_int_equal(iov_bdf_parse(iov, text, &vf), 0);
		probe(vf);
		return 0;
	}
	if (!strcmp(path, IOV_PATH_MODULES))
		return load_module(text);
	if (strstr(path, "/driver/unbind"))
		return unbind(text);
	if (!iov_sys_exists(iov, path))
		return -ENOENT;
	if (strstr(path, "/nr_hugepages"))
		return write_huge_pages(path, text);
	tree_file(model.tree, path,
		  strstr(path, "driver_override") && *text == '\n' ? "(null)\n" : text);
	return 0;
}

static int on_write(void *arg, struct iov *iov, const char *path, const char *text)
{
	size_t length = strlen(model.log);
	int error;

	(void)arg;
	snprintf(model.log + length, sizeof(model.log) - length, "%s=%s ", strrchr(path, '/') + 1,
		 *text == '\n' ? "" : text);
	if (model.writes == model.fail_at)
		return model.writes++, model.error;
	error = answer(iov, path, text);
	if (model.writes++ == model.kill_at)
		raise(SIGKILL);
	return error;
}

static bool class_match(struct iov *iov, struct iov_bdf pf)
{
	(void)iov;
	return !iov_bdf_compare(pf, model.pf);
}

/* The second port of a function keeps what is set through it to itself. */
static struct iov_path port_path(const struct iov_pf *pf, unsigned int index, const char *name)
{
	return pf->port > 0 ? iov_path("class/port%d/%u/%s", pf->port, index, name) :
			      attribute_path(index, name);
}

static int class_get(struct iov *iov, const struct iov_pf *pf, struct json_object *vfs)
{
	char text[32];

	if (model.untold)
		return iov_told(iov, model.untold, "the kernel told about 1 of 2 VFs");
	for (size_t i = 0; i < json_object_array_length(vfs); i++) {
		struct json_object *vf = json_object_array_get_idx(vfs, i);

		for (size_t n = 0; names[n]; n++) {
			struct json_object *value;

			if (iov_sys_read(iov, port_path(pf, (unsigned int)i, names[n]).name, text,
					 sizeof(text)))
				strcpy(text, "0");
			if (!strcmp(names[n], "mac"))
				value = json_object_new_string(text);
			else if (!strcmp(names[n], "trust"))
				value = json_object_new_boolean(*text == '1');
			else
				value = json_object_new_int64(strtol(text, NULL, 10));
			json_object_object_add(vf, names[n], value);
		}
	}
	return 0;
}

static int class_set(struct iov *iov, const struct iov_pf *pf, unsigned int index,
		     const char *name, struct json_object *target, char *answer_text, size_t size)
{
	struct json_object *value = json_object_object_get(target, name);
	const char *text = json_object_get_string(value);

	model.sets++;
	model.late += iov_sys_exists(iov, iov_pci_path(pf_model_vf(index), "driver").name);
	if (model.refuse && !strcmp(model.refuse, name)) {
		snprintf(answer_text, size, "not on this port");
		return -EOPNOTSUPP;
	}
	if (model.ignore && !strcmp(model.ignore, name))
		return 0;
	if (json_object_is_type(value, json_type_boolean))
		text = json_object_get_boolean(value) ? "1" : "0";
	tree_file(model.tree, port_path(pf, index, name).name, text);
	return 0;
}

static unsigned int class_speed(struct iov *iov, const struct iov_pf *pf)
{
	int64_t speed = 0;

	iov_sys_read_number(iov, pf->port > 0 ? "class/port1/speed" : "class/speed", &speed);
	return (unsigned int)speed;
}

static const struct iov_attribute attributes[] = {
	{ "mac", IOV_ATTRIBUTE_MAC, IOV_ATTRIBUTE_UNIQUE },
	{ "vlan", IOV_ATTRIBUTE_NUMBER, .max = 4094 },
	{ "qos", IOV_ATTRIBUTE_NUMBER, .max = 7 },
	{ "trust", IOV_ATTRIBUTE_SWITCH },
	{ "max_rate", IOV_ATTRIBUTE_NUMBER, IOV_ATTRIBUTE_RATE, .max = UINT32_MAX },
	{ "min_rate", IOV_ATTRIBUTE_NUMBER, IOV_ATTRIBUTE_RATE, .max = UINT32_MAX },
	{ 0 },
};

static const struct iov_class fake_class = {
	.name = "fake",
	.title = "modelled functions",
	.attributes = attributes,
	.match = class_match,
	.get = class_get,
	.set = class_set,
	.speed = class_speed,
	.judge = net_judge,
};

int pf_model_setup(void **state)
{
	(void)state;
	model = (struct pf_model){ .tree = tree_new(), .fail_at = -1, .kill_at = -1 };
	model.iov = tree_open(model.tree);
	iov_sys_on_write(model.iov, on_write, NULL);
	assert_int_equal(iov_bdf_parse(model.iov, PF_BDF, &model.pf), 0);
	assert_int_equal(iov_sriov_register(model.iov), 0);
	assert_int_equal(iov_plugins_register(model.iov), 0);
	assert_int_equal(iov_class_add(model.iov, &fake_class), 0);
	tree_file(model.tree, "proc/sys/kernel/random/boot_id", "this-boot\n");
	tree_file(model.tree, "sys/bus/pci/drivers_probe", "");
	tree_file(model.tree, PF_PATH "/sriov_totalvfs", "7\n");
	tree_file(model.tree, PF_PATH "/sriov_numvfs", "0\n");
	tree_file(model.tree, PF_PATH "/sriov_offset", "128\n");
	tree_file(model.tree, PF_PATH "/sriov_stride", "2\n");
	tree_file(model.tree, PF_PATH "/sriov_drivers_autoprobe", "1\n");
	tree_file(model.tree, PF_PATH "/class", "0x020000\n");
	tree_link(model.tree, PF_PATH "/driver", "../../../bus/pci/drivers/igb");
	return 0;
}

int pf_model_teardown(void **state)
{
	(void)state;
	iov_close(model.iov);
	tree_remove(model.tree);
	return 0;
}

void pf_model_create(unsigned int count)
{
	assert_int_equal(write_numvfs(count), 0);
}

char *pf_model_state(void)
{
	char text[64], driver[64], override[64], *state;
	size_t size;
	FILE *file = open_memstream(&state, &size);

	iov_sys_read(model.iov, PF_PATH "/sriov_drivers_autoprobe", text, sizeof(text));
	fprintf(file, "%u VFs, autoprobe %s\n", current_count(), text);
	for (unsigned int i = 0; i < current_count(); i++) {
		iov_pci_driver(model.iov, pf_model_vf(i), driver, sizeof(driver));
		iov_sys_read(model.iov, iov_pci_path(pf_model_vf(i), "driver_override").name,
			     override, sizeof(override));
		fprintf(file, "%u: '%s' '%s'", i, driver, override);
		for (size_t n = 0; names[n]; n++) {
			pf_model_attribute(i, names[n], text, sizeof(text));
			fprintf(file, " %s", text);
		}
		fputc('\n', file);
	}
	fclose(file);
	return state;
}

int pf_model_run(int (*build)(struct iov_plan *plan))
{
	struct iov_plan_options options = { .verify_timeout = 20 };
	struct iov_plan *plan;
	int error;

	assert_int_equal(iov_plan_new(&plan, model.iov, "test"), 0);
	error = build(plan);
	if (!error)
		error = iov_plan_run(plan, &options);
	iov_plan_free(plan);
	return error;
}
