/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The nodes of a guest, laid out as libxl does, so that `xl list` and `xl console` find what
 * they look for (Xen's docs/misc/xenstore-paths.pandoc).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/autostart.h"
#include "lib/domain.h"
#include "lib/layout.h"
#include "lib/store.h"

/* A xenstore message holds 4,096 bytes, path included: longer values go into pieces. */
#define PIECE 2048

/* Bytes of a guest's console output that xenconsoled keeps while nobody reads. */
#define CONSOLE_LIMIT 1048576

static void put(struct store_tx *t, const char *key, const char *value)
{
	char path[STORE_PATH_MAX];

	snprintf(path, sizeof(path), "/local/domain/%u/%s", t->domid, key);
	store_put(t, path, "%s", value);
}

static void put_number(struct store_tx *t, const char *key, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	put(t, key, text);
}

static void write_folders(struct store_tx *t)
{
	static const char *const reads[] = { "cpu", "memory", "control", "device", "console", "store" };
	static const char *const owns[] = {
		"control/shutdown", "control/feature-poweroff", "control/feature-reboot",
		"control/feature-suspend", "control/sysrq", "device/suspend/event-channel", "data",
		"drivers", "feature", "attr", "error",
	};

	for (size_t i = 0; i < sizeof(reads) / sizeof(reads[0]); i++)
		store_dir(t, STORE_GUEST_READS, "/local/domain/%u/%s", t->domid, reads[i]);
	for (size_t i = 0; i < sizeof(owns) / sizeof(owns[0]); i++)
		store_dir(t, STORE_GUEST_OWNS, "/local/domain/%u/%s", t->domid, owns[i]);
}

static void write_pieces(struct store_tx *t, const char *text)
{
	size_t size = strlen(text);
	char path[STORE_PATH_MAX];

	for (size_t at = 0; at < size; at += PIECE) {
		snprintf(path, sizeof(path), "/tool/keel/%u/config/%zu", t->domid, at / PIECE);
		store_put(t, path, "%.*s", PIECE, text + at);
	}
}

static void write_config(struct store_tx *t, const char *config)
{
	struct timespec now;
	char path[STORE_PATH_MAX];

	store_dir(t, STORE_DOM0, "/tool/keel/%u", t->domid);
	clock_gettime(CLOCK_BOOTTIME, &now);
	snprintf(path, sizeof(path), "/tool/keel/%u/started", t->domid);
	store_put(t, path, "%lld", (long long)now.tv_sec);
	write_pieces(t, config);
}

static void write_all(struct store_tx *t, void *arg)
{
	const struct skeleton *s = arg;
	char uuid[37], key[64];

	guest_uuid_text(s->g->uuid, uuid);
	store_dir(t, STORE_GUEST_READS, "/local/domain/%u", t->domid);
	store_dir(t, STORE_GUEST_READS, "/vm/%s", uuid);
	store_dir(t, STORE_DOM0, "/libxl/%u", t->domid);
	write_folders(t);
	snprintf(key, sizeof(key), "/vm/%s/uuid", uuid);
	store_put(t, key, "%s", uuid);
	snprintf(key, sizeof(key), "/vm/%s/name", uuid);
	store_put(t, key, "%s", s->g->name);
	snprintf(key, sizeof(key), "/libxl/%u/type", t->domid);
	store_put(t, key, "pvh");
	snprintf(key, sizeof(key), "/vm/%s", uuid);
	put(t, "vm", key);
	put(t, "name", s->g->name);
	put_number(t, "domid", t->domid);
	/*
	 * As in the memory map: Linux subtracts the difference between the two from every target.
	 */
	put_number(t, "memory/static-max", s->g->memory_mib << 10);
	put_number(t, "memory/target", s->target_kib);
	put(t, "memory/videoram", "0");
	put(t, "control/platform-feature-multiprocessor-suspend", "1");
	put(t, "control/platform-feature-xs_reset_watches", "1");
	for (unsigned int i = 0; i < s->g->maxvcpus; i++) {
		snprintf(key, sizeof(key), "cpu/%u/availability", i);
		put(t, key, i < s->online ? "online" : "offline");
	}
	put_number(t, "store/port", s->store_port);
	put_number(t, "store/ring-ref", s->store_gfn);
	put(t, "console/type", "xenconsoled");
	put(t, "console/output", "pty");
	put(t, "console/tty", "");
	put_number(t, "console/limit", CONSOLE_LIMIT);
	put_number(t, "console/port", s->console_port);
	put_number(t, "console/ring-ref", s->console_gfn);
	write_config(t, s->config);
}

int skeleton_write(struct keel *k, unsigned int domid, const struct skeleton *s)
{
	return store_run(k, domid, write_all, (void *)s);
}

static char *read_pieces(struct keel *k, xs_transaction_t t, unsigned int domid)
{
	char *text = strdup(""), *piece, path[STORE_PATH_MAX];
	unsigned int len;

	for (unsigned int i = 0;; i++) {
		char *joined = NULL;

		snprintf(path, sizeof(path), "/tool/keel/%u/config/%u", domid, i);
		piece = xs_read(k->xs, t, path, &len);
		if (!piece)
			return text;
		if (asprintf(&joined, "%s%s", text ? text : "", piece) < 0)
			joined = NULL;
		free(text);
		free(piece);
		text = joined;
	}
}

/* In a transaction, so that the pieces are of one configuration. */
bool skeleton_config(struct keel *k, unsigned int domid, struct guest_config *g)
{
	struct json_object *j;
	struct keel_error e;
	xs_transaction_t t;
	char *text = NULL;
	bool ok;

	do {
		free(text);
		t = xs_transaction_start(k->xs);
		if (t == XBT_NULL)
			return false;
		text = read_pieces(k, t, domid);
	} while (!xs_transaction_end(k->xs, t, false) && errno == EAGAIN);
	if (!text || !*text) {
		free(text);
		return false;
	}
	j = json_tokener_parse(text);
	free(text);
	ok = j && !guest_from_json(g, j, &e);
	json_object_put(j);
	return ok;
}

int skeleton_need_config(struct keel *k, const struct keel_domain *d, struct guest_config *g)
{
	if (skeleton_config(k, d->id, g))
		return 0;
	return keel_fail(&k->err, EPERM,
			 "%s was not made by keel; the toolstack that made it changes it", d->name);
}

int keel_domain_rename(struct keel *k, unsigned int domid, const char *name)
{
	char path[STORE_PATH_MAX];
	char *vm;
	int rc;

	snprintf(path, sizeof(path), "/local/domain/%u/name", domid);
	rc = store_write(k, path, "%s", name);
	vm = store_read(k, "/local/domain/%u/vm", domid);
	if (!rc && vm) {
		snprintf(path, sizeof(path), "%.100s/name", vm);
		rc = store_write(k, path, "%s", name);
	}
	free(vm);
	return rc;
}

struct rewrite {
	const char *config;
	const char *name, *vm;		/* or NULL: the name stays */
	bool is_keels;
};

/* The old pieces go first: there may be more of them. */
static void rewrite(struct store_tx *t, void *arg)
{
	const struct rewrite *r = arg;
	char path[STORE_PATH_MAX];

	snprintf(path, sizeof(path), "/tool/keel/%u/config", t->domid);
	xs_rm(t->k->xs, t->t, path);
	write_pieces(t, r->config);
	if (!r->name)
		return;
	put(t, "name", r->name);
	snprintf(path, sizeof(path), "%.100s/name", r->vm ? r->vm : "");
	if (r->vm)
		store_put(t, path, "%s", r->name);
}

/* Nothing, unless r->is_keels afterwards. */
static int change_stored(struct keel *k, unsigned int domid, skeleton_change_fn *change, void *arg,
			 struct rewrite *r)
{
	struct guest_config g;
	struct json_object *j = NULL;
	char before[GUEST_NAME_MAX + 1];
	int rc;

	if (!skeleton_config(k, domid, &g))
		return 0;
	r->is_keels = true;
	snprintf(before, sizeof(before), "%s", g.name);
	rc = change(k, &g, arg);
	if (!rc)
		j = guest_to_json(&g);
	/* What may find no room comes first. */
	if (!rc && j)
		rc = autostart_follow(k, before, &g);
	r->config = j ? json_object_to_json_string_ext(j, JSON_C_TO_STRING_PLAIN) : NULL;
	if (!rc)
		rc = j ? store_run(k, domid, rewrite, r) : keel_fail(&k->err, ENOMEM, "no memory");
	json_object_put(j);
	guest_free(&g);
	return rc;
}

int skeleton_change(struct keel *k, unsigned int domid, skeleton_change_fn *change, void *arg)
{
	struct rewrite r = { .name = NULL };

	return change_stored(k, domid, change, arg, &r);
}

static int set_name(struct keel *k, struct guest_config *g, void *name)
{
	free(g->name);
	g->name = strdup(name);
	return g->name ? 0 : keel_fail(&k->err, ENOMEM, "no memory");
}

/* No signal ends it halfway: keeld would restart the guest with another name than it has. */
int keel_domain_rename_config(struct keel *k, unsigned int domid, const char *name)
{
	char *vm = store_read(k, "/local/domain/%u/vm", domid);
	struct rewrite r = { .name = name, .vm = vm };
	sigset_t old;
	int rc;

	keel_hold_signals(&old);
	rc = change_stored(k, domid, set_name, (void *)name, &r);
	if (!r.is_keels)
		rc = keel_domain_rename(k, domid, name);
	keel_release_signals(&old);
	free(vm);
	return rc;
}
