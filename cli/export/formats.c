// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What each of those who hand out devices reads.
 *
 * nova: options device_spec and alias of section [pci] (nova/conf/pci.py); sriov-device-plugin:
 * its file config.json (README, "Configurations"); nfd: a file of features of the local source of
 * Node Feature Discovery; dra: devices of a ResourceSlice (resource.k8s.io/v1) with the standard
 * attributes of KEP-4381.
 */
#include <ctype.h>
#include <stdarg.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/sysroot/sysroot.h"
#include "cli/export/export.h"
#include "iommu/group.h"

#define PRETTY (JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE)
#define ONE_LINE (JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE)

#define CLASS_ACCELERATOR 0x12
#define CLASS_NETWORK 0x02
#define NOVA_DOMAIN_MAX 0xffff
#define KUBERNETES_NAME_MAX 63

static void __attribute__((format(printf, 2, 3))) leave_out(struct export_set *set, const char *format, ...)
{
	char text[512];
	va_list values;

	va_start(values, format);
	vsnprintf(text, sizeof(text), format, values);
	va_end(values);
	json_array_add_new(set->left_out, text);
}

static void add_id(struct json_object *object, const char *key, unsigned int id)
{
	json_add_text(object, key, iov_path("%04x", id).name);
}

/* nova */

/* What Neutron knows as a network is not asked for by an alias; Nova rebinds nothing of VFIO's. */
static struct json_object *nova_spec(const struct export_pool *pool, struct iov_bdf bdf)
{
	struct json_object *spec = json_object_new_object();

	json_add_text(spec, "address", IOV_BDF(bdf));
	add_id(spec, "vendor_id", pool->vendor);
	add_id(spec, "product_id", pool->device);
	if (pool->network)
		json_add_text(spec, "physical_network", pool->network);
	if (iov_driver_is_vfio(pool->driver))
		json_add_text(spec, "managed", "no");
	return spec;
}

static void print_line(FILE *file, const char *key, struct json_object *taken)
{
	fprintf(file, "%s = %s\n", key, json_object_to_json_string_ext(taken, ONE_LINE));
	json_object_put(taken);
}

static struct json_object *nova_alias(const struct export_pool *pool)
{
	struct json_object *alias = json_object_new_object();

	json_add_text(alias, "name", pool->name);
	add_id(alias, "vendor_id", pool->vendor);
	add_id(alias, "product_id", pool->device);
	json_add_text(alias, "device_type", pool->vfs ? "type-VF" : pool->is_pf ? "type-PF" : "type-PCI");
	return alias;
}

static void write_nova(struct export_set *set, FILE *file)
{
	fputs("# For nova.conf of this compute node; the aliases for that of the API as well.\n[pci]\n", file);
	for (size_t i = 0; i < set->count; i++) {
		const struct export_pool *pool = &set->pools[i];

		for (size_t n = 0; n < pool->count; n++) {
			struct iov_bdf bdf = pool->functions[n].bdf;

			if (bdf.domain > NOVA_DOMAIN_MAX)
				leave_out(set, "%s: Nova knows domains up to ffff", IOV_BDF(bdf));
			else
				print_line(file, "device_spec", nova_spec(pool, bdf));
		}
		if (!pool->network)
			print_line(file, "alias", nova_alias(pool));
	}
}

/* sriov-device-plugin */

static struct json_object *one_text(const char *text)
{
	struct json_object *array = json_object_new_array();

	json_array_add_new(array, text);
	return array;
}

static struct json_object *plugin_resource(const struct export_pool *pool)
{
	struct json_object *resource = json_object_new_object(), *selectors = json_object_new_object();
	struct json_object *addresses = json_object_new_array();

	for (size_t i = 0; i < pool->count; i++)
		json_array_add_new(addresses, IOV_BDF(pool->functions[i].bdf));
	json_object_object_add(selectors, "pciAddresses", addresses);
	json_object_object_add(selectors, "drivers", one_text(pool->driver));
	json_add_text(resource, "resourceName", pool->name);
	json_add_text(resource, "deviceType",
		      pool->class >> 8 == CLASS_NETWORK ? "netDevice" : "accelerator");
	json_object_object_add(resource, "selectors", selectors);
	return resource;
}

static void write_plugin(struct export_set *set, FILE *file)
{
	_cleanup_json_ struct json_object *config = json_object_new_object();
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < set->count; i++) {
		const struct export_pool *pool = &set->pools[i];
		unsigned int base = pool->class >> 8;

		if (base != CLASS_NETWORK && base != CLASS_ACCELERATOR)
			leave_out(set, "%s: class %04x: the plugin takes network controllers and "
				  "processing accelerators alone", pool->name, pool->class);
		else if (!pool->driver[0])
			leave_out(set, "%s: has no driver, and the plugin looks for functions with one",
				  pool->name);
		else
			json_object_array_add(list, plugin_resource(pool));
	}
	json_object_object_add(config, "resourceList", list);
	fprintf(file, "%s\n", json_object_to_json_string_ext(config, PRETTY));
}

