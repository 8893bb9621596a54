/* SPDX-License-Identifier: GPL-2.0-only */
/* The settings of keel.cfg(5), each with what puts it into a guest's configuration. */
#include "lib/guest_internal.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *guest_pvh_grub = "/usr/lib/grub-xen/grub-i386-xen_pvh.bin";

/* Puts file and line before what a function without them has said. */
static int located(struct reader *r, const char *what, int rc)
{
	char text[sizeof(r->e->text)];

	if (!rc)
		return 0;
	memcpy(text, r->e->text, sizeof(text));
	return keel_fail(r->e, -rc, "%s:%u: %s: %s", r->file, r->line, what, text);
}

static int set_string(struct reader *r, const struct key *key, const struct cfg_value *v)
{
	char **to = (char **)((char *)r->g + key->offset);

	*to = strdup(v->string);
	return *to ? 0 : keel_fail(r->e, ENOMEM, "no memory");
}

int guest_name_check(const char *name, struct keel_error *e)
{
	if (!*name || strlen(name) > GUEST_NAME_MAX)
		return keel_fail(e, EINVAL, "the name must have 1 to %d characters", GUEST_NAME_MAX);
	if (strspn(name, "0123456789") == strlen(name))
		return keel_fail(e, EINVAL, "the name '%s' would be taken for a domain id; use a letter", name);
	for (const char *p = name; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("_-.:+@", *p))
			return keel_fail(e, EINVAL, "the name '%s' may hold letters, digits and _-.:+@ only", name);
	return 0;
}

static int set_name(struct reader *r, const struct key *key, const struct cfg_value *v)
{
	int rc = guest_name_check(v->string, r->e);

	r->line = v->line;
	return rc ? located(r, "name", rc) : set_string(r, key, v);
}

/*
 * A path that is not absolute starts where the command does, as for xl; keeld, later, is elsewhere.
 */
static int set_path(struct reader *r, const struct key *key, const struct cfg_value *v)
{
	char **to = (char **)((char *)r->g + key->offset);

	if (!*v->string)
		return keel_fail(r->e, EINVAL, "%s:%u: %s is empty", r->file, v->line, key->name);
	return guest_absolute(to, v->string, r->e);
}

/* GRUB for PV guests, which cannot start a guest of Keel. */
static bool is_pv_grub(const char *path)
{
	static const char *const names[] = {
		"grub-x86_64-xen.bin", "grub-i386-xen.bin", "pv-grub-x86_64.gz", "pv-grub-x86_32.gz",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(basename(path), names[i]))
			return true;
	return false;
}

static int ask_loader(struct reader *r, const char *setting)
{
	r->loader = setting;
	r->loaded = (struct place){ r->file, r->line };
	return 0;
}

static int set_kernel(struct reader *r, const struct key *key, const struct cfg_value *v)
{
	return is_pv_grub(v->string) ? ask_loader(r, key->name) : set_path(r, key, v);
}

/*
 * pygrub and pvgrub read a boot menu from the guest's disk; GRUB does that in the guest, with
 * nothing of Dom0's.
 */
static int set_bootloader(struct reader *r, const struct key *key, const struct cfg_value *v)
{
	static const char *const loaders[] = { "pygrub", "pvgrub", "pvgrub32", "pvgrub64" };

	if (!*v->string)
		return 0;
	for (size_t i = 0; i < sizeof(loaders) / sizeof(loaders[0]); i++)
		if (!strcmp(basename(v->string), loaders[i]))
			return ask_loader(r, key->name);
	return keel_fail(r->e, EINVAL,
			 "%s:%u: %s '%s' is not run; name the kernel (kernel, ramdisk, root), or let GRUB start "
			 "what is on the guest's disk (bootloader = \"pygrub\")", r->file, v->line, key->name,
				 v->string);
}

