/* SPDX-License-Identifier: GPL-2.0-only */
/* A guest's configuration as JSON and back, and the texts of its small values. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "lib/guest.h"
#include "lib/json.h"

static const char *const action_names[] = {
	[ACTION_DESTROY] = "destroy",
	[ACTION_RESTART] = "restart",
	[ACTION_PRESERVE] = "preserve",
	[ACTION_RENAME_RESTART] = "rename-restart",
};

const char *guest_action_name(enum guest_action a)
{
	return action_names[a];
}

int guest_action_from_name(const char *name, enum guest_action *a)
{
	for (unsigned int i = 0; i < sizeof(action_names) / sizeof(action_names[0]); i++)
		if (!strcmp(name, action_names[i])) {
			*a = i;
			return 0;
		}
	return -EINVAL;
}

int guest_uuid_make(unsigned char uuid[16], struct keel_error *e)
{
	if (getrandom(uuid, 16, 0) != 16)
		return keel_fail_errno(e, "cannot make a UUID");
	uuid[6] = (uuid[6] & 0x0f) | 0x40;
	uuid[8] = (uuid[8] & 0x3f) | 0x80;
	return 0;
}

void guest_uuid_text(const unsigned char u[16], char out[37])
{
	snprintf(out, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		 u[0], u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12],
		 u[13], u[14], u[15]);
}

int guest_uuid_parse(const char *text, unsigned char uuid[16])
{
	unsigned int n = 0;

	while (n < 16) {
		unsigned int byte;

		if (*text == '-' && (n == 4 || n == 6 || n == 8 || n == 10))
			text++;
		if (!strchr("0123456789abcdefABCDEF", text[0]) || !text[0] ||
		    !strchr("0123456789abcdefABCDEF", text[1]) || !text[1])
			return -EINVAL;
		sscanf(text, "%2x", &byte);
		uuid[n++] = byte;
		text += 2;
	}
	return *text ? -EINVAL : 0;
}

void guest_mac_text(const unsigned char m[6], char out[18])
{
	snprintf(out, 18, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5]);
}

int guest_mac_parse(const char *text, unsigned char mac[6])
{
	static const char hex[] = "0123456789abcdefABCDEF";

	for (unsigned int i = 0; i < 6; i++) {
		size_t n = strspn(text, hex);

		if (!n || n > 2 || text[n] != (i < 5 ? ':' : 0))
			return -EINVAL;
		mac[i] = strtoul(text, NULL, 16);
		text += n + 1;
	}
	return 0;
}

static void put_string(struct json_object *j, const char *key, const char *value)
{
	if (value)
		json_object_object_add(j, key, json_object_new_string(value));
}

static void put_number(struct json_object *j, const char *key, uint64_t value)
{
	json_object_object_add(j, key, json_object_new_int64(value));
}

static struct json_object *disks_to_json(const struct guest_config *g)
{
	struct json_object *list = json_object_new_array();

	for (unsigned int i = 0; i < g->disks; i++) {
		struct json_object *d = json_object_new_object();

		put_string(d, "target", g->disk[i].path);
		put_string(d, "format", g->disk[i].format);
		put_string(d, "vdev", g->disk[i].vdev);
		json_object_object_add(d, "readonly", json_object_new_boolean(g->disk[i].readonly));
		if (g->disk[i].no_discard)
			json_object_object_add(d, "discard", json_object_new_boolean(false));
		if (g->disk[i].shared)
			json_object_object_add(d, "shared", json_object_new_boolean(true));
		if (g->disk[i].bps)
			put_number(d, "bps", g->disk[i].bps);
		if (g->disk[i].iops)
			put_number(d, "iops", g->disk[i].iops);
		json_object_array_add(list, d);
	}
	return list;
}

/* The parts of an interface that are texts as they are in a file, in both directions. */
static const struct vif_text {
	const char *key;
	size_t offset;
} vif_texts[] = {
	{ "network", offsetof(struct guest_vif, network) },
	{ "bridge", offsetof(struct guest_vif, bridge) },
	{ "vifname", offsetof(struct guest_vif, name) },
	{ "rate", offsetof(struct guest_vif, rate) },
	{ "ip", offsetof(struct guest_vif, ip) },
	{ "script", offsetof(struct guest_vif, script) },
	{ "gatewaydev", offsetof(struct guest_vif, gatewaydev) },
};

