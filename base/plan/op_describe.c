// SPDX-License-Identifier: GPL-2.0-or-later
/* Operations in words. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mac.h"
#include "base/plan/op.h"
#include "base/sysroot/paths.h"

static void describe_write(const struct iov_op *op, char *text, size_t size)
{
	const char *value = op->write.value;

	snprintf(text, size, "write '%.*s' to /%s", (int)strcspn(value, "\n"), value,
		 op->write.path);
}

static const char *value_text(struct json_object *value)
{
	if (json_object_is_type(value, json_type_boolean))
		return json_object_get_boolean(value) ? "on" : "off";
	return json_object_get_string(value);
}

/* "set mac 02:00:00:00:00:01, max-rate 100 of VF 0": attributes are named as options are. */
static void describe_steer(const struct iov_op *op, char *text, size_t size)
{
	const struct iov_steer_rule *rule = &op->steer.rule;
	char mac[IOV_MAC_TEXT] = "";

	if (rule->has_mac)
		iov_mac_format(rule->mac, mac);
	snprintf(text, size, "%s the rule for %s%s%s%s of %s to %s %u", op->steer.add ? "add" : "remove",
		 mac, rule->has_mac && rule->vlan ? " in " : "", rule->vlan ? "VLAN " : "",
		 rule->vlan ? iov_path("%u", rule->vlan).name : "", IOV_BDF(op->steer.device),
		 rule->to == IOV_STEER_VF ? "VF" : "queue", rule->number);
}

static void describe_vf_attr(const struct iov_op *op, char *text, size_t size)
{
	char values[256] = "";
	size_t length = 0;

	json_object_object_foreach(op->vf_attr.values, name, value) {
		size_t begin = length;

		if (length >= sizeof(values))
			break;
		length += (size_t)snprintf(values + length, sizeof(values) - length, "%s%s",
					   begin ? ", " : "", name);
		for (char *c = values + begin; (c = strchr(c, '_'));)
			*c = '-';
		if (length < sizeof(values))
			length += (size_t)snprintf(values + length, sizeof(values) - length, " %s",
						   value_text(value));
	}
	if (op->vf_attr.index == IOV_VF_OWN)
		snprintf(text, size, "set %s of %s", values, IOV_BDF(op->vf_attr.pf));
	else
		snprintf(text, size, "set %s of VF %u", values, op->vf_attr.index);
}

static void give_resources(const struct iov_op *op, const char *verb, char *text, size_t size)
{
	const struct iov_nvme_resources *resources = &op->nvme_virt.resources;

	snprintf(text, size, "%s NVMe controller %u %u flexible queue%s and %u interrupt%s", verb,
		 op->nvme_virt.controller, resources->queues, resources->queues == 1 ? "" : "s",
		 resources->interrupts, resources->interrupts == 1 ? "" : "s");
}

static void describe_nvme_virt(const struct iov_op *op, char *text, size_t size)
{
	switch (op->nvme_virt.action) {
	case IOV_NVME_PRIMARY:
	case IOV_NVME_ASSIGN:
		give_resources(op, "give", text, size);
		return;
	case IOV_NVME_PROVE:
		give_resources(op, "expect of", text, size);
		return;
	case IOV_NVME_ONLINE:
	case IOV_NVME_OFFLINE:
		snprintf(text, size, "set NVMe controller %u %s", op->nvme_virt.controller,
			 op->nvme_virt.action == IOV_NVME_ONLINE ? "online" : "offline");
		return;
	case IOV_NVME_ACTIONS:
		break;
	}
}

static void describe_irq(const struct iov_op *op, char *text, size_t size)
{
	size_t count = json_object_array_length(op->irq.cpus);
	size_t length = (size_t)snprintf(text, size, "write smp_affinity_list of the interrupts "
					 "of %s:", IOV_BDF(op->irq.device));

	for (size_t i = 0; i < count && length < size; i++)
		length += (size_t)snprintf(text + length, size - length, " '%s'",
			json_object_get_string(json_object_array_get_idx(op->irq.cpus, i)));
}

static void describe_vdpa(const struct iov_op *op, char *text, size_t size)
{
	if (op->vdpa.mgmtdev)
		snprintf(text, size, "make vDPA device %s of %s %s", op->vdpa.name, op->vdpa.mgmtdev,
			 json_object_to_json_string_ext(op->vdpa.values, JSON_C_TO_STRING_PLAIN));
	else
		snprintf(text, size, "delete vDPA device %s", op->vdpa.name);
}

