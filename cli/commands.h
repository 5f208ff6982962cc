/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands of iov, each defined in the file of its noun. */
#ifndef IOV_CLI_COMMANDS_H
#define IOV_CLI_COMMANDS_H

#include "cli/cli.h"

extern const struct cli_command cli_apply;
extern const struct cli_command cli_attach;
extern const struct cli_command cli_bench_blk;
extern const struct cli_command cli_bench_net;
extern const struct cli_command cli_bind;
extern const struct cli_command cli_bridge_add;
extern const struct cli_command cli_bridge_list;
extern const struct cli_command cli_bridge_remove;
extern const struct cli_command cli_bridge_set;
extern const struct cli_command cli_bridge_stations;
extern const struct cli_command cli_cdi_list;
extern const struct cli_command cli_cdi_remove;
extern const struct cli_command cli_cdi_write;
extern const struct cli_command cli_check;
extern const struct cli_command cli_confirm;
extern const struct cli_command cli_disk_add;
extern const struct cli_command cli_disk_list;
extern const struct cli_command cli_disk_remove;
extern const struct cli_command cli_disk_resize;
extern const struct cli_command cli_disk_set;
extern const struct cli_command cli_disk_show;
extern const struct cli_command cli_disk_stats;
extern const struct cli_command cli_export;
extern const struct cli_command cli_group_list;
extern const struct cli_command cli_group_set_type;
extern const struct cli_command cli_group_show;
extern const struct cli_command cli_irq_list;
extern const struct cli_command cli_irq_pin;
extern const struct cli_command cli_irq_test;
extern const struct cli_command cli_list;
extern const struct cli_command cli_log;
extern const struct cli_command cli_map;
extern const struct cli_command cli_match;
extern const struct cli_command cli_mdev_create;
extern const struct cli_command cli_mdev_define;
extern const struct cli_command cli_mdev_list;
extern const struct cli_command cli_mdev_remove;
extern const struct cli_command cli_mdev_set;
extern const struct cli_command cli_mdev_show;
extern const struct cli_command cli_mdev_start;
extern const struct cli_command cli_mdev_types;
extern const struct cli_command cli_mdev_undefine;
extern const struct cli_command cli_metrics;
extern const struct cli_command cli_plan;
extern const struct cli_command cli_plugin_list;
extern const struct cli_command cli_port_add;
extern const struct cli_command cli_port_list;
extern const struct cli_command cli_port_remove;
extern const struct cli_command cli_port_show;
extern const struct cli_command cli_port_set;
extern const struct cli_command cli_port_stats;
extern const struct cli_command cli_qos_add;
extern const struct cli_command cli_qos_list;
extern const struct cli_command cli_qos_remove;
extern const struct cli_command cli_qos_set;
extern const struct cli_command cli_qos_show;
extern const struct cli_command cli_record;
extern const struct cli_command cli_recover;
extern const struct cli_command cli_reset;
extern const struct cli_command cli_set;
extern const struct cli_command cli_show;
extern const struct cli_command cli_snapshot;
extern const struct cli_command cli_steer_add;
extern const struct cli_command cli_steer_list;
extern const struct cli_command cli_steer_remove;
extern const struct cli_command cli_top;
extern const struct cli_command cli_unbind;
extern const struct cli_command cli_vdpa_bind;
extern const struct cli_command cli_vdpa_create;
extern const struct cli_command cli_vdpa_delete;
extern const struct cli_command cli_vdpa_list;
extern const struct cli_command cli_vdpa_mgmt;
extern const struct cli_command cli_vdpa_show;
extern const struct cli_command cli_vfio_dma;
extern const struct cli_command cli_vfio_info;
extern const struct cli_command cli_vf_create;
extern const struct cli_command cli_vf_list;
extern const struct cli_command cli_vf_remove;
extern const struct cli_command cli_vf_set;
extern const struct cli_command cli_vf_show;
extern const struct cli_command cli_web;

#endif
