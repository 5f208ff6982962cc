/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Claims: who has a function of a host, for how long.
 *
 * A claim is in etcd, where an operator has one and says so, and otherwise in a file of this host, with
 * the same meaning.  It is of one function of one host, named by an identity (base/pci/identity.h),
 * and says who holds it: a guest, a user, a scheduler.  It lasts as long as its lease, which a service
 * renews; where that cannot be renewed the service fences: the device is taken from who uses it before
 * anybody else may have it.  Each claim has a revision, which no later claim of the device falls
 * below (a fencing token).
 *
 * A host claims, binds and fences its own devices and no others.
 *
 * A claim as JSON has the members
 *	host		that the device is of
 *	device		its address when it was claimed
 *	identity	its name, which it is claimed under
 *	holder		who has it; null when what is stored there is no claim of iovkit's
 *	boot		boot ID of the host when it was claimed
 *	ttl		seconds that it lasts unless it is renewed
 *	since		when it was made, ISO 8601
 *	revision	its fencing token
 *	lease		of etcd, decimal digits; null in a file
 */
#ifndef IOV_CLAIMS_CLAIMS_H
#define IOV_CLAIMS_CLAIMS_H

#include <json-c/json.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/iov.h"
#include "base/pci/pci.h"
#include "base/plan/plan.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The file of an operator that says where claims are kept, relative to the sysroot. */
#define IOV_CLAIMS_CONFIG "etc/iovkit/claims.conf"

/**
 * struct iov_claims_settings - what a command line or an environment says; NULL for nothing
 * @holder: who acts
 * @endpoints: of etcd, separated by commas: "https://10.0.0.1:2379,https://10.0.0.2:2379"; "" for none
 * @ca: file of the certificates that etcd's are signed with
 * @certificate: file of the one that we show
 * @key: its key's file
 * @user: of etcd
 * @password: its password
 *
 * What is not said is in IOV_CLAIMS_CONFIG.
 */
struct iov_claims_settings {
	const char *holder;
	const char *endpoints;
	const char *ca;
	const char *certificate;
	const char *key;
	const char *user;
	const char *password;
};

/**
 * iov_claims_register - have a context ask for claims
 * @iov: context
 * @settings: stays the caller's and outlives the context; NULL for none
 *
 * Registers the operation "claim" and the guard "fleet".
 *
 * Return: 0 or -ENOMEM.
 */
int iov_claims_register(struct iov *iov, const struct iov_claims_settings *settings);

/**
 * iov_claims_list - claims that there are
 * @iov: context
 * @all: of all hosts; false: of this one
 * @claims: receives an array in order of host and device; the caller puts it
 *
 * Return: 0; -EINVAL for wrong settings; -EHOSTUNREACH when etcd does not answer; or -errno. Each
 * with a message.
 */
int iov_claims_list(struct iov *iov, bool all, struct json_object **claims);

/**
 * iov_claims_find - the claim of a function of this host
 * @iov: context
 * @bdf: function
 * @claim: receives it, which the caller puts; NULL for none
 *
 * Return: as iov_claims_list().
 */
int iov_claims_find(struct iov *iov, struct iov_bdf bdf, struct json_object **claim);

/**
 * iov_claims_holders - holders that this host knows, without asking etcd
 * @iov: context
 *
 * Return: a new array of names: of the claims that were made here since the boot, and of the settings; the
 * caller puts it.  What cannot be read is left out.
 */
struct json_object *iov_claims_holders(struct iov *iov);

/**
 * iov_claims_check - refuse what somebody else has
 * @iov: context
 * @device: BDF, or SUBSYSTEM/NAME as sysfs has it below /sys/bus or /sys/class, "mdev/UUID", "block/dm-0",
 *	which is of the functions that it stands on
 *
 * For what is no plan; those ask the guard "fleet".
 *
 * Return: 0; -ECANCELED with a message that names the holder; or as iov_claims_list().
 */
int iov_claims_check(struct iov *iov, const char *device);

/**
 * iov_claim_plan - plan to claim functions
 * @plan: plan to append to
 * @bdf: function
 * @ttl: seconds, 0 for what the settings have
 *
 * Nothing is planned where the holder has it already.
 *
 * Return: 0; -ECANCELED when somebody else has it; -EINVAL for a time out of range, or without a
 * holder; -ENODEV without that function; or as iov_claims_list().  Each with a message.
 */
int iov_claim_plan(struct iov_plan *plan, struct iov_bdf bdf, unsigned int ttl);

/**
 * iov_release_claim_plan - plan to let a function go
 * @plan: plan to append to
 * @bdf: function
 * @anyones: also when somebody else has it
 *
 * Nothing is planned where nobody has it.
 *
 * Return: as iov_claim_plan().
 */
int iov_release_claim_plan(struct iov_plan *plan, struct iov_bdf bdf, bool anyones);

/**
 * iov_claims_are_kept - whether somebody renews the claims of this host
 * @iov: context
 */
bool iov_claims_are_kept(struct iov *iov);

/**
 * struct iov_claims_keeper - who renews the claims of this host
 * @open: open a context with all that commands have, for another process; -errno
 * @arg: passed to @open
 * @stop: where a handler of signals leaves one that asks for the end
 */
struct iov_claims_keeper {
	int (*open)(void *arg, struct iov **iov);
	void *arg;
	const volatile sig_atomic_t *stop;
};

/**
 * iov_claims_keep - renew the claims of this host, and fence what cannot be renewed in time
 * @iov: context
 * @keeper: how
 *
 * Each claim has a process of its own, so that none holds up another.  Asked to end it leaves claims
 * as they are, for another call to go on with.
 *
 * Return: 0 when it was asked to end; -EBUSY when another process does it; or -errno.  Each with a
 * message.
 */
int iov_claims_keep(struct iov *iov, const struct iov_claims_keeper *keeper);

#ifdef __cplusplus
}
#endif

#endif