/* "set parameter max_macs of 0000:01:00.0, value 32, cmode driverinit, by devlink" */
static void describe_devlink(const struct iov_op *op, char *text, size_t size)
{
	static const char *const words[] = {
		[IOV_DEVLINK_PARAM] = "set parameter",
		[IOV_DEVLINK_RELOAD] = "start the driver anew",
		[IOV_DEVLINK_GROUP] = "have rate group",
		[IOV_DEVLINK_GROUP_GONE] = "remove rate group",
		[IOV_DEVLINK_SF] = "have subfunction",
		[IOV_DEVLINK_SF_GONE] = "remove subfunction",
	};
	size_t length = (size_t)snprintf(text, size, "%s %s%sof %s", words[op->devlink.action],
					 op->devlink.name ? op->devlink.name : "",
					 op->devlink.name ? " " : "", op->devlink.device);

	json_object_object_foreach(op->devlink.values, name, value) {
		if (length < size)
			length += (size_t)snprintf(text + length, size - length, ", %s %s", name,
						   value_text(value));
	}
	if (length < size)
		snprintf(text + length, size - length, ", by devlink");
}

static void describe_interfaces(const struct iov_op *op, char *text, size_t size)
{
	size_t length = (size_t)snprintf(text, size, "give back names, addresses and routes of");

	for (size_t i = 0; i < json_object_array_length(op->interfaces.list) && length < size; i++)
		length += (size_t)snprintf(text + length, size - length, "%s %s", i ? "," : "",
			json_text(json_object_array_get_idx(op->interfaces.list, i), "name"));
}

static void describe_file(const struct iov_op *op, char *text, size_t size)
{
	const char *verb = op->file.text && op->file.was ? "replace" :
			   op->file.text ? "make" : "set aside";

	snprintf(text, size, "%s /%s", verb, op->file.path);
}

void iov_op_describe(const struct iov_op *op, char *text, size_t size)
{
	switch (op->kind) {
	case IOV_OP_WRITE:
		describe_write(op, text, size);
		return;
	case IOV_OP_MODULE:
		snprintf(text, size, "load module %s", op->module.name);
		return;
	case IOV_OP_VF_ATTR:
		describe_vf_attr(op, text, size);
		return;
	case IOV_OP_NVME_VIRT:
		describe_nvme_virt(op, text, size);
		return;
	case IOV_OP_NVME_NAMESPACE:
		snprintf(text, size, "%s namespace %u %s NVMe controller %u",
			 op->nvme_namespace.attach ? "attach" : "detach", op->nvme_namespace.namespace_id,
			 op->nvme_namespace.attach ? "to" : "from", op->nvme_namespace.controller);
		return;
	case IOV_OP_VGPU_VFS:
		snprintf(text, size, "/" IOV_PATH_SRIOV_MANAGE " -%c %s", op->vgpu_vfs.on ? 'e' : 'd',
			 IOV_BDF(op->vgpu_vfs.pf));
		return;
	case IOV_OP_ANSWERS:
		snprintf(text, size, "read the vendor ID of %s", IOV_BDF(op->answers.device));
		return;
	case IOV_OP_MTU:
		snprintf(text, size, "write '%u' to mtu of the interface of %s", op->mtu.mtu,
			 IOV_BDF(op->mtu.device));
		return;
	case IOV_OP_STEER:
		describe_steer(op, text, size);
		return;
	case IOV_OP_IRQ:
		describe_irq(op, text, size);
		return;
	case IOV_OP_HUGE_PAGES:
		snprintf(text, size, "write '%u' to /%s/nr_hugepages", op->huge_pages.count,
			 op->huge_pages.directory);
		return;
	case IOV_OP_ESWITCH:
		snprintf(text, size, "set the switch mode of %s to %s by devlink",
			 op->eswitch.device, op->eswitch.mode);
		return;
	case IOV_OP_VDPA:
		describe_vdpa(op, text, size);
		return;
	case IOV_OP_DEVLINK:
		describe_devlink(op, text, size);
		return;
	case IOV_OP_INTERFACES:
		describe_interfaces(op, text, size);
		return;
	case IOV_OP_CLAIM:
		snprintf(text, size, op->claim.held ? "claim %s for %s" : "let go of %s, which %s has claimed",
			 IOV_BDF(op->claim.device), op->claim.holder);
		return;
	case IOV_OP_IOVD:
		snprintf(text, size, "iovd: %s %s", op->iovd.method,
			 json_object_to_json_string_ext(op->iovd.params, JSON_C_TO_STRING_PLAIN));
		return;
	case IOV_OP_FILE:
		describe_file(op, text, size);
		return;
	case IOV_OP_KINDS:
		break;
	}
}
