/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest's configuration as libxl writes it (libxl_domain_config in its libxl_types.idl), where
 * a boolean may be a text, and what is left out has libxl's default. Reading it makes Keel's own
 * JSON of it, so that the checks are the same.
 */
#include "lib/guest_libxl.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json.h"

static void put(struct json_object *to, const char *key, struct json_object *value)
{
	if (value)
		json_object_object_add(to, key, value);
}

static void put_text(struct json_object *to, const char *key, const char *text)
{
	if (text && *text)
		put(to, key, json_object_new_string(text));
}

static void put_number(struct json_object *to, const char *key, int64_t n)
{
	put(to, key, json_object_new_int64(n));
}

static struct json_object *disk_to_libxl(const struct guest_disk *d)
{
	struct json_object *j = json_object_new_object();

	put_text(j, "pdev_path", d->path);
	put_text(j, "vdev", d->vdev);
	put_text(j, "format", "raw");
	put_number(j, "readwrite", !d->readonly);
	if (d->no_discard)
		put_text(j, "discard_enable", "False");
	return j;
}

static struct json_object *vif_to_libxl(const struct guest_vif *v)
{
	struct json_object *j = json_object_new_object();
	char mac[18];

	put_number(j, "devid", v->devid);
	guest_mac_text(v->mac, mac);
	put_text(j, "mac", mac);
	put_text(j, "bridge", v->bridge);
	put_text(j, "ifname", v->name);
	put_text(j, "script", v->script);
	put_text(j, "ip", v->ip);
	put_text(j, "gatewaydev", v->gatewaydev);
	put_text(j, "nictype", "vif");
	if (v->mtu)
		put_number(j, "mtu", v->mtu);
	if (v->rate[0]) {
		put_number(j, "rate_bytes_per_interval", v->rate_bytes);
		put_number(j, "rate_interval_usecs", v->rate_us);
	}
	return j;
}

/* libxl's names of actions have another order of words. */
static const char *const action_names[] = {
	[ACTION_DESTROY] = "destroy",
	[ACTION_RESTART] = "restart",
	[ACTION_PRESERVE] = "preserve",
	[ACTION_RENAME_RESTART] = "restart_rename",
};

static struct json_object *create_info(const struct guest_saved *s)
{
	struct json_object *j = json_object_new_object();
	char uuid[37];

	guest_uuid_text(s->g.uuid, uuid);
	put_text(j, "type", "pvh");
	put_text(j, "name", s->g.name);
	put_text(j, "uuid", uuid);
	put_text(j, "pool_name", s->g.pool);
	put_text(j, "passthrough", s->g.passthrough ? "enabled" : NULL);
	return j;
}

static struct json_object *build_info(const struct guest_saved *s)
{
	static const char *const tsc[] = { "default", "always_emulate", "native" };
	struct json_object *j = json_object_new_object(), *cpus = json_object_new_array();
	struct json_object *sched = json_object_new_object();
	const struct guest_config *g = &s->g;

	for (unsigned int i = 0; i < s->online; i++)
		json_object_array_add(cpus, json_object_new_int(i));
	put_number(j, "max_vcpus", g->maxvcpus);
	put(j, "avail_vcpus", cpus);
	put_text(j, "tsc_mode", tsc[g->tsc_mode]);
	put_number(j, "max_memkb", g->maxmem_mib << 10);
	put_number(j, "target_memkb", s->target_kib);
	if (g->page_tables_mib)
		put_number(j, "shadow_memkb", (int64_t)g->page_tables_mib << 10);
	if (g->time_offset)
		put_number(j, "rtc_timeoffset", (uint32_t)g->time_offset);
	put_text(j, "localtime", g->localtime ? "True" : NULL);
	put_number(j, "max_grant_frames", g->max_grant_frames);
	put_number(j, "max_maptrack_frames", g->max_maptrack_frames);
	put_number(j, "event_channels", g->max_event_channels);
	if (g->weight)
		put_number(sched, "weight", g->weight);
	if (g->cap)
		put_number(sched, "cap", g->cap);
	put(j, "sched_params", sched);
	put_text(j, "kernel", g->kernel);
	put_text(j, "cmdline", g->cmdline);
	put_text(j, "ramdisk", g->ramdisk);
	put(j, "type.pvh", json_object_new_object());
	return j;
}

struct json_object *guest_to_libxl(const struct guest_saved *s)
{
	struct json_object *j = json_object_new_object(), *disks = json_object_new_array();
	struct json_object *nics = json_object_new_array();
	const struct guest_config *g = &s->g;

	for (unsigned int i = 0; i < g->disks; i++)
		json_object_array_add(disks, disk_to_libxl(&g->disk[i]));
	for (unsigned int i = 0; i < g->vifs; i++)
		json_object_array_add(nics, vif_to_libxl(&g->vif[i]));
	put(j, "c_info", create_info(s));
	put(j, "b_info", build_info(s));
	put(j, "disks", disks);
	put(j, "nics", nics);
	put_text(j, "on_poweroff", action_names[g->on_poweroff]);
	put_text(j, "on_reboot", action_names[g->on_reboot]);
	put_text(j, "on_watchdog", action_names[g->on_watchdog]);
	put_text(j, "on_crash", action_names[g->on_crash]);
	put(j, "keel", guest_to_json(g));
	return j;
}

