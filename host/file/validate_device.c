// SPDX-License-Identifier: GPL-2.0-or-later
/* Devices and VFs of a host file. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/cpu_list.h"
#include "base/json.h"
#include "base/pci/identity.h"
#include "host/file/nic.h"
#include "host/file/steer.h"
#include "host/file/validate.h"
#include "host/file/vf_values.h"
#include "sriov/vf.h"
#include "vfio/bind/bind.h"

/* As "iov vf set" takes it. */
static int check_attribute(const struct check *check, const char *where, const char *name,
			   const char *text, struct json_object *values)
{
	struct iov *iov = check->file->iov;
	int error = iov_vf_attribute_parse(iov, name, text, values);

	return error ? iov_host_repeat(check->file, error, where) : 0;
}

static int check_number_attribute(const struct check *check, const char *where, const char *name,
				  const unsigned int *number)
{
	_cleanup_json_ struct json_object *values = json_object_new_object();
	char text[16];

	if (!number)
		return 0;
	snprintf(text, sizeof(text), "%u", *number);
	return check_attribute(check, where, name, text, values);
}

/* An address that is of one VF alone: @what is its name for people. */
static int check_address(const struct check *check, const char *where, const char *name,
			 const char *what, const char *address)
{
	_cleanup_json_ struct json_object *values = json_object_new_object();
	int error;

	if (!address)
		return 0;
	error = check_attribute(check, where, name, address, values);
	return error ? error : check_once(check, where, what, json_text_or_null(values, name));
}

static int check_state(const struct check *check, const char *where, const char *name,
		       const char *state)
{
	_cleanup_json_ struct json_object *values = json_object_new_object();

	return state ? check_attribute(check, where, name, state, values) : 0;
}

/* The rates that a VF ends with, whether they are its own or those of all. */
static int check_rates(const struct check *check, const char *at,
		       const struct iov_host_vf_values *own, const struct iov_host_vf_values *all)
{
	const unsigned int *least = own->min_rate ? own->min_rate : all->min_rate;
	const unsigned int *most = own->max_rate ? own->max_rate : all->max_rate;

	if (!least || !most || !*most || *least <= *most)
		return 0;
	return iov_host_fail(check->file, -EINVAL, PLACE("%s.min_rate", at),
			     "%u: expected at most max_rate, which is %u", *least, *most);
}

static int check_values(const struct check *check, const char *at,
			const struct iov_host_vf_values *values)
{
	static const char *const protocols[] = { "802.1Q", "802.1ad", NULL};
	int error = check_name(check, PLACE("%s.driver", at), values->driver);

	if (!error)
		error = check_address(check, PLACE("%s.mac", at), "mac", "MAC", values->mac);
	if (!error)
		error = check_address(check, PLACE("%s.node_guid", at), "node_guid", "node GUID",
				      values->node_guid);
	if (!error)
		error = check_address(check, PLACE("%s.port_guid", at), "port_guid", "port GUID",
				      values->port_guid);
	if (!error)
		error = check_number_attribute(check, PLACE("%s.vlan", at), "vlan", values->vlan);
	if (!error)
		error = check_number_attribute(check, PLACE("%s.qos", at), "qos", values->qos);
	if (!error)
		error = check_word(check, PLACE("%s.vlan_protocol", at), values->vlan_protocol,
				   protocols, "802.1Q or 802.1ad");
	if (!error)
		error = check_state(check, PLACE("%s.link_state", at), "link_state", values->link_state);
	if (!error)
		error = check_address(check, PLACE("%s.hw_addr", at), "hw_addr", "address of a function",
				      values->function.hw_addr);
	if (!error)
		error = check_state(check, PLACE("%s.tx_parent", at), "tx_parent", values->rate.tx_parent);
	if (!error)
		error = check_number_attribute(check, PLACE("%s.queues", at), "queues", values->queues);
	if (!error)
		error = check_number_attribute(check, PLACE("%s.interrupts", at), "interrupts",
					       values->interrupts);
	if (!error)
		error = check_state(check, PLACE("%s.state", at), "state", values->state);
	if (!error)
		error = check_state(check, PLACE("%s.namespaces", at), "namespaces", values->namespaces);
	if (!error)
		error = check_number_attribute(check, PLACE("%s.vgpu_type", at), "vgpu_type", values->vgpu_type);
	if (!error)
		error = check_number_attribute(check, PLACE("%s.exec_quantum", at), "exec_quantum",
					       values->exec_quantum);
	if (!error)
		error = check_number_attribute(check, PLACE("%s.preempt_timeout", at), "preempt_timeout",
					       values->preempt_timeout);
	if (!error)
		error = check_state(check, PLACE("%s.sched_priority", at), "sched_priority",
				    values->sched_priority);
	if (!error)
		error = check_state(check, PLACE("%s.vram_quota", at), "vram_quota", values->vram_quota);
	if (!error)
		error = check_range(check, PLACE("%s.msix", at), values->msix, 1, 2048);
	return error;
}

