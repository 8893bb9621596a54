/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/create_internal.h"
#include "lib/device.h"
#include "lib/hyper.h"
#include "lib/lock.h"
#include "lib/pci.h"
#include "lib/pool.h"
#include "lib/store.h"
#include "lib/unfinished.h"

/* A guest without a `uuid` gets one. */
static int choose_uuid(struct keel *k, struct guest_config *g)
{
	int rc = g->has_uuid ? 0 : guest_uuid_make(g->uuid, &k->err);

	g->has_uuid = !rc;	/* a restart keeps it, as with xl */
	return rc;
}

int keel_domain_name_free(struct keel *k, const char *name)
{
	struct keel_domain d;
	int rc = keel_domain_find(k, name, &d);

	if (rc == -ESRCH)
		return 0;
	if (rc)
		return rc;
	return keel_fail(&k->err, EEXIST, "the name '%s' is taken by domain %u (%s); choose another, or "
			 "end that guest first", name, d.id, keel_domain_state_name(&d));
}

/* Its nodes in /vm, and who clears away what was not finished, know a guest by its UUID. */
static int uuid_free(struct keel *k, const struct guest_config *g)
{
	struct keel_domain d;
	int rc = keel_domain_by_uuid(k, g->uuid, &d);

	if (rc)
		return rc == -ESRCH ? 0 : rc;
	return keel_fail(&k->err, EEXIST, "the UUID is that of domain %u (%s); choose another, or none",
			 d.id, d.name);
}

/* Everything that can be checked before anything exists. */
static int check_all(struct keel *k, const struct guest_config *g)
{
	int rc = keel_domain_name_free(k, g->name);

	if (!rc)
		rc = uuid_free(k, g);
	for (unsigned int i = 0; i < g->disks && !rc; i++)
		rc = disk_check(k, &g->disk[i]);
	for (unsigned int i = 0; i < g->vifs && !rc; i++)
		rc = vif_check(k, &g->vif[i]);
	for (unsigned int i = 0; i < g->pcis && !rc; i++)
		rc = pci_check(k, g->pci[i].sbdf);
	return rc;
}

static int new_domain(struct keel *k, const struct guest_config *g)
{
	struct hyper_create c = {
		.max_vcpus = g->maxvcpus,
		.max_evtchn_port = g->max_event_channels,
		.max_grant_frames = g->max_grant_frames,
		.max_maptrack_frames = g->max_maptrack_frames,
		.iommu = g->passthrough,
	};
	struct pool pool = { .id = 0 };
	int rc = g->pool ? pool_find(k, g->pool, &pool) : 0;

	if (rc)
		return rc;
	c.cpupool = pool.id;
	memcpy(c.handle, g->uuid, sizeof(c.handle));
	rc = hyper_create_domain(k, &c);
	if (rc >= 0)
		return rc;
	return keel_fail(&k->err, -rc, "the hypervisor makes no domain: %s", strerror(-rc));
}

static void write_name(struct store_tx *t, void *arg)
{
	char path[STORE_PATH_MAX];

	snprintf(path, sizeof(path), "/local/domain/%u", t->domid);
	xs_rm(t->k->xs, t->t, path);	/* of an earlier domain with this id */
	store_dir(t, STORE_GUEST_READS, "%s", path);
	strcat(path, "/name");
	store_put(t, path, "%s", (const char *)arg);
}

/* The name is reserved once its node is written, under the lock. */
static int register_name(struct keel *k, unsigned int domid, const struct guest_config *g)
{
	int lock = keel_lock(k);
	int rc;

	if (lock < 0)
		return lock;
	rc = keel_domain_name_free(k, g->name);
	if (!rc)
		rc = store_run(k, domid, write_name, g->name);
	close(lock);
	return rc;
}

static int introduce(const struct making *m)
{
	struct json_object *j = guest_to_json(&m->g);
	const struct build *b = &m->b;
	struct skeleton s = {
		.g = &m->g,
		.target_kib = m->target_kib,
		.online = m->online,
		.store_gfn = b->store_gfn,
		.console_gfn = b->console_gfn,
		.store_port = b->store_port,
		.console_port = b->console_port,
		.config = json_object_to_json_string_ext(j, JSON_C_TO_STRING_PLAIN),
	};
	struct keel *k = m->k;
	int rc;

	keel_step(k, "xenstore");
	rc = skeleton_write(k, m->domid, &s);
	json_object_put(j);
	if (rc)
		return rc;
	if (xs_introduce_domain(k->xs, m->domid, b->store_gfn, b->store_port))
		return 0;
	return keel_fail_errno(&k->err, "xenstored does not take domain %u", m->domid);
}