/* The other way. */
static const char *text_of(struct json_object *j, const char *key)
{
	struct json_object *v = json_member(j, key);

	return json_object_is_type(v, json_type_string) ? json_object_get_string(v) : NULL;
}

/* A number between the two, or @otherwise. */
static int64_t number_of(struct json_object *j, const char *key, int64_t min, int64_t max,
			 int64_t otherwise)
{
	struct json_object *v = json_member(j, key);
	int64_t n = json_object_is_type(v, json_type_int) ? json_object_get_int64(v) : otherwise;

	return n < min || n > max ? otherwise : n;
}

static bool is_true(struct json_object *j, const char *key)
{
	struct json_object *v = json_member(j, key);
	const char *text = text_of(j, key);

	return text ? !strcmp(text, "True") : json_object_is_type(v, json_type_boolean) &&
					      json_object_get_boolean(v);
}

static size_t length_of(struct json_object *j, const char *key)
{
	struct json_object *v = json_member(j, key);

	return json_object_is_type(v, json_type_array) ? json_object_array_length(v) : 0;
}

/* Devices that Keel does not serve. */
static int refuse_devices(struct json_object *j, struct keel_error *e)
{
	static const char *const others[] = {
		"pcidevs", "rdms", "dtdevs", "vfbs", "vkbs", "vtpms", "p9s", "pvcallsifs", "vdispls", "vsnds",
		"channels", "usbctrls", "usbdevs",
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (length_of(j, others[i]))
			return keel_fail(e, EINVAL, "the guest has devices that keel cannot give it again (%s)",
					 others[i]);
	return 0;
}

/* Numbers of Keel's settings with the same meaning; what is out of their range is left out. */
static void copy_numbers(struct json_object *to, struct json_object *b)
{
	static const struct {
		const char *from, *to;
		int64_t min, max;
	} same[] = {
		{ "max_vcpus", "maxvcpus", 1, GUEST_MAX_VCPUS },
		{ "max_grant_frames", "max_grant_frames", 1, 64 },
		{ "max_maptrack_frames", "max_maptrack_frames", 0, 4096 },
		{ "event_channels", "max_event_channels", 16, 4095 },
	};
	struct json_object *sched = json_member(b, "sched_params");
	int64_t n;

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		n = number_of(b, same[i].from, same[i].min, same[i].max, -1);
		if (n >= 0)
			put_number(to, same[i].to, n);
	}
	n = number_of(sched, "weight", 1, 65535, 0);
	if (n)
		put_number(to, "cpu_weight", n);
	n = number_of(sched, "cap", 1, 100 * GUEST_MAX_VCPUS, 0);
	if (n)
		put_number(to, "cap", n);
	n = (int32_t)number_of(b, "rtc_timeoffset", INT32_MIN, UINT32_MAX, 0);
	if (n)
		put_number(to, "rtc_timeoffset", n);
	n = number_of(b, "shadow_memkb", 1024, INT32_MAX, 0) >> 10;
	if (n)
		put_number(to, "shadow_memory", n);
}

/* One list of CPUs for each vCPU. */
static void copy_affinity(struct json_object *to, const char *key, struct json_object *b,
			  const char *from)
{
	struct json_object *lists = json_member(b, from), *out;

	if (!length_of(b, from))
		return;
	out = json_object_new_array();
	for (size_t i = 0; i < json_object_array_length(lists); i++) {
		struct json_object *cpus = json_object_array_get_idx(lists, i);
		char text[GUEST_CPUS_TEXT] = "";
		size_t used = 0;

		for (size_t n = 0; json_object_is_type(cpus, json_type_array) &&
		     n < json_object_array_length(cpus) && used < sizeof(text); n++)
			used += snprintf(text + used, sizeof(text) - used, "%s%d", n ? "," : "",
					 json_object_get_int(json_object_array_get_idx(cpus, n)));
		json_object_array_add(out, json_object_new_string(*text ? text : "all"));
	}
	put(to, key, out);
}

static int copy_disks(struct json_object *to, struct json_object *j, struct keel_error *e)
{
	struct json_object *out = json_object_new_array();
	int rc = 0;

	for (size_t i = 0; !rc && i < length_of(j, "disks"); i++) {
		struct json_object *from = json_object_array_get_idx(json_member(j, "disks"), i);
		struct json_object *d = json_object_new_object();
		const char *format = text_of(from, "format"), *script = text_of(from, "script");

		if (format && strcmp(format, "raw") && strcmp(format, "unknown"))
			rc = keel_fail(e, EINVAL, "the format of a disk, %s, is not supported, only raw", format);
		else if (script && strcmp(script, "block"))
			rc = keel_fail(e, EINVAL, "a disk is made by the script '%s'; keel runs no scripts of disks",
				       script);
		put_text(d, "target", text_of(from, "pdev_path"));
		put_text(d, "vdev", text_of(from, "vdev"));
		put(d, "readonly", json_object_new_boolean(!number_of(from, "readwrite", 0, INT32_MAX, 0)));
		if (text_of(from, "discard_enable"))
			put(d, "discard", json_object_new_boolean(is_true(from, "discard_enable")));
		json_object_array_add(out, d);
	}
	put(to, "disk", out);
	return rc;
}