/* Of VFs of any class; the plan looks whether it is that of these. */
static int check_attributes(const struct check *check, const char *at,
			    const struct iov_host_vf_values *values)
{
	_cleanup_json_ struct json_object *read = json_object_new_object();
	char name[64];
	int error = 0;

	for (unsigned int i = 0; !error && i < values->attribute_count; i++) {
		const char *setting = values->attributes[i];

		error = host_attribute_split(check->file->iov, setting, name, sizeof(name));
		if (!error)
			error = iov_vf_attribute_parse(check->file->iov, name, strchr(setting, '=') + 1, read);
		if (error)
			return iov_host_repeat(check->file, error, PLACE("%s.attributes[%u]", at, i));
	}
	return error;
}

static int check_vf(const struct check *check, const char *at, const struct iov_host_vfs *vfs,
		    const struct iov_host_vf *vf)
{
	char once[2 * HOST_PLACE_SIZE];
	int error;

	if (vf->index >= vfs->count)
		return iov_host_fail(check->file, -EINVAL, PLACE("%s.index", at),
				     "%u: expected less "
				     "than count, which is %u; the first VF is 0",
				     vf->index, vfs->count);
	snprintf(once, sizeof(once), "index of %.*s", (int)(strrchr(at, '[') - at), at);
	if (check_once(check, PLACE("%s.index", at), once, PLACE("%u", vf->index)))
		return iov_host_fail(check->file, -EINVAL, PLACE("%s.index", at),
				     "%u is here twice; expected each VF once", vf->index);
	error = check_values(check, at, &vf->values);
	return error ? error : check_attributes(check, at, &vf->values);
}

static int check_vfs(const struct check *check, const char *at, const struct iov_host_vfs *vfs)
{
	int error = check_values(check, at, &vfs->all);

	if (!error)
		error = check_attributes(check, at, &vfs->all);
	if (!error)
		error = check_rates(check, at, &vfs->all, &vfs->all);
	for (unsigned int i = 0; !error && i < vfs->each_count; i++) {
		struct iov_path place = iov_path("%s.each[%u]", at, i);

		error = check_vf(check, place.name, vfs, &vfs->each[i]);
		if (!error)
			error = check_rates(check, place.name, &vfs->each[i].values, &vfs->all);
	}
	return error;
}

/* "local", "spread", or CPUs as the kernel lists them: "0-3,8". */
static int check_irq(const struct check *check, const char *where, const char *irq)
{
	if (!irq || !strcmp(irq, "local") || !strcmp(irq, "spread") || iov_cpu_list_valid(irq))
		return 0;
	return fail_value(check, where, irq, "local, spread or a list of CPUs like 0-3,8");
}

/* What can be said of a name before the host is asked who answers to it. */
static int check_identity(const struct check *check, const char *where, const char *device)
{
	const char *equals = strchr(device, '=');

	if (!equals || (iov_identity_is(device) && equals[1] && equals[1] != '/'))
		return 0;
	return fail_value(check, where, device,
			  "serial=, mac=, slot= or path= and a value, an address like 0000:01:00.0 "
			  "or a network interface; 'iov show' prints the names of a device");
}

/* Upper and lower case, and an address without its domain, name the same device. */
static int check_device_once(const struct check *check, const char *where, const char *device)
{
	_cleanup_free_ char *name = strdup(device);
	struct iov_bdf bdf;

	if (!name)
		return -ENOMEM;
	for (char *c = name; *c && strchr(device, '='); c++)
		*c |= *c >= 'A' && *c <= 'Z' ? 'a' - 'A' : 0;
	if (!iov_bdf_parse(check->file->iov, device, &bdf))
		return check_once(check, where, "device", IOV_BDF(bdf));
	return check_once(check, where, "device", name);
}

static int check_steer(const struct check *check, const char *at, const struct iov_host_steer *said)
{
	struct iov_steer_rule rule;
	char once[2 * HOST_PLACE_SIZE];
	int error = host_steer_rule(check->file->iov, said, &rule);

	if (error)
		return iov_host_repeat(check->file, error, at);
	snprintf(once, sizeof(once), "rule of %.*s", (int)(strrchr(at, '[') - at), at);
	return check_once(check, at, once, PLACE("%s in VLAN %u", said->mac ? said->mac : "any address",
						 rule.vlan));
}

