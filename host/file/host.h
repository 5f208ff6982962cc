/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A host as a file: /etc/iovkit/host.yaml.
 *
 *	version: 1				# of this format; may be left out
 *	modules: [vfio-pci]
 *	huge_pages:
 *	  - size: 2M
 *	    node: 0				# absent: the whole host
 *	    count: 512
 *	devices:
 *	  - name: uplink			# how iovd's ports below may call it
 *	    device: serial=52-54-00-ff-ff-00-00-01
 *	    absent: skip			# or fatal, the default
 *	    driver: igb				# "native": whichever the kernel has; "none"
 *	    mtu: 9000
 *	    eswitch: legacy			# or switchdev
 *	    params:				# of its driver
 *	      - {name: enable_roce, value: on}
 *	    rates:				# groups
 *	      - {name: gold, tx_max: 10000}
 *	    sfs:				# subfunctions
 *	      - {number: 8, hw_addr: 02:00:00:00:00:08, state: active}
 *	    irq: local				# or spread, or a list of CPUs
 *	    vfs:
 *	      count: 4
 *	      driver: vfio-pci			# of every VF, as are the attributes here
 *	      spoofchk: on
 *	      each:
 *	        - index: 0
 *	          mac: 02:00:00:00:00:01
 *	          vlan: 100
 *	  - device: serial=deadbeef
 *	    driver: vfio-pci
 *	  - device: slot=4			# a GPU
 *	    driver: vfio-pci
 *	    slot: on				# with audio, USB and whatever else is in the slot
 *	    bars: [1=16G]
 *	    disable_vga: on
 *	mdevs:
 *	  - uuid: 83b8f4f2-509f-382f-3c1e-e6bfe0fa1001
 *	    parent: 0000:00:02.0		# or a name of a device above
 *	    type: i915-GVTg_V5_4
 *	    attributes: [weight=4]
 *	vdpas:
 *	  - name: vdpa0
 *	    mgmtdev: pci/0000:01:00.2
 *	    driver: vhost_vdpa
 *	    mac: 02:00:00:00:00:01
 *	cdi:					# describe what VFIO has for containers
 *	  mode: "0660"
 *	  owner: root:kvm
 *	iovd:
 *	  bridges:
 *	    - name: br0
 *	      kind: switch			# or wire
 *	  ports:
 *	    - name: up
 *	      type: ethdev
 *	      bridge: br0
 *	      device: uplink/vf1		# name, identity, BDF, or a DPDK vdev
 *	    - name: guest
 *	      type: vhost-user
 *	      bridge: br0
 *	      socket: /run/guest.sock
 *	      rules:
 *	        vlan: access:10
 *	  disks:
 *	    - name: guest-root
 *	      socket: /run/guest-root.sock
 *	      file: /srv/guest.img
 *	      qos: gold
 *	  qos:
 *	    - name: gold			# disks and ports keep it together
 *	      iops: 5000
 *
 * What the file does not mention is left as it is.  Every pointer below is NULL
 * where the file is silent.
 */
#ifndef IOV_HOST_FILE_HOST_H
#define IOV_HOST_FILE_HOST_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/iov.h"
#include "base/pci/pci.h"
#include "base/plan/plan.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The file that commands read when none is named, relative to the sysroot. */
#define IOV_HOST_FILE "etc/iovkit/host.yaml"

/* What a port of a switch lets through, as the options of "iov rate add" take it. */
struct iov_host_rate {
	char *tx_parent;
	unsigned int *tx_share;
	unsigned int *tx_max;
	unsigned int *tx_priority;
	unsigned int *tx_weight;
};

/* The function behind a port of a switch. */
struct iov_host_function {
	char *hw_addr;
	bool *roce;
	bool *migratable;
	bool *ipsec_crypto;
	bool *ipsec_packet;
	unsigned int *max_io_eqs;
};

/**
 * struct iov_host_vf_values - what a VF is given; names and values as in iov_vf_attribute_parse()
 * @driver: kernel driver, "native" or "none"
 * @msix: interrupt vectors (sriov_vf_msix_count)
 */
struct iov_host_vf_values {
	char *driver;
	char *mac;
	char *node_guid;
	char *port_guid;
	unsigned int *vlan;
	unsigned int *qos;
	char *vlan_protocol;
	bool *spoofchk;
	bool *trust;
	bool *rss_query;
	unsigned int *max_rate;
	unsigned int *min_rate;
	char *link_state;
	struct iov_host_function function;
	struct iov_host_rate rate;
	unsigned int *queues;	/* of NVMe, as the next two */
	unsigned int *interrupts;
	char *state;
	char *namespaces;
	unsigned int *vgpu_type;	/* of GPUs, as the next four */
	unsigned int *exec_quantum;
	unsigned int *preempt_timeout;
	char *sched_priority;
	char *vram_quota;
	char **attributes;	/* "weight=50", of any device class */
	unsigned int attribute_count;
	unsigned int *msix;
};