/* nfd */

/* A label: what begins or ends with something else than a letter or digit is none. */
static struct iov_path label_of(const struct export_pool *pool)
{
	struct iov_path label = iov_path("iovkit-%.*s", KUBERNETES_NAME_MAX - (int)strlen("iovkit-"),
					 pool->name);

	for (size_t end = strlen(label.name); end && !isalnum((unsigned char)label.name[end - 1]); end--)
		label.name[end - 1] = '\0';
	return label;
}

static void write_nfd(struct export_set *set, FILE *file)
{
	bool iommu = !iov_iommu_require(set->iov);

	fputs("# /etc/kubernetes/node-feature-discovery/features.d/iovkit\n", file);
	fprintf(file, "iovkit-iommu=%s\n", iommu ? "true" : "false");
	for (size_t i = 0; i < set->count; i++) {
		const struct export_pool *pool = &set->pools[i];
		const struct iov_path label = label_of(pool);

		fprintf(file, "%s=%zu\n", label.name, pool->count);
	}
}

/* dra */

static void add_attribute(struct json_object *attributes, const char *name, const char *kind,
			  struct json_object *value)
{
	struct json_object *attribute = json_object_new_object();

	json_object_object_add(attribute, kind, value);
	json_object_object_add(attributes, name, attribute);
}

static void add_string(struct json_object *attributes, const char *name, const char *text)
{
	if (*text)
		add_attribute(attributes, name, "string", json_object_new_string(text));
}

/* "pci0000:00", the root bus that a function is below. */
static void root_of(struct iov *iov, struct iov_bdf bdf, char *root, size_t size)
{
	char target[IOV_PATH_MAX];
	const char *at;

	*root = '\0';
	if (iov_sys_link(iov, iov_pci_path(bdf, "").name, target, sizeof(target)))
		return;
	at = strstr(target, "/pci");
	if (at)
		snprintf(root, size, "%.*s", (int)strcspn(at + 1, "/"), at + 1);
}

static struct json_object *dra_attributes(struct iov *iov, const struct export_pool *pool,
					  const struct export_function *function)
{
	struct json_object *attributes = json_object_new_object();
	char root[64];
	int64_t node;

	root_of(iov, function->bdf, root, sizeof(root));
	add_string(attributes, "resource.kubernetes.io/pciBusID", IOV_BDF(function->bdf));
	add_string(attributes, "resource.kubernetes.io/pcieRoot", root);
	add_string(attributes, "pool", pool->name);
	add_string(attributes, "driver", pool->driver);
	add_string(attributes, "vendor", iov_path("%04x", pool->vendor).name);
	add_string(attributes, "device", iov_path("%04x", pool->device).name);
	if (!iov_pci_number(iov, function->bdf, "numa_node", &node) && node >= 0)
		add_attribute(attributes, "numaNode", "int", json_object_new_int64(node));
	if (function->index >= 0) {
		add_string(attributes, "pf", IOV_BDF(pool->pf));
		add_attribute(attributes, "vf", "int", json_object_new_int(function->index));
	}
	return attributes;
}

/* Names are those of the DNS: "0000-01-10-0" */
static struct json_object *dra_device(struct iov *iov, const struct export_pool *pool,
				      const struct export_function *function)
{
	struct json_object *device = json_object_new_object();
	struct iov_path name = iov_path("%s", IOV_BDF(function->bdf));

	for (char *c = name.name; (c = strpbrk(c, ":."));)
		*c = '-';
	json_add_text(device, "name", name.name);
	json_object_object_add(device, "attributes", dra_attributes(iov, pool, function));
	return device;
}

static void write_dra(struct export_set *set, FILE *file)
{
	_cleanup_json_ struct json_object *slice = json_object_new_object();
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < set->count; i++) {
		for (size_t n = 0; n < set->pools[i].count; n++)
			json_object_array_add(list, dra_device(set->iov, &set->pools[i],
							       &set->pools[i].functions[n]));
	}
	json_object_object_add(slice, "devices", list);
	fprintf(file, "%s\n", json_object_to_json_string_ext(slice, PRETTY));
}

static const struct export_format formats[] = {
	{ "nova", "options of OpenStack Nova", write_nova },
	{ "sriov-device-plugin", "configuration of Kubernetes' SR-IOV network device plugin", write_plugin },
	{ "nfd", "features for Kubernetes' Node Feature Discovery", write_nfd },
	{ "dra", "devices as drivers of Kubernetes' dynamic resource allocation list them", write_dra },
};

const struct export_format *export_format_at(size_t index)
{
	return index < sizeof(formats) / sizeof(*formats) ? &formats[index] : NULL;
}
