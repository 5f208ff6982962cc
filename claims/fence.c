// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The hook has half of the time, and what is done to the device shares the rest.  A hook that fails
 * or hangs keeps nothing from being done: the device is what counts.
 *
 * A VMM that does not let go of a function keeps the kernel in the middle of unbinding it, with the lock of the
 * function and without the link of its driver.  So that lock is asked for as well, and a reset comes first.
 */
#include "claims/fence.h"

#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/context.h"
#include "base/json.h"
#include "base/sysroot/call.h"
#include "base/sysroot/paths.h"
#include "base/sysroot/sysroot.h"
#include "base/sysroot/writer.h"
#include "claims/claims.h"
#include "sriov/class.h"

#define POLL_MS 20

/* Why a device cannot do what a fence would. */
#define NO_LINK "it has no link that could be down"
#define NO_VF_LINK "its PF has no links of VFs"
#define NO_RESET "it has no reset of its own"

static void pause_ms(unsigned int milliseconds)
{
	const struct timespec pause = { milliseconds / 1000, milliseconds % 1000 * 1000000L };

	nanosleep(&pause, NULL);
}

/* In a group of its own, so that what it has started ends with it. */
static int start_hook(const char *hook, struct iov_bdf bdf, const char *holder, pid_t *pid)
{
	struct iov_bdf_text device = iov_bdf_format(bdf);
	char *const argv[] = { (char *)hook, device.text, (char *)holder, NULL };
	posix_spawnattr_t attributes;
	sigset_t none, all;
	int error;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_init(&attributes);
	/* What is ignored here while a fence is under way ends what the hook starts, as "timeout" does. */
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
				 POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	error = posix_spawn(pid, hook, NULL, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	return -error;
}

static void run_hook(struct iov *iov, const char *hook, struct iov_bdf bdf, const char *holder,
		     unsigned int milliseconds)
{
	int64_t end = boot_ms() + milliseconds;
	int status = 0, error;
	pid_t pid;

	error = start_hook(hook, bdf, holder, &pid);
	if (error) {
		iov_log(iov, LOG_ERR, "%s: %s", hook, strerror(-error));
		return;
	}
	while (waitpid(pid, &status, WNOHANG) != pid) {
		if (boot_ms() < end) {
			pause_ms(POLL_MS);
			continue;
		}
		iov_log(iov, LOG_ERR, "%s %s %s: has not ended in %u ms, and is killed", hook, IOV_BDF(bdf), holder,
			milliseconds);
		kill(-pid, SIGKILL);
		waitpid(pid, &status, 0);
		return;
	}
	if (status)
		iov_log(iov, LOG_ERR, "%s %s %s: %s %d", hook, IOV_BDF(bdf), holder, WIFEXITED(status) ?
			"ends with status" : "is ended by signal", WIFEXITED(status) ? WEXITSTATUS(status) :
			WTERMSIG(status));
}

static int set_down(struct iov *iov, const char *interface)
{
	struct ifreq request = { 0 };
	_cleanup_fd_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	iov_sys_asking(iov, "the flags of %s", interface);
	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request))
		return iov_told(iov, -errno, "%s: %s", interface, strerror(errno));
	request.ifr_flags = (short)(request.ifr_flags & ~IFF_UP);
	iov_sys_asking(iov, "%s to be down", interface);
	return ioctl(fd, SIOCSIFFLAGS, &request) ? iov_told(iov, -errno, "%s: %s", interface, strerror(errno)) : 0;
}

/* A function's own interfaces. */
static int set_all_down(struct iov *iov, struct iov_bdf bdf)
{
	char **names = NULL;
	size_t count = 0;
	int error = iov_sys_list(iov, iov_path(IOV_PATH_PCI_DEVICES "/%s/net", IOV_BDF(bdf)).name, &names, &count);

	if (error == -ENOENT || (!error && !count))
		error = iov_fail(iov, -EOPNOTSUPP, NO_LINK);
	for (size_t i = 0; !error && i < count; i++)
		error = set_down(iov, names[i]);
	iov_names_free(names, count);
	return error;
}

