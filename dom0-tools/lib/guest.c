/* SPDX-License-Identifier: GPL-2.0-only */
/* From the settings of a file to a guest: keel.cfg(5). */
#include "lib/guest.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is being read, for messages: where the setting comes from, and the file as a whole. */
struct reader {
	struct guest_config *g;
	const char *file, *whole;
	unsigned int line;
	bool no_passthrough;		/* the file says so */
	char *root, *extra;
	struct place {
		const char *file;
		unsigned int line;
	} joined;			/* the later one of these two */
	guest_warn_fn *warn;
	void *arg;
	struct keel_error *e;
};

struct key {
	const char *name;
	enum cfg_type type;
	int (*set)(struct reader *r, const struct key *key, const struct cfg_value *v);
	size_t offset;
	int64_t min, max;
};

static void reader_warn(void *arg, const char *text)
{
	struct reader *r = arg;
	char line[256];

	snprintf(line, sizeof(line), "%s:%u: %s", r->file, r->line, text);
	if (r->warn)
		r->warn(r->arg, line);
}

/* Puts file and line before what a function without them has said. */
static int located(struct reader *r, const char *what, int rc)
{
	char text[sizeof(r->e->text)];

	if (!rc)
		return 0;
	memcpy(text, r->e->text, sizeof(text));
	return keel_fail(r->e, -rc, "%s:%u: %s: %s", r->file, r->line, what, text);
}

static int bad_type(struct reader *r, const struct key *key, const struct cfg_value *v)
{
	return keel_fail(r->e, EINVAL, "%s:%u: %s must be %s, not %s", r->file, v->line,
			 key->name, cfg_type_name(key->type), cfg_type_name(v->type));
}

static int set_string(struct reader *r, const struct key *key, const struct cfg_value *v)
{
	char **to = (char **)((char *)r->g + key->offset);

	*to = strdup(v->string);
	return *to ? 0 : keel_fail(r->e, ENOMEM, "no memory");
}

static int set_name(struct reader *r, const struct key *key, const struct cfg_value *v)
{
	if (!*v->string || strlen(v->string) > GUEST_NAME_MAX)
		return keel_fail(r->e, EINVAL, "%s:%u: the name must have 1 to %d characters", r->file,
				 v->line, GUEST_NAME_MAX);
	if (strspn(v->string, "0123456789") == strlen(v->string))
		return keel_fail(r->e, EINVAL, "%s:%u: the name '%s' would be taken for a domain id; "
				 "use a letter", r->file, v->line, v->string);
	for (const char *p = v->string; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("_-.:+@", *p))
			return keel_fail(r->e, EINVAL, "%s:%u: the name '%s' may hold letters, digits and "
					 "_-.:+@ only", r->file, v->line, v->string);
	return set_string(r, key, v);
}

static int set_path(struct reader *r, const struct key *key, const struct cfg_value *v)
{
	if (*v->string != '/')
		return keel_fail(r->e, EINVAL, "%s:%u: %s '%s' is not an absolute path", r->file, v->line,
				 key->name, v->string);
	return set_string(r, key, v);
}

static int out_of_range(struct reader *r, const struct key *key, const struct cfg_value *v)
{
	return keel_fail(r->e, EINVAL, "%s:%u: %s = %lld is out of range: %lld to %lld", r->file,
			 v->line, key->name, (long long)v->integer, (long long)key->min,
			 (long long)key->max);
}

static int set_unsigned(struct reader *r, const struct key *key, const struct cfg_value *v)
{
	if (v->integer < key->min || v->integer > key->max)
		return out_of_range(r, key, v);
	*(unsigned int *)((char *)r->g + key->offset) = v->integer;
	return 0;
}

static int set_mib(struct reader *r, const struct key *key, const struct cfg_value *v)
{
	if (v->integer < key->min || v->integer > key->max)
		return out_of_range(r, key, v);
	*(uint64_t *)((char *)r->g + key->offset) = v->integer;
	return 0;
}

