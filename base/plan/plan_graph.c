// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which step waits for which.  A step waits for the last one before it that has one
 * of its devices in common, and through that for all earlier ones.  A step on the
 * whole host waits for all before it, and all after it wait for it.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/plan/plan_engine.h"

/* Let @later wait for @earlier, or the other way round. */
static int add_edge(struct graph *graph, size_t earlier, size_t later)
{
	struct graph_node *from = &graph->nodes[graph->backwards ? later : earlier];
	size_t to = graph->backwards ? earlier : later;
	size_t *grown;

	if (from->count && from->next[from->count - 1] == to)
		return 0;
	grown = array_grow(from->next, from->count, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	from->next = grown;
	from->next[from->count++] = to;
	graph->nodes[to].waits_for++;
	return 0;
}

/* @last: object of the last step of each device. */
static int add_device(struct graph *graph, struct json_object *last, size_t index,
		      const char *device)
{
	struct json_object *step;
	int error = 0;

	if (json_object_object_get_ex(last, device, &step) &&
	    (size_t)json_object_get_int64(step) != index)
		error = add_edge(graph, (size_t)json_object_get_int64(step), index);
	json_object_object_add(last, device, json_object_new_int64((int64_t)index));
	return error;
}

static int add_devices(struct graph *graph, struct json_object *last, size_t index,
		       const struct iov_step *step)
{
	int error = add_device(graph, last, index, step->device);

	for (size_t i = 0; !error && i < step->touches.count; i++)
		error = add_device(graph, last, index, step->touches.list[i]);
	return error;
}

/* @first: the last step on the whole host, from which on @last counts. */
static int add_step(struct graph *graph, struct json_object **last, size_t *first, size_t index,
		    const struct iov_step *step)
{
	int error = 0;

	if (step->device) {
		if (*first < index && graph->nodes[*first].whole_host)
			error = add_edge(graph, *first, index);
		return error ? error : add_devices(graph, *last, index, step);
	}
	for (size_t i = *first; !error && i < index; i++)
		error = add_edge(graph, i, index);
	graph->nodes[index].whole_host = true;
	*first = index;
	json_object_put(*last);
	*last = json_object_new_object();
	return error;
}

int graph_open(struct graph *graph, const struct iov_plan *plan, bool backwards)
{
	_cleanup_json_ struct json_object *last = json_object_new_object();
	size_t count = plan->step_count, first = 0;
	int error = 0;

	*graph = (struct graph){
		.nodes = calloc(count, sizeof(*graph->nodes)),
		.count = count,
		.backwards = backwards,
	};
	if (!graph->nodes)
		return -ENOMEM;
	for (size_t i = 0; !error && i < count; i++)
		error = add_step(graph, &last, &first, i, plan->steps[i]);
	if (error)
		graph_close(graph);
	return error;
}

void graph_close(struct graph *graph)
{
	for (size_t i = 0; graph->nodes && i < graph->count; i++)
		free(graph->nodes[i].next);
	free(graph->nodes);
}
