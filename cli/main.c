// SPDX-License-Identifier: GPL-2.0-or-later
#include <stddef.h>

#include "cli/commands.h"

static const struct cli_command *const commands[] = {
	&cli_check,
	&cli_list,
	&cli_show,
	&cli_group_list,
	&cli_group_show,
	&cli_group_set_type,
	&cli_match,
	&cli_vf_create,
	&cli_vf_list,
	&cli_vf_show,
	&cli_vf_set,
	&cli_vf_remove,
	&cli_bind,
	&cli_unbind,
	&cli_reset,
	&cli_irq_list,
	&cli_irq_pin,
	&cli_irq_test,
	&cli_vfio_info,
	&cli_vfio_dma,
	&cli_attach,
	&cli_port_add,
	&cli_port_set,
	&cli_port_list,
	&cli_port_show,
	&cli_port_stats,
	&cli_port_remove,
	&cli_disk_add,
	&cli_disk_set,
	&cli_disk_resize,
	&cli_disk_list,
	&cli_disk_show,
	&cli_disk_stats,
	&cli_disk_remove,
	&cli_bridge_add,
	&cli_bridge_list,
	&cli_bridge_remove,
	&cli_bridge_set,
	&cli_bridge_stations,
	&cli_top,
	&cli_metrics,
	&cli_bench_blk,
	&cli_bench_net,
	&cli_plan,
	&cli_apply,
	&cli_snapshot,
	&cli_recover,
	&cli_confirm,
	&cli_log,
	NULL,
};

int main(int argc, char **argv)
{
	return cli_run(commands, argc, argv);
}