/* What is said of a device that goes to guests as a whole is said of how it is bound. */
static int check_whole(const struct check *check, const char *at, const struct iov_host_device *device)
{
	bool no_vga = device->disable_vga && *device->disable_vga;
	bool whole = device->slot && *device->slot;
	struct iov_bdf none = { 0 };
	struct iov_bar_size size;
	int error = 0;

	if ((whole || device->bar_count || no_vga) && (!device->driver || !strcmp(device->driver, "none")))
		return iov_host_fail(check->file, -EINVAL, PLACE("%s.%s", at, whole ? "slot" : no_vga ? "disable_vga" :
				     "bars"), "is about how the device is bound; say its driver as well, like "
				     "vfio-pci");
	if (no_vga && strcmp(device->driver, "vfio-pci"))
		return iov_host_fail(check->file, -EINVAL, PLACE("%s.disable_vga", at), "is for driver: vfio-pci, not %s",
				     device->driver);
	for (unsigned int i = 0; !error && i < device->bar_count; i++) {
		error = iov_bar_size_parse(check->file->iov, none, device->bars[i], &size);
		if (error)
			error = iov_host_repeat(check->file, error, PLACE("%s.bars[%u]", at, i));
	}
	return error;
}

/* A name, or number, that is of one entry of a list. */
static int check_entry_once(const struct check *check, const char *at, const char *what, const char *name)
{
	char once[2 * HOST_PLACE_SIZE];

	snprintf(once, sizeof(once), "%s of %.*s", what, (int)(strrchr(at, '[') - at), at);
	return check_once(check, at, once, name);
}

static int check_group(const struct check *check, const char *at, const struct iov_host_group *said)
{
	_cleanup_json_ struct json_object *values = NULL;
	int error = host_group_values(check->file->iov, said, &values);

	return error ? iov_host_repeat(check->file, error, at) :
		       check_entry_once(check, at, "group", said->name);
}

static int check_sf(const struct check *check, const char *at, const struct iov_host_sf *said)
{
	_cleanup_json_ struct json_object *values = NULL;
	int error = host_sf_values(check->file->iov, said, &values);

	return error ? iov_host_repeat(check->file, error, at) :
		       check_entry_once(check, at, "number", PLACE("%u", said->number));
}

static int check_param(const struct check *check, const char *at, const struct iov_host_param *said)
{
	static const char *const cmodes[] = { "runtime", "driverinit", "permanent", NULL };
	int error = check_word(check, PLACE("%s.cmode", at), said->cmode, cmodes,
			       "runtime, driverinit or permanent");

	return error ? error : check_entry_once(check, at, "parameter", said->name);
}

static int check_nic(const struct check *check, const char *at, const struct iov_host_device *device)
{
	int error = 0;

	for (unsigned int i = 0; !error && i < device->param_count; i++)
		error = check_param(check, PLACE("%s.params[%u]", at, i), &device->params[i]);
	for (unsigned int i = 0; !error && i < device->rate_count; i++)
		error = check_group(check, PLACE("%s.rates[%u]", at, i), &device->rates[i]);
	for (unsigned int i = 0; !error && i < device->sf_count; i++)
		error = check_sf(check, PLACE("%s.sfs[%u]", at, i), &device->sfs[i]);
	return error;
}

int check_device(const struct check *check, const char *at, const struct iov_host_device *device)
{
	static const char *const modes[] = { "legacy", "switchdev", NULL};
	int error = check_name(check, PLACE("%s.name", at), device->name);

	if (!error && device->name)
		error = check_once(check, PLACE("%s.name", at), "name", device->name);
	if (!error)
		error = check_identity(check, PLACE("%s.device", at), device->device);
	if (!error)
		error = check_device_once(check, PLACE("%s.device", at), device->device);
	if (!error)
		error = check_name(check, PLACE("%s.driver", at), device->driver);
	if (!error)
		error = check_whole(check, at, device);
	if (!error)
		error = check_range(check, PLACE("%s.mtu", at), device->mtu, 68, 65535);
	if (!error)
		error = check_word(check, PLACE("%s.eswitch", at), device->eswitch, modes,
				   "legacy or switchdev");
	if (!error)
		error = check_irq(check, PLACE("%s.irq", at), device->irq);
	if (!error && device->vfs && strstr(device->device, "/vf"))
		error = iov_host_fail(check->file, -EINVAL, PLACE("%s.vfs", at),
				      "%s is a VF; expected "
				      "VFs of a PF",
				      host_show(device->device).text);
	if (!error && device->vfs)
		error = check_vfs(check, PLACE("%s.vfs", at), device->vfs);
	for (unsigned int i = 0; !error && i < device->steer_count; i++)
		error = check_steer(check, PLACE("%s.steer[%u]", at, i), &device->steer[i]);
	if (!error)
		error = check_nic(check, at, device);
	return error;
}