static int set_firmware(struct reader *r, const struct key *key, const struct cfg_value *v)
{
	if (!*v->string)
		return 0;
	if (!strcmp(v->string, "pvgrub32") || !strcmp(v->string, "pvgrub64"))
		return ask_loader(r, key->name);
	return keel_fail(r->e, EINVAL,
			 "%s:%u: firmware '%s': a PVH guest has no firmware; firmware = \"pvgrub32\" lets GRUB "
			 "start what is on its disk", r->file, v->line, v->string);
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

static int set_int(struct reader *r, const struct key *key, const struct cfg_value *v)
{
	if (v->integer < key->min || v->integer > key->max)
		return out_of_range(r, key, v);
	*(int *)((char *)r->g + key->offset) = v->integer;
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
	r->typed = true;
	if (!strcmp(v->string, "pvh"))
		return 0;
	return keel_fail(r->e, EINVAL, "%s:%u: type '%s': Keel runs PVH guests only; a Linux kernel "
			 "starts as one with type = \"pvh\"", r->file, v->line, v->string);
}

/* The old way to say the type: guest.c looks when it knows whether there is a type as well. */
static int set_builder(struct reader *r, const struct key *key, const struct cfg_value *v)
{
	r->builder = v->string;
	return 0;
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
	if (!strncmp(v->string, "coredump-", 9))
		return keel_fail(r->e, EINVAL,
				 "%s:%u: %s = \"%s\" is not supported: keeld dumps no cores; \"preserve\" "
				 "keeps the guest for `keel dump-core` (destroy, restart, rename-restart are the "
				 "others)", r->file, v->line, key->name, v->string);
	if (!strcmp(v->string, "soft-reset"))
		return keel_fail(r->e, EINVAL, "%s:%u: %s = \"%s\" is not supported (destroy, restart, "
				 "rename-restart, preserve are)", r->file, v->line, key->name, v->string);
	return keel_fail(r->e, EINVAL, "%s:%u: %s = \"%s\" is no action (destroy, restart, "
			 "rename-restart, preserve are)", r->file, v->line, key->name, v->string);
}

static int set_tsc(struct reader *r, const struct key *key, const struct cfg_value *v)
{
	static const char *const modes[] = { "default", "always_emulate", "native", "0", "1", "2" };

	for (unsigned int i = 0; i < 6; i++)
		if (!strcmp(v->string, modes[i])) {
			r->g->tsc_mode = i % 3;
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

static int set_localtime(struct reader *r, const struct key *key, const struct cfg_value *v)
{
	r->g->localtime = v->integer != 0;
	return 0;
}

static int add_list(struct reader *r, const struct key *key, struct guest_affinity *a,
		    const struct cfg_value *v)
{
	struct guest_cpus cpus;
	int rc;

	r->line = v->line;
	if (a->n == GUEST_MAX_VCPUS)
		return keel_fail(r->e, EINVAL, "%s:%u: %s has more than %d entries", r->file, v->line, key->name,
				 GUEST_MAX_VCPUS);
	if (v->type == CFG_LIST)
		return keel_fail(r->e, EINVAL, "%s:%u: %s: each entry is a text like \"0-3\"", r->file, v->line,
				 key->name);
	rc = located(r, key->name, guest_parse_cpus(&cpus, v->string, NULL, r->e));
	if (rc)
		return rc;
	a->list[a->n] = strdup(v->string);
	if (!a->list[a->n])
		return keel_fail(r->e, ENOMEM, "no memory");
	a->n++;
	return 0;
}

/* "0-3" is for all vCPUs, ["0", "1"] for one each. */
static int set_cpus(struct reader *r, const struct key *key, const struct cfg_value *v)
{
	struct guest_affinity *a = (struct guest_affinity *)((char *)r->g + key->offset);
	int rc = 0;

	a->each = v->type == CFG_LIST;
	if (!a->each)
		return *v->string ? add_list(r, key, a, v) : 0;
	for (size_t i = 0; i < v->items && !rc; i++)
		rc = add_list(r, key, a, v->item[i]);
	return rc;
}

static int set_pool(struct reader *r, const struct key *key, const struct cfg_value *v)
{
	return *v->string ? set_string(r, key, v) : 0;
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

/* An entry of a list of devices, of which there are at most so many: a string. */
static int check_entry(struct reader *r, const struct cfg_value *v, size_t i, const char *what,
		       unsigned int most, const char *many)
{
	r->line = v->item[i]->line;
	if (v->item[i]->type != CFG_STRING)
		return keel_fail(r->e, EINVAL, "%s:%u: each %s is a string", r->file, r->line, what);
	if (i == most)
		return keel_fail(r->e, EINVAL, "%s:%u: more than %u %s", r->file, r->line, most, many);
	return 0;
}

static int set_disks(struct reader *r, const struct key *key, const struct cfg_value *v)
{
	for (size_t i = 0; i < v->items; i++) {
		struct guest_disk *d = &r->g->disk[i];
		int rc = check_entry(r, v, i, "disk", GUEST_MAX_DISKS, "disks");

		if (!rc)
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

/* Those that name no number get the first that is free, in their order. */
static int number_vifs(struct reader *r)
{
	struct guest_config *g = r->g;

	for (unsigned int i = 0; i < g->vifs; i++)
		for (unsigned int k = 0; k < i; k++)
			if (g->vif[i].devid != VIF_ANY_DEVID && g->vif[i].devid == g->vif[k].devid)
				return keel_fail(r->e, EINVAL, "%s:%u: vif: two have devid %u", r->file, r->line,
						 g->vif[i].devid);
	for (unsigned int i = 0, next = 0; i < g->vifs; i++) {
		if (g->vif[i].devid != VIF_ANY_DEVID)
			continue;
		for (unsigned int k = 0; k < g->vifs; k++)
			if (g->vif[k].devid == next) {
				next++;
				k = ~0u;	/* once more from the first */
			}
		g->vif[i].devid = next;
	}
	return 0;
}

static int set_vifs(struct reader *r, const struct key *key, const struct cfg_value *v)
{
	for (size_t i = 0; i < v->items; i++) {
		int rc = check_entry(r, v, i, "vif", GUEST_MAX_VIFS, "vifs");

		if (!rc)
			rc = located(r, "vif", guest_parse_vif(&r->g->vif[i], v->item[i]->string, reader_warn, r,
						       r->e));
		if (rc)
			return rc;
		r->g->vifs++;
	}
	return number_vifs(r);
}

static int set_pcis(struct reader *r, const struct key *key, const struct cfg_value *v)
{
	for (size_t i = 0; i < v->items; i++) {
		int rc = check_entry(r, v, i, "pci", GUEST_MAX_PCI, "PCI functions");

		if (!rc)
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

const struct key guest_keys[] = {
	{ "name", CFG_STRING, set_name, AT(name), 0, 0 },
	{ "uuid", CFG_STRING, set_uuid, 0, 0, 0 },
	{ "type", CFG_STRING, set_type, 0, 0, 0 },
	{ "builder", CFG_STRING, set_builder, 0, 0, 0 },
	{ "kernel", CFG_STRING, set_kernel, AT(kernel), 0, 0 },
	{ "bootloader", CFG_STRING, set_bootloader, 0, 0, 0 },
	{ "firmware", CFG_STRING, set_firmware, 0, 0, 0 },
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
	{ "max_maptrack_frames", CFG_INTEGER, set_unsigned, AT(max_maptrack_frames), 0, 4096 },
	{ "shadow_memory", CFG_INTEGER, set_unsigned, AT(page_tables_mib), 0, 1 << 20 },
	{ "rtc_timeoffset", CFG_INTEGER, set_int, AT(time_offset), -(1 << 30), 1 << 30 },
	{ "localtime", CFG_INTEGER, set_localtime, 0, 0, 0 },
	{ "pool", CFG_STRING, set_pool, AT(pool), 0, 0 },
	{ "cpus", KEY_ANY, set_cpus, AT(cpus), 0, 0 },
	{ "cpus_soft", KEY_ANY, set_cpus, AT(cpus_soft), 0, 0 },
	{ "on_poweroff", CFG_STRING, set_action, AT(on_poweroff), 0, 0 },
	{ "on_reboot", CFG_STRING, set_action, AT(on_reboot), 0, 0 },
	{ "on_watchdog", CFG_STRING, set_action, AT(on_watchdog), 0, 0 },
	{ "on_crash", CFG_STRING, set_action, AT(on_crash), 0, 0 },
	{ "disk", CFG_LIST, set_disks, 0, 0, 0 },
	{ "vif", CFG_LIST, set_vifs, 0, 0, 0 },
	{ "pci", CFG_LIST, set_pcis, 0, 0, 0 },
	{ "passthrough", CFG_STRING, set_passthrough, 0, 0, 0 },
	{ 0 }
};