#define NR_VIF_TEXTS (sizeof(vif_texts) / sizeof(vif_texts[0]))

/* Whether each interface has the number that it would get without naming one. */
static bool numbered_in_order(const struct guest_config *g)
{
	for (unsigned int i = 0; i < g->vifs; i++)
		if (g->vif[i].devid != i)
			return false;
	return true;
}

static struct json_object *vifs_to_json(const struct guest_config *g)
{
	struct json_object *list = json_object_new_array();
	bool numbers = !numbered_in_order(g);
	char mac[18];

	for (unsigned int i = 0; i < g->vifs; i++) {
		struct json_object *v = json_object_new_object();

		guest_mac_text(g->vif[i].mac, mac);
		if (g->vif[i].has_mac)
			put_string(v, "mac", mac);
		for (size_t k = 0; k < NR_VIF_TEXTS; k++) {
			const char *text = (const char *)&g->vif[i] + vif_texts[k].offset;

			if (*text)
				put_string(v, vif_texts[k].key, text);
		}
		if (numbers)
			put_number(v, "devid", g->vif[i].devid);
		if (g->vif[i].mtu)
			put_number(v, "mtu", g->vif[i].mtu);
		json_object_array_add(list, v);
	}
	return list;
}

static void put_affinity(struct json_object *j, const char *key, const struct guest_affinity *a)
{
	struct json_object *list;

	if (!a->each) {
		put_string(j, key, a->n ? a->list[0] : NULL);
		return;
	}
	list = json_object_new_array();
	for (unsigned int i = 0; i < a->n; i++)
		json_object_array_add(list, json_object_new_string(a->list[i]));
	json_object_object_add(j, key, list);
}

static struct json_object *pcis_to_json(const struct guest_config *g)
{
	struct json_object *list = json_object_new_array();
	char address[16], settings[VF_SETTINGS_TEXT], text[16 + VF_SETTINGS_TEXT];

	for (unsigned int i = 0; i < g->pcis; i++) {
		guest_pci_text(g->pci[i].sbdf, address);
		vf_settings_text(&g->pci[i].vf, settings);
		snprintf(text, sizeof(text), "%s%s%s", address, *settings ? "," : "", settings);
		json_object_array_add(list, json_object_new_string(text));
	}
	return list;
}

struct json_object *guest_to_json(const struct guest_config *g)
{
	static const char *const tsc[] = { "default", "always_emulate", "native" };
	struct json_object *j = json_object_new_object();
	char uuid[37];

	put_string(j, "name", g->name);
	guest_uuid_text(g->uuid, uuid);
	if (g->has_uuid)
		put_string(j, "uuid", uuid);
	put_string(j, "type", "pvh");
	put_string(j, "kernel", g->kernel);
	put_string(j, "ramdisk", g->ramdisk);
	put_string(j, "cmdline", g->cmdline);
	put_number(j, "memory", g->memory_mib);
	put_number(j, "maxmem", g->maxmem_mib);
	put_number(j, "vcpus", g->vcpus);
	put_number(j, "maxvcpus", g->maxvcpus);
	if (g->weight)
		put_number(j, "cpu_weight", g->weight);
	if (g->cap)
		put_number(j, "cap", g->cap);
	put_string(j, "tsc_mode", tsc[g->tsc_mode]);
	put_number(j, "max_event_channels", g->max_event_channels);
	put_number(j, "max_grant_frames", g->max_grant_frames);
	put_number(j, "max_maptrack_frames", g->max_maptrack_frames);
	if (g->page_tables_mib)
		put_number(j, "shadow_memory", g->page_tables_mib);
	if (g->time_offset)
		json_object_object_add(j, "rtc_timeoffset", json_object_new_int(g->time_offset));
	if (g->localtime)
		put_number(j, "localtime", 1);
	put_string(j, "pool", g->pool);
	put_affinity(j, "cpus", &g->cpus);
	put_affinity(j, "cpus_soft", &g->cpus_soft);
	put_string(j, "on_poweroff", guest_action_name(g->on_poweroff));
	put_string(j, "on_reboot", guest_action_name(g->on_reboot));
	put_string(j, "on_watchdog", guest_action_name(g->on_watchdog));
	put_string(j, "on_crash", guest_action_name(g->on_crash));
	json_object_object_add(j, "disk", disks_to_json(g));
	json_object_object_add(j, "vif", vifs_to_json(g));
	if (g->passthrough)
		put_string(j, "passthrough", "enabled");
	if (g->pcis)
		json_object_object_add(j, "pci", pcis_to_json(g));
	return j;
}