struct iov_host_vf {
	unsigned int index;
	struct iov_host_vf_values values;
};

/**
 * struct iov_host_vfs - the VFs of a PF
 * @count: how many; 0: none
 * @all: values of every VF that says nothing else; without a MAC
 * @each: VFs with values of their own
 */
struct iov_host_vfs {
	unsigned int count;
	struct iov_host_vf_values all;
	struct iov_host_vf *each;
	unsigned int each_count;
};

enum iov_host_absent {
	IOV_HOST_ABSENT_FATAL,
	IOV_HOST_ABSENT_SKIP,
};

/* A rule of a NIC, as the options of "iov steer add" take it. */
struct iov_host_steer {
	char *mac;
	unsigned int *vlan;
	char *to;		/* "vf3", "queue2" */
};

/* A parameter of a driver, as "iov param set" takes it. */
struct iov_host_param {
	char *name;
	char *value;
	char *cmode;
};

/* A group of rates. */
struct iov_host_group {
	char *name;
	struct iov_host_rate rate;
};

/* A subfunction, as the options of "iov sf add" take it. */
struct iov_host_sf {
	unsigned int number;
	struct iov_host_function function;
	struct iov_host_rate rate;
	char *state;
};

struct iov_host_device {
	char *name;
	char *device;
	enum iov_host_absent absent;
	char *driver;
	unsigned int *mtu;
	char *eswitch;
	char *irq;
	struct iov_host_vfs *vfs;
	struct iov_host_steer *steer;
	unsigned int steer_count;
	bool *slot;		/* with all functions of its slot; as --slot of "iov bind" */
	char **bars;		/* "1=16G", sizes of resizable ones */
	unsigned int bar_count;
	bool *disable_vga;	/* vfio-pci is loaded without legacy VGA */
	struct iov_host_param *params;
	unsigned int param_count;
	struct iov_host_group *rates;
	unsigned int rate_count;
	struct iov_host_sf *sfs;
	unsigned int sf_count;
	char **attributes;	/* the same, of the device itself */
	unsigned int attribute_count;
};

/* A mediated device; @attributes are NAME=VALUE, written in turn. */
struct iov_host_mdev {
	char *uuid;
	char *parent;
	char *type;
	enum iov_host_absent absent;
	char **attributes;
	unsigned int attribute_count;
};

/* A vDPA device, as the options of "iov vdpa create" take it. */
struct iov_host_vdpa {
	char *name;
	char *mgmtdev;
	char *driver;
	enum iov_host_absent absent;
	char *mac;
	char *mtu;
	char *max_vqp;
	char *features;
};

struct iov_host_huge_pages {
	char *size;		/* "2M", "1G" */
	unsigned int *node;
	unsigned int count;
};

/* As the options of "iov cdi write" take them. */
struct iov_host_cdi {
	bool *write;		/* off: "iov cdi remove" */
	char *mode;
	char *owner;
};

struct iov_host_bridge {
	char *name;
	char *kind;		/* "switch" or "wire", as "iov bridge add --kind" takes it */
	unsigned int *age;	/* seconds */
	unsigned int *stations;
	bool *reserved;
};

/* As the options of "iov port set" take them. */
struct iov_host_rules {
	bool *isolated;
	char *vlan;
	char **allow_mac;
	unsigned int allow_mac_count;
	char **allow_ip;
	unsigned int allow_ip_count;
	uint64_t *rx_rate;	/* bits per second */
	uint64_t *rx_packets;	/* packets per second */
	uint64_t *tx_rate;
	uint64_t *tx_packets;
	uint64_t *storm_packets;
	uint64_t *max_stations;
	char *mirror;
	char *qos;
	char *cpus;
	char **stations;
	unsigned int station_count;
};

struct iov_host_port {
	char *name;
	char *type;
	char *bridge;
	char *socket;
	bool *server;
	char *socket_mode;
	char *socket_owner;
	unsigned int *queue_pairs;
	char *mac;
	bool *standby;
	bool *any_memory;
	bool *iommu;
	char *device;
	bool *zero_copy;
	unsigned int *mtu;
	struct iov_host_rules *rules;
};

/* As the options of "iov disk add" take them; one of @file, @nbd, @nvme, @memory and @null. */
struct iov_host_disk {
	char *name;
	char *socket;
	bool *server;
	char *socket_mode;
	char *socket_owner;
	char *file;
	char *nbd;		/* URI */
	char *nvme;		/* "uplink/vf1", "0000:01:00.0/2" */
	char *memory;		/* "512M", "10G" */
	char *null;
	char *zone_size;	/* "64M" */
	bool *read_only;
	bool *cached;
	bool *io_poll;
	bool *register_memory;
	char *serial;
	unsigned int *queues;
	char *on_error;
	char *qos;
	bool *any_memory;
};