/* Of a VF by its PF, whoever drives it. */
static int take_link(struct iov *iov, const char *question, size_t length, FILE *answer)
{
	_cleanup_json_ struct json_object *target = json_object_new_object();
	char said[256] = "";
	unsigned int index;
	struct iov_bdf bdf, pf_bdf;
	struct iov_pf pf;
	int error = iov_bdf_parse(iov, question, &bdf);

	(void)length;
	(void)answer;
	if (error)
		return error;
	if (iov_pci_link(iov, bdf, "physfn", &pf_bdf) || iov_pci_vf_index(iov, pf_bdf, bdf, &index))
		return set_all_down(iov, bdf);
	error = iov_pf_read(iov, pf_bdf, &pf);
	if (error)
		return error;
	if (!pf.device_class || !iov_class_attribute(pf.device_class, "link_state") || !pf.device_class->set)
		return iov_fail(iov, -EOPNOTSUPP, NO_VF_LINK);
	json_add_text(target, "link_state", "disable");
	error = pf.device_class->set(iov, &pf, index, "link_state", target, said, sizeof(said));
	if (error == -EOPNOTSUPP)
		return iov_told(iov, error, "the driver of its PF %s sets no links of VFs, so what follows has to take it",
				IOV_BDF(pf_bdf));
	return error ? iov_told(iov, error, "%s", *said ? said : strerror(-error)) : 0;
}

static int unbind(struct iov *iov, struct iov_bdf bdf)
{
	struct iov_path driver = iov_path(IOV_PATH_PCI_DEVICES "/%s/driver", IOV_BDF(bdf));
	int error = 0;

	if (iov_sys_exists(iov, driver.name))
		error = iov_sys_write(iov, iov_path("%s/unbind", driver.name).name, IOV_BDF(bdf));
	if (error && error != -ENODEV)
		return iov_told(iov, error, "%s", error == -ETIMEDOUT ? iov_error_message(iov) : strerror(-error));
	if (iov_sys_exists(iov, driver.name))
		return iov_fail(iov, -EBUSY, "it has its driver still");
	return iov_pci_unlocked(iov, bdf);
}

static int reset(struct iov *iov, struct iov_bdf bdf)
{
	int error = iov_sys_write(iov, iov_path(IOV_PATH_PCI_DEVICES "/%s/reset", IOV_BDF(bdf)).name, "1");

	if (error == -ENOENT || error == -ENOTTY)
		return iov_fail(iov, -EOPNOTSUPP, NO_RESET);
	return error ? iov_told(iov, error, "%s", error == -ETIMEDOUT ? iov_error_message(iov) : strerror(-error)) : 0;
}

/*
 * Who still is at an action that the kernel has not answered, as a descriptor, 0 for nobody.  It cannot be
 * ended, and a fence goes on for as long as a VMM does, so nobody else joins it.  A process fences one function.
 */
static int left[CLAIMS_ACTIONS];

static bool is_left(enum claims_action action)
{
	struct pollfd end = { .fd = left[action], .events = POLLIN };

	if (!left[action] || !poll(&end, 1, 0))
		return left[action];
	close(left[action]);
	left[action] = 0;
	return false;
}

static int act_once(struct iov *iov, enum claims_action action, struct iov_bdf bdf)
{
	struct iov_bdf_text device = iov_bdf_format(bdf);

	switch (action) {
	case CLAIMS_LINK_DOWN:
		return iov_sys_call(iov, take_link, device.text, strlen(device.text), NULL);
	case CLAIMS_UNBIND:
		return unbind(iov, bdf);
	case CLAIMS_RESET:
		return reset(iov, bdf);
	case CLAIMS_ACTIONS:
		break;
	}
	return 0;
}

static int act(struct iov *iov, enum claims_action action, struct iov_bdf bdf)
{
	int error, fd;

	if (is_left(action))
		return iov_fail(iov, -ETIMEDOUT, "the kernel has not answered that yet");
	iov->stuck = 0;
	error = act_once(iov, action, bdf);
	if (error != -ETIMEDOUT || !iov->stuck)
		return error;
	fd = open_pidfd(iov->stuck);
	left[action] = fd < 0 ? 0 : fd;
	return error;
}

static bool is_gone(struct iov *iov, struct iov_bdf bdf)
{
	return !iov_sys_exists(iov, iov_path(IOV_PATH_PCI_DEVICES "/%s", IOV_BDF(bdf)).name);
}