static int set_type(struct reader *r, const struct key *key, const struct cfg_value *v)
{
	if (!strcmp(v->string, "pvh"))
		return 0;
	return keel_fail(r->e, EINVAL, "%s:%u: type '%s': Keel runs PVH guests only; a Linux kernel "
			 "starts as one with type = \"pvh\"", r->file, v->line, v->string);
}

static int set_uuid(struct reader *r, const struct key *key, const struct cfg_value *v)
{
	if (guest_uuid_parse(v->string, r->g->uuid))
		return keel_fail(r->e, EINVAL, "%s:%u: '%s' is no UUID", r->file, v->line, v->string);
	r->g->has_uuid = true;
	return 0;
}

static int set_action(struct reader *r, const struct key *key, const struct cfg_value *v)
{
	enum guest_action *to = (enum guest_action *)((char *)r->g + key->offset);

	if (!guest_action_from_name(v->string, to))
		return 0;
	if (!strncmp(v->string, "coredump-", 9) || !strcmp(v->string, "soft-reset"))
		return keel_fail(r->e, EINVAL, "%s:%u: %s = \"%s\" is not supported (destroy, restart, "
				 "rename-restart, preserve are)", r->file, v->line, key->name, v->string);
	return keel_fail(r->e, EINVAL, "%s:%u: %s = \"%s\" is no action (destroy, restart, "
			 "rename-restart, preserve are)", r->file, v->line, key->name, v->string);
}

static int set_tsc(struct reader *r, const struct key *key, const struct cfg_value *v)
{
	static const char *const modes[] = { "default", "always_emulate", "native" };

	for (unsigned int i = 0; i < 3; i++)
		if (!strcmp(v->string, modes[i])) {
			r->g->tsc_mode = i;
			return 0;
		}
	return keel_fail(r->e, EINVAL, "%s:%u: tsc_mode '%s' is not one of default, always_emulate, "
			 "native", r->file, v->line, v->string);
}

static int set_acpi(struct reader *r, const struct key *key, const struct cfg_value *v)
{
	if (v->integer)
		return 0;
	return keel_fail(r->e, EINVAL, "%s:%u: acpi = 0: a PVH guest finds its CPUs and its timer through "
			 "ACPI's tables; Keel's guests always have them", r->file, v->line);
}

static int set_root(struct reader *r, const struct key *key, const struct cfg_value *v)
{
	r->root = v->string;
	r->joined = (struct place){ r->file, r->line };
	return 0;
}

static int set_extra(struct reader *r, const struct key *key, const struct cfg_value *v)
{
	r->extra = v->string;
	r->joined = (struct place){ r->file, r->line };
	return 0;
}

static int set_disks(struct reader *r, const struct key *key, const struct cfg_value *v)
{
	for (size_t i = 0; i < v->items; i++) {
		struct guest_disk *d = &r->g->disk[i];
		int rc;

		r->line = v->item[i]->line;
		if (v->item[i]->type != CFG_STRING)
			return keel_fail(r->e, EINVAL, "%s:%u: each disk is a string", r->file, r->line);
		if (i == GUEST_MAX_DISKS)
			return keel_fail(r->e, EINVAL, "%s:%u: more than %d disks", r->file, r->line,
					 GUEST_MAX_DISKS);
		rc = located(r, "disk", guest_parse_disk(d, v->item[i]->string, reader_warn, r, r->e));
		if (rc)
			return rc;
		r->g->disks++;
		for (size_t k = 0; k < i; k++)
			if (r->g->disk[k].number == d->number)
				return keel_fail(r->e, EINVAL, "%s:%u: two disks are %s", r->file, r->line,
						 d->vdev);
	}
	return 0;
}

