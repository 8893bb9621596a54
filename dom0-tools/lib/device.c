/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/device.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/net.h"
#include "lib/store.h"

#define BACKENDS "/sys/bus/xen-backend/devices"
#define NODE "/local/domain/0/backend/%s/%u/%s"

/* enum xenbus_state of Xen's xen/include/public/io/xenbus.h. */
enum { INIT_WAIT = 2, CLOSING = 5, CLOSED = 6 };

static const char *const states[] = {
	"unknown", "initialising", "waiting", "initialised", "connected", "closing", "closed",
};

int device_wait(struct keel *k, const char *type, unsigned int domid, unsigned int index,
		const char *sysfs)
{
	uint64_t end = keel_now_ms() + DEVICE_TIMEOUT_MS;
	char path[128];
	char *why;
	int rc;

	snprintf(path, sizeof(path), BACKENDS "/%s-%u-%u/%s", type, domid, index, sysfs);
	while (access(path, F_OK)) {
		why = store_read(k, "/local/domain/0/error/backend/%s/%u/%u/error", type, domid, index);
		if (why) {
			rc = keel_fail(&k->err, EIO, "the %s back-end refuses device %u of domain %u: %s",
				       type, index, domid, why);
			free(why);
			return rc;
		}
		if (keel_interrupted(k))
			return -EINTR;
		if (keel_now_ms() > end)
			return keel_fail(&k->err, ETIMEDOUT, "no back-end driver took %s device %u of "
					 "domain %u within %d s; is the module %s loaded?", type, index,
					 domid, DEVICE_TIMEOUT_MS / 1000,
					 type[1] == 'b' ? "xen-blkback" : "xen-netback");
		usleep(5000);
	}
	return 0;
}

/*
 * Waits until the kernel has released the back-end device, and with it its mappings of the guest.
 * False if it has not in time.
 */
static bool wait_gone(const char *type, unsigned int domid, const char *index)
{
	uint64_t end = keel_now_ms() + 10000;
	char path[128];

	snprintf(path, sizeof(path), BACKENDS "/%s-%u-%s", type, domid, index);
	while (!access(path, F_OK)) {
		if (keel_now_ms() >= end)
			return false;
		usleep(5000);
	}
	return true;
}

/* A script that brought an interface up takes it down, while its nodes are there to be read. */
static void script_offline(struct keel *k, unsigned int domid, const char *index)
{
	char *script = store_read(k, "/local/domain/0/backend/vif/%u/%s/script", domid, index);
	char *device = store_read(k, "/local/domain/0/backend/vif/%u/%s/gatewaydev", domid, index);
	struct keel_error before = k->err;
	char name[24];

	snprintf(name, sizeof(name), "vif%u.%.8s", domid, index);
	if (script && *script == '/' && strcmp(script, "/bin/true") &&
	    script_run(k, script, "offline", domid, strtoul(index, NULL, 10), name, device ? device : ""))
		keel_warn(k, "%s", k->err.text);
	k->err = before;
	free(script);
	free(device);
}

static void remove_nodes(struct keel *k, const char *type, unsigned int domid, const char *index)
{
	char path[STORE_PATH_MAX];

	snprintf(path, sizeof(path), NODE "/online", type, domid, index);
	xs_write(k->xs, XBT_NULL, path, "0", 1);
	store_remove(k, "/local/domain/%u/device/%s/%s", domid, type, index);
	store_remove(k, NODE, type, domid, index);
}

/* Its rules outlast the interface, so that nothing passes without them. */
static void leave_network(struct keel *k, const char *type, unsigned int domid, const char *index)
{
	if (!strcmp(type, "vif"))
		net_vif_remove(k, domid, strtoul(index, NULL, 10));
}

static void remove_type(struct keel *k, unsigned int domid, const char *type)
{
	unsigned int n;
	char **index = store_list(k, &n, "/local/domain/0/backend/%s/%u", type, domid);

	for (unsigned int i = 0; index && i < n && !strcmp(type, "vif"); i++)
		script_offline(k, domid, index[i]);
	for (unsigned int i = 0; index && i < n; i++)
		remove_nodes(k, type, domid, index[i]);
	for (unsigned int i = 0; index && i < n; i++) {
		wait_gone(type, domid, index[i]);
		leave_network(k, type, domid, index[i]);
	}
	free(index);
	/* The driver may have written its state once more meanwhile. */
	store_remove(k, "/local/domain/0/backend/%s/%u", type, domid);
	store_remove(k, "/local/domain/0/error/backend/%s/%u", type, domid);
}

void device_remove_all(struct keel *k, unsigned int domid)
{
	unsigned int n;
	char **type = store_list(k, &n, "/local/domain/0/backend");

	for (unsigned int i = 0; type && i < n; i++)
		remove_type(k, domid, type[i]);
	free(type);
}