static int attach_devices(struct keel *k, unsigned int domid, struct guest_config *g)
{
	int rc = 0;

	for (unsigned int i = 0; i < g->disks && !rc; i++) {
		keel_progress(k, "disks", i, g->disks);
		keel_step(k, "disk");
		rc = disk_attach(k, domid, &g->disk[i]);
	}
	for (unsigned int i = 0; i < g->vifs && !rc; i++) {
		keel_progress(k, "network interfaces", i, g->vifs);
		keel_step(k, "interface");
		rc = vif_attach(k, domid, &g->vif[i]);
	}
	return rc;
}

static int fill_domain(struct making *m)
{
	struct keel *k = m->k;
	struct guest_config *g = &m->g;
	unsigned int domid = m->domid;
	int rc;

	rc = register_name(k, domid, g);
	if (!rc)
		rc = m->fill(m);
	if (!rc)
		rc = introduce(m);
	if (!rc)
		rc = attach_devices(k, domid, g);
	for (unsigned int i = 0; i < g->pcis && !rc; i++) {
		keel_step(k, "PCI function");
		rc = pci_attach(k, domid, &g->pci[i]);
	}
	return rc;
}

static int start(struct keel *k, unsigned int domid)
{
	int rc;

	keel_step(k, "start");
	rc = hyper_unpause(k, domid);
	return rc ? keel_fail(&k->err, -rc, "cannot start domain %u: %s", domid, strerror(-rc)) : 0;
}

/* Without the lock keeld would clean up beside it; if it does so already, both do. */
static void undo(struct keel *k, unsigned int domid)
{
	struct keel_error why = k->err;
	int lock = keel_lock_guest_wait(k, domid, GUEST_LOCK_SECONDS);

	keel_domain_destroy(k, domid);
	if (lock >= 0)
		close(lock);
	k->err = why;
}

int making_check(struct making *m)
{
	int rc;

	keel_step(m->k, "checks");
	unfinished_clear(m->k);
	rc = choose_uuid(m->k, &m->g);
	for (unsigned int i = 0; i < m->g.vifs; i++)
		vif_choose_mac(&m->g.vif[i]);
	return rc ? rc : check_all(m->k, &m->g);
}

/* It runs only when it is whole, and then nobody clears it away any more if this is killed. */
int making_run(struct making *m)
{
	int mark = unfinished_begin(m->k, m->g.uuid), rc;

	if (mark < 0)
		return mark;
	keel_step(m->k, "domain");
	rc = new_domain(m->k, &m->g);
	if (rc >= 0) {
		m->domid = rc;
		rc = fill_domain(m);
		if (!rc && m->ready)
			rc = m->ready(m);
		if (rc)
			undo(m->k, m->domid);
	}
	unfinished_end(mark, m->g.uuid);
	if (rc || m->paused)
		return rc;
	rc = start(m->k, m->domid);
	if (rc)
		undo(m->k, m->domid);
	return rc;
}

static int fill_from_kernel(struct making *m)
{
	return build_domain(&m->b, m->domid);
}

int keel_domain_create(struct keel *k, const struct guest_config *config, bool paused,
		       unsigned int *domid)
{
	struct making m = {
		.k = k, .g = *config, .fill = fill_from_kernel, .paused = paused, .online = config->vcpus,
		.target_kib = config->memory_mib << 10,
	};
	sigset_t old;
	int rc = making_check(&m);

	if (!rc) {
		keel_step(k, "files read");
		rc = build_prepare(&m.b, k, &m.g);
	}
	if (rc)
		return rc;
	keel_hold_signals(&old);
	rc = making_run(&m);
	keel_step(k, NULL);
	if (!rc)
		*domid = m.domid;
	build_free(&m.b);
	keel_release_signals(&old);
	return rc;
}