static int set_vifs(struct reader *r, const struct key *key, const struct cfg_value *v)
{
	for (size_t i = 0; i < v->items; i++) {
		int rc;

		r->line = v->item[i]->line;
		if (v->item[i]->type != CFG_STRING)
			return keel_fail(r->e, EINVAL, "%s:%u: each vif is a string", r->file, r->line);
		if (i == GUEST_MAX_VIFS)
			return keel_fail(r->e, EINVAL, "%s:%u: more than %d vifs", r->file, r->line,
					 GUEST_MAX_VIFS);
		rc = located(r, "vif", guest_parse_vif(&r->g->vif[i], v->item[i]->string, reader_warn, r,
						       r->e));
		if (rc)
			return rc;
		r->g->vifs++;
	}
	return 0;
}

static int set_pcis(struct reader *r, const struct key *key, const struct cfg_value *v)
{
	for (size_t i = 0; i < v->items; i++) {
		int rc;

		r->line = v->item[i]->line;
		if (v->item[i]->type != CFG_STRING)
			return keel_fail(r->e, EINVAL, "%s:%u: each pci is a string", r->file, r->line);
		if (i == GUEST_MAX_PCI)
			return keel_fail(r->e, EINVAL, "%s:%u: more than %d PCI functions", r->file, r->line,
					 GUEST_MAX_PCI);
		rc = located(r, "pci", guest_parse_pci(&r->g->pci[i], v->item[i]->string, reader_warn, r, r->e));
		if (rc)
			return rc;
		for (size_t k = 0; k < i; k++)
			if (r->g->pci[k].sbdf == r->g->pci[i].sbdf)
				return keel_fail(r->e, EINVAL, "%s:%u: '%s' is there twice", r->file, r->line,
						 v->item[i]->string);
		r->g->pcis++;
	}
	r->g->passthrough |= r->g->pcis > 0;
	return 0;
}

static int set_passthrough(struct reader *r, const struct key *key, const struct cfg_value *v)
{
	static const char *const on[] = { "enabled", "sync_pt", "share_pt", "1" };
	static const char *const off[] = { "disabled", "default", "0" };

	for (size_t i = 0; i < sizeof(on) / sizeof(on[0]); i++)
		if (!strcmp(v->string, on[i])) {
			r->g->passthrough = true;
			return 0;
		}
	for (size_t i = 0; i < sizeof(off) / sizeof(off[0]); i++)
		if (!strcmp(v->string, off[i])) {
			r->no_passthrough = strcmp(v->string, "default");
			return 0;
		}
	return keel_fail(r->e, EINVAL, "%s:%u: passthrough '%s' is neither enabled nor disabled", r->file,
			 v->line, v->string);
}

#define AT(field) offsetof(struct guest_config, field)

static const struct key keys[] = {
	{ "name", CFG_STRING, set_name, AT(name), 0, 0 },
	{ "uuid", CFG_STRING, set_uuid, 0, 0, 0 },
	{ "type", CFG_STRING, set_type, 0, 0, 0 },
	{ "kernel", CFG_STRING, set_path, AT(kernel), 0, 0 },
	{ "ramdisk", CFG_STRING, set_path, AT(ramdisk), 0, 0 },
	{ "cmdline", CFG_STRING, set_string, AT(cmdline), 0, 0 },
	{ "root", CFG_STRING, set_root, 0, 0, 0 },
	{ "extra", CFG_STRING, set_extra, 0, 0, 0 },
	{ "memory", CFG_INTEGER, set_mib, AT(memory_mib), 1, 16 << 20 },
	{ "maxmem", CFG_INTEGER, set_mib, AT(maxmem_mib), 1, 16 << 20 },
	{ "vcpus", CFG_INTEGER, set_unsigned, AT(vcpus), 1, GUEST_MAX_VCPUS },
	{ "maxvcpus", CFG_INTEGER, set_unsigned, AT(maxvcpus), 1, GUEST_MAX_VCPUS },
	{ "cpu_weight", CFG_INTEGER, set_unsigned, AT(weight), 1, 65535 },
	{ "cap", CFG_INTEGER, set_unsigned, AT(cap), 0, 100 * GUEST_MAX_VCPUS },
	{ "acpi", CFG_INTEGER, set_acpi, 0, 0, 0 },
	{ "tsc_mode", CFG_STRING, set_tsc, 0, 0, 0 },
	{ "max_event_channels", CFG_INTEGER, set_unsigned, AT(max_event_channels), 16, 4095 },
	{ "max_grant_frames", CFG_INTEGER, set_unsigned, AT(max_grant_frames), 1, 64 },
	{ "on_poweroff", CFG_STRING, set_action, AT(on_poweroff), 0, 0 },
	{ "on_reboot", CFG_STRING, set_action, AT(on_reboot), 0, 0 },
	{ "on_crash", CFG_STRING, set_action, AT(on_crash), 0, 0 },
	{ "disk", CFG_LIST, set_disks, 0, 0, 0 },
	{ "vif", CFG_LIST, set_vifs, 0, 0, 0 },
	{ "pci", CFG_LIST, set_pcis, 0, 0, 0 },
	{ "passthrough", CFG_STRING, set_passthrough, 0, 0, 0 },
};