/* All of one device; as above, once more when the driver has let go. Whether it has. */
static bool remove_one(struct keel *k, const char *type, unsigned int domid, const char *index)
{
	bool gone;

	remove_nodes(k, type, domid, index);
	gone = wait_gone(type, domid, index);
	leave_network(k, type, domid, index);
	store_remove(k, NODE, type, domid, index);
	store_remove(k, "/local/domain/0/error/backend/%s/%u/%s", type, domid, index);
	store_remove(k, "/libxl/%u/device/%s/%s", domid, type, index);
	return gone;
}

void device_drop(struct keel *k, const char *type, unsigned int domid, unsigned int index)
{
	struct keel_error before = k->err;
	char number[12];

	snprintf(number, sizeof(number), "%u", index);
	if (!strcmp(type, "vif"))
		script_offline(k, domid, number);
	remove_one(k, type, domid, number);
	k->err = before;
}

static unsigned int state_of(struct keel *k, const char *type, unsigned int domid,
			     const char *index)
{
	char *text = store_read(k, NODE "/state", type, domid, index);
	unsigned long state = text ? strtoul(text, NULL, 10) : 0;

	free(text);
	return state < sizeof(states) / sizeof(states[0]) ? state : 0;
}

const char *device_state(struct keel *k, const char *type, unsigned int domid, const char *index)
{
	return states[state_of(k, type, domid, index)];
}

/* Whether it is on its way out; -ENODEV if there is none. */
static int is_leaving(struct keel *k, const char *type, unsigned int domid, const char *index)
{
	char *online = store_read(k, NODE "/online", type, domid, index);
	int rc = online ? *online == '0' : -ENODEV;

	free(online);
	return rc;
}

struct leaving {
	const char *type, *index;
	unsigned int state;		/* to be written with it, or 0 */
};

/* Readers see both or neither: closing, and not to come back. */
static void put_leaving(struct store_tx *t, void *arg)
{
	const struct leaving *l = arg;
	char path[STORE_PATH_MAX];

	snprintf(path, sizeof(path), NODE "/online", l->type, t->domid, l->index);
	store_put(t, path, "0");
	if (!l->state)
		return;
	snprintf(path, sizeof(path), NODE "/state", l->type, t->domid, l->index);
	store_put(t, path, "%u", l->state);
}

/* What a guest has not connected to, it need not close. */
static bool is_open(struct keel *k, const char *type, unsigned int domid, const char *index)
{
	unsigned int state = state_of(k, type, domid, index);

	return state > INIT_WAIT && state != CLOSED;
}

static int wait_closed(struct keel *k, const char *type, unsigned int domid, const char *index)
{
	uint64_t end = keel_now_ms() + DEVICE_TIMEOUT_MS;

	while (is_open(k, type, domid, index)) {
		keel_progress(k, "waiting for the guest to close the device", 0, 0);
		if (keel_interrupted(k))
			return -EINTR;
		if (keel_now_ms() > end)
			return keel_fail(&k->err, ETIMEDOUT, "domain %u does not close %s device %s within %d s; it was "
					 "asked to, and may do so later: then detach it once more", domid, type, index,
					 DEVICE_TIMEOUT_MS / 1000);
		usleep(20000);
	}
	return 0;
}

int device_detach(struct keel *k, const char *type, unsigned int domid, unsigned int index,
		  bool force)
{
	char number[12];
	struct leaving l = { .type = type, .index = number };
	int lock, rc;

	snprintf(number, sizeof(number), "%u", index);
	if (is_leaving(k, type, domid, number) < 0)
		return keel_fail(&k->err, ENODEV, "domain %u has no %s device %u", domid, type, index);
	if (k->dry_run)
		return 0;
	if (!force && is_open(k, type, domid, number))
		l.state = CLOSING;
	rc = store_run(k, domid, put_leaving, &l);
	if (!rc && !force)
		rc = wait_closed(k, type, domid, number);
	if (rc)
		return rc;
	/* Somebody else may have removed it meanwhile, and another one may be there. */
	if (is_leaving(k, type, domid, number) == 1 && !strcmp(type, "vif"))
		script_offline(k, domid, number);
	lock = keel_lock(k);
	if (lock < 0)
		return lock;
	if (is_leaving(k, type, domid, number) == 1 && !remove_one(k, type, domid, number))
		rc = keel_fail(&k->err, EBUSY, "domain %u has %s device %s no more, but its driver does not "
			       "let go of it: give its medium to nobody else while " BACKENDS "/%s-%u-%s is there",
			       domid, type, number, type, domid, number);
	close(lock);
	return rc;
}
