/* SPDX-License-Identifier: GPL-2.0-only */
/* From the settings of a file to a guest: keel.cfg(5). */
#include "lib/guest_internal.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/blob.h"

/* JSON has no lines: a message of the form "file:0: what" leaves the number out. */
static void without_line_0(const struct reader *r, char *text)
{
	size_t n = r->file ? strlen(r->file) : 0;

	if (n && !strncmp(text, r->file, n) && !strncmp(text + n, ":0: ", 4))
		memmove(text + n, text + n + 2, strlen(text + n + 2) + 1);
}

void reader_warn(void *arg, const char *text)
{
	struct reader *r = arg;
	char line[640];

	snprintf(line, sizeof(line), "%s:%u: %s", r->file, r->line, text);
	without_line_0(r, line);
	keel_plain(line);
	if (r->warn)
		r->warn(r->arg, line);
}

int guest_absolute(char **out, const char *path, struct keel_error *e)
{
	char *here = *path == '/' ? strdup("") : getcwd(NULL, 0);
	int n;

	*out = NULL;
	if (!here && *path != '/')
		return keel_fail_errno(e, "cannot tell the current directory, in which %s is", path);
	if (!here)
		return keel_fail(e, ENOMEM, "no memory");
	if (!strncmp(path, "./", 2))
		path += 2;
	n = asprintf(out, "%s%s%s", here, *path == '/' || here[1] == 0 ? "" : "/", path);
	free(here);
	if (n >= 0)
		return 0;
	*out = NULL;
	return keel_fail(e, ENOMEM, "no memory");
}

static const char *key_type_name(const struct key *key)
{
	return cfg_type_name((enum cfg_type)key->type);
}

/*
 * In xl.cfg numbers and strings are interchangeable: a quoted value may be needed as a number, and
 * a number as a string. @v is a copy, whose strings are the setting's.
 */
static int convert(struct reader *r, const struct key *key, struct cfg_value *v)
{
	char *end;

	if (key->type == KEY_ANY || v->type == key->type)
		return 0;
	if (v->type == CFG_LIST || key->type == CFG_LIST)
		return keel_fail(r->e, EINVAL, "%s:%u: %s must be %s, not %s", r->file, v->line, key->name,
				 key_type_name(key), cfg_type_name(v->type));
	if (key->type == CFG_INTEGER) {
		errno = 0;
		v->integer = strtoll(v->string, &end, 0);
		if (errno || *end || end == v->string)
			return keel_fail(r->e, EINVAL, "%s:%u: %s must be an integer, not '%s'", r->file, v->line,
					 key->name, v->string);
	}
	v->type = key->type;
	return 0;
}

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

	for (const struct key *key = guest_keys; key->name; key++)
		if (distance(s->name, key->name) < best) {
			best = distance(s->name, key->name);
			near = key->name;
		}
	if (near)
		return keel_fail(r->e, EINVAL, "%s:%u: unknown setting '%s'; did you mean '%s'?", r->file,
				 s->line, s->name, near);
	return keel_fail(r->e, EINVAL, "%s:%u: unknown setting '%s' (keel.cfg(5) lists them all)",
			 r->file, s->line, s->name);
}

static int one_setting(struct reader *r, const struct cfg_setting *s)
{
	struct cfg_value v = *s->value;
	char text[128];
	int rc;

	r->file = s->from;
	r->line = s->line;
	if (s->before) {
		snprintf(text, sizeof(text), "'%.40s' is there twice: this one counts, not that of line %u",
			 s->name, s->before);
		reader_warn(r, text);
	}
	for (const struct key *key = guest_keys; key->name; key++) {
		if (strcmp(s->name, key->name))
			continue;
		rc = convert(r, key, &v);
		return rc ? rc : key->set(r, key, &v);
	}
	rc = guest_known_setting(r, s);
	return rc == 1 ? unknown(r, s) : rc;
}

/*
 * GRUB takes the kernel's place, and its menu says what the kernel, its ramdisk and its words are.
 */
static int use_loader(struct reader *r)
{
	struct guest_config *g = r->g;
	char text[512];

	if (!r->loader)
		return 0;
	r->file = r->loaded.file;
	r->line = r->loaded.line;
	if (access(guest_pvh_grub, R_OK))
		return keel_fail(r->e, EINVAL,
				 "%s:%u: %s: there is no GRUB for PVH guests, %s; the package grub-xen-host has it", r->file,
					 r->line, r->loader, guest_pvh_grub);
	snprintf(text, sizeof(text),
		 "'%s' is answered with GRUB for PVH guests, %s, which reads its menu from the guest's disk",
			 r->loader, guest_pvh_grub);
	reader_warn(r, text);
	if (g->kernel || g->ramdisk)
		reader_warn(r, "'kernel' and 'ramdisk' have no effect then");
	if (r->root || r->extra || g->cmdline)
		reader_warn(r,
			    "'cmdline', 'root' and 'extra' do not reach the kernel that GRUB starts: put them into its menu");
	free(g->kernel);
	free(g->ramdisk);
	g->ramdisk = NULL;
	g->kernel = strdup(guest_pvh_grub);
	return g->kernel ? 0 : keel_fail(r->e, ENOMEM, "no memory");
}