/* What it cannot be made to do is no failure where something else is done. */
static int act_all(struct iov *iov, const struct claims_config *config, struct iov_bdf bdf)
{
	char why[IOV_MESSAGE_SIZE] = "";
	unsigned int done = 0;
	int error = 0;

	for (size_t i = 0; i < config->action_count && !is_gone(iov, bdf); i++) {
		int result = act(iov, config->actions[i], bdf);

		done += !result;
		if (!result)
			continue;
		iov_log(iov, LOG_CRIT, "fencing %s, %s: %s", IOV_BDF(bdf), claims_action_names[config->actions[i]],
			iov_error_message(iov));
		if (error && result == -EOPNOTSUPP)
			continue;
		error = result;
		snprintf(why, sizeof(why), "%s", iov_error_message(iov));
	}
	if (is_gone(iov, bdf) || !error || (done && error == -EOPNOTSUPP))
		return 0;
	return iov_told(iov, error, "%s", why);
}

int claims_fence(struct iov *iov, const struct claims_config *config, struct iov_bdf bdf, const char *holder)
{
	unsigned int half = config->fence_time * 500;

	if (*config->stop_hook)
		run_hook(iov, config->stop_hook, bdf, holder, half);
	iov_sys_set_timeout(iov, half / (unsigned int)config->action_count);
	return act_all(iov, config, bdf);
}

/* Of a VF the driver of its PF may still refuse: who knows is who tries. */
static const char *why_no_link(struct iov *iov, struct iov_bdf bdf)
{
	struct iov_bdf pf_bdf;
	char **names = NULL;
	size_t count = 0;
	struct iov_pf pf;

	if (!iov_pci_link(iov, bdf, "physfn", &pf_bdf))
		return !iov_pf_read(iov, pf_bdf, &pf) && pf.device_class && pf.device_class->set &&
				       iov_class_attribute(pf.device_class, "link_state") ? NULL : NO_VF_LINK;
	if (!iov_sys_list(iov, iov_path(IOV_PATH_PCI_DEVICES "/%s/net", IOV_BDF(bdf)).name, &names, &count))
		iov_names_free(names, count);
	return count ? NULL : NO_LINK;
}

static const char *why_not(struct iov *iov, enum claims_action action, struct iov_bdf bdf)
{
	switch (action) {
	case CLAIMS_LINK_DOWN:
		return why_no_link(iov, bdf);
	case CLAIMS_RESET:
		return iov_sys_exists(iov, iov_path(IOV_PATH_PCI_DEVICES "/%s/reset", IOV_BDF(bdf)).name) ? NULL :
													   NO_RESET;
	default:
		return NULL;
	}
}

static void note_hook(struct iov_plan *plan, const struct claims_config *config)
{
	if (*config->stop_hook && access(config->stop_hook, X_OK))
		iov_plan_note(plan, "a fence cannot run the stop-hook %s: %s; put it there, or change 'stop-hook' of /"
			      IOV_CLAIMS_CONFIG, config->stop_hook, strerror(errno));
}

void claims_fence_note(struct iov_plan *plan, const struct claims_config *config, struct iov_bdf bdf)
{
	struct iov *iov = iov_plan_context(plan);
	struct iov_path left = { "" };
	size_t count = 0;

	note_hook(plan, config);
	for (size_t i = 0; i < config->action_count; i++) {
		if (why_not(iov, config->actions[i], bdf))
			continue;
		left = iov_path("%s%s%s", left.name, count ? ", " : "", claims_action_names[config->actions[i]]);
		count++;
	}
	for (size_t i = 0; i < config->action_count; i++) {
		const char *why = why_not(iov, config->actions[i], bdf);

		if (why)
			iov_plan_note(plan, "%s: a fence cannot do %s to it: %s; %s", IOV_BDF(bdf),
				      claims_action_names[config->actions[i]], why,
				      count ? iov_path("what it does is %s", left.name).name :
				      *config->stop_hook ? "nothing but its stop-hook takes it from its user" :
				      "nothing takes it from its user, so 'fence' of /" IOV_CLAIMS_CONFIG
				      " or a stop-hook has to say more");
	}
}
