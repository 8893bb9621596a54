/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/device.h"
#include "lib/domain.h"
#include "lib/hyper.h"
#include "lib/pci.h"
#include "lib/store.h"

/* Longest time that a domain may need to return its pages once its devices are gone. */
#define DYING_TIMEOUT_MS 15000

static void remove_nodes(struct keel *k, unsigned int domid, const char *vm)
{
	pci_forget(k, domid);	/* it reads them */
	if (vm && !strncmp(vm, "/vm/", 4))
		store_remove(k, "%s", vm);
	store_remove(k, "/local/domain/%u", domid);
	store_remove(k, "/libxl/%u", domid);
	store_remove(k, "/tool/keel/%u", domid);
}

void keel_domain_forget(struct keel *k, unsigned int domid)
{
	char *vm = store_read(k, "/local/domain/%u/vm", domid);

	device_remove_all(k, domid);
	remove_nodes(k, domid, vm);
	free(vm);
}

/*
 * xenstored and xenconsoled unmap the rings when they learn of the domain's end; until then the
 * domain stays in the list. Waiting makes `keel destroy; keel create` work.
 */
static void wait_dead(struct keel *k, unsigned int domid)
{
	uint64_t end = keel_now_ms() + DYING_TIMEOUT_MS;
	struct xen_domctl_getdomaininfo info;

	while (!hyper_domain_info(k, domid, &info) && keel_now_ms() < end)
		usleep(10000);
	if (!hyper_domain_info(k, domid, &info))
		keel_warn(k, "domain %u is dying, but %llu of its pages are still mapped by someone", domid,
			  (unsigned long long)info.tot_pages);
}

int keel_domain_destroy(struct keel *k, unsigned int domid)
{
	char *vm;
	int rc;

	if (!domid)
		return keel_fail(&k->err, EINVAL, "Dom0 cannot be destroyed");
	vm = store_read(k, "/local/domain/%u/vm", domid);
	rc = hyper_pause(k, domid);
	if (rc == -ESRCH)
		rc = 0;		/* gone meanwhile: clean up after it anyway */
	device_remove_all(k, domid);
	pci_forget(k, domid);
	rc = hyper_destroy_domain(k, domid);
	if (rc == -ESRCH)
		rc = 0;
	if (rc)
		rc = keel_fail(&k->err, -rc, "cannot destroy domain %u: %s", domid, strerror(-rc));
	if (!rc) {
		xs_release_domain(k->xs, domid);
		remove_nodes(k, domid, vm);
		wait_dead(k, domid);
	}
	free(vm);
	return rc;
}