/* A file for xl without a type is a PV guest's. */
static int check_type(struct reader *r)
{
	char text[512];

	if (r->typed)
		return 0;
	if (r->builder && !strcmp(r->builder, "hvm"))
		return keel_fail(r->e, EINVAL,
				 "%s: builder = \"hvm\": Keel runs PVH guests only; a Linux kernel starts as one "
				 "with type = \"pvh\"", r->whole);
	snprintf(text, sizeof(text),
		 "%s: there is no 'type': keel makes a PVH guest, where xl would make a PV one; say type = "
		 "\"pvh\"", r->whole);
	if (r->warn)
		r->warn(r->arg, text);
	return 0;
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
 * not use). Without it, Linux waits for a PIT, which a PVH guest lacks: it hangs without a message.
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
		.vcpus = 1, .max_event_channels = 1023, .max_grant_frames = 64, .max_maptrack_frames = 1024,
		.on_poweroff = ACTION_DESTROY, .on_reboot = ACTION_RESTART, .on_watchdog = ACTION_DESTROY,
		.on_crash = ACTION_DESTROY,
	};
}

/* If somebody wants the messages, reading continues after an error; the first one is returned. */
static bool goes_on(struct reader *r, int rc, int *first, struct keel_error *why)
{
	if (!rc)
		return true;
	without_line_0(r, r->e->text);
	if (r->refuse)
		r->refuse(r->arg, r->e->text);
	if (!*first) {
		*first = rc;
		*why = *r->e;
	}
	return r->refuse;
}

static int read_all(struct reader *r, const struct cfg *c)
{
	static int (*const whole[])(struct reader *r) = {
		check_type, use_loader, join_cmdline, check_cmdline, check_whole,
	};
	struct keel_error why;
	int rc = 0;

	defaults(r->g);
	for (size_t i = 0; i < c->settings; i++)
		if (!goes_on(r, one_setting(r, &c->setting[i]), &rc, &why))
			break;
	/* Refused settings would be missing. */
	for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]) && !rc; i++)
		goes_on(r, whole[i](r), &rc, &why);
	if (!rc)
		return 0;
	*r->e = why;
	guest_free(r->g);
	return rc;
}

int guest_from_cfg(struct guest_config *g, const struct cfg *c, const char *file,
		   guest_warn_fn *warn, void *arg, struct keel_error *e)
{
	struct reader r = { .g = g, .whole = file, .warn = warn, .arg = arg, .e = e };

	return read_all(&r, c);
}

int guest_check_cfg(struct guest_config *g, const struct cfg *c, const char *file,
		    guest_warn_fn *warn, guest_warn_fn *refuse, void *arg, struct keel_error *e)
{
	struct reader r = { .g = g, .whole = file, .warn = warn, .refuse = refuse, .arg = arg, .e = e };

	return read_all(&r, c);
}

/* Why there is no object, or what is behind it: nothing may be passed over. */
static int json_error(struct json_tokener *t, bool parsed, const struct blob *text,
		      const char *path, struct keel_error *e)
{
	enum json_tokener_error error = json_tokener_get_error(t);
	size_t at = json_tokener_get_parse_end(t);

	if (!parsed && error == json_tokener_continue)
		return keel_fail(e, EINVAL, "%s: no JSON: the file ends too early", path);
	if (!parsed)
		return keel_fail(e, EINVAL, "%s: no JSON: %s at byte %zu", path, json_tokener_error_desc(error),
				 at);
	while (at < text->size && isspace(text->data[at]))
		at++;
	if (at == text->size)
		return 0;
	return keel_fail(e, EINVAL, "%s: there is more behind the JSON object, at byte %zu", path, at);
}

static int read_json(struct cfg *c, const struct blob *text, const char *path, struct keel_error *e)
{
	struct json_tokener *t = json_tokener_new();
	struct json_object *j;
	int rc;

	if (!t)
		return keel_fail(e, ENOMEM, "no memory");
	j = json_tokener_parse_ex(t, (const char *)text->data, text->size);
	rc = json_error(t, j, text, path, e);
	if (!rc)
		rc = guest_json_to_cfg(c, j, path, e);
	json_object_put(j);
	json_tokener_free(t);
	return rc;
}

int guest_read_cfg(struct cfg *c, const char *path, struct keel_error *e)
{
	struct blob text;
	size_t at = 0;
	int rc;

	*c = (struct cfg){ 0 };
	rc = blob_open(&text, path, "configuration", e);
	if (rc)
		return rc;
	while (at < text.size && isspace(text.data[at]))
		at++;
	if (text.size > CFG_MAX_SIZE || at == text.size || text.data[at] != '{')
		rc = cfg_parse(c, (const char *)text.data, text.size, path, e);
	else
		rc = read_json(c, &text, path, e);
	blob_free(&text);
	return rc;
}

int guest_from_file(struct guest_config *g, const char *path, guest_warn_fn *warn, void *arg,
		    struct keel_error *e)
{
	struct cfg c;
	int rc;

	*g = (struct guest_config){ 0 };
	rc = guest_read_cfg(&c, path, e);
	if (rc)
		return rc;
	rc = guest_from_cfg(g, &c, path, warn, arg, e);
	cfg_free(&c);
	return rc;
}

static void free_affinity(struct guest_affinity *a)
{
	for (unsigned int i = 0; i < a->n; i++)
		free(a->list[i]);
}

void guest_free(struct guest_config *g)
{
	free(g->name);
	free(g->kernel);
	free(g->ramdisk);
	free(g->cmdline);
	free(g->pool);
	free_affinity(&g->cpus);
	free_affinity(&g->cpus_soft);
	for (unsigned int i = 0; i < GUEST_MAX_DISKS; i++)
		free(g->disk[i].path);
	*g = (struct guest_config){ 0 };
}