#define NR_KEYS (sizeof(keys) / sizeof(keys[0]))

/* Settings of xl.cfg(5) that a file may hold and that change nothing for a PVH guest of Keel. */
static const char *const ignored[] = {
	"apic", "boot", "cpus", "cpus_soft", "cpuid", "description", "device_model_version",
	"firmware", "hap", "localtime", "max_maptrack_frames", "max_grant_version", "nestedhvm",
	"nomigrate", "on_watchdog", "on_soft_reset", "pae", "pool", "rtc_timeoffset",
	"sdl", "serial", "vnc", "xen_platform_pci", "builder", "claim_mode", "shadow_memory",
};

static unsigned int distance(const char *a, const char *b)
{
	unsigned int row[64], la = strlen(a), lb = strlen(b);

	if (la >= 64 || lb >= 64)
		return 64;
	for (unsigned int j = 0; j <= lb; j++)
		row[j] = j;
	for (unsigned int i = 1; i <= la; i++) {
		unsigned int corner = row[0];

		row[0] = i;
		for (unsigned int j = 1; j <= lb; j++) {
			unsigned int up = row[j];
			unsigned int best = corner + (a[i - 1] != b[j - 1]);

			if (up + 1 < best)
				best = up + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			corner = up;
			row[j] = best;
		}
	}
	return row[lb];
}

static int unknown(struct reader *r, const struct cfg_setting *s)
{
	const char *near = NULL;
	unsigned int best = 4;

	for (size_t i = 0; i < NR_KEYS; i++)
		if (distance(s->name, keys[i].name) < best) {
			best = distance(s->name, keys[i].name);
			near = keys[i].name;
		}
	if (near)
		return keel_fail(r->e, EINVAL, "%s:%u: unknown setting '%s'; did you mean '%s'?", r->file,
				 s->line, s->name, near);
	return keel_fail(r->e, EINVAL, "%s:%u: unknown setting '%s' (keel.cfg(5) lists what there is)",
			 r->file, s->line, s->name);
}

static int one_setting(struct reader *r, const struct cfg_setting *s)
{
	char text[128];

	r->file = s->from;
	r->line = s->line;
	for (size_t i = 0; i < NR_KEYS; i++) {
		if (strcmp(s->name, keys[i].name))
			continue;
		if (s->value->type != keys[i].type)
			return bad_type(r, &keys[i], s->value);
		return keys[i].set(r, &keys[i], s->value);
	}
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		if (!strcmp(s->name, ignored[i])) {
			snprintf(text, sizeof(text), "'%s' has no effect on Keel", s->name);
			reader_warn(r, text);
			return 0;
		}
	return unknown(r, s);
}

static int join_cmdline(struct reader *r)
{
	if (r->g->cmdline) {
		if (!r->joined.file)
			return 0;
		r->file = r->joined.file;
		r->line = r->joined.line;
		reader_warn(r, "'cmdline' is set, so 'root' and 'extra' have no effect");
		return 0;
	}
	if (asprintf(&r->g->cmdline, "%s%s%s%s", r->root ? "root=" : "", r->root ? r->root : "",
		     r->root && r->extra ? " " : "", r->extra ? r->extra : "") < 0) {
		r->g->cmdline = NULL;
		return keel_fail(r->e, ENOMEM, "no memory");
	}
	return 0;
}

