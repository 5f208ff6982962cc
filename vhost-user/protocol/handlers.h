/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One handler per request; see struct vu_rule for what holds when they run. */
#ifndef VHOST_USER_PROTOCOL_HANDLERS_H
#define VHOST_USER_PROTOCOL_HANDLERS_H

#include "vhost-user/protocol/session_internal.h"

typedef enum vu_refusal vu_handler(struct vu_session *session, struct vu_message *message);

vu_handler vu_handle_get_features;
vu_handler vu_handle_set_features;
vu_handler vu_handle_set_owner;
vu_handler vu_handle_reset_owner;
vu_handler vu_handle_set_mem_table;
vu_handler vu_handle_get_max_mem_slots;
vu_handler vu_handle_add_mem_reg;
vu_handler vu_handle_rem_mem_reg;
vu_handler vu_handle_set_log_base;
vu_handler vu_handle_set_log_fd;
vu_handler vu_handle_postcopy_advise;
vu_handler vu_handle_postcopy_listen;
vu_handler vu_handle_postcopy_end;
vu_handler vu_handle_get_inflight_fd;
vu_handler vu_handle_set_inflight_fd;
vu_handler vu_handle_set_device_state_fd;
vu_handler vu_handle_check_device_state;
vu_handler vu_handle_reset_device;
vu_handler vu_handle_set_status;
vu_handler vu_handle_get_status;
vu_handler vu_handle_set_vring_num;
vu_handler vu_handle_set_vring_addr;
vu_handler vu_handle_set_vring_base;
vu_handler vu_handle_get_vring_base;
vu_handler vu_handle_set_vring_kick;
vu_handler vu_handle_set_vring_call;
vu_handler vu_handle_set_vring_err;
vu_handler vu_handle_get_protocol_features;
vu_handler vu_handle_set_protocol_features;
vu_handler vu_handle_get_queue_num;
vu_handler vu_handle_set_vring_enable;
vu_handler vu_handle_send_rarp;
vu_handler vu_handle_set_mtu;
vu_handler vu_handle_set_backend_req_fd;
vu_handler vu_handle_vring_kick;
vu_handler vu_handle_iotlb_msg;
vu_handler vu_handle_get_config;
vu_handler vu_handle_set_config;

#endif
