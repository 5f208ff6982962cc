// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Lists the functions of the host that a guest could be given, or binds one to vfio-pci.
 *
 *	cc list-and-bind.c -o list-and-bind $(pkg-config --cflags --libs libiov)
 *	./list-and-bind
 *	./list-and-bind 0000:01:00.0
 */
#include <stdio.h>
#include <stdlib.h>

#include <base/iov.h>
#include <base/pci/pci.h>
#include <base/plan/plan.h>
#include <plugins/plugins.h>
#include <vfio/bind/bind.h>
#include <vfio/bind/verdict.h>

static int list(struct iov *iov)
{
	struct iov_bdf *functions;
	size_t count;
	int error = iov_pci_list(iov, &functions, &count);

	if (error)
		return error;
	for (size_t i = 0; i < count; i++) {
		struct iov_reason reason;

		if (!iov_verdict_blocks(iov, functions[i], &reason))
			printf("%s\n", IOV_BDF(functions[i]));
		else
			printf("%s  no: %s; %s\n", IOV_BDF(functions[i]), reason.sentence, reason.remedy);
	}
	free(functions);
	return 0;
}

/*
 * Under the lock a plan is built, judged by the guards and carried out, and taken back when a step
 * fails.
 */
static int bind_locked(struct iov *iov, struct iov_bdf bdf)
{
	struct iov_plan *plan;
	int error = iov_plan_new(&plan, iov, "bind %s", IOV_BDF(bdf));

	if (error)
		return error;
	error = iov_bind_plan(plan, &bdf, 1, "vfio-pci", 0);
	if (!error)
		error = iov_plan_run(plan, NULL);
	iov_plan_free(plan);
	return error;
}

static int bind(struct iov *iov, const char *address)
{
	struct iov_bdf bdf;
	int error = iov_bdf_parse(iov, address, &bdf);

	if (!error)
		error = iov_plan_lock(iov, 0);
	if (error)
		return error;
	error = bind_locked(iov, bdf);
	iov_plan_unlock(iov);
	return error;
}

int main(int argc, char **argv)
{
	struct iov *iov;
	int error = iov_open(&iov, NULL);

	if (error) {
		fprintf(stderr, "cannot open the host\n");
		return 1;
	}
	error = iov_plugins_register(iov);
	if (!error)
		error = argc > 1 ? bind(iov, argv[1]) : list(iov);
	if (error)
		fprintf(stderr, "%s\n", iov_error_message(iov));
	iov_close(iov);
	return error ? 1 : 0;
}