/* As the options of "iov qos add" take them; numbers a second. */
struct iov_host_qos {
	char *name;
	uint64_t *iops;
	uint64_t *read_iops;
	uint64_t *write_iops;
	uint64_t *bytes;
	uint64_t *read_bytes;
	uint64_t *write_bytes;
	uint64_t *packets;
	uint64_t *rx_packets;
	uint64_t *tx_packets;
	uint64_t *burst_ms;
};

struct iov_host_iovd {
	struct iov_host_bridge *bridges;
	unsigned int bridge_count;
	struct iov_host_port *ports;
	unsigned int port_count;
	struct iov_host_disk *disks;
	unsigned int disk_count;
	struct iov_host_qos *qos;
	unsigned int qos_count;
};

/**
 * struct iov_host - what a file says of its host
 */
struct iov_host {
	unsigned int *version;
	char **modules;
	unsigned int module_count;
	struct iov_host_huge_pages *huge_pages;
	unsigned int huge_page_count;
	struct iov_host_device *devices;
	unsigned int device_count;
	struct iov_host_mdev *mdevs;
	unsigned int mdev_count;
	struct iov_host_vdpa *vdpas;
	unsigned int vdpa_count;
	struct iov_host_cdi *cdi;
	struct iov_host_iovd *iovd;
};

/**
 * struct iov_host_file - a file that was read
 */
struct iov_host_file;

/**
 * iov_host_load - read and check a file
 * @out: receives it; the caller frees it with iov_host_free()
 * @iov: context
 * @path: file on this machine, "-" for standard input; NULL: IOV_HOST_FILE below
 *	the sysroot
 *
 * Checks all that can be told without a device: keys, types, ranges, the same
 * identity, name or MAC twice.
 *
 * Return: 0; -EINVAL with a message that begins with file and line and says what was
 * expected, of an unknown key the nearest known one; or -errno with a message.
 */
int iov_host_load(struct iov_host_file **out, struct iov *iov, const char *path);

/**
 * iov_host_free - free a file
 * @file: NULL is allowed
 */
void iov_host_free(struct iov_host_file *file);

/**
 * iov_host_of - what a file says
 * @file: file
 *
 * Return: valid as long as @file.
 */
const struct iov_host *iov_host_of(const struct iov_host_file *file);

/**
 * iov_host_fail - record an error of a file, with its line
 * @file: file
 * @error: negative errno value, handed back
 * @where: place in the file: "devices[1].vfs.count"
 * @format: printf format of the rest: value, what was expected, what to do
 *
 * The message is "host.yaml:12: devices[1].vfs.count: " and the rest.
 *
 * Return: @error.
 */
int iov_host_fail(const struct iov_host_file *file, int error, const char *where,
		  const char *format, ...) __attribute__((format(printf, 4, 5), cold));

/**
 * iov_host_repeat - put the place in a file in front of the last error
 * @file: file
 * @error: negative errno value, handed back
 * @where: place in the file: "devices[1].vfs.count"
 *
 * It stays a failure of its kind.
 *
 * Return: @error.
 */
int iov_host_repeat(const struct iov_host_file *file, int error, const char *where);

/**
 * struct iov_host_options - which part of a file is planned
 * @skip_iovd: leave out the bridges, ports and disks of iovd
 * @only_iovd: leave out all else
 * @skip_absent: absent devices are skipped, whatever the file says
 * @only_device: the one device to plan (with its VFs), NULL for all
 */
struct iov_host_options {
	bool skip_iovd;
	bool only_iovd;
	bool skip_absent;
	const struct iov_bdf *only_device;
};

/**
 * iov_host_plan - plan what makes a host as its file says
 * @plan: plan to append to
 * @file: file
 * @options: NULL for all of the file
 *
 * Appends nothing to a plan for a host that is so already.  Independent devices
 * share no step.
 *
 * Return: 0; -ENODEV for an absent device that is fatal; -ECONNREFUSED when the file
 * has bridges, ports or disks and iovd does not answer; or what the builders of the parts
 * give.  Each with a message that has file and line.
 */
int iov_host_plan(struct iov_plan *plan, const struct iov_host_file *file,
		  const struct iov_host_options *options);

/**
 * iov_host_keep - note that IOV_HOST_FILE was applied, and is to stay
 * @file: what was applied
 *
 * This text comes back when a later one is applied and not confirmed.
 *
 * Return: 0 or -errno with a message.
 */
int iov_host_keep(const struct iov_host_file *file);

/**
 * iov_host_hold - have IOV_HOST_FILE wait until it is confirmed
 * @file: what it says, and is about to be applied
 *
 * Puts back the text that was kept last, none when there was none, so that a boot meanwhile
 * goes by that.  What the file said waits beside it, as IOV_HOST_FILE ".unconfirmed".
 *
 * Return: 0 or -errno with a message.
 */