static void copy_vifs(struct json_object *to, struct json_object *j)
{
	static const char *const same[][2] = {
		{ "mac", "mac" }, { "bridge", "bridge" }, { "ifname", "vifname" }, { "ip", "ip" },
		{ "gatewaydev", "gatewaydev" }, { "script", "script" },
	};
	struct json_object *out = json_object_new_array();

	for (size_t i = 0; i < length_of(j, "nics"); i++) {
		struct json_object *from = json_object_array_get_idx(json_member(j, "nics"), i);
		struct json_object *v = json_object_new_object();
		int64_t mtu = number_of(from, "mtu", 1, 65535, 0), devid = number_of(from, "devid", 0, 255, -1);
		int64_t bytes = number_of(from, "rate_bytes_per_interval", 1, INT64_MAX / 1000000, 0);
		int64_t us = number_of(from, "rate_interval_usecs", 1, UINT32_MAX, 0);
		char rate[64];

		for (size_t k = 0; k < sizeof(same) / sizeof(same[0]); k++)
			put_text(v, same[k][1], text_of(from, same[k][0]));
		if (devid >= 0)
			put_number(v, "devid", devid);
		if (mtu)
			put_number(v, "mtu", mtu);
		snprintf(rate, sizeof(rate), "%lldB/s@%lldus", us ? (long long)(bytes * 1000000 / us) : 0,
			 (long long)us);
		put_text(v, "rate", bytes && us ? rate : NULL);
		json_object_array_add(out, v);
	}
	put(to, "vif", out);
}

static void copy_action(struct json_object *to, struct json_object *j, const char *key)
{
	const char *name = text_of(j, key);

	for (unsigned int i = 0; name && i < sizeof(action_names) / sizeof(action_names[0]); i++)
		if (!strcmp(name, action_names[i]))
			put_text(to, key, guest_action_name(i));
}

/* Memory in MiB, as a file says it. */
static void copy_memory(struct json_object *to, struct json_object *b)
{
	int64_t target = number_of(b, "target_memkb", 1024, INT64_MAX, 0) >> 10;
	int64_t max = number_of(b, "max_memkb", 1024, INT64_MAX, target << 10) >> 10;

	put_number(to, "memory", target);
	put_number(to, "maxmem", max < target ? target : max);
}

static int to_own(struct json_object *to, struct json_object *j, struct keel_error *e)
{
	struct json_object *c = json_member(j, "c_info"), *b = json_member(j, "b_info");
	const char *type = text_of(c, "type");
	int rc;

	if (!type || strcmp(type, "pvh"))
		return keel_fail(e, EINVAL, "the guest is of type %s; only pvh guests can be restored",
				 type ? type : "(none)");
	rc = refuse_devices(j, e);
	if (rc)
		return rc;
	put_text(to, "type", type);
	put_text(to, "name", text_of(c, "name"));
	put_text(to, "uuid", text_of(c, "uuid"));
	put_text(to, "pool", text_of(c, "pool_name"));
	put_text(to, "kernel", text_of(b, "kernel"));
	put_text(to, "ramdisk", text_of(b, "ramdisk"));
	put_text(to, "cmdline", text_of(b, "cmdline"));
	put_text(to, "tsc_mode", text_of(b, "tsc_mode"));
	if (is_true(b, "localtime"))
		put_number(to, "localtime", 1);
	copy_memory(to, b);
	copy_numbers(to, b);
	put_number(to, "vcpus", length_of(b, "avail_vcpus") ? length_of(b, "avail_vcpus") : 1);
	copy_affinity(to, "cpus", b, "vcpu_hard_affinity");
	copy_affinity(to, "cpus_soft", b, "vcpu_soft_affinity");
	copy_action(to, j, "on_poweroff");
	copy_action(to, j, "on_reboot");
	copy_action(to, j, "on_watchdog");
	copy_action(to, j, "on_crash");
	copy_vifs(to, j);
	return copy_disks(to, j, e);
}

int guest_from_libxl(struct guest_saved *s, struct json_object *j, struct keel_error *e)
{
	struct json_object *keel = json_member(j, "keel"), *b = json_member(j, "b_info"), *own;
	int64_t online = length_of(b, "avail_vcpus");
	int rc = 0;

	*s = (struct guest_saved){ .keels = keel };
	own = keel ? json_object_get(keel) : json_object_new_object();
	if (!keel)
		rc = to_own(own, j, e);
	if (!rc)
		rc = guest_from_json(&s->g, own, e);
	json_object_put(own);
	if (rc)
		return rc;
	s->target_kib = number_of(b, "target_memkb", 1024, s->g.maxmem_mib << 10, s->g.memory_mib << 10);
	s->online = online >= 1 && online <= s->g.maxvcpus ? online : s->g.vcpus;
	return 0;
}