/*
 * Back from JSON: through the settings of a file, so that the same checks are made. Disks and
 * vifs become their text form, which PCI functions have already.
 */
static struct cfg_value *new_value(enum cfg_type type)
{
	struct cfg_value *v = calloc(1, sizeof(*v));

	if (v)
		v->type = type;
	return v;
}

static bool true_of(struct json_object *j, const char *key)
{
	return json_object_get_boolean(json_member(j, key));
}

static const char *type_name(struct json_object *j)
{
	static const char *const names[] = {
		[json_type_null] = "null", [json_type_boolean] = "true or false",
		[json_type_double] = "a number with a fraction", [json_type_int] = "an integer",
		[json_type_object] = "an object", [json_type_array] = "a list",
		[json_type_string] = "a text",
	};

	return names[json_object_get_type(j)];
}

static bool is_text(struct json_object *j)
{
	return json_object_is_type(j, json_type_string) || json_object_is_type(j, json_type_int);
}

/* What a device's object may have; an interface's texts are in vif_texts as well. */
static const struct part {
	const char *kind, *key;
	bool truth;
} parts[] = {
	{ "disk", "target", false }, { "disk", "vdev", false }, { "disk", "readonly", true },
	{ "disk", "shared", true }, { "disk", "discard", true }, { "disk", "format", false },
	{ "disk", "bps", false }, { "disk", "iops", false },
	{ "vif", "mac", false }, { "vif", "devid", false }, { "vif", "mtu", false },
};

#define NR_PARTS (sizeof(parts) / sizeof(parts[0]))

static bool is_part(const char *kind, const char *key, bool *truth)
{
	*truth = false;
	for (size_t i = 0; i < NR_PARTS; i++)
		if (!strcmp(parts[i].kind, kind) && !strcmp(parts[i].key, key)) {
			*truth = parts[i].truth;
			return true;
		}
	for (size_t i = 0; !strcmp(kind, "vif") && i < NR_VIF_TEXTS; i++)
		if (!strcmp(vif_texts[i].key, key))
			return true;
	return false;
}

/*
 * All that an object says must reach the text that is made of it: a word that nobody reads would be
 * a disk to write where one to read was meant. A comma would begin another word.
 */
static int check_object(const char *kind, struct json_object *j, const char *from,
			struct keel_error *e)
{
	json_object_object_foreach(j, key, val) {
		bool truth;

		if (!is_part(kind, key, &truth))
			return keel_fail(e, EINVAL, "%s: unknown key '%s' in an object of '%s'", from, key, kind);
		if (truth && !json_object_is_type(val, json_type_boolean))
			return keel_fail(e, EINVAL, "%s: '%s' in an object of '%s' must be true or false, not %s", from,
					 key, kind, type_name(val));
		if (!truth && !is_text(val))
			return keel_fail(e, EINVAL, "%s: '%s' in an object of '%s' must be a text, not %s", from, key,
					 kind, type_name(val));
		if (!truth && strcmp(key, "target") && strchr(json_object_get_string(val), ','))
			return keel_fail(e, EINVAL, "%s: '%s' in an object of '%s' has a comma", from, key, kind);
	}
	return 0;
}

static char *vif_text(struct json_object *j)
{
	char *out = strdup("");

	for (size_t i = 0; out && i < NR_VIF_TEXTS + NR_PARTS; i++) {
		const char *key = i < NR_PARTS ? parts[i].key : vif_texts[i - NR_PARTS].key;
		const char *text = json_text(j, key);
		char *longer = NULL;

		if (!text)
			continue;
		if (asprintf(&longer, "%s%s%s=%s", out, *out ? "," : "", key, text) < 0)
			longer = NULL;
		free(out);
		out = longer;
	}
	return out;
}

