// SPDX-License-Identifier: GPL-2.0-or-later
/* What can be told to be wrong with vDPA devices in a host file without a look at the host. */
#include <errno.h>

#include "base/cleanup.h"
#include "host/file/validate.h"
#include "host/file/vdpa_values.h"
#include "plugins/vdpa/vdpa.h"

static int check_values(const struct check *check, const char *at, const struct iov_host_vdpa *vdpa)
{
	_cleanup_json_ struct json_object *values = json_object_new_object();
	int error = 0;

	for (size_t i = 0; !error && i < HOST_VDPA_VALUES; i++) {
		const char *name, *text = host_vdpa_value(vdpa, i, &name);

		error = text ? iov_vdpa_value_parse(check->file->iov, name, text, values) : 0;
		if (error)
			iov_host_repeat(check->file, error, PLACE("%s.%s", at, name));
	}
	return error;
}

int check_vdpa(const struct check *check, const char *at, const struct iov_host_vdpa *vdpa)
{
	static const char *const drivers[] = { IOV_DRIVER_VHOST_VDPA, IOV_DRIVER_VIRTIO_VDPA, NULL };
	int error = check_name(check, PLACE("%s.name", at), vdpa->name);

	if (!error)
		error = check_once(check, PLACE("%s.name", at), "vDPA device", vdpa->name);
	if (!error)
		error = check_word(check, PLACE("%s.driver", at), vdpa->driver, drivers,
				   IOV_DRIVER_VHOST_VDPA " or " IOV_DRIVER_VIRTIO_VDPA);
	return error ? error : check_values(check, at, vdpa);
}
