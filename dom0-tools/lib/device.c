/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/device.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/store.h"

#define BACKENDS "/sys/bus/xen-backend/devices"

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
 */
static void wait_gone(const char *type, unsigned int domid, const char *index)
{
	uint64_t end = keel_now_ms() + 10000;
	char path[128];

	snprintf(path, sizeof(path), BACKENDS "/%s-%u-%s", type, domid, index);
	while (!access(path, F_OK) && keel_now_ms() < end)
		usleep(5000);
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

static void remove_type(struct keel *k, unsigned int domid, const char *type)
{
	unsigned int n;
	char **index = store_list(k, &n, "/local/domain/0/backend/%s/%u", type, domid);
	char path[STORE_PATH_MAX];

	for (unsigned int i = 0; index && i < n && !strcmp(type, "vif"); i++)
		script_offline(k, domid, index[i]);
	for (unsigned int i = 0; index && i < n; i++) {
		snprintf(path, sizeof(path), "/local/domain/0/backend/%s/%u/%s/online", type, domid,
			 index[i]);
		xs_write(k->xs, XBT_NULL, path, "0", 1);
		store_remove(k, "/local/domain/%u/device/%s/%s", domid, type, index[i]);
		store_remove(k, "/local/domain/0/backend/%s/%u/%s", type, domid, index[i]);
	}
	for (unsigned int i = 0; index && i < n; i++)
		wait_gone(type, domid, index[i]);
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