/*
 * Linux sets the Xen timer up after the local APIC, which it finds through ACPI (or which it may
 * not use). Without, it waits for a PIT, which a PVH guest has not: it stops, and says nothing.
 */
static int check_cmdline(struct reader *r)
{
	static const char *const fatal[] = { "acpi=off", "nolapic", "disableapic" };
	const char *p = r->g->cmdline;

	while (*(p += strspn(p, " "))) {
		size_t n = strcspn(p, " ");

		if (n == 2 && !memcmp(p, "--", 2))	/* the rest is for init */
			break;
		for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
			if (n == strlen(fatal[i]) && !memcmp(p, fatal[i], n))
				return keel_fail(r->e, EINVAL, "%s: '%s' on the kernel's command line: Linux "
						 "then has no timer as a PVH guest and stops while it starts; leave it out",
						 r->whole, fatal[i]);
		p += n;
	}
	return 0;
}

static int check_whole(struct reader *r)
{
	struct guest_config *g = r->g;
	const char *missing = !g->name ? "name" : !g->kernel ? "kernel" : !g->memory_mib ? "memory" : NULL;

	if (missing)
		return keel_fail(r->e, EINVAL, "%s: there is no '%s'", r->whole, missing);
	if (!g->maxmem_mib)
		g->maxmem_mib = g->memory_mib;
	if (g->maxmem_mib < g->memory_mib)
		return keel_fail(r->e, EINVAL, "%s: maxmem = %llu is less than memory = %llu", r->whole,
				 (unsigned long long)g->maxmem_mib, (unsigned long long)g->memory_mib);
	if (!g->maxvcpus)
		g->maxvcpus = g->vcpus;
	if (g->maxvcpus < g->vcpus)
		return keel_fail(r->e, EINVAL, "%s: maxvcpus = %u is less than vcpus = %u", r->whole,
				 g->maxvcpus, g->vcpus);
	if (g->pcis && r->no_passthrough)
		return keel_fail(r->e, EINVAL, "%s: pci needs passthrough = \"enabled\"", r->whole);
	return 0;
}

static void defaults(struct guest_config *g)
{
	*g = (struct guest_config){
		.vcpus = 1, .max_event_channels = 1023, .max_grant_frames = 64,
		.on_poweroff = ACTION_DESTROY, .on_reboot = ACTION_RESTART, .on_crash = ACTION_DESTROY,
	};
}

int guest_from_cfg(struct guest_config *g, const struct cfg *c, const char *file,
		   guest_warn_fn *warn, void *arg, struct keel_error *e)
{
	struct reader r = { .g = g, .whole = file, .warn = warn, .arg = arg, .e = e };
	int rc = 0;

	defaults(g);
	for (size_t i = 0; i < c->settings && !rc; i++)
		rc = one_setting(&r, &c->setting[i]);
	if (!rc)
		rc = join_cmdline(&r);
	if (!rc)
		rc = check_cmdline(&r);
	if (!rc)
		rc = check_whole(&r);
	if (rc)
		guest_free(g);
	return rc;
}

int guest_from_file(struct guest_config *g, const char *path, guest_warn_fn *warn, void *arg,
		    struct keel_error *e)
{
	struct cfg c;
	int rc;

	*g = (struct guest_config){ 0 };
	rc = cfg_read_file(&c, path, e);
	if (rc)
		return rc;
	rc = guest_from_cfg(g, &c, path, warn, arg, e);
	cfg_free(&c);
	return rc;
}

void guest_free(struct guest_config *g)
{
	free(g->name);
	free(g->kernel);
	free(g->ramdisk);
	free(g->cmdline);
	for (unsigned int i = 0; i < GUEST_MAX_DISKS; i++)
		free(g->disk[i].path);
	*g = (struct guest_config){ 0 };
}