static char *disk_text(struct json_object *j)
{
	const char *target = json_text(j, "target"), *vdev = json_text(j, "vdev");
	const char *access = true_of(j, "readonly") ? "r" : true_of(j, "shared") ? "w!" : "w";
	const char *discard = "", *format = json_text(j, "format");
	const char *bps = json_text(j, "bps"), *iops = json_text(j, "iops");
	char *out = NULL;

	if (json_object_object_get(j, "discard") && !true_of(j, "discard"))
		discard = ", no-discard";
	if (asprintf(&out, "format=%s, vdev=%s, access=%s%s%s%s%s%s, target=%s", format ? format : "raw",
		     vdev ? vdev : "", access, discard, bps ? ", bps=" : "", bps ? bps : "",
		     iops ? ", iops=" : "", iops ? iops : "", target ? target : "") < 0)
		return NULL;
	return out;
}

/* An entry of a list: a text, or the object of a device. */
static int add_entry(struct cfg_value *list, const char *key, struct json_object *j,
		     const char *from, struct keel_error *e)
{
	bool disk = !strcmp(key, "disk"), vif = !strcmp(key, "vif");
	struct cfg_value *v;
	char *text;
	int rc = 0;

	if (json_object_is_type(j, json_type_object) && (disk || vif))
		rc = check_object(key, j, from, e);
	else if (!json_object_is_type(j, json_type_string) && (disk || vif || !is_text(j)))
		rc = keel_fail(e, EINVAL, "%s: entry %zu of '%s' is %s, where a text%s is needed", from,
			       list->items + 1, key, type_name(j), disk || vif ? " or an object" : "");
	if (rc)
		return rc;
	v = new_value(CFG_STRING);
	if (!v)
		return keel_fail(e, ENOMEM, "no memory");
	list->item[list->items++] = v;
	if (!json_object_is_type(j, json_type_object))
		text = strdup(json_object_get_string(j));
	else
		text = disk ? disk_text(j) : vif_text(j);
	v->string = text;
	return text ? 0 : keel_fail(e, ENOMEM, "no memory");
}

/* On failure, *@out is to be freed too. */
static int value_from_json(struct cfg_value **out, const char *key, struct json_object *j,
			   const char *from, struct keel_error *e)
{
	bool list = json_object_is_type(j, json_type_array);
	size_t n = list ? json_object_array_length(j) : 0;
	struct cfg_value *v;
	int rc = 0;

	if (!list && !is_text(j))
		return keel_fail(e, EINVAL, "%s: '%s' is %s, where a text, an integer or a list is needed", from,
				 key, type_name(j));
	v = new_value(list ? CFG_LIST : json_object_is_type(j, json_type_int) ? CFG_INTEGER : CFG_STRING);
	*out = v;
	if (v && list)
		v->item = calloc(n + 1, sizeof(*v->item));
	else if (v)
		v->string = strdup(json_object_get_string(j));
	if (!v || (list ? !v->item : !v->string))
		return keel_fail(e, ENOMEM, "no memory");
	if (v->type == CFG_INTEGER)
		v->integer = json_object_get_int64(j);
	for (size_t i = 0; i < n && !rc; i++)
		rc = add_entry(v, key, json_object_array_get_idx(j, i), from, e);
	return rc;
}

int guest_json_to_cfg(struct cfg *c, struct json_object *j, const char *from, struct keel_error *e)
{
	int rc = 0;

	*c = (struct cfg){ 0 };
	if (!json_object_is_type(j, json_type_object))
		return keel_fail(e, EINVAL, "%s: no JSON object", from);
	c->setting = calloc(json_object_object_length(j) + 1, sizeof(*c->setting));
	if (!c->setting)
		return keel_fail(e, ENOMEM, "no memory");
	json_object_object_foreach(j, key, val) {
		struct cfg_setting *s = &c->setting[c->settings++];

		s->name = strdup(key);
		s->from = from;
		rc = s->name ? value_from_json(&s->value, key, val, from, e) :
			       keel_fail(e, ENOMEM, "no memory");
		if (rc)
			break;
	}
	if (rc)
		cfg_free(c);
	return rc;
}

int guest_from_json(struct guest_config *g, struct json_object *j, struct keel_error *e)
{
	struct cfg c;
	int rc;

	*g = (struct guest_config){ 0 };
	rc = guest_json_to_cfg(&c, j, "stored configuration", e);
	if (rc)
		return rc;
	rc = guest_from_cfg(g, &c, "stored configuration", NULL, NULL, e);
	cfg_free(&c);
	return rc;
}