int iov_host_hold(const struct iov_host_file *file);

/**
 * iov_host_release - have IOV_HOST_FILE say again what waited
 * @iov: context
 * @keep: it was confirmed; otherwise it could not be applied, and is there to be corrected
 *
 * Does nothing when nothing waits.
 *
 * Return: 0 or -errno with a message.
 */
int iov_host_release(struct iov *iov, bool keep);

/**
 * iov_host_waits - whether a text waits for confirmation, or for what became of its change
 * @iov: context
 *
 * Any thread that holds @iov.
 */
bool iov_host_waits(struct iov *iov);

/* What was taken back as nobody confirmed it, for who wants it again. */
#define IOV_HOST_UNDONE IOV_HOST_FILE ".undone"

/**
 * iov_host_undone - whether IOV_HOST_UNDONE is there
 * @iov: context
 */
bool iov_host_undone(struct iov *iov);

/**
 * iov_host_drop - note that what waited was taken back
 * @iov: context
 *
 * It is kept as IOV_HOST_UNDONE.  Does nothing when nothing waits.
 *
 * Return: 0 or -errno with a message.
 */
int iov_host_drop(struct iov *iov);

/**
 * iov_host_save_plan - plan that IOV_HOST_FILE says what a plan does
 * @plan: plan of the change; a step that waits for all that it has is appended, unless the
 *	file says so already
 * @wanted: object "devices" of objects by address, each with keys of a device, or of a VF
 *	when it is one: {"devices": {"0000:01:00.0": {"vfs": {"count": 4}}}}; and object "iovd"
 *	of objects "bridges", "ports", "disks" and "qos" by name, each NULL for one that goes, or with
 *	objects "said", the keys of one that the file has, and "all", those of one that it does not
 *
 * What else the file says stays as it is written.  A device that it does not name is added
 * by its identity, a VF where its PF is.  What it says otherwise is replaced: to say a
 * driver of all VFs takes it from each, and VFs that are not counted any more go.
 *
 * Return: 0; -EINVAL with a message for a file that is wrong, or cannot say that; or -errno
 * with a message.
 */
int iov_host_save_plan(struct iov_plan *plan, struct json_object *wanted);

/**
 * iov_host_iovd_plan - plan one change of iovd
 * @plan: plan to append to
 * @method: "port.add", "port.set", "port.remove", or the same of a bridge, a disk or a
 *	QoS group ("qos.add"), "disk.resize" as well
 * @params: borrowed; of the method, as iovd takes them
 * @save: IOV_HOST_FILE shall say so as well
 * @judge: ask iovd whether it would add it, as the plan is only looked at
 *
 * Appends nothing for what iovd has so already, but that the file shall say it.  iovd is asked
 * whether it would make another change, so that what it refuses is no plan.
 *
 * Return: 0; -ENOENT for a port, bridge or disk that is not there, -EEXIST for one that is there
 * otherwise; -EINVAL for what a host file cannot say; -ECONNREFUSED when iovd does not answer;
 * or -errno.  Each with a message.
 */
int iov_host_iovd_plan(struct iov_plan *plan, const char *method, struct json_object *params,
		       bool save, bool judge);

/**
 * iov_host_iovd_devices - what of the host iovd is given with a port or a disk
 * @iov: context
 * @params: borrowed; of "port.add" or "disk.add"
 *
 * Return: a new array of names as iov_plan_take_device() has them, "0000:01:10.2", "block/nvme0n1",
 * "net/eth0"; the caller puts it.
 */
struct json_object *iov_host_iovd_devices(struct iov *iov, struct json_object *params);

/**
 * iov_host_iovd_there - look whether what is to be added is there as it shall be
 * @iov: context
 * @method: "port.add", "bridge.add", "disk.add" or "qos.add"
 * @params: borrowed; of the method
 * @there: receives what iovd lists, which the caller puts; NULL for nothing of that name
 *
 * Return: 0, -EEXIST for one that is otherwise, -ECONNREFUSED when iovd does not answer; or -errno.
 * Each with a message.
 */
int iov_host_iovd_there(struct iov *iov, const char *method, struct json_object *params,
			struct json_object **there);

/**
 * iov_host_snapshot - write the host as it is
 * @iov: context
 * @yaml: receives a file that iov_host_load() takes, and of which iov_host_plan() has
 *	nothing to do; the caller frees it
 *
 * Devices are named by identity.  iovd's part is left out, and a comment says so,
 * when it does not answer.
 *
 * Return: 0 or -errno with a message.
 */
int iov_host_snapshot(struct iov *iov, char **yaml);

#ifdef __cplusplus
}
#endif

#endif
